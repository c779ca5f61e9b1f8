"""Does the promotion gate keep worse models out, and how many better ones does it refuse?

    python benchmarks/gate.py [--refreshes 40] [--resampled 200]

Really trained refreshes (U-Net base 8, 64 px) of a cohort of 24 patients: 12 to learn from, 6 held
out for the gate, and 6 that the gate never sees, which say what is true. Labels grow from refresh
to refresh; some are spoilt: boundaries by a trembling hand, classes swapped, two images only, a
learning rate that diverges. Then the gate decides on pairs of these models over resampled gate
patients. The rule and its margin are the product's own (`training.promote.decide`).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "platform")]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reticle.config.settings")
os.environ.setdefault("SECRET_KEY", "benchmark")

import django  # noqa: E402

django.setup()

import selection  # noqa: E402

from annotations.campaigns import training_policy  # noqa: E402
from reticle.simulation.effort import Hand, unsteady  # noqa: E402
from training.ml import checkpoint, device, evaluate, loop  # noqa: E402
from training.ml.aim import Regions  # noqa: E402
from training.ml.config import TrainConfig  # noqa: E402
from training.ml.job import Example  # noqa: E402
from training.ml.loop import Diverged  # noqa: E402
from training.promote import decide  # noqa: E402

ROWS, TABLE = HERE / "gate.jsonl", HERE / "gate.md"
LEARN, GATE = 12, 6
KINDS = ("clean", "clean", "clean", "noise", "flips", "tiny", "clean", "diverges")
POLICY = training_policy({})
MARGIN = float(str(POLICY["margin"]))
TREMBLE = 4.0  # pixels of boundary displacement: far beyond what readers differ by


def spoilt(example: Example, kind: str, folder: Path, seed: int) -> Example:
    """The example with its mask spoilt, in a file of its own."""
    mask = example.labels()
    if kind == "noise":
        mask = unsteady(mask, Hand(jitter_pixels=TREMBLE), np.random.default_rng(seed))
    if kind == "flips" and seed % 2 == 0:
        mask = np.array([0, 2, 1, 3], np.uint8)[mask]
    path = folder / f"{example.id}.{kind}.npy"
    np.save(path, mask)
    return replace(example, mask=path)


def refresh(number: int, learn: Sequence[Example], folder: Path) -> checkpoint.Model | None:
    """Train refresh `number`; None when it diverged."""
    kind = KINDS[number % len(KINDS)]
    rng = np.random.default_rng(number)
    order = rng.permutation(len(learn))
    count = 2 if kind == "tiny" else min(len(learn), 8 + 2 * number)
    picked = [learn[i] for i in order[:count]]
    examples = [spoilt(e, kind, folder, int(rng.integers(1 << 30))) for e in picked]
    changes = {"learning_rate": 1e7, "clip": 1e9} if kind == "diverges" else {}
    config = TrainConfig.parse({**selection.CONFIG, **changes})
    out = folder / "model"
    shutil.rmtree(out, ignore_errors=True)
    try:
        loop.train(
            config, examples, aim=Regions(selection.CLASSES), out=out, cache=folder / "cache",
            seed=number,
        )  # fmt: skip
    except Diverged:
        return None
    return checkpoint.load_model(out)


def measured(model: checkpoint.Model, examples: Sequence[Example], seed: int) -> dict[str, Any]:
    place = device.choose(TrainConfig.parse(selection.CONFIG))
    report = evaluate.evaluate(model, examples, place, seed=seed)
    return {key: report[key] for key in ("cases", "patients", "classes", "mean_dice")}


def trained(count: int) -> list[dict[str, Any]]:
    """All refreshes with their reports on gate and test patients; goes on where it was."""
    rows = [json.loads(line) for line in ROWS.read_text().splitlines()] if ROWS.exists() else []
    with tempfile.TemporaryDirectory() as scratch, ROWS.open("a") as output:
        folder = Path(scratch)
        pool, held = selection.cohort(folder)
        everyone = [*pool, *held]
        learn = [e for e in everyone if int(e.patient) <= LEARN]
        gate = [e for e in everyone if LEARN < int(e.patient) <= LEARN + GATE]
        test = [e for e in everyone if int(e.patient) > LEARN + GATE]
        for number in range(len(rows), count):
            began = time.monotonic()
            model = refresh(number, learn, folder)
            row: dict[str, Any] = {"number": number, "kind": KINDS[number % len(KINDS)]}
            if model is not None:
                row |= {"gate": measured(model, gate, 0), "test": measured(model, test, 0)}
            output.write(json.dumps(row) + "\n")
            output.flush()
            rows.append(row)
            print(number, row["kind"], f"{time.monotonic() - began:.0f} s", flush=True)
    return rows[:count]


RULES: Mapping[str, float | None] = {
    "the product's": None,
    "and the interval's low end above -margin": -MARGIN,
    "and the interval's low end above 0": 0.0,
}
"""What else a rule may ask of a promotion: where the 95 % interval of the mean has to lie."""


def verdict(
    new: Mapping[str, Any], old: Mapping[str, Any] | None, above: float | None = None
) -> str:
    """The product's decision with the product's default policy, or a stricter one."""
    found = decide(
        new, old, floor=0.0, margin=MARGIN, minimum_cases=int(str(POLICY["minimum_held_out"]))
    )
    unsure = above is not None and found.low is not None and found.low < above
    return "reject" if found.verdict == "promote" and unsure else found.verdict


def resampled(report: Mapping[str, Any], patients: Sequence[str]) -> dict[str, Any]:
    """The report over patients drawn with repetition, pooled anew from its cases."""
    own: dict[str, list[dict[str, Any]]] = {}
    for case in report["cases"]:
        own.setdefault(case["patient"], []).append(case)
    cases: list[dict[str, Any]] = []
    by_patient: dict[str, dict[str, float | None]] = {}
    for place, patient in enumerate(patients):
        name = f"{place}:{patient}"
        cases += [{**case, "id": f"{place}:{case['id']}", "patient": name} for case in own[patient]]
        by_patient[name] = report["patients"][patient]
    names = report["classes"]
    found = {name: [row.get(name) for row in by_patient.values()] for name in names}
    dice = {name: [v for v in values if v is not None] for name, values in found.items()}
    classes = {
        name: {"dice": float(np.mean(values)) if values else None} for name, values in dice.items()
    }
    return {"cases": cases, "patients": by_patient, "classes": classes}


def falls(new: Mapping[str, Any], old: Mapping[str, Any]) -> tuple[float, float]:
    """Change of the mean and of the worst class on the test patients (positive: better)."""
    names = [n for n, row in old["classes"].items() if row["dice"] is not None]
    each = [(new["classes"][n]["dice"] or 0.0) - old["classes"][n]["dice"] for n in names]
    return float(np.mean(each)), min(each)


def chain(
    rows: Sequence[dict[str, Any]], above: float | None = None
) -> tuple[list[dict[str, Any]], int]:
    """Let the refreshes come one after another; return the decisions and how many diverged."""
    live: dict[str, Any] | None = None
    decisions, diverged = [], 0
    for row in rows:
        if "gate" not in row:
            diverged += 1
            continue
        found = verdict(row["gate"], live["gate"] if live else None, above)
        change = falls(row["test"], live["test"]) if live else None
        decisions.append({"kind": row["kind"], "verdict": found, "change": change})
        if found == "promote":
            live = row
    return decisions, diverged


def pairs(
    rows: Sequence[dict[str, Any]], count: int, above: float | None = None
) -> list[dict[str, Any]]:
    """Decide on random pairs over gate patients drawn with repetition."""
    rng = np.random.default_rng(0)
    usable = [row for row in rows if "gate" in row]
    found = []
    for _ in range(count):
        first, second = rng.choice(len(usable), 2, replace=False)
        old, new = usable[first], usable[second]
        names = rng.choice(sorted(old["gate"]["patients"]), GATE).tolist()
        word = verdict(resampled(new["gate"], names), resampled(old["gate"], names), above)
        found.append(
            {"kind": new["kind"], "verdict": word, "change": falls(new["test"], old["test"])}
        )
    return found


def line(name: str, decisions: Sequence[dict[str, Any]]) -> str:
    """One row of the table."""
    judged = [d for d in decisions if d["change"] is not None]
    promoted = [d for d in judged if d["verdict"] == "promote"]
    worse = [d for d in promoted if d["change"][0] < -MARGIN]
    classes = [d for d in promoted if d["change"][1] < -MARGIN]
    good = [d for d in judged if d["change"][0] > 0 and d["change"][1] >= -MARGIN]
    refused = [d for d in good if d["verdict"] != "promote"]
    worst = min((d["change"][0] for d in promoted), default=float("nan"))
    return (
        f"| {name} | {len(judged)} | {len(promoted)} | {len(worse)} | {worst:+.3f} | "
        f"{len(classes)} | {len(refused)} of {len(good)} |"
    )


def main() -> None:
    """Train what is not trained, decide, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--refreshes", type=int, default=40)
    parser.add_argument("--resampled", type=int, default=200)
    options = parser.parse_args()
    os.nice(19)
    rows = trained(options.refreshes)
    decisions, diverged = chain(rows)
    others = pairs(rows, options.resampled)
    lines = [
        f"{len(rows)} really trained refreshes ({diverged} diverged and made no model), then "
        f"{len(others)} pairs of them over resampled gate patients. Margin {MARGIN}; what is true "
        f"is measured on {GATE} patients the gate never sees.",
        "",
        "| refreshes | decided | promoted | promoted, mean worse beyond the margin | "
        "worst change of the mean promoted | promoted, some class worse beyond the margin | "
        "better ones refused |",
        "|---|---|---|---|---|---|---|",
        line("one after another", decisions),
    ]
    for kind in dict.fromkeys(KINDS):
        own = [d for d in decisions if d["kind"] == kind]
        if own:
            lines.append(line(f"- {kind}", own))
    lines.append(line("resampled pairs", others))
    for name, above in RULES.items():
        if above is not None:
            lines.append(line(f"one after another, {name}", chain(rows, above)[0]))
            lines.append(line(f"pairs, {name}", pairs(rows, options.resampled, above)))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
