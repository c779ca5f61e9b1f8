"""How many labels a strategy needs: the real training, prediction and selection code, no people.

    python benchmarks/selection.py [--seeds 5] [--few 2] [--only NAME ...] [--hours 2]
    python benchmarks/selection.py --report-only

A cohort of 24 patients (docs/data.md; 64 px, 16 slices) is split by patient: 16 give the pool, 8
are held out. A scan begins and ends outside the head: 4 slices of air and noise are added at either
end of a pool patient. A run begins with 8 labels by chance over patients, then five times trains a
model from scratch (U-Net, base 8), measures it on the held-out patients, scores the pool and takes
the next labels in the order that `select_order` gives. Labels are the true masks. The first model
of a seed is the same in every arm and trained once. Each run is kept as a line in selection.jsonl
as soon as it is done, so a stopped benchmark goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

BASE = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(BASE), str(BASE / "platform")]

from reticle.demo.cohort import make_patient  # noqa: E402
from reticle.demo.template import load_template  # noqa: E402
from training.ml import acquire, checkpoint, device, evaluate, loop, measures  # noqa: E402
from training.ml.aim import Regions  # noqa: E402
from training.ml.config import TrainConfig  # noqa: E402
from training.ml.infer import Extra, Passes, predict, score  # noqa: E402
from training.ml.job import Example, LabelClass  # noqa: E402

Array = npt.NDArray[Any]
HERE = Path(__file__).parent
ROWS, TABLE, PICTURE = (HERE / f"selection.{kind}" for kind in ("jsonl", "md", "png"))
PATIENTS, HELD_OUT, SLICES, SIZE, COHORT = 24, 8, 16, 64, 7
AIR = 4  # slices outside the head, at either end of a pool patient
BUDGETS = (8, 16, 28, 44, 64)
CLASSES = tuple(LabelClass(i + 1, name) for i, name in enumerate(("grey", "white", "lesion")))
CONFIG: dict[str, Any] = {
    "preset": "tiny", "longest": 64, "epochs": 1, "minimum_steps": 800, "batch": 8, "threads": 1,
    "network": {"widths": [8, 16, 32, 64], "dropout": 0.1},
    "augment": {"elastic": 0.0, "bias": 0.0, "blur": 0.0},
}  # fmt: skip
MAIN = ("random", "foreground", "entropy", "stratified", "power", "badge")
THIRD = 1 / 3
"""Chance's share in the arms named +1/3, as campaigns have it."""


def arms(seeds: int, few: int) -> list[tuple[str, str, float, Passes, int]]:
    """Return (name, strategy, random share, passes, seed) of all runs, main arms first."""
    main = [(name, name, 0.0, "none") for name in MAIN]
    main += [("stratified +1/3", "stratified", THIRD, "none")]
    rest: list[tuple[str, str, float, Passes]] = [
        (name, name, 0.0, "none")
        for name in ("least_confidence", "margin", "softmax", "class_balanced", "core_set",
                     "k_means", "disagreement")
    ]  # fmt: skip
    rest += [("bald (dropout)", "bald", 0.0, "dropout"), ("bald (mirror)", "bald", 0.0, "mirror")]
    rest += [("variance (mirror)", "variance", 0.0, "mirror")]
    rest += [(f"{name} +1/3", name, THIRD, "none") for name in ("foreground", "class_balanced")]
    found = [(*arm, seed) for seed in range(seeds) for arm in main]
    return [*found, *((*arm, seed) for seed in range(few) for arm in rest)]  # type: ignore[list-item]


def cohort(folder: Path) -> tuple[list[Example], list[Example]]:
    """Write the cohort's slices as job files; return (pool, held out)."""
    within = PATIENTS - HELD_OUT
    pool = slices_of(range(1, within + 1), folder, air=True)
    return pool, slices_of(range(within + 1, PATIENTS + 1), folder, air=False)


def slices_of(patients: Sequence[int], folder: Path, *, air: bool) -> list[Example]:
    """Write all slices of patients of the cohort as job files."""
    template = load_template()
    found: list[Example] = []
    for number in patients:
        _, scan = make_patient(template, number, SLICES, SIZE, COHORT)
        axis = int(np.argmin(scan.samples.shape))
        samples, labels = (np.moveaxis(part, axis, 0) for part in (scan.samples, scan.labels))
        if air:
            samples, labels = with_air(samples, labels, number)
        for index, (picture, truth) in enumerate(zip(samples, labels, strict=True)):
            name = f"{number:02d}-{index:02d}"
            image, mask = folder / f"{name}.npy", folder / f"{name}.mask.npy"
            np.save(image, np.ascontiguousarray(picture))
            np.save(mask, np.ascontiguousarray(truth))
            found.append(
                Example(id=name, image=image, mask=mask, patient=str(number), spacing=None)
            )
    return found


def with_air(samples: Array, labels: Array, seed: int) -> tuple[Array, Array]:
    """Add slices of air at either end of a scan (slices, rows, columns): its own corners' noise."""
    corners = np.concatenate([samples[:, :6, :6].ravel(), samples[:, -6:, -6:].ravel()])
    shape = (2 * AIR, *samples.shape[1:])
    air = np.random.default_rng(seed).choice(corners, shape).astype(samples.dtype)
    nothing = np.zeros((AIR, *labels.shape[1:]), labels.dtype)
    return (
        np.concatenate([air[:AIR], samples, air[AIR:]]),
        np.concatenate([nothing, labels, nothing]),
    )


def fit(examples: Sequence[Example], seed: int, folder: Path) -> checkpoint.Model:
    """Train a model from scratch as a campaign does."""
    shutil.rmtree(folder, ignore_errors=True)
    loop.train(
        TrainConfig.parse(CONFIG),
        examples,
        aim=Regions(CLASSES),
        out=folder,
        cache=folder.with_name("cache"),
        seed=seed,
    )
    return checkpoint.load_model(folder)


def scored(
    model: checkpoint.Model, rest: Sequence[Example], labelled: Sequence[Example],
    before: dict[str, Any], passes: Passes,
) -> tuple[acquire.Pool, dict[str, Any]]:  # fmt: skip
    """Score the pool; `before` holds the previous model's masks for disagreement."""
    place = device.choose(TrainConfig.parse(CONFIG))
    extra = Extra(passes, gradient=True, measures=True)
    found = [predict(model, example, place, extra) for example in rest]
    scores = [score(one, CLASSES) for one in found]
    masks = {example.id: one.mask(CLASSES) for example, one in zip(rest, found, strict=True)}
    by_name = {name: np.array([s.measures[name] for s in scores]) for name in scores[0].measures}
    by_name["disagreement"] = np.array(
        [measures.disagreement(masks[e.id], before[e.id]) if e.id in before else np.nan
         for e in rest]
    )  # fmt: skip
    known = [predict(model, example, place).embedding for example in labelled]
    pool = acquire.Pool(
        patients=[e.patient for e in rest],
        positions=[int(e.id.split("-")[1]) for e in rest],
        class_scores=np.array([[s.classes[c.name] for c in CLASSES] for s in scores]),
        measures=by_name,
        foreground=np.array([s.foreground for s in scores]),
        features=np.stack([one.embedding for one in found]),
        gradients=np.stack([one.gradient for one in found if one.gradient is not None]),
        labelled=np.stack(known),
    )
    return pool, masks


def one_run(
    pool: Sequence[Example], held: Sequence[Example], arm: tuple[str, str, float, Passes, int],
    folder: Path,
) -> dict[str, Any]:  # fmt: skip
    """Five rounds of one arm; returns its line for selection.jsonl."""
    name, strategy, share, passes, seed = arm
    # The first labels and all seeds of training are the same for every arm of a seed.
    everything = acquire.Pool([e.patient for e in pool], [0] * len(pool), np.zeros((len(pool), 1)))
    order = acquire.select_order(everything, strategy="random", random_share=1.0, seed=seed)
    chosen = [place.index for place in order[: BUDGETS[0]]]
    before: dict[str, Any] = {}
    curve = []
    for number, budget in enumerate(BUDGETS):
        labelled = [pool[i] for i in chosen]
        first = folder.with_name(f"first-{seed}")
        if number or not (first / "model.json").exists():
            model = fit(labelled, 100 * seed + number, folder if number else first)
        else:
            model = checkpoint.load_model(first)
        place = device.choose(TrainConfig.parse(CONFIG))
        report = evaluate.evaluate(model, held, place, seed=seed)
        curve.append(
            {
                "labels": budget,
                "dice": report["mean_dice"],
                "classes": {key: row["dice"] for key, row in report["classes"].items()},
                "painted": int(sum(np.count_nonzero(e.labels()) for e in labelled)),
                "lesions": int(sum((e.labels() == len(CLASSES)).any() for e in labelled)),
                "empty": int(sum(not e.labels().any() for e in labelled)),
            }
        )
        if number + 1 == len(BUDGETS):
            break
        rest = [i for i in range(len(pool)) if i not in set(chosen)]
        candidates, before = scored(
            model, [pool[i] for i in rest], labelled, before, passes
        )  # fmt: skip
        ranked = acquire.select_order(
            candidates, strategy=strategy, random_share=share, seed=1000 * seed + number
        )
        chosen += [rest[place.index] for place in ranked[: BUDGETS[number + 1] - budget]]
    return {"arm": name, "seed": seed, "curve": curve}


def full(
    pool: Sequence[Example], held: Sequence[Example], seed: int, folder: Path
) -> dict[str, Any]:
    """A model of the whole pool, given twice the steps."""
    config = TrainConfig.parse({**CONFIG, "minimum_steps": 2 * CONFIG["minimum_steps"]})
    shutil.rmtree(folder, ignore_errors=True)
    loop.train(
        config, pool, aim=Regions(CLASSES), out=folder, cache=folder.with_name("cache"), seed=seed
    )
    report = evaluate.evaluate(
        checkpoint.load_model(folder), held, device.choose(config), seed=seed
    )
    classes = {key: row["dice"] for key, row in report["classes"].items()}
    return {"arm": "full", "seed": seed, "dice": report["mean_dice"], "classes": classes,
            "labels": len(pool)}  # fmt: skip


def area(curve: Sequence[dict[str, Any]]) -> float:
    """Mean Dice over the label axis: the area under the learning curve by trapezoids."""
    labels = np.array([point["labels"] for point in curve], float)
    dice = np.array([point["dice"] for point in curve])
    steps = np.diff(labels)
    return float((steps * (dice[1:] + dice[:-1]) / 2).sum() / steps.sum())


def needed(curve: Sequence[dict[str, Any]], goal: float) -> float:
    """Labels at which the curve first reaches the goal, between points by a line; inf if never."""
    for one, two in pairwise(curve):
        if one["dice"] >= goal:
            return float(one["labels"])
        if two["dice"] >= goal:
            part = (goal - one["dice"]) / (two["dice"] - one["dice"])
            return float(one["labels"] + part * (two["labels"] - one["labels"]))
    return float("inf")


def _spread(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{np.mean(values):.3f} ({low:.3f} to {high:.3f})"


def report(rows: Sequence[dict[str, Any]]) -> str:
    """The table, every arm beside chance with the same seeds."""
    whole = [row for row in rows if row["arm"] == "full"]
    runs = [row for row in rows if row["arm"] != "full"]
    goal = 0.95 * float(np.mean([row["dice"] for row in whole])) if whole else float("nan")
    chance = {row["seed"]: row["curve"] for row in runs if row["arm"] == "random"}
    names = sorted(
        {row["arm"] for row in runs},
        key=lambda name: -float(np.mean([area(r["curve"]) for r in runs if r["arm"] == name])),
    )
    lines = [
        "| arm | seeds | area | minus chance, same seeds | seeds better | labels for 95 % | "
        "Dice at 64 | lesion at 64 | lesion slices | empty slices | pixels painted |",
        "|" + "---|" * 11,
    ]
    for name in names:
        own = [row for row in runs if row["arm"] == name]
        gains = [area(r["curve"]) - area(chance[r["seed"]]) for r in own if r["seed"] in chance]
        reach = [needed(row["curve"], goal) for row in own]
        last = [row["curve"][-1] for row in own]
        middle = float(np.median(reach))
        lines.append(
            f"| {name} | {len(own)} | {_spread([area(r['curve']) for r in own])} | "
            f"{np.mean(gains):+.3f} ({min(gains):+.3f} to {max(gains):+.3f}) | "
            f"{sum(g > 0 for g in gains)} of {len(gains)} | "
            f"{'over 64' if middle == float('inf') else f'{middle:.0f}'} | "
            f"{np.mean([p['dice'] for p in last]):.3f} | "
            f"{np.mean([p['classes']['lesion'] or 0 for p in last]):.3f} | "
            f"{np.mean([p['lesions'] for p in last]):.1f} | "
            f"{np.mean([p['empty'] for p in last]):.1f} | "
            f"{np.mean([p['painted'] for p in last]):.0f} |"
        )
    if whole:
        labels = whole[0]["labels"]
        lines += ["", f"All {labels} labels of the pool: mean Dice "
                  f"{_spread([row['dice'] for row in whole])} over {len(whole)} seeds; 95 % of it "
                  f"is {goal:.3f}."]  # fmt: skip
    return "\n".join(lines)


def draw(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """The main arms' learning curves, mean over seeds."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.2))
    for name in (*MAIN, "stratified +1/3"):
        own = [row["curve"] for row in rows if row["arm"] == name]
        if not own:
            continue
        dice = np.array([[point["dice"] for point in curve] for curve in own])
        (line,) = axes.plot(BUDGETS, dice.mean(axis=0), marker="o", label=name)
        axes.fill_between(
            BUDGETS, dice.min(axis=0), dice.max(axis=0), alpha=0.1, color=line.get_color()
        )
    axes.set(xlabel="labels", ylabel="mean Dice on held-out patients")
    axes.legend(fontsize=8, title="mean; band: all seeds")
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def main() -> None:
    """Do the runs that are not done, then write table and picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--few", type=int, default=2, help="seeds of the arms that are not main")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--hours", type=float, default=24.0, help="begin no run after this")
    parser.add_argument("--report-only", action="store_true")
    options = parser.parse_args()
    rows = [json.loads(line) for line in ROWS.read_text().splitlines()] if ROWS.exists() else []
    done = {(row["arm"], row["seed"]) for row in rows}
    began = time.monotonic()
    if not options.report_only:
        os.nice(19)
        with tempfile.TemporaryDirectory() as scratch, ROWS.open("a") as output:
            folder = Path(scratch)
            pool, held = cohort(folder)

            def keep(row: dict[str, Any]) -> None:
                output.write(json.dumps(row) + "\n")
                output.flush()
                rows.append(row)
                print(row["arm"], row["seed"], f"{time.monotonic() - began:.0f} s", flush=True)

            for seed in range(3):
                if ("full", seed) not in done:
                    keep(full(pool, held, seed, folder / "model"))
            for arm in arms(options.seeds, options.few):
                late = time.monotonic() - began > options.hours * 3600
                if (
                    late
                    or (arm[0], arm[-1]) in done
                    or (options.only and arm[0] not in options.only)
                ):
                    continue
                keep(one_run(pool, held, arm, folder / "model"))
    print(report(rows))
    draw(rows, PICTURE)


if __name__ == "__main__":
    main()
