"""What the training loop costs beside the network itself, and what prepared images save.

    PYTHONPATH=.:platform OMP_NUM_THREADS=1 .venv/bin/python benchmarks/training_speed.py

One thread. Bare is forward, loss, backward, clipping and optimiser on one batch that never changes;
the loop adds reading, augmentation in a thread, counting and one checkpoint. Seconds of processor
time are the figure to compare, since other work on the machine does not count in them; seconds on
the clock are printed beside them.
"""

import argparse
import itertools
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ml_cohort import machine, slices_of, write_job
from torch import nn

from training.ml import loop
from training.ml.aim import Regions
from training.ml.augment import Augment
from training.ml.config import PRESETS, TrainConfig
from training.ml.device import choose
from training.ml.job import Job, read_job
from training.ml.networks import build
from training.ml.preprocess import make_plan

STEPS = {"tiny": 300, "small": 80, "cpu": 30}
"""Enough that what happens once per run hardly counts."""

Times = tuple[float, float]
"""Processor and clock seconds."""


def timed(work: Callable[[], object]) -> Times:
    began = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - began[0], time.perf_counter() - began[1]


def bare(config: TrainConfig, job: Job, steps: int) -> Times:
    """The same network, loss and optimiser on one batch in memory."""
    place, aim = choose(config), Regions(job.classes)
    patch = make_plan(config, job.examples).patch
    network = place.settle(build(config.network, 1, aim.outputs(1)), config.network.norm).train()
    loss = aim.loss(config, np.ones(len(job.classes) + 1, np.int64))
    optimizer = torch.optim.AdamW(network.parameters())
    x = torch.randn(config.batch, 1, patch, patch).contiguous(memory_format=torch.channels_last)
    y = torch.randint(0, len(job.classes) + 1, (config.batch, patch, patch))

    def run(count: int) -> None:
        for _ in range(count):
            found = loss(network(x), y)
            optimizer.zero_grad(set_to_none=True)
            found.backward()
            nn.utils.clip_grad_norm_(network.parameters(), config.clip)
            optimizer.step()

    run(2)
    return timed(lambda: run(steps))


def whole(config: TrainConfig, job: Job, cache: Path, out: Path) -> tuple[Times, Times]:
    """The loop: time until it starts (images are prepared here), time of its one epoch."""
    marks: list[Times] = [(time.process_time(), time.perf_counter())]

    def note(event: dict[str, Any]) -> None:
        marks.append((time.process_time(), time.perf_counter()))

    loop.train(config, job.examples, aim=Regions(job.classes), out=out, cache=cache, emit=note)
    gaps = [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(marks)]
    return gaps[0], gaps[1]


def augmentation(config: TrainConfig, job: Job) -> float:
    """Processor milliseconds per patch."""
    patch = make_plan(config, job.examples).patch
    change = Augment(config.augment, patch)
    picture = np.random.default_rng(0).random((patch, patch, 1)).astype(np.float32)
    target = np.zeros((patch, patch), np.uint8)

    def run() -> None:
        for number in range(40):
            if number % config.batch == 0:
                change.seed(number)
            change(picture, target, (0, 0))

    run()
    return timed(run)[0] / 40 * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".md"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    before = machine()
    lines = [
        "# Speed of the training loop",
        "",
        "Images per second of processor time (clock time in brackets), one thread, 48 slices of "
        "128 px. The last column is what augmentation alone costs.",
        "",
        "| preset | bare | loop, images prepared | share | loop, nothing kept | augmentation |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    starts: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        slices = slices_of(folder / "cohort", patients=3, slices=16, size=128, seed=0)
        job = read_job(write_job(folder / "job", slices, config={}))
        for preset, steps in STEPS.items():
            config = replace(PRESETS[preset], epochs=1, minimum_steps=steps, threads=1)
            cache, images = folder / f"cache-{preset}", steps * config.batch
            first, _ = whole(config, job, cache, folder / f"first-{preset}")
            again, kept = whole(config, job, cache, folder / f"again-{preset}")
            nothing = replace(config, cache_megabytes=0)
            _, anew = whole(nothing, job, cache, folder / f"anew-{preset}")
            base = bare(config, job, steps)
            cost = augmentation(config, job)
            cells = [f"{images / t[0]:.1f} ({images / t[1]:.1f})" for t in (base, kept, anew)]
            share = f"{base[0] / kept[0]:.2f}"
            row = [preset, cells[0], cells[1], share, cells[2], f"{cost:.1f} ms"]
            lines.append("| " + " | ".join(row) + " |")
            starts.append(f"{preset} {first[0]:.1f} and {again[0]:.1f} s")
            print(lines[-1], json.dumps({"first": first, "again": again}), flush=True)
    lines += [
        "",
        f"Until the first step, images to prepare and prepared: {'; '.join(starts)}.",
        "",
        f"Taken by `benchmarks/training_speed.py` on {before}.",
    ]
    options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
