"""STEP maps: where the champion is unsure and where it looks, for the cases that come next.

Made after the order is published, so that nobody waits for them; kept beside the suggestion and
shown by the same rule: a blind case has none.
"""

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from annotations.models import Campaign, Suggestion, SuggestionMap, Task
from reticle.errors import ReticleError
from reticle.pixels.mask import mask_hash, pack
from training import jobs, pool
from training.claims import OPEN, claim, claim_beat
from training.ensemble import ensemble_write
from training.models import ModelVersion

logger = logging.getLogger(__name__)
AHEAD = 24  # so many cases at the head of the queue have maps
ENOUGH = 8  # starting the model takes seconds: not for fewer, unless no more are coming


def _wanted(model: ModelVersion) -> list[int]:
    """Return the suggestions that readers come to next and have no maps; none when too few."""
    first = _next(model, None)
    past = pool.readers_past(model.campaign, [row.task_id for row in first])
    found: dict[int, None] = {}
    for head in (first, *(_next(model, reader) for reader in past)):
        wanted = [row.pk for row in head if row.maps_at is None]
        if len(wanted) >= min(ENOUGH, len(head)):
            found |= dict.fromkeys(wanted)
    return list(found)


def _next(model: ModelVersion, reader: int | None) -> list[Suggestion]:
    """Return the suggestions of what this reader, or one who has read nothing, is served next.

    Asked every other second: only their keys, those of task and series, and `maps_at`.
    """
    ahead = (
        Suggestion.objects.filter(
            task__campaign=model.campaign, task__state=Task.State.OPEN, model_number=model.number
        )
        .select_related("task__image")
        .only("task", "maps_at", "task__image__series")
    )
    if reader is not None:
        ahead = ahead.exclude(task__assignments__reader=reader)
    head = list(ahead.order_by("-task__priority", "task_id")[:AHEAD])
    if head and model.campaign.unit == Campaign.Unit.SERIES:
        series = head[0].task.image.series_id
        return list(ahead.filter(task__image__series_id=series).order_by("task__image__index"))
    return head


def due(model: ModelVersion) -> bool:
    """Tell whether cases that readers come to next lack their maps."""
    return bool(_wanted(model))


def maps_claim() -> ModelVersion | None:
    """Claim a champion whose next cases lack their maps; else None."""
    champions = ModelVersion.objects.filter(OPEN, state=ModelVersion.State.CHAMPION)
    return claim(champions.filter(scored_at__isnull=False), due)


def maps_run(model: ModelVersion) -> int:
    """Make the maps of the cases at the head; return how many cases got theirs."""
    folder = Path(settings.RUN_FOLDER) / f"maps-{model.pk}-{model.scoring_token}"
    done = 0
    try:
        job = folder / "job"
        wanted = _wanted_write(job, model)
        arguments = explain_arguments(job, model)
        events = jobs.child_lines(
            arguments, beat=lambda: claim_beat(model), beat_seconds=settings.HEARTBEAT_SECONDS
        )
        for event in events if wanted else ():
            if event.get("event") == "case":
                maps_keep(wanted[event["id"]], job / "out" / f"{event['id']}.npz", model)
                done += 1
    except jobs.ChildStopped:
        logger.info("maps of %s stopped: another model is champion", model)
        return done
    except (jobs.ChildFailed, ReticleError, OSError) as error:
        # Tried again after the claim has run out; the suggestions stand without maps.
        logger.error("maps of %s failed: %s", model, error)
        return done
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    ModelVersion.objects.filter(pk=model.pk, scoring_token=model.scoring_token).update(
        scoring_until=None
    )
    return done


def _wanted_write(job: Path, model: ModelVersion) -> dict[str, Suggestion]:
    """Write a job folder of what lacks maps; return its suggestions by image.

    An image that was damaged since it was scored gets none, and is not wanted again.
    """
    keys = _wanted(model)
    rows = Suggestion.objects.select_related("task__image__series").defer("packed").in_bulk(keys)
    wanted = {str(rows[key].task.image_id): rows[key] for key in keys if key in rows}
    examples = [jobs.Example(image=row.task.image, patient="") for row in wanted.values()]
    left_out: list[jobs.Unreadable] = []
    explain_write(job, examples, model, left_out)
    for error in left_out:
        logger.error("no maps of %s: %s", model, error)
        row = wanted.pop(str(error.image))
        Suggestion.objects.filter(pk=row.pk).update(maps_at=Now())
    return wanted


def explain_arguments(job: Path, model: ModelVersion) -> list[str]:
    """Lay the model out beside a job; return what makes a child explain it, into its `out`.

    What is unsure is said by the model's committee, where it has one (`training.committee`).
    """
    weights = jobs.model_write(job.parent / "model", model)
    arguments = ["explain", str(job), "--model", str(weights), "--out", str(job / "out")]
    if "sha256" not in model.committee:
        return arguments
    ensemble_write(job.parent / "committee", model.committee["sha256"])
    return [*arguments, "--committee", str(job.parent / "committee")]


def explain_write(
    job: Path,
    examples: Sequence[jobs.Example],
    model: ModelVersion,
    left_out: list[jobs.Unreadable] | None = None,
) -> None:
    """Write a job folder of images that the model is to explain; as `jobs.job_write`."""
    jobs.job_write(
        job, examples, classes=model.card["classes"], questions=model.questions, config={}, seed=0,
        left_out=left_out,
    )  # fmt: skip


@transaction.atomic
def maps_keep(row: Suggestion, path: Path, model: ModelVersion) -> None:
    """Store the maps of a case as the child wrote them; those that are there stay.

    The suggestion may be gone by then: its campaign's policy was changed.
    """
    if not Suggestion.objects.filter(pk=row.pk).update(maps_at=Now()):
        return
    maps = []
    options = [(asked["code"], option) for asked in model.questions for option in asked["options"]]
    with np.load(path, allow_pickle=False) as found:
        if "uncertainty" in found:
            maps.append(_map(row, SuggestionMap.Kind.UNCERTAINTY, None, found["uncertainty"]))
        for kind in (SuggestionMap.Kind.EXPLANATION, SuggestionMap.Kind.OCCLUSION):
            heats = found.get(kind.value, ())
            for index, heat in zip(found["targets"].tolist(), heats, strict=False):
                about = options[index] if options else ("", "")
                maps.append(_map(row, kind, index, heat, about))
    SuggestionMap.objects.bulk_create(maps, ignore_conflicts=True)


def _map(
    row: Suggestion, kind: SuggestionMap.Kind, index: int | None, values: npt.NDArray[np.uint8],
    about: tuple[str, str] = ("", ""),
) -> SuggestionMap:  # fmt: skip
    values = np.ascontiguousarray(values)
    return SuggestionMap(
        suggestion=row, kind=kind, class_index=index, question=about[0], option=about[1],
        packed=pack(values), sha256=mask_hash(values),
    )  # fmt: skip
