"""What tests do at the workstation in a browser: open it, wait for a case, draw, look it up."""

from typing import Any

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Page

from installation import Installation
from reticle.pixels.mask import unpack

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
SHOWN = """(id) => {
  const held = window.__reticle?.assignment() ?? null;
  return held && held.id !== id && window.__reticle.seen() ? held : null;
}"""
# Other campaigns may learn as well.
OF_BRAIN_MRI = "campaign_id = (SELECT id FROM annotations_campaign WHERE slug = 'brain-mri')"
# How much of a map lies under the labels.
PAINTED = """() => {
  const heat = document.querySelector('[data-layer="heat"]');
  const bytes = heat.getContext('2d').getImageData(0, 0, heat.width, heat.height).data;
  let sum = 0;
  for (let i = 3; i < bytes.length; i += 4) sum += bytes[i];
  return sum;
}"""


def start_reading(page: Page, installation: Installation) -> dict[str, Any]:
    page.goto(f"{installation.url}/campaigns/brain-mri/read")
    return shown(page)


def shown(page: Page, *, other_than: int | None = None) -> dict[str, Any]:
    """Wait for a case (another than the one named) that may be handed in; return its assignment."""
    # Waited for and read in one go: between cases there is none for a moment.
    return dict(page.wait_for_function(SHOWN, arg=other_than).json_value())


def mask_of(page: Page, case: dict[str, Any]) -> npt.NDArray[np.uint8]:
    values = page.evaluate("() => Array.from(window.__reticle.mask())")
    return np.array(values, np.uint8).reshape(case["image"]["rows"], case["image"]["columns"])


def stroke(page: Page, *points: tuple[float, float]) -> None:
    """Draw with the mouse along points in image coordinates."""
    spots = [
        page.evaluate("([x, y]) => window.__reticle.imageToClient(x, y)", list(point))
        for point in points
    ]
    page.mouse.move(spots[0]["x"], spots[0]["y"])
    page.mouse.down()
    for spot in spots[1:]:
        page.mouse.move(spot["x"], spot["y"], steps=8)
    page.mouse.up()


def stored(installation: Installation, assignment: int) -> npt.NDArray[np.uint8]:
    rows = installation.query(
        "SELECT a.packed, i.rows, i.columns FROM annotations_annotation a"
        " JOIN annotations_task t ON t.id = a.task_id JOIN images_image i ON i.id = t.image_id"
        " WHERE a.assignment_id = %s",
        assignment,
    )
    packed, height, width = rows[0]
    return unpack(bytes(packed), height, width)


def submitted(installation: Installation, assignment: int) -> bool:
    question = "SELECT count(*) FROM annotations_annotation WHERE assignment_id = %s"
    return installation.query(question, assignment) == [(1,)]
