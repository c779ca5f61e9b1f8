"""STEP trials: how a model holds up when images get worse. Done when nothing else waits.

Champions are put to it by themselves, any other version when somebody asks for it.
"""

import json
import logging
import shutil
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.timezone import now

from reticle.accounts.models import User
from reticle.audit.record import record
from reticle.errors import Conflict, ReticleError
from training import fit, jobs
from training.claims import OPEN, claim
from training.models import ModelVersion
from training.predict import beat_behind_runs
from training.report import robust_asked

logger = logging.getLogger(__name__)
CASES = 32  # so many held-out cases at most are made worse


@transaction.atomic
def trial_ask(*, model: ModelVersion, actor: User) -> ModelVersion:
    """Note that a person wants to know; a worker measures it. What is there, or asked for, stays.

    Raises Conflict when the model was never measured on held-out cases.
    """
    row = ModelVersion.objects.select_for_update(no_key=True).get(pk=model.pk)
    if not row.evaluations.exists():
        words = "This model was never measured on held-out cases."
        raise Conflict(words, code="never_measured")
    if not robust_asked(row.robustness) and "clean" not in row.robustness:
        row.robustness = {"asked_at": now().isoformat()}
        row.save(update_fields=["robustness"])
        record(
            actor_id=actor.pk, action="robustness.ask", target=row, campaign_id=row.campaign_id,
            number=row.number,
        )  # fmt: skip
    return row


def trial_claim() -> ModelVersion | None:
    """Claim a model whose trial was asked for, or a champion that never had one; else None."""
    asked = Q(robustness__has_key="asked_at")
    live = Q(state=ModelVersion.State.CHAMPION, scored_at__isnull=False, robustness={})
    rows = ModelVersion.objects.filter(asked | (live & OPEN), evaluations__isnull=False)
    return claim(rows.distinct())


def trial_run(model: ModelVersion) -> bool:
    """Measure a claimed model; True when its report is stored.

    Gives way to a training run that is queued: the trial is then made another time.
    """
    folder = Path(settings.RUN_FOLDER) / f"trial-{model.pk}-{model.scoring_token}"
    try:
        _measure(model, folder)
    except jobs.ChildStopped:
        logger.info("the trial of %s gave way", model)
        _free(model)
        return False
    except (jobs.ChildFailed, ReticleError, OSError) as error:
        # Kept, so that it is not tried every other second for ever.
        logger.error("the trial of %s failed: %s", model, error)
        _free(model, robustness={"error": str(error)})
        return False
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return True


def _measure(model: ModelVersion, folder: Path) -> None:
    evaluation = model.evaluations.select_related("snapshot").latest("id")
    snapshot = evaluation.snapshot
    examples = fit.in_words_of(model, snapshot, fit.examples_of(snapshot, "held_out", seen=set()))
    step = -(-len(examples) // CASES)
    seconds = settings.HEARTBEAT_SECONDS
    told = jobs.beating(examples[::step], lambda: beat_behind_runs(model), seconds)
    jobs.job_write(
        folder, told, classes=model.card["classes"], questions=model.questions,
        config={}, seed=model.number,
    )  # fmt: skip
    weights = jobs.model_write(folder / "model", model)
    report = folder / "report.json"
    arguments = ["robustness", str(folder), "--model", str(weights), "--out", str(report)]
    for _ in jobs.child_lines(
        arguments, beat=lambda: beat_behind_runs(model), beat_seconds=seconds
    ):
        pass
    _free(model, robustness=json.loads(report.read_text()))


def _free(model: ModelVersion, **fields: object) -> None:
    ModelVersion.objects.filter(pk=model.pk, scoring_token=model.scoring_token).update(
        scoring_until=None, **fields
    )
