"""STEP asked: explanations that take long, made for one case because its reader wants them.

In a worker for short work: the one that trains may be busy for an hour, and the reader waits. The
child computes in time that nobody else wants. The time until which a claim holds is its fence too:
whoever claims or prolongs it writes another one, and a worker that finds one not its own stops.
"""

import logging
import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from annotations.models import Suggestion
from reticle.errors import ReticleError
from training import jobs
from training.claims import claim_until
from training.maps import explain_arguments, explain_write, maps_keep
from training.models import ModelVersion

logger = logging.getLogger(__name__)


def asked_claim() -> Suggestion | None:
    """Claim the oldest wish that nobody is at; else None."""
    free = Q(asked_until=None) | Q(asked_until__lt=Now())
    rows = Suggestion.objects.filter(free, asked_at__isnull=False).defer("packed")
    for row in rows.select_related("task__image", "task__campaign").order_by("asked_at")[:5]:
        if Suggestion.objects.filter(free, pk=row.pk).update(asked_until=claim_until()) == 1:
            row.refresh_from_db(fields=["asked_until"])
            return row
    return None


def _mine(row: Suggestion) -> Any:
    return Suggestion.objects.filter(pk=row.pk, asked_until=row.asked_until)


def _beat(row: Suggestion) -> bool:
    """Prolong the claim; False when it is another worker's."""
    if _mine(row).update(asked_until=claim_until()) != 1:
        return False
    row.refresh_from_db(fields=["asked_until"])
    return True


def folder_of(row: Suggestion) -> Path:
    """Return the folder of one claim: another claim of the same wish has another."""
    assert row.asked_until is not None  # it is claimed
    return Path(settings.RUN_FOLDER) / f"asked-{row.pk}-{row.asked_until.timestamp():.6f}"


def asked_run(row: Suggestion) -> bool:
    """Make all maps of one case; True when they are kept.

    The wish is gone either way, unless the claim was lost: then it is another worker's.
    """
    model = ModelVersion.objects.get(campaign=row.task.campaign, number=row.model_number)
    folder = folder_of(row)
    job = folder / "job"
    try:
        example = jobs.Example(image=row.task.image, patient="")
        explain_write(job, [example], model)
        arguments = explain_arguments(job, model)
        beat = settings.HEARTBEAT_SECONDS
        for event in jobs.child_lines(
            [*arguments, "--occlusion"], beat=lambda: _beat(row), beat_seconds=beat
        ):
            if event.get("event") == "case":
                maps_keep(row, job / "out" / f"{event['id']}.npz", model)
    except jobs.ChildStopped:
        logger.info("another worker explains suggestion %s", row.pk)
        return False
    except (jobs.ChildFailed, ReticleError, OSError) as error:
        logger.error("explaining suggestion %s failed: %s", row.pk, error)
        return False
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _mine(row).update(asked_at=None, asked_until=None)
    return True
