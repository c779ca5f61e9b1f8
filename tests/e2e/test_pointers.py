"""Pen and finger in a real browser: they draw what the mouse draws, and let go of it as well."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import CDPSession, Page, expect

from installation import Installation
from reading_page import mask_of, start_reading

Spot = tuple[int, int]  # CSS pixels of the page, whole: no device rounds them
Mask = npt.NDArray[np.uint8]
KEYS = {
    "freehand": "f", "rectangle": "r", "ellipse": "o", "polygon": "p", "livewire": "l",
    "bucket": "g", "region": "m", "threshold": "t", "eraser": "e",
}  # fmt: skip
# In pixels from the middle of the image: far enough apart that a finger counts as moved.
WAY = ((-60, -40), (50, -40), (50, 60), (-30, 20))


class Hands:
    """The devices of one page, spoken to below the page, as the system would."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.devtools: CDPSession = page.context.new_cdp_session(page)
        self.devtools.send(
            "Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 5}
        )

    def mouse(self, what: str, spot: Spot, *, pointer: str = "mouse") -> None:
        held = what != "mouseReleased"
        self.devtools.send(
            "Input.dispatchMouseEvent",
            {
                "type": what, "x": spot[0], "y": spot[1], "button": "left", "clickCount": 1,
                "buttons": int(held), "pointerType": pointer,
            },
        )  # fmt: skip

    def touch(self, what: str, *spots: Spot) -> None:
        points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(spots)]
        self.devtools.send("Input.dispatchTouchEvent", {"type": what, "touchPoints": points})

    def begin(self, device: str, way: Sequence[Spot]) -> None:
        """Press at the first spot and go to all others."""
        first, *others = way
        if device == "finger":
            self.touch("touchStart", first)
            for spot in others:
                self.touch("touchMove", spot)
            return
        self.mouse("mousePressed", first, pointer=device)
        for spot in others:
            self.mouse("mouseMoved", spot, pointer=device)

    def end(self, device: str, last: Spot) -> None:
        if device == "finger":
            self.touch("touchEnd")
        else:
            self.mouse("mouseReleased", last, pointer=device)


class Desk:
    """A reader with the brush in hand."""

    def __init__(self, page: Page, installation: Installation) -> None:
        self.page, self.hands = page, Hands(page)
        self.case: dict[str, Any] = start_reading(page, installation)
        page.locator("[data-testid=surface][data-drawable=true]").wait_for()
        page.keyboard.press("b")
        page.keyboard.press("3")
        self.before = self.mask
        middle = self.seen(self.case["image"]["columns"] / 2, self.case["image"]["rows"] / 2)
        self.way: list[Spot] = [(round(middle[0] + x), round(middle[1] + y)) for x, y in WAY]

    @property
    def mask(self) -> Mask:
        return mask_of(self.page, self.case)

    def seen(self, x: float, y: float) -> tuple[float, float]:
        """Return where on the page a point of the image is."""
        spot = self.page.evaluate("([x, y]) => window.__reticle.imageToClient(x, y)", [x, y])
        return float(spot["x"]), float(spot["y"])

    def drawn(self, before: Mask) -> None:
        """Wait until something is drawn that was not."""
        self.page.wait_for_function(
            "(old) => window.__reticle.mask().some((value, i) => value !== old[i])",
            arg=before.ravel().tolist(),
        ).dispose()

    def tap(self, spot: Spot, device: str = "finger") -> None:
        self.hands.begin(device, [spot])
        self.hands.end(device, spot)

    def click(self, *spots: Spot) -> None:
        for spot in spots:
            self.tap(spot, "mouse")

    def stroke(self, device: str, tool: str = "brush") -> Mask:
        """Draw, look, and take it back."""
        if tool in {"polygon", "livewire"}:
            for spot in self.way:
                self.tap(spot, device)
            self.page.keyboard.press("Enter")
        else:
            self.hands.begin(device, self.way)
            self.hands.end(device, self.way[-1])
        self.drawn(self.before)
        found = self.mask
        self.page.keyboard.press("Control+z")
        assert np.array_equal(self.mask, self.before)
        return found


@pytest.fixture
def desk(log_in: Callable[[str], Page], installation: Installation) -> Desk:
    return Desk(log_in("reader"), installation)


def test_pen_and_finger_draw_the_bytes_that_the_mouse_draws(desk: Desk) -> None:
    by_mouse = desk.stroke("mouse")
    assert np.count_nonzero(by_mouse != desk.before) > 20
    assert np.array_equal(desk.stroke("pen"), by_mouse)
    assert np.array_equal(desk.stroke("finger"), by_mouse)


def test_every_tool_draws_the_same_bytes_by_mouse_pen_and_finger(desk: Desk) -> None:
    page = desk.page
    # Something to erase and to fill, on an image that holds nothing else.
    page.keyboard.press("Shift+X")
    page.keyboard.press("2")
    page.keyboard.press("r")
    (left, top), (right, bottom) = desk.way[0], desk.way[2]
    desk.hands.begin("mouse", [(left - 20, top - 20), (right + 20, bottom + 20)])
    desk.hands.end("mouse", (right + 20, bottom + 20))
    desk.before = desk.mask
    assert (desk.before == 2).any()
    page.keyboard.press("3")
    found: dict[str, dict[str, Mask]] = {}
    for tool, key in KEYS.items():
        page.keyboard.press(key)
        expect(page.get_by_test_id("surface")).to_have_attribute("data-tool", tool)
        if tool == "threshold":  # the values that lie where the stroke begins
            page.keyboard.press("Shift+T")
            desk.click(desk.way[0])
        found[tool] = {device: desk.stroke(device, tool) for device in ("mouse", "pen", "finger")}
    unlike = [
        (tool, device)
        for tool, masks in found.items()
        for device, mask in masks.items()
        if not np.array_equal(mask, masks["mouse"])
    ]
    assert unlike == []


@pytest.mark.parametrize("device", ["mouse", "pen", "finger"])
def test_escape_in_the_middle_of_a_stroke_takes_it_back(desk: Desk, device: str) -> None:
    desk.hands.begin(device, desk.way)
    desk.drawn(desk.before)
    desk.page.keyboard.press("Escape")
    assert np.array_equal(desk.mask, desk.before)
    desk.hands.end(device, desk.way[-1])
    assert np.array_equal(desk.mask, desk.before)


def test_a_finger_that_the_system_takes_away_leaves_nothing_behind(desk: Desk) -> None:
    desk.hands.begin("finger", desk.way)
    desk.drawn(desk.before)
    desk.hands.touch("touchCancel")
    assert np.array_equal(desk.mask, desk.before)
    # And the next finger draws as ever.
    assert np.count_nonzero(desk.stroke("finger") != desk.before) > 20


def test_two_fingers_pan_and_zoom_and_draw_nothing(desk: Desk) -> None:
    corner, along, down = desk.seen(0, 0), desk.seen(10, 0), desk.seen(0, 10)
    left, right = desk.way[0], desk.way[1]
    # The first finger has drawn already when the second one comes.
    desk.hands.touch("touchStart", left)
    desk.hands.touch("touchMove", (left[0] + 30, left[1]))
    desk.drawn(desk.before)
    desk.hands.touch("touchStart", (left[0] + 30, left[1]), right)
    assert np.array_equal(desk.mask, desk.before)
    for step in range(1, 5):
        apart = 20 * step
        desk.hands.touch(
            "touchMove",
            (left[0] + 30 - apart, left[1] + apart),
            (right[0] + apart, right[1] + apart),
        )
    desk.hands.touch("touchEnd")
    assert np.array_equal(desk.mask, desk.before)
    new_corner, new_along = desk.seen(0, 0), desk.seen(10, 0)
    # From 80 to 240 pixels apart: three times as large; and moved along with the fingers.
    assert (new_along[0] - new_corner[0]) / (along[0] - corner[0]) == pytest.approx(3, rel=0.02)
    point = (left[0] + 30 - corner[0]) / (along[0] - corner[0]) * 10
    height = (left[1] - corner[1]) / (down[1] - corner[1]) * 10
    assert desk.seen(point, height) == pytest.approx((left[0] - 50, left[1] + 80), abs=2)


@pytest.mark.parametrize("tool", ["polygon", "livewire"])
def test_a_pinch_takes_back_its_own_corner_and_not_the_outline(desk: Desk, tool: str) -> None:
    page, tap = desk.page, desk.tap
    page.keyboard.press({"polygon": "p", "livewire": "l"}[tool])
    corners = desk.way
    desk.click(*corners)
    page.keyboard.press("Enter")
    desk.drawn(desk.before)
    whole = desk.mask
    page.keyboard.press("Control+z")
    assert np.array_equal(desk.mask, desk.before)

    scale = desk.seen(1, 0)[0] - desk.seen(0, 0)[0]
    for corner in corners[:-1]:
        tap(corner)
    second = (corners[0][0], corners[-1][1])
    for first in (corners[-1], corners[0]):  # a new corner, and the one that would close it
        desk.hands.touch("touchStart", first)
        desk.hands.touch("touchStart", first, second)
        desk.hands.touch("touchMove", first, (second[0] - 30, second[1]))
        desk.hands.touch("touchMove", first, second)  # and as it was: the corners are in place
        desk.hands.touch("touchEnd")
        assert desk.seen(1, 0)[0] - desk.seen(0, 0)[0] == pytest.approx(scale)
        assert np.array_equal(desk.mask, desk.before)
    tap(corners[-1])
    page.keyboard.press("Enter")
    desk.drawn(desk.before)
    assert np.array_equal(desk.mask, whole)
    page.keyboard.press("Control+z")


def test_the_wheel_leaves_an_open_outline_where_it_is(desk: Desk) -> None:
    page = desk.page
    page.keyboard.press("p")
    desk.click(*desk.way)
    slice_text = page.get_by_text(re.compile(r"^slice \d+ / \d+$")).first
    here = slice_text.inner_text()
    turn = -120 if len(set(re.findall(r"\d+", here))) == 1 else 120  # from the last one back
    page.mouse.move(*desk.way[0])
    page.mouse.wheel(0, turn)
    told = page.get_by_role("status").filter(has_text="close the outline or drop it")
    expect(told).to_be_visible()
    expect(slice_text).to_have_text(here)
    told.get_by_role("button", name="Close it").click()
    desk.drawn(desk.before)
    expect(told).to_have_count(0)
    page.mouse.move(*desk.way[0])
    page.mouse.wheel(0, turn)
    expect(slice_text).not_to_have_text(here)
    page.keyboard.press("Control+z")


@pytest.mark.parametrize("tool", ["polygon", "livewire"])
def test_an_open_outline_stays_when_the_image_is_turned_or_another_tool_chosen(
    desk: Desk, tool: str
) -> None:
    page = desk.page
    page.keyboard.press(KEYS[tool])
    middle = (desk.case["image"]["columns"] / 2 + 0.5, desk.case["image"]["rows"] / 2 + 0.5)
    corners = [(middle[0] + x, middle[1] + y) for x, y in ((-6, -5), (6, -5), (6, 5), (-6, 4))]

    def click(*places: tuple[float, float]) -> None:
        for x, y in (desk.seen(*place) for place in places):
            page.mouse.click(x, y)

    click(*corners)
    page.keyboard.press("Enter")
    desk.drawn(desk.before)
    whole = desk.mask
    page.keyboard.press("Control+z")
    click(*corners[:2])
    for keys in ("Shift+R", "Shift+V"):
        page.keyboard.press(keys)
    click(corners[2])
    page.keyboard.press("b")
    told = page.get_by_role("status").filter(has_text="close the outline or drop it")
    expect(told).to_be_visible()
    expect(page.get_by_test_id("surface")).to_have_attribute("data-tool", tool)
    click(corners[3])
    page.keyboard.press("Enter")
    desk.drawn(desk.before)
    assert np.array_equal(desk.mask, whole)
    page.keyboard.press("b")
    expect(page.get_by_test_id("surface")).to_have_attribute("data-tool", "brush")
    for keys in ("Control+z", "Shift+V", "Shift+E"):
        page.keyboard.press(keys)


def test_a_palm_beside_the_pen_is_not_heard(desk: Desk) -> None:
    alone = desk.stroke("pen")
    view = desk.seen(0, 0)
    desk.hands.begin("pen", desk.way[:2])
    desk.hands.touch("touchStart", (desk.way[0][0], desk.way[0][1] + 120))
    desk.hands.touch("touchMove", (desk.way[0][0] + 60, desk.way[0][1] + 120))
    desk.hands.touch("touchEnd")
    for spot in desk.way[2:]:
        desk.hands.mouse("mouseMoved", spot, pointer="pen")
    desk.hands.end("pen", desk.way[-1])
    assert np.array_equal(desk.mask, alone)
    assert desk.seen(0, 0) == view
    desk.page.keyboard.press("Control+z")
