"""Remarks pinned to places, flags for a colleague, and what a reviewer sees of other drawings."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from installation import Installation
from reading_page import shown, start_reading

pytestmark = pytest.mark.browser
LogIn = Callable[[str], Page]


def test_a_remark_is_pinned_and_a_flag_is_looked_at(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    case = start_reading(page, installation)
    page.keyboard.press("Shift+Q")
    page.get_by_label("Your remark").fill("Is this a vessel?")
    page.get_by_role("button", name="Point to a place").click()
    expect(page.get_by_text("Click where the remark points to.")).to_be_visible()
    spot = page.evaluate("([x, y]) => window.__reticle.imageToClient(x, y)", [20.5, 30.5])
    page.mouse.click(spot["x"], spot["y"])
    expect(page.get_by_text("at 20, 30")).to_be_visible()
    expect(page.get_by_label("Your remark")).to_have_value("Is this a vessel?")
    page.get_by_label("Ask a colleague to look").check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_label("Your remark")).to_have_count(0)
    page.keyboard.press("Shift+Q")
    expect(page.get_by_text("waits for a colleague")).to_be_visible()
    row = installation.query(
        "SELECT x, y, flag FROM annotations_remark WHERE task_id = %s", case["task"]["id"]
    )
    assert [(round(x, 1), round(y, 1), flag) for x, y, flag in row] == [(20.5, 30.5, True)]
    # The pin changed nothing on the map, and a reload shows the remark again.
    page.keyboard.press("Escape")
    page.reload()
    shown(page)
    page.keyboard.press("Shift+Q")
    expect(page.get_by_text("Is this a vessel?")).to_be_visible()

    reviewer = log_in("reviewer")
    reviewer.goto(f"{installation.url}/campaigns/brain-mri/reviews")
    flag = reviewer.get_by_role(
        "button", name=f"I have looked at the flag on case {case['task']['case']}"
    )
    flag.click()
    expect(flag).to_have_count(0)
    page.reload()
    shown(page)
    page.keyboard.press("Shift+Q")
    expect(page.get_by_text("a colleague has looked")).to_be_visible()
