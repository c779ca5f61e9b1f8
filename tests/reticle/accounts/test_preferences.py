"""Preferences: kept with the account, changed one by one, and nothing but what the form knows."""

from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

import make
from reticle.accounts.models import User
from reticle.accounts.preferences import DEFAULTS, preferences_change, preferences_of

DOOR = "/api/v1/preferences"


@pytest.mark.django_db
class TestTheDoor:
    def test_who_chose_nothing_has_the_defaults(self) -> None:
        assert make.client(make.user("ann")).get(DOOR).json() == DEFAULTS

    def test_a_change_is_kept_and_the_rest_stays(self) -> None:
        client = make.client(make.user("ann"))
        keys = {"brush": ["a", "shift+b"], "holdPan": [" "], "undo": ["shift+mod+z"], "skip": []}
        client.patch(DOOR, {"keys": keys})
        answer = client.patch(DOOR, {"hand": "left", "breaks": 0, "language": "zh-CN"})
        expected = {**DEFAULTS, "keys": keys, "hand": "left", "breaks": 0, "language": "zh-CN"}
        assert answer.json() == expected
        assert client.get(DOOR).json() == expected

    def test_they_come_with_the_session(self) -> None:
        client = make.client(make.user("ann"))
        client.patch(DOOR, {"scheme": "dark"})
        person = client.get("/api/v1/session").json()["user"]
        assert person["preferences"] == {**DEFAULTS, "scheme": "dark"}
        assert "language" not in person

    def test_they_are_ones_own(self) -> None:
        make.client(make.user("ann")).patch(DOOR, {"hand": "left"})
        assert make.client(make.user("ben")).get(DOOR).json() == DEFAULTS

    def test_nobody_has_none(self) -> None:
        assert APIClient().get(DOOR).status_code == 401
        assert APIClient().patch(DOOR, {"hand": "left"}).status_code == 401

    @pytest.mark.parametrize(
        "wrong",
        [
            {"hand": "both"},
            {"scheme": "pink"},
            {"language": "klingon"},
            {"breaks": -1},
            {"breaks": 241},
            {"breaks": "soon"},
            {"tour_seen": "perhaps"},
            {"keys": ["b"]},
            {"keys": {"brush": "b"}},
            {"keys": {"brush": ["Ctrl+B"]}},
            {"keys": {"brush": ["mod+shift+b"]}},
            {"keys": {"brush": [""]}},
            {"keys": {"brush": ["a", "b", "c", "d", "e", "f", "g"]}},
            {"keys": {"x" * 41: ["b"]}},
            {"keys": {f"action{n}": ["b"] for n in range(201)}},
        ],
    )
    def test_nonsense_is_refused_and_changes_nothing(self, wrong: dict[str, Any]) -> None:
        client = make.client(make.user("ann"))
        answer = client.patch(DOOR, {"hand": "left", **wrong})
        assert answer.status_code == 422, answer.content
        assert client.get(DOOR).json() == DEFAULTS

    def test_what_the_form_does_not_know_is_not_kept(self) -> None:
        ann = make.user("ann")
        make.client(ann).patch(DOOR, {"is_superuser": True, "hand": "left"})
        ann.refresh_from_db()
        assert (ann.is_superuser, ann.preferences) == (False, {"hand": "left"})


@pytest.mark.django_db(transaction=True)
def test_two_windows_that_write_at_once_keep_both_changes() -> None:
    ann = make.user("ann")
    changes = [{"hand": "left"}, {"scheme": "dark"}, {"breaks": 20}, {"tour_seen": True}]
    together = Barrier(len(changes))

    def write(change: dict[str, object]) -> None:
        together.wait()
        preferences_change(user=ann, changes=change)
        connection.close()

    writers = [Thread(target=write, args=(change,)) for change in changes]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    kept = preferences_of(User.objects.get(pk=ann.pk))
    assert kept == {**DEFAULTS, "hand": "left", "scheme": "dark", "breaks": 20, "tour_seen": True}
