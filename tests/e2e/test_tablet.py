"""On a tablet, held upright or across: everything is there, nothing is cut off."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from installation import Installation
from reading_page import shown, start_reading

pytestmark = pytest.mark.browser
LogIn = Callable[..., Page]
UPRIGHT: ViewportSize = {"width": 820, "height": 1180}
ACROSS: ViewportSize = {"width": 1180, "height": 820}
LAPTOP: ViewportSize = {"width": 1280, "height": 800}
FINGER = 40  # CSS pixels that a control is wide and high at least
# Each control in sight that is smaller: what it is called, and its size. The words beside a box or
# a switch press it as well; what stands in a line of text is no target of its own.
SMALL = """(least) => {
  const pressed = document.querySelectorAll(
    "button, select, summary, header a, a.mantine-Button-root, [role=menuitem], [role=option]," +
    " .mantine-Input-input, .mantine-Slider-trackContainer, .mantine-Switch-root," +
    " .mantine-Checkbox-root, .mantine-Radio-root, .mantine-SegmentedControl-label");
  return [...pressed].flatMap((each) => {
    const { left, right, width, height } = each.getBoundingClientRect();
    const seen = each.checkVisibility({ visibilityProperty: true }) && right > 0
      && left < innerWidth && width > 1;
    const inText = each.matches(".mantine-Anchor-root") && !each.closest("header");
    if (!seen || inText || (width >= least && height >= least)) return [];
    const name = each.getAttribute("aria-label") ?? each.textContent ?? each.className;
    return [`${name}: ${width} x ${height}`];
  });
}"""


def box(part: Locator) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of a part of the page."""
    found = part.bounding_box()
    assert found is not None
    return (
        found["x"], found["y"], found["x"] + found["width"], found["y"] + found["height"],
    )  # fmt: skip


def the_whole_bar_is_on_the_screen(page: Page) -> None:
    size = page.viewport_size
    assert size is not None
    for part in page.locator("[data-part=top] :is(a, button)").all():
        if part.is_visible():
            assert box(part)[2] <= size["width"], part.get_attribute("aria-label")


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
    the_whole_bar_is_on_the_screen(page)


def every_control_is_large(page: Page, where: str) -> None:
    """Check what is in sight, and that nothing of the page lies beside the screen."""
    assert page.evaluate(SMALL, FINGER) == [], where
    size = page.viewport_size
    assert size is not None
    assert page.evaluate("() => document.documentElement.scrollWidth") <= size["width"], where


@pytest.mark.parametrize("size", [UPRIGHT, ACROSS])
def test_under_fingers_every_control_of_the_pages_is_as_large_as_a_fingertip(
    installation: Installation, log_in: LogIn, size: ViewportSize
) -> None:
    page = log_in("manager", touch=True)
    page.set_viewport_size(size)
    assert page.evaluate("() => matchMedia('(pointer: coarse)').matches")
    every_control_is_large(page, "home")
    for tab in ("overview", "cases", "readers", "models", "settings"):
        page.goto(f"{installation.url}/campaigns/brain-mri/{tab}")
        expect(page.get_by_role("tab", name="Overview")).to_be_visible()
        page.wait_for_load_state("networkidle")
        every_control_is_large(page, tab)


@pytest.mark.parametrize("size", [UPRIGHT, ACROSS])
def test_under_fingers_every_control_of_the_reading_room_is_as_large_as_a_fingertip(
    installation: Installation, log_in: LogIn, size: ViewportSize
) -> None:
    page = log_in("reader", touch=True)
    page.set_viewport_size(size)
    start_reading(page, installation)
    every_control_is_large(page, "with the tour on offer")
    the_whole_bar_is_on_the_screen(page)
    page.get_by_role("button", name="No tour, thank you").click()
    # What the offer had taken the room of is there again.
    expect(page.locator("[data-part=top] [class*=source]")).to_be_visible()
    expect(page.get_by_text("held until")).to_be_visible()
    the_whole_bar_is_on_the_screen(page)
    options = page.locator("[data-part=options] > [data-tool]")
    around = page.locator("[data-part=options]")
    for tool in ("Brush", "Threshold brush", "Polygon"):
        page.get_by_role("button", name=tool, exact=True).click()
        hidden = options.evaluate("(part) => part.scrollWidth - part.clientWidth")
        assert hidden <= 0, f"{hidden} px of the options of {tool} are cut off"
        over = page.get_by_role("combobox", name="Paint over")
        assert box(over)[3] + 2 <= box(around)[3], "the choice touches the edge of its bar"
        every_control_is_large(page, tool)
    where = page.locator("[data-part=top] a[title]")
    cut = "(name) => name.firstChild.scrollHeight > name.firstChild.clientHeight + 1"
    assert not where.evaluate(cut), "the campaign's name is cut"
    layers = page.get_by_role("heading", name="Layers")
    expect(page.get_by_text("area ")).to_be_visible()
    before = box(layers)
    page.get_by_role("radio", name="ignore").click()
    expect(page.get_by_text("area 0 mm²")).to_be_visible()
    assert box(layers) == before, "fewer lines of measures move the panel"
    undo, bar = page.get_by_role("button", name="Undo"), page.locator("[data-part=bottom]")
    assert box(undo)[3] <= box(bar)[1], "taking back is out of reach"
    page.get_by_role("button", name="Side panel").click()
    chip = page.get_by_role("button", name="show all classes")
    every_control_is_large(page, "without the panel")
    chip.click()
    expect(chip).to_have_count(0)
    page.get_by_role("button", name="View", exact=True).click()
    page.get_by_role("menuitem", name="Fit image").wait_for()
    every_control_is_large(page, "the menu of the view")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Skip case").click()
    page.get_by_role("dialog").wait_for()
    every_control_is_large(page, "the reasons to skip")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    installation.query("UPDATE accounts_user SET preferences = '{}' RETURNING id")


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_held_upright_what_is_said_of_the_image_is_clear_of_the_letter_below_it(
    installation: Installation, log_in: LogIn, language: str
) -> None:
    page = log_in("reader", touch=True)
    page.set_viewport_size(UPRIGHT)
    page.evaluate("(code) => localStorage.setItem('reticle.language', code)", language)
    start_reading(page, installation)
    the_whole_bar_is_on_the_screen(page)
    left, top, right, bottom = box(page.get_by_test_id("surface"))
    said = page.locator("[data-part=stage] [class*=bottomLeft] > span")
    expect(said).to_have_count(2)
    page.mouse.move((left + right) / 2, (top + bottom) / 2)
    expect(said).to_have_count(3)
    letter = box(page.locator("[data-part=stage] [data-side=bottom]"))
    for part in said.all():
        assert box(part)[2] < letter[0], part.inner_text()


@pytest.mark.parametrize("size", [UPRIGHT, ACROSS])
def test_what_is_said_over_or_below_the_image_hides_nothing_of_it_and_no_tool(
    installation: Installation, log_in: LogIn, size: ViewportSize
) -> None:
    page = log_in("reader", touch=True)
    page.set_viewport_size(size)
    start_reading(page, installation)
    stage = page.locator("[data-part=stage]")
    page.context.set_offline(True)
    notice = page.get_by_role("alert").filter(has_text="No connection to the server.")
    left, top, right, bottom = box(page.get_by_test_id("surface"))
    for label in ("1", "2"):  # one of the two is drawn where the other was, or nothing
        page.keyboard.press(label)
        page.mouse.click((left + right) / 2, (top + bottom) / 2)
    notice.wait_for()
    upper = box(notice)[1]
    foot = [page.locator(f"[data-part={part}]") for part in ("stage", "rail", "panel")]
    image = stage.locator("[data-layer=image]")
    for part in (*foot, image, page.get_by_role("button", name="Redo")):
        assert box(part)[3] <= upper + 0.5, part  # edges lie on parts of a pixel
    tools = page.locator("[data-part=rail] button").all()
    for above, below in pairwise(tools):
        assert box(above)[3] <= box(below)[1] + 0.5, below.get_attribute("aria-label")
    page.keyboard.press("/")
    said = stage.get_by_role("status").filter(has_text="is hidden")
    said.wait_for()
    assert box(stage.locator("[data-side=top]"))[3] <= box(said)[1]
    page.keyboard.press("/")
    page.context.set_offline(False)
    expect(notice).to_have_count(0)


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


@pytest.mark.parametrize("size", [UPRIGHT, ACROSS])
def test_the_tour_speaks_of_fingers_and_hides_nothing_of_what_it_is_about(
    installation: Installation, log_in: LogIn, size: ViewportSize
) -> None:
    page = log_in("reader", touch=True)
    page.set_viewport_size(size)
    page.goto(f"{installation.url}/tour")
    shown(page)
    tour = page.get_by_role("region", name="Tour of the reading room")
    parts = ["image", "panel", "rail", "rail", "options", "image", "panel", "bottom", "top"]
    for n, part in enumerate(parts, start=1):
        tour.get_by_text(f"{n} of 9").wait_for()
        said = tour.inner_text()
        assert not any(word in said for word in ("Ctrl", "wheel", "Esc", "number keys")), said
        card = box(tour)
        about = box(page.locator(
            "[data-layer=image]" if part == "image" else f"[data-part={part}]"
        ))  # fmt: skip
        across = min(card[2], about[2]) - max(card[0], about[0])
        down = min(card[3], about[3]) - max(card[1], about[1])
        assert across <= 1 or down <= 1, f"step {n} hides some of the {part}"
        if part in ("rail", "panel"):  # what is said of them is of the bars above the image, too
            assert card[1] >= box(page.locator("[data-part=options]"))[3], n
        assert min(card[:2]) >= 0, n
        assert (card[2] <= size["width"], card[3] <= size["height"]) == (True, True), n
        if n < len(parts):
            tour.get_by_role("button", name="Next", exact=True).click()
    tour.get_by_role("button", name="Start reading").click()
    page.get_by_role("heading", name="Campaigns").wait_for()
    installation.query("UPDATE accounts_user SET preferences = '{}' RETURNING id")
