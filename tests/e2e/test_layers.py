"""The model's maps under the labels: how unsure it is, and where it looked."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from installation import Installation
from reading_page import OF_BRAIN_MRI, PAINTED, mask_of, shown, start_reading, stroke
from reticle.pixels.mask import unpack

pytestmark = pytest.mark.browser
LogIn = Callable[[str], Page]


def with_maps(page: Page, installation: Installation) -> dict[str, Any]:
    """Make the case with maps that nobody holds the next one, and read on until it comes."""
    ready = (
        "SELECT s.task_id FROM annotations_suggestion s"
        " JOIN annotations_task t ON t.id = s.task_id"
        " JOIN training_modelversion m ON m.campaign_id = t.campaign_id"
        " WHERE s.maps_at IS NOT NULL AND t.state = 'open'"
        f" AND m.state = 'champion' AND m.number = s.model_number AND t.{OF_BRAIN_MRI}"
    )
    installation.wait_until(lambda: bool(installation.query(ready)), 120)
    installation.query("UPDATE annotations_campaign SET blind_share = 0 RETURNING id")
    case = start_reading(page, installation)
    for _ in range(8):
        if case["suggestion"] and case["suggestion"]["maps"]:
            return case
        page.keyboard.press("Enter")
        case = shown(page, other_than=case["id"])
    raise AssertionError("no case with maps came")


def test_maps_lie_under_the_labels_and_lead_to_the_most_uncertain_place(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    case = with_maps(page, installation)
    if not case["returned"]:  # else the reviewer's comment, of any length, is above
        # The last of the layers, without scrolling.
        expect(page.get_by_text("Smooth pixels", exact=True)).to_be_in_viewport(ratio=0.9)
    kinds = [row["kind"] for row in case["suggestion"]["maps"]]
    assert kinds.count("uncertainty") == 1
    assert kinds.count("explanation") == 3  # grey, lesion, white
    assert page.evaluate(PAINTED) == 0
    labels = page.locator("[data-layer=labels]")
    expect(labels).to_be_visible()
    page.keyboard.press("Shift+W")
    page.wait_for_function(f"() => ({PAINTED})() > 0")
    # Filled, they would give its colours another meaning: over a map they are outlines.
    expect(labels).to_be_hidden()
    expect(page.get_by_role("switch", name="Where the model is unsure")).to_be_checked()
    unsure = page.evaluate(PAINTED)
    page.keyboard.press("Shift+L")
    page.wait_for_function(f"(before) => ![0, before].includes(({PAINTED})())", arg=unsure)
    looked = page.evaluate(PAINTED)
    page.keyboard.press("2")  # the explanation follows the class at hand
    page.wait_for_function(f"(before) => ![0, before].includes(({PAINTED})())", arg=looked)
    page.keyboard.press("Shift+L")
    page.wait_for_function(f"() => ({PAINTED})() === 0")
    expect(labels).to_be_visible()
    before = page.evaluate("() => document.querySelector('[data-layer=image]').style.transform")
    page.keyboard.press("Shift+J")
    page.wait_for_function(
        "(before) => document.querySelector('[data-layer=image]').style.transform !== before",
        arg=before,
    )


def costliest(installation: Installation, case: dict[str, Any]) -> int:
    """Return the class that hidden squares cost most: of one that costs nothing, all is empty."""
    rows = installation.query(
        "SELECT class_index, packed FROM annotations_suggestionmap"
        " WHERE kind = 'occlusion' AND suggestion_id = %s",
        case["suggestion"]["id"],
    )
    size = case["image"]["rows"], case["image"]["columns"]
    return int(max(rows, key=lambda row: int(unpack(bytes(row[1]), *size).sum(dtype=int)))[0])


def test_what_the_model_would_miss_is_made_when_it_is_asked_for(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    case = with_maps(page, installation)
    page.keyboard.press("Shift+Y")
    waiting = page.get_by_text("Squares of the image are hidden in turn")
    expect(waiting).to_be_visible()
    expect(waiting).to_have_count(0, timeout=120_000)
    expect(page.get_by_role("switch", name="What it would miss")).to_be_checked()
    page.keyboard.press(str(costliest(installation, case)))
    page.wait_for_function(f"() => ({PAINTED})() > 0")
    page.keyboard.press("Shift+Y")
    page.wait_for_function(f"() => ({PAINTED})() === 0")


def test_labelled_cases_that_the_model_holds_to_be_alike_are_shown(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    case = with_maps(page, installation)
    page.get_by_role("button", name="Show them").click()
    pictures = page.get_by_role("complementary").get_by_role("img", name=", slice ")
    expect(pictures.first).to_be_in_viewport()
    page.wait_for_function("() => [...document.images].every((each) => each.naturalWidth > 0)")
    own = case["image"]["patient_key"]
    names = [picture.get_attribute("alt") or "" for picture in pictures.all()]
    assert len(names) == len(set(names)) <= 4
    assert not any(name.startswith(f"{own},") for name in names)


def test_a_blind_case_has_no_maps(installation: Installation, log_in: LogIn) -> None:
    page = log_in("reader")
    case = start_reading(page, installation)
    for _ in range(12):
        if case["suggestion"] is None:
            break
        page.keyboard.press("Enter")
        case = shown(page, other_than=case["id"])
    assert case["suggestion"] is None
    for name in ("Where the model is unsure", "What it would miss"):
        expect(page.get_by_role("switch", name=name)).to_be_disabled()
    expect(page.get_by_role("heading", name="Labelled cases like this one")).to_have_count(0)
    page.keyboard.press("Shift+W")
    page.keyboard.press("Shift+Y")
    assert page.evaluate(PAINTED) == 0


LABEL = """([x, y]) => {
  const labels = document.querySelector('[data-layer="labels"]');
  if (labels.style.visibility === 'hidden') return 0;
  return labels.getContext('2d').getImageData(x, y, 1, 1).data[3];
}"""
LINES = """() => {
  const lines = document.querySelector('[data-layer="outlines"]');
  if (lines.style.display === 'none') return 0;
  const bytes = lines.getContext('2d').getImageData(0, 0, lines.width, lines.height).data;
  let count = 0;
  for (let i = 3; i < bytes.length; i += 4) count += bytes[i] > 0;
  return count;
}"""


def comes_to(page: Page, script: str, value: int, at: object = None) -> None:
    """Wait until what is painted, a frame later, is as told."""
    page.wait_for_function(f"([at, value]) => ({script})(at) === value", arg=[at, value]).dispose()


def test_labels_and_image_are_shown_as_wanted_and_what_is_hidden_is_not_drawn_on(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    case = start_reading(page, installation)
    grey, white = [20, 20], [45, 20]
    page.keyboard.press("Shift+X")
    page.keyboard.press("r")
    for key, left in (("1", 10), ("2", 36)):
        page.keyboard.press(key)
        stroke(page, (left, 10), (left + 20, 30))
    comes_to(page, LABEL, 255, grey)
    comes_to(page, LABEL, 255, white)

    page.keyboard.press("/")  # the class at hand
    comes_to(page, LABEL, 0, white)
    comes_to(page, LABEL, 255, grey)
    told = page.get_by_role("status").filter(has_text="is hidden: drawing is off")
    expect(told).to_be_visible()
    before = mask_of(page, case)
    stroke(page, (5, 5), (60, 60))
    page.keyboard.press("1")
    stroke(page, (30, 12), (50, 28))  # over the hidden one, with another class
    after = mask_of(page, case)
    assert np.array_equal(after == 2, before == 2)
    assert (after[12:28, 30:36] == 1).all()
    page.keyboard.press("Control+z")
    page.keyboard.press("2")
    told.get_by_role("button", name="Show").click()
    comes_to(page, LABEL, 255, white)

    page.get_by_role("button", name="Each class by itself").click()
    page.get_by_role("group", name="Each class by itself").get_by_role("slider").nth(1).press(
        "Home"
    )
    comes_to(page, LABEL, 26, white)  # a tenth

    assert page.evaluate(LINES) == 0
    page.keyboard.press(";")
    comes_to(page, LABEL, 0, grey)
    page.wait_for_function(f"() => ({LINES})() > 0")
    lines = page.evaluate(LINES)
    page.keyboard.press("1")
    stroke(page, (10, 40), (50, 60))  # they follow what is drawn
    page.wait_for_function(f"(before) => ({LINES})() > before", arg=lines)
    page.keyboard.press(";")
    comes_to(page, LINES, 0)
    comes_to(page, LABEL, 0, grey)
    page.keyboard.press(";")
    comes_to(page, LABEL, 255, grey)

    image = page.locator("[data-layer=image]")
    page.keyboard.press("'")
    expect(image).to_be_hidden()
    toggle = page.get_by_role("button", name="Image", exact=True)
    expect(toggle).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("'")
    expect(image).to_be_visible()
    page.keyboard.press("Control+z")
