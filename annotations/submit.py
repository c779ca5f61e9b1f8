"""STEP submit: drafts while a reader works, and the annotation at the end.

A submission is one transaction: the annotation, the task's next state and the audit row are
there together or not at all. Work that comes too late is kept as the reader's draft.
"""

import uuid
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import IntegrityError, connection, transaction

from annotations import queue
from annotations.consensus import task_advance
from annotations.models import IGNORE_INDEX, Annotation, Assignment, Campaign, Draft, Task
from reticle.audit.record import record
from reticle.errors import Conflict, Invalid
from reticle.pixels.mask import BadMask, mask_hash, pack, unpack

# What a mask of this task may be: its size, and the values that are classes.
_FORM = """
SELECT image.rows, image.columns, ARRAY(
    SELECT index FROM annotations_labelclass WHERE campaign_id = task.campaign_id)
FROM annotations_task task JOIN images_image image ON image.id = task.image_id
WHERE task.id = %s
"""

# The locks of a submission, in the one order: assignment before task.
_LOCK = """
SELECT task.*, mine.state AS mine_state, mine.token AS mine_token
FROM annotations_assignment mine JOIN annotations_task task ON task.id = mine.task_id
WHERE mine.id = %s FOR UPDATE OF mine, task
"""

# A draft is replaced only by a higher sequence: one statement, whatever arrives in which order.
_SAVE_DRAFT = """
INSERT INTO annotations_draft (assignment_id, sequence, packed, seconds_spent, saved_at)
VALUES (%(assignment)s, %(sequence)s, %(packed)s, %(seconds)s, now())
ON CONFLICT (assignment_id) DO UPDATE SET sequence = excluded.sequence,
    packed = excluded.packed, seconds_spent = excluded.seconds_spent, saved_at = now()
    WHERE annotations_draft.sequence < excluded.sequence
RETURNING sequence
"""

_INSERT = """
INSERT INTO annotations_annotation (
    task_id, assignment_id, author_id, source, supersedes_id, key, packed, sha256, seconds_spent,
    schema_version, started_from_id, changed_pixels, suggestion_dice)
VALUES (
    %(task)s, %(assignment)s, %(author)s, 'reader', %(supersedes)s, %(key)s, %(packed)s,
    %(sha256)s, %(seconds)s, %(schema)s, %(started_from)s, %(changed)s, %(dice)s)
RETURNING *
"""

# The assignment is done and its draft is not needed any more.
_FINISH = """
WITH gone AS (DELETE FROM annotations_draft WHERE assignment_id = %(assignment)s)
UPDATE annotations_assignment SET state = 'submitted' WHERE id = %(assignment)s
"""
_OPEN = (Assignment.State.HELD, Assignment.State.EXPIRED)


@dataclass(frozen=True)
class Submission:
    """What came of a submission; `replayed` when the same key had been acknowledged before."""

    annotation: Annotation
    task: Task
    replayed: bool


def mask_check(packed: bytes, task_id: int) -> npt.NDArray[np.uint8]:
    """Return the mask (rows, columns). Raises Invalid: wrong size, or a class nobody defined."""
    with connection.cursor() as cursor:
        cursor.execute(_FORM, [task_id])
        rows, columns, classes = cursor.fetchone()
    try:
        mask = unpack(packed, rows, columns)
    except BadMask as error:
        raise Invalid(str(error), code="bad_mask", detail={"mask": str(error)}) from None
    unknown = sorted(set(np.unique(mask).tolist()) - {0, IGNORE_INDEX, *classes})
    if unknown:
        raise Invalid(
            f"The mask holds values that are no class of this campaign: {unknown}.",
            code="unknown_class",
            detail={"mask": unknown},
        )
    return mask


def draft_save(*, assignment: Assignment, sequence: int, packed: bytes, seconds: float) -> Draft:
    """Keep unfinished work. Raises Invalid (bad mask) and Conflict (an equal or newer draft)."""
    mask = mask_check(packed, assignment.task_id)
    saved = _draft_write(assignment, sequence, pack(mask), seconds)
    if saved is None:
        newest = Draft.objects.get(assignment=assignment)
        raise Conflict(
            "A newer draft of this case is kept already, perhaps from another window.",
            code="stale_draft",
            detail={"sequence": newest.sequence},
        )
    return Draft.objects.get(assignment=assignment)


def _draft_write(
    assignment: Assignment, sequence: int, packed: bytes, seconds: float
) -> int | None:
    values: dict[str, int | float | bytes] = {
        "assignment": assignment.pk, "sequence": sequence, "packed": packed, "seconds": seconds,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_SAVE_DRAFT, values)
        found = cursor.fetchone()
    return int(found[0]) if found else None


def annotation_submit(
    *, assignment: Assignment, token: uuid.UUID, key: uuid.UUID, packed: bytes, seconds: float
) -> Submission:
    """Insert the reader's annotation once, however often the same key arrives.

    Raises Invalid (bad mask), and Conflict when the lease was lost, the task has been settled or
    the campaign closed; the work is then kept as this reader's draft.
    """
    mask = mask_check(packed, assignment.task_id)
    try:
        try:
            return _submit(assignment, token, key, mask, seconds)
        except IntegrityError:
            if Annotation.objects.filter(key=key).exists():
                raise key_reused() from None
            raise
    except Conflict:
        sequence = Draft.objects.filter(assignment=assignment).values_list("sequence", flat=True)
        _draft_write(assignment, (sequence.first() or 0) + 1, pack(mask), seconds)
        raise


@transaction.atomic
def _submit(
    row: Assignment,
    token: uuid.UUID,
    key: uuid.UUID,
    mask: npt.NDArray[np.uint8],
    seconds: float,
) -> Submission:
    task: Any = Task.objects.raw(_LOCK, [row.pk])[0]
    row.state, row.token = task.mine_state, task.mine_token
    if row.state not in _OPEN:
        known = Annotation.objects.filter(key=key).select_related("task").first()
        if known is not None:
            return _replay(known, row, mask)
    _may_submit(row, task, token)
    annotation = _insert(row, key, mask, seconds)
    with connection.cursor() as cursor:
        cursor.execute(_FINISH, {"assignment": row.pk})
    task = task_advance(
        task=task, campaign=row.campaign, annotation=annotation, actor_id=row.reader_id
    )
    record(
        actor_id=row.reader_id, action="annotation.submit", target=annotation,
        campaign_id=row.campaign_id, task=row.task_id, mask=annotation.sha256, seconds=seconds,
    )  # fmt: skip
    return Submission(annotation, task, replayed=False)


def _insert(
    row: Assignment, key: uuid.UUID, mask: npt.NDArray[np.uint8], seconds: float
) -> Annotation:
    before = queue.returned_to(row)
    changed, dice = _against_suggestion(row, mask)
    values = {
        "task": row.task_id, "assignment": row.pk, "author": row.reader_id, "key": key,
        "supersedes": before.pk if before else None, "packed": pack(mask),
        "sha256": mask_hash(mask), "seconds": seconds, "schema": row.campaign.schema_version,
        "started_from": row.suggestion_id, "changed": changed, "dice": dice,
    }  # fmt: skip
    return Annotation.objects.raw(_INSERT, values)[0]


def _replay(known: Annotation, row: Assignment, mask: npt.NDArray[np.uint8]) -> Submission:
    if known.assignment_id != row.pk or known.sha256 != mask_hash(mask):
        raise key_reused()
    return Submission(known, known.task, replayed=True)


def key_reused() -> Conflict:
    """Return the error for a key that was sent with other work before."""
    return Conflict(
        "This submission key was used for other work. Load the case again.", code="key_reused"
    )


def _may_submit(row: Assignment, task: Task, token: uuid.UUID) -> None:
    if row.campaign.state != Campaign.State.OPEN:
        raise Conflict(
            "The campaign was closed while you read. Your work is kept as your draft.",
            code="campaign_closed",
        )
    if row.state == Assignment.State.SUBMITTED:
        raise Conflict("This case has been submitted already.", code="already_submitted")
    if row.token != token or row.state not in _OPEN:
        raise queue.lease_lost()
    if row.state == Assignment.State.EXPIRED:
        if not queue.place_retake(row, row.campaign):
            raise queue.lease_lost()
        task.refresh_from_db(fields=["state", "taken"])
    if task.state in {Task.State.SETTLED, Task.State.EXCLUDED}:
        raise Conflict(
            "This case has been settled without this reading. Your work is kept as your draft.",
            code="task_settled",
        )


def _against_suggestion(
    row: Assignment, mask: npt.NDArray[np.uint8]
) -> tuple[int | None, float | None]:
    """Return how many pixels differ from the suggestion the reader started from, and the Dice.

    Dice is over all classes together: pixels that both give the same class, counted twice, over
    the pixels that either has drawn; 1 when both are empty.
    """
    if row.suggestion_id is None:
        return None, None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT packed FROM annotations_suggestion WHERE id = %s", [row.suggestion_id]
        )
        (packed,) = cursor.fetchone()
    suggested = unpack(bytes(packed), *mask.shape)
    agreed = int(np.count_nonzero((suggested == mask) & (mask != 0)))
    drawn = int(np.count_nonzero(suggested)) + int(np.count_nonzero(mask))
    return int(np.count_nonzero(suggested != mask)), 2 * agreed / drawn if drawn else 1.0
