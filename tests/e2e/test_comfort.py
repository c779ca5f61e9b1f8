"""A reader's own way of working: the palette, keys, hand, colours and breaks."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from installation import Installation
from reading_page import mask_of, shown, start_reading, stroke

pytestmark = pytest.mark.browser
LogIn = Callable[[str], Page]


@pytest.fixture(autouse=True)
def as_at_first(installation: Installation) -> Iterator[None]:
    """Leave the demo people without preferences of their own."""
    yield
    installation.query("UPDATE accounts_user SET preferences = '{}' RETURNING id")


def tool(page: Page, name: str) -> None:
    expect(page.get_by_test_id("surface")).to_have_attribute("data-tool", name)


def drawn_at(page: Page, case: dict[str, Any], *points: tuple[float, float]) -> bool:
    """Draw on the cleared image, and tell whether the stroke came where it was drawn."""
    page.keyboard.press("Shift+X")
    page.keyboard.press("1")
    stroke(page, *points)
    drawn = mask_of(page, case)
    return all(drawn[int(y), int(x)] == 1 for x, y in points)


def find(page: Page, words: str) -> None:
    """Open the palette and type."""
    field = open_palette(page)
    page.keyboard.type(words)
    expect(field).to_have_value(words)


def open_palette(page: Page) -> Locator:
    """Open the palette; keys that are pressed before it has the focus are the workstation's."""
    page.keyboard.press("Control+k")
    field = page.get_by_placeholder("What do you want to do?")
    expect(field).to_be_focused()
    return field


def test_the_palette_finds_an_action_by_a_few_letters_and_performs_it(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    case = start_reading(page, installation)
    page.keyboard.press("Shift+X")
    find(page, "rctngl")
    page.keyboard.press("Enter")
    tool(page, "rectangle")
    stroke(page, (10, 10), (20, 20))
    assert mask_of(page, case)[10:20, 10:20].all()
    find(page, "undo")
    page.keyboard.press("Enter")
    page.wait_for_function("() => !window.__reticle.mask().some(Boolean)")
    # What opens something has the focus in it, and closing it brings the keys back.
    find(page, "skip")
    page.keyboard.press("Enter")
    expect(page.get_by_role("radio", name="Poor image quality")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    open_palette(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("e")
    tool(page, "eraser")


def test_the_palette_says_what_cannot_be_done_now(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    start_reading(page, installation)
    find(page, "redo")
    expect(page.get_by_role("option", name="Redo")).to_be_disabled()
    page.keyboard.press("Control+a")
    page.keyboard.type("qqq")
    page.get_by_text("No action of this name").wait_for()


def test_a_key_is_changed_with_a_word_about_who_had_it_and_follows_the_person(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    start_reading(page, installation)
    page.keyboard.press("?")
    page.get_by_role("button", name="Change keys").click()
    page.get_by_role("button", name="Rectangle R").click()
    page.keyboard.press("3")
    page.get_by_text("3 chooses a class.").wait_for()
    page.keyboard.press("e")
    page.get_by_text("E is the key of “Eraser”.").wait_for()
    page.get_by_role("button", name="Use it for “Rectangle”").click()
    page.get_by_role("button", name="Eraser no key").wait_for()
    page.get_by_role("button", name="Done").click()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    page.keyboard.press("e")
    tool(page, "rectangle")
    rail = page.get_by_role("toolbar", name="Tools")
    expect(rail.get_by_role("button", name="Rectangle")).to_contain_text("E")

    # In another browser, too; and all is as at first again with one press.
    kept = "SELECT preferences->'keys' FROM accounts_user WHERE username = 'reader'"
    installation.wait_until(
        lambda: installation.query(kept) == [({"rectangle": ["e"], "eraser": []},)], 20
    )
    elsewhere = log_in("reader")
    start_reading(elsewhere, installation)
    elsewhere.keyboard.press("e")
    tool(elsewhere, "rectangle")
    elsewhere.keyboard.press("?")
    elsewhere.get_by_role("button", name="Change keys").click()
    elsewhere.get_by_role("button", name="All keys as at first").click()
    elsewhere.get_by_role("button", name="Eraser E").wait_for()
    elsewhere.keyboard.press("Escape")
    elsewhere.get_by_role("dialog").wait_for(state="hidden")
    elsewhere.keyboard.press("e")
    tool(elsewhere, "eraser")


def test_for_the_left_hand_tools_and_panel_change_sides(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    case = start_reading(page, installation)
    page.keyboard.press("Control+,")
    page.get_by_text("Left", exact=True).click()
    page.locator("[data-hand=left]").wait_for()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    rail = page.get_by_role("toolbar", name="Tools").bounding_box()
    panel = page.get_by_role("complementary", name="Side panel").bounding_box()
    assert rail is not None
    assert panel is not None
    assert (panel["x"], rail["x"] + rail["width"]) == (0, 1280)
    assert drawn_at(page, case, (10, 10), (30, 10))


def test_the_desk_wears_the_chosen_colours_and_the_image_stays_on_black(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    page.emulate_media(color_scheme="light")
    page.get_by_role("button", name="Account of").click()
    page.get_by_role("menuitem", name="Preferences").click()
    page.get_by_text("Dark", exact=True).click()
    scheme = page.locator("html")
    expect(scheme).to_have_attribute("data-mantine-color-scheme", "dark")
    page.get_by_text("Light", exact=True).click()
    expect(scheme).to_have_attribute("data-mantine-color-scheme", "light")
    page.reload()
    expect(scheme).to_have_attribute("data-mantine-color-scheme", "light")
    start_reading(page, installation)
    expect(scheme).to_have_attribute("data-mantine-color-scheme", "dark")
    expect(page.get_by_test_id("surface")).to_have_css("background-color", "rgb(0, 0, 0)")
    page.go_back()
    expect(scheme).to_have_attribute("data-mantine-color-scheme", "light")


def test_the_language_follows_the_person_into_another_browser(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    page.get_by_role("button", name="Account of").click()
    page.get_by_role("menuitem", name="简体中文").click()
    page.get_by_role("heading", name="标注项目").wait_for()
    kept = "SELECT preferences->>'language' FROM accounts_user WHERE username = 'reader'"
    installation.wait_until(lambda: installation.query(kept) == [("zh-CN",)], 20)
    elsewhere = page.context.browser.new_context()  # type: ignore[union-attr]
    other = elsewhere.new_page()
    other.goto(installation.url)
    other.get_by_label("User name").fill("reader")
    other.get_by_label("Password", exact=True).fill("reticle-demo")
    other.get_by_role("button", name="Log in").click()
    other.get_by_role("heading", name="标注项目").wait_for()
    elsewhere.close()


def test_a_break_is_proposed_after_so_much_reading_and_can_be_put_off_or_switched_off(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    page.clock.install()
    case = start_reading(page, installation)
    notice = page.get_by_text("Time to rest your eyes")

    def read(minutes: int) -> None:
        for n in range(minutes * 2):
            page.mouse.move(600 + n % 2, 300)
            page.clock.run_for(30_000)

    read(44)
    expect(notice).to_have_count(0)
    read(2)
    expect(notice).to_be_visible()
    assert drawn_at(page, case, (10, 10), (30, 10))
    page.get_by_role("button", name="Not now").click()
    expect(notice).to_have_count(0)
    read(11)
    expect(notice).to_be_visible()
    page.get_by_role("button", name="Turn off").click()
    expect(notice).to_have_count(0)
    kept = "SELECT preferences->'breaks' FROM accounts_user WHERE username = 'reader'"
    installation.wait_until(lambda: installation.query(kept) == [(0,)], 20)


def test_the_tour_goes_over_sample_images_and_leaves_the_case_as_it_was(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    case = start_reading(page, installation)
    assert drawn_at(page, case, (10, 10), (30, 10))
    before = mask_of(page, case)
    expect(page.locator("[data-save=saved]")).to_be_visible()
    offer = page.get_by_role("button", name="New here?")
    sent: list[str] = []
    offer.click()
    tour = page.get_by_role("region", name="Tour of the reading room")
    tour.get_by_text("1 of 9").wait_for()
    page.on("request", lambda request: sent.append(f"{request.method} {request.url}"))
    sample = shown(page, other_than=case["id"])
    assert (sample["image"]["bits"], sample["series"]["count"]) == (12, 9)
    page.get_by_text("nothing is sent").first.wait_for()
    # Strokes are really drawn, taken back, and handed in, and the next sample is there.
    page.keyboard.press("x")
    assert not mask_of(page, sample).any()
    assert drawn_at(page, sample, (60, 60), (90, 60))
    page.keyboard.press("Control+z")
    assert not mask_of(page, sample).any()
    page.keyboard.press("e")
    tool(page, "eraser")
    for n in range(2, 10):
        page.get_by_role("button", name="Next", exact=True).click()
        tour.get_by_text(f"{n} of 9").wait_for()
    page.get_by_role("button", name="Submit and next").click()
    assert shown(page, other_than=sample["id"])["image"]["patient_key"] == "sample"
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    tour.get_by_text("1 of 9").wait_for()
    page.get_by_role("button", name="End the tour").click()
    expect(tour).to_have_count(0)
    again = shown(page, other_than=sample["id"] + 1)
    assert again["id"] == case["id"], "the tour handed a case in"
    assert (mask_of(page, again) == before).all()
    during = [each for each in sent if "/assignments/" in each or "/lease" in each]
    assert [each for each in during if f"/{case['id']}" not in each and "/lease" not in each] == []
    kept = "SELECT preferences->'tour_seen' FROM accounts_user WHERE username = 'reader'"
    installation.wait_until(lambda: installation.query(kept) == [(True,)], 20)


def test_the_tour_is_offered_once_and_can_be_had_again(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    case = start_reading(page, installation)
    offer = page.get_by_role("button", name="New here?")
    page.get_by_role("button", name="No tour, thank you").click()
    expect(offer).to_have_count(0)
    kept = "SELECT preferences->'tour_seen' FROM accounts_user WHERE username = 'reader'"
    installation.wait_until(lambda: installation.query(kept) == [(True,)], 20)
    tour = page.get_by_role("region", name="Tour of the reading room")
    page.reload()
    shown(page)
    expect(offer).to_have_count(0)
    # Again whenever it is wanted: from the help, and from the account.
    page.keyboard.press("?")
    page.get_by_role("button", name="Tour of the reading room").click()
    tour.wait_for()
    page.keyboard.press("Escape")
    expect(tour).to_have_count(0)
    assert shown(page)["id"] == case["id"]
    page.goto(installation.url)
    page.get_by_role("button", name="Account of").click()
    page.get_by_role("menuitem", name="Tour of the reading room").click()
    tour.wait_for()
    page.get_by_role("button", name="End the tour").click()
    page.get_by_role("heading", name="Campaigns").wait_for()


def test_the_guideline_lies_beside_the_image_and_is_text_whatever_it_holds(
    installation: Installation, log_in: LogIn
) -> None:
    change = "UPDATE annotations_campaign SET description = %s RETURNING id"
    installation.query(change, "# Grey matter\n\nDraw **all** of it.<img src=x onerror=alert(1)>")
    page = log_in("reader")
    case = start_reading(page, installation)
    page.keyboard.press("Shift+G")
    pane = page.get_by_role("region", name="Guideline")
    pane.get_by_role("heading", name="Grey matter").wait_for()
    expect(pane.locator("strong")).to_have_text("all")
    expect(pane.locator("img")).to_have_count(0)
    assert drawn_at(page, case, (10, 10), (30, 10))
    page.keyboard.press("Shift+G")
    expect(pane).to_have_count(0)
    installation.query(change, "")
