"""On a tablet, held upright or across: everything is there, nothing is cut off."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from installation import Installation
from reading_page import start_reading

pytestmark = pytest.mark.browser
LogIn = Callable[[str], Page]
UPRIGHT: ViewportSize = {"width": 820, "height": 1180}
ACROSS: ViewportSize = {"width": 1180, "height": 820}
LAPTOP: ViewportSize = {"width": 1280, "height": 800}


def box(part: Locator) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of a part of the page."""
    found = part.bounding_box()
    assert found is not None
    return (
        found["x"], found["y"], found["x"] + found["width"], found["y"] + found["height"],
    )  # fmt: skip


@pytest.mark.parametrize("size", [UPRIGHT, ACROSS, LAPTOP])
def test_no_option_of_any_tool_is_cut_off(
    installation: Installation, log_in: LogIn, size: ViewportSize
) -> None:
    page = log_in("reader")
    page.set_viewport_size(size)
    start_reading(page, installation)
    options = page.locator("[data-part=options] > [data-tool]")
    for key, tool in (("b", "brush"), ("t", "threshold"), ("p", "polygon")):
        page.keyboard.press(key)
        expect(options).to_have_attribute("data-tool", tool)
        hidden = options.evaluate("(part) => part.scrollWidth - part.clientWidth")
        assert hidden <= 0, f"{hidden} px of the options of the {tool} are cut off"
    for part in page.locator("[data-part=top] :is(a, button)").all():
        if part.is_visible():
            assert box(part)[2] <= size["width"], part.get_attribute("aria-label")


def test_held_upright_what_lies_beside_the_image_lies_below_it(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    page.set_viewport_size(UPRIGHT)
    start_reading(page, installation)
    surface = page.get_by_test_id("surface")
    for key, part in (
        ("Shift+P", page.get_by_role("complementary", name="Three planes and 3D")),
        ("Shift+G", page.get_by_role("region", name="Guideline")),
    ):
        page.keyboard.press(key)
        part.wait_for()
        left, _, right, bottom = box(surface)
        beside = box(part)
        assert (beside[0], beside[2]) == (left, right)
        assert beside[1] >= bottom - 0.5, "they overlap"  # edges lie on parts of a pixel
        assert beside[3] - beside[1] > 300
        page.keyboard.press(key)
        expect(part).to_have_count(0)


def test_the_tabs_of_a_campaign_are_one_line_with_the_chosen_one_in_sight(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("manager")
    page.set_viewport_size(UPRIGHT)
    for tab in ("audit", "overview"):
        page.goto(f"{installation.url}/campaigns/brain-mri/{tab}")
        chosen = page.get_by_role("tab", selected=True)
        expect(chosen).to_be_in_viewport(ratio=0.95)  # edges lie on parts of a pixel
        # At one moment: what stands above them is still on its way.
        tops = "(tabs) => new Set(tabs.map((tab) => tab.getBoundingClientRect().top)).size"
        assert page.get_by_role("tab").evaluate_all(tops) == 1, "they stand in several lines"


def test_on_the_tour_too_every_button_of_the_bar_is_there(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    page.set_viewport_size(UPRIGHT)
    page.goto(f"{installation.url}/tour")
    page.get_by_role("region", name="Tour of the reading room").wait_for()
    last = page.locator("[data-part=top] button").last
    expect(last).to_have_accessible_name("Preferences")
    assert box(last)[2] <= UPRIGHT["width"]
    page.get_by_role("button", name="End the tour").click()
    page.get_by_role("heading", name="Campaigns").wait_for()
    installation.query("UPDATE accounts_user SET preferences = '{}' RETURNING id")
