"""STEP gain: does selection find more to learn than chance does? The random share can tell.

Each labelled case was put in its place by the model or by chance, and the model that ordered the
queue had drawn it, or answered, before a person did. How wrong it was is what the case had to
teach. Chance's cases say how wrong the model is on the pool; the model's own cases are to be worse.
It is an estimate from what a campaign has anyway, not a trial: that is benchmarks/selection.md.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from annotations.models import Campaign, Task
from training import answers
from training.jobs import drawing_error
from training.models import ModelVersion, Prediction

NEWEST = 100  # labels of each share that are looked at
ENOUGH = 8  # of each share, before anything is said
RESAMPLES = 2000
SHARES = ("model", "random")


def gain_of(campaign: Campaign) -> dict[str, Any]:
    """Return {outcome, difference, low, high, model, random}; the last two {cases, error, seconds}.

    `error` is 1 - Dice of the model's drawing against the label, 0..1, or of its answers the share
    that is wrong. The outcome is `more`, `less` (the 95 % interval of the difference leaves out 0),
    `unclear`, or `too_few`.
    """
    found = {share: _share(campaign, share) for share in SHARES}
    result: dict[str, Any] = {share: _summary(rows) for share, rows in found.items()}
    result |= {"outcome": "too_few", "difference": None, "low": None, "high": None}
    errors = [np.array([error for error, _ in found[share]]) for share in SHARES]
    if min(len(part) for part in errors) < ENOUGH:
        return result
    rng = np.random.default_rng(0)
    own, chance = (rng.choice(part, (RESAMPLES, len(part))).mean(axis=1) for part in errors)
    low, high = (float(value) for value in np.quantile(own - chance, [0.025, 0.975]))
    outcome = "more" if low > 0 else "less" if high < 0 else "unclear"
    difference = float(errors[0].mean() - errors[1].mean())
    return {**result, "outcome": outcome, "difference": difference, "low": low, "high": high}


def gain_store(model: ModelVersion) -> None:
    """Keep the estimate with the champion, where the models page reads it."""
    gain = gain_of(model.campaign)
    ModelVersion.objects.filter(pk=model.pk).update(selection=gain)


def _share(campaign: Campaign, share: str) -> list[tuple[float, float]]:
    """Return (error, seconds) of the newest labels of one share."""
    asked = answers.questions_of(campaign) if answers.asks(campaign) else []
    questions = list(campaign.questions.all()) if asked else []
    tasks = (
        campaign.tasks.filter(
            state=Task.State.SETTLED, held_out=False, priority_from__share=share,
            priority_from__model_number__isnull=False,
        )
        .select_related("settled", "image")
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
                rows.append((error, task.settled.seconds_spent))
    return rows


def _summary(rows: Sequence[tuple[float, float]]) -> dict[str, Any]:
    if not rows:
        return {"cases": 0, "error": None, "seconds": None}
    errors, seconds = (float(np.mean(part)) for part in zip(*rows, strict=True))
    return {"cases": len(rows), "error": errors, "seconds": seconds}
