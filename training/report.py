"""STEP report: what was measured of a model, put so that a person can judge it.

Everything comes from evaluations that are kept; what an older evaluation did not measure is None.
A patient's Dice is the mean over what promotion compares (`figures.averaged`), as the model's own
mean is; of models that answer the mean accuracy over questions stands in its place.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import accumulate

import numpy as np
import numpy.typing as npt
from django.contrib.postgres.fields import ArrayField
from django.db.models import DateTimeField, F, Func, IntegerField, QuerySet, Sum, Value
from django.db.models.functions import Cast

from annotations.models import Annotation, Campaign, Task
from reticle.audit.models import AuditEvent
from training import answers, figures
from training.figures import GROUP_PATIENTS, Report, Row
from training.groups import METRICS as MEASURED
from training.groups import metrics_of as measured_of
from training.models import Evaluation, ModelVersion, TrainingRun
from training.paired import RESAMPLES
from training.reasons import Reason, reason, run_reason, stored_reason
from training.snapshot import SUBGROUPS, subgroups_of

RANGED = (
    "iou", "hd95", "surface_dice", "sensitivity", "lesion_sensitivity", "false_positives_per_image",
)  # fmt: skip
"""Metrics with an interval: NAME_low and NAME_high; that of Dice is low and high."""
METRICS = (
    "dice", "low", "high", "hd95_missing", "lesions", "patients", "left_out", *RANGED,
    *(f"{name}_{end}" for name in RANGED for end in ("low", "high")),
)  # fmt: skip
SUMMARY = ("mean_dice", "classes", "mean_accuracy", "mean_auc", "questions", "standing")
QUESTION_METRICS = (
    "kind", "answered", "left_out", "accuracy", "accuracy_low", "accuracy_high", "mean_steps_off",
)  # fmt: skip


def newest_evaluation(model: ModelVersion) -> Evaluation | None:
    """Return the model's last evaluation: the one on the most held-out truth."""
    return model.evaluations.select_related("snapshot").order_by("-id").first()


def summaries(evaluations: QuerySet[Evaluation]) -> dict[int, Report]:
    """Return {model: report}, of one evaluation a model, without the many rows of its cases."""
    return {
        model: {part: kept[part] for part in SUMMARY if kept.get(part) is not None}
        for model, kept in evaluations.values_list("model_id", "summary")
    }


def scores_of(report: Report) -> Row:
    """Return the model's row in a table: its one mean, and the number of each class or question."""
    return {
        "metric": figures.metric_of(report),
        **figures.standing_of(report),
        "mean_dice": report.get("mean_dice"),
        "mean_auc": report.get("mean_auc"),
        "classes": report.get("classes") or {},
        "questions": {
            name: {
                "accuracy": row["accuracy"], "low": row["accuracy_low"],
                "high": row["accuracy_high"], "answered": row["answered"],
            }
            for name, row in (report.get("questions") or {}).items()
        },
    }  # fmt: skip


def minutes_before(campaign: Campaign, moments: Iterable[datetime]) -> dict[datetime, float]:
    """Return the minutes of all reading handed in up to each moment, by one statement."""
    ends = sorted(set(moments))
    if not ends:
        return {}
    # Numbers of the moments that lie before an answer; one at the very moment counts as read.
    edges = Value([end + timedelta(microseconds=1) for end in ends], ArrayField(DateTimeField()))
    passed = Func(
        F("created_at"), Cast(edges, ArrayField(DateTimeField())),
        function="width_bucket", output_field=IntegerField(),
    )  # fmt: skip
    read = Annotation.objects.filter(task__campaign=campaign).annotate(passed=passed)
    seconds = dict(read.values_list("passed").annotate(Sum("seconds_spent")).order_by())
    sums = accumulate(seconds.get(place) or 0.0 for place in range(len(ends)))
    return {end: total / 60 for end, total in zip(ends, sums, strict=True)}


# --- one model -----------------------------------------------------------------------------


def class_rows(report: Report) -> list[Row]:
    """Return one row of metrics a class, with None for what was not measured."""
    return [
        {"name": name, **{metric: found.get(metric) for metric in METRICS}}
        for name, found in report.get("classes", {}).items()
    ]


def question_rows(report: Report, asked: answers.Asked) -> list[Row]:
    """Return one row of metrics a question, with its options; None for what was not measured.

    In the order in which they are asked, which the database does not keep.
    """
    rows = []
    for row in asked:
        found = report.get("questions", {}).get(row["code"])
        if found is not None:
            options = [{"option": option, **found["options"][option]} for option in row["options"]]
            metrics = {metric: found.get(metric) for metric in QUESTION_METRICS}
            calibration = calibration_of(found.get("calibration") or {})
            rows.append(
                {"name": row["code"], **metrics, "options": options, "calibration": calibration}
            )
    return rows


def patient_scores(report: Report) -> dict[str, float]:
    """Return each patient's mean Dice, or accuracy; patients without any number are left out."""
    names = figures.averaged(report)
    found = {}
    for patient, classes in report.get("patients", {}).items():
        values = [classes[name] for name in names if classes.get(name) is not None]
        if values:
            found[patient] = float(np.mean(values))
    return found


def subgroup_rows(report: Report, groups: Mapping[str, Collection[str]]) -> list[Row]:
    """Return a row a subgroup: patients, mean, its interval, difference from all others, and more.

    Of fewer than `GROUP_PATIENTS` patients only their number is given, and no difference where
    the others are too few. What more there is: see `training.groups`. `groups` are named
    "attribute value", as `subgroups_of` does.
    """
    dice = patient_scores(report)
    rows = []
    for name in sorted(groups, key=_in_order):
        attribute, _, value = name.partition(" ")
        own = [dice[patient] for patient in sorted(groups[name]) if patient in dice]
        rest = [dice[patient] for patient in sorted(set(dice) - set(groups[name]))]
        row = _against_rest(own, rest)
        more = measured_of(report, groups[name]) if row["enough"] else dict.fromkeys(MEASURED)
        rows.append({"attribute": attribute, "value": value, **row, **more})
    return rows


def _in_order(name: str) -> tuple[int, str]:
    attribute, _, value = name.partition(" ")
    return (SUBGROUPS.index(attribute) if attribute in SUBGROUPS else len(SUBGROUPS), value)


def _against_rest(own: Sequence[float], rest: Sequence[float]) -> Row:
    row: Row = dict.fromkeys(
        ("mean", "low", "high", "difference", "difference_low", "difference_high")
    )
    row |= {"patients": len(own), "enough": len(own) >= GROUP_PATIENTS}
    if not row["enough"]:
        return row
    rng = np.random.default_rng(0)
    low, high = _ends(rng.choice(own, (RESAMPLES, len(own))).mean(axis=1))
    row |= {"mean": float(np.mean(own)), "low": low, "high": high}
    if len(rest) >= GROUP_PATIENTS:
        rng = np.random.default_rng(0)
        draws = [rng.choice(part, (RESAMPLES, len(part))).mean(axis=1) for part in (own, rest)]
        low, high = _ends(draws[0] - draws[1])
        row |= {"difference": float(np.mean(own) - np.mean(rest))}
        row |= {"difference_low": low, "difference_high": high}
    return row


def _ends(draws: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % interval of what was drawn."""
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


def calibration_of(report: Report) -> Row | None:
    """Return {ece, ece_scaled, temperature, reliability}; None when it was not measured."""
    if report.get("ece") is None:
        return None
    bins = [
        {
            # So it is called since answers are measured too.
            "count": row.get("count", row.get("pixels")),
            "confidence": row["confidence"], "accuracy": row["accuracy"],
        }
        for row in report.get("reliability") or []
    ]  # fmt: skip
    names = ("ece", "ece_scaled", "temperature")
    return {**{name: report.get(name) for name in names}, "reliability": bins}


def robustness_of(found: Report, averaged: Sequence[str]) -> Row | None:
    """Return {examples, clean, averaged, mean, changes} with how far each mean fell, or None.

    `found` is what `training.ml.robust.robustness` returns, empty, when it was asked for, or why it
    failed. `parts` of a change are Dice by class, or accuracy by question; means are over those
    that the model's own mean is over, as far as the trial's cases show them, else over all.
    """
    if "clean" not in found:
        return None
    shown = [name for name, value in found["clean"].items() if value is not None]
    names = [name for name in shown if name in averaged] or shown
    clean = _mean(found["clean"][name] for name in names)
    changes = []
    for change in found["changes"]:
        parts = change["accuracy"] if "accuracy" in change else change["dice"]
        mean = _mean(parts.get(name) for name in names)
        fall = None if mean is None or clean is None else clean - mean
        named = {name: change[name] for name in ("change", "strength")}
        changes.append({**named, "parts": parts, "mean": mean, "fall": fall})
    return {"examples": found.get("examples"), "clean": found["clean"], "averaged": names,
            "mean": clean, "changes": changes}  # fmt: skip


def report_of(model: ModelVersion, evaluation: Evaluation | None) -> Row:
    """Return everything the model's page shows beyond its row in the table, by one evaluation."""
    report: Report = evaluation.report if evaluation else {}
    groups = subgroups_of(evaluation.snapshot) if evaluation else {}
    averaged = figures.standing_of(report)["averaged"]
    return {
        "evaluated_at": evaluation.created_at if evaluation else None,
        "evaluated_on": evaluation.snapshot.sha256 if evaluation else "",
        "cases": len(report.get("cases", [])),
        "patients": len(report.get("patients", {})),
        "majority_dice": report.get("majority_dice"),
        "majority_accuracy": majority_accuracy_of(evaluation),
        "metrics": class_rows(report),
        "answers": question_rows(report, model.questions),
        "subgroups": subgroup_rows(report, groups),
        "enough_patients": GROUP_PATIENTS,
        "calibration": calibration_of(report),
        "robustness": robustness_of(robustness_kept(model), averaged),
        "robustness_asked": robust_asked(robustness_kept(model)),
        "robustness_error": robustness_kept(model).get("error", ""),
        "unfamiliar": unfamiliar_of(model),
        "lineage": lineage_of(model),
        "history": history_of(model),
    }


def majority_accuracy_of(evaluation: Evaluation | None) -> float | None:
    """Return what the commonest answers alone reach on the questions that tell; None elsewhere."""
    if evaluation is None or figures.metric_of(evaluation.report) != "accuracy":
        return None
    names = figures.telling(evaluation.report)
    return answers.majority_accuracy(evaluation.snapshot.manifest, names) if names else None


def robustness_kept(model: ModelVersion) -> Row:
    """Return the robustness report that is kept with a model; empty when none was made."""
    return dict(model.robustness or {})


def robust_asked(kept: Report) -> bool:
    """Tell whether somebody waits for a robustness report."""
    return "asked_at" in kept


def unfamiliar_of(model: ModelVersion) -> list[Row]:
    """Return the cases, still to be read, that lie beyond those the model knows, farthest first."""
    beyond = {int(row["image"]): float(row["beyond"]) for row in model.unfamiliar}
    tasks = model.campaign.tasks.filter(image_id__in=beyond, state=Task.State.OPEN, held_out=False)
    rows = [
        {
            "case": task.pk,
            "patient": task.image.series.study.patient_key,
            "slice": task.image.index,
            "beyond": beyond[task.image_id],
            "thumbnail_url": f"/api/v1/images/{task.image_id}/thumbnail",
        }
        for task in tasks.select_related("image__series__study")
    ]
    return sorted(rows, key=lambda row: -row["beyond"])


def lineage_of(model: ModelVersion) -> Row:
    """Return where the model comes from: data, parent, run, seed, code, configuration."""
    run = model.run
    assert run.snapshot is not None  # a model comes from a run that has its snapshot
    return {
        "snapshot_sha256": run.snapshot.sha256,
        "snapshot_at": run.snapshot.created_at,
        "weights_sha256": model.weights_sha256,
        "base_number": run.base.number if run.base else None,
        "start": run.start,
        "donor": donor_row(run),
        "file": run.file.get("name"),
        "members": model.card.get("members"),
        "committee": model.committee.get("members"),
        "choice": run.choice or None,
        "run": run.pk,
        "reason": run_reason(run.reason),
        "seed": run.seed,
        "code_version": run.code_version,
        "config": run.config,
        "architecture": model.card.get("architecture", {}),
    }


def donor_row(run: TrainingRun) -> Row | None:
    """Return {campaign, number} of the model whose weights a run began with, if it was lent any."""
    if run.donor is None:
        return None
    return {"campaign": run.donor.campaign.name, "number": run.donor.number}


def decision_of(model: ModelVersion) -> Row | None:
    """Return what the rule decided on a model, with its reasons; None when it was not asked."""
    if not model.decision:
        return None
    return {**model.decision, "reasons": _decided(model)}


def _decided(model: ModelVersion) -> list[Reason]:
    return [stored_reason(each) for each in model.decision.get("reasons", [])]


def history_of(model: ModelVersion) -> list[Row]:
    """Return what was decided on the model, oldest first: when, by whom, why."""
    events = AuditEvent.objects.filter(target="modelversion", target_id=model.pk)
    events = events.filter(action__startswith="model.").select_related("actor").order_by("id")
    decided = {each.text: each for each in _decided(model)}
    return [
        {
            "at": event.at,
            "action": event.action.removeprefix("model."),
            "actor": event.actor.username if event.actor else None,
            "reasons": _reasons(event, decided),
        }
        for event in events
    ]


def _reasons(event: AuditEvent, decided: Mapping[str, Reason]) -> list[Reason]:
    """Return why, with codes where the rule said it: the record itself keeps sentences."""
    if "by" in event.detail:  # the model that took this one's place in the shadow
        return [reason("replaced", number=event.detail["by"])]
    said = event.detail.get("reasons") or [event.detail.get("reason", "")]
    return [decided.get(text, Reason(text)) for text in said]


# --- runs ----------------------------------------------------------------------------------


def runs_ahead(run: TrainingRun) -> int:
    """Return how many runs of any campaign stand before a waiting one; 0 for all others."""
    if run.state != TrainingRun.State.QUEUED:
        return 0
    return TrainingRun.objects.filter(state__in=TrainingRun.ACTIVE, pk__lt=run.pk).count()


def events_of(run: TrainingRun) -> list[Row]:
    """Return what happened to a run, oldest first: asked for, started, cancelled, ended."""
    asked = AuditEvent.objects.filter(target="trainingrun", target_id=run.pk)
    rows = [
        {
            "at": event.at, "event": event.action.removeprefix("run."),
            "actor": event.actor.username if event.actor else None,
            "why": run_reason(event.detail.get("reason", "")),
        }
        for event in asked.select_related("actor").order_by("id")
    ]  # fmt: skip
    if run.started_at:
        rows.append({"at": run.started_at, "event": "start", "actor": None, "why": Reason("")})
    rows.sort(key=lambda row: str(row["at"]))
    end = {"actor": None, "why": Reason(run.error)}
    if run.finished_at:
        rows.append({"at": run.finished_at, "event": run.state, **end})
    elif run.error:
        rows.append({"at": run.heartbeat_at, "event": "again", **end})
    return rows


def _mean(values: Iterable[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return float(np.mean(found)) if found else None
