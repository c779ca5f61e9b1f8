"""What is known of a campaign's cases: which want a score, and each one's newest score.

Every open case that is not held out is scored by every champion, and the labelled ones too, since
a case is judged by how far it is from them. In a pool of more than `WHOLE` images a champion
scores every 2nd, 4th, ... of them, another part than the model before, and what stands at the
head of the queue; the others keep their newest score from an earlier champion.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db.models import BooleanField, Exists, ExpressionWrapper, F, Max, OuterRef, Q
from django.db.models.functions import Now

from annotations.models import Assignment, Campaign, Task
from training import answers
from training.ml.acquire import EXTRAS, Pool
from training.ml.familiar import LIMIT, unfamiliar
from training.models import ModelVersion, Prediction
from training.snapshot import classes_of

WHOLE = 20_000
HEAD_FRESH = 512  # so many cases at the head are always scored by the champion itself
LABELLED = 2000  # so many labelled cases at most are what a new one is compared with
KNOWN = 30  # below so many images nothing is said to be unlike them
FLAGGED = 50
READERS = 8  # what comes next is asked for so many one by one: a query each, every other second
FEATURES = {"core_set", "k_means", "badge"}
ANSWERING = {"bald": "entropy", "variance": "entropy", "badge": "core_set", "foreground": "random"}
"""What a model that answers is ordered by where a strategy needs what only drawings have: several
looks, gradients of pixels, foreground."""


def strategy_of(campaign: Campaign) -> str:
    """Return the strategy that orders the campaign's queue (see `ANSWERING`)."""
    strategy: str = campaign.strategy
    return ANSWERING.get(strategy, strategy) if answers.asks(campaign) else strategy


def parts_of(campaign: Campaign) -> list[str]:
    """Return what a model scores besides the whole image: classes, or questions, by name."""
    if answers.asks(campaign):
        return [str(row["code"]) for row in answers.questions_of(campaign)]
    return [str(row["name"]) for row in classes_of(campaign)]


def open_tasks(campaign: Campaign) -> Any:
    """Return the tasks that may be handed out by selection."""
    return campaign.tasks.filter(state=Task.State.OPEN, held_out=False)


def readers_past(campaign: Campaign, tasks: Iterable[int]) -> list[int]:
    """Return who is at work and has read or skipped any of these tasks: they are not served them.

    To all others what comes next is the same. Of many readers those who took a case last.
    """
    been = campaign.assignments.filter(task_id__in=list(tasks))
    held = campaign.assignments.filter(
        state=Assignment.State.HELD, leased_until__gte=Now(), reader_id__in=been.values("reader_id")
    )
    latest = held.values("reader_id").annotate(latest=Max("leased_at"))
    rows = latest.order_by("-latest", "reader_id").values_list("reader_id", flat=True)
    return list(rows[:READERS])


def unscored(model: ModelVersion) -> Any:
    """Return the tasks whose image the model is to score, could be read, and has no score yet."""
    known = _complete(model.campaign).filter(model=model, image_id=OuterRef("image_id"))
    states = [Task.State.OPEN, Task.State.SETTLED]
    rows = model.campaign.tasks.filter(~Exists(known), held_out=False, state__in=states)
    rows = rows.exclude(image_id__in=model.unreadable)
    step = stride(open_tasks(model.campaign).count())
    if step == 1:
        return rows
    rows = rows.annotate(turn=(F("image_id") + model.number) % step)
    return rows.filter(Q(turn=0) | Q(priority__gte=-HEAD_FRESH, state=Task.State.OPEN))


def _complete(campaign: Campaign) -> Any:
    """Return the predictions that say what the campaign's strategy asks."""
    strategy = strategy_of(campaign)
    if strategy == "badge":
        return Prediction.objects.exclude(gradient=None)
    if strategy in EXTRAS:
        return Prediction.objects.filter(measures__has_key=strategy)
    return Prediction.objects.all()


def ordered_by(campaign: Campaign) -> str:
    """Return what an order depends on besides the scores: told apart when a setting changes."""
    return f"{campaign.strategy} {campaign.random_share:.4f}"


def stride(size: int) -> int:
    """Return n when every n-th image of a pool is scored: a power of 2, so that it rarely moves."""
    return int(2 ** max(0, math.ceil(math.log2(max(1, size) / WHOLE))))


def _lived() -> Q:
    """What champions said: a shadow orders nothing, nor does one that was never taken."""
    return Q(model__state__in=[ModelVersion.State.CHAMPION, ModelVersion.State.RETIRED])


def newest(model: ModelVersion) -> dict[int, Prediction]:
    """Return {image: prediction} of all open cases: the champion's own, else the newest there is.

    Drawings and embeddings stay where they are.
    """
    own = ExpressionWrapper(Q(model=model), output_field=BooleanField())
    rows = (
        Prediction.objects.filter(
            _lived(),
            model__campaign=model.campaign,
            image__tasks__campaign=model.campaign,
            image__tasks__state=Task.State.OPEN,
            image__tasks__held_out=False,
        )
        .annotate(own=own)
        .order_by("image_id", "-own", "-model__number")
        .distinct("image_id")
        .select_related("model")
        .defer("packed", "embedding", "gradient", "model__card", "model__decision")
    )
    return {row.image_id: row for row in rows}


def earlier(model: ModelVersion, images: Sequence[int]) -> dict[int, Prediction]:
    """Return {image: mask or answers} of the newest champion before this model."""
    rows = (
        Prediction.objects.filter(
            _lived(),
            model__campaign=model.campaign,
            model__number__lt=model.number,
            image_id__in=images,
        )
        .order_by("image_id", "-model__number")
        .distinct("image_id")
        .only("image_id", "packed", "answers")
    )
    return {row.image_id: row for row in rows}


def assembled(
    campaign: Campaign,
    model: ModelVersion,
    tasks: Sequence[Task],
    rows: Sequence[Prediction],
    names: Sequence[str],
) -> Pool:
    """Put what is known of the tasks into arrays; `names` as by `parts_of`."""
    measures = {name for row in rows for name in row.measures}
    scores = np.array([[_value(row.class_scores.get(name)) for name in names] for row in rows])
    whole = strategy_of(campaign) in FEATURES
    return Pool(
        patients=[task.image.series.study.patient_key for task in tasks],
        positions=[task.image.index for task in tasks],
        series=[task.image.series_id for task in tasks],
        class_scores=scores.reshape(len(rows), len(names)),
        measures={
            **{name: np.array([_value(row.measures.get(name)) for row in rows])
               for name in measures},
            # Stored apart, and by models from before there were other measures too.
            "entropy": np.array([_value(row.score) for row in rows]),
        },
        foreground=np.array([row.foreground for row in rows]),
        features=_vectors(model, rows, "embedding") if whole else None,
        gradients=_vectors(model, rows, "gradient") if strategy_of(campaign) == "badge" else None,
        labelled=_labelled(model) if whole else None,
    )  # fmt: skip


def _value(number: float | None) -> float:
    return float("nan") if number is None else float(number)


def _vectors(
    model: ModelVersion, rows: Sequence[Prediction], name: str
) -> npt.NDArray[np.float32] | None:
    """Return (N, D) by the model itself, 0 where it has not looked; None when it gave none."""
    found = dict(
        Prediction.objects.filter(model=model, image_id__in=[row.image_id for row in rows])
        .exclude(**{name: None})
        .values_list("image_id", name)
    )
    if not found:
        return None
    width = len(next(iter(found.values()))) // 4
    nothing = bytes(4 * width)
    content = b"".join(bytes(found.get(row.image_id, nothing)) for row in rows)
    return np.frombuffer(content, "<f4").reshape(len(rows), width)


def unfamiliar_cases(model: ModelVersion, rows: Sequence[Prediction]) -> list[dict[str, Any]]:
    """Return [{image, beyond}] of open cases far from labelled ones (or all, if few).

    Only what the model has looked at itself; at most `FLAGGED`, the farthest first.
    """
    own = [row for row in rows if row.model_id == model.pk]
    found = _vectors(model, own, "embedding") if own else None
    known = _labelled(model)
    if found is None:
        return []
    if known is None or len(known) < KNOWN:
        known = found if known is None else np.concatenate([known, found])
    if len(known) < KNOWN:
        return []
    beyond = unfamiliar(found, known)
    far = [int(place) for place in np.argsort(-beyond)[:FLAGGED] if beyond[place] > LIMIT]
    return [
        {"image": own[place].image_id, "beyond": round(float(beyond[place]), 2)} for place in far
    ]


def _labelled(model: ModelVersion) -> npt.NDArray[np.float32] | None:
    settled = model.campaign.tasks.filter(state=Task.State.SETTLED, held_out=False)
    found = list(
        Prediction.objects.filter(model=model, image_id__in=settled.values("image_id"))
        .exclude(embedding=None)
        .order_by("-image_id")
        .values_list("embedding", flat=True)[:LABELLED]
    )
    if not found:
        return None
    return np.frombuffer(b"".join(bytes(one or b"") for one in found), "<f4").reshape(
        len(found), -1
    )
