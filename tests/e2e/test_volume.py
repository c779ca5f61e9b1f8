"""The series as a volume beside the surface: three planes and 3D, with the labels as they stand."""

import io
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from installation import Installation
from reading_page import FLAGS, start_reading, stroke

pytestmark = pytest.mark.browser


WITH = [*(flag for flag in FLAGS if flag != "--disable-gpu"), "--enable-unsafe-swiftshader"]
WITHOUT = [*FLAGS, "--disable-3d-apis"]


@pytest.fixture
def reading(
    installation: Installation, browser: Browser, chromium: str, request: pytest.FixtureRequest
) -> Iterator[Page]:
    """Return a reader's page in a browser with the given flags: with WebGL, or without."""
    started = browser.browser_type.launch(executable_path=chromium, args=request.param)
    page = started.new_page(viewport={"width": 1280, "height": 800})
    page.goto(installation.url)
    page.get_by_label("User name").fill("reader")
    page.get_by_label("Password", exact=True).fill("reticle-demo")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Campaigns").wait_for()
    start_reading(page, installation)
    yield page
    started.close()


def picture(page: Page) -> npt.NDArray[np.uint8]:
    png = page.get_by_role("img", name="Three planes and 3D").screenshot()
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


@pytest.mark.parametrize("reading", [WITH], indirect=True, ids=["with WebGL"])
def test_a_volume_shows_the_series_and_the_labels(
    installation: Installation, reading: Page
) -> None:
    page = reading
    page.keyboard.press("Shift+X")
    page.keyboard.press("Shift+P")
    panel = page.get_by_role("complementary", name="Three planes and 3D")
    expect(panel).to_have_attribute("data-phase", "ready", timeout=60_000)
    page.wait_for_function("() => new Promise((done) => requestAnimationFrame(() => done(true)))")
    before = picture(page)
    grey = before.max(axis=2).astype(int) - before.min(axis=2)
    assert (before.max(axis=2) > 40).mean() > 0.05, "nothing of the series is shown"
    page.keyboard.press("1")
    page.keyboard.press("r")
    stroke(page, (8, 8), (56, 56))

    def coloured() -> float:
        now = picture(page)
        return float(((now.max(axis=2).astype(int) - now.min(axis=2)) > 40).mean())

    start = float((grey > 40).mean())
    installation.wait_until(lambda: coloured() > start + 0.01, 30)
    page.keyboard.press("Shift+P")
    expect(panel).to_have_count(0)


@pytest.mark.parametrize("reading", [WITHOUT], indirect=True, ids=["without"])
def test_without_webgl_the_page_says_so_and_works_on(reading: Page) -> None:
    page = reading
    page.keyboard.press("Shift+P")
    expect(page.get_by_text("This browser has no WebGL 2")).to_be_visible(timeout=30_000)
    page.keyboard.press("1")
    page.keyboard.press("r")
    stroke(page, (3, 3), (9, 9))
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()
