"""The pages around the reading room: palette, a reviewer's keys, guideline with pictures."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from installation import Installation
from reading_page import start_reading, stroke, submitted

pytestmark = pytest.mark.browser
LogIn = Callable[[str], Page]


@pytest.fixture(autouse=True)
def as_at_first(installation: Installation) -> Iterator[None]:
    """Leave the demo people without preferences, and the campaign without review or guideline."""
    yield
    installation.query("UPDATE accounts_user SET preferences = '{}' RETURNING id")
    installation.query(
        "UPDATE annotations_campaign SET review = 'none', guideline = '' RETURNING id"
    )


def find(page: Page, words: str) -> None:
    """Open the palette, type, and take what is found first."""
    ready(page)
    page.keyboard.press("Control+k")
    field = page.get_by_placeholder("What do you want to do?")
    expect(field).to_be_focused()
    page.keyboard.type(words)
    expect(field).to_have_value(words)
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Enter")


def ready(page: Page) -> None:
    """Wait until the page has fetched its keys: pressed before that, they are the browser's."""
    page.locator("body[data-keys]").wait_for()


def test_the_palette_goes_everywhere_from_the_desk(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("manager")
    ready(page)
    find(page, "go to brain")
    page.wait_for_url("**/campaigns/brain-mri")
    # Of the page that is gone to: the address changes first, and home has a card of this name.
    page.get_by_role("heading", name="Brain MRI", level=1).wait_for()
    find(page, "campaigns")
    page.get_by_role("heading", name="Campaigns").wait_for()
    find(page, "colours dark")
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    find(page, "new campaign")
    page.wait_for_url("**/campaigns/new")
    # In a field, keys are the field's.
    name = page.get_by_role("textbox", name="Name", exact=True)
    name.press("?")
    expect(name).to_have_value("?")
    name.fill("")  # what is begun is not left without a word
    page.get_by_role("heading", name="New campaign").click()
    find(page, "preferences")
    sheet = page.get_by_role("dialog", name="Preferences")
    expect(sheet.get_by_text("Drawing hand")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Control+,")
    expect(sheet).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys.get_by_role("heading", name="Review")).to_be_visible()
    page.keyboard.press("?")
    expect(keys).to_have_count(0)
    find(page, "简体")
    page.wait_for_function("() => document.documentElement.lang === 'zh-CN'")


def reviewed(installation: Installation) -> list[tuple[Any, ...]]:
    return installation.query("SELECT verdict FROM annotations_review ORDER BY id")


def hand_in(page: Page, installation: Installation) -> None:
    case = start_reading(page, installation)
    stroke(page, (10, 10), (30, 10))
    page.keyboard.press("Enter")
    installation.wait_until(lambda: submitted(installation, case["id"]), 20)


def test_a_reviewer_finds_and_changes_their_keys(installation: Installation, log_in: LogIn) -> None:
    installation.query("UPDATE annotations_campaign SET review = 'all' RETURNING id")
    reader = log_in("reader")
    hand_in(reader, installation)
    hand_in(reader, installation)
    page = log_in("reviewer")
    page.goto(f"{installation.url}/campaigns/brain-mri/review")
    accept = page.get_by_role("button", name="Accept")
    expect(accept).to_be_enabled()
    ready(page)
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    keys.get_by_role("button", name="Change keys").click()
    keys.get_by_role("button", name="Accept A Enter").click()
    page.keyboard.press("b")
    keys.get_by_role("button", name="Accept B").wait_for()
    page.keyboard.press("?")
    expect(keys).to_have_count(0)
    expect(accept).to_contain_text("B")
    find(page, "comment for the reader")
    expect(page.get_by_label("Comment for the reader")).to_be_focused()
    before = len(reviewed(installation))
    page.get_by_role("heading", name="Review queue").click()
    page.keyboard.press("a")
    page.keyboard.press("b")
    installation.wait_until(lambda: len(reviewed(installation)) == before + 1, 20)
    assert reviewed(installation)[-1] == ("accept",)


def picture() -> FilePayload:
    buffer = io.BytesIO()
    Image.fromarray(np.full((60, 90, 3), (200, 40, 40), np.uint8)).save(buffer, "PNG")
    return {"name": "cut.png", "mimeType": "image/png", "buffer": buffer.getvalue()}


def test_a_guideline_with_a_picture_is_written_and_read(
    installation: Installation, log_in: LogIn
) -> None:
    manager = log_in("manager")
    manager.goto(f"{installation.url}/campaigns/brain-mri/settings")
    field = manager.get_by_role("textbox", name="Guideline")
    field.fill("# Grey matter\n\nDraw **all** of it.<img src=x onerror=alert(1)>")
    with manager.expect_file_chooser() as chooser:
        manager.get_by_role("button", name="Add a picture").click()
    chooser.value.set_files([picture()])
    preview = manager.get_by_role("region", name="As readers see it")
    expect(preview.get_by_role("img", name="What this picture shows")).to_be_visible()
    manager.get_by_role("button", name="Save", exact=True).click()
    manager.get_by_text("Saved", exact=True).wait_for()

    page = log_in("reader")
    page.goto(f"{installation.url}/campaigns/brain-mri")
    told = page.get_by_role("region", name="Guideline")
    told.get_by_role("heading", name="Grey matter").wait_for()
    start_reading(page, installation)
    page.keyboard.press("Shift+G")
    pane = page.get_by_role("region", name="Guideline")
    for place in (told, pane):
        expect(place.locator("strong")).to_have_text("all")
        expect(place.locator("img")).to_have_count(1)
    shown_as = pane.locator("img").evaluate("(img) => [img.naturalWidth, img.naturalHeight]")
    assert shown_as == [90, 60]
