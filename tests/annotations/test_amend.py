"""Going back to one's own last answers: a new version, audited, while nobody has decided on it."""

import base64
import uuid
from typing import Any

import numpy as np
import pytest

import make
from annotations.amend import annotation_amend, annotations_recent
from annotations.campaigns import campaign_set_state
from annotations.models import (
    Annotation,
    Assignment,
    Campaign,
    Draft,
    Review,
    Suggestion,
    Task,
)
from annotations.review import annotation_review, reviews_waiting
from annotations.submit import Submission, draft_save
from reticle.audit.models import AuditEvent
from reticle.errors import Conflict, Invalid
from reticle.pixels.mask import mask_hash, pack, unpack
from training.snapshot import manifest_of

pytestmark = pytest.mark.django_db


def amend(row: Annotation, value: int = 2, key: uuid.UUID | None = None) -> Submission:
    return annotation_amend(
        annotation=row, key=key or uuid.uuid4(), packed=pack(make.mask(value)), seconds=3
    )


@pytest.fixture
def read() -> Submission:
    manager, reader = make.user("manager"), make.user("reader")
    campaign = make.campaign(manager, tasks=3, readers=[reader])
    return make.submit(make.lease(campaign, reader))


@pytest.fixture
def reviewed() -> dict[str, Any]:
    people = {name: make.user(name) for name in ("manager", "reader", "reviewer")}
    campaign = make.campaign(
        people["manager"], tasks=3, readers=[people["reader"]], reviewers=[people["reviewer"]],
        review="all",
    )  # fmt: skip
    done = make.submit(make.lease(campaign, people["reader"]))
    return {**people, "campaign": campaign, "done": done}


def test_the_new_version_is_the_answer_and_the_old_one_stays(read: Submission) -> None:
    new = amend(read.annotation).annotation
    task = Task.objects.get(pk=read.task.pk)
    assert (task.state, task.settled_id) == (Task.State.SETTLED, new.pk)
    assert (new.supersedes_id, new.source) == (read.annotation.pk, Annotation.Source.AMENDMENT)
    assert np.array_equal(unpack(bytes(new.packed), make.ROWS, make.COLUMNS), make.mask(2))
    assert Annotation.objects.filter(pk=read.annotation.pk).exists()
    assert AuditEvent.objects.filter(action="annotation.amend", target_id=new.pk).count() == 1
    rows = [*manifest_of(task.campaign)["training"], *manifest_of(task.campaign)["held_out"]]
    assert [row["annotation"] for row in rows] == [new.pk]


def test_what_an_amendment_started_from_and_how_far_it_left_it_is_stored() -> None:
    manager, reader = make.user("manager"), make.user("reader")
    row = make.lease(make.campaign(manager, tasks=3, readers=[reader]), reader)
    suggested = make.mask(1)
    offered = Suggestion.objects.create(
        task=row.task, model_number=1, packed=pack(suggested), sha256=mask_hash(suggested)
    )
    Assignment.objects.filter(pk=row.pk).update(suggestion=offered)
    first = make.submit(Assignment.objects.get(pk=row.pk), suggested).annotation
    assert (first.started_from_id, first.changed_pixels) == (offered.pk, 0)
    second = amend(first, 2).annotation
    third = amend(second, 1).annotation
    pixels = np.count_nonzero(suggested)
    for new, changed, dice in ((second, pixels, 0.0), (third, 0, 1.0)):
        assert new.started_from_id == offered.pk
        assert (new.changed_pixels, new.suggestion_dice) == (changed, dice)


def test_an_amendment_without_a_suggestion_is_compared_with_none(read: Submission) -> None:
    new = amend(read.annotation).annotation
    found = (new.started_from_id, new.changed_pixels, new.suggestion_dice, new.changed_answers)
    assert found == (None, None, None, None)


def test_a_version_is_amended_once_and_the_same_key_is_the_same_version(read: Submission) -> None:
    key = uuid.uuid4()
    first, second = amend(read.annotation, key=key), amend(read.annotation, key=key)
    assert (first.replayed, second.replayed) == (False, True)
    assert first.annotation.pk == second.annotation.pk
    with pytest.raises(Conflict) as caught:
        amend(read.annotation, 1)
    assert caught.value.code == "superseded"
    third = amend(first.annotation, 1)
    assert Task.objects.get(pk=read.task.pk).settled_id == third.annotation.pk


def test_a_key_of_other_work_is_refused(read: Submission) -> None:
    with pytest.raises(Conflict) as caught:
        amend(read.annotation, key=read.annotation.key)
    assert caught.value.code == "key_reused"


def test_a_mask_with_unknown_classes_changes_nothing(read: Submission) -> None:
    with pytest.raises(Invalid):
        amend(read.annotation, 77)
    assert Task.objects.get(pk=read.task.pk).settled_id == read.annotation.pk


def test_unfinished_amendments_are_kept_as_drafts_until_they_are_handed_in(
    read: Submission,
) -> None:
    row = Assignment.objects.get(annotation=read.annotation)
    draft_save(assignment=row, sequence=9, packed=pack(make.mask(2)), seconds=1)
    assert Draft.objects.filter(assignment=row).exists()
    amend(read.annotation)
    assert not Draft.objects.filter(assignment=row).exists()


def test_an_amendment_never_drops_a_draft_that_its_sender_does_not_know(read: Submission) -> None:
    row = Assignment.objects.get(annotation=read.annotation)
    draft_save(assignment=row, sequence=9, packed=pack(make.mask(1)), seconds=1)
    given: dict[str, Any] = {
        "annotation": read.annotation,
        "packed": pack(make.mask(2)),
        "seconds": 3.0,
    }
    with pytest.raises(Conflict) as caught:
        annotation_amend(key=uuid.uuid4(), base=0, **given)
    assert (caught.value.code, caught.value.detail) == ("stale_draft", {"sequence": 9})
    assert bytes(Draft.objects.get(assignment=row).packed) == pack(make.mask(1))
    assert Annotation.objects.count() == 1
    annotation_amend(key=uuid.uuid4(), base=9, **given)
    assert not Draft.objects.filter(assignment=row).exists()


def test_a_closed_campaign_is_not_changed(read: Submission) -> None:
    campaign = Campaign.objects.get(pk=read.task.campaign_id)
    campaign_set_state(
        actor=make.user("second-manager", administrator=True), campaign=campaign,
        state=Campaign.State.CLOSED,
    )  # fmt: skip
    with pytest.raises(Conflict) as caught:
        amend(read.annotation)
    assert caught.value.code == "campaign_closed"


def test_a_reviewer_gets_the_newest_version_and_returns_it_to_its_reader(
    reviewed: dict[str, Any],
) -> None:
    campaign, done = reviewed["campaign"], reviewed["done"]
    new = amend(done.annotation).annotation
    waiting = reviews_waiting(campaign=campaign, reviewer=reviewed["reviewer"])
    assert [row.pk for row in waiting] == [new.pk]
    verdict = {"reviewer": reviewed["reviewer"], "comment": "more"}
    with pytest.raises(Conflict) as caught:
        annotation_review(annotation=done.annotation, verdict=Review.Verdict.ACCEPT, **verdict)
    assert caught.value.code == "superseded"
    annotation_review(annotation=new, verdict=Review.Verdict.RETURN, **verdict)
    again = make.lease(campaign, reviewed["reader"])
    assert (again.task_id, again.round) == (done.task.pk, 2)
    case = make.client(reviewed["reader"]).get(f"/api/v1/assignments/{again.pk}").json()
    assert case["returned"]["comment"] == "more"
    assert case["returned"]["mask_url"].endswith(f"/{new.pk}/mask")


def test_what_a_reviewer_decided_on_is_not_changed(reviewed: dict[str, Any]) -> None:
    done = reviewed["done"].annotation
    annotation_review(
        annotation=done, reviewer=reviewed["reviewer"], verdict=Review.Verdict.ACCEPT, comment=""
    )
    with pytest.raises(Conflict) as caught:
        amend(done)
    assert caught.value.code == "already_reviewed"


def test_the_last_ten_are_listed_newest_first_with_what_hinders(read: Submission) -> None:
    campaign = Campaign.objects.get(pk=read.task.campaign_id)
    reader = read.annotation.author
    others = make.read(campaign, reader, 2)
    newest = amend(read.annotation).annotation
    rows = annotations_recent(campaign=campaign, reader=reader)
    expected = [newest.pk, others[1].annotation.pk, others[0].annotation.pk]
    assert [row.pk for row in rows] == expected
    client = make.client(reader)
    listed = client.get(f"/api/v1/campaigns/{campaign.slug}/recent").json()
    assert [row["annotation"] for row in listed] == expected
    assert [row["hindrance"] for row in listed] == [None, None, None]
    assert listed[0]["assignment"] == read.annotation.assignment_id


def test_the_door_answers_201_and_then_200(read: Submission) -> None:
    client = make.client(read.annotation.author)
    body = {
        "key": str(uuid.uuid4()),
        "mask": base64.b64encode(pack(make.mask(2))).decode(),
        "seconds": 4,
    }
    path = f"/api/v1/annotations/{read.annotation.pk}/amend"
    first, second = (client.post(path, body, format="json") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
