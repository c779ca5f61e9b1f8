"""The loop on several installations: each has its own key, so each holds out other patients.

    make demo                                            # once: installs and builds; Ctrl-C
    .venv/bin/python benchmarks/draws.py [--draws 5]     # five minutes a draw; nothing else running
    .venv/bin/python benchmarks/draws.py --report-only

Each draw starts the demo in an empty folder and lets two simulated readers make 60 labels (see
`manage.py simulate`). Its events are kept in simulate/draw-N.jsonl; a draw that is there is not
made again. Writes simulate/README.md, with effort by tens of labels over all draws, and the last
draw's picture.
"""

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

BASE = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(BASE), str(BASE / "platform")]

from reticle.config.embedded import free_port  # noqa: E402
from reticle.simulation import report  # noqa: E402

FOLDER = Path(__file__).parent / "simulate"
MANAGE = [sys.executable, str(BASE / "manage.py")]
START_SECONDS = 300
READ = ["--campaign", "brain-mri", "--readers", "2", "--budget", "60"]
Row = dict[str, Any]


def answers(url: str) -> bool:
    """Tell whether the server is there."""
    with suppress(OSError):
        return bool(urllib.request.urlopen(f"{url}/api/v1/health", timeout=2).status == 200)
    return False


def demo_made(folder: Path) -> bool:
    """Tell whether the log of the demo says that its campaigns are loaded."""
    return "Reticle is ready" in (folder / "up.log").read_text()


def draw(path: Path) -> None:
    """Simulate on a fresh installation; keep the events."""
    with tempfile.TemporaryDirectory(prefix="reticle-draw-") as name:
        folder, port = Path(name), free_port()
        environment = {**os.environ, "RETICLE_DATA": str(folder / "data")}
        url = f"http://127.0.0.1:{port}"
        with (folder / "up.log").open("wb") as log:
            up = subprocess.Popen(
                [*MANAGE, "up", "--demo", "--port", str(port)], env=environment, stdout=log
            )
        try:
            end = time.monotonic() + START_SECONDS
            while not (answers(url) and demo_made(folder)):
                assert time.monotonic() < end, "the demo does not start"
                time.sleep(0.5)
            events, picture = folder / "events.jsonl", FOLDER / "brain-mri.png"
            output = ["--json", str(events), "--png", str(picture), "--url", url]
            subprocess.run([*MANAGE, "simulate", *READ, *output], env=environment, check=True)
            events.rename(path)
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(60)


def read(path: Path) -> list[Row]:
    """Return the events of a draw."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def line(name: str, events: Sequence[Row]) -> tuple[list[str], Row]:
    """Return the cells of a draw, and the figures of which the last row shows the spread."""
    finals = [row for row in events if row.get("event") == "final"]
    baseline = next(row for row in events if row.get("event") == "baseline")
    found = events[-1]["summary"]
    first, last = finals[0], finals[-1]
    both = [last["classes"][each]["dice"] for each in ("grey", "white")]
    lesion = last["classes"]["lesion"]
    figures = {
        "first": first["mean_dice"], "last": last["mean_dice"],
        "above": statistics.mean(both) - baseline["mean_dice"],
        "lesion": lesion["dice"], "sensitivity": lesion["sensitivity"],
        "found": lesion["lesion_sensitivity"], "false": lesion["false_positives_per_image"],
        "begin": found["effort_first_decile"], "end": found["effort_last_decile"],
        "seconds": found["seconds"],
    }  # fmt: skip
    cells = [
        name, str(found["champions"]), f"{figures['first']:.3f}", f"{figures['last']:.3f}",
        f"{baseline['mean_dice']:.3f}", f"{figures['above']:+.3f}",
        shown(figures["lesion"], 3), shown(figures["sensitivity"], 3),
        f"{round(lesion['lesions'] * figures['found'])} of {lesion['lesions']}",
        shown(figures["false"], 2),
        f"{figures['begin']:.1f}", f"{figures['end']:.1f}",
        str(found["duplicates"]), f"{found['seconds']:.0f}",
    ]  # fmt: skip
    return cells, figures


def shown(value: float | None, digits: int) -> str:
    """Return a figure, or a dash where the held-out cases show nothing of it."""
    return "-" if value is None else f"{value:.{digits}f}"


def spread(rows: Sequence[Row], name: str, digits: int) -> str:
    """Return the mean and the range over draws."""
    values = [row[name] for row in rows if row[name] is not None]
    if not values:
        return "-"
    low, high = min(values), max(values)
    return f"{statistics.mean(values):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def page(draws: Sequence[list[Row]]) -> str:
    """Return simulate/README.md."""
    found = [line(str(number + 1), events) for number, events in enumerate(draws)]
    figures = [row for _, row in found]
    last = ["all", "", *(spread(figures, n, 3) for n in ("first", "last")), ""]
    last += [spread(figures, name, 3) for name in ("above", "lesion", "sensitivity")]
    last += [spread(figures, "found", 2), spread(figures, "false", 2)]
    last += [spread(figures, "begin", 1), spread(figures, "end", 1), ""]
    last += [spread(figures, "seconds", 0)]
    head = [
        "draw", "champions", "mean Dice, first champion", "last champion",
        "two thresholds (grey, white)", "last champion above them (grey, white)",
        "lesion Dice", "lesion sensitivity", "lesions found", "false areas an image",
        "s a case, first ten", "last ten", "served twice", "seconds in all",
    ]  # fmt: skip
    rows = [head, ["---"] * len(head), *(cells for cells, _ in found), last]
    labels = sum(row.get("event") == "submit" for events in draws for row in events)
    final = next(row for row in draws[0] if row.get("event") == "final")
    patients = final["classes"]["grey"]["patients"]
    return "\n".join(
        [
            "# The loop on `brain-mri`, two simulated readers, 60 labels",
            "",
            f"`.venv/bin/python benchmarks/draws.py`: {len(draws)} fresh installations, each with"
            f" its own key, which says who of the 12 patients the {patients}"
            " held-out ones are (128 px, a run every 12 labels, readers wait for each decision).",
            "All champions and the baseline on all images of the held-out patients, with their"
            f" reference, read or not ({final['cases']})."
            f" {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()};"
            " nothing else running.",
            "",
            *("| " + " | ".join(row) + " |" for row in rows),
            "",
            f"{labels} labels. Lesions are of few pixels in some draws and of many in others: read"
            " the spread. A lesion is found when the model marks any of its pixels.",
            "",
            "## What readers corrected",
            "",
            "Means per case over all draws, and the range of the draws' own means; a stroke is an"
            ' area to be changed. "from empty" is what the same cases take without their'
            " suggestion: it leaves more areas, each of few pixels, so strokes rise and pixels"
            " fall; what that saves is in the modelled seconds above.",
            "",
            *report.effort(draws),
            "",
            "![Learning curve of the last draw](brain-mri.png)",
            "",
        ]
    )


def main() -> None:
    """Make the draws that are missing, and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--report-only", action="store_true")
    asked = parser.parse_args()
    paths = [FOLDER / f"draw-{number + 1}.jsonl" for number in range(asked.draws)]
    for path in paths:
        if not path.exists() and not asked.report_only:
            draw(path)
    (FOLDER / "README.md").write_text(page([read(path) for path in paths if path.exists()]))


if __name__ == "__main__":
    main()
