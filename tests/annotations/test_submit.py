"""Submission: durable, once, and nothing lost on the way to a conflict."""

import uuid
from base64 import b64encode
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from django.db import DatabaseError, transaction
from pytest_django.fixtures import Settings

import make
from annotations.campaigns import campaign_set_state
from annotations.models import Annotation, Assignment, Campaign, Draft, Suggestion, Task
from annotations.queue import lease_release
from annotations.submit import (
    Box,
    annotation_submit,
    annotation_submit_part,
    draft_patch,
    draft_save,
)
from reticle.audit.models import AuditEvent
from reticle.errors import Conflict, Invalid
from reticle.pixels.mask import mask_hash, pack, unpack

pytestmark = pytest.mark.django_db
ONE = np.ones((1, 1), np.uint8)


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


def test_a_draft_of_another_window_is_not_overwritten_by_a_higher_sequence(
    held: Assignment,
) -> None:
    draft_save(assignment=held, sequence=1, packed=pack(make.mask(1)), seconds=3, base=0)
    with pytest.raises(Conflict) as caught:
        draft_save(assignment=held, sequence=9, packed=pack(make.mask(2)), seconds=3, base=0)
    assert (caught.value.code, caught.value.detail) == ("stale_draft", {"sequence": 1})
    draft_save(assignment=held, sequence=9, packed=pack(make.mask(2)), seconds=3, base=1)
    assert Draft.objects.get(assignment=held).sequence == 9


def test_what_changed_is_put_upon_the_draft_it_names(held: Assignment) -> None:
    draft_save(assignment=held, sequence=1, packed=pack(make.mask(1)), seconds=3)
    part = np.full((2, 3), 2, np.uint8)
    draft_patch(
        assignment=held, sequence=2, base=1, box=(5, 10, 8, 12), packed=pack(part), seconds=4
    )
    kept = Draft.objects.get(assignment=held)
    wanted = make.mask(1)
    wanted[10:12, 5:8] = 2
    assert (kept.sequence, kept.seconds_spent) == (2, 4)
    assert bytes(kept.packed) == pack(wanted), "as if the whole mask had been sent"


@pytest.mark.parametrize(("kept", "base", "sequence"), [(2, 1, 3), (0, 1, 2), (2, 2, 2)])
def test_what_changed_since_another_draft_is_refused(
    held: Assignment, kept: int, base: int, sequence: int
) -> None:
    if kept:
        draft_save(assignment=held, sequence=kept, packed=pack(make.mask(1)), seconds=3)
    part = pack(np.full((1, 1), 2, np.uint8))
    with pytest.raises(Conflict) as caught:
        draft_patch(
            assignment=held, sequence=sequence, base=base, box=(0, 0, 1, 1), packed=part, seconds=4
        )
    assert (caught.value.code, caught.value.detail) == ("stale_draft", {"sequence": kept})


@pytest.mark.parametrize(
    ("box", "part", "code"),
    [
        ((0, 0, make.COLUMNS + 1, 1), np.ones((1, make.COLUMNS + 1), np.uint8), "bad_box"),
        ((4, 4, 4, 6), np.ones((2, 1), np.uint8), "bad_box"),
        ((0, 0, 2, 2), np.ones((1, 1), np.uint8), "bad_mask"),
        ((0, 0, 1, 1), np.full((1, 1), 7, np.uint8), "unknown_class"),
    ],
)
def test_a_part_that_does_not_fit_changes_nothing(
    held: Assignment, box: Box, part: npt.NDArray[np.uint8], code: str
) -> None:
    draft_save(assignment=held, sequence=1, packed=pack(make.mask(1)), seconds=3)
    with pytest.raises(Invalid) as caught:
        draft_patch(assignment=held, sequence=2, base=1, box=box, packed=pack(part), seconds=4)
    assert caught.value.code == code
    assert Draft.objects.get(assignment=held).sequence == 1


def test_the_door_takes_a_whole_draft_and_then_what_changed(held: Assignment) -> None:
    door = f"/api/v1/assignments/{held.pk}/draft"
    client = make.client(held.reader)
    sent: dict[str, object] = {"token": str(held.token), "seconds": 1}
    whole = {**sent, "sequence": 1, "base": 0, "mask": b64encode(pack(make.mask(1))).decode()}
    assert client.put(door, whole, format="json").status_code == 200
    part = {**sent, "sequence": 2, "box": [1, 1, 2, 2], "mask": b64encode(pack(ONE)).decode()}
    refused = client.put(door, part, format="json")
    assert (refused.status_code, list(refused.json()["detail"])) == (422, ["base"])
    assert client.put(door, {**part, "base": 1}, format="json").json()["sequence"] == 2
    kept = Draft.objects.get(assignment=held)
    assert unpack(bytes(kept.packed), make.ROWS, make.COLUMNS)[1, 1] == 1


def drafted(held: Assignment) -> dict[str, Any]:
    """Keep a draft; return the arguments of a submission that changes one pixel of it."""
    draft_save(assignment=held, sequence=5, packed=pack(make.mask(1)), seconds=3)
    wanted = make.mask(1)
    wanted[0, 0] = 1
    return {
        "token": held.token, "key": uuid.uuid4(), "base": 5, "box": (0, 0, 1, 1),
        "packed": pack(ONE), "sha256": mask_hash(wanted), "seconds": 9.0,
    }  # fmt: skip


def test_a_submission_of_what_changed_is_stored_as_the_whole_would_be(held: Assignment) -> None:
    given = drafted(held)
    done = annotation_submit_part(assignment=held, **given)
    wanted = make.mask(1)
    wanted[0, 0] = 1
    assert bytes(done.annotation.packed) == pack(wanted)
    assert done.annotation.sha256 == given["sha256"]
    assert not Draft.objects.filter(assignment=held).exists()


@pytest.mark.parametrize("change", [{"base": 4}, {"sha256": "0" * 64}])
def test_a_submission_of_what_changed_since_another_draft_asks_for_the_whole(
    held: Assignment, change: dict[str, Any]
) -> None:
    with pytest.raises(Conflict) as caught:
        annotation_submit_part(assignment=held, **{**drafted(held), **change})
    assert caught.value.code == "stale_draft"
    assert not Annotation.objects.exists()
    assert Draft.objects.get(assignment=held).sequence == 5


def test_what_changed_is_kept_with_the_draft_when_the_lease_was_lost(held: Assignment) -> None:
    given = drafted(held)
    with pytest.raises(Conflict) as caught:
        annotation_submit_part(assignment=held, **{**given, "token": uuid.uuid4()})
    assert caught.value.code == "lease_lost"
    kept = unpack(bytes(Draft.objects.get(assignment=held).packed), make.ROWS, make.COLUMNS)
    assert mask_hash(kept) == given["sha256"]


def test_a_submission_never_drops_a_draft_that_its_sender_does_not_know(held: Assignment) -> None:
    draft_save(assignment=held, sequence=5, packed=pack(make.mask(1)), seconds=3)
    given: dict[str, Any] = {"token": held.token, "packed": pack(make.mask(2)), "seconds": 9.0}
    with pytest.raises(Conflict) as caught:
        annotation_submit(assignment=held, key=uuid.uuid4(), base=0, **given)
    assert (caught.value.code, caught.value.detail) == ("stale_draft", {"sequence": 5})
    assert not Annotation.objects.exists()
    assert bytes(Draft.objects.get(assignment=held).packed) == pack(make.mask(1))
    key = uuid.uuid4()
    annotation_submit(assignment=held, key=key, base=5, **given)
    assert not Draft.objects.filter(assignment=held).exists()
    assert annotation_submit(assignment=held, key=key, base=5, **given).replayed


def test_work_that_comes_too_late_does_not_take_the_place_of_another_draft(
    held: Assignment,
) -> None:
    draft_save(assignment=held, sequence=5, packed=pack(make.mask(1)), seconds=3)
    late: dict[str, Any] = {
        "token": uuid.uuid4(),
        "key": uuid.uuid4(),
        "packed": pack(make.mask(2)),
    }
    with pytest.raises(Conflict) as caught:
        annotation_submit(assignment=held, base=0, seconds=9, **late)
    assert caught.value.code == "stale_draft", "nothing of it is kept: the sender must keep it"
    assert bytes(Draft.objects.get(assignment=held).packed) == pack(make.mask(1))
    with pytest.raises(Conflict) as caught:
        annotation_submit(assignment=held, base=5, seconds=9, **late)
    assert caught.value.code == "lease_lost"
    assert bytes(Draft.objects.get(assignment=held).packed) == pack(make.mask(2))


def test_the_door_of_a_submission_takes_the_number_of_the_draft(held: Assignment) -> None:
    draft_save(assignment=held, sequence=5, packed=pack(make.mask(1)), seconds=3)
    door, client = f"/api/v1/assignments/{held.pk}/submit", make.client(held.reader)
    body = {"token": str(held.token), "key": str(uuid.uuid4()), "base": 4}
    body["mask"] = b64encode(pack(make.mask(2))).decode()
    refused = client.post(door, body, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "stale_draft")
    assert refused.json()["detail"] == {"sequence": 5}
    assert client.post(door, {**body, "base": 5}, format="json").status_code == 201


def test_the_door_of_a_submission_takes_what_changed_with_the_hash_of_the_whole(
    held: Assignment,
) -> None:
    given = drafted(held)
    packed = b64encode(given.pop("packed")).decode()
    body = {**given, "token": str(held.token), "key": str(given["key"]), "mask": packed}
    door, client = f"/api/v1/assignments/{held.pk}/submit", make.client(held.reader)
    without = {name: value for name, value in body.items() if name != "sha256"}
    refused = client.post(door, without, format="json")
    assert (refused.status_code, list(refused.json()["detail"])) == (422, ["sha256"])
    answer = client.post(door, body, format="json")
    assert (answer.status_code, answer.json()["mask_sha256"]) == (201, given["sha256"])


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


def test_a_body_that_is_too_large_is_refused_in_words(settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 500
    reader = make.user("reader")
    campaign = make.campaign(make.user("manager"), tasks=4, readers=[reader])
    row = make.lease(campaign, reader)
    body = {"token": str(row.token), "mask": "A" * 1000}
    answer = make.client(reader).post(f"/api/v1/assignments/{row.pk}/submit", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
