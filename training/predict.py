"""STEP predict: the champion scores the pool, the queue is re-ordered, the head is pre-drawn.

Held-out cases are never scored: selection must not see them. Work goes in chunks, each kept as
it is done, so a killed worker loses at most one chunk. The order is published in one transaction
after all chunks.
"""

import logging
import shutil
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from annotations.models import Campaign, Suggestion, Task
from annotations.queue import Place, order_publish
from reticle.audit.record import record
from reticle.images.models import Image
from reticle.pixels.mask import mask_hash, pack, unpack
from training import jobs, promote
from training.ml.acquire import select_order
from training.models import ModelVersion, Prediction
from training.snapshot import classes_of

logger = logging.getLogger(__name__)
CHUNK = 64
HEAD = 64  # so many cases at the head of the queue are pre-drawn


def _pool(campaign: Campaign) -> Any:
    return campaign.tasks.filter(state=Task.State.OPEN, held_out=False)


def _unscored(model: ModelVersion) -> Any:
    known = Prediction.objects.filter(model=model, image_id=OuterRef("image_id"))
    return _pool(model.campaign).filter(~Exists(known))


def scoring_claim() -> ModelVersion | None:
    """Claim a champion whose scores are not published, or whose pool has grown; else None."""
    free = Q(scoring_until=None) | Q(scoring_until__lt=Now())
    champions = ModelVersion.objects.filter(
        free, state=ModelVersion.State.CHAMPION, campaign__state=Campaign.State.OPEN
    )
    for model in champions.select_related("campaign"):
        if model.scored_at is not None and not _unscored(model).exists():
            continue
        changed = ModelVersion.objects.filter(
            free, pk=model.pk, state=ModelVersion.State.CHAMPION, scoring_token=model.scoring_token
        ).update(scoring_until=_until(), scoring_token=F("scoring_token") + 1)
        if changed == 1:
            model.refresh_from_db()
            return model
    return None


def _until() -> Any:
    return Now() + timedelta(seconds=settings.RUN_LEASE_SECONDS)


def _beat(model: ModelVersion) -> bool:
    """Prolong the claim; False when the model is no longer champion or the claim was lost."""
    changed = ModelVersion.objects.filter(
        pk=model.pk, scoring_token=model.scoring_token, state=ModelVersion.State.CHAMPION
    ).update(scoring_until=_until())
    return changed == 1


def scoring_run(model: ModelVersion) -> int:
    """Score what has no score yet, then publish; return how many places were published."""
    folder = Path(settings.RUN_FOLDER) / f"scoring-{model.pk}-{model.scoring_token}"
    try:
        weights = jobs.model_write(folder / "model", model)
        number = 0
        while tasks := list(_unscored(model).order_by("-priority", "id")[:CHUNK]):
            number += 1
            _chunk(model, tasks, folder / f"chunk-{number}", weights)
        return scores_publish(model=model)
    except jobs.ChildStopped:
        logger.info("scoring with %s stopped: another model is champion", model)
        return 0
    except jobs.ChildFailed as error:
        # Tried again after the claim has run out; the old order stays.
        logger.error("scoring with %s failed: %s", model, error)
        return 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _chunk(model: ModelVersion, tasks: Sequence[Task], folder: Path, weights: Path) -> None:
    images = Image.objects.in_bulk([task.image_id for task in tasks])
    examples = [jobs.Example(image=image, patient="") for image in images.values()]
    jobs.job_write(folder, examples, classes=model.card["classes"], config={}, seed=0)
    output = folder / "out"
    arguments = ["predict", str(folder), "--model", str(weights), "--out", str(output)]
    rows = []
    for event in jobs.child_lines(
        arguments, beat=lambda: _beat(model), beat_seconds=settings.HEARTBEAT_SECONDS
    ):
        if event.get("event") == "case":
            rows.append(_prediction(model, promote.finite(event), output))
    Prediction.objects.bulk_create(rows, ignore_conflicts=True)
    shutil.rmtree(folder, ignore_errors=True)


def _prediction(model: ModelVersion, event: dict[str, Any], output: Path) -> Prediction:
    with np.load(output / f"{event['id']}.npz", allow_pickle=False) as found:
        embedding = found["embedding"].astype("<f4").tobytes()
        packed = pack(np.ascontiguousarray(found["mask"]))
    return Prediction(
        model=model, image_id=int(event["id"]), packed=packed, score=event["score"],
        class_scores=event.get("class_scores") or {}, foreground=event.get("foreground") or 0.0,
        embedding=embedding,
    )  # fmt: skip


@transaction.atomic
def scores_publish(*, model: ModelVersion) -> int:
    """Turn the champion's scores into the order of the queue and suggestions for its head.

    Returns how many places were published; 0 when the model lost its claim or its crown.
    """
    campaign = Campaign.objects.select_for_update().get(pk=model.campaign_id)
    changed = ModelVersion.objects.filter(
        pk=model.pk, scoring_token=model.scoring_token, state=ModelVersion.State.CHAMPION
    ).update(scored_at=Now(), scoring_until=None)
    if changed != 1:
        return 0
    tasks = list(_pool(campaign).select_related("image__series__study").order_by("id"))
    found = {row.image_id: row for row in _predictions(model, tasks)}
    tasks = [task for task in tasks if task.image_id in found]
    places = _order(campaign, model, tasks, [found[task.image_id] for task in tasks])
    published = order_publish(campaign=campaign, pool=places)
    head = [place.task_id for place in places[:HEAD]]
    drawn = _suggest(campaign, model, [task for task in tasks if task.pk in set(head)], found)
    record(
        actor_id=None, action="queue.publish", target=model, campaign_id=campaign.pk,
        number=model.number, places=published, suggestions=drawn,
    )  # fmt: skip
    return published


def _predictions(model: ModelVersion, tasks: Sequence[Task]) -> Any:
    return Prediction.objects.filter(model=model, image_id__in=[task.image_id for task in tasks])


def _order(
    campaign: Campaign, model: ModelVersion, tasks: Sequence[Task], rows: Sequence[Prediction]
) -> list[Place]:
    if not tasks:
        return []
    names = [str(row["name"]) for row in classes_of(campaign)]
    empty = float("nan")
    scores = np.array([empty if row.score is None else row.score for row in rows])
    by_class = np.array([[row.class_scores.get(name) or 0.0 for name in names] for row in rows])
    ranked = select_order(
        scores,
        by_class,
        [task.image.series.study.patient_key for task in tasks],
        [task.image.index for task in tasks],
        strategy=campaign.strategy,
        random_share=campaign.random_share,
        seed=model.number,
    )
    return [
        Place(
            tasks[place.index].pk,
            promote.finite(
                {
                    "share": place.share, "strategy": place.strategy, "score": place.score,
                    "model_number": model.number,
                }
            ),
        )
        for place in ranked
    ]  # fmt: skip


def good_classes(campaign: Campaign, model: ModelVersion) -> list[int]:
    """Return the mask values whose held-out Dice has reached the campaign's threshold."""
    newest = model.evaluations.order_by("-id").first()
    found = newest.report.get("classes", {}) if newest else {}
    return [
        int(str(row["index"]))
        for row in classes_of(campaign)
        if (found.get(row["name"], {}).get("dice") or 0.0) >= campaign.suggestion_dice
    ]


def _suggest(
    campaign: Campaign, model: ModelVersion, tasks: Sequence[Task], found: dict[int, Prediction]
) -> int:
    """Pre-draw the classes the model is good at; return how many cases got a suggestion."""
    good = good_classes(campaign, model)
    if not good or not campaign.suggestions:
        return 0
    rows = []
    for task in tasks:
        mask = unpack(bytes(found[task.image_id].packed), task.image.rows, task.image.columns)
        mask[~np.isin(mask, good)] = 0
        rows.append(
            Suggestion(
                task=task, model_number=model.number, packed=pack(mask), sha256=mask_hash(mask)
            )
        )
    Suggestion.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)
