"""STEP predict: the champion scores the pool, the queue is re-ordered, the head is pre-drawn.

Held-out cases are never scored: selection must not see them. Work goes in chunks, each kept as
it is done, so a killed worker loses at most the chunks in flight. The order is published in one
transaction after all chunks; until then the order before stands, and says whose scores it has. An
image that cannot be read is left out, and said, until another model scores.
"""

import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from annotations.models import Campaign, Suggestion, Task
from annotations.queue import Place, order_publish
from reticle.audit.record import record
from reticle.errors import ReticleError
from reticle.images.models import Image
from reticle.pixels.mask import mask_hash, pack, unpack
from training import answers, figures, jobs, pool, promote
from training.claims import OPEN, claim, claim_beat
from training.gain import gain_store
from training.ml.acquire import EXTRAS, select_order
from training.models import ModelVersion, Prediction, TrainingRun
from training.scores import scores_keep
from training.snapshot import classes_of

logger = logging.getLogger(__name__)
CHUNK = 64
AGAIN_SECONDS = 300  # so long a scoring that failed waits, and with it the model's maps and trial
HEAD = 64  # so many cases at the head of the queue are pre-drawn
HEAD_SERIES = 4  # or so many series, where whole ones are handed out


def scoring_claim() -> ModelVersion | None:
    """Claim a champion whose order is not published, or out of date; else None.

    Out of date: the pool has grown, or the campaign's strategy or random share was changed.
    """
    return claim(ModelVersion.objects.filter(OPEN, state=ModelVersion.State.CHAMPION), due)


def due(model: ModelVersion) -> bool:
    """Tell whether a champion's order is not published, or out of date (see `scoring_claim`)."""
    current = model.ordered_by == pool.ordered_by(model.campaign)
    return model.scored_at is None or not current or pool.unscored(model).exists()


def run_waits() -> bool:
    """Tell whether a training run is queued."""
    return TrainingRun.objects.filter(state=TrainingRun.State.QUEUED).exists()


def beat_behind_runs(model: ModelVersion) -> bool:
    """Prolong the claim of work that gives way to a training run that waits."""
    return not run_waits() and claim_beat(model)


def scoring_run(model: ModelVersion) -> int:
    """Score what has no score yet, then publish; return how many places were published."""
    folder = Path(settings.RUN_FOLDER) / f"scoring-{model.pk}-{model.scoring_token}"
    try:
        images = list(pool.unscored(model).order_by("-priority", "id").values_list("image", flat=1))
        if images:
            images_score(model, images, folder, beat=lambda: claim_beat(model))
        gain_store(model)
        return scores_publish(model=model)
    except jobs.ChildStopped:
        logger.info("scoring with %s stopped: another model is champion", model)
        return 0
    except (jobs.ChildFailed, ReticleError, OSError) as error:
        logger.error("scoring with %s failed: %s", model, error)
        _failed(model, error)
        return 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _failed(model: ModelVersion, error: Exception) -> None:
    """Keep why; the old order stays. A killed child is tried again when the claim has run out.

    Anything else would fail the same way: it is tried again some minutes later.
    """
    killed = isinstance(error, jobs.ChildFailed) and error.killed
    later = {} if killed else {"scoring_until": Now() + timedelta(seconds=AGAIN_SECONDS)}
    ModelVersion.objects.filter(pk=model.pk, scoring_token=model.scoring_token).update(
        scoring_error=str(error), **later
    )


def images_score(
    model: ModelVersion, images: Sequence[int], folder: Path, *, beat: Callable[[], bool]
) -> None:
    """Score images in chunks and keep what the model says of each.

    One child scores all chunks; the next ones are written while it works.
    """
    weights = jobs.model_write(folder / "model", model)
    events: list[dict[str, Any]] = []
    for event in jobs.child_lines(
        ["score", "--model", str(weights), *EXTRAS.get(pool.strategy_of(model.campaign), ())],
        beat=beat,
        beat_seconds=settings.HEARTBEAT_SECONDS,
        feed=_chunks(model, images, folder, beat),
    ):
        if event.get("event") == "case":
            events.append(promote.finite(event))
        elif event.get("event") == "chunk":
            chunk = Path(event["folder"])
            scores_keep(model, events, chunk / "out")
            shutil.rmtree(chunk, ignore_errors=True)
            events = []


def _chunks(
    model: ModelVersion, images: Sequence[int], folder: Path, beat: Callable[[], bool]
) -> Iterator[str]:
    for first in range(0, len(images), CHUNK):
        chunk = folder / f"chunk-{first}"
        rows = Image.objects.select_related("series").in_bulk(images[first : first + CHUNK])
        if _chunk_write(model, chunk, list(rows.values()), beat):
            yield str(chunk)


def _chunk_write(
    model: ModelVersion, chunk: Path, images: Sequence[Image], beat: Callable[[], bool]
) -> bool:
    """Write a job folder of what of these images can be read; False when none of them can."""
    examples = [jobs.Example(image=image, patient="") for image in images]
    told = jobs.beating(examples, beat, settings.HEARTBEAT_SECONDS)
    left_out: list[jobs.Unreadable] = []
    jobs.job_write(chunk, told, classes=model.card["classes"], config={}, seed=0, left_out=left_out)
    if left_out:
        logger.error("left out of the scores of %s: %s", model, "; ".join(map(str, left_out)))
        model.unreadable = [*model.unreadable, *(error.image for error in left_out)]
        ModelVersion.objects.filter(pk=model.pk, scoring_token=model.scoring_token).update(
            unreadable=model.unreadable
        )
    return len(left_out) < len(examples)


@transaction.atomic
def scores_publish(*, model: ModelVersion) -> int:
    """Turn the champion's scores into the order of the queue and suggestions for its head.

    Returns how many places were published; 0 when the model lost its claim or its crown.
    """
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=model.campaign_id)
    changed = ModelVersion.objects.filter(
        pk=model.pk, scoring_token=model.scoring_token, state=ModelVersion.State.CHAMPION
    ).update(
        scored_at=Now(), scoring_until=None, scoring_error="", ordered_by=pool.ordered_by(campaign)
    )
    if changed != 1:
        return 0
    tasks = list(pool.open_tasks(campaign).select_related("image__series__study").order_by("id"))
    found = pool.newest(model)
    tasks = [task for task in tasks if task.image_id in found]
    rows = [found[task.image_id] for task in tasks]
    far = pool.unfamiliar_cases(model, rows)
    ModelVersion.objects.filter(pk=model.pk).update(unfamiliar=far)
    places = _order(campaign, model, tasks, rows)
    drawn = suggest(campaign, model, _head(campaign, tasks, places))
    # Last, and short: while the order is written its cases are locked, and readers wait.
    published = order_publish(campaign=campaign, pool=places)
    record(
        actor_id=None, action="queue.publish", target=model, campaign_id=campaign.pk,
        number=model.number, places=published, suggestions=drawn,
    )  # fmt: skip
    return published


def _head(campaign: Campaign, tasks: Sequence[Task], places: Sequence[Place]) -> list[Task]:
    """Return the tasks to pre-draw: the first of the order, or all frames of the first series."""
    by_key = {task.pk: task for task in tasks}
    if campaign.unit == Campaign.Unit.IMAGE:
        return [by_key[place.task_id] for place in places[:HEAD]]
    order = dict.fromkeys(by_key[place.task_id].image.series_id for place in places)
    first = set(list(order)[:HEAD_SERIES])
    return [task for task in tasks if task.image.series_id in first]


def _order(
    campaign: Campaign, model: ModelVersion, tasks: Sequence[Task], rows: Sequence[Prediction]
) -> list[Place]:
    """Turn the newest score of each task into its place, and say which model's it is and how old.

    A score that a later champion has not renewed yet is used as it is: never in silence.
    """
    if not tasks:
        return []
    ranked = select_order(
        pool.assembled(campaign, model, tasks, rows, pool.parts_of(campaign)),
        strategy=pool.strategy_of(campaign),
        random_share=campaign.random_share,
        seed=model.number,
    )
    return [
        Place(
            tasks[place.index].pk,
            promote.finite(
                {
                    "share": place.share, "strategy": place.strategy, "score": place.score,
                    "model_number": rows[place.index].model.number,
                    "scored_at": rows[place.index].created_at.isoformat(timespec="seconds"),
                }
            ),
        )
        for place in ranked
    ]  # fmt: skip


def suggests(model: ModelVersion) -> bool:
    """Tell whether the model is good at anything, and so may suggest it."""
    good = good_questions if answers.asks(model.campaign) else good_classes
    return bool(good(model.campaign, model))


def _measured(model: ModelVersion, part: str) -> dict[str, Any]:
    """Return one part of the newest report; the whole of it has a row for every held-out case."""
    reports = model.evaluations.order_by("-id").values_list(f"report__{part}", flat=True)
    return reports.first() or {}


def good_questions(campaign: Campaign, model: ModelVersion) -> list[dict[str, Any]]:
    """Return the questions whose held-out accuracy has reached the campaign's threshold.

    In the model's words; those that were retired or changed since are not among them.
    """
    report = {"questions": _measured(model, "questions")}
    words = answers.words_of(campaign, model.questions, answers.questions_of(campaign))
    return [
        row
        for row in model.questions
        if report["questions"]
        and row["code"] in words
        and (figures.value_of(report, row["code"]) or 0.0) >= campaign.suggestion_dice
    ]


def answered(
    campaign: Campaign, model: ModelVersion, tasks: Sequence[Task]
) -> dict[int, dict[str, Any]]:
    """Return {task: findings} by the questions the model is good at; none where it says nothing."""
    good = good_questions(campaign, model)
    asked = answers.questions_of(campaign)
    words = answers.words_of(campaign, model.questions, asked)
    said = Prediction.objects.filter(model=model, image_id__in=[task.image_id for task in tasks])
    found = dict(said.values_list("image_id", "answers"))
    rows = {}
    for task in tasks:
        given = answers.translated(answers.chosen(good, found.get(task.image_id, {})), words)
        findings = answers.findings_of(asked, given)
        if findings:
            rows[task.pk] = findings
    return rows


def _suggest_answers(campaign: Campaign, model: ModelVersion, tasks: Sequence[Task]) -> int:
    """Answer the questions the model is good at; return how many cases got a suggestion."""
    if not campaign.suggestions:
        return 0
    found = answered(campaign, model, tasks)
    rows = []
    for task in tasks:
        if task.pk not in found:
            continue
        nothing = np.zeros((task.image.rows, task.image.columns), np.uint8)
        rows.append(
            Suggestion(
                task=task, model_number=model.number, findings=found[task.pk],
                packed=pack(nothing), sha256=mask_hash(nothing),
            )
        )  # fmt: skip
    Suggestion.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def good_classes(campaign: Campaign, model: ModelVersion) -> list[int]:
    """Return the mask values whose held-out Dice has reached the campaign's threshold."""
    found = _measured(model, "classes")
    return [
        int(str(row["index"]))
        for row in classes_of(campaign)
        if (found.get(str(row["name"]), {}).get("dice") or 0.0) >= campaign.suggestion_dice
    ]


def suggest(campaign: Campaign, model: ModelVersion, tasks: Sequence[Task]) -> int:
    """Pre-draw the classes the model is good at; return how many cases got a suggestion."""
    # In one order: at the commit each row locks its task, as those who lease and submit do.
    tasks = sorted(tasks, key=lambda task: task.pk)
    if answers.asks(campaign):
        return _suggest_answers(campaign, model, tasks)
    good = good_classes(campaign, model)
    if not good or not campaign.suggestions:
        return 0
    drawn = Prediction.objects.filter(model=model, image_id__in=[task.image_id for task in tasks])
    found = dict(drawn.values_list("image_id", "packed"))
    rows = []
    for task in tasks:
        if task.image_id not in found:
            continue
        mask = unpack(bytes(found[task.image_id]), task.image.rows, task.image.columns)
        mask[~np.isin(mask, good)] = 0
        rows.append(
            Suggestion(
                task=task, model_number=model.number, packed=pack(mask), sha256=mask_hash(mask)
            )
        )
    Suggestion.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)
