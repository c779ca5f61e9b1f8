"""STEP curve: the figures of a campaign's versions on one held-out list, and what their mean is of.

A held-out list grows while a campaign is read, and figures on two lists are of different patients.
So all versions of a curve are shown on the newest list that each of them was measured on;
`training.remeasure` measures them there. The mean is over what the promotion rule compares on that
list, by the live model (`figures.compared`): a class that one patient has says little of a model.
"""

from collections.abc import Collection, Mapping, Sequence

from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce

from annotations.models import Campaign
from training import figures
from training.figures import Report, Row
from training.models import Evaluation, ModelVersion, Snapshot
from training.reasons import reason, stored_reason
from training.report import scores_of, summaries

VERSIONS = 12  # so many of those that were live, the last ones, are shown and measured again


def versions() -> QuerySet[ModelVersion]:
    """Return what curves show: of each campaign the `VERSIONS` models that were live last."""
    later = ModelVersion.objects.filter(
        campaign=OuterRef("campaign"), champion_since__gt=OuterRef("champion_since")
    )
    counted = later.order_by().values("campaign").annotate(count=Count("pk")).values("count")
    crowned = ModelVersion.objects.filter(champion_since__isnull=False)
    return crowned.annotate(later=Coalesce(Subquery(counted), Value(0))).filter(later__lt=VERSIONS)


def measured_lists() -> QuerySet[Snapshot]:
    """Return the snapshots that any model was measured on, newest first."""
    return Snapshot.objects.filter(evaluations__isnull=False).order_by("-id")


def due() -> QuerySet[ModelVersion]:
    """Return the shown models that were not measured yet on the newest list of their campaign.

    A model that could not be is due again when there is another list.
    """
    lists = measured_lists().filter(campaign=OuterRef("campaign"))
    measured = Evaluation.objects.filter(model=OuterRef("pk"), snapshot=OuterRef("newest"))
    rows = versions().annotate(
        newest=Subquery(lists.values("pk")[:1]),
        failed=Cast(KT("unmeasured__snapshot"), BigIntegerField()),
    )
    rows = rows.filter(~Exists(measured), newest__isnull=False)
    return rows.filter(Q(failed=None) | ~Q(failed=F("newest")))


def chosen(measured: Mapping[int, Collection[int]]) -> dict[int, int]:
    """Return the list of each version: the newest that all were measured on.

    While there is none, the newest of each. `measured`: the lists by version; a later list has a
    higher number. A version without any is not among those returned.
    """
    common = set.intersection(*map(set, measured.values())) if measured else set()
    if common:
        return dict.fromkeys(measured, max(common))
    return {version: max(lists) for version, lists in measured.items() if lists}


def curve_of(campaign: Campaign) -> tuple[dict[int, Row], Row]:
    """Return ({model: its `scores_of` and list}, what these figures are of) of what is shown.

    For the second see `training.run_forms.MeasuredOutput`. `score` is the mean by its rule.
    """
    rows = versions().filter(campaign=campaign).only("number", "state", "unmeasured")
    shown = list(rows.order_by("number"))
    able = [model for model in shown if not model.unmeasured]
    keys = {
        (model, snapshot): key
        for key, model, snapshot in Evaluation.objects.filter(model__in=able)
        .order_by("id").values_list("pk", "model_id", "snapshot_id")
    }  # fmt: skip
    lists = chosen({m.pk: [own for model, own in keys if model == m.pk] for m in able})
    evaluations = Evaluation.objects.filter(pk__in=[keys[pair] for pair in lists.items()])
    reports = summaries(evaluations)
    scores = _placed(evaluations, reports)
    lead = _lead([model for model in able if model.pk in lists])
    # Of one report alone the cases are read: all are of one list, or the mean is of the lead's.
    cases = evaluations.filter(model=lead).values_list("report__cases", flat=True).first()
    report: Report = {"cases": cases or []}
    standing = scores[lead.pk] if lead else scores_of({})
    names = standing["averaged"]
    for key, own in scores.items():
        if own["averaged"] != names:
            mean = figures.mean_over(reports[key], names)
            own |= {"averaged": names, "score": mean, "low": None, "high": None}
    return scores, {
        "one_list": len(lists) == len(able) and len(set(lists.values())) == 1,
        "held_out": _held_out(report, standing["measured_on"]) if lead else None,
        "number": lead.number if lead else None,
        **{name: standing[name] for name in ("score", "low", "high", "averaged")},
        "enough": bool(figures.compared(report)),
        "few": _few(report, names),
        "waiting": sorted(due().filter(campaign=campaign).values_list("number", flat=True)),
        "left_out": _left_out(shown, scores, names),
        "earlier": campaign.models.filter(champion_since__isnull=False).count() - len(shown),
    }


def versions_of(campaign: Campaign) -> dict[int, Row]:
    """Return {model: its `scores_of` and list} of every version that was measured.

    Those on the curve as there, but where a class that a version does not know leaves it without a
    mean on the curve: then as `others_of` do.
    """
    shown, _ = curve_of(campaign)
    on_curve = {model: row for model, row in shown.items() if row["score"] is not None}
    return {**others_of(campaign, shown), **on_curve}


def others_of(campaign: Campaign, shown: Mapping[int, Row]) -> dict[int, Row]:
    """Return {model: its `scores_of` and list} of every version, as it stands beside the curve.

    On the curve's list where it was measured on it, else on its own newest; the mean is over what
    promotion compares there. `shown` are those on the curve.
    """
    lists = {row["snapshot"] for row in shown.values()}
    same = Q(snapshot__in=lists if len(lists) == 1 else ())
    rows = Evaluation.objects.filter(model__campaign=campaign)
    newest = rows.order_by("model_id", Case(When(same, then=0), default=1), "-id")
    evaluations = newest.distinct("model_id")
    return _placed(evaluations, summaries(evaluations))


def evaluation_of(model: ModelVersion) -> Evaluation | None:
    """Return the evaluation whose figures stand for a version wherever it is shown."""
    row = versions_of(model.campaign).get(model.pk)
    rows = Evaluation.objects.select_related("snapshot")
    return rows.get(pk=row["evaluation"]) if row else None


def _placed(evaluations: QuerySet[Evaluation], reports: Mapping[int, Report]) -> dict[int, Row]:
    """Return {model: its `scores_of`, which evaluation, of which list frozen when}."""
    rows = evaluations.values_list("pk", "model_id", "snapshot_id", "snapshot__created_at")
    return {
        model: {
            **scores_of(reports[model]), "evaluation": key, "snapshot": snapshot, "measured_on": at,
        }
        for key, model, snapshot, at in rows
    }  # fmt: skip


def _lead(models: Sequence[ModelVersion]) -> ModelVersion | None:
    """Return the live model if it is among those that have figures, else the newest of them."""
    live = [model for model in models if model.state == ModelVersion.State.CHAMPION]
    return next(iter([*live, *reversed(models)]), None)


def _held_out(report: Report, frozen: object) -> Row:
    cases = report["cases"]
    patients = {case["patient"] for case in cases}
    return {"at": frozen, "cases": len(cases), "patients": len(patients)}


def _few(report: Report, names: Sequence[str]) -> list[Row]:
    """Return the classes or questions that are not in the mean, with who shows them."""
    cases, patients = figures.shown_counts(report), figures.shown_patients(report)
    return [
        {"name": name, "cases": count, "patients": patients[name]}
        for name, count in cases.items()
        if name not in names
    ]


def _left_out(
    shown: Sequence[ModelVersion], scores: Mapping[int, Row], names: Sequence[str]
) -> list[Row]:
    """Return which versions are not on the curve, or have no mean there, and why."""
    rows = []
    for model in shown:
        if model.unmeasured:
            why = stored_reason(model.unmeasured["reason"])
            rows.append({"number": model.number, "reason": why})
        elif model.pk in scores and scores[model.pk]["score"] is None:
            own = scores[model.pk]
            known = {name for name, row in own["questions"].items() if row["answered"]}
            unknown = [name for name in names if name not in known | own["classes"].keys()]
            if unknown:
                why = reason("other_parts", parts=", ".join(unknown))
                rows.append({"number": model.number, "reason": why})
    return rows
