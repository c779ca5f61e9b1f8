"""STEP trials: how a champion holds up when images get worse. Done when nothing else waits."""

import json
import logging
import shutil
from pathlib import Path

from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Now

from annotations.models import Campaign
from reticle.errors import ReticleError
from training import fit, jobs
from training.models import ModelVersion
from training.predict import beat_behind_runs, claim_until

logger = logging.getLogger(__name__)
CASES = 32  # so many held-out cases at most are made worse


def trial_claim() -> ModelVersion | None:
    """Claim a champion that was measured and never put to the trial; else None."""
    free = Q(scoring_until=None) | Q(scoring_until__lt=Now())
    champions = ModelVersion.objects.filter(
        free, state=ModelVersion.State.CHAMPION, campaign__state=Campaign.State.OPEN,
        scored_at__isnull=False, robustness={}, evaluations__isnull=False,
    )  # fmt: skip
    for model in champions.select_related("campaign").distinct():
        changed = ModelVersion.objects.filter(
            free, pk=model.pk, state=ModelVersion.State.CHAMPION, scoring_token=model.scoring_token
        ).update(scoring_until=claim_until(), scoring_token=F("scoring_token") + 1)
        if changed == 1:
            model.refresh_from_db()
            return model
    return None


def trial_run(model: ModelVersion) -> bool:
    """Measure a claimed champion; True when its report is stored.

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
