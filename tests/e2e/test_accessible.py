"""Every page keeps the rules of WCAG 2.2 A and AA, by day and by night."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from accessible_page import faults
from installation import Installation
from reading_page import shown, start_reading, stroke, submitted

pytestmark = pytest.mark.browser
LogIn = Callable[[str], Page]
Scheme = Literal["light", "dark"]
DESK = [
    "", "campaigns/new", "nowhere", *(
        f"campaigns/brain-mri/{tab}"
        for tab in (
            "overview", "guideline", "cases", "readers", "import", "reviews", "review", "models",
            "exports", "settings", "audit",
        )
    ),
]  # fmt: skip


def dress(page: Page, scheme: Scheme) -> Page:
    """Set the system's colours. Without motion nothing is measured while it fades in."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    return page


@pytest.fixture(autouse=True)
def as_at_first(installation: Installation) -> Iterator[None]:
    """Leave the demo people without preferences of their own."""
    yield
    installation.query("UPDATE accounts_user SET preferences = '{}' RETURNING id")


@pytest.fixture
def under_review(installation: Installation) -> Iterator[None]:
    """While this lasts, what is submitted goes to a reviewer."""
    change = "UPDATE annotations_campaign SET review = %s WHERE slug = 'brain-mri' RETURNING id"
    installation.query(change, "all")
    yield
    installation.query(change, "none")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_log_in_page(installation: Installation, browser: Browser, scheme: Scheme) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = dress(context.new_page(), scheme)
    page.goto(installation.url)
    page.get_by_role("button", name="Log in").wait_for()
    assert faults(page) == []
    page.get_by_label("User name").fill("nobody")
    page.get_by_label("Password", exact=True).fill("wrong")
    page.keyboard.press("Enter")
    page.get_by_text("is wrong").wait_for()
    assert faults(page) == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_of_the_desk(installation: Installation, log_in: LogIn, scheme: Scheme) -> None:
    page = dress(log_in("manager"), scheme)
    found = {}
    for address in DESK:
        page.goto(f"{installation.url}/{address}")
        page.get_by_role("main").wait_for()
        page.wait_for_load_state("networkidle")
        expect(page.locator(".mantine-Skeleton-root")).to_have_count(0)
        found[address] = faults(page)
    assert {address: told for address, told in found.items() if told} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_account_menu_and_its_sheets(
    installation: Installation, log_in: LogIn, scheme: Scheme
) -> None:
    page = dress(log_in("reader"), scheme)
    account = page.get_by_role("button", name="Account of")
    account.click()
    page.get_by_role("menu").wait_for()
    assert faults(page) == []
    page.get_by_role("menuitem", name="Preferences").click()
    page.get_by_role("dialog", name="Preferences").wait_for()
    assert faults(page) == []
    page.get_by_role("button", name="Show and change keys").click()
    keys = page.get_by_role("dialog", name="Keys")
    keys.wait_for()
    assert faults(page) == []
    keys.get_by_role("button", name="Change keys").click()
    keys.get_by_role("button", name="Eraser E").click()
    page.keyboard.press("b")
    keys.get_by_text("B is the key of “Brush”").wait_for()
    assert faults(page) == []


def test_the_workstation_and_what_opens_over_it(installation: Installation, log_in: LogIn) -> None:
    page = dress(log_in("reader"), "dark")
    start_reading(page, installation)
    assert faults(page) == []
    for opener, name in (
        ("?", "Keys"),
        ("Control+,", "Preferences"),
        ("Control+k", "Find an action"),
        ("Shift+S", "Why do you skip"),
        ("Shift+B", "My last cases"),
        ("Control+e", "Swap"),
    ):
        page.keyboard.press(opener)
        page.get_by_role("dialog").filter(has=page.locator(":visible")).wait_for()
        assert faults(page) == [], name
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="hidden")
    page.keyboard.press("Control+k")
    expect(page.get_by_placeholder("What do you want to do?")).to_be_focused()
    page.keyboard.type("fill")
    found = page.get_by_role("listbox", name="Find an action")
    expect(found.get_by_role("option", selected=True)).to_have_count(1)
    assert faults(page) == [], "with an action selected"
    page.keyboard.press("Escape")
    for key, told in ((";", None), (";", "Labels are hidden"), (";", None), ("/", "is hidden")):
        page.keyboard.press(key)
        if told:
            page.get_by_role("status").filter(has_text=told).wait_for()
        assert faults(page) == [], told
    page.get_by_role("button", name="Each class by itself").click()
    page.get_by_role("group", name="Each class by itself").wait_for()
    assert faults(page) == [], "each class by itself"
    page.keyboard.press("/")
    page.keyboard.press("Shift+G")
    page.get_by_role("region", name="Guideline").wait_for()
    assert faults(page) == [], "with the guideline"
    page.get_by_role("button", name="New here?").click()
    page.get_by_role("region", name="Tour of the reading room").wait_for()
    assert faults(page) == [], "on the tour"
    page.keyboard.press("Escape")
    page.wait_for_url("**/read")
    expect(page.get_by_role("region", name="Tour of the reading room")).to_have_count(0)
    shown(page)
    for tool in ("t", "p", "d", "w"):
        page.keyboard.press(tool)
        assert faults(page) == [], f"with tool {tool}"
    for menu in ("Class", "View", "Window"):
        page.get_by_role("button", name=menu, exact=True).click()
        page.get_by_role("menu").wait_for()
        assert faults(page) == [], menu
        page.keyboard.press("Escape")
        page.get_by_role("menu").wait_for(state="hidden")


def test_a_review_is_done_by_keys_alone(
    installation: Installation, log_in: LogIn, under_review: None
) -> None:
    page = log_in("reader")
    cases: list[dict[str, Any]] = []
    case = start_reading(page, installation)
    for _ in range(2):
        page.keyboard.press("1")
        page.keyboard.press("b")
        stroke(page, (20, 20), (40, 24))
        if not cases:
            page.keyboard.press("Shift+Q")
            page.get_by_label("Your remark").fill("Is this a vessel?")
            page.get_by_label("Ask a colleague to look").check()
            page.get_by_role("button", name="Send").click()
            expect(page.get_by_label("Your remark")).to_have_count(0)
        page.keyboard.press("Enter")
        cases.append(case)
        following = shown(page, other_than=case["id"])
        installation.wait_until(lambda key=case["id"]: submitted(installation, key), 20)  # type: ignore[misc]
        case = following

    page = log_in("reviewer")
    schemes: tuple[Scheme, ...] = ("light", "dark")
    for scheme in schemes:
        dress(page, scheme).goto(f"{installation.url}/campaigns/brain-mri/reviews")
        page.get_by_role("link", name="Review case").first.wait_for()
        page.get_by_role("button", name="I have looked at the flag").first.wait_for()
        page.wait_for_load_state("networkidle")
        assert faults(page) == [], f"flags and queue, {scheme}"
    page.get_by_role("button", name="I have looked at the flag").first.click()
    page.goto(installation.url)
    link = page.get_by_role("link", name="to review")
    link.wait_for()
    for _ in range(40):
        if link.evaluate("(element) => element === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    surface = page.get_by_test_id("surface")
    first = surface.get_attribute("data-case")
    expect(surface).to_have_attribute("data-empty", "false")
    assert faults(page) == []
    page.keyboard.press("r")
    page.keyboard.type("Well drawn")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("a")
    expect(surface).not_to_have_attribute("data-case", first or "")
    # A case is returned only once it is seen.
    expect(surface).to_have_attribute("data-empty", "false")
    page.keyboard.press("r")
    page.keyboard.type("The outline is too wide")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("All reviewed").wait_for()
    assert faults(page) == []
    verdicts = (
        "SELECT r.verdict, r.comment FROM annotations_review r"
        " JOIN annotations_annotation a ON a.id = r.annotation_id"
        " WHERE a.assignment_id = ANY(%s) ORDER BY r.id"
    )
    assert installation.query(verdicts, [case["id"] for case in cases]) == [
        ("accept", "Well drawn"),
        ("return", "The outline is too wide"),
    ]
