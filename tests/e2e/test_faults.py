"""What goes wrong while a clinician reads: the page says so in one sentence, and no stroke is lost.

The faults are real ones: processes killed with -9, cookies taken away, leases that ran out in the
database, a network that is cut, a tab that crashes.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Error, Page, expect

from installation import Installation
from reading_page import mask_of, shown, start_reading, stored, stroke, submitted
from reticle.pixels.mask import unpack
from reticle.simulation.client import Session

pytestmark = pytest.mark.browser
LogIn = Callable[[str], Page]
Mask = npt.NDArray[np.uint8]

CAMPAIGN = "brain-mri"
PASSWORDS = Path(__file__).resolve().parents[2] / "benchmarks" / "passwords.py"


def move_to(page: Page, x: float, y: float) -> None:
    spot = page.evaluate("([x, y]) => window.__reticle.imageToClient(x, y)", [x, y])
    page.mouse.move(spot["x"], spot["y"], steps=8)


@contextmanager
def pressing(page: Page, start: tuple[float, float], end: tuple[float, float]) -> Iterator[None]:
    """Draw from start to end; what is done inside happens in the middle of the stroke."""
    move_to(page, *start)
    page.mouse.down()
    move_to(page, (start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    yield
    move_to(page, *end)
    page.mouse.up()


def draw(page: Page, case: dict[str, Any]) -> Mask:
    """Draw a stroke; return the whole mask after it."""
    before = mask_of(page, case)
    page.keyboard.press("b")
    page.keyboard.press("2" if (before[8:13, 8:41] == 1).all() else "1")
    stroke(page, (8, 10), (40, 10))
    after = mask_of(page, case)
    assert not np.array_equal(before, after)
    return after


def saved(page: Page) -> None:
    page.locator("[data-save=saved]").wait_for()


def draft(installation: Installation, case: dict[str, Any]) -> Mask | None:
    question = "SELECT packed FROM annotations_draft WHERE assignment_id = %s"
    rows = installation.query(question, case["id"])
    size = case["image"]["rows"], case["image"]["columns"]
    return unpack(bytes(rows[0][0]), *size) if rows else None


def same(one: Mask | None, other: Mask) -> bool:
    return one is not None and np.array_equal(one, other)


def hand_in(page: Page, installation: Installation, case: dict[str, Any], drawn: Mask) -> None:
    """Submit, and see that the database holds what was drawn, byte for byte."""
    page.keyboard.press("Enter")
    installation.wait_until(lambda: submitted(installation, case["id"]), 30)
    assert np.array_equal(stored(installation, case["id"]), drawn), "not byte for byte"


def tell(page: Page) -> None:
    """Cut the network for a moment: the page asks for its lease when it comes back."""
    page.context.set_offline(True)
    page.context.set_offline(False)


def notice(page: Page, text: str) -> None:
    expect(page.get_by_role("alert").filter(has_text=text)).to_be_visible()


@pytest.fixture(scope="session")
def other(installation: Installation) -> Iterator[Session]:
    """Another reader of the same campaign."""
    installation.run(str(PASSWORDS), "1")
    with closing(Session(installation.url, "sim-reader-1", "benchmark-only")) as session:
        yield session


def run_out(installation: Installation, case: dict[str, Any]) -> None:
    installation.query(
        "UPDATE annotations_assignment SET leased_until = now() - interval '1 minute'"
        " WHERE id = %s RETURNING id",
        case["id"],
    )


def take_away(installation: Installation, other: Session, case: dict[str, Any]) -> None:
    """Let the lease run out; the other reader is served the case."""
    run_out(installation, case)
    task = case["task"]["id"]
    installation.query(
        "UPDATE annotations_task SET priority = 3000000 WHERE id = %s RETURNING id", task
    )
    for _ in range(4):
        leased = other.lease(CAMPAIGN)
        assert leased is not None
        if leased["task"]["id"] == task:
            return
        skip = {"token": leased["token"], "reason": "makes room"}
        other.call("POST", f"assignments/{leased['id']}/release", json=skip)
    raise AssertionError("the other reader was not served the case")


# --- the server ---------------------------------------------------------------------------------


def test_a_stroke_goes_on_while_the_server_is_killed_and_arrives_when_it_is_back(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    case = start_reading(page, installation)
    draw(page, case)
    saved(page)
    page.keyboard.press("2")
    with pressing(page, (10, 30), (50, 34)):
        installation.kill("web")
    drawn = mask_of(page, case)
    expect(page.locator("[data-save=offline]")).to_have_text("offline: kept here")
    installation.wait_until(installation.answers, 60)
    saved(page)
    assert same(draft(installation, case), drawn)
    hand_in(page, installation, case, drawn)


def test_what_is_submitted_while_the_server_is_down_is_sent_once_it_is_back(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    case = start_reading(page, installation)
    installation.kill("web")
    drawn = draw(page, case)
    page.keyboard.press("Enter")
    page.get_by_text("1 case waits to be sent").wait_for()
    notice(page, "Every stroke is kept in this browser")
    installation.wait_until(lambda: submitted(installation, case["id"]), 60)
    assert np.array_equal(stored(installation, case["id"]), drawn), "not byte for byte"
    assert shown(page, other_than=case["id"])["task"]["id"] != case["task"]["id"]


# --- the session --------------------------------------------------------------------------------


def test_a_session_that_ends_in_the_middle_of_a_stroke_costs_a_password_and_nothing_else(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    case = start_reading(page, installation)
    page.keyboard.press("1")
    with pressing(page, (12, 44), (44, 48)):
        page.context.clear_cookies()
    drawn = mask_of(page, case)
    dialog = page.get_by_role("dialog", name="Log in again")
    expect(dialog).to_contain_text("your work is kept here")
    expect(page.locator("[data-save=signed_out]")).to_have_text("logged out: kept here")
    dialog.get_by_label("Password", exact=True).fill("reticle-demo")
    dialog.get_by_role("button", name="Log in").click()
    expect(dialog).to_be_hidden()
    saved(page)
    assert np.array_equal(mask_of(page, case), drawn)
    assert same(draft(installation, case), drawn)
    hand_in(page, installation, case, drawn)


# --- the lease ----------------------------------------------------------------------------------


def test_a_case_that_went_to_another_reader_is_said_and_its_work_is_kept(
    installation: Installation, log_in: LogIn, other: Session
) -> None:
    page = log_in("reader")
    case = start_reading(page, installation)
    drawn = draw(page, case)
    saved(page)
    take_away(installation, other, case)
    tell(page)
    notice(page, "it went to another reader. What you drew is kept as your draft.")
    expect(page.get_by_text("held until")).to_have_count(0)
    expect(page.get_by_role("button", name="Submit")).to_be_disabled()
    assert np.array_equal(mask_of(page, case), drawn)
    assert same(draft(installation, case), drawn)
    page.get_by_role("button", name="Take the next case").click()
    following = shown(page, other_than=case["id"])
    assert following["task"]["id"] != case["task"]["id"]
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_text("held until")).to_be_visible()


def test_a_submission_after_the_case_went_to_another_reader_is_kept_as_a_draft(
    installation: Installation, log_in: LogIn, other: Session
) -> None:
    page = log_in("reader")
    case = start_reading(page, installation)
    drawn = draw(page, case)
    take_away(installation, other, case)
    page.keyboard.press("Enter")
    notice(page, f"Case {case['task']['case']} was not counted: its hold had ended.")
    assert shown(page, other_than=case["id"])["task"]["id"] != case["task"]["id"]
    assert same(draft(installation, case), drawn)
    assert not submitted(installation, case["id"])


def test_a_lease_that_ran_out_and_nobody_took_goes_on_without_a_word(
    installation: Installation, log_in: LogIn, other: Session
) -> None:
    page = log_in("reader")
    case = start_reading(page, installation)
    page.wait_for_load_state("networkidle")
    installation.query(
        "UPDATE annotations_task SET priority = -3000000 WHERE state = 'reading' RETURNING id"
    )
    installation.query(
        "UPDATE annotations_assignment SET leased_until = now() - interval '1 minute'"
        " WHERE state = 'held' RETURNING id"
    )
    other.lease(CAMPAIGN)  # any reader's lease makes the end of it known
    state = "SELECT state FROM annotations_assignment WHERE id = %s"
    assert installation.query(state, case["id"]) == [("expired",)]
    drawn = draw(page, case)
    with page.expect_response(lambda answer: f"/{case['id']}/renew" in answer.url and answer.ok):
        tell(page)
    assert installation.query(state, case["id"]) == [("held",)]
    expect(page.get_by_role("alert")).to_have_count(0)
    hand_in(page, installation, case, drawn)


# --- the network --------------------------------------------------------------------------------


def test_a_minute_offline_is_said_nothing_is_lost_and_it_is_saved_after(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    page.clock.install()
    case = start_reading(page, installation)
    page.context.set_offline(True)
    gone = page.evaluate("() => Date.now()")
    drawn = mask_of(page, case)
    # An odd number: a stroke over a stroke takes the other class; pairs undo each other.
    for _ in range(5):
        before, drawn = drawn, draw(page, case)
        assert not np.array_equal(before, drawn)
        page.clock.run_for(12_000)  # every try to save in these seconds fails
        expect(page.locator("[data-save=offline]")).to_have_text("offline: kept here")
        notice(page, "No connection to the server.")
    assert page.evaluate("() => Date.now()") - gone >= 60_000
    assert not same(draft(installation, case), drawn)
    page.context.set_offline(False)
    saved(page)
    expect(page.get_by_role("alert")).to_have_count(0)
    assert same(draft(installation, case), drawn)
    hand_in(page, installation, case, drawn)


# --- the tab ------------------------------------------------------------------------------------


def crash(page: Page) -> None:
    with page.expect_event("crash"), suppress(Error):
        page.goto("chrome://crash")
    page.close()  # what is left of it


@pytest.mark.parametrize("end", [crash, Page.close], ids=["crash", "close"])
def test_strokes_outlive_the_tab(
    installation: Installation, log_in: LogIn, end: Callable[[Page], None]
) -> None:
    page = log_in("reader")
    case = start_reading(page, installation)
    page.route("**/draft", lambda route: route.abort())  # the journal is the only copy
    drawn = draw(page, case)
    end(page)
    if end is crash:  # a page that closes may still send its last word, past the route
        assert not same(draft(installation, case), drawn)
    again = page.context.new_page()
    assert start_reading(again, installation)["id"] == case["id"]
    again.wait_for_function("() => window.__reticle?.mask()?.some((value) => value > 0)")
    assert np.array_equal(mask_of(again, case), drawn)
    saved(again)
    hand_in(again, installation, case, drawn)


def test_two_windows_on_one_case_ask_before_one_overwrites_the_other(
    installation: Installation, log_in: LogIn
) -> None:
    one = log_in("reader")
    case = start_reading(one, installation)
    two = one.context.new_page()
    assert start_reading(two, installation)["id"] == case["id"]
    first = draw(one, case)
    saved(one)
    two.keyboard.press("3")
    stroke(two, (8, 52), (40, 52))
    second = mask_of(two, case)
    notice(two, "Another window saved other work on this case.")
    assert same(draft(installation, case), first)
    two.get_by_role("button", name="Keep this drawing").click()
    dialog = two.get_by_role("dialog")
    expect(dialog.get_by_role("figure")).to_have_count(2)
    dialog.get_by_role("button", name="Drop the other window's drawing").click()
    saved(two)
    assert same(draft(installation, case), second)
    stroke(one, (8, 20), (40, 20))
    notice(one, "Another window saved other work on this case.")
    one.get_by_role("button", name="Take the other one").click()
    dialog = one.get_by_role("dialog")
    expect(dialog.get_by_role("figure")).to_have_count(2)
    dialog.get_by_role("button", name="Drop this window's drawing").click()
    one.wait_for_function(
        "(wanted) => window.__reticle?.mask()?.every((value, i) => value === wanted[i])",
        arg=second.ravel().tolist(),
    )
    hand_in(one, installation, case, second)
    tell(two)
    notice(two, "This case was handed in from another window.")
    two.get_by_role("button", name="Take the next case").click()
    assert shown(two, other_than=case["id"])["id"] == shown(one, other_than=case["id"])["id"]


def test_what_one_window_saved_is_not_dropped_by_what_another_hands_in(
    installation: Installation, log_in: LogIn
) -> None:
    one = log_in("reader")
    case = start_reading(one, installation)
    two = one.context.new_page()
    assert start_reading(two, installation)["id"] == case["id"]
    first = draw(one, case)
    saved(one)
    one.close()
    two.route("**/draft", lambda route: route.abort())  # it hears of no other draft
    two.keyboard.press("3")
    stroke(two, (8, 52), (40, 52))
    second = mask_of(two, case)
    two.keyboard.press("Enter")
    told = f"Case {case['task']['case']} was not handed in: another window had saved other work"
    take = two.get_by_role("button", name="Take the other one")
    expect(take).to_be_visible()  # the case is open again
    notice(two, told)
    assert shown(two)["id"] == case["id"]
    assert np.array_equal(mask_of(two, case), second)
    assert same(draft(installation, case), first)
    expect(two.get_by_role("button", name="Submit")).to_be_disabled()
    two.unroute("**/draft")
    two.reload()  # the choice waits
    expect(take).to_be_visible()
    notice(two, told)
    assert np.array_equal(mask_of(two, case), second)
    take.click()
    dialog = two.get_by_role("dialog")
    expect(dialog.get_by_role("figure")).to_have_count(2)
    dialog.get_by_role("button", name="Drop this window's drawing").click()
    two.wait_for_function(
        "(wanted) => window.__reticle?.mask()?.every((value, i) => value === wanted[i])",
        arg=first.ravel().tolist(),
    )
    assert shown(two)["id"] == case["id"]
    hand_in(two, installation, case, first)


def test_two_windows_that_both_hand_in_one_case_count_once_and_keep_the_other_work(
    installation: Installation, log_in: LogIn
) -> None:
    one = log_in("reader")
    case = start_reading(one, installation)
    two = one.context.new_page()
    assert start_reading(two, installation)["id"] == case["id"]
    two.route("**/draft", lambda route: route.abort())  # nothing of it is saved before
    first = draw(one, case)
    two.keyboard.press("3")
    stroke(two, (8, 52), (40, 52))
    second = mask_of(two, case)
    hand_in(one, installation, case, first)
    two.unroute("**/draft")
    two.keyboard.press("Enter")
    notice(two, f"Case {case['task']['case']} had been handed in from another window before.")
    assert np.array_equal(stored(installation, case["id"]), first)
    assert same(draft(installation, case), second)


# --- the campaign -------------------------------------------------------------------------------


@contextmanager
def closed(installation: Installation) -> Iterator[None]:
    with closing(Session(installation.url, "manager", "reticle-demo")) as manager:
        manager.call("POST", f"campaigns/{CAMPAIGN}/close")
        try:
            yield
        finally:
            manager.call("POST", f"campaigns/{CAMPAIGN}/open")


def test_a_campaign_closed_while_reading_is_said_and_the_work_waits_for_its_opening(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    case = start_reading(page, installation)
    drawn = draw(page, case)
    with closed(installation):
        tell(page)
        notice(page, "The campaign was closed while you read. What you drew is kept as your draft")
        expect(page.get_by_role("button", name="Submit")).to_be_disabled()
        installation.wait_until(lambda: same(draft(installation, case), drawn), 20)
        page.get_by_role("button", name="Leave this case").click()
        page.get_by_text("This campaign is not open").wait_for()
    assert start_reading(page, installation)["id"] == case["id"]
    assert np.array_equal(mask_of(page, case), drawn)
    hand_in(page, installation, case, drawn)


def test_a_submission_into_a_closed_campaign_is_kept_and_the_next_case_is_not_offered(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    case = start_reading(page, installation)
    drawn = draw(page, case)
    with closed(installation):
        page.keyboard.press("Enter")
        notice(page, f"Case {case['task']['case']} was not counted: the campaign was closed")
        assert same(draft(installation, case), drawn)
        page.get_by_role("button", name="Understood").click()
        notice(page, "The campaign was closed while you read.")
        expect(page.get_by_role("button", name="Submit")).to_be_disabled()
        page.get_by_role("button", name="Leave this case").click()
        page.get_by_text("This campaign is not open").wait_for()
    assert start_reading(page, installation)["id"] == case["id"]
    hand_in(page, installation, case, drawn)
