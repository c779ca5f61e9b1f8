"""A campaign of questions and one of whole 16-bit series, each from its making to its answers."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Page, expect

from installation import Installation
from reading_page import PAINTED, mask_of, shown, stroke
from reticle.pixels.mask import unpack

pytestmark = pytest.mark.browser
LogIn = Callable[[str], Page]
FRAMES, ROWS, COLUMNS = 7, 48, 64


def volume(path: Path, seed: int) -> npt.NDArray[np.uint16]:
    """Write a 16-bit NIfTI volume whose values need all sixteen bits."""
    rng = np.random.default_rng(seed)
    samples = rng.integers(0, 65_536, (COLUMNS, ROWS, FRAMES), dtype=np.uint16)
    affine = np.diag([-0.8, -0.8, 3.0, 1.0])
    nibabel.save(nibabel.Nifti1Image(samples, affine, dtype=np.uint16), path)  # type: ignore[no-untyped-call]
    return samples


def campaign_made(page: Page, url: str, name: str, fill: Callable[[Page], None]) -> str:
    """Make a campaign in the browser as its manager would; return its address."""
    page.goto(f"{url}/campaigns/new")
    page.get_by_role("textbox", name="Name", exact=True).fill(name)
    fill(page)
    page.get_by_role("button", name="Create campaign").click()
    page.wait_for_url("**/import")
    return page.url.rsplit("/", 2)[1]


def filled_and_opened(page: Page, url: str, slug: str, files: list[Path], cases: int) -> None:
    """Import files, add the reader, open."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose files").click()
    chooser.value.set_files([str(path) for path in files])
    expect(page.get_by_text(f"{len(files)} accepted")).to_be_visible()
    page.goto(f"{url}/campaigns/{slug}/readers")
    page.get_by_label("User name").fill("reader")
    page.get_by_role("button", name="Add or change").click()
    expect(page.get_by_role("button", name="Remove reader", exact=True)).to_be_visible()
    page.goto(f"{url}/campaigns/{slug}")
    expect(page.get_by_text(f"settled of {cases}")).to_be_visible()
    page.get_by_role("button", name="Open for reading").click()
    expect(page.get_by_role("button", name="Close campaign")).to_be_visible()


def ask(page: Page, n: int, text: str, kind: str) -> None:
    page.get_by_label(f"Question {n}", exact=True).fill(text)
    page.get_by_label(f"Kind of answer to question {n}").select_option(kind)


def questions(page: Page) -> None:
    page.get_by_label("Questions only").check()
    # A model learns the answers, by a network that fits them.
    expect(page.get_by_label("Train as labels arrive")).to_be_checked()
    expect(page.get_by_role("combobox", name="Network")).to_have_value("Classifier, for CPUs")
    expect(page.get_by_label("Show suggestions from accuracy")).to_be_visible()
    ask(page, 1, "Is a lesion there?", "single")
    page.get_by_label("Options of question 1").fill("yes\nno\ncannot tell")
    page.get_by_role("button", name="Add question").click()
    ask(page, 2, "Signs", "multiple")
    page.get_by_label("Options of question 2").fill("oedema\nshift")
    page.get_by_role("button", name="Add question").click()
    ask(page, 3, "Image quality", "scale")
    page.get_by_role("button", name="Add question").click()
    ask(page, 4, "Remark", "text")
    page.get_by_label("Must be answered").nth(3).uncheck()


def answers(installation: Installation, slug: str) -> list[dict[str, Any]]:
    rows = installation.query(
        "SELECT a.findings FROM annotations_annotation a"
        " JOIN annotations_task t ON t.id = a.task_id"
        " JOIN annotations_campaign c ON c.id = t.campaign_id WHERE c.slug = %s ORDER BY a.id",
        slug,
    )
    return [row[0] for row in rows]


def its_pages_speak_of_answers(page: Page, url: str, slug: str) -> None:
    """Overview, models, header and home of a campaign that only asks, in both languages."""
    page.goto(f"{url}/campaigns/{slug}/overview")
    lesion = page.get_by_role("region", name="Is a lesion there?")
    expect(lesion.get_by_role("progressbar", name="yes: 1 of 2")).to_be_visible()
    expect(page.get_by_role("progressbar", name="4: 1 of 2")).to_be_visible()
    expect(page.get_by_text("readings with answers")).to_be_visible()
    page.get_by_role("tab", name="Models").click()
    expect(page.get_by_text("No model yet")).to_be_visible()
    expect(page.get_by_role("button", name="Train now")).to_be_visible()
    for address in (f"campaigns/{slug}/overview", f"campaigns/{slug}/models"):
        page.goto(f"{url}/{address}")
        expect(page.get_by_role("tab", name="Overview")).to_be_visible()
        expect(page.get_by_text("Dice")).to_have_count(0)
    page.goto(url)
    card = page.get_by_role("article", name="Lesion questions")
    expect(card.get_by_text("No model yet")).to_be_visible()
    expect(card.get_by_text("Dice")).to_have_count(0)

    page.get_by_role("button", name="Account of").click()
    page.get_by_role("menuitem", name="简体中文").click()
    expect(card.get_by_text("还没有模型")).to_be_visible()
    page.goto(f"{url}/campaigns/{slug}/overview")
    expect(page.get_by_role("progressbar", name="2 份中 1 份").first).to_be_visible()
    expect(page.get_by_text("Dice")).to_have_count(0)
    page.get_by_role("button", name="的账户").click()
    page.get_by_role("menuitem", name="English").click()
    expect(page.get_by_role("tab", name="Overview")).to_be_visible()


def an_option_is_renamed_and_a_question_retired(page: Page, url: str, slug: str) -> None:
    page.goto(f"{url}/campaigns/{slug}/settings")
    page.get_by_role("textbox", name="Option 1 of “Is a lesion there?”").fill("present")
    page.get_by_role("button", name="Save the options of “Is a lesion there?”").click()
    page.get_by_role("button", name="Retire option 3 of “Is a lesion there?”").click()
    restore = page.get_by_role("button", name="Offer option 3 of “Is a lesion there?” again")
    expect(restore).to_be_visible()
    page.get_by_role("button", name="Retire “Remark”").click()
    expect(page.get_by_role("button", name="Ask “Remark” again")).to_be_visible()
    page.goto(f"{url}/campaigns/{slug}/overview")
    lesion = page.get_by_role("region", name="Is a lesion there?")
    expect(lesion.get_by_role("progressbar", name="present: 1 of 2")).to_be_visible()


def its_export_has_a_table_and_says_what_changed(page: Page, url: str, slug: str) -> None:
    page.goto(f"{url}/campaigns/{slug}/exports")
    expect(page.get_by_text("A table of all answers")).to_be_visible()
    page.get_by_role("button", name="Export now").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download export").click()
    with zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes())) as archive:
        table = archive.read("findings.csv").decode().splitlines()
        manifest = json.loads(archive.read("manifest.json"))
    assert {line.split(",")[7] for line in table[1:]} == {"present", "no"}
    assert manifest["questions"][0]["renamed"] == {"yes": "present"}
    assert [each["retired"] for each in manifest["questions"]] == [False, False, False, True]
    assert len(table) == 3
    assert table[0].endswith("is-a-lesion-there,signs,image-quality,remark")
    assert len(manifest["cases"]) == 2


def test_a_classification_campaign_from_its_making_to_its_table(
    installation: Installation, log_in: LogIn, tmp_path: Path
) -> None:
    volume(tmp_path / "one.nii.gz", 101)
    manager = log_in("manager")
    slug = campaign_made(manager, installation.url, "Lesion questions", questions)
    filled_and_opened(manager, installation.url, slug, [tmp_path / "one.nii.gz"], FRAMES)

    page = log_in("reader")
    page.goto(f"{installation.url}/campaigns/{slug}/read")
    first = shown(page)
    # Nothing is drawn here: no brush, no classes.
    expect(page.get_by_role("button", name="Brush", exact=True)).to_have_count(0)
    # By keys alone: yes; both signs; quality 4.
    page.keyboard.press("1")
    page.keyboard.press("1")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Answer the marked questions")).to_be_visible()
    assert answers(installation, slug) == []
    page.keyboard.press("4")
    expect(page.get_by_role("radio", name="4")).to_be_checked()
    page.keyboard.press("Enter")
    second = shown(page, other_than=first["id"])
    installation.wait_until(lambda: len(answers(installation, slug)) == 1, 20)
    assert answers(installation, slug) == [
        {"is-a-lesion-there": "yes", "signs": ["oedema", "shift"], "image-quality": 4}
    ]

    # By mouse, with words; a reload in between loses nothing.
    page.get_by_role("radio", name="no", exact=True).click()
    page.get_by_role("radio", name="2", exact=True).click()
    page.get_by_role("group", name="Signs").get_by_role("checkbox", name="shift").click()
    page.get_by_role("textbox", name="Remark (optional)").fill("motion")
    expect(page.locator("[data-save=saved]")).to_be_visible()
    page.reload()
    shown(page)
    expect(page.get_by_role("radio", name="no", exact=True)).to_be_checked()
    expect(page.get_by_role("textbox", name="Remark (optional)")).to_have_value("motion")
    page.get_by_role("button", name="Submit and next").click()
    shown(page, other_than=second["id"])
    installation.wait_until(lambda: len(answers(installation, slug)) == 2, 20)
    assert answers(installation, slug)[1] == {
        "is-a-lesion-there": "no", "signs": ["shift"], "image-quality": 2, "remark": "motion",
    }  # fmt: skip

    its_pages_speak_of_answers(manager, installation.url, slug)
    an_option_is_renamed_and_a_question_retired(manager, installation.url, slug)
    page.reload()
    shown(page)
    expect(page.get_by_role("radio", name="present", exact=True)).to_be_visible()
    expect(page.get_by_role("textbox", name="Remark (optional)")).to_have_count(0)

    its_export_has_a_table_and_says_what_changed(manager, installation.url, slug)


def painted_of(heat: npt.NDArray[np.uint8]) -> int:
    """Return how much of a map lies on the screen: `heatWords` of domain/heat.ts, summed."""
    share = np.clip(heat / 255 - 0.08, 0, None) / 0.92
    return int(np.floor(255 * 0.75 * np.sqrt(share) + 0.5).sum())


def maps_of(installation: Installation, case: dict[str, Any]) -> dict[str, npt.NDArray[np.uint8]]:
    """Return the maps that the worker has made of the answers to the first question."""
    rows = installation.query(
        "SELECT option, packed FROM annotations_suggestionmap"
        " WHERE suggestion_id = %s AND kind = 'explanation' AND question = 'disc'",
        case["suggestion"]["id"],
    )
    size = case["image"]["rows"], case["image"]["columns"]
    return {option: unpack(bytes(packed), *size) for option, packed in rows}


def trained(installation: Installation, slug: str) -> None:
    """Have a classifier trained by the installation's worker, and the head of its queue mapped."""
    installation.run("tests/fill_answers.py", slug)
    last = (
        "SELECT 1 FROM annotations_suggestion s JOIN annotations_task t ON t.id = s.task_id"
        " JOIN annotations_campaign c ON c.id = t.campaign_id WHERE c.slug = %s"
        " HAVING count(*) > 0 AND count(*) = count(maps_at)"
    )
    installation.wait_until(lambda: bool(installation.query(last, slug)), 120)


def test_a_trained_model_fills_in_answers_and_shows_where_it_looked_for_each(
    installation: Installation, log_in: LogIn
) -> None:
    trained(installation, "discs")
    page = log_in("reader")
    page.goto(f"{installation.url}/campaigns/discs/read")
    case = shown(page)
    while case["suggestion"] is None:  # a held-out case: it measures the model, and is read blind
        page.keyboard.press("1")
        page.keyboard.press("Enter")
        case = shown(page, other_than=case["id"])
    said = case["suggestion"]["findings"]
    ((probable,),) = installation.query(
        "SELECT p.answers -> 'disc' FROM training_prediction p JOIN annotations_task t"
        " ON t.image_id = p.image_id WHERE t.id = %s",
        case["task"]["id"],
    )
    most = max(probable, key=probable.get)
    assert said == {"disc": most}, "what nobody answered is not filled in"
    maps = maps_of(installation, case)
    assert maps.keys() == {"seen", "none"}
    assert painted_of(maps["seen"]) != painted_of(maps["none"])

    answer = said["disc"]
    other = "none" if answer == "seen" else "seen"
    expect(page.get_by_role("radio", name=answer, exact=True)).to_be_checked()
    assert page.evaluate(PAINTED) == 0
    page.keyboard.press("Shift+L")
    looked = page.get_by_role("switch", name=f"Where it looked for {answer}", exact=True)
    expect(looked).to_be_checked()
    page.wait_for_function(f"(sum) => ({PAINTED})() === sum", arg=painted_of(maps[answer]))
    page.keyboard.press("1" if other == "seen" else "2")  # the next question is at hand
    page.wait_for_function(f"() => ({PAINTED})() === 0")
    page.keyboard.press("Shift+U")
    looked = page.get_by_role("switch", name=f"Where it looked for {other}", exact=True)
    expect(looked).to_be_checked()
    page.wait_for_function(f"(sum) => ({PAINTED})() === sum", arg=painted_of(maps[other]))
    page.keyboard.press("Shift+L")
    page.wait_for_function(f"() => ({PAINTED})() === 0")


def series(page: Page) -> None:
    page.get_by_label("Class 1", exact=True).fill("tumour")
    page.get_by_role("combobox", name="Given to a reader at once").click()
    page.get_by_role("option", name="A whole series").click()
    page.get_by_label("Train as labels arrive").uncheck(force=True)


def go_to(page: Page, slice_number: int) -> None:
    """Walk through the series by keys until a slice is shown and may be drawn on."""
    for _ in range(FRAMES):
        text = page.get_by_text(f"slice {slice_number} / {FRAMES}").first
        if text.is_visible():
            break
        now = page.locator("text=/slice \\d+ \\/ \\d+/").first.inner_text()
        at = int(now.split()[1])
        page.keyboard.press("ArrowDown" if at < slice_number else "ArrowUp")
    expect(page.get_by_text(f"slice {slice_number} / {FRAMES}").first).to_be_visible()
    expect(page.get_by_test_id("surface")).to_have_attribute("data-drawable", "true")


def test_a_16_bit_series_is_drawn_interpolated_and_handed_in_as_one(
    installation: Installation, log_in: LogIn, tmp_path: Path
) -> None:
    paths = [tmp_path / "a.nii.gz", tmp_path / "b.nii.gz"]
    for seed, path in enumerate(paths):
        volume(path, seed + 110)
    manager = log_in("manager")
    slug = campaign_made(manager, installation.url, "Whole series", series)
    filled_and_opened(manager, installation.url, slug, paths, 2 * FRAMES)

    page = log_in("reader")
    page.goto(f"{installation.url}/campaigns/{slug}/read")
    case = shown(page)
    assert len(case["frames"]) == FRAMES
    assert case["image"]["dtype"] == "uint16"
    expect(page.get_by_text(f"/ {FRAMES}").first).to_be_visible()

    page.keyboard.press("r")
    go_to(page, 2)
    stroke(page, (10, 10), (20, 20))
    assert int(mask_of(page, case).sum()) == 100
    go_to(page, 6)
    stroke(page, (10, 10), (26, 26))
    page.keyboard.press("Shift+I")  # the slices between
    go_to(page, 4)
    between = mask_of(page, case)
    assert 100 < int(between.sum()) < 256
    page.keyboard.press("Control+z")
    assert not mask_of(page, case).any()
    page.keyboard.press("Control+Shift+z")
    assert np.array_equal(mask_of(page, case), between)
    go_to(page, 7)
    page.keyboard.press("Shift+N")  # as on the slice before
    assert int(mask_of(page, case).sum()) == 256

    # Every slice drawn on is saved under its own case; a reload brings all of them back.
    expect(page.locator("[data-save=saved]")).to_be_visible()
    page.reload()
    case = shown(page)
    drawn = []
    for n in range(1, FRAMES + 1):
        go_to(page, n)
        drawn.append(mask_of(page, case))
    areas = [int(mask.sum()) for mask in drawn]
    assert [areas[i] for i in (0, 1, 5, 6)] == [0, 100, 256, 256]
    page.keyboard.press("Enter")
    other = shown(page, other_than=case["id"])
    assert other["series"]["id"] != case["series"]["id"]
    numbers = [frame["assignment"] for frame in case["frames"]]
    there = "SELECT assignment_id, packed FROM annotations_annotation WHERE assignment_id = ANY(%s)"
    installation.wait_until(lambda: len(installation.query(there, numbers)) == FRAMES, 20)
    stored = dict(installation.query(there, numbers))
    for number, mask in zip(numbers, drawn, strict=True):
        assert np.array_equal(unpack(bytes(stored[number]), ROWS, COLUMNS), mask)
