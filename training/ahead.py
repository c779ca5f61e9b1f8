"""STEP ahead: while a champion stays, the cases that readers come to next get its suggestions.

An order that is published pre-draws its head, and readers read on from there. What follows is
drawn from stored predictions, by a worker for short work: the one that trains may be busy for an
hour. So are cases whose suggestions were taken away when their campaign's threshold was changed.
"""

from collections.abc import Iterable

from django.db import transaction

from annotations.models import Campaign, Suggestion, Task
from reticle.audit.record import record
from training import pool, predict
from training.models import ModelVersion, Prediction


def suggestions_make() -> int:
    """Pre-draw what comes next wherever most of it has no suggestion; return how many cases."""
    champions = ModelVersion.objects.filter(
        state=ModelVersion.State.CHAMPION, scored_at__isnull=False,
        campaign__state=Campaign.State.OPEN, campaign__suggestions=True,
    )  # fmt: skip
    models = champions.select_related("campaign").order_by("id")
    return sum(_make(model) for model in models if _wanted(model))


@transaction.atomic
def _make(model: ModelVersion) -> int:
    """Pre-draw what comes next, while neither champion nor settings change."""
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=model.campaign_id)
    if not ModelVersion.objects.filter(pk=model.pk, state=ModelVersion.State.CHAMPION).exists():
        return 0
    drawn = predict.suggest(campaign, model, _wanted(model))
    if drawn:
        record(
            actor_id=None, action="queue.suggest", target=model, campaign_id=campaign.pk,
            number=model.number, suggestions=drawn,
        )  # fmt: skip
    return drawn


def _wanted(model: ModelVersion) -> list[Task]:
    """Return what lacks a suggestion before readers for whom most of what comes lacks one.

    Asked every other second: of each reader who is at work only what is served next is looked at.
    """
    first = _next(model.campaign, None)
    past = pool.readers_past(model.campaign, [task.pk for task in first])
    heads = [first, *(_next(model.campaign, reader) for reader in past)]
    tasks = {task.pk: task for head in heads for task in head}
    drawn, scored = _drawn(model, tasks), _scored(model, tasks.values())
    found: dict[int, Task] = {}
    for head in heads:
        lacking = [task for task in head if task.pk not in drawn and task.image_id in scored]
        if len(lacking) > sum(task.pk in drawn for task in head):
            found |= {task.pk: task for task in lacking}
    return list(found.values())


def _next(campaign: Campaign, reader: int | None) -> list[Task]:
    """Return what this reader, or one who has read nothing yet, is served next.

    As many cases, or all frames of as many series, as an order that is published pre-draws.
    """
    rows = pool.open_tasks(campaign).select_related("image")
    if reader is not None:
        rows = rows.exclude(assignments__reader=reader)
    head = list(rows.order_by("-priority", "id")[: predict.HEAD])
    if campaign.unit == Campaign.Unit.IMAGE:
        return head
    series = list(dict.fromkeys(task.image.series_id for task in head))[: predict.HEAD_SERIES]
    return list(rows.filter(image__series_id__in=series))


def _drawn(model: ModelVersion, tasks: Iterable[int]) -> set[int]:
    """Return which of these tasks have a suggestion of the model."""
    rows = Suggestion.objects.filter(model_number=model.number, task_id__in=list(tasks))
    return set(rows.values_list("task_id", flat=True))


def _scored(model: ModelVersion, tasks: Iterable[Task]) -> set[int]:
    """Return which images of these tasks the model has looked at."""
    images = [task.image_id for task in tasks]
    rows = Prediction.objects.filter(model=model, image_id__in=images)
    return set(rows.values_list("image_id", flat=True))
