"""How good a model is on examples with known truth: a report per case, patient and class.

HD95 and surface Dice are in mm where the image has a spacing, else in pixels; an image without
the class in truth or prediction has no HD95, and is counted as missing. Lesions are connected
areas. A patient's Dice pools the pixels of all their images; a class's Dice is the mean over
patients. All intervals are by a bootstrap over patients: images of one are not independent.
Patients without the class in truth or prediction are left out of its mean, and counted. The mean
over classes takes those that some truth shows, whatever the model draws: else two models would be
compared by different classes on the same cases.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from reticle.pixels.agreement import Counts, Lesions, counts, lesions
from training.ml.calibrate import Calibration, near_structures
from training.ml.checkpoint import Ensemble, Model
from training.ml.config import IGNORE
from training.ml.device import Place
from training.ml.infer import Prediction, predict
from training.ml.job import Example, JobError, LabelClass
from training.ml.preprocess import Mask
from training.ml.resample import bootstrap, interval
from training.ml.surfaces import Surface, distances

SURFACE = 2.0
"""Tolerance of the surface Dice: mm where spacing is known, else pixels."""

Pooled = dict[str, dict[str, Counts]]
"""Counts by patient and class name."""


def evaluate(
    model: Model | Ensemble, examples: Sequence[Example], place: Place, *, seed: int
) -> dict[str, Any]:
    """The report as JSON values (see the module). Raises JobError for unusable examples."""
    return report_of(model.classes, examples, lambda e: predict(model, e, place), seed=seed)


def report_of(
    classes: Sequence[LabelClass],
    examples: Sequence[Example],
    ask: Callable[[Example], Prediction],
    *,
    seed: int,
) -> dict[str, Any]:
    """The report on whatever answers `ask`. Raises JobError for unusable examples."""
    if not examples:
        raise JobError("no_examples", "examples.json: evaluation needs at least one example")
    calibration = Calibration(seed)
    labels = np.array([0, *(item.index for item in classes)], np.uint8)
    shapes: dict[str, list[Shape]] = {item.name: [] for item in classes}
    cases: list[dict[str, Any]] = []
    pooled: Pooled = defaultdict(lambda: defaultdict(lambda: Counts(0, 0, 0)))
    majority: Pooled = defaultdict(lambda: defaultdict(lambda: Counts(0, 0, 0)))
    common = _most_common(examples, classes)
    for example in examples:
        truth = known_truth(example, classes)
        prediction = ask(example)
        mask = prediction.mask(classes)
        if mask.shape != truth.shape:
            raise JobError("bad_mask", f"mask of {example.id}: shape differs from its image")
        near = near_structures(prediction.values, mask, truth, labels)
        calibration.add(example.patient, *near)
        for item in classes:
            shapes[item.name].append(shape_of(example, mask, truth, item.index))
        found = {c.name: counts(mask, truth, c.index) for c in classes}
        flat = np.full_like(truth, common)
        for item in classes:
            pooled[example.patient][item.name] += found[item.name]
            majority[example.patient][item.name] += counts(flat, truth, item.index)
        cases.append({"id": example.id, "patient": example.patient, "classes": _rows(found)})
    summaries = {
        c.name: {**_class_summary(c.name, pooled, seed), **shape_summary(shapes[c.name], seed)}
        for c in classes
    }
    flat_dice = {c.name: _class_summary(c.name, majority, seed)["dice"] for c in classes}
    shown = [name for name in summaries if any(by[name].tp + by[name].fn for by in pooled.values())]
    return {
        "cases": cases,
        "patients": {
            patient: {name: _number(total.dice) for name, total in by_class.items()}
            for patient, by_class in pooled.items()
        },
        "classes": summaries,
        "mean_dice": _mean(summaries[name]["dice"] for name in shown),
        "majority_dice": _mean(flat_dice[name] for name in shown),
        "majority_by_class": flat_dice,
        "shapes": shapes_by_patient(shapes),
        **calibration.report(),
    }


def known_truth(example: Example, classes: Sequence[LabelClass]) -> Mask:
    """The truth (rows, columns) with labels of no known class turned to `ignore`."""
    truth = example.labels().copy()
    truth[channel_of(classes)[truth] == IGNORE] = IGNORE
    return truth


def dice_by_class(
    model: Model | Ensemble, examples: Sequence[Example], place: Place
) -> dict[str, float]:
    """Dice per class pooled over all examples; NaN where a class is in neither mask."""
    totals = {item.name: Counts(0, 0, 0) for item in model.classes}
    for example in examples:
        mask = predict(model, example, place).mask(model.classes)
        truth = known_truth(example, model.classes)
        for item in model.classes:
            totals[item.name] += counts(mask, truth, item.index)
    return {name: total.dice for name, total in totals.items()}


def channel_of(classes: Sequence[LabelClass]) -> npt.NDArray[np.uint8]:
    """Table from mask value to channel: (256,) uint8; values of no class are ignored."""
    table = np.full(256, IGNORE, dtype=np.uint8)
    table[0] = 0
    for channel, item in enumerate(classes, start=1):
        table[item.index] = channel
    return table


@dataclass(frozen=True)
class Shape:
    """Of one class in one image: distance of the edges, and areas found, missed and false."""

    patient: str
    hd95: float
    """NaN where truth or prediction lacks the class."""
    surface: Surface
    lesions: Lesions
    shown: bool
    """Whether truth or prediction has the class."""


def shape_of(example: Example, mask: Mask, truth: Mask, index: int) -> Shape:
    """Compare one class of two masks (H, W)."""
    apart = distances(mask, truth, index, example.spacing)
    return Shape(
        patient=example.patient,
        hd95=apart.hd95,
        surface=apart.within(SURFACE),
        lesions=lesions(mask, truth, index),
        shown=bool((truth == index).any() or ((mask == index) & (truth != IGNORE)).any()),
    )


def shape_summary(shapes: Sequence[Shape], seed: int) -> dict[str, Any]:
    """Over one class's images: distances as means over patients, areas summed; with intervals."""
    distances: dict[str, list[float]] = defaultdict(list)
    edges: dict[str, Surface] = defaultdict(lambda: Surface(0, 0))
    areas: dict[str, Lesions] = defaultdict(lambda: Lesions(0, 0, 0))
    for one in shapes:
        if not math.isnan(one.hd95):
            distances[one.patient].append(one.hd95)
        edges[one.patient] += one.surface
        areas[one.patient] += one.lesions
    far = [sum(own) / len(own) for own in distances.values()]
    near = [edge.dice for edge in edges.values()]
    images = Counter(one.patient for one in shapes)
    total = sum(areas.values(), Lesions(0, 0, 0))
    true = [own.found + own.missed for own in areas.values()]
    return {
        "hd95": _mean(far),
        **interval("hd95", far, seed),
        "hd95_missing": sum(one.shown and math.isnan(one.hd95) for one in shapes),
        "surface_dice": _mean(_number(value) for value in near),
        **interval("surface_dice", near, seed),
        "lesions": sum(true),
        "lesion_sensitivity": _number(total.sensitivity),
        **interval("lesion_sensitivity", [own.found for own in areas.values()], seed, true),
        "false_positives_per_image": total.false / len(shapes) if shapes else None,
        **interval(
            "false_positives_per_image", [own.false for own in areas.values()], seed,
            [images[patient] for patient in areas],
        ),
    }  # fmt: skip


def shapes_by_patient(shapes: Mapping[str, Sequence[Shape]]) -> dict[str, Any]:
    """By patient and class {found, missed, false, images, hd95}: areas summed, HD95 as a mean."""
    found: dict[str, dict[str, list[Shape]]] = defaultdict(lambda: defaultdict(list))
    for name, rows in shapes.items():
        for one in rows:
            found[one.patient][name].append(one)
    return {
        patient: {name: _shape_row(own) for name, own in by_class.items()}
        for patient, by_class in found.items()
    }


def _shape_row(shapes: Sequence[Shape]) -> dict[str, float | None]:
    areas = sum((one.lesions for one in shapes), Lesions(0, 0, 0))
    return {
        "found": areas.found, "missed": areas.missed, "false": areas.false,
        "images": len(shapes), "hd95": _mean(_number(one.hd95) for one in shapes),
    }  # fmt: skip


def _class_summary(
    name: str, pooled: Mapping[str, Mapping[str, Counts]], seed: int
) -> dict[str, Any]:
    totals = [by_class[name] for by_class in pooled.values()]
    values = np.array([total.dice for total in totals if not math.isnan(total.dice)])
    low, high = bootstrap(values, np.ones(len(values)), seed)
    true = [total.tp + total.fn for total in totals]
    return {
        "dice": float(values.mean()) if len(values) else None,
        "iou": _mean(_number(total.iou) for total in totals),
        **interval("iou", [total.iou for total in totals], seed),
        "low": low,
        "high": high,
        "sensitivity": _number(sum(totals, Counts(0, 0, 0)).sensitivity),
        **interval("sensitivity", [total.tp for total in totals], seed, true),
        "patients": len(values),
        "left_out": len(totals) - len(values),
    }


def _most_common(examples: Iterable[Example], classes: Sequence[LabelClass]) -> int:
    """The class (background aside) with the most pixels, as its label value."""
    present = sum(np.bincount(e.labels().ravel(), minlength=256) for e in examples)
    return max(classes, key=lambda item: int(np.asarray(present)[item.index])).index


def _rows(found: Mapping[str, Counts]) -> dict[str, dict[str, float | None]]:
    return {
        name: {"tp": row.tp, "fp": row.fp, "fn": row.fn, "dice": _number(row.dice)}
        for name, row in found.items()
    }


def _mean(values: Iterable[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return sum(present) / len(present) if present else None


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
