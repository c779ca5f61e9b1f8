"""Job folders of bright discs on noise for the learning core, and two ways to work on them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

BASE = Path(__file__).resolve().parents[1]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(BASE), str(BASE / "platform")]),
    "OMP_NUM_THREADS": "1",
}
CONFIG = {"preset": "tiny", "epochs": 3, "minimum_steps": 12, "threads": 1, "longest": 64}


def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "training.ml", *map(str, arguments)],
        env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
    )  # fmt: skip


def run(*arguments: object) -> list[dict[str, Any]]:
    process = start(*arguments)
    output, errors = process.communicate()
    assert process.returncode == 0, output + errors[-2000:]
    return [json.loads(line) for line in output.splitlines()]


def write_job(folder: Path, count: int = 4, **job: Any) -> Path:
    """A job of bright discs on noise, 64 x 48 pixels, patients of two images each."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    rows = []
    for number in range(count):
        rng = np.random.default_rng(number)
        ys, xs = np.mgrid[0:64, 0:48]
        mask = ((ys - 30) ** 2 + (xs - 20 - number) ** 2 < 150).astype(np.uint8)
        image = (rng.normal(300, 40, mask.shape) + 600.0 * mask).astype(np.uint16)
        np.save(folder / "images" / f"{number}.npy", image)
        np.save(folder / "masks" / f"{number}.npy", mask)
        rows.append(
            {
                "id": str(number), "image": f"images/{number}.npy",
                "mask": f"masks/{number}.npy", "patient": f"P{number // 2}", "spacing": None,
                "slope": 1.0, "intercept": 0.0, "channels": 1, "fresh": False,
            }
        )  # fmt: skip
    content = {
        "config": CONFIG,
        "seed": 5,
        "classes": [{"index": 1, "name": "disc"}],
        "start": None,
    }
    (folder / "job.json").write_text(json.dumps({**content, **job}))
    (folder / "examples.json").write_text(json.dumps(rows))
    return folder


def command(*arguments: object) -> list[dict[str, Any]]:
    """Run a command in this process; return its events. Raises what it raises."""
    from training.ml import cli

    events: list[dict[str, Any]] = []
    cli.run(cli.parser().parse_args([str(part) for part in arguments]), events.append)
    return events


def edit_job(job: Path, **fields: object) -> Path:
    """Change fields of job.json."""
    content = json.loads((job / "job.json").read_text())
    (job / "job.json").write_text(json.dumps({**content, **fields}))
    return job


def ask(job: Path, questions: list[dict[str, Any]], answers: list[dict[str, Any]]) -> Path:
    """Turn a job about discs into one about the whole image."""
    rows = json.loads((job / "examples.json").read_text())
    for row, given in zip(rows, answers, strict=True):
        row |= {"mask": None, "answers": given}
    (job / "examples.json").write_text(json.dumps(rows))
    return edit_job(job, classes=[], questions=questions)
