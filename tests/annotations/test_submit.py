"""Submission: durable, once, and nothing lost on the way to a conflict."""

import uuid

import numpy as np
import pytest
from django.db import DatabaseError, transaction

import make
from annotations.campaigns import campaign_set_state
from annotations.models import Annotation, Assignment, Campaign, Draft, Suggestion, Task
from annotations.queue import lease_release
from annotations.submit import annotation_submit, draft_save
from reticle.audit.models import AuditEvent
from reticle.errors import Conflict, Invalid
from reticle.pixels.mask import mask_hash, pack, unpack

pytestmark = pytest.mark.django_db


@pytest.fixture
def held() -> Assignment:
    manager, reader = make.user("manager"), make.user("reader")
    campaign = make.campaign(manager, tasks=3, readers=[reader])
    row = make.lease(campaign, reader)
    return Assignment.objects.select_related("campaign", "task__image").get(pk=row.pk)


def test_a_submission_settles_the_task_and_is_audited_in_one_go(held: Assignment) -> None:
    drawn = make.mask(2)
    done = make.submit(held, drawn)
    task = Task.objects.get(pk=held.task_id)
    assert (task.state, task.settled_id) == (Task.State.SETTLED, done.annotation.pk)
    stored = unpack(bytes(done.annotation.packed), make.ROWS, make.COLUMNS)
    assert np.array_equal(stored, drawn)
    assert done.annotation.sha256 == mask_hash(drawn)
    actions = AuditEvent.objects.values_list("action", flat=True)
    assert {"lease.take", "annotation.submit", "task.settle"} <= set(actions)


def test_the_same_key_is_the_same_submission(held: Assignment) -> None:
    key = uuid.uuid4()
    first, second = make.submit(held, key=key), make.submit(held, key=key)
    assert (first.replayed, second.replayed) == (False, True)
    assert first.annotation.pk == second.annotation.pk
    assert Annotation.objects.count() == 1


def test_a_key_is_not_reused_for_other_work(held: Assignment) -> None:
    key = uuid.uuid4()
    make.submit(held, key=key)
    with pytest.raises(Conflict) as caught:
        make.submit(held, make.mask(2), key=key)
    assert caught.value.code == "key_reused"


def test_a_key_of_another_case_is_refused_and_the_work_is_kept(held: Assignment) -> None:
    key, drawn = uuid.uuid4(), make.mask(2)
    make.submit(held, key=key)
    other = make.lease(held.campaign, held.reader)
    with pytest.raises(Conflict) as caught:
        make.submit(other, drawn, key=key)
    assert caught.value.code == "key_reused"
    kept = Draft.objects.get(assignment=other)
    assert np.array_equal(unpack(bytes(kept.packed), make.ROWS, make.COLUMNS), drawn)


def test_work_after_a_lost_lease_is_kept_as_a_draft(held: Assignment) -> None:
    lease_release(assignment=held, token=held.token, reason="by mistake")
    drawn = make.mask(2)
    with pytest.raises(Conflict) as caught:
        make.submit(held, drawn)
    assert caught.value.code == "lease_lost"
    draft = Draft.objects.get(assignment=held)
    assert np.array_equal(unpack(bytes(draft.packed), make.ROWS, make.COLUMNS), drawn)


def test_closing_the_campaign_keeps_the_work_as_a_draft(held: Assignment) -> None:
    campaign = held.campaign
    campaign_set_state(actor=held.reader, campaign=campaign, state=Campaign.State.CLOSED)
    with pytest.raises(Conflict) as caught:
        make.submit(held)
    assert caught.value.code == "campaign_closed"
    assert Draft.objects.filter(assignment=held).exists()


def test_a_mask_of_the_wrong_size_is_refused(held: Assignment) -> None:
    with pytest.raises(Invalid) as caught:
        make.submit(held, make.mask(rows=make.ROWS + 1))
    assert caught.value.code == "bad_mask"


def test_a_class_nobody_defined_is_refused(held: Assignment) -> None:
    with pytest.raises(Invalid) as caught:
        make.submit(held, make.mask(7))
    assert caught.value.detail == {"mask": [7]}


def test_ignore_is_always_allowed(held: Assignment) -> None:
    assert make.submit(held, make.mask(255)).task.state == Task.State.SETTLED


def test_a_draft_is_replaced_only_by_a_higher_sequence(held: Assignment) -> None:
    newer, older = pack(make.mask(2)), pack(make.mask(1))
    draft_save(assignment=held, sequence=2, packed=newer, seconds=3)
    for sequence in (1, 2):
        with pytest.raises(Conflict) as caught:
            draft_save(assignment=held, sequence=sequence, packed=older, seconds=4)
        assert caught.value.code == "stale_draft"
    assert bytes(Draft.objects.get(assignment=held).packed) == newer


@pytest.mark.parametrize("table", ["annotations_annotation", "audit_auditevent"])
def test_what_was_written_cannot_be_changed_or_deleted(held: Assignment, table: str) -> None:
    from django.db import connection

    make.submit(held)
    for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):
        with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic():
            connection.cursor().execute(statement)


def test_a_wrong_token_changes_nothing(held: Assignment) -> None:
    with pytest.raises(Conflict):
        annotation_submit(
            assignment=held, token=uuid.uuid4(), key=uuid.uuid4(), packed=pack(make.mask()),
            seconds=1,
        )  # fmt: skip
    assert not Annotation.objects.exists()


def test_what_the_reader_changed_is_stored_beside_the_answer(held: Assignment) -> None:
    suggested = np.zeros((make.ROWS, make.COLUMNS), np.uint8)
    suggested[2:6, 2:6] = 1
    row = Suggestion.objects.create(
        task=held.task, model_number=1, packed=pack(suggested), sha256=mask_hash(suggested)
    )
    Assignment.objects.filter(pk=held.pk).update(suggestion=row)
    held.suggestion = row
    drawn = suggested.copy()
    drawn[2:4, 2:6] = 2  # half of it is another class
    done = make.submit(held, drawn).annotation
    assert (done.started_from_id, done.changed_pixels) == (row.pk, 8)
    assert done.suggestion_dice == pytest.approx(2 * 8 / 32)


def test_an_answer_without_a_suggestion_is_compared_with_none(held: Assignment) -> None:
    done = make.submit(held, make.mask(1)).annotation
    assert (done.changed_pixels, done.suggestion_dice) == (None, None)
