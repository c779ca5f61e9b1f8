"""Remarks and flags: who sees what, and that readers stay blind to each other."""

from typing import Any

import pytest

import make
from annotations.remarks import flag_settle, flags_open, remark_add, remarks_visible
from reticle.audit.models import AuditEvent
from reticle.errors import Conflict, Invalid

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> dict[str, Any]:
    people = {name: make.user(name) for name in ("manager", "ann", "ben", "reviewer")}
    campaign = make.campaign(
        people["manager"], tasks=2, readers=[people["ann"], people["ben"]],
        reviewers=[people["reviewer"]], readers_per_task=2,
    )  # fmt: skip
    row = make.lease(campaign, people["ann"])
    return {**people, "campaign": campaign, "row": row, "task": row.task}


def say(world: dict[str, Any], who: str, text: str = "Here", **fields: Any) -> Any:
    values = {"place": None, "flag": False, **fields}
    return remark_add(task=world["task"], author=world[who], text=text, **values)


def test_readers_see_their_own_and_what_guides_say_never_each_other(world: dict[str, Any]) -> None:
    for who in ("ann", "ben", "reviewer", "manager"):
        say(world, who, f"by {who}")

    def seen(who: str, *, everybody: bool) -> list[str]:
        rows = remarks_visible(task=world["task"], user=world[who], all_readers=everybody)
        return [row.author.username for row in rows]

    assert seen("ann", everybody=False) == ["ann", "reviewer", "manager"]
    assert seen("ben", everybody=False) == ["ben", "reviewer", "manager"]
    assert seen("reviewer", everybody=True) == ["ann", "ben", "reviewer", "manager"]


def test_what_an_administrator_answers_reaches_the_readers(world: dict[str, Any]) -> None:
    """Of no campaign a member, and a guide in each."""
    administrator = make.client(make.user("root", administrator=True))
    path = f"/api/v1/tasks/{world['task'].pk}/remarks"
    body = {"text": "Leave it out.", "place": None}
    assert administrator.post(path, body, format="json").status_code == 201
    own = f"/api/v1/assignments/{world['row'].pk}/remarks"
    seen = make.client(world["ann"]).get(own).json()
    assert [(row["author"], row["text"]) for row in seen] == [("root", "Leave it out.")]


def test_a_remark_says_something_and_points_into_the_image(world: dict[str, Any]) -> None:
    row = say(world, "ann", "  an edge ", place=(3.5, 7.25))
    assert (row.text, row.x, row.y) == ("an edge", 3.5, 7.25)
    for wrong in ({"text": "  "}, {"place": (make.COLUMNS + 1, 2)}, {"place": (2, -0.1)}):
        with pytest.raises(Invalid):
            say(world, "ann", **wrong)


def test_a_flag_waits_until_one_colleague_has_looked(world: dict[str, Any]) -> None:
    say(world, "ann")
    flag = say(world, "ann", "What is this?", flag=True)
    assert [row.pk for row in flags_open(world["campaign"])] == [flag.pk]
    done = flag_settle(remark=flag, actor=world["reviewer"])
    assert done.settled_by == world["reviewer"]
    assert not flags_open(world["campaign"])
    with pytest.raises(Conflict):
        flag_settle(remark=flag, actor=world["manager"])
    events = AuditEvent.objects.filter(action__startswith="remark.").order_by("id")
    assert [event.action for event in events] == ["remark.add", "remark.flag", "remark.settle"]


def test_the_doors(world: dict[str, Any]) -> None:
    reader, reviewer = make.client(world["ann"]), make.client(world["reviewer"])
    own = f"/api/v1/assignments/{world['row'].pk}/remarks"
    body = {"text": "A vessel?", "place": {"x": 4, "y": 5}, "flag": True}
    made = reader.post(own, body, format="json")
    assert made.status_code == 201
    assert made.json() | {"created_at": ""} == {
        "id": made.json()["id"], "case": world["task"].pk, "image": world["task"].image_id,
        "author": "ann", "mine": True, "text": "A vessel?", "place": {"x": 4.0, "y": 5.0},
        "flag": True, "settled": False, "created_at": "",
    }  # fmt: skip
    flags = f"/api/v1/campaigns/{world['campaign'].slug}/flags"
    assert [row["text"] for row in reviewer.get(flags).json()] == ["A vessel?"]
    answer = {"text": "Yes, leave it out.", "place": None}
    path = f"/api/v1/tasks/{world['task'].pk}/remarks"
    assert reviewer.post(path, answer, format="json").status_code == 201
    assert [row["mine"] for row in reader.get(own).json()] == [True, False]
    settle = f"/api/v1/remarks/{made.json()['id']}/settle"
    assert reviewer.post(settle).json()["settled"] is True
    assert reviewer.post(settle).status_code == 409
    assert make.client(world["ben"]).get(own).status_code == 404


def test_versions_are_for_those_who_review(world: dict[str, Any]) -> None:
    done = make.submit(world["row"])
    path = f"/api/v1/tasks/{done.task.pk}/annotations"
    rows = make.client(world["reviewer"]).get(path).json()
    assert [(row["annotation"], row["reader"], row["newest"]) for row in rows] == [
        (done.annotation.pk, "ann", True)
    ]
    assert make.client(world["ben"]).get(path).status_code == 403
