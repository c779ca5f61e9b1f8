"""STEP cold: the order of the queue before there is a model, by how images differ.

A network learns from the pool's images alone, and the queue begins with what its features hold to
be typical and then different (`training.ml.acquire.cold_order`). Made where a campaign asks for it
and has no champion, once, and again when the pool has doubled; the order by chance over patients
stands until then, and where it fails. Gives way to a training that waits.
"""

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from annotations.campaigns import training_policy
from annotations.models import Campaign
from annotations.queue import Place, order_publish
from reticle.audit.record import record
from reticle.errors import ReticleError
from training import answers, jobs, pool
from training.claims import claim_until
from training.compare import pool_tasks
from training.ml.acquire import BATCH, Pool, cold_order
from training.models import ColdOrder
from training.predict import run_waits
from training.snapshot import classes_of
from training.stages import pool_examples
from training.trigger import policy_number, run_config, teaches

logger = logging.getLogger(__name__)
ENOUGH = 2 * BATCH  # among fewer waiting images there is little to choose
GROWTH = 2  # made again when the pool has grown by this factor
DEATHS = 2  # so often a killed child is tried once more
SECONDS = 300.0  # of learning at most: people are reading meanwhile
Features = Mapping[int, npt.NDArray[np.float32]]


def cold_claim() -> ColdOrder | None:
    """Claim the order of a campaign that is to begin by differences and does not yet; else None."""
    free = Q(claimed_until=None) | Q(claimed_until__lt=Now())
    campaigns = Campaign.objects.filter(
        state=Campaign.State.OPEN, cold_start=Campaign.ColdStart.DIVERSITY, champion__isnull=True
    )
    for campaign in campaigns:
        row, _ = ColdOrder.objects.get_or_create(campaign=campaign)
        if not _due(row):
            continue
        changed = ColdOrder.objects.filter(free, pk=row.pk, token=row.token).update(
            claimed_until=claim_until(), token=F("token") + 1
        )
        if changed == 1:
            row.refresh_from_db()
            return row
    return None


def _due(row: ColdOrder) -> bool:
    # Asked at every tick: no more is counted than is asked for.
    wanted = GROWTH * row.images
    if pool_tasks(row.campaign)[:wanted].count() < wanted:
        return False
    return pool.open_tasks(row.campaign)[:ENOUGH].count() == ENOUGH and teaches(row.campaign)


def _mine(row: ColdOrder) -> Any:
    """Return the row as long as our claim holds and the order is wanted."""
    wanting = Campaign.objects.filter(
        pk=OuterRef("campaign_id"), champion__isnull=True,
        cold_start=Campaign.ColdStart.DIVERSITY,
    )  # fmt: skip
    # No join: of a joined row the token would be the one from before another worker's claim.
    return ColdOrder.objects.filter(Exists(wanting), pk=row.pk, token=row.token)


def _beat(row: ColdOrder) -> bool:
    return not run_waits() and bool(_mine(row).update(claimed_until=claim_until()) == 1)


def cold_run(row: ColdOrder) -> int:
    """Compare the images and order the queue; return how many places were published."""
    folder = Path(settings.RUN_FOLDER) / f"cold-{row.pk}-{row.token}"
    images = pool_tasks(row.campaign).count()
    try:
        return cold_publish(row=row, features=_features(row, folder), images=images)
    except jobs.ChildStopped:
        logger.info("the order of %s by differences gave way", row.campaign)
        _mine(row).update(claimed_until=None)
    except (jobs.ChildFailed, ReticleError, OSError) as error:
        logger.error("ordering %s by differences failed: %s", row.campaign, error)
        _failed(row, error, images)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _failed(row: ColdOrder, error: Exception, images: int) -> None:
    """Keep why, so that it is not tried every other second for ever; a killed child may succeed."""
    again = isinstance(error, jobs.ChildFailed) and error.killed and row.deaths < DEATHS
    ended = {"deaths": F("deaths") + 1} if again else {
        "deaths": 0, "images": images, "error": str(error)
    }  # fmt: skip
    _mine(row).update(claimed_until=None, **ended)


def _features(row: ColdOrder, folder: Path) -> Features:
    """Learn from the pool's images; return {image: features (D,)}, none of a held-out one."""
    campaign, job, model = row.campaign, folder / "job", folder / "model"
    examples = pool_examples(campaign)
    asks = answers.asks(campaign)
    limit = policy_number(training_policy(campaign.training, campaign.kind), "seconds")
    beat = settings.HEARTBEAT_SECONDS
    told = jobs.beating(examples, lambda: _beat(row), beat)
    jobs.job_write(
        job, told, classes=[] if asks else classes_of(campaign),
        questions=answers.questions_of(campaign) if asks else [],
        config=run_config(campaign, {"seconds": min(SECONDS, limit)}), seed=campaign.pk,
    )  # fmt: skip
    found = folder / "features.npy"
    for arguments in (
        ["pretrain", str(job), "--out", str(model)],
        ["features", str(job), "--model", str(model), "--out", str(found)],
    ):
        for _ in jobs.child_lines(arguments, beat=lambda: _beat(row), beat_seconds=beat):
            pass
    vectors = np.load(found, allow_pickle=False)
    return {each.image.pk: vector for each, vector in zip(examples, vectors, strict=True)}


@transaction.atomic
def cold_publish(*, row: ColdOrder, features: Features, images: int) -> int:
    """Let the queue begin with images that differ; the others follow as before.

    `images` is the size of the pool they were looked for in. Returns how many places were
    published; 0 when the claim was lost or the order is not wanted any more.
    """
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=row.campaign_id)
    ended = {"claimed_until": None, "ordered_at": Now(), "images": images, "error": "", "deaths": 0}
    if _mine(row).update(**ended) != 1:
        return 0
    rows = pool.open_tasks(campaign).filter(image_id__in=list(features))
    tasks = list(rows.select_related("image__series__study").order_by("id"))
    if not tasks:
        return 0
    ranked = cold_order(
        Pool(
            patients=[task.image.series.study.patient_key for task in tasks],
            positions=[task.image.index for task in tasks],
            series=[task.image.series_id for task in tasks],
            class_scores=np.zeros((len(tasks), 0)),
            features=np.stack([features[task.image_id] for task in tasks]),
        ),
        random_share=campaign.random_share,
        seed=campaign.pk,
    )
    places = [Place(tasks[each.index].pk, {"share": each.share}) for each in ranked]
    published = order_publish(campaign=campaign, pool=places)
    record(
        actor_id=None, action="queue.diversity", target=campaign, campaign_id=campaign.pk,
        images=len(features), first=len(places), places=published,
    )  # fmt: skip
    return published


def chance_restore() -> int:
    """Give campaigns that no longer ask for it the order by chance back; return how many.

    Only before there is a model: a champion's order is its own.
    """
    rows = _unwanted().values_list("pk", flat=True)
    return sum(_restore(pk) for pk in rows)


def _unwanted() -> QuerySet[ColdOrder]:
    return ColdOrder.objects.filter(
        campaign__cold_start=Campaign.ColdStart.RANDOM, campaign__champion__isnull=True
    )


@transaction.atomic
def _restore(pk: int) -> bool:
    """Undo one order, unless another tick is at it or it is wanted again."""
    row = _unwanted().filter(pk=pk).select_for_update(skip_locked=True, of=("self",)).first()
    if row is None:
        return False
    Campaign.objects.select_for_update(no_key=True).get(pk=row.campaign_id)
    if not _unwanted().filter(pk=pk).exists():
        return False
    if row.ordered_at is not None:
        record(
            actor_id=None, action="queue.chance", target=row.campaign, campaign_id=row.campaign_id,
            places=order_publish(campaign=row.campaign, pool=[]),
        )  # fmt: skip
    row.delete()  # asked for again, it is made again
    return True


def cold_state(campaign: Campaign) -> dict[str, Any] | None:
    """Return {ordered_at, error}; None where a champion orders the queue or chance is to."""
    wanted = campaign.cold_start == Campaign.ColdStart.DIVERSITY
    if not wanted or campaign.champion is not None:
        return None
    row = ColdOrder.objects.filter(campaign=campaign).first()
    return {"ordered_at": row.ordered_at if row else None, "error": row.error if row else ""}
