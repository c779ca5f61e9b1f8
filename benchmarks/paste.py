"""Does pasting rare areas into other images teach small lesions? Writes paste.md.

    PYTHONPATH=.:platform OMP_NUM_THREADS=1 .venv/bin/python benchmarks/paste.py [--splits 6]
    .venv/bin/python benchmarks/paste.py --report-only

The demo's cohort (12 patients, 16 slices each) and its training, without the loop around it: of
each split 3 patients measure and slices of the others are labelled by chance; a first model learns
from 12, and each next one goes on from the one before with 22, 31 and 42, 800 steps each. The
chains of a split have the same slices and seeds, and differ by `augment.paste` alone. Rows are kept
in paste.jsonl; a chain that is there is not trained again. Four minutes a chain on a quiet core.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ml_cohort import Slice, machine, slices_of, write_job

from training.ml.aim import Regions
from training.ml.checkpoint import load_model
from training.ml.device import choose
from training.ml.evaluate import evaluate
from training.ml.job import read_job
from training.ml.loop import train
from training.ml.origin import Origin

ROWS = Path(__file__).with_suffix(".jsonl")
STAGES, HELD_OUT, LESION = (12, 22, 31, 42), 3, 3
SHARES = (0.0, 0.25, 0.5)
Row = dict[str, Any]
SHOWN: tuple[Callable[[Row], float], ...] = (
    lambda row: row["dice"]["lesion"],
    lambda row: row["sensitivity"],
    lambda row: row["false_areas"],
)


def divide(cohort: list[Slice], split: int) -> tuple[list[Slice], list[Slice]]:
    """The slices to be labelled, in their order, and those of the patients who measure."""
    rng = np.random.default_rng(split)
    patients = sorted({item.patient for item in cohort})
    held_out = set(rng.choice(patients, HELD_OUT, replace=False))
    pool = [item for item in cohort if item.patient not in held_out]
    shuffled = [pool[place] for place in rng.permutation(len(pool))]
    return shuffled, [item for item in cohort if item.patient in held_out]


def chain(cohort: list[Slice], split: int, share: float) -> Row:
    """Train the chain of models; what the last one finds on the held-out patients."""
    pool, measured = divide(cohort, split)
    config = {"preset": "small", "minimum_steps": 800, "augment": {"paste": share}}
    began, model, known = time.monotonic(), None, 0
    with tempfile.TemporaryDirectory(prefix="reticle-paste-") as name:
        folder = Path(name)
        for stage, count in enumerate(STAGES):
            place = write_job(folder / f"job{stage}", pool[:count], config=config, seed=stage)
            mark_fresh(place / "examples.json", known if model else count)
            job = read_job(place)
            out = folder / f"out{stage}"
            train(
                job.config, job.examples, aim=Regions(job.classes), out=out,
                cache=folder / "prepared", seed=stage, origin=Origin(model, None, None),
            )  # fmt: skip
            model, known = load_model(next(out.rglob("model.json")).parent), count
        job = read_job(write_job(folder / "held-out", measured, config=config))
        assert model is not None
        device = choose(job.config)
        device.settle(model.network, model.architecture.norm)
        report = evaluate(model, job.examples, device, seed=0)
    classes = report["classes"]
    return {
        "split": split,
        "paste": share,
        "shown": sum(bool((item.mask == LESION).any()) for item in pool[: STAGES[-1]]),
        "dice": {name: classes[name]["dice"] for name in classes},
        "sensitivity": classes["lesion"]["sensitivity"],
        "false_areas": classes["lesion"]["false_positives_per_image"],
        "patients": {who: found["lesion"] for who, found in report["patients"].items()},
        "seconds": round(time.monotonic() - began, 1),
    }


def mark_fresh(path: Path, known: int) -> None:
    """Say which examples the model before has not learned from."""
    rows = json.loads(path.read_text())
    path.write_text(json.dumps([{**row, "fresh": at >= known} for at, row in enumerate(rows)]))


def kept() -> list[Row]:
    """The chains that are there."""
    return [json.loads(line) for line in ROWS.read_text().splitlines()] if ROWS.exists() else []


def write(rows: list[Row], taken: str) -> None:
    """The table: a line a split, and the means."""
    by = {(row["split"], row["paste"]): row for row in rows}
    splits = sorted({s for s, _ in by if all((s, share) in by for share in SHARES)})
    told = [(f"{s} | {by[s, 0.0]['shown']}", [by[s, share] for share in SHARES]) for s in splits]
    shares = " | ".join(f"{share:g}" for share in SHARES)
    lines = [
        "# Rare areas pasted into other images",
        "",
        f"{len(told)} splits of the demo's 12 patients: {HELD_OUT} measure (48 slices), of the "
        f"others {STAGES[-1]} slices are labelled, chosen by chance. Four models in a row "
        "(12, 22, 31, 42 labels; preset `small`, 800 steps each; each goes on from the one "
        "before), the last one is measured. The chains of a split have the same slices and seeds, "
        f"and differ by `augment.paste`: {', '.join(f'{share:g}' for share in SHARES)}. Mean "
        "Dice over patients, sensitivity of pixels, false areas an image.",
        "",
        f"| split | slices with lesions | lesion Dice, {shares} | sensitivity, {shares} "
        f"| false areas, {shares} |",
        "|---|" + "---|" * (1 + 3 * len(SHARES)),
    ]
    for name, found in told:
        values = [float(value(row)) for value in SHOWN for row in found]
        lines.append(f"| {name} | " + " | ".join(f"{value:.3f}" for value in values) + " |")
    lines += ["", *means([found for _, found in told])]
    seconds = sum(row["seconds"] for row in rows) / len(rows)
    lines += ["", f"`benchmarks/paste.py`, {seconds:.0f} s a chain. {taken}"]
    ROWS.with_suffix(".md").write_text("\n".join(lines) + "\n")


def means(found: list[list[Row]]) -> list[str]:
    """Lines with the means over the splits, and the difference to chains without."""
    lines = [
        "| paste | lesion Dice | less without: mean | range | higher in | sensitivity "
        "| false areas | grey | white |",
        "|---|" + "---|" * 8,
    ]
    for place, share in enumerate(SHARES):
        rows = [chains[place] for chains in found]
        gains = [SHOWN[0](chains[place]) - SHOWN[0](chains[0]) for chains in found]
        higher = f"{sum(gain > 0 for gain in gains)} of {len(gains)}"
        values = [float(np.mean([value(row) for row in rows])) for value in SHOWN]
        tissue = [float(np.mean([row["dice"][name] for row in rows])) for name in ("grey", "white")]
        against = f"{np.mean(gains):+.3f} | {min(gains):+.3f} to {max(gains):+.3f} | {higher}"
        rest = " | ".join(f"{value:.3f}" for value in (*values[1:], *tissue))
        lines.append(f"| {share:g} | {values[0]:.3f} | {against if place else '| | '} | {rest} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=6)
    parser.add_argument("--report-only", action="store_true")
    options = parser.parse_args()
    taken = f"Last chain taken on {machine()}."
    if not options.report_only:
        with tempfile.TemporaryDirectory() as name:
            cohort = slices_of(Path(name), patients=12, slices=16, size=128, seed=0)
        there = {(row["split"], row["paste"]) for row in kept()}
        for split in range(1, options.splits + 1):
            for share in SHARES:
                if (split, share) not in there:
                    with ROWS.open("a") as file:
                        file.write(json.dumps(chain(cohort, split, share)) + "\n")
    write(kept(), taken)


if __name__ == "__main__":
    main()
