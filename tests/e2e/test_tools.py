"""The tools in a real browser: each by its key and the mouse, each one step of the history."""

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from installation import Installation
from reading_page import mask_of, shown, start_reading, stroke
from reticle.pixels.mask import unpack

pytestmark = pytest.mark.browser
LogIn = Callable[[str], Page]


def click(page: Page, *points: tuple[float, float]) -> None:
    for x, y in points:
        spot = page.evaluate("([x, y]) => window.__reticle.imageToClient(x, y)", [x, y])
        page.mouse.click(spot["x"], spot["y"])


@pytest.mark.parametrize("turned", [[], ["Shift+R"], ["Shift+H"], ["Shift+R", "Shift+V"]])
def test_a_rectangle_fills_the_same_pixels_however_the_image_is_turned(
    installation: Installation, log_in: LogIn, turned: list[str]
) -> None:
    page = log_in("reader")
    case = start_reading(page, installation)
    page.keyboard.press("Shift+X")
    for keys in turned:
        page.keyboard.press(keys)
    page.keyboard.press("1")
    page.keyboard.press("r")
    stroke(page, (10, 12), (30, 20))
    expected = np.zeros((case["image"]["rows"], case["image"]["columns"]), np.uint8)
    expected[12:20, 10:30] = 1
    assert np.array_equal(mask_of(page, case), expected)
    page.keyboard.press("Control+z")
    assert not mask_of(page, case).any()


def test_a_mirrored_view_ends_with_its_series(installation: Installation, log_in: LogIn) -> None:
    """Another patient's left would be taken for the right."""
    page = log_in("reader")
    case = start_reading(page, installation)
    series = case["series"]["id"]
    page.keyboard.press("Shift+H")
    spots = "(x) => window.__reticle.imageToClient(x, 0).x"
    assert page.evaluate(spots, 20) < page.evaluate(spots, 0)
    for _ in range(8):
        if case["series"]["id"] != series:
            break
        page.keyboard.press("Enter")
        case = shown(page, other_than=case["id"])
    assert case["series"]["id"] != series
    assert page.evaluate(spots, 20) > page.evaluate(spots, 0)


@pytest.mark.parametrize("key", ["b", "e", "t", "f", "r", "o", "p", "l", "g", "m"])
def test_every_tool_is_one_step_and_escape_leaves_nothing(
    installation: Installation, log_in: LogIn, key: str
) -> None:
    page = log_in("reader")
    case = start_reading(page, installation)
    page.keyboard.press("Shift+X")
    page.keyboard.press("2")
    page.keyboard.press("r")
    stroke(page, (2, 2), (30, 30))
    before = mask_of(page, case)
    page.keyboard.press("1")
    page.keyboard.press(key)
    if key == "t":  # whatever the image holds here may be painted
        page.keyboard.press("Shift+T")
        click(page, (20, 20))
    path = [(16.0, 16.0), (26.0, 16.0), (26.0, 26.0)]
    if key in "pl":
        click(page, *path)
        assert np.array_equal(mask_of(page, case), before)
        page.keyboard.press("Escape")
        assert np.array_equal(mask_of(page, case), before)
        click(page, *path)
        page.keyboard.press("Enter")
    else:
        stroke(page, *path)
    after = mask_of(page, case)
    assert not np.array_equal(after, before)
    page.keyboard.press("Control+z")
    assert np.array_equal(mask_of(page, case), before)
    page.keyboard.press("Control+Shift+z")
    assert np.array_equal(mask_of(page, case), after)


def test_a_protected_class_is_not_painted_over(installation: Installation, log_in: LogIn) -> None:
    page = log_in("reader")
    case = start_reading(page, installation)
    page.keyboard.press("Shift+X")
    page.keyboard.press("2")
    page.keyboard.press("r")
    stroke(page, (10, 10), (30, 30))
    page.keyboard.press("k")
    page.keyboard.press("1")
    stroke(page, (20, 5), (40, 40))
    drawn = mask_of(page, case)
    assert (drawn[10:30, 10:30] == 2).all()
    assert (drawn == 1).any()
    page.keyboard.press("2")
    page.keyboard.press("k")


def test_an_earlier_answer_is_amended_and_the_case_at_hand_comes_back(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    first = start_reading(page, installation)
    page.keyboard.press("1")
    page.keyboard.press("b")
    stroke(page, (12, 12), (30, 12))
    held: list[Route] = []
    page.route("**/submit", lambda route: held.append(route))
    page.keyboard.press("Enter")
    current = shown(page, other_than=first["id"])
    page.keyboard.press("Shift+B")
    answer = page.locator(f"[data-case='{first['task']['case']}']:not([data-testid])")
    expect(answer).to_have_count(0)
    held[0].continue_()  # what was still on its way when the list was opened comes into it
    page.unroute("**/submit")
    answer.click()
    shown(page, other_than=current["id"])
    page.get_by_text("amending an earlier answer").wait_for()
    page.keyboard.press("2")
    stroke(page, (40, 40), (50, 50))
    drawn = mask_of(page, first)
    page.keyboard.press("Enter")
    page.wait_for_function(
        "(id) => window.__reticle && window.__reticle.assignment()?.id === id", arg=current["id"]
    )
    question = (
        "SELECT a.packed, a.source FROM annotations_task t JOIN annotations_annotation a"
        " ON a.id = t.settled_id WHERE t.id = %s AND a.source = 'amendment'"
    )
    installation.wait_until(lambda: bool(installation.query(question, first["task"]["id"])), 20)
    packed, _ = installation.query(question, first["task"]["id"])[0]
    assert np.array_equal(unpack(bytes(packed), *drawn.shape), drawn)
