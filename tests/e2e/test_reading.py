"""A clinician reads in a real browser: what the mouse drew is what the database holds."""

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from installation import Installation
from reading_page import OF_BRAIN_MRI, mask_of, shown, start_reading, stored, stroke, submitted

pytestmark = pytest.mark.browser
LogIn = Callable[[str], Page]
HANDED_IN = f"""
SELECT count(*) FROM annotations_assignment place JOIN accounts_user reader
    ON reader.id = place.reader_id
WHERE reader.username = 'reader' AND place.state = 'submitted' AND place.{OF_BRAIN_MRI}
"""


def test_two_slices_are_labelled_by_mouse_settled_audited_and_counted(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    case = start_reading(page, installation)
    before = installation.query(HANDED_IN)[0][0]
    for _ in range(2):
        page.keyboard.press("1")
        stroke(page, (20, 20), (40, 24), (30, 44))
        page.keyboard.press("2")
        stroke(page, (34, 12), (50, 18))
        page.keyboard.press("e")
        stroke(page, (30, 22), (30, 30))
        page.keyboard.press("b")
        drawn = mask_of(page, case)
        assert {1, 2} <= set(np.unique(drawn).tolist())
        page.keyboard.press("Enter")
        following = shown(page, other_than=case["id"])
        installation.wait_until(lambda key=case["id"]: submitted(installation, key), 20)  # type: ignore[misc]
        assert np.array_equal(stored(installation, case["id"]), drawn), "not byte for byte"
        state = "SELECT state FROM annotations_task WHERE id = %s"
        assert installation.query(state, case["task"]["id"]) == [("settled",)]
        audited = installation.query(
            "SELECT action FROM audit_auditevent WHERE detail->>'task' = %s",
            str(case["task"]["id"]),
        )
        assert ("annotation.submit",) in audited
        case = following

    manager = log_in("manager")
    manager.goto(f"{installation.url}/campaigns/brain-mri/readers")
    name = manager.get_by_role("cell", name="Demo reader (reader)", exact=True)
    cells = manager.get_by_role("row").filter(has=name).get_by_role("cell")
    expect(cells).not_to_have_count(0)
    column = manager.get_by_role("columnheader").all_inner_texts().index("Submitted")
    expect(cells.nth(column)).to_have_text(str(before + 2))


def test_undo_takes_back_one_stroke_and_redo_brings_it_again(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    case = start_reading(page, installation)
    before = mask_of(page, case)
    page.keyboard.press("1")
    stroke(page, (10, 10), (20, 10))
    after = mask_of(page, case)
    assert not np.array_equal(after, before)
    page.keyboard.press("Control+z")
    assert np.array_equal(mask_of(page, case), before)
    page.keyboard.press("Control+Shift+z")
    assert np.array_equal(mask_of(page, case), after)


def test_work_survives_a_reload_and_a_server_that_is_away(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    case = start_reading(page, installation)
    page.keyboard.press("2")
    stroke(page, (12, 40), (30, 50))
    page.get_by_text("saved", exact=False).first.wait_for()
    installation.kill("web")
    page.keyboard.press("1")
    stroke(page, (40, 40), (50, 50))
    drawn = mask_of(page, case)
    page.get_by_text("kept here").first.wait_for()
    installation.wait_until(installation.answers, 60)
    page.reload()
    again = shown(page)
    assert again["id"] == case["id"]
    page.wait_for_function(
        "(wanted) => window.__reticle && window.__reticle.mask() &&"
        " window.__reticle.mask().filter(Boolean).length === wanted",
        arg=int(np.count_nonzero(drawn)),
    )
    assert np.array_equal(mask_of(page, again), drawn)


def test_the_champion_pre_draws_a_case_and_the_page_says_why(
    installation: Installation, log_in: LogIn
) -> None:
    champion = (
        f"SELECT count(*) FROM training_modelversion WHERE state = 'champion' AND {OF_BRAIN_MRI}"
    )
    assert installation.query(champion) == [(1,)], "the simulated labels made no champion"
    page = log_in("reader")
    case = start_reading(page, installation)
    for _ in range(8):
        if case["suggestion"] is not None and case["draft"] is None:
            break
        page.keyboard.press("Enter")
        case = shown(page, other_than=case["id"])
    assert case["suggestion"] is not None
    page.wait_for_function("() => window.__reticle.mask().some((value) => value > 0)")
    suggested = mask_of(page, case)
    page.get_by_text(f"model v{case['suggestion']['model_number']} suggested").wait_for()
    assert case["why"]["model_number"] is not None
    page.keyboard.press("1")
    stroke(page, (5, 5), (12, 5))
    drawn = mask_of(page, case)
    assert not np.array_equal(drawn, suggested)
    page.keyboard.press("Enter")
    shown(page, other_than=case["id"])
    installation.wait_until(lambda: submitted(installation, case["id"]), 20)
    changed = "SELECT changed_pixels FROM annotations_annotation WHERE assignment_id = %s"
    expected = int(np.count_nonzero(drawn != suggested))
    assert installation.query(changed, case["id"]) == [(expected,)]


def test_shuffled_priorities_change_the_order_served(
    installation: Installation, log_in: LogIn
) -> None:
    last = (
        f"SELECT id FROM annotations_task WHERE state = 'open' AND {OF_BRAIN_MRI}"
        " ORDER BY priority LIMIT 1"
    )
    wanted = installation.query(last)[0][0]
    installation.query(
        "UPDATE annotations_task SET priority = 1000000 WHERE id = %s RETURNING id", wanted
    )
    page = log_in("reader")
    case = start_reading(page, installation)
    served = [case["task"]["id"]]
    for _ in range(3):  # the current and the prefetched case were leased before
        page.keyboard.press("Enter")
        case = shown(page, other_than=case["id"])
        served.append(case["task"]["id"])
    assert wanted in served


def test_a_reader_is_kept_out_of_what_is_a_managers(
    installation: Installation, log_in: LogIn
) -> None:
    page = log_in("reader")
    page.goto(f"{installation.url}/campaigns/brain-mri")
    page.get_by_text("Brain MRI").first.wait_for()
    for name in ("Settings", "Audit", "Models"):
        expect(page.get_by_role("tab", name=name)).to_have_count(0)
