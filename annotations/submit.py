"""STEP submit: drafts while a reader works, and the annotation at the end.

A submission is one transaction: the annotation, the task's next state and the audit row are
there together or not at all. Work that comes too late is kept as the reader's draft.
"""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import IntegrityError, connection, transaction

from annotations import queue
from annotations.consensus import task_advance
from annotations.findings import Asked, Findings, answers_changed, findings_check
from annotations.models import (
    IGNORE_INDEX,
    Annotation,
    Assignment,
    Campaign,
    Draft,
    Question,
    Task,
)
from reticle.audit.record import record
from reticle.errors import Conflict, Invalid
from reticle.pixels.mask import BadMask, mask_hash, pack, unpack
from reticle.pixels.outline import received

# What answers to tasks may be: the mask's size, the values that are classes, the questions.
# A page opened before a question or an option was retired or renamed still hands in its answers.
_FORMS = """
SELECT task.id, image.rows, image.columns, ARRAY(
    SELECT index FROM annotations_labelclass WHERE campaign_id = task.campaign_id), (
    SELECT coalesce(json_agg(json_build_object('name', name, 'kind', kind,
        'options', options || dropped || to_jsonb(ARRAY(SELECT jsonb_object_keys(renamed))),
        'low', low, 'high', high, 'required', required AND retired_at IS NULL)
        ORDER BY position, id), '[]')::text
    FROM annotations_question WHERE campaign_id = task.campaign_id)
FROM annotations_task task JOIN images_image image ON image.id = task.image_id
WHERE task.id = ANY(%s)
"""

# The locks of a submission, in the one order: assignment before task.
_LOCK = """
SELECT task.*, mine.id AS mine_id, mine.state AS mine_state, mine.token AS mine_token,
    CASE suggestion.findings WHEN '{}' THEN suggestion.packed END AS suggested,
    suggestion.findings AS suggested_answers, draft.sequence AS draft
FROM annotations_assignment mine JOIN annotations_task task ON task.id = mine.task_id
LEFT JOIN annotations_suggestion suggestion ON suggestion.id = mine.suggestion_id
LEFT JOIN annotations_draft draft ON draft.assignment_id = mine.id
WHERE mine.id = ANY(%s) ORDER BY mine.id FOR UPDATE OF mine FOR NO KEY UPDATE OF task
"""

# A draft is replaced only by a higher sequence, and only when it is the one the sender last saw, if
# the sender says which: one statement, whatever arrives in which order.
_SAVE_DRAFT = """
INSERT INTO annotations_draft (
    assignment_id, sequence, packed, findings, unseen, seconds_spent, saved_at)
VALUES (
    %(assignment)s, %(sequence)s, %(packed)s, %(findings)s, %(unseen)s, %(seconds)s, now())
ON CONFLICT (assignment_id) DO UPDATE SET sequence = excluded.sequence,
    packed = excluded.packed, findings = excluded.findings, unseen = excluded.unseen,
    seconds_spent = excluded.seconds_spent, saved_at = now()
    WHERE annotations_draft.sequence < excluded.sequence
        AND annotations_draft.sequence = coalesce(%(base)s, annotations_draft.sequence)
RETURNING sequence
"""

_INSERT = """
INSERT INTO annotations_annotation (
    task_id, assignment_id, author_id, source, supersedes_id, key, packed, sha256, findings,
    unseen, seconds_spent, schema_version, started_from_id, changed_pixels, suggestion_dice,
    changed_answers)
VALUES (
    %(task)s, %(assignment)s, %(author)s, 'reader', %(supersedes)s, %(key)s, %(packed)s,
    %(sha256)s, %(findings)s, %(unseen)s, %(seconds)s, %(schema)s, %(started_from)s, %(changed)s,
    %(dice)s, %(changed_answers)s)
RETURNING *
"""

# The assignment is done, and the draft that the work goes upon not needed any more. One that
# another window saves in this very moment stays.
_FINISH = """
WITH gone AS (DELETE FROM annotations_draft WHERE assignment_id = %(assignment)s
    AND sequence = coalesce(%(base)s, sequence))
UPDATE annotations_assignment SET state = 'submitted' WHERE id = %(assignment)s
"""

Box = tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels; half-open


@dataclass(frozen=True)
class Submission:
    """What came of a submission; `replayed` when the same key had been acknowledged before."""

    annotation: Annotation
    task: Task
    replayed: bool


@dataclass(frozen=True)
class Said:
    """What a reader says beside the drawing: answers by question, classes not looked at."""

    findings: Mapping[str, object] = field(default_factory=dict)
    unseen: Sequence[int] = ()


NOTHING_SAID = Said()


@dataclass(frozen=True)
class Answer:
    """What a reader says about one task: the mask (rows, columns), findings, unseen classes."""

    mask: npt.NDArray[np.uint8]
    findings: Findings
    unseen: list[int]


@dataclass(frozen=True)
class _Form:
    """What an answer to one task may be."""

    rows: int
    columns: int
    classes: list[int]
    questions: str


def _forms_of(task_ids: Sequence[int]) -> dict[int, _Form]:
    with connection.cursor() as cursor:
        cursor.execute(_FORMS, [list(task_ids)])
        return {row[0]: _Form(*row[1:]) for row in cursor.fetchall()}


def _form_of(task_id: int) -> _Form:
    return _forms_of([task_id])[task_id]


def answer_check(packed: bytes, said: Said, task_id: int, *, complete: bool = True) -> Answer:
    """Return the answer in its stored form.

    Raises Invalid: a mask of the wrong size, a class nobody defined, one that was drawn and yet is
    said not to have been looked at, findings that do not fit the questions or, with `complete`,
    lack an answer that is required.
    """
    return answers_check({task_id: packed}, said, complete=complete)[task_id]


def answers_check(
    packed: Mapping[int, bytes], said: Said, *, complete: bool = True
) -> dict[int, Answer]:
    """Return the answers to several tasks, of which the same is said. Raises as `answer_check`."""
    forms = _forms_of(list(packed))
    return {
        task_id: _answer(form, _whole(packed[task_id], form), said, complete=complete)
        for task_id, form in forms.items()
    }


def _answer(form: _Form, mask: npt.NDArray[np.uint8], said: Said, *, complete: bool) -> Answer:
    unseen = sorted(set(said.unseen))
    wrong = sorted(set(unseen) - set(form.classes)) or [i for i in unseen if (mask == i).any()]
    if wrong:
        raise Invalid(
            f"These cannot be classes that were not looked at: {wrong}.",
            code="bad_unseen",
            detail={"unseen": wrong},
        )
    asked = [Asked(**row) for row in json.loads(form.questions)]
    return Answer(mask, findings_check(asked, said.findings, complete=complete), unseen)


def _whole(packed: bytes, form: _Form) -> npt.NDArray[np.uint8]:
    return _unpacked(packed, form.rows, form.columns, form.classes)


def _unpacked(packed: bytes, rows: int, columns: int, classes: list[int]) -> npt.NDArray[np.uint8]:
    try:
        mask = received(packed, rows, columns)
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


def draft_save(
    *, assignment: Assignment, sequence: int, packed: bytes, seconds: float,
    base: int | None = None, said: Said = NOTHING_SAID,
) -> Draft:  # fmt: skip
    """Keep unfinished work: a whole mask.

    `base` is the sequence of the draft that the sender last knew to be kept, 0 for none. Raises
    Invalid (bad answer) and Conflict (an equal or newer draft, or another one than `base`).
    """
    answer = answer_check(packed, said, assignment.task_id, complete=False)
    if _draft_write(assignment, sequence, answer, seconds, base) is None:
        raise _stale_draft(assignment)
    return Draft.objects.get(assignment=assignment)


@transaction.atomic
def draft_patch(
    *, assignment: Assignment, sequence: int, base: int, box: Box, packed: bytes, seconds: float,
    said: Said = NOTHING_SAID,
) -> Draft:  # fmt: skip
    """Keep unfinished work: the part of the draft `base` that has changed since.

    `packed` holds the rows and columns of `box`. Raises Invalid (bad answer or box) and Conflict
    (the draft kept is not `base`, or there is none: the whole mask is needed then).
    """
    drafts = Draft.objects.select_for_update().filter(assignment=assignment, sequence=base)
    draft = drafts.first()
    if draft is None or sequence <= base:
        raise _stale_draft(assignment)
    form = _form_of(assignment.task_id)
    answer = _answer(form, _patched(draft, form, box, packed), said, complete=False)
    _draft_write(assignment, sequence, answer, seconds, base)
    draft.refresh_from_db()
    return draft


def _patched(draft: Draft, form: _Form, box: Box, packed: bytes) -> npt.NDArray[np.uint8]:
    """Return the draft's mask with a part put upon it. Raises Invalid (bad mask or box)."""
    x0, y0, x1, y1 = box
    if not (0 <= x0 < x1 <= form.columns and 0 <= y0 < y1 <= form.rows):
        raise Invalid("The box does not lie on the image.", code="bad_box", detail={"box": box})
    mask = unpack(bytes(draft.packed), form.rows, form.columns)
    mask[y0:y1, x0:x1] = _unpacked(packed, y1 - y0, x1 - x0, form.classes)
    return mask


def _stale_draft(assignment: Assignment) -> Conflict:
    return stale_draft({"sequence": _draft_number(assignment.pk) or 0})


def stale_draft(detail: Mapping[str, object]) -> Conflict:
    """Return the error for work that would take the place of a draft its sender does not know."""
    return Conflict(
        "Another draft of this case is kept already, perhaps from another window.",
        code="stale_draft",
        detail=detail,
    )


def _draft_number(assignment_id: int) -> int | None:
    numbers = Draft.objects.filter(assignment=assignment_id).values_list("sequence", flat=True)
    return numbers.first()


def _draft_write(
    assignment: Assignment, sequence: int, answer: Answer, seconds: float, base: int | None = None
) -> int | None:
    values: dict[str, int | float | bytes | str | None] = {
        "assignment": assignment.pk, "sequence": sequence, "packed": pack(answer.mask),
        "findings": json.dumps(answer.findings), "unseen": json.dumps(answer.unseen),
        "seconds": seconds, "base": base,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_SAVE_DRAFT, values)
        found = cursor.fetchone()
    return int(found[0]) if found else None


def annotation_submit(
    *, assignment: Assignment, token: uuid.UUID, key: uuid.UUID, packed: bytes, seconds: float,
    base: int | None = None, said: Said = NOTHING_SAID,
) -> Submission:  # fmt: skip
    """Insert the reader's annotation once, however often the same key arrives.

    `base` is the sequence of the draft that the sender last knew to be kept, 0 for none; None does
    not ask. Raises Invalid (bad answer), and Conflict: when the lease was lost, the task has been
    settled or the campaign closed, the work is then kept as this reader's draft; when another
    draft is there than `base` (stale_draft), that one is, and nothing of the work.
    """
    answer = answer_check(packed, said, assignment.task_id)
    return _submit_or_keep(assignment, token, key, answer, seconds, base)


def annotation_submit_part(
    *, assignment: Assignment, token: uuid.UUID, key: uuid.UUID, base: int, box: Box,
    packed: bytes, sha256: str, seconds: float, said: Said = NOTHING_SAID,
) -> Submission:  # fmt: skip
    """Insert the annotation that the draft `base` is with the part of it that changed since.

    Raises Conflict (stale_draft) when the draft kept is another one, or the whole is not the mask
    of that hash: the whole mask is needed then. Else as `annotation_submit`.
    """
    draft = Draft.objects.filter(assignment=assignment, sequence=base).first()
    if draft is None:
        raise _stale_draft(assignment)
    form = _form_of(assignment.task_id)
    mask = _patched(draft, form, box, packed)
    if mask_hash(mask) != sha256:
        raise _stale_draft(assignment)
    answer = _answer(form, mask, said, complete=True)
    return _submit_or_keep(assignment, token, key, answer, seconds, base)


def _submit_or_keep(
    assignment: Assignment, token: uuid.UUID, key: uuid.UUID, answer: Answer, seconds: float,
    base: int | None,
) -> Submission:  # fmt: skip
    try:
        try:
            return _submit(assignment, token, key, answer, seconds, base)
        except IntegrityError:
            if Annotation.objects.filter(key=key).exists():
                raise key_reused() from None
            raise
    except Conflict as conflict:
        if conflict.code != "stale_draft" and not draft_keep(assignment, answer, seconds, base):
            raise _stale_draft(assignment) from conflict
        raise


def draft_keep(
    assignment: Assignment, answer: Answer, seconds: float, base: int | None = None
) -> bool:
    """Keep work that came too late as the newest draft; False when another than `base` is there."""
    sequence = (_draft_number(assignment.pk) or 0) + 1
    return _draft_write(assignment, sequence, answer, seconds, base) is not None


@transaction.atomic
def _submit(
    row: Assignment,
    token: uuid.UUID,
    key: uuid.UUID,
    answer: Answer,
    seconds: float,
    base: int | None,
) -> Submission:
    if _in_series(row):
        raise queue.part_of_series()
    (locked,) = lock([row])
    if drafts_other([locked], {row.pk: base}):
        raise _stale_draft(row)
    return submit_locked(locked, token, key, answer, seconds, base)


def _in_series(row: Assignment) -> bool:
    if row.campaign.unit == Campaign.Unit.IMAGE:
        return False
    return row.leader_id is not None or row.companions.filter(state__in=queue.HANDS).exists()


@dataclass(frozen=True)
class Locked:
    """An assignment, locked with its task.

    With the number of its draft and the packed drawing and the answers that it started from, if
    any, and the questions asked.
    """

    row: Assignment
    task: Task
    draft: int | None
    suggested: bytes | None
    answers: Findings
    questions: Iterable[Question]


def lock(rows: Sequence[Assignment]) -> list[Locked]:
    """Lock assignments, given in the order of their keys, and their tasks, as they now stand."""
    found: list[Any] = list(Task.objects.raw(_LOCK, [[row.pk for row in rows]]))
    for row, task in zip(rows, found, strict=True):
        row.state, row.token = task.mine_state, task.mine_token
    questions = rows[0].campaign.questions.all()  # of one campaign; asked for when first needed
    return [
        Locked(
            row,
            task,
            task.draft,
            bytes(task.suggested) if task.suggested is not None else None,
            json.loads(task.suggested_answers or "{}"),
            questions,
        )
        for row, task in zip(rows, found, strict=True)
    ]


def drafts_unknown(bases: Mapping[int, int | None]) -> dict[int, int]:
    """Return the numbers of the drafts, by assignment, that are others than those in `bases`.

    None there is whichever there is.
    """
    kept = Draft.objects.filter(assignment__in=bases).values_list("assignment", "sequence")
    return {pk: number for pk, number in kept if bases[pk] not in {None, number}}


def drafts_other(locked: Iterable[Locked], bases: Mapping[int, int | None]) -> dict[int, int]:
    """Return the same of locked assignments that are still to be handed in, without asking."""
    return {
        each.row.pk: each.draft
        for each in locked
        if each.draft is not None
        and each.row.state in queue.HANDS
        and bases[each.row.pk] not in {None, each.draft}
    }


def submit_locked(
    locked: Locked, token: uuid.UUID, key: uuid.UUID, answer: Answer, seconds: float,
    base: int | None,
) -> Submission:  # fmt: skip
    """Insert the answer to one locked assignment, in the caller's transaction.

    Of its drafts `base` goes, or whichever there is for None. Raises Conflict as
    `annotation_submit` does.
    """
    row, task = locked.row, locked.task
    if row.state not in queue.HANDS:
        known = Annotation.objects.filter(key=key).select_related("task").first()
        if known is not None:
            return _replay(known, row, answer)
    _may_submit(row, task, token)
    annotation = _insert(locked, key, answer, seconds)
    with connection.cursor() as cursor:
        cursor.execute(_FINISH, {"assignment": row.pk, "base": base})
    task = task_advance(
        task=task, campaign=row.campaign, annotation=annotation, actor_id=row.reader_id
    )
    record(
        actor_id=row.reader_id, action="annotation.submit", target=annotation,
        campaign_id=row.campaign_id, task=row.task_id, mask=annotation.sha256, seconds=seconds,
    )  # fmt: skip
    return Submission(annotation, task, replayed=False)


def _insert(locked: Locked, key: uuid.UUID, answer: Answer, seconds: float) -> Annotation:
    row, mask = locked.row, answer.mask
    before = queue.returned_to(row)
    changed, dice = against_suggestion(locked.suggested, mask)
    values = {
        "task": row.task_id, "assignment": row.pk, "author": row.reader_id, "key": key,
        "supersedes": before.pk if before else None, "packed": pack(mask),
        "sha256": mask_hash(mask), "findings": json.dumps(answer.findings),
        "unseen": json.dumps(answer.unseen), "seconds": seconds,
        "schema": row.campaign.schema_version, "started_from": row.suggestion_id,
        "changed": changed, "dice": dice,
        "changed_answers": answers_changed(locked.questions, locked.answers, answer.findings),
    }  # fmt: skip
    return Annotation.objects.raw(_INSERT, values)[0]


def _replay(known: Annotation, row: Assignment, answer: Answer) -> Submission:
    if known.assignment_id != row.pk or not same_answer(known, answer):
        raise key_reused()
    return Submission(known, known.task, replayed=True)


def same_answer(known: Annotation, answer: Answer) -> bool:
    """Tell whether an annotation says what this answer says."""
    said = (known.sha256, known.findings, known.unseen)
    return said == (mask_hash(answer.mask), answer.findings, answer.unseen)


def key_reused() -> Conflict:
    """Return the error for a key that was sent with other work before."""
    return Conflict(
        "This submission key was used for other work. Load the case again.", code="key_reused"
    )


def _may_submit(row: Assignment, task: Task, token: uuid.UUID) -> None:
    if row.campaign.state != Campaign.State.OPEN:
        raise queue.campaign_closed()
    if row.state == Assignment.State.SUBMITTED:
        raise queue.already_submitted()
    if row.token != token or row.state not in queue.HANDS:
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


def against_suggestion(
    packed: bytes | None, mask: npt.NDArray[np.uint8]
) -> tuple[int | None, float | None]:
    """Return how many pixels differ from the suggestion the reader started from, and the Dice.

    Dice is over all classes together: pixels that both give the same class, counted twice, over
    the pixels that either has drawn; 1 when both are empty.
    """
    if packed is None:
        return None, None
    suggested = unpack(packed, *mask.shape)
    agreed = int(np.count_nonzero((suggested == mask) & (mask != 0)))
    drawn = int(np.count_nonzero(suggested)) + int(np.count_nonzero(mask))
    return int(np.count_nonzero(suggested != mask)), 2 * agreed / drawn if drawn else 1.0
