"""STEP ahead: while a champion stays, the cases that readers come to next get its suggestions.

An order that is published pre-draws its head, and readers read on from there. What follows is
drawn from stored predictions, by a worker for short work: the one that trains may be busy for an
hour. So are cases whose suggestions were taken away when their campaign's threshold was changed.
"""

import logging
from collections.abc import Sequence

from django.db import transaction

from annotations.models import Campaign, Suggestion, Task
from reticle.audit.record import record
from training import answers, pool, predict
from training.models import ModelVersion, Prediction

logger = logging.getLogger(__name__)


def suggestions_make() -> int:
    """Pre-draw what comes next wherever most of it has no suggestion; return how many cases."""
    champions = ModelVersion.objects.filter(
        state=ModelVersion.State.CHAMPION, scored_at__isnull=False,
        campaign__state=Campaign.State.OPEN, campaign__suggestions=True,
    )  # fmt: skip
    made = 0
    for model in champions.select_related("campaign").order_by("id"):
        try:
            wanted = _wanted(model) if predict.suggests(model) else []
            made += _make(model, wanted) if wanted else 0
        except Exception:  # whatever is wrong with one campaign, the others are not to wait
            logger.exception("what comes next of %s was not pre-drawn", model)
    return made


@transaction.atomic
def _make(model: ModelVersion, wanted: Sequence[int]) -> int:
    """Pre-draw these tasks, while neither champion nor settings change.

    Not while they are being written: a worker for short work waits for no order.
    """
    campaigns = Campaign.objects.select_for_update(no_key=True, skip_locked=True)
    campaign = campaigns.filter(pk=model.campaign_id).first()
    champions = ModelVersion.objects.filter(pk=model.pk, state=ModelVersion.State.CHAMPION)
    if campaign is None or not champions.exists():
        return 0
    tasks = pool.open_tasks(campaign).filter(pk__in=wanted)
    tasks = tasks.exclude(suggestions__model_number=model.number).select_related("image")
    drawn = predict.suggest(campaign, model, list(tasks))
    if drawn:
        record(
            actor_id=None, action="queue.suggest", target=model, campaign_id=campaign.pk,
            number=model.number, suggestions=drawn,
        )  # fmt: skip
    return drawn


def _wanted(model: ModelVersion) -> list[int]:
    """Return the tasks without a suggestion before readers for whom most of what comes lacks one.

    Asked every other second: of readers who are at work only what is served next is looked at.
    """
    first = _next(model.campaign, None)
    past = pool.readers_past(model.campaign, [task.pk for task in first])
    heads = [first, *(_next(model.campaign, reader) for reader in past)]
    tasks = {task.pk: task for head in heads for task in head}
    drawn = _drawn(model, list(tasks))
    able = _able(model, [task for task in tasks.values() if task.pk not in drawn])
    found: dict[int, None] = {}
    for head in heads:
        lacking = [task.pk for task in head if task.pk in able]
        if len(lacking) > sum(task.pk in drawn for task in head):
            found |= dict.fromkeys(lacking)
    return list(found)


def _next(campaign: Campaign, reader: int | None) -> list[Task]:
    """Return what this reader, or one who has read nothing yet, is served next.

    As many cases, or all frames of as many series, as an order that is published pre-draws. Only
    their keys, and those of image and series.
    """
    # The campaign's key too: its related manager would ask for it row by row.
    rows = pool.open_tasks(campaign).select_related("image").only("campaign", "image__series")
    if reader is not None:
        rows = rows.exclude(assignments__reader=reader)
    head = list(rows.order_by("-priority", "id")[: predict.HEAD])
    if campaign.unit == Campaign.Unit.IMAGE:
        return head
    series = list(dict.fromkeys(task.image.series_id for task in head))[: predict.HEAD_SERIES]
    return list(rows.filter(image__series_id__in=series))


def _drawn(model: ModelVersion, tasks: Sequence[int]) -> set[int]:
    """Return which of these tasks have a suggestion of the model."""
    rows = Suggestion.objects.filter(model_number=model.number, task_id__in=tasks)
    return set(rows.values_list("task_id", flat=True))


def _able(model: ModelVersion, tasks: Sequence[Task]) -> set[int]:
    """Return of which of these tasks the model has something to suggest.

    It has looked at them and, where it answers, chosen anything: else they would lack it for ever.
    """
    if answers.asks(model.campaign):
        return set(predict.answered(model.campaign, model, tasks))
    images = [task.image_id for task in tasks]
    rows = Prediction.objects.filter(model=model, image_id__in=images)
    scored = set(rows.values_list("image_id", flat=True))
    return {task.pk for task in tasks if task.image_id in scored}
