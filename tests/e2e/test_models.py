"""What people see of the models: a second one is trained, looked at, compared, taken and undone."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import onnxruntime
import pytest
from playwright.sync_api import Locator, Page, expect

from accessible_page import faults
from installation import Installation
from reading_page import OF_BRAIN_MRI

pytestmark = pytest.mark.browser
LogIn = Callable[[str], Page]
Scheme = Literal["light", "dark"]
TAB = "campaigns/brain-mri/models"


def settled(page: Page) -> None:
    page.get_by_role("main").wait_for()
    page.wait_for_load_state("networkidle")
    expect(page.locator(".mantine-Skeleton-root")).to_have_count(0)


def models(installation: Installation) -> dict[int, str]:
    rows = installation.query(
        f"SELECT number, state FROM training_modelversion WHERE {OF_BRAIN_MRI} ORDER BY number"
    )
    return {int(number): str(state) for number, state in rows}


def scored(installation: Installation) -> set[int]:
    """Return the models that have drawn cases, once the champion has published its scores."""
    waiting = (
        "SELECT 1 FROM training_modelversion WHERE state = 'champion' AND scored_at IS NULL"
        f" AND {OF_BRAIN_MRI}"
    )
    if installation.query(waiting):
        return set()
    drawn = (
        "SELECT DISTINCT m.number FROM training_prediction p"
        f" JOIN training_modelversion m ON m.id = p.model_id AND m.{OF_BRAIN_MRI}"
    )
    return {int(number) for (number,) in installation.query(drawn)}


def give_reason(page: Page, opener: Locator, reason: str) -> None:
    """Open the dialog of a decision, see that it asks why, and confirm."""
    name = opener.get_attribute("aria-label") or opener.inner_text()
    opener.click()
    dialog = page.get_by_role("dialog")
    confirm = dialog.get_by_role("button", name=name, exact=True)
    expect(confirm).to_be_disabled()
    dialog.get_by_role("textbox", name="Why").fill(reason)
    assert faults(page) == []
    confirm.click()
    dialog.wait_for(state="hidden")


def train_from_the_champion(page: Page, installation: Installation) -> int:
    """Ask for a short run by hand; a value that cannot be used is named. Return its model."""
    before = set(models(installation))
    page.get_by_role("button", name="Train now").click()
    dialog = page.get_by_role("dialog", name="Train now")
    dialog.get_by_label("Epochs").fill("0")
    dialog.get_by_role("button", name="Start training").click()
    expect(dialog.get_by_role("alert")).to_contain_text("epochs")
    dialog.get_by_label("Epochs").fill("2")
    dialog.get_by_label("Steps at least").fill("20")
    dialog.get_by_role("combobox", name="Start from").click()
    page.get_by_role("option", name="From the champion").click()
    assert faults(page) == []
    dialog.get_by_role("button", name="Start training").click()
    dialog.wait_for(state="hidden")
    installation.wait_until(lambda: len(models(installation)) > len(before), 120)
    (made,) = set(models(installation)) - before
    ended = (
        "SELECT 1 FROM training_trainingrun r JOIN training_modelversion m ON m.run_id = r.id"
        f" WHERE m.number = %s AND r.state = 'succeeded' AND m.{OF_BRAIN_MRI}"
    )
    installation.wait_until(lambda: bool(installation.query(ended, made)), 60)
    return made


def put_in_the_shadow(installation: Installation, number: int) -> None:
    """Whatever the gate made of it: what is shown of a shadow does not depend on that."""
    row = (
        f"UPDATE training_modelversion SET state = 'shadow' WHERE number = %s AND {OF_BRAIN_MRI}"
        " RETURNING id"
    )
    assert len(installation.query(row, number)) == 1


def begin_with(page: Page, path: Path) -> Locator:
    """Ask for a training that begins with a file; return the dialog."""
    page.get_by_role("button", name="Train now").click()
    dialog = page.get_by_role("dialog", name="Train now")
    dialog.get_by_role("combobox", name="Start from").click()
    page.get_by_role("option", name="From a file").click()
    with page.expect_file_chooser() as chooser:
        dialog.get_by_label("Model file").click()
    chooser.value.set_files(path)
    return dialog


def test_a_model_leaves_as_files_and_a_training_begins_with_one(
    installation: Installation, log_in: LogIn, tmp_path: Path
) -> None:
    page = log_in("manager")
    page.goto(f"{installation.url}/{TAB}/1")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the model", exact=True).click()
    download.value.save_as(tmp_path / "brain.zip")
    (tmp_path / "wrong.zip").write_bytes(b"no model")

    page.goto(f"{installation.url}/{TAB}")
    dialog = begin_with(page, tmp_path / "wrong.zip")
    # Higher than the screen, it moves behind its acts.
    expect(dialog.get_by_role("button", name="Start training")).to_be_in_viewport(ratio=1)
    dialog.get_by_role("button", name="Start training").click()
    expect(dialog.get_by_role("alert")).to_contain_text("hand in the zip that “Download the model”")
    dialog.get_by_role("button", name="Cancel").click()
    dialog.wait_for(state="hidden")
    dialog = begin_with(page, tmp_path / "brain.zip")
    dialog.get_by_label("Epochs").fill("500")
    dialog.get_by_role("button", name="Start training").click()
    dialog.wait_for(state="hidden")
    ((number,),) = installation.query("SELECT max(id) FROM training_trainingrun")
    run = page.get_by_role("region", name=f"Training {number}")
    expect(run.get_by_text("Started from: a file: brain.zip")).to_be_visible()
    with page.expect_response("**/cancel"):  # one that waits still is gone at once
        run.get_by_role("button", name="Cancel training").click()

    # Meanwhile: another worker makes it.
    page.goto(f"{installation.url}/{TAB}/1")
    page.get_by_role("button", name="Make an ONNX file").click()
    link = page.get_by_role("link", name="Download the ONNX file")
    expect(link).to_be_visible(timeout=180_000)
    made = page.get_by_role("status").filter(has_text="MiB, probabilities less than")
    expect(made).to_be_visible()
    assert faults(page) == []
    with page.expect_download() as download:
        link.click()
    download.value.save_as(tmp_path / "brain.onnx")
    said = onnxruntime.InferenceSession(str(tmp_path / "brain.onnx")).get_modelmeta()
    assert '"lesion"' in said.custom_metadata_map["reticle"]

    page.goto(f"{installation.url}/{TAB}")
    show = page.get_by_role("button", name=f"Show training {number}", exact=True)
    row = page.get_by_role("row").filter(has=show)
    expect(row).to_contain_text("cancelled", timeout=60_000)


def test_a_second_model_is_trained_compared_taken_and_undone(
    installation: Installation, log_in: LogIn, tmp_path: Path
) -> None:
    page = log_in("manager")
    page.goto(f"{installation.url}/{TAB}")
    settled(page)
    made = train_from_the_champion(page, installation)
    other = next(
        n for n, state in models(installation).items() if n != made and state != "rejected"
    )
    taken = other if models(installation)[made] == "champion" else made
    if taken == other:
        installation.wait_until(lambda: made in scored(installation), 120)

    put_in_the_shadow(installation, taken)
    page.goto(f"{installation.url}/{TAB}")
    shadow = page.get_by_role("region", name=f"In the shadow: v{taken}")
    give_reason(page, shadow.get_by_role("button", name="End shadow"), "not seen enough")
    expect(shadow).to_have_count(0)
    assert models(installation)[taken] == "rejected"
    put_in_the_shadow(installation, taken)
    page.goto(f"{installation.url}/{TAB}")
    promote = shadow.get_by_role("button", name=f"Promote v{taken}")
    give_reason(page, promote, "to see what it does")
    expect(shadow).to_have_count(0)
    installation.wait_until(lambda: scored(installation) >= {made, other}, 120)

    page.goto(f"{installation.url}/{TAB}/{taken}")
    decisions = page.get_by_role("region", name="Decisions")
    for told in ("taken out of the shadow", "not seen enough", "made champion by hand"):
        expect(decisions).to_contain_text(told)
    expect(decisions).to_contain_text("to see what it does")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the model card").click()
    download.value.save_as(tmp_path / "card.md")
    card = (tmp_path / "card.md").read_text()
    assert card.startswith(f"# Model card: Brain MRI, version {taken}")
    assert "## Robustness" in card, "measured by now or not: the card says which"

    page.goto(f"{installation.url}/{TAB}/{made}/against/{other}")
    pictures = page.get_by_role("img", name="as v")
    expect(pictures).to_have_count(2)
    beside = page.get_by_role("region", name="What they draw").locator("figure img")
    expect(beside).to_have_count(3)  # and the label
    page.wait_for_function("[...document.images].every((each) => each.naturalWidth > 0)")
    first = pictures.nth(0).get_attribute("src")
    page.get_by_role("button", name="Next case").click()
    expect(pictures.nth(0)).not_to_have_attribute("src", first or "")
    expect(page.get_by_role("region", name="Patient by patient")).to_be_visible()

    page.goto(f"{installation.url}/{TAB}")
    give_reason(page, page.get_by_role("button", name="Roll back to v"), "enough seen")
    installation.wait_until(lambda: bool(scored(installation)), 120)
    events = "SELECT detail->>'reason' FROM audit_auditevent WHERE action = 'model.rollback'"
    assert installation.query(events) == [("enough seen",)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_of_the_models_keep_the_rules(
    installation: Installation, log_in: LogIn, scheme: Scheme
) -> None:
    page = log_in("manager")
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    found = {}
    for address in (TAB, f"{TAB}/1", f"{TAB}/1/against/{max(models(installation))}"):
        page.goto(f"{installation.url}/{address}")
        settled(page)
        if address == TAB:
            page.get_by_role("button", name="Show training").first.click()
            page.get_by_role("heading", name="What happened").wait_for()
        for plot in page.locator("summary").all():
            plot.click()
        found[address] = faults(page)
    assert {address: told for address, told in found.items() if told} == {}


def test_a_plot_gives_its_figures_as_table_csv_and_png(
    installation: Installation, log_in: LogIn, tmp_path: Path
) -> None:
    page = log_in("reviewer")
    page.goto(f"{installation.url}/{TAB}")
    plot = page.get_by_role("region", name="Learning curve")
    plot.get_by_text("reading time").click()
    expect(plot.get_by_role("img")).to_contain_text("minutes of reading so far")
    plot.locator("summary").click()
    expect(plot.get_by_role("columnheader", name="grey")).to_be_visible()
    with page.expect_download() as download:
        plot.get_by_role("button", name="as PNG").click()
    download.value.save_as(tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    with page.expect_download() as download:
        plot.get_by_role("link", name="as CSV").click()
    download.value.save_as(tmp_path / "curve.csv")
    head = (tmp_path / "curve.csv").read_text().splitlines()[0]
    assert head.startswith("version,labels,minutes,mean")
    expect(page.get_by_role("region", name="Does the model's choice")).to_contain_text("estimate")
    expect(page.get_by_role("button", name="Train now")).to_have_count(0)
