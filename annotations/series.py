"""STEP series: a whole series offered to one reader, and handed in, all frames or none."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from annotations import queue
from annotations.models import Annotation, Assignment
from annotations.submit import (
    NOTHING_SAID,
    Answer,
    Said,
    Submission,
    answers_check,
    draft_keep,
    drafts_other,
    drafts_unknown,
    key_reused,
    lock,
    stale_draft,
    submit_locked,
)
from reticle.errors import Conflict, Invalid


@dataclass(frozen=True)
class Drawn:
    """The drawing on one frame, packed, and the draft it goes upon: see `annotation_submit`."""

    packed: bytes
    base: int | None = None


def frame_key(key: uuid.UUID, assignment: int) -> uuid.UUID:
    """Return the key of one frame's annotation, the same whenever the series' key is."""
    return uuid.uuid5(key, str(assignment))


def series_submit(
    *, leader: Assignment, token: uuid.UUID, key: uuid.UUID, frames: Mapping[int, Drawn],
    seconds: float, said: Said = NOTHING_SAID,
) -> list[Submission]:  # fmt: skip
    """Insert an annotation of every frame in one transaction, once however often the key arrives.

    `frames` is by assignment; what is said is of the series and stands with every frame, and the
    time is shared evenly. Raises Invalid (a frame lacks or is not the reader's, a bad answer) and
    Conflict as a single submission does; the work is then kept as drafts, but on frames where
    another draft is there than the one it goes upon (stale_draft).
    """
    rows = _rows(leader, frames)
    checked = answers_check({row.task_id: frames[row.pk].packed for row in rows}, said)
    bases = {row.pk: frames[row.pk].base for row in rows}
    answers = {row.pk: checked[row.task_id] for row in rows}
    share = seconds / len(rows)
    try:
        return _submit(rows, answers, token, key, share, bases)
    except IntegrityError:
        keys = [frame_key(key, row.pk) for row in rows]
        if Annotation.objects.filter(key__in=keys).exists():
            raise key_reused() from None
        raise
    except Conflict as conflict:
        if conflict.code == "stale_draft":
            raise
        others = drafts_unknown(bases)
        if others:
            raise stale_draft({"frames": others}) from conflict
        for row in rows:
            draft_keep(row, answers[row.pk], share)
        raise


def series_suggestions(leader: Assignment) -> dict[int, bytes]:
    """Return the packed masks offered with the frames of a series, by assignment, in its order.

    Of what was leased alone its own. A blind or held-out frame has none.
    """
    rows = (
        _together(leader)
        .exclude(suggestion=None)
        .order_by("task__image__index", "id")
        .values_list("id", "suggestion__packed")
    )
    return {pk: bytes(packed) for pk, packed in rows}


def _together(leader: Assignment) -> QuerySet[Assignment]:
    """Return what was leased at once: the leader and its companions, whatever became of them."""
    return Assignment.objects.filter(Q(pk=leader.pk) | Q(leader=leader))


def _rows(leader: Assignment, frames: Mapping[int, Drawn]) -> list[Assignment]:
    """Return the assignments of the series in lock order. Raises Invalid when others were sent."""
    if leader.leader_id is not None:
        raise queue.part_of_series()
    # What was handed in already is there for a repeated request; what was taken away is not.
    rows = list(
        _together(leader).filter(state__in=[*queue.HANDS, Assignment.State.SUBMITTED])
        .select_related("campaign").order_by("id")
    )  # fmt: skip
    if {row.pk for row in rows} != set(frames):
        raise Invalid(
            "Hand in every frame of the series, and no other.",
            code="frames_differ",
            detail={"frames": sorted(row.pk for row in rows)},
        )
    return rows


@transaction.atomic
def _submit(
    rows: list[Assignment], answers: Mapping[int, Answer], token: uuid.UUID, key: uuid.UUID,
    seconds: float, bases: Mapping[int, int | None],
) -> list[Submission]:  # fmt: skip
    locked = lock(rows)
    others = drafts_other(locked, bases)
    if others:
        raise stale_draft({"frames": others})
    return [
        submit_locked(each, token, frame_key(key, row.pk), answers[row.pk], seconds, bases[row.pk])
        for row, each in zip(rows, locked, strict=True)
    ]
