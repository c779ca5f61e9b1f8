"""STEP onnx: a model as one file for other programs, made because somebody asks for it.

In a worker for short work, as `training.asked`. The file is a blob, kept as long as the model is.
"""

import json
import logging
import shutil
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, Q, QuerySet
from django.db.models.functions import Now

from annotations.models import Export
from reticle import storage
from reticle.accounts.models import User
from reticle.audit.record import record
from reticle.errors import Conflict
from training import jobs
from training.ensemble import is_ensemble
from training.ml.config import FILTERS
from training.models import ModelVersion, OnnxFile
from training.reasons import SENTENCES, Reason, reason

logger = logging.getLogger(__name__)
ATTEMPTS = 3


def onnx_hindrance(model: ModelVersion) -> Reason | None:
    """Return why there can be no such file of this model; None where there can."""
    if is_ensemble(model.card):
        return reason("export_ensemble")
    prepared = model.card.get("preprocessing", {})
    filters = [name for name in FILTERS if prepared.get(name)]
    return reason("export_filters", filters=", ".join(filters)) if filters else None


@transaction.atomic
def onnx_ask(*, model: ModelVersion, actor: User) -> OnnxFile:
    """Queue the file; what is under way or there stays, what failed is tried again.

    Raises Conflict where there can be none.
    """
    hindrance = onnx_hindrance(model)
    if hindrance is not None:
        words = f"There can be no ONNX file of this model: {hindrance.text}."
        raise Conflict(words, code="not_exportable")
    row, made = OnnxFile.objects.get_or_create(model=model, defaults={"asked_by": actor})
    again = OnnxFile.objects.filter(pk=row.pk, state=Export.State.FAILED).update(
        state=Export.State.QUEUED, attempt=0, reason={}, asked_by=actor, asked_at=Now(),
        finished_at=None,
    )  # fmt: skip
    if made or again:
        record(
            actor_id=actor.pk, action="onnx.create", target=row, campaign_id=model.campaign_id,
            number=model.number,
        )  # fmt: skip
    row.refresh_from_db()
    return row


def onnx_claim() -> OnnxFile | None:
    """Claim the file that was asked for first, or whose worker fell silent; else None.

    One at a time: the worker has other short work, which readers wait for.
    """
    free = Q(state=Export.State.QUEUED) | Q(state=Export.State.RUNNING, claimed_until__lt=Now())
    busy = OnnxFile.objects.filter(state=Export.State.RUNNING, claimed_until__gte=Now())
    for row in OnnxFile.objects.filter(free).order_by("asked_at")[:5]:
        changed = OnnxFile.objects.filter(free, ~Exists(busy), pk=row.pk).update(
            state=Export.State.RUNNING, claimed_until=_until(), attempt=F("attempt") + 1
        )
        if changed == 1:
            return OnnxFile.objects.select_related("model__campaign").get(pk=row.pk)
    return None


def onnx_run(row: OnnxFile) -> OnnxFile:
    """Make the file, checked against torch; the row ends done, or failed with a reason."""
    if row.attempt > ATTEMPTS:
        return _failed(row, reason("export_died", times=ATTEMPTS))
    folder = Path(settings.RUN_FOLDER) / f"onnx-{row.pk}-{row.asked_at:%H%M%S%f}-{row.attempt}"
    try:
        weights = jobs.model_write(folder / "model", row.model)
        for _ in jobs.child_lines(
            ["export", str(weights), "--out", str(folder / "out")],
            beat=lambda: _own(row).update(claimed_until=_until()) == 1,
            beat_seconds=settings.HEARTBEAT_SECONDS,
        ):
            pass
        _keep(row, folder / "out")
    except jobs.ChildStopped:
        logger.info("%s was taken over by another worker", row)
    except jobs.ChildFailed as error:
        logger.error("%s failed: %s", row, error)
        # Killed from outside it is tried again, after the claim has run out.
        if not error.killed:
            known = error.code in SENTENCES
            _failed(row, reason(error.code, **error.values) if known else Reason(str(error)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    row.refresh_from_db()
    return row


def _keep(row: OnnxFile, out: Path) -> None:
    card = json.loads((out / "export.json").read_text())
    content = (out / card["file"]).read_bytes()
    sha256, difference = storage.put(content), card["largest_difference"]
    with transaction.atomic():
        kept = _end(row, Export.State.DONE, sha256=sha256, size=len(content), difference=difference)
        if kept:
            record(
                actor_id=None, action="onnx.keep", target=row, campaign_id=row.model.campaign_id,
                number=row.model.number, sha256=sha256, difference=difference,
            )  # fmt: skip


def _failed(row: OnnxFile, why: Reason) -> OnnxFile:
    _end(row, Export.State.FAILED, reason=asdict(why))
    row.refresh_from_db()
    return row


def _end(row: OnnxFile, state: Export.State, **fields: Any) -> bool:
    """End an attempt, unless another worker has taken it over."""
    return _own(row).update(state=state, claimed_until=None, finished_at=Now(), **fields) == 1


def _own(row: OnnxFile) -> QuerySet[OnnxFile]:
    # Attempts begin anew with every wish: which one it was is told by when it was asked.
    return OnnxFile.objects.filter(
        pk=row.pk, attempt=row.attempt, asked_at=row.asked_at, state=Export.State.RUNNING
    )


def _until() -> Any:
    return Now() + timedelta(seconds=settings.RUN_LEASE_SECONDS)
