"""Does a run that is killed again and again end with the very weights of one that never was?

    PYTHONPATH=.:platform OMP_NUM_THREADS=1 .venv/bin/python benchmarks/resume.py

Each row trains a network twice as a worker does (`python -m training.ml train`, a process of its
own): once whole, once killed (SIGKILL) ten times at random points and begun again, then compares
every weight bit by bit. Dropout, augmentation, early end and the plateau schedule are on. What is
counted does not depend on time, so other work on the machine does no harm.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ml_cohort import Slice, machine, slices_of, write_job
from safetensors.torch import load_file

KILLS = 10
COMMON: dict[str, Any] = {
    "longest": 64, "patch": 64, "epochs": 24, "minimum_steps": 240, "inner_share": 0.3,
    "schedule": "plateau", "patience": 9, "threads": 1,
}  # fmt: skip
RECIPES: dict[str, dict[str, Any]] = {
    "tiny": {"preset": "tiny", "network": {"dropout": 0.2}},
    "small": {"preset": "small", "network": {"dropout": 0.2}},
    "residual": {"preset": "residual", "minimum_steps": 72},
}


@dataclass(frozen=True)
class Outcome:
    """What became of one run that was killed."""

    kills: int
    epochs: list[int]  # that were kept when it was killed
    differing: int  # weights that are not the same bits
    weights: int


def begun(job: Path, out: Path) -> subprocess.Popen[bytes]:
    """Start a training, or go on with it."""
    command = [sys.executable, "-m", "training.ml", "train", str(job), "--out", str(out)]
    return subprocess.Popen(
        [*command, "--resume", str(out)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )


def epochs_kept(out: Path) -> int:
    """Return how many epochs a run's folder tells of."""
    path = out / "metrics.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0


def killed_often(job: Path, out: Path, seconds: float, rng: np.random.Generator) -> list[int]:
    """Kill a run `KILLS` times; return the epochs kept at each.

    `seconds` is what a whole one takes.
    """
    kept: list[int] = []
    while len(kept) < KILLS:
        worker = begun(job, out)
        before = epochs_kept(out)
        # It lives until an epoch more is kept, but every third time, and then for some random part
        # of the next one: also while it begins, or writes.
        while worker.poll() is None and epochs_kept(out) == before and len(kept) % 3 < 2:
            time.sleep(0.005)
        time.sleep(float(rng.uniform(0, 1)) * seconds / COMMON["epochs"])
        if worker.poll() is not None:
            break
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        kept.append(epochs_kept(out))
    return kept


def outcome(slices: list[Slice], folder: Path, recipe: dict[str, Any], seed: int) -> Outcome:
    """Train whole and killed; compare."""
    job = write_job(folder / "job", slices, config={**COMMON, **recipe}, seed=seed)
    began = time.monotonic()
    assert begun(job, folder / "whole").wait() == 0
    seconds = time.monotonic() - began
    kept = killed_often(job, folder / "killed", seconds, np.random.default_rng(seed))
    assert begun(job, folder / "killed").wait() == 0
    one, other = (load_file(folder / name / "model.safetensors") for name in ("whole", "killed"))
    assert one.keys() == other.keys()
    differing = sum(int((one[name] != other[name]).sum()) for name in one)
    return Outcome(len(kept), kept, differing, sum(value.numel() for value in one.values()))


def main() -> None:
    """Train everything, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".md"))
    options = parser.parse_args()
    os.nice(19)
    torch.set_num_threads(1)
    lines = [
        "# Killed and gone on with",
        "",
        "Command: `PYTHONPATH=.:platform OMP_NUM_THREADS=1 .venv/bin/python benchmarks/resume.py`."
        f" Each run of {COMMON['epochs']} epochs is killed (SIGKILL) {KILLS} times at random points"
        " and begun again; its weights are compared bit by bit with those of the same job that was"
        " never killed.",
        "",
        "| preset | seed | killed | epochs kept at each kill | weights | not the same |",
        "|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as name:
        slices = slices_of(Path(name) / "cohort", patients=4, slices=8, size=64, seed=0)
        for preset, recipe in RECIPES.items():
            for seed in range(options.seeds):
                with tempfile.TemporaryDirectory() as place:
                    found = outcome(slices, Path(place), recipe, seed)
                kept = ", ".join(map(str, found.epochs))
                row = [preset, seed, found.kills, kept, f"{found.weights:,}", found.differing]
                lines.append("| " + " | ".join(map(str, row)) + " |")
                print(lines[-1], flush=True)
    lines += ["", f"Taken by `benchmarks/resume.py` on {machine()}."]
    options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
