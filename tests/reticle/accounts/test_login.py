"""Logging in: attempts are counted by where they come from, whatever a client claims."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nobody_tried_yet() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def attempt(number: int) -> int:
    answer = APIClient().post(
        "/api/v1/session", {"username": "reader", "password": "wrong"}, format="json",
        HTTP_X_FORWARDED_FOR=f"10.0.0.{number}",
    )  # fmt: skip
    return int(answer.status_code)


def test_a_forged_address_buys_no_further_attempts() -> None:
    make.user("reader")
    found = [attempt(number) for number in range(21)]
    assert 429 not in found[:20]
    assert found[20] == 429
