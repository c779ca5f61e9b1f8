"""STEP queue: the stored order, and the leases taken from its head.

Locks are taken in one order, assignment before task, so that lease, expiry, submit and review
cannot wait for each other in a circle.
"""

import hashlib
import random
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import OperationalError, connection, transaction
from django.db.models import F, Q
from django.db.models.expressions import RawSQL
from psycopg.errors import LockNotAvailable

from annotations.models import Annotation, Assignment, Campaign, Draft, Review, Suggestion, Task
from reticle.accounts.models import User
from reticle.audit.record import record
from reticle.errors import Conflict
from reticle.images.models import Image

EARLY_HELD_OUT = 12  # one lease in four is held-out until so many have settled
EARLY_EVERY, LATER_EVERY = 4, 10

# Expiry is judged by the database's clock. An expired place is free again for other readers.
_FREED = """
WITH late AS (
    UPDATE annotations_assignment SET state = 'expired' WHERE id IN ({places})
    RETURNING task_id, round),
freed AS (SELECT task_id, count(*) AS places FROM late GROUP BY task_id)
UPDATE annotations_task SET taken = taken - freed.places, state = 'open'
FROM freed WHERE annotations_task.id = freed.task_id
    AND annotations_task.state IN ('open', 'reading')
"""
_EXPIRE = _FREED.format(
    places="""
        SELECT id FROM annotations_assignment
        WHERE campaign_id = %(campaign)s AND state = 'held' AND leased_until < now()
        ORDER BY id FOR UPDATE SKIP LOCKED"""
)
_LEAVE = _FREED.format(
    places="""
        SELECT id FROM annotations_assignment
        WHERE campaign_id = %(campaign)s AND reader_id = %(reader)s
            AND state IN ('held', 'returned')
        ORDER BY id FOR UPDATE"""
)

# What this reader holds, or might take up again. Locked, so that nothing happens to it meanwhile.
_MINE = """
SELECT mine.* FROM annotations_assignment mine JOIN annotations_task task ON task.id = mine.task_id
WHERE mine.campaign_id = %(campaign)s AND mine.reader_id = %(reader)s
    AND (mine.state = 'held' OR mine.state IN ('expired', 'returned', 'skipped')
        AND task.state IN ('open', 'reading'))
ORDER BY mine.id FOR UPDATE OF mine
"""

# The claim: one statement. `taken` is counted on the locked row, so a task cannot be over-served.
# A row that only points at a task (a suggestion that is being written) keeps nobody from it, here
# and where several are locked: suggestions for many are written at once, in an order of their own.
_CLAIM = """
UPDATE annotations_task SET
    taken = taken + 1,
    state = CASE WHEN taken + 1 >= %(readers)s THEN 'reading' ELSE 'open' END
WHERE id = (
    SELECT task.id FROM annotations_task task
    WHERE task.campaign_id = %(campaign)s AND task.state = 'open' AND task.taken < %(readers)s
        AND NOT EXISTS (
            SELECT 1 FROM annotations_assignment mine
            WHERE mine.task_id = task.id AND mine.reader_id = %(reader)s)
    ORDER BY task.priority DESC, task.id
    FOR NO KEY UPDATE SKIP LOCKED LIMIT 1)
RETURNING *, now() + make_interval(mins => %(minutes)s) AS leased_until
"""

# A place that this reader could have, whoever has it locked: waits until they have done with it.
# The lock is shared, so that readers who wait do not wait for each other; and it is of one row, of
# which nothing is asked after the wait: a second one would be waited for while the first is held.
_WAIT = """
SELECT id FROM annotations_task WHERE id = (
    SELECT task.id FROM annotations_task task
    WHERE task.campaign_id = %(campaign)s AND task.state = 'open' AND task.taken < %(readers)s
        AND NOT EXISTS (
            SELECT 1 FROM annotations_assignment mine
            WHERE mine.task_id = task.id AND mine.reader_id = %(reader)s)
    ORDER BY task.priority DESC, task.id LIMIT 1)
FOR SHARE
"""
PATIENCE_SECONDS = 5  # a reader waits so long for places that are being written
PAUSE_SECONDS = 0.02  # at most, between two looks: the locks of readers who wait hide a place, too

# In a campaign of whole series: the other open frames of the claimed one, for the same reader.
_COMPANIONS = """
UPDATE annotations_task SET
    taken = taken + 1,
    state = CASE WHEN taken + 1 >= %(readers)s THEN 'reading' ELSE 'open' END
WHERE id IN (
    SELECT task.id FROM annotations_task task JOIN images_image image ON image.id = task.image_id
    WHERE task.campaign_id = %(campaign)s AND image.series_id = %(series)s
        AND task.state = 'open' AND task.taken < %(readers)s
        AND NOT EXISTS (
            SELECT 1 FROM annotations_assignment mine
            WHERE mine.task_id = task.id AND mine.reader_id = %(reader)s)
    ORDER BY task.id FOR NO KEY UPDATE OF task)
RETURNING *
"""
# Two readers at once would each claim a frame of the same series, and one of them and a new order
# could wait for each other's frames: one after the other, before anything else is locked.
_ONE_CLAIM = "SELECT pg_advisory_xact_lock(hashtext('annotations.series'), %s)"

# How many open tasks stood before it that this reader could have been served: 0, but for those
# which other readers were claiming at that moment. Two ranges of the index, however many wait.
_AHEAD = """
SELECT count(*) FROM (
    SELECT id FROM annotations_task
    WHERE campaign_id = %(campaign)s AND state = 'open' AND priority > %(priority)s
    UNION ALL
    SELECT id FROM annotations_task
    WHERE campaign_id = %(campaign)s AND state = 'open' AND priority = %(priority)s
        AND id < %(task)s) ahead
WHERE NOT EXISTS (
    SELECT 1 FROM annotations_assignment mine
    WHERE mine.task_id = ahead.id AND mine.reader_id = %(reader)s)
"""


_SUGGESTED = """
SELECT id, task_id, model_number, findings FROM annotations_suggestion
WHERE task_id = ANY(%s) AND model_number = %s
"""
_DRAFT = "SELECT * FROM annotations_draft WHERE assignment_id = %s"

HANDS = (Assignment.State.HELD, Assignment.State.EXPIRED)  # still the reader's to hand in
Row = tuple[int, bool, str, int, int]  # task, held_out, patient, series, index in the series


@dataclass(frozen=True)
class Place:
    """A task's place in an order to be published, and why it stands there."""

    task_id: int
    why: Mapping[str, object] = field(default_factory=dict)


def _lease_until(campaign: Campaign) -> RawSQL:
    return RawSQL("now() + make_interval(mins => %s)", (campaign.lease_minutes,))


def task_lease(*, campaign: Campaign, reader: User, slot: Assignment.Slot) -> Assignment | None:
    """Give the reader the task at the head of the queue; None when nothing is left for them.

    A held place is given again, the prefetched one becomes the current one, returned and
    expired work of the reader comes before new work. Raises Conflict (campaign not open).
    """
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        row = _lease(campaign, reader, slot)
        if row is not None or time.monotonic() > end or not _place_awaited(campaign, reader):
            return row
        time.sleep(random.uniform(0, PAUSE_SECONDS))


def _place_awaited(campaign: Campaign, reader: User) -> bool:
    """Wait for places that others have locked; False when there is none for this reader.

    A claim takes what nobody has locked. When all that is left is locked, by other claims or while
    an order is written, that is not nothing. Apart from the claim, which has locked the reader's
    own work by then: two that wait for each other would never end.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE_SECONDS}s'")
            cursor.execute(_WAIT, _places(campaign, reader))
            found = cursor.fetchone() is not None
            transaction.set_rollback(True)  # nothing was written: the lock is gone the sooner
            return found
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            return True  # another one may be free by now
        raise


def _places(campaign: Campaign, reader: User) -> dict[str, int]:
    """Return what the statements that look for a place ask for."""
    return {
        "campaign": campaign.pk, "reader": reader.pk, "readers": campaign.readers_per_task,
        "minutes": campaign.lease_minutes,
    }  # fmt: skip


@transaction.atomic
def _lease(campaign: Campaign, reader: User, slot: Assignment.Slot) -> Assignment | None:
    if campaign.state != Campaign.State.OPEN:
        raise Conflict("This campaign is not open for reading.", code="campaign_closed")
    _one_at_a_time(campaign)
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRE, {"campaign": campaign.pk})
    mine = list(Assignment.objects.raw(_MINE, {"campaign": campaign.pk, "reader": reader.pk}))
    leading = [row for row in mine if row.leader_id is None]
    held = {row.slot: row for row in leading if row.state == Assignment.State.HELD}
    if slot in held:
        return _hold(held[slot], campaign, slot)
    if slot == Assignment.Slot.CURRENT and Assignment.Slot.NEXT in held:
        return _hold(held[Assignment.Slot.NEXT], campaign, slot)
    return _resume(mine, campaign, slot) or _claim(campaign, reader, slot)


def _one_at_a_time(campaign: Campaign) -> None:
    if campaign.unit == Campaign.Unit.SERIES:
        with connection.cursor() as cursor:
            cursor.execute(_ONE_CLAIM, [campaign.pk])


def _hold(row: Assignment, campaign: Campaign, slot: Assignment.Slot) -> Assignment:
    """Renew a place, with those leased with it, and put it into `slot`."""
    row.slot, row.state = slot, Assignment.State.HELD
    changes = {"slot": slot, "token": row.token, "leased_until": _lease_until(campaign)}
    Assignment.objects.filter(pk=row.pk).update(state=row.state, **changes)
    if campaign.unit == Campaign.Unit.SERIES:
        row.companions.filter(state=Assignment.State.HELD).update(**changes)
    row.refresh_from_db(fields=["leased_until"])
    return row


def _resume(
    rows: Sequence[Assignment], campaign: Campaign, slot: Assignment.Slot
) -> Assignment | None:
    """Take up this reader's own returned or expired work, when its place is still free.

    Of two that ran out, the one that was at hand comes before the one that was prefetched.
    """
    newest: dict[int, Assignment] = {}
    for row in sorted(rows, key=lambda row: row.slot != Assignment.Slot.CURRENT):
        if row.task_id not in newest or newest[row.task_id].round < row.round:
            newest[row.task_id] = row
    for row in newest.values():
        if row.state == Assignment.State.RETURNED:
            return _next_round(row, campaign, slot)
        if row.state == Assignment.State.EXPIRED and row.leader_id is None:
            if not place_retake(row, campaign):
                continue
            row.token = uuid.uuid4()
            _hold(row, campaign, slot)
            _log(row, campaign, "lease.resume")
            return row
    return None


def place_retake(row: Assignment, campaign: Campaign) -> bool:
    """Take back the place of an expired assignment; False when it went to somebody else.

    Of those leased with it, the ones that are still free come back too.
    """
    if not _place_retake(row, campaign):
        return False
    if campaign.unit == Campaign.Unit.SERIES:
        for companion in row.companions.filter(state=Assignment.State.EXPIRED).order_by("id"):
            if _place_retake(companion, campaign):
                companion.state = Assignment.State.HELD
                companion.save(update_fields=["state"])
    return True


def _place_retake(row: Assignment, campaign: Campaign) -> bool:
    changed = Task.objects.filter(
        pk=row.task_id, state=Task.State.OPEN, taken__lt=campaign.readers_per_task
    ).update(taken=F("taken") + 1)
    if changed:
        Task.objects.filter(pk=row.task_id, taken__gte=campaign.readers_per_task).update(
            state=Task.State.READING
        )
    return bool(changed)


def _next_round(row: Assignment, campaign: Campaign, slot: Assignment.Slot) -> Assignment:
    again = Assignment.objects.create(
        task_id=row.task_id, campaign=campaign, reader_id=row.reader_id, round=row.round + 1,
        slot=slot, leased_until=_lease_until(campaign), rank=0, suggestion_id=row.suggestion_id,
        why={"share": "returned"},
    )  # fmt: skip
    again.refresh_from_db(fields=["leased_until"])
    _log(again, campaign, "lease.again")
    return again


def _claim(campaign: Campaign, reader: User, slot: Assignment.Slot) -> Assignment | None:
    values = _places(campaign, reader)
    found = list(Task.objects.raw(_CLAIM, values))
    if not found:
        return None
    task = found[0]
    until: datetime = task.leased_until  # type: ignore[attr-defined]  # a column of the statement
    with connection.cursor() as cursor:
        cursor.execute(_AHEAD, {**values, "priority": task.priority, "task": task.pk})
        rank = cursor.fetchone()[0] + 1
    case = _case_of(task, campaign)
    why: dict[str, object] = {"share": "order", **task.priority_from, "rank": rank}
    if not task.held_out and _blind(campaign, case):
        why["blind"] = True
    row = Assignment.objects.create(
        task=task, campaign=campaign, reader=reader, slot=slot, rank=rank, why=why,
        suggestion=_suggestions([task], campaign, case).get(task.pk), leased_until=until,
    )  # fmt: skip
    if campaign.unit == Campaign.Unit.SERIES:
        _claim_companions(row, campaign, values, case)
    _log(row, campaign, "lease.take")
    return row


def _case_of(task: Task, campaign: Campaign) -> str:
    """Return what is one case to a reader: the task, or the whole series of its image."""
    if campaign.unit == Campaign.Unit.IMAGE:
        return str(task.pk)
    return f"series {task.image.series_id}"


def _claim_companions(
    row: Assignment, campaign: Campaign, values: Mapping[str, object], case: str
) -> None:
    """Lease the other open frames of the series under the same token."""
    series = row.task.image.series_id
    tasks = list(Task.objects.raw(_COMPANIONS, {**values, "series": series}))
    suggestions = _suggestions(tasks, campaign, case)
    Assignment.objects.bulk_create(
        Assignment(
            task=task, campaign=campaign, reader_id=row.reader_id, slot=row.slot, leader=row,
            token=row.token, leased_until=row.leased_until, why={"share": "series"},
            suggestion=suggestions.get(task.pk),
        )
        for task in tasks
    )  # fmt: skip


def _log(row: Assignment, campaign: Campaign, action: str) -> None:
    record(
        actor_id=row.reader_id, action=action, target=row, campaign_id=campaign.pk,
        task=row.task_id, rank=row.rank, suggestion=row.suggestion_id,
    )  # fmt: skip


def _suggestions(tasks: Sequence[Task], campaign: Campaign, case: object) -> dict[int, Suggestion]:
    """Return the champion's suggestions by task, unless they are blind.

    A held-out task always is; of the others a share of the cases, where a series is one case.
    """
    shown = [task.pk for task in tasks if not task.held_out]
    if not shown or not campaign.suggestions or campaign.champion is None:
        return {}
    if _blind(campaign, case):
        return {}
    live = int(campaign.champion["number"])
    return {row.task_id: row for row in Suggestion.objects.raw(_SUGGESTED, [shown, live])}


def places_free(*, campaign: Campaign, reader: User) -> None:
    """Give what a person holds, or had returned, to the others: they read here no more."""
    with connection.cursor() as cursor:
        cursor.execute(_LEAVE, {"campaign": campaign.pk, "reader": reader.pk})


def _blind(campaign: Campaign, case: object) -> bool:
    """Tell whether a case is of the share that is read without the model's help."""
    if not campaign.suggestions or campaign.champion is None:
        return False
    digest = hashlib.sha256(f"blind:{campaign.pk}:{case}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 < campaign.blind_share


@transaction.atomic
def lease_renew(*, assignment: Assignment, token: uuid.UUID) -> Assignment:
    """Prolong a lease by the campaign's lease time.

    Raises Conflict when it was lost; its code says how, and so what the reader may do.
    """
    row = Assignment.objects.select_for_update().get(pk=assignment.pk)
    if row.leader_id is not None:
        raise part_of_series()
    if row.state in {Assignment.State.SUBMITTED, Assignment.State.RETURNED}:
        raise already_submitted()
    if row.state == Assignment.State.SKIPPED:
        raise Conflict("You skipped this case in another window.", code="skipped")
    if assignment.campaign.state != Campaign.State.OPEN:
        raise campaign_closed()
    if row.token != token:
        raise lease_lost()
    if row.state == Assignment.State.EXPIRED:
        busy = Assignment.objects.filter(
            campaign_id=row.campaign_id, reader_id=row.reader_id, slot=row.slot, state="held",
            leader=None,
        ).exists()  # fmt: skip
        if busy or not place_retake(row, assignment.campaign):
            raise lease_lost()
    return _hold(row, assignment.campaign, Assignment.Slot(row.slot))


def part_of_series() -> Conflict:
    """Return the error for a frame that is held and handed in with its series only."""
    return Conflict(
        "This frame was given to you with its series: hold, skip or hand in the series.",
        code="part_of_series",
    )


def already_submitted() -> Conflict:
    """Return the error for a case that this reader has handed in before."""
    return Conflict("This case has been submitted already.", code="already_submitted")


def campaign_closed() -> Conflict:
    """Return the error for work in a campaign that a manager has closed meanwhile."""
    return Conflict(
        "The campaign was closed while you read. Your work is kept as your draft.",
        code="campaign_closed",
    )


def lease_lost() -> Conflict:
    """Return the error for a lease that is no longer this reader's."""
    return Conflict(
        "This case went to another reader after your lease ended. Your work is kept as your draft.",
        code="lease_lost",
    )


@transaction.atomic
def lease_release(*, assignment: Assignment, token: uuid.UUID, reason: str) -> Assignment:
    """Skip a case with a reason: its place is free for others, this reader is not asked again.

    A series is skipped as a whole. Raises Conflict when the lease was lost.
    """
    row = Assignment.objects.select_for_update().get(pk=assignment.pk)
    if row.leader_id is not None:
        raise part_of_series()
    if row.token != token or row.state != Assignment.State.HELD:
        raise lease_lost()
    rows = Assignment.objects.filter(Q(pk=row.pk) | Q(leader=row, state=Assignment.State.HELD))
    tasks = list(rows.order_by("id").select_for_update().values_list("task_id", flat=True))
    rows.update(state=Assignment.State.SKIPPED, reason=reason)
    Task.objects.filter(pk__in=tasks, state__in=["open", "reading"]).update(
        taken=F("taken") - 1, state=Task.State.OPEN
    )
    record(
        actor_id=row.reader_id, action="lease.skip", target=row, campaign_id=row.campaign_id,
        reason=reason,
    )  # fmt: skip
    row.refresh_from_db()
    return row


def _interleaved(pool: Sequence[Place], truth: Sequence[Place], settled: int) -> Iterator[Place]:
    """Yield pool places with held-out ones strewn in: one in four until twelve have settled."""
    waiting = list(truth)
    early = max(0, EARLY_HELD_OUT - settled)
    since = 0
    for place in pool:
        every = EARLY_EVERY if early > 0 else LATER_EVERY
        if waiting and since >= every - 1:
            yield waiting.pop(0)
            early, since = early - 1, 0
        yield place
        since += 1
    yield from waiting


@transaction.atomic
def order_publish(*, campaign: Campaign, pool: Sequence[Place]) -> int:
    """Write the order of all open tasks in one transaction; return how many have a place.

    `pool` names tasks that are not held out, best first; open tasks it does not name follow in
    a strided order over patients. Held-out tasks are interleaved blind.
    """
    Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    _one_at_a_time(campaign)
    named = {place.task_id for place in pool}
    rows = campaign.tasks.filter(state=Task.State.OPEN).values_list(
        "id", "held_out", "image__series__study__patient_key", "image__series_id", "image__index"
    )
    truth = [Place(row[0], {"share": "held_out"}) for row in strided([r for r in rows if r[1]])]
    others = [row for row in rows if not row[1] and row[0] not in named]
    rest = [Place(row[0], {"share": "order"}) for row in strided(others)]
    settled = campaign.tasks.filter(held_out=True, state=Task.State.SETTLED).count()
    places = list(_interleaved([*pool, *rest], truth, settled))
    for first in range(0, len(places), 2000):
        _write(campaign, places[first : first + 2000], first, len(places))
    return len(places)


def order_begun(campaign: Campaign) -> list[Place]:
    """Return the head of an order that was made by differences before there is a model."""
    named = campaign.tasks.filter(
        state=Task.State.OPEN, held_out=False, priority_from__share__in=["diversity", "random"]
    )
    rows = named.order_by("-priority", "id").values_list("id", "priority_from")
    return [Place(pk, why) for pk, why in rows]


def _write(campaign: Campaign, places: Sequence[Place], first: int, of: int) -> None:
    tasks = []
    for position, place in enumerate(places, start=first + 1):
        why = {**place.why, "place": position, "of": of}
        tasks.append(
            Task(pk=place.task_id, campaign=campaign, priority=-position, priority_from=why)
        )
    Task.objects.bulk_update(tasks, ["priority", "priority_from"], batch_size=500)


def strided(rows: Sequence[Row]) -> list[Row]:
    """Order (id, held_out, patient, series, index) rows so that neighbours come late.

    Patients take turns; within one patient the frames come in van der Corput order, so that the
    first few are spread over the whole volume.
    """
    by_patient: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row[2], row[3], row[4])):
        by_patient[row[2]].append(row)
    keyed = []
    for patient, frames in by_patient.items():
        salt = hashlib.sha256(patient.encode()).digest()
        turns = sorted(range(len(frames)), key=lambda i: _van_der_corput(i + salt[0]))
        keyed += [(turn, salt, frames[index]) for turn, index in enumerate(turns)]
    return [row for _, _, row in sorted(keyed, key=lambda item: item[:2])]


def _van_der_corput(number: int) -> float:
    """Return the base-2 radical inverse of `number`, in [0, 1)."""
    result, scale = 0.0, 0.5
    while number:
        result += scale * (number & 1)
        number, scale = number >> 1, scale / 2
    return result


def draft_of(assignment: Assignment) -> Draft | None:
    """Return the unfinished work kept for an assignment."""
    return next(iter(Draft.objects.raw(_DRAFT, [assignment.pk])), None)


@dataclass(frozen=True)
class Frame:
    """One frame of a series in a reader's hands."""

    assignment: Assignment
    image: Image
    draft: Draft | None


def frames_of(leader: Assignment) -> list[Frame]:
    """Return the frames held together, in the order of the series; empty for a lone image.

    An image that is read alone needs no statement.
    """
    if leader.campaign.unit == Campaign.Unit.IMAGE or leader.state not in HANDS:
        return []
    rows = (
        Assignment.objects.filter(Q(pk=leader.pk) | Q(leader=leader), state__in=HANDS)
        .select_related("task__image__series__study", "suggestion", "draft")
        .defer("suggestion__packed")
        .order_by("task__image__index", "id")
    )
    frames = [Frame(row, row.task.image, getattr(row, "draft", None)) for row in rows]
    return frames if len(frames) > 1 else []


def returned_to(assignment: Assignment) -> Annotation | None:
    """Return the annotation that a reviewer sent back and this round is to correct."""
    if assignment.round == 1:
        return None
    return (
        Annotation.objects.filter(
            task_id=assignment.task_id,
            author_id=assignment.reader_id,
            review__verdict=Review.Verdict.RETURN,
        )
        .select_related("review")
        .order_by("-id")
        .first()
    )
