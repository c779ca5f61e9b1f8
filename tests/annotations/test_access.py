"""Role x route x method, generated from the URLconf: a new door without a policy fails here."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

import make
from annotations.export import export_create
from annotations.join import import_create
from annotations.models import Picture, Suggestion, SuggestionMap
from annotations.remarks import remark_add
from reticle import storage
from reticle.accounts.models import User
from reticle.accounts.roles import ALLOWED, Action, Role
from reticle.pixels.mask import mask_hash, pack
from training.models import ModelVersion, Snapshot, TrainingRun

pytestmark = pytest.mark.django_db

PUBLIC = {"health", "schema", "no-such-address", "front-end", "session"}
# Only the reader who holds it may enter.
OWN = {
    "assignment", "renew", "release", "draft", "submit", "submit-series", "amend", "own-remarks",
    "suggestions", "maps", "neighbours", "neighbour",
}  # fmt: skip
PERSONAL = {"preferences"}  # everybody's own, of no campaign
HTTP = ("get", "post", "put", "patch", "delete")
# Doors whose bytes a member sees only when they are theirs: asked for in tests of their own.
AUTHOR = {"annotation-mask", "suggestion-mask", "suggestion-map"}


def patterns(found: Any = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in (found or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            if entry.app_name != "admin":
                yield from patterns(entry, prefix + str(entry.pattern))
        else:
            yield prefix + str(entry.pattern), entry


ROUTES = {entry.name or "": (route, entry) for route, entry in patterns()}
CAMPAIGN_ROUTES = sorted(set(ROUTES) - PUBLIC - PERSONAL - {"campaigns"})


def view_of(name: str) -> Any:
    return ROUTES[name][1].callback.view_class  # type: ignore[attr-defined]


@pytest.fixture
def world() -> dict[str, Any]:
    """One campaign with one of everything, its people, and a stranger with a campaign too."""
    people = {name: make.user(name) for name in ("reader", "reviewer", "manager", "stranger")}
    people["administrator"] = make.user("root", administrator=True)
    campaign = make.campaign(
        people["manager"], tasks=6, readers=[people["reader"]], reviewers=[people["reviewer"]],
        review="all",
    )  # fmt: skip
    make.campaign(people["stranger"], slug="other", tasks=1)
    done = make.submit(make.lease(campaign, people["reader"]))
    held = make.lease(campaign, people["reader"])
    drawn = make.mask()
    suggestion = Suggestion.objects.create(
        task=held.task, model_number=1, packed=pack(drawn), sha256=mask_hash(drawn)
    )
    heat = SuggestionMap.objects.create(
        suggestion=suggestion, kind="uncertainty", packed=pack(drawn), sha256=mask_hash(drawn)
    )
    remark = remark_add(
        task=done.task, author=people["reader"], text="Look here", place=None, flag=True
    )
    picture = Picture.objects.create(
        campaign=campaign, sha256=storage.put(b"a picture"), media_type="image/png",
        width=1, height=1,
    )  # fmt: skip
    snapshot = Snapshot.objects.create(
        campaign=campaign, sha256="0" * 64, manifest={"held_out": []}, labels=1, held_out=1
    )
    run = TrainingRun.objects.create(campaign=campaign, snapshot=snapshot)
    model = ModelVersion.objects.create(
        campaign=campaign, number=1, run=run, weights_sha256=storage.put(b"weights")
    )
    keys = {
        "task": held.task_id, "assignment": held.pk, "renew": held.pk, "release": held.pk,
        "draft": held.pk, "submit": held.pk, "submit-series": held.pk,
        "suggestions": held.pk,
        "image": held.task.image_id,
        "pixels": held.task.image_id, "thumbnail": held.task.image_id,
        "maps": held.pk, "neighbours": held.pk, "neighbour": held.pk,
        "series": held.task.image.series_id, "suggestion-mask": suggestion.pk,
        "annotation-mask": done.annotation.pk, "amend": done.annotation.pk,
        "review": done.annotation.pk, "suggestion-map": heat.pk, "own-remarks": held.pk,
        "task-remarks": held.task_id, "versions": held.task_id, "flag-settle": remark.pk,
        "import": import_create(campaign=campaign, actor=None, source="upload", files=[]).pk,
        "export": export_create(campaign=campaign, actor=None).pk,
        "picture": picture.pk, "run": run.pk, "run-cancel": run.pk, "run-recipe": run.pk,
        **dict.fromkeys(
            ("model", "model-card", "model-compare", "model-drawing", "model-label",
             "model-promote", "model-end-shadow", "model-bundle", "model-onnx",
             "model-onnx-file", "model-robustness"), model.pk,
        ),
    }  # fmt: skip
    keys["export-file"] = keys["export"]
    return {"people": people, "campaign": campaign, "keys": keys}


def address(world: dict[str, Any], name: str) -> str:
    route = "/" + ROUTES[name][0].replace("<slug:slug>", world["campaign"].slug)
    route = route.replace("<slug:name>", "none-of-that-name")
    route = route.replace("<int:image>", "1")
    return route.replace("<int:pk>", str(world["keys"].get(name, 0)))


def test_every_door_names_its_policy() -> None:
    for name in set(ROUTES) - {"health", "schema", "no-such-address", "front-end"}:
        view = view_of(name)
        handled = {method for method in HTTP if hasattr(view, method)}
        assert set(view.policy) == handled, f"{name}: policy and methods differ"


def doors(names: set[str]) -> Iterator[tuple[str, str, Action | None]]:
    """Yield every (route, method, action); what a call changes is undone before the next."""
    for name in sorted(names):
        for method, action in view_of(name).policy.items():
            point = transaction.savepoint()
            yield name, method, action
            transaction.savepoint_rollback(point)


def test_nobody_enters_without_logging_in(world: dict[str, Any]) -> None:
    for name, method, _ in doors({*CAMPAIGN_ROUTES, *PERSONAL, "campaigns"}):
        answer = getattr(APIClient(), method)(address(world, name))
        assert answer.status_code == 401, f"{method} {name}"


def test_a_stranger_is_told_that_nothing_is_there(world: dict[str, Any]) -> None:
    client = make.client(world["people"]["stranger"])
    for name, method, _ in doors(set(CAMPAIGN_ROUTES)):
        answer = getattr(client, method)(address(world, name))
        assert answer.status_code == 404, f"{method} {name}: {answer.content!r}"


PEOPLE = {**{role.value: ALLOWED[role] for role in Role}, "administrator": frozenset(Action)}
"""What each may do. The administrator is no member of the campaign."""


@pytest.mark.parametrize("who", PEOPLE)
def test_a_role_enters_exactly_where_the_table_says(world: dict[str, Any], who: str) -> None:
    client = make.client(world["people"][who])
    for name, method, action in doors(set(CAMPAIGN_ROUTES) - OWN - AUTHOR):
        answer = getattr(client, method)(address(world, name), {}, format=_format(name, method))
        entered = answer.status_code not in {401, 403, 404}
        missing = answer.status_code == 404 and answer.json()["code"] != "not_found"
        may = isinstance(action, Action) and action in PEOPLE[who]
        assert (entered or missing) == may, f"{who} {method} {name}: {answer.content[:200]!r}"


def _format(name: str, method: str) -> str | None:
    return "multipart" if name in {"imports", "pictures"} and method == "post" else None


@pytest.mark.parametrize("person", ["reviewer", "manager", "administrator"])
def test_an_assignment_belongs_to_its_reader_alone(world: dict[str, Any], person: str) -> None:
    client = make.client(world["people"][person])
    for name, method, _ in doors(OWN):
        assert getattr(client, method)(address(world, name)).status_code == 404


def test_masks_are_seen_by_their_author_and_by_reviewers_only(world: dict[str, Any]) -> None:
    from annotations.campaigns import member_set

    people, campaign = world["people"], world["campaign"]
    colleague = make.user("colleague")
    member_set(actor=people["manager"], campaign=campaign, user=colleague, roles={Role.READER})
    for name in AUTHOR:
        path = address(world, name)
        assert make.client(colleague).get(path).status_code == 404
        for person in ("reviewer", "manager", "administrator"):
            assert make.client(people[person]).get(path).status_code == 200
    own = address(world, "annotation-mask")
    assert make.client(people["reader"]).get(own).status_code == 200
    # The suggestion came after the reader's lease: what a lease does not offer stays hidden.
    for name in ("suggestion-mask", "suggestion-map"):
        assert make.client(people["reader"]).get(address(world, name)).status_code == 404


def test_only_managers_and_administrators_create_campaigns(world: dict[str, Any]) -> None:
    body = {"slug": "new", "name": "New", "classes": [{"name": "one"}]}
    expected = {"reader": 403, "reviewer": 403, "manager": 201, "administrator": 409}
    for person, status in expected.items():
        answer = make.client(world["people"][person]).post("/api/v1/campaigns", body, format="json")
        assert answer.status_code == status, f"{person}: {answer.content!r}"


def test_a_list_shows_only_ones_own_campaigns(world: dict[str, Any]) -> None:
    answer = make.client(world["people"]["stranger"]).get("/api/v1/campaigns").json()
    assert [row["slug"] for row in answer] == ["other"]


def test_logging_in_needs_the_csrf_token_and_the_right_password() -> None:
    User.objects.create_user("ann", password=make.PASSWORD)
    strict = APIClient(enforce_csrf_checks=True)
    body = {"username": "ann", "password": make.PASSWORD}
    assert strict.post("/api/v1/session", body, format="json").status_code == 403
    token = strict.get("/api/v1/session").cookies["csrftoken"].value
    wrong = strict.post(
        "/api/v1/session", {**body, "password": "no"}, format="json", HTTP_X_CSRFTOKEN=token
    )
    assert (wrong.status_code, wrong.json()["code"]) == (401, "bad_credentials")
    right = strict.post("/api/v1/session", body, format="json", HTTP_X_CSRFTOKEN=token)
    assert right.json()["user"]["username"] == "ann"


def test_an_unknown_api_address_answers_in_json() -> None:
    answer = APIClient().get("/api/v1/nothing-here")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
