"""STEP committee: further networks of a champion's recipe, which say where it is unsure.

What networks of one recipe differ on tells wrong pixels from right ones better than the entropy of
one of them (docs/learning.md). Where the campaign's policy asks for it, two more are trained from
scratch by other seeds, on the snapshot that the champion learned from. It is the least urgent work
of all: put aside as soon as a training, an order or maps are due, and taken up where it stopped. A
committee makes uncertainty maps and nothing else. It was not measured, so that suggestions, scores
and the order stay the champion's own.
"""

import logging
import os
import shutil
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from annotations.campaigns import training_policy
from annotations.models import Assignment, Campaign, Suggestion, SuggestionMap, Task
from reticle.errors import ReticleError
from training import fit, jobs, maps, predict
from training.claims import OPEN, claim, claim_beat, free
from training.ensemble import committee_keep, is_ensemble
from training.models import ModelVersion
from training.trigger import policy_number

logger = logging.getLogger(__name__)
FURTHER = 2
SEEDS = 100_000  # members' seeds are so far from the champion's: no other run of a campaign's


def committee_claim() -> ModelVersion | None:
    """Claim a live champion that is to have a committee and has none; else None."""
    champions = ModelVersion.objects.filter(
        OPEN, state=ModelVersion.State.CHAMPION, campaign__suggestions=True,
        scored_at__isnull=False, committee={},
    )  # fmt: skip
    rows = champions.select_related("run__snapshot")
    return claim(rows, lambda model: _wants(model) and not _waits(model))


def _wants(model: ModelVersion) -> bool:
    """Tell whether the policy asks for one; several networks have theirs, answers no such maps."""
    policy = training_policy(model.campaign.training, model.campaign.kind)
    asked = policy_number(policy, "committee") == 1
    return asked and not model.questions and not is_ensemble(model.card)


def _waits(model: ModelVersion) -> bool:
    """Tell whether there is other work that readers or labels wait for, of any campaign."""
    champions = ModelVersion.objects.filter(
        free() | Q(pk=model.pk), state=ModelVersion.State.CHAMPION,
        campaign__state=Campaign.State.OPEN,
    )  # fmt: skip
    rows = champions.select_related("campaign")
    return predict.run_waits() or any(predict.due(row) or maps.due(row) for row in rows)


def committee_run(model: ModelVersion) -> bool:
    """Train what a claimed champion's committee lacks; True when it is complete.

    What is put aside stays in its folder. What lies in the training itself is kept as the reason
    why there is no committee; all else is tried again after the claim has run out.
    """
    folder = Path(settings.RUN_FOLDER) / f"committee-{model.pk}"
    first = model.run.seed + SEEDS
    try:
        members = [_member(model, folder, first + place) for place in range(FURTHER)]
        sha256 = committee_keep(model, members)
    except jobs.ChildStopped:
        logger.info("the committee of %s gave way", model)
        _release(model)
        return False
    except (jobs.ChildFailed, ReticleError, OSError, ValueError) as error:
        logger.error("the committee of %s failed: %s", model, error)
        if not isinstance(error, OSError) and not getattr(error, "killed", False):
            _release(model, committee={"error": str(error)})
            shutil.rmtree(folder, ignore_errors=True)
        return False
    done = _keep(model, {"sha256": sha256, "members": 1 + len(members)})
    shutil.rmtree(folder, ignore_errors=True)
    return done


def _member(model: ModelVersion, folder: Path, seed: int) -> Path:
    """Train one network, from where it was put aside; return the folder of its model."""
    out, job = folder / f"seed-{seed}", folder / f"job-{seed}"
    if (out / "model.json").exists() and not job.exists():
        return out
    run = model.run
    assert run.snapshot is not None  # a model comes from a run that has its snapshot
    seconds = settings.HEARTBEAT_SECONDS
    examples = fit.examples_of(run.snapshot, "training", seen=set())
    jobs.job_write(
        job, jobs.beating(examples, lambda: _beat(model, folder), seconds),
        classes=run.snapshot.manifest["classes"], config=run.config, seed=seed,
    )  # fmt: skip
    arguments = ["train", str(job), "--out", str(out), "--resume", str(out)]
    for _ in jobs.child_lines(arguments, beat=lambda: _beat(model, folder), beat_seconds=seconds):
        pass
    shutil.rmtree(job)  # last: without it the member is whole
    return out


def _beat(model: ModelVersion, folder: Path) -> bool:
    """Prolong the claim; False when other work waits, or the model is no champion any more."""
    if folder.exists():
        os.utime(folder)  # else it is taken for forgotten: see `training.tidy`
    return not _waits(model) and claim_beat(model)


@transaction.atomic
def _keep(model: ModelVersion, committee: dict[str, object]) -> bool:
    """Keep the committee, and let the maps of cases that nobody has yet been given be made anew.

    Not of so few that a worker would not begin with them.
    """
    if not _release(model, committee=committee):
        return False
    given = Assignment.objects.filter(task=OuterRef("pk"))
    mapped = Suggestion.objects.filter(model_number=model.number, maps_at__isnull=False)
    tasks = Task.objects.filter(
        ~Exists(given), Exists(mapped.filter(task=OuterRef("pk"))), campaign=model.campaign,
        state=Task.State.OPEN,
    )  # fmt: skip
    # Locked, and none that is being handed out: a reader's page holds the addresses of its maps.
    locked = tasks.select_for_update(no_key=True, skip_locked=True)
    keys = list(locked.order_by("pk").values_list("pk", flat=True))
    if len(keys) >= maps.ENOUGH:
        rows = mapped.filter(task__in=keys)
        kind = SuggestionMap.Kind.UNCERTAINTY
        SuggestionMap.objects.filter(suggestion__in=rows, kind=kind).delete()
        Suggestion.objects.filter(task__in=keys, model_number=model.number).update(maps_at=None)
    return True


def _release(model: ModelVersion, **fields: object) -> bool:
    """Give the claim up, and write these fields; False when it is ours no more."""
    champion = ModelVersion.State.CHAMPION
    rows = ModelVersion.objects.filter(
        pk=model.pk, scoring_token=model.scoring_token, state=champion
    )
    return rows.update(scoring_until=None, **fields) == 1
