"""A browser counts as there when it starts, not because its file is there."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest

import find_browser

T = TypeVar("T")


def browser(path: Path, *, starts: bool) -> str:
    """Put a program where a browser would be; without its libraries it ends with 127."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexit {0 if starts else 127}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which nothing is found but what a test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))
    return tmp_path / "bin"


def apart(ask: Callable[[], T]) -> T:
    """Ask in a thread of its own: in that of browser tests Playwright's loop runs already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(ask).result()


def test_one_that_does_not_start_is_passed_over_for_one_that_does(path: Path) -> None:
    browser(path / "chromium", starts=False)
    good = browser(path / "google-chrome", starts=True)
    assert apart(find_browser.find) == good


def test_playwrights_own_is_taken_only_when_it_starts(path: Path) -> None:
    assert apart(find_browser.find) is None
    own = Path(apart(find_browser.playwright_chromium))
    assert path.parent / "playwright" in own.parents
    browser(own, starts=False)
    assert os.access(own, os.X_OK)
    assert apart(find_browser.find) is None
    browser(own, starts=True)
    assert apart(find_browser.find) == str(own)
