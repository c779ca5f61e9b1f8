"""Does the promotion gate keep worse models out, and how many better ones does it refuse?

    python benchmarks/gate.py [--refreshes 40] [--resampled 200] [--gate-patients 9 6 12]

Really trained refreshes (U-Net base 8, 64 px) of the cohort: 12 patients to learn from, 18 for the
gate, and 24 that the gate never sees, which say what is true. Labels grow from refresh to refresh;
some are spoilt: boundaries by a trembling hand, classes swapped, two images only, a learning rate
that diverges. One after another, and in resampled pairs, the gate decides on nine patients, as a
campaign of 27 or more holds out, on six, as one of 18, and on twelve. There are two sets of
refreshes: the rule was chosen on the first and is judged on the second. The rule and its margin are
the product's own (`training.promote.decide`), without subgroups, which the cohort has none of, and
without the first model's floor. Set, number and place are the seeds of all that is drawn.
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
from training import paired  # noqa: E402
from training.ml import checkpoint, device, evaluate, loop  # noqa: E402
from training.ml.aim import Regions  # noqa: E402
from training.ml.config import TrainConfig  # noqa: E402
from training.ml.job import Example  # noqa: E402
from training.ml.loop import Diverged  # noqa: E402
from training.promote import decide  # noqa: E402

ROWS = HERE / "gate.jsonl"
LEARN, POOL, TRUTH = 12, 18, 24  # patients to learn from, of the gate, and that say what is true
DRAWS = 5  # so often the refreshes come one after another, each time with other gate patients
SETS = ("first set", "second set")
CONFIG = {**selection.CONFIG, "minimum_steps": 400}
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


def refresh(
    number: int, seed: int, learn: Sequence[Example], folder: Path
) -> checkpoint.Model | None:
    """Train refresh `number` of a set; None when it diverged."""
    kind = KINDS[number % len(KINDS)]
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(learn))
    count = 2 if kind == "tiny" else min(len(learn), 8 + 2 * number)
    picked = [learn[i] for i in order[:count]]
    examples = [spoilt(e, kind, folder, int(rng.integers(1 << 30))) for e in picked]
    changes = {"learning_rate": 1e7, "clip": 1e9} if kind == "diverges" else {}
    config = TrainConfig.parse({**CONFIG, **changes})
    out = folder / "model"
    shutil.rmtree(out, ignore_errors=True)
    try:
        loop.train(
            config, examples, aim=Regions(selection.CLASSES), out=out, cache=folder / "cache",
            seed=seed,
        )  # fmt: skip
    except Diverged:
        return None
    return checkpoint.load_model(out)


def measured(model: checkpoint.Model, examples: Sequence[Example], seed: int) -> dict[str, Any]:
    place = device.choose(TrainConfig.parse(CONFIG))
    report = evaluate.evaluate(model, examples, place, seed=seed)
    return {key: report[key] for key in ("cases", "patients", "classes", "mean_dice")}


def trained(count: int) -> dict[str, list[dict[str, Any]]]:
    """All refreshes of each set with their reports; goes on where it was."""
    rows = [json.loads(line) for line in ROWS.read_text().splitlines()] if ROWS.exists() else []
    there = {(row["set"], row["number"]) for row in rows}
    with tempfile.TemporaryDirectory() as scratch, ROWS.open("a") as output:
        folder = Path(scratch)
        numbers = range(1, LEARN + POOL + TRUTH + 1)
        learn, gate, test = (
            selection.slices_of(numbers[begin:end], folder, air=air)
            for begin, end, air in (
                (0, LEARN, True), (LEARN, LEARN + POOL, False), (LEARN + POOL, None, False),
            )
        )  # fmt: skip
        for name, number in ((name, number) for name in SETS for number in range(count)):
            if (name, number) in there:
                continue
            began = time.monotonic()
            model = refresh(number, 1000 * SETS.index(name) + number, learn, folder)
            row: dict[str, Any] = {
                "set": name, "number": number, "kind": KINDS[number % len(KINDS)],
            }  # fmt: skip
            if model is not None:
                row |= {"gate": measured(model, gate, 0), "test": measured(model, test, 0)}
            output.write(json.dumps(row) + "\n")
            output.flush()
            rows.append(row)
            print(name, number, row["kind"], f"{time.monotonic() - began:.0f} s", flush=True)
    return {name: [r for r in rows if r["set"] == name and r["number"] < count] for name in SETS}


RULES: Mapping[str, float] = {
    "80 % sure": 0.8,
    "90 % sure": 0.9,
    "97.5 % sure": 0.975,
}
"""How sure a rule must be, beside the margins, that the mean does not fall."""


def verdict(
    new: Mapping[str, Any], old: Mapping[str, Any] | None, sure: float | None = None
) -> str:
    """The product's decision with the product's default policy, or a stricter one."""
    found = decide(
        new, old, floor=0.0, margin=MARGIN, minimum_cases=int(str(POLICY["minimum_held_out"]))
    )
    unsure = sure is not None and found.certainty is not None and found.certainty < sure
    return "reject" if found.verdict == "promote" and unsure else found.verdict


def resampled(report: Mapping[str, Any], patients: Sequence[str]) -> dict[str, Any]:
    """The report over some of its patients, pooled anew from its cases."""
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
    names = [name for name, row in old["classes"].items() if row["dice"] is not None]
    found = paired.pairs(new, old, names)
    each = [float(np.mean([a - b for a, b in own.values()])) for own in found.values()]
    return float(np.mean(each)), min(each)


def chains(
    rows: Sequence[dict[str, Any]], gate: int, sure: float | None = None
) -> list[dict[str, Any]]:
    """Let the refreshes come one after another, for each draw of `gate` patients; all decisions."""
    rng = np.random.default_rng(1)
    usable = [row for row in rows if "gate" in row]
    found = []
    for _ in range(DRAWS):
        names = drawn(rng, usable[0]["gate"], gate)
        live: dict[str, Any] | None = None
        for row in usable:
            word = verdict(
                resampled(row["gate"], names), resampled(live["gate"], names) if live else None,
                sure,
            )  # fmt: skip
            change = falls(row["test"], live["test"]) if live else None
            found.append({"kind": row["kind"], "verdict": word, "change": change})
            live = row if word == "promote" else live
    return found


def drawn(rng: np.random.Generator, report: Mapping[str, Any], count: int) -> list[str]:
    """Return the patients of a gate."""
    return [str(name) for name in rng.choice(sorted(report["patients"]), count, replace=False)]


def pairs(
    rows: Sequence[dict[str, Any]], count: int, gate: int, sure: float | None = None
) -> list[dict[str, Any]]:
    """Decide on random pairs of refreshes, each over gate patients of its own draw."""
    rng = np.random.default_rng(0)
    usable = [row for row in rows if "gate" in row]
    found = []
    for _ in range(count):
        first, second = rng.choice(len(usable), 2, replace=False)
        old, new = usable[first], usable[second]
        names = drawn(rng, old["gate"], gate)
        word = verdict(resampled(new["gate"], names), resampled(old["gate"], names), sure)
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
    worst = f"{min(d['change'][0] for d in promoted):+.3f}" if promoted else "-"
    return (
        f"| {name} | {len(judged)} | {len(promoted)} | {len(worse)} | {worst} | "
        f"{len(classes)} | {len(refused)} of {len(good)} |"
    )


HEAD = (
    "| decisions | decided | promoted | promoted, mean worse beyond the margin | "
    "worst change of the mean promoted | promoted, some class worse beyond the margin | "
    "better ones refused |\n|---|---|---|---|---|---|---|"
)


def table(rows: Sequence[dict[str, Any]], gates: Sequence[int], resampled: int) -> list[str]:
    """Return the table of a set: each size of a gate, and for the first how sure it must be."""
    found = [HEAD]
    for gate in gates:
        decisions = chains(rows, gate)
        found.append(line(f"{gate} patients, one after another", decisions))
        for kind in dict.fromkeys(KINDS):
            own = [d for d in decisions if d["kind"] == kind and kind != "clean"]
            if own and gate == gates[0]:
                found.append(line(f"- {kind}", own))
        found.append(line(f"{gate} patients, pairs", pairs(rows, resampled, gate)))
    for rule, sure in RULES.items():
        name = f"{gates[0]} patients, {rule}"
        found.append(line(f"{name}, one after another", chains(rows, gates[0], sure)))
        found.append(line(f"{name}, pairs", pairs(rows, resampled, gates[0], sure)))
    return found


def main() -> None:
    """Train what is not trained, decide, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--refreshes", type=int, default=40)
    parser.add_argument("--resampled", type=int, default=200)
    parser.add_argument("--gate-patients", type=int, nargs="+", default=[9, 6, 12])
    options = parser.parse_args()
    os.nice(19)
    for name, rows in trained(options.refreshes).items():
        diverged = sum("gate" not in row for row in rows)
        print(f"\n## {name.capitalize()}: {len(rows)} refreshes, {diverged} diverged\n")
        print("\n".join(table(rows, options.gate_patients, options.resampled)))


if __name__ == "__main__":
    main()
