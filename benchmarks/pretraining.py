"""Does pre-training on unlabelled images help while labels are few? Writes pretraining.md.

    PYTHONPATH=.:platform OMP_NUM_THREADS=1 .venv/bin/python benchmarks/pretraining.py

A made-up cohort: 16 patients lend unlabelled slices, of which 8 and 16 are labelled; 6 other
patients measure. Every seed draws its own labelled slices; both runs of a pair see the same ones,
the same number of steps, and differ by their first weights alone.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from ml_cohort import Slice, machine, slices_of, write_job

from training.ml import cli

NETWORK = {"widths": [8, 16, 32, 64]}
BASE: dict[str, Any] = {
    "preset": "tiny", "network": NETWORK, "longest": 96, "patch": 96, "epochs": 2, "threads": 1,
    "learning_rate": 4e-3,
}  # fmt: skip


def command(*arguments: object) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    cli.run(cli.parser().parse_args([str(part) for part in arguments]), events.append)
    return events


def draw(pool: list[Slice], count: int, seed: int) -> list[Slice]:
    """Slices that show something, spread over patients as a reader would meet them."""
    rng = np.random.default_rng(seed)
    shown = [item for item in pool if (item.mask > 0).mean() > 0.02]
    return [shown[place] for place in rng.choice(len(shown), count, replace=False)]


def measure(folder: Path, name: str, labelled: list[Slice], held_out: Path, **job: Any) -> Any:
    """Train on these slices and evaluate: the report."""
    run = write_job(folder / name, labelled, **job)
    if "transfer" in job:
        (run / "transfer").mkdir(exist_ok=True)
        for file in ("model.json", "model.safetensors"):
            (run / "transfer" / file).write_bytes((folder / "images" / file).read_bytes())
    command("train", run, "--out", run / "out")
    command("evaluate", held_out, "--model", run / "out", "--out", run / "report.json")
    return json.loads((run / "report.json").read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--pretraining-steps", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".md"))
    options = parser.parse_args()
    began, before = time.monotonic(), machine()
    rows: list[tuple[int, int, str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pool = slices_of(folder / "pool", patients=16, slices=16, size=96, seed=0)
        others = slices_of(folder / "others", patients=6, slices=12, size=96, seed=100)
        config = {**BASE, "minimum_steps": options.steps}
        held_out = write_job(folder / "held-out", others, config=config)
        images = write_job(
            folder / "pretraining", pool, labelled=False,
            config={**BASE, "minimum_steps": options.pretraining_steps},
        )  # fmt: skip
        events = command("pretrain", images, "--out", folder / "images")
        restored = [e["restored"]["hidden"] for e in events if e["event"] == "epoch"][-1]
        for labels in (8, 16):
            for seed in range(options.seeds):
                labelled = draw(pool, labels, seed)
                for origin, extra in (("chance", {}), ("images", {"transfer": "transfer"})):
                    report = measure(
                        folder, f"{labels}-{seed}-{origin}", labelled, held_out, config=config,
                        seed=seed, **extra,
                    )  # fmt: skip
                    rows.append((labels, seed, origin, report))
                    print(labels, seed, origin, round(report["mean_dice"], 4), flush=True)
    write(options, rows, restored, before, time.monotonic() - began)


def write(
    options: argparse.Namespace, rows: list[tuple[int, int, str, Any]], restored: float,
    before: str, seconds: float,
) -> None:  # fmt: skip
    def dice(labels: int, seed: int, origin: str) -> float:
        return next(float(r["mean_dice"]) for *key, r in rows if key == [labels, seed, origin])

    lines = [
        "# Pre-training on unlabelled images",
        "",
        f"{options.pretraining_steps} steps on 256 unlabelled slices (explaining {restored:.0%} of "
        f"the hidden pixels' variance), then {options.steps} steps on the labels; U-Net "
        f"{NETWORK['widths']}, 96 px. Mean Dice on 72 slices of 6 other patients (grey, white, "
        "lesion).",
        "",
        "| labels | seed | from chance | from images | difference |",
        "|---|---|---|---|---|",
    ]
    for labels in (8, 16):
        pairs = []
        for seed in range(options.seeds):
            pairs.append((dice(labels, seed, "chance"), dice(labels, seed, "images")))
            a, b = pairs[-1]
            lines.append(f"| {labels} | {seed} | {a:.3f} | {b:.3f} | {b - a:+.3f} |")
        a, b = np.mean(pairs, axis=0)
        lines.append(f"| {labels} | mean | {a:.3f} | {b:.3f} | {b - a:+.3f} |")
    lines += [
        "",
        "By class, mean of the seeds:",
        "",
        "| labels | class | from chance | from images |",
    ]
    lines.append("|---|---|---|---|")
    for labels in (8, 16):
        for name in rows[0][3]["classes"]:
            means = [
                np.mean([r["classes"][name]["dice"] or 0.0 for la, _, o, r in rows
                         if (la, o) == (labels, origin)])
                for origin in ("chance", "images")
            ]  # fmt: skip
            lines.append(f"| {labels} | {name} | {means[0]:.3f} | {means[1]:.3f} |")
    lines += ["", f"Taken in {seconds / 60:.0f} min by `benchmarks/pretraining.py` on {before}."]
    options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
