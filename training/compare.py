"""STEP compare: two models side by side, by their numbers (by what they say: `training.shared`).

Differences are paired over patients as for promotion (`training.paired`), on held-out cases that
both were measured on.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from annotations.models import Campaign, Task
from reticle.pixels.agreement import Counts
from training import figures, paired
from training.figures import Report, Row
from training.models import ModelVersion
from training.promote import finite
from training.report import class_rows, newest_evaluation, question_rows


def common_reports(model: ModelVersion, other: ModelVersion) -> tuple[Report, Report] | None:
    """Return the reports of both on the newest held-out list both were measured on, if any."""
    shared = set(other.evaluations.values_list("snapshot_id", flat=True))
    first = model.evaluations.filter(snapshot_id__in=shared).order_by("-id").first()
    if first is None:
        return None
    second = other.evaluations.get(snapshot_id=first.snapshot_id)
    return first.report, second.report


def reports_on_shared_cases(model: ModelVersion, other: ModelVersion) -> tuple[Report, Report]:
    """Return both models' numbers on the cases that both met with the same truth, from any list.

    A held-out list grows while a campaign is read, so two models need not share one.
    """
    mine, theirs = _cases(model), _cases(other)
    shared = sorted(mine.keys() & theirs.keys())
    first, second = ([found[key] for key in shared] for found in (mine, theirs))
    return _pooled(first), _pooled(second)


def _cases(model: ModelVersion) -> dict[tuple[str, str], Row]:
    """Return what was counted of each held-out case, by image and hash of the truth."""
    found = {}
    for evaluation in model.evaluations.select_related("snapshot").order_by("id"):
        held_out = evaluation.snapshot.manifest["held_out"]
        truth = {str(row["image"]): row.get("mask_sha256") or row["findings_sha256"]
                 for row in held_out}  # fmt: skip
        for case in evaluation.report.get("cases", []):
            if case["id"] in truth:
                found[case["id"], truth[case["id"]]] = case
    return found


def _pooled(cases: Sequence[Row]) -> Report:
    """Return a report of these cases alone: a patient's Dice pools the pixels of their images."""
    if any("right" in case for case in cases):
        return _averaged(cases)
    totals: dict[str, dict[str, Counts]] = {}
    for case in cases:
        own = totals.setdefault(case["patient"], {})
        for name, row in case["classes"].items():
            own[name] = own.get(name, Counts(0, 0, 0)) + Counts(row["tp"], row["fp"], row["fn"])
    patients = {
        patient: {name: finite(total.dice) for name, total in classes.items()}
        for patient, classes in totals.items()
    }
    return {"cases": cases, "patients": patients}


def _averaged(cases: Sequence[Row]) -> Report:
    """Return a report of these cases alone: a patient's accuracy is the mean of their images."""
    found: dict[str, dict[str, list[float]]] = {}
    for case in cases:
        own = found.setdefault(case["patient"], {})
        for name, value in case["right"].items():
            own.setdefault(name, []).extend([] if value is None else [value])
    patients = {
        patient: {name: float(np.mean(values)) if values else None for name, values in by.items()}
        for patient, by in found.items()
    }
    return {"cases": cases, "patients": patients, "questions": {}}


def compared(model: ModelVersion, other: ModelVersion) -> Row:
    """Return both models' metrics side by side, and paired differences (model - other).

    The means beside a difference are of the same pairs: a model's own leaves out the patients on
    whom it rightly drew nothing, where the other may have drawn a false area.
    `same_cases`: the metrics are of one held-out list. Where none was met by both, each model's
    metrics are its own, and the differences are of the cases both met on some list (`cases`).
    The mean is over what the promotion rule compares (`averaged`), as on the learning curve.
    """
    common = common_reports(model, other)
    own, rival = common or (_report(model), _report(other))
    pair = common or reports_on_shared_cases(model, other)
    known = figures.parts_of(own).keys() & figures.parts_of(rival).keys()
    # Where no case is shared nothing can be paired: what each one's own list shows then.
    names = [name for name in figures.averaged(pair[0]) or figures.averaged(own) if name in known]
    found = paired.pairs(*pair, names)
    # The two means whose difference is shown; each model's own where nothing can be paired.
    both = paired.means(found) or [figures.mean_over(each, names) for each in (own, rival)]
    return {
        "same_cases": common is not None,
        "cases": len(pair[0].get("cases", [])),
        "metric": figures.metric_of(own),
        "averaged": names,
        "mean": {"model": both[0], "against": both[1], **difference(found)},
        "classes": _beside(class_rows(own), class_rows(rival), pair),
        "questions": _beside(
            question_rows(own, model.questions), question_rows(rival, other.questions), pair
        ),
        "patients": _patients(found),
    }  # fmt: skip


def _beside(own: Sequence[Row], rival: Sequence[Row], pair: tuple[Report, Report]) -> list[Row]:
    """Return the rows of both by name, with both means and their difference over patients."""
    rows, rivals = ({row["name"]: row for row in each} for each in (own, rival))
    found = {name: paired.pairs(*pair, [name]) for name in dict.fromkeys([*rows, *rivals])}
    return [
        {
            "name": name, "model": rows.get(name), "against": rivals.get(name),
            **_means(pairs), **difference(pairs),
        }
        for name, pairs in found.items()
    ]  # fmt: skip


def _means(found: paired.Pairs) -> Row:
    model, against = paired.means(found) or (None, None)
    return {"model_mean": model, "against_mean": against}


def _report(model: ModelVersion) -> Report:
    evaluation = newest_evaluation(model)
    return evaluation.report if evaluation else {}


def _patients(found: paired.Pairs) -> list[Row]:
    return [
        {"patient": patient, "model": new, "against": old, "difference": new - old}
        for patient, (new, old) in sorted(paired.by_patient(found).items())
    ]


def difference(found: paired.Pairs) -> Row:
    """Return the mean paired difference over patients, with its interval and their number."""
    both = paired.means(found)
    low, high = paired.interval(found)
    return {
        "difference": both[0] - both[1] if both else None,
        "low": low, "high": high, "patients": len(paired.by_patient(found)),
    }  # fmt: skip


def pool_tasks(campaign: Campaign) -> Any:
    """Return the cases of which may be looked at what a model says: those not held out."""
    return campaign.tasks.filter(held_out=False).exclude(state=Task.State.EXCLUDED)
