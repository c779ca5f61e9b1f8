"""Tests of several connections wait for each other by what the database says, not by the clock."""

import time
from collections.abc import Callable

from django.db import connection


def waits_for_a_lock() -> bool:
    """Tell whether another connection waits for what this one has locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted LIMIT 1")
        return cursor.fetchone() is not None


def wait_until(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < end
