"""What a manager is told of the readers' work: cases, not versions of them."""

import uuid
from typing import Any

import pytest

import make
from annotations import progress
from annotations.amend import annotation_amend
from annotations.models import Annotation, Campaign, Review
from annotations.review import annotation_review
from annotations.submit import Submission
from reticle.accounts.models import User
from reticle.pixels.mask import pack

pytestmark = pytest.mark.django_db


def amend(row: Annotation, seconds: float = 2) -> Submission:
    packed = pack(make.mask(2))
    return annotation_amend(annotation=row, key=uuid.uuid4(), packed=packed, seconds=seconds)


@pytest.fixture
def people() -> dict[str, User]:
    return {name: make.user(name) for name in ("manager", "reader", "reviewer")}


def campaign_of(people: dict[str, User], **fields: Any) -> Campaign:
    return make.campaign(
        people["manager"], tasks=12, readers=[people["reader"]], reviewers=[people["reviewer"]],
        **fields,
    )  # fmt: skip


def test_an_amended_case_is_one_case_and_its_amendment_no_reading(
    people: dict[str, User],
) -> None:
    campaign = campaign_of(people)
    for _ in range(9):
        make.submit(make.lease(campaign, people["reader"]), seconds=40)
    last = make.submit(make.lease(campaign, people["reader"]), seconds=60)
    before = progress.effort(campaign)
    new = amend(last.annotation)
    amend(new.annotation)
    (row,) = progress.reader_progress(campaign)
    own = progress.own_counts(campaign, people["reader"])["submitted"]
    assert (row.submitted, own) == (10, 10)
    assert row.seconds_median == 40
    assert progress.effort(campaign) == before
    assert [point["seconds"] for point in before] == [40] * 9 + [60]


def test_a_returned_case_counts_once_it_is_handed_in_again(people: dict[str, User]) -> None:
    campaign = campaign_of(people, review="all")

    def counted() -> set[int]:
        (row,) = progress.reader_progress(campaign)
        return {row.submitted, progress.own_counts(campaign, people["reader"])["submitted"]}

    done = make.read(campaign, people["reader"], 3)
    assert counted() == {3}
    annotation_review(
        annotation=done[0].annotation, reviewer=people["reviewer"],
        verdict=Review.Verdict.RETURN, comment="more",
    )  # fmt: skip
    assert counted() == {2}
    make.submit(make.lease(campaign, people["reader"]))
    assert counted() == {3}
    assert len(progress.effort(campaign)) == 4, "it was read twice"


def test_who_gave_a_case_back_is_not_named_as_its_reader(people: dict[str, User]) -> None:
    campaign = campaign_of(people)
    held = make.lease(campaign, people["reader"])
    manager, address = make.client(people["manager"]), f"/api/v1/campaigns/{campaign.slug}/tasks"

    def readers() -> list[str]:
        rows = manager.get(address).json()["results"]
        return next(row["readers"] for row in rows if row["id"] == held.task_id)

    assert readers() == ["reader"]
    given = {"token": held.token, "reason": "not readable"}
    address_of = f"/api/v1/assignments/{held.pk}/release"
    assert make.client(people["reader"]).post(address_of, given, format="json").status_code == 204
    assert readers() == []
