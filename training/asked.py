"""STEP asked: explanations that take long, made for one case because its reader wants them.

In a worker for short work: the one that trains may be busy for an hour, and the reader waits. The
child computes in time that nobody else wants.
"""

import logging
import shutil
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from annotations.models import Suggestion
from reticle.errors import ReticleError
from training import jobs
from training.maps import explain_write, maps_keep
from training.models import ModelVersion

logger = logging.getLogger(__name__)
SECONDS = 600  # after so long a worker that fell silent has lost its claim


def asked_claim() -> Suggestion | None:
    """Claim the oldest wish that nobody is at; else None."""
    free = Q(asked_until=None) | Q(asked_until__lt=Now())
    rows = Suggestion.objects.filter(free, asked_at__isnull=False).defer("packed")
    for row in rows.select_related("task__image", "task__campaign").order_by("asked_at")[:5]:
        until = Now() + timedelta(seconds=SECONDS)
        if Suggestion.objects.filter(free, pk=row.pk).update(asked_until=until) == 1:
            return row
    return None


def asked_run(row: Suggestion) -> bool:
    """Make all maps of one case; True when they are kept. The wish is gone either way."""
    model = ModelVersion.objects.get(campaign=row.task.campaign, number=row.model_number)
    folder = Path(settings.RUN_FOLDER) / f"asked-{row.pk}"
    job = folder / "job"
    try:
        weights = jobs.model_write(folder / "model", model)
        example = jobs.Example(image=row.task.image, patient="")
        explain_write(job, [example], model)
        arguments = ["explain", str(job), "--model", str(weights), "--out", str(job / "out")]
        for event in jobs.child_lines(
            [*arguments, "--occlusion"], beat=lambda: True, beat_seconds=settings.HEARTBEAT_SECONDS
        ):
            if event.get("event") == "case":
                maps_keep(row, job / "out" / f"{event['id']}.npz", model)
    except (jobs.ChildFailed, ReticleError, OSError) as error:
        logger.error("explaining suggestion %s failed: %s", row.pk, error)
        return False
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        Suggestion.objects.filter(pk=row.pk).update(asked_at=None, asked_until=None)
    return True
