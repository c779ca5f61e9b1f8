"""STEP card: the model's card as Markdown, from records alone: what was not measured, it says.

The outline follows Mitchell et al., "Model cards for model reporting", 2019.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from training import figures
from training.curve import evaluation_of
from training.figures import Row
from training.models import Evaluation, ModelVersion, TrainingRun
from training.report import RANGED, report_of

NOT_MEASURED = "not measured"
METRICS = {"dice": "Dice", "accuracy": "accuracy"}
CHOICE = ("spread", "difference", "low", "high", "behind", "standard_error")
GROUP_DRAWN = {
    "hd95": "HD95", "lesion_sensitivity": "Lesions found",
    "false_positives_per_image": "False areas an image",
}  # fmt: skip
GROUP_DRAWN_NOTE = (
    "HD95 is the mean over patients of each one's mean over classes; areas of all classes count "
    "together, and of fewer than three there is no share."
)
GROUP_ANSWERS = {"auc": "AUC", "sensitivity": "Sensitivity", "specificity": "Specificity"}
GROUP_ANSWERS_NOTE = (
    "AUC, sensitivity and specificity are means over the options, of all questions, that at least "
    "three of the group's cases show and, as far as they need them, three lack."
)
TITLES = {"age_band": "age band"}  # of subgroups; others are called as they are


def card_of(model: ModelVersion) -> str:
    """Return the card; metrics are those that the page of the version shows."""
    evaluation = evaluation_of(model)
    report = report_of(model, evaluation)
    parts = [
        f"# Model card: {model.campaign.name}, version {model.number}",
        _summary(model),
        _data(model, report),
        _use(model),
        _metrics(model, evaluation, report),
        _subgroups(report),
        _calibration(report),
        _robustness(report),
        _decisions(report),
        _lineage(report),
    ]
    return "\n\n".join(parts) + "\n"


def _summary(model: ModelVersion) -> str:
    crowned = f"{model.champion_since:%Y-%m-%d %H:%M} UTC" if model.champion_since else "never"
    return _bullets(
        ("Campaign", f"{model.campaign.name} ({model.campaign.slug})"),
        ("State", model.state),
        ("Trained", f"{model.created_at:%Y-%m-%d %H:%M} UTC"),
        ("Last made champion", crowned),
        _subjects(model),
    )


def _subjects(model: ModelVersion) -> tuple[str, str]:
    if not model.questions:
        names = [str(row["name"]) for row in model.card.get("classes", [])]
        return "Classes", ", ".join(names)
    asked = (f"{row['code']} ({row['kind']}: {', '.join(row['options'])})"
             for row in model.questions)  # fmt: skip
    return "Questions", "; ".join(asked)


def _data(model: ModelVersion, report: Row) -> str:
    snapshot = model.run.snapshot
    assert snapshot is not None  # a model comes from a run that has its snapshot
    rows = {split: snapshot.manifest.get(split, []) for split in ("training", "held_out")}
    patients = {split: len({row["patient"] for row in found}) for split, found in rows.items()}
    return "## Data\n\n" + _bullets(
        ("Trained on", f"{snapshot.labels} settled cases of {patients['training']} patients"),
        (
            "Held out when it was trained",
            f"{snapshot.held_out} settled cases of {patients['held_out']} patients",
        ),
        ("Measured on", f"{report['cases']} held-out cases of {report['patients']} patients"),
        ("Truth", "the campaign's settled labels, as its readers and reviewers left them"),
    )


def _use(model: ModelVersion) -> str:
    purpose = model.campaign.description.strip() or "The campaign has no description."
    says = "give answers" if model.questions else "draw suggestions"
    return (
        "## Intended use and limits\n\n"
        f"Made to order the cases of this campaign and to {says} that a person corrects. "
        "It is no medical device and was not assessed for diagnosis.\n\n"
        "What the campaign asks, in its own words:\n\n"
        + "\n".join(f"> {line}" for line in purpose.splitlines())
        + "\n\nThe numbers below hold for held-out patients of this campaign. Nothing was measured "
        "on images from elsewhere. Intervals are 95 %, by bootstrap over patients."
    )


def _metrics(model: ModelVersion, evaluation: Evaluation | None, report: Row) -> str:
    if evaluation is None:
        return f"## Metrics\n\nHeld-out performance was {NOT_MEASURED}."
    mean = _mean(figures.standing_of(evaluation.report))
    if model.questions:
        return _answer_metrics(mean, report)
    head = (
        "Class", "Patients", "Dice", "Interval", "IoU", "HD95", "Surface Dice", "Sensitivity",
        "Lesions found", "False areas an image",
    )  # fmt: skip
    rows = [
        (
            row["name"], _number(row["patients"], 0), _number(row["dice"]),
            _interval(row["low"], row["high"]), *(_with_interval(row, name) for name in RANGED),
        )
        for row in report["metrics"]
    ]  # fmt: skip
    note = (
        f"Mean Dice {mean}; one class everywhere, the most common one, "
        f"reaches {_number(report['majority_dice'])}. HD95 and the 2-unit tolerance of the surface "
        "Dice are in mm where images state a spacing, else in pixels."
    )
    return f"## Metrics\n\n{_table(head, rows)}\n\n{note}"


def _mean(standing: Row) -> str:
    """Say the one mean with its interval, and what it is over."""
    if standing["score"] is None:
        return NOT_MEASURED
    low, high = standing["low"], standing["high"]
    within = "" if low is None else f" ({_interval(low, high)})"
    return f"{_number(standing['score'])}{within} over {', '.join(standing['averaged'])}"


def _answer_metrics(mean: str, report: Row) -> str:
    questions = [
        (
            row["name"], _number(row["answered"], 0), _number(row["accuracy"]),
            _interval(row["accuracy_low"], row["accuracy_high"]),
        )
        for row in report["answers"]
    ]  # fmt: skip
    options = [
        (
            row["name"], option["option"], _number(option["positives"], 0),
            *(_with_interval(option, name) for name in ("auc", "sensitivity", "specificity", "f1")),
        )
        for row in report["answers"]
        for option in row["options"]
    ]  # fmt: skip
    note = (
        f"Mean accuracy {mean}; the most common answers alone reach "
        f"{_number(report['majority_accuracy'])} on the questions whose held-out answers differ. "
        "Cases without an answer are left out."
    )
    return "\n\n".join(
        (
            "## Metrics",
            _table(("Question", "Answered", "Accuracy", "Interval"), questions),
            _table(
                ("Question", "Option", "Chosen", "AUC", "Sensitivity", "Specificity", "F1"), options
            ),
            note,
        )
    )


def _with_interval(row: Row, name: str) -> str:
    if row[name] is None:
        return NOT_MEASURED
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    # Of one patient, or by an earlier release, there is a number without an interval.
    return _number(row[name]) + ("" if low is None else f" ({_interval(low, high)})")


def _subgroups(report: Row) -> str:
    rows = report["subgroups"]
    if not rows:
        return f"## Subgroups\n\n{NOT_MEASURED.capitalize()}: no attribute of patients is known."
    mean = "Mean accuracy" if report["answers"] else "Mean Dice"
    more = GROUP_ANSWERS if report["answers"] else GROUP_DRAWN
    head = ("Group", "Patients", mean, "Interval", "Against all others", "Interval", *more.values())
    few = f"fewer than {report['enough_patients']} patients: no number"
    lines = [
        (
            f"{TITLES.get(row['attribute'], row['attribute'])} {row['value']}",
            str(row["patients"]),
            _number(row["mean"]) if row["enough"] else few,
            _interval(row["low"], row["high"]) if row["enough"] else "",
            _number(row["difference"], sign="+") if row["enough"] else "",
            _interval(row["difference_low"], row["difference_high"]) if row["enough"] else "",
            *((_with_interval(row, name) if row["enough"] else "") for name in more),
        )
        for row in rows
    ]
    note = GROUP_ANSWERS_NOTE if report["answers"] else GROUP_DRAWN_NOTE
    return f"## Subgroups\n\n{_table(head, lines)}\n\n{note}"


def _calibration(report: Row) -> str:
    if report["answers"]:
        return _answer_calibration(report["answers"])
    found = report["calibration"]
    if found is None:
        return f"## Calibration\n\nThe calibration of its probabilities was {NOT_MEASURED}."
    return "## Calibration\n\n" + _bullets(
        ("Expected calibration error over 15 bins of confidence", _number(found["ece"], 3)),
        ("Temperature that would repair it", _number(found["temperature"])),
        (
            "Error with it, cross-fitted over halves of the patients",
            _number(found["ece_scaled"], 3),
        ),
    )


def _answer_calibration(answers: Sequence[Row]) -> str:
    head = ("Question", "Choices", "Error", "Temperature", "Error with it")
    lines = [(row["name"], *_calibration_cells(row["calibration"])) for row in answers]
    note = (
        "Expected calibration error over 15 bins of confidence; the temperature that would repair "
        "it, and the error with it, cross-fitted over halves of the patients. Where several "
        "options may be chosen each is a choice, yes or no."
    )
    return f"## Calibration\n\n{_table(head, lines)}\n\n{note}"


def _calibration_cells(found: Row | None) -> tuple[str, ...]:
    if found is None:
        return (NOT_MEASURED,) * 4
    return (
        str(sum(row["count"] for row in found["reliability"])),
        _number(found["ece"], 3), _number(found["temperature"]), _number(found["ece_scaled"], 3),
    )  # fmt: skip


def _robustness(report: Row) -> str:
    found = report["robustness"]
    if found is None:
        return f"## Robustness\n\nHow it holds up when images get worse was {NOT_MEASURED}."
    asked = [row["name"] for row in report["answers"]]
    head = ("Change", "Strength", "Mean accuracy" if asked else "Mean Dice", "Fall", *asked)
    unchanged = {"change": "none", "parts": found["clean"], "mean": found["mean"]}
    rows = [
        (
            row["change"],
            f"{row['strength']:g}" if "strength" in row else "",
            _number(row["mean"]),
            _number(row["fall"]) if "fall" in row else "",
            *(_number(row["parts"].get(name)) for name in asked),
        )
        for row in (unchanged, *found["changes"])
    ]
    how = "by question, every patient counting once" if asked else "pixels pooled"
    over = ", ".join(found["averaged"])
    lead = f"On {found['examples']} cases, {how}; means are over {over}."
    return f"## Robustness\n\n{lead}\n\n{_table(head, rows)}"


def _decisions(report: Row) -> str:
    lines = [
        f"- {row['at']:%Y-%m-%d %H:%M} UTC, {row['actor'] or 'by rule'}: {row['action']}: "
        + "; ".join(why.text for why in row["reasons"])
        for row in report["history"]
    ]
    return "## Decisions\n\n" + ("\n".join(lines) or "None was recorded.")


def _lineage(report: Row) -> str:
    line = report["lineage"]
    config = json.dumps(line["config"], indent=2, sort_keys=True)
    bullets = _bullets(
        ("Data, sha256 of the snapshot's manifest", f"`{line['snapshot_sha256']}`"),
        ("Weights, sha256", f"`{line['weights_sha256']}`"),
        ("Networks", _members(line)),
        ("Started from", _origin(line)),
        ("Training run", f"{line['run']} ({line['reason'] or 'no reason recorded'})"),
        ("Seed", str(line["seed"])),
        ("Version of the software", line["code_version"] or "not recorded"),
    )
    parts = ["## Lineage", bullets, *_choice(line["choice"]), f"```json\n{config}\n```"]
    return "\n\n".join(parts)


def _choice(choice: Row | None) -> tuple[str, ...]:
    """Return how its recipe was chosen among variants, if it was."""
    if choice is None:
        return ()
    head = (
        "Variant", f"Mean {METRICS[choice['metric']]}", "Between folds (SD)", "Against the first",
        "From", "To", "Behind the best", "Standard error",
    )  # fmt: skip
    rows = [
        (
            row["name"] + (" (chosen)" if place == choice["chosen"] else ""),
            "diverged" if row["error"] else _number(row["mean"], 3),
            *("" if row[name] is None else f"{row[name]:.3f}" for name in CHOICE),
        )
        for place, row in enumerate(choice["variants"])
    ]
    note = (
        "The recipe was chosen among variants by a cross-validation on the training patients: of "
        "those within one standard error of the best mean the one named first. Differences are "
        "paired over patients, out of fold; held-out cases had no part in it."
    )
    return note, _table(head, rows)


def _members(line: Row) -> str:
    if line["committee"]:
        return (
            f"one; uncertainty maps are by {line['committee']}, itself and others of its recipe "
            "that were trained by other seeds"
        )
    if not line["members"]:
        return "one"
    return f"{line['members']}, one a fold of a cross-validation; their mean answers"


def _origin(line: Row) -> str:
    if line["donor"]:
        return f"weights of {line['donor']['campaign']}, version {line['donor']['number']}"
    if line["file"]:
        return f"a file: {line['file']}"
    if line["start"] == TrainingRun.Start.PRETRAINED:
        return "a pre-training on images of the campaign's pool, without labels"
    return "from scratch" if line["base_number"] is None else f"version {line['base_number']}"


def _bullets(*rows: tuple[str, str]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _number(value: Any, digits: int = 2, sign: str = "") -> str:
    return NOT_MEASURED if value is None else f"{value:{sign}.{digits}f}"


def _interval(low: float | None, high: float | None) -> str:
    return NOT_MEASURED if low is None or high is None else f"{low:.2f} to {high:.2f}"
