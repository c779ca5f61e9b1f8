"""STEP gain: does selection find more to learn than chance does? The random share can tell.

Each labelled case was put in its place by the model or by chance, and the model that ordered the
queue had drawn it, or answered, before a person did. How wrong it was is what the case had to
teach. Chance's cases say how wrong the model is on the pool; the model's own cases are to be worse.
It is an estimate from what a campaign has anyway, not a trial: that is benchmarks/selection.md.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from annotations.models import Campaign, Task
from training import answers
from training.jobs import drawing_error
from training.models import ModelVersion, Prediction

NEWEST = 100  # labels of each share that are looked at
ENOUGH = 8  # of each share, before anything is said
PATIENTS = 3  # that they are of, at least
RESAMPLES = 2000
SHARES = ("model", "random")


class Row(NamedTuple):
    """One label: how wrong the model was, how long it took, and whose image it is of."""

    error: float
    seconds: float
    patient: str


def gain_of(campaign: Campaign) -> dict[str, Any]:
    """Return {outcome, difference, low, high, model, random}; the last two {cases, error, seconds}.

    `error` is 1 - Dice of the model's drawing against the label, 0..1, or of its answers the share
    that is wrong. The outcome is `more`, `less` (the 95 % interval of the difference, by bootstrap
    over patients, leaves out 0), `unclear`, or `too_few`.
    """
    found = {share: _share(campaign, share) for share in SHARES}
    result: dict[str, Any] = {share: _summary(rows) for share, rows in found.items()}
    result |= {"outcome": "too_few", "difference": None, "low": None, "high": None}
    patients = sorted({row.patient for rows in found.values() for row in rows})
    if min(map(len, found.values())) < ENOUGH or len(patients) < PATIENTS:
        return result
    low, high = interval([found[share] for share in SHARES], patients)
    outcome = "more" if low > 0 else "less" if high < 0 else "unclear"
    difference = result["model"]["error"] - result["random"]["error"]
    return {**result, "outcome": outcome, "difference": difference, "low": low, "high": high}


def interval(shares: Sequence[Sequence[Row]], patients: Sequence[str]) -> tuple[float, float]:
    """Return the 95 % interval of the difference of two means, over patients drawn anew.

    A patient's images are alike, and one drawn twice comes with all of them in both shares. A draw
    that leaves a share without a label tells nothing.
    """
    place = {patient: column for column, patient in enumerate(patients)}
    errors, counts = np.zeros((2, len(shares), len(patients)))
    for share, rows in enumerate(shares):
        for row in rows:
            errors[share, place[row.patient]] += row.error
            counts[share, place[row.patient]] += 1
    chance = np.full(len(patients), 1 / len(patients))
    times = np.random.default_rng(0).multinomial(len(patients), chance, RESAMPLES)
    sums, sizes = errors @ times.T, counts @ times.T  # (shares, RESAMPLES)
    told = sizes.min(axis=0) > 0
    own, other = sums[:, told] / sizes[:, told]
    low, high = np.quantile(own - other, [0.025, 0.975])
    return float(low), float(high)


def gain_store(model: ModelVersion) -> None:
    """Keep the estimate with the champion, where the models page reads it."""
    gain = gain_of(model.campaign)
    ModelVersion.objects.filter(pk=model.pk).update(selection=gain)


def _share(campaign: Campaign, share: str) -> list[Row]:
    """Return the newest labels of one share."""
    asked = answers.questions_of(campaign) if answers.asks(campaign) else []
    questions = list(campaign.questions.all()) if asked else []
    tasks = (
        campaign.tasks.filter(
            state=Task.State.SETTLED, held_out=False, priority_from__share=share,
            priority_from__model_number__isnull=False,
        )
        .select_related("settled", "image__series__study")
        .order_by("-settled_id")[:NEWEST]
    )  # fmt: skip
    rows = []
    for task in tasks:
        said = Prediction.objects.filter(
            model__campaign=campaign, model__number=task.priority_from["model_number"],
            image_id=task.image_id,
        ).only("packed", "answers").first()  # fmt: skip
        if said is not None and task.settled is not None:
            if asked:
                truth = answers.answers_of(asked, questions, task.settled.findings)
                error = answers.error_of(asked, said.answers, truth)
            else:
                error = drawing_error(task.settled, task.image, bytes(said.packed))
            if error is not None:
                patient = task.image.series.study.patient_key
                rows.append(Row(error, task.settled.seconds_spent, patient))
    return rows


def _summary(rows: Sequence[Row]) -> dict[str, Any]:
    if not rows:
        return {"cases": 0, "error": None, "seconds": None}
    error, seconds = (float(np.mean([row[part] for row in rows])) for part in (0, 1))
    return {"cases": len(rows), "error": error, "seconds": seconds}
