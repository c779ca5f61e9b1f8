"""STEP remeasure: former champions on the newest held-out list, for a curve that is of one list.

Candidate and champion are measured on it when they are decided upon; those before are measured
here, one at a time, when nothing else waits.
"""

import gzip
import logging
import zlib
from dataclasses import asdict

from reticle.errors import NotFound, ReticleError
from training import curve, fit, jobs, promote
from training.claims import OPEN, claim
from training.models import ModelVersion
from training.predict import beat_behind_runs
from training.reasons import Reason, reason

logger = logging.getLogger(__name__)


def remeasure_claim() -> ModelVersion | None:
    """Claim a model that was live and is to be measured on the newest list; else None."""
    return claim(curve.due().filter(OPEN).order_by("-champion_since"))


def remeasure_run(model: ModelVersion) -> bool:
    """Measure a claimed model; True when its report is stored.

    Gives way to a training run that is queued. What lies in the model itself is kept as the reason
    why it is left out; all else is tried again after the claim has run out.
    """
    snapshot = curve.measured_lists().filter(campaign=model.campaign_id).first()
    assert snapshot is not None  # it was claimed because of one
    try:
        fit.evaluate(model, snapshot, beat=lambda: beat_behind_runs(model))
    except jobs.ChildStopped:
        logger.info("measuring %s again gave way", model)
        _free(model)
        return False
    except (jobs.ChildFailed, ReticleError, OSError, EOFError, zlib.error) as error:
        logger.error("measuring %s again failed: %s", model, error)
        why = _lasting(error)
        if why is not None:
            _free(model, unmeasured={"snapshot": snapshot.pk, "reason": asdict(why)})
            promote.champion_keep(model.campaign_id)
        return False
    _free(model)
    return True


def _lasting(error: Exception) -> Reason | None:
    """Return why the model can never be measured; None where another try may succeed."""
    if isinstance(error, NotFound | gzip.BadGzipFile | EOFError | zlib.error):
        return reason("weights_gone")
    if isinstance(error, jobs.ChildFailed) and not error.killed:
        return reason("not_measured", error=(str(error).splitlines() or [""])[-1])
    return None


def _free(model: ModelVersion, **fields: object) -> None:
    ModelVersion.objects.filter(pk=model.pk, scoring_token=model.scoring_token).update(
        scoring_until=None, **fields
    )
