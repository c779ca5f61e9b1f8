"""STEP shadow: a model that passed the gate runs beside the champion before a person lets it live.

It is measured on the held-out cases of every later snapshot and draws the head of the queue, as
the champion does. Its scores order nothing and its drawings are suggested to nobody; what they
came to is in `training.beside`. Done when no training waits.
"""

import logging
import shutil
from pathlib import Path
from typing import Any

from django.conf import settings

from reticle.errors import ReticleError
from training import fit, jobs, pool
from training.claims import OPEN, claim
from training.models import ModelVersion, Prediction
from training.predict import HEAD, beat_behind_runs, images_score

logger = logging.getLogger(__name__)
ENOUGH = 8  # starting the model takes seconds: not for fewer, unless no more are coming


def snapshots_due(model: ModelVersion) -> Any:
    """Return the snapshots after the model's own that others were measured on and it was not."""
    rows = model.campaign.snapshots.filter(pk__gt=model.run.snapshot_id, evaluations__isnull=False)
    return rows.exclude(evaluations__model=model).distinct().order_by("id")


def images_due(model: ModelVersion) -> list[int]:
    """Return the images at the head of the queue that it has not drawn; none when too few."""
    rows = pool.open_tasks(model.campaign).exclude(image_id__in=model.unreadable)
    head = list(rows.order_by("-priority", "id").values_list("image_id", flat=True)[:HEAD])
    known = Prediction.objects.filter(model=model, image_id__in=head)
    drawn = set(known.values_list("image_id", flat=True))
    due = [image for image in head if image not in drawn]
    return due if len(due) >= min(ENOUGH, len(head)) else []


def shadow_claim() -> ModelVersion | None:
    """Claim a shadow that has something to do; else None."""
    shadows = ModelVersion.objects.filter(OPEN, state=ModelVersion.State.SHADOW)
    return claim(shadows.select_related("run"), _due)


def _due(model: ModelVersion) -> bool:
    return snapshots_due(model).exists() or bool(images_due(model))


def shadow_run(model: ModelVersion) -> bool:
    """Measure and draw what is due; True when all of it is done."""
    folder = Path(settings.RUN_FOLDER) / f"shadow-{model.pk}-{model.scoring_token}"
    try:
        for snapshot in snapshots_due(model):
            fit.evaluate(model, snapshot, beat=lambda: beat_behind_runs(model))
        images = images_due(model)
        if images:
            images_score(model, images, folder, beat=lambda: beat_behind_runs(model))
    except jobs.ChildStopped:
        logger.info("the shadow %s gave way", model)
    except (jobs.ChildFailed, ReticleError, OSError) as error:
        # Tried again after the claim has run out.
        logger.error("the shadow %s failed: %s", model, error)
        return False
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    ModelVersion.objects.filter(pk=model.pk, scoring_token=model.scoring_token).update(
        scoring_until=None
    )
    return not snapshots_due(model).exists() and not images_due(model)
