"""Review: accept settles, return goes back to the same reader, nobody judges their own work."""

from datetime import timedelta

import numpy as np
import pytest
from django.utils.timezone import now

import make
from annotations.models import Assignment, Campaign, Review, Task
from annotations.progress import own_counts
from annotations.queue import task_lease
from annotations.review import annotation_review, reviews_waiting
from reticle.accounts.models import User
from reticle.errors import Conflict, Forbidden, Invalid
from reticle.pixels.mask import unpack

pytestmark = pytest.mark.django_db
ACCEPT, RETURN = Review.Verdict.ACCEPT, Review.Verdict.RETURN


@pytest.fixture
def campaign() -> Campaign:
    manager, reader, reviewer = (make.user(name) for name in ("manager", "reader", "reviewer"))
    return make.campaign(manager, tasks=4, readers=[reader], reviewers=[reviewer], review="all")


@pytest.fixture
def reader(campaign: Campaign) -> User:
    return User.objects.get(username="reader")


@pytest.fixture
def reviewer(campaign: Campaign) -> User:
    return User.objects.get(username="reviewer")


def test_acceptance_settles_the_task(campaign: Campaign, reader: User, reviewer: User) -> None:
    done = make.submit(make.lease(campaign, reader))
    assert done.task.state == Task.State.REVIEW
    annotation_review(annotation=done.annotation, reviewer=reviewer, verdict=ACCEPT, comment="")
    task = Task.objects.get(pk=done.task.pk)
    assert (task.state, task.settled_id) == (Task.State.SETTLED, done.annotation.pk)
    assert not reviews_waiting(campaign=campaign, reviewer=reviewer).exists()


def test_the_queue_says_how_many_slices_each_series_has(reader: User, reviewer: User) -> None:
    for slug, slices in (("series", 3), ("images", 1)):
        campaign = make.campaign(
            make.user(f"{slug}-manager"), slug=slug, patients=2, per_patient=slices,
            readers=[reader], reviewers=[reviewer], review="all",
        )  # fmt: skip
        make.submit(make.lease(campaign, reader))
        [case] = make.client(reviewer).get(f"/api/v1/campaigns/{slug}/reviews").json()
        assert case["slices"] == slices


def test_returned_work_comes_back_first_with_the_comment(
    campaign: Campaign, reader: User, reviewer: User
) -> None:
    done = make.submit(make.lease(campaign, reader), make.mask(1))
    annotation_review(
        annotation=done.annotation, reviewer=reviewer, verdict=RETURN, comment="white is missing"
    )
    client = make.client(reader)
    case = client.post(f"/api/v1/campaigns/{campaign.slug}/lease", {}, format="json").json()
    assert (case["task"]["id"], case["round"]) == (done.task.pk, 2)
    assert case["returned"]["comment"] == "white is missing"
    raw = client.get(case["returned"]["mask_url"])
    assert np.array_equal(unpack(raw.content, make.ROWS, make.COLUMNS), make.mask(1))

    again = make.submit(Assignment.objects.get(pk=case["id"]), make.mask(2))
    assert again.annotation.supersedes_id == done.annotation.pk
    waiting = reviews_waiting(campaign=campaign, reviewer=reviewer)
    assert [row.pk for row in waiting] == [again.annotation.pk]


def test_what_waits_for_a_reader_is_new_in_hand_or_returned(
    campaign: Campaign, reader: User, reviewer: User
) -> None:
    def waiting() -> int:
        return own_counts(campaign, reader)["waiting"]

    assert waiting() == 4
    first, ahead = make.lease(campaign, reader), make.lease(campaign, reader, "next")
    assert waiting() == 4, "what is in hand waits to be read all the same"
    Assignment.objects.filter(pk=ahead.pk).update(leased_until=now() - timedelta(seconds=1))
    done = make.submit(first)
    assert waiting() == 3
    annotation_review(annotation=done.annotation, reviewer=reviewer, verdict=RETURN, comment="no")
    assert waiting() == 4
    again = make.lease(campaign, reader)
    assert again.round == 2
    assert waiting() == 4, "taken up again it is one case, not two"
    make.submit(again)
    make.read(campaign, reader, 3)
    assert waiting() == 0


def test_a_return_needs_a_comment(campaign: Campaign, reader: User, reviewer: User) -> None:
    done = make.submit(make.lease(campaign, reader))
    with pytest.raises(Invalid):
        annotation_review(
            annotation=done.annotation, reviewer=reviewer, verdict=RETURN, comment=" "
        )


def test_a_verdict_is_given_once(campaign: Campaign, reader: User, reviewer: User) -> None:
    done = make.submit(make.lease(campaign, reader))
    annotation_review(annotation=done.annotation, reviewer=reviewer, verdict=ACCEPT, comment="")
    with pytest.raises(Conflict):
        annotation_review(annotation=done.annotation, reviewer=reviewer, verdict=ACCEPT, comment="")


def test_nobody_reviews_their_own_work(campaign: Campaign, reader: User) -> None:
    done = make.submit(make.lease(campaign, reader))
    with pytest.raises(Forbidden):
        annotation_review(annotation=done.annotation, reviewer=reader, verdict=ACCEPT, comment="")


def test_skipping_returned_work_does_not_bring_it_back(
    campaign: Campaign, reader: User, reviewer: User
) -> None:
    from annotations.queue import lease_release

    done = make.submit(make.lease(campaign, reader))
    annotation_review(annotation=done.annotation, reviewer=reviewer, verdict=RETURN, comment="no")
    row = make.lease(campaign, reader)
    assert row.task_id == done.task.pk
    lease_release(assignment=row, token=row.token, reason="cannot tell")
    assert make.lease(campaign, reader).task_id != done.task.pk


def test_what_was_returned_to_a_reader_who_leaves_is_read_by_another() -> None:
    manager, first, second = (make.user(name) for name in ("manager", "first", "second"))
    reviewer = make.user("reviewer")
    campaign = make.campaign(
        manager, tasks=1, readers=[first, second], reviewers=[reviewer], review="all"
    )
    done = make.submit(make.lease(campaign, first))
    annotation_review(annotation=done.annotation, reviewer=reviewer, verdict=RETURN, comment="no")
    assert task_lease(campaign=campaign, reader=second, slot=Assignment.Slot.CURRENT) is None
    answer = make.client(manager).put(
        f"/api/v1/campaigns/{campaign.slug}/members", {"username": "first", "roles": []},
        format="json",
    )  # fmt: skip
    assert answer.status_code == 200, answer.content
    assert make.lease(campaign, second).task_id == done.task.pk
