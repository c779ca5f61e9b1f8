"""A real Chromium in front of a whole installation whose champion was really trained."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from find_browser import find
from installation import Installation
from reading_page import FLAGS

TRAINING = {
    "preset": "tiny", "epochs": 4, "minimum_steps": 120, "minimum_total": 12, "minimum_new": 12,
    "minimum_held_out": 3, "cooldown_seconds": 0,
}  # fmt: skip
PATIENCE_MS = 30_000  # for what is seen at once on a quiet machine
BUILT = Path(__file__).resolve().parents[2] / "frontend" / "dist" / "index.html"


@pytest.fixture(scope="session")
def chromium() -> str:
    found = find() if BUILT.exists() else None
    if found is None:
        reason = "no Chromium, or the front end is not built (make build)"
        assert not os.environ.get("RETICLE_REQUIRE_BROWSER"), reason
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def installation(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Web, worker and clock run; simulated readers have made the labels of a first champion.

    From then on models are made only where a test asks for one: another that came by itself would
    change the order of the queue, and take suggestions and maps from the cases of tests under way.
    """
    made = Installation(tmp_path_factory.mktemp("browser"))
    try:
        made.start(patients=9, slices=10, size=64, training=TRAINING)
        made.manage(
            "simulate", "--campaign=brain-mri", "--readers=2", "--budget=12",
            f"--url={made.url}", f"--json={made.folder / 'sim.jsonl'}",
        )  # fmt: skip
        made.train_no_more()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def log_in(installation: Installation, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Return a function that logs a demo person in, in a browser of their own.

    With `touch` the browser says that it is used by fingers.
    """
    contexts: list[BrowserContext] = []

    def log_in(name: str, touch: bool = False) -> Page:
        size: ViewportSize = {"width": 1280, "height": 800}
        contexts.append(browser.new_context(viewport=size, has_touch=touch, is_mobile=touch))
        contexts[-1].set_default_timeout(PATIENCE_MS)
        page = contexts[-1].new_page()
        page.goto(installation.url)
        page.get_by_label("User name").fill(name)
        page.get_by_label("Password", exact=True).fill("reticle-demo")
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("heading", name="Campaigns").wait_for()
        return page

    yield log_in
    for made in contexts:
        made.close()
