"""A browser counts as there when it starts, not because its file is there."""

import os
from pathlib import Path

import pytest

import find_browser


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


def test_one_that_does_not_start_is_passed_over_for_one_that_does(path: Path) -> None:
    browser(path / "chromium", starts=False)
    good = browser(path / "google-chrome", starts=True)
    assert find_browser.find() == good


def test_playwrights_own_is_taken_only_when_it_starts(path: Path) -> None:
    assert find_browser.find() is None
    own = Path(find_browser.playwright_chromium())
    assert path.parent / "playwright" in own.parents
    browser(own, starts=False)
    assert os.access(own, os.X_OK)
    assert find_browser.find() is None
    browser(own, starts=True)
    assert find_browser.find() == str(own)
