"""How good a model is on examples with known truth: a report per case, patient and class.

A patient's Dice pools the pixels of all their images; a class's Dice is the mean over patients,
with a bootstrap over patients for its interval, since images of one patient are not independent.
Patients without the class in truth or prediction are left out of its mean, and counted.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from reticle.pixels.agreement import Counts, counts
from training.ml.checkpoint import Model
from training.ml.config import IGNORE
from training.ml.data import channel_of
from training.ml.device import Place
from training.ml.infer import predict
from training.ml.job import Example, JobError, LabelClass
from training.ml.preprocess import Floats, Mask

_RESAMPLES = 1000
_BINS = 15
_NEAR = 5

Pooled = dict[str, dict[str, Counts]]
"""Counts by patient and class name."""


def evaluate(
    model: Model, examples: Sequence[Example], place: Place, *, seed: int
) -> dict[str, Any]:
    """The report as JSON values (see the module). Raises JobError for unusable examples."""
    if not examples:
        raise JobError("no_examples", "examples.json: evaluation needs at least one example")
    calibration = Calibration()
    cases: list[dict[str, Any]] = []
    pooled: Pooled = defaultdict(lambda: defaultdict(lambda: Counts(0, 0, 0)))
    majority: Pooled = defaultdict(lambda: defaultdict(lambda: Counts(0, 0, 0)))
    common = _most_common(examples, model.classes)
    for example in examples:
        truth = known_truth(example, model.classes)
        prediction = predict(model, example, place)
        mask = prediction.mask(model)
        if mask.shape != truth.shape:
            raise JobError("bad_mask", f"mask of {example.id}: shape differs from its image")
        calibration.add(prediction.values, mask, truth)
        found = {c.name: counts(mask, truth, c.index) for c in model.classes}
        flat = np.full_like(truth, common)
        for item in model.classes:
            pooled[example.patient][item.name] += found[item.name]
            majority[example.patient][item.name] += counts(flat, truth, item.index)
        cases.append({"id": example.id, "patient": example.patient, "classes": _rows(found)})
    classes = {c.name: _class_summary(c.name, pooled, seed) for c in model.classes}
    return {
        "cases": cases,
        "patients": {
            patient: {name: _number(total.dice) for name, total in by_class.items()}
            for patient, by_class in pooled.items()
        },
        "classes": classes,
        "mean_dice": _mean(row["dice"] for row in classes.values()),
        "majority_dice": _mean(
            _class_summary(c.name, majority, seed)["dice"] for c in model.classes
        ),
        "ece": calibration.error(),
    }


def known_truth(example: Example, classes: Sequence[LabelClass]) -> Mask:
    """The truth (rows, columns) with labels of no known class turned to `ignore`."""
    truth = example.labels().copy()
    truth[channel_of(classes)[truth] == IGNORE] = IGNORE
    return truth


def dice_by_class(model: Model, examples: Sequence[Example], place: Place) -> dict[str, float]:
    """Dice per class pooled over all examples; NaN where a class is in neither mask."""
    totals = {item.name: Counts(0, 0, 0) for item in model.classes}
    for example in examples:
        mask = predict(model, example, place).mask(model)
        truth = known_truth(example, model.classes)
        for item in model.classes:
            totals[item.name] += counts(mask, truth, item.index)
    return {name: total.dice for name, total in totals.items()}


class Calibration:
    """Expected calibration error near structures: sum_b n_b / n |accuracy_b - confidence_b|.

    15 equal bins of the largest probability (Guo et al., "On calibration of modern neural
    networks", 2017), over pixels within 5 px of any class in truth or prediction: over whole
    images, easy background would hide everything.
    """

    def __init__(self) -> None:
        self._sums = np.zeros((3, _BINS))  # pixels, correct, confidence

    def add(self, values: Floats, mask: Mask, truth: Mask) -> None:
        """Count one image: probabilities (1 + classes, H, W), label masks (H, W)."""
        shown = (mask > 0) | ((truth > 0) & (truth != IGNORE))
        near = ndimage.binary_dilation(shown, iterations=_NEAR) & (truth != IGNORE)
        confidence = values.max(axis=0)[near].astype(np.float64)
        correct = (mask == truth)[near].astype(np.float64)
        bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
        for row, weights in enumerate((np.ones_like(correct), correct, confidence)):
            self._sums[row] += np.bincount(bins, weights=weights, minlength=_BINS)

    def error(self) -> float | None:
        """The error, 0..1; None when no image showed or was given any class."""
        pixels, correct, confidence = self._sums
        return float(np.abs(correct - confidence).sum() / pixels.sum()) if pixels.sum() else None


def bootstrap(values: npt.NDArray[np.float64], seed: int) -> tuple[float | None, float | None]:
    """2.5 and 97.5 percentiles of the mean over resampled values (N,); None below two values."""
    if len(values) < 2:
        return None, None
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, len(values), (_RESAMPLES, len(values)))
    low, high = np.percentile(values[picks].mean(axis=1), (2.5, 97.5))
    return float(low), float(high)


def _class_summary(
    name: str, pooled: Mapping[str, Mapping[str, Counts]], seed: int
) -> dict[str, Any]:
    totals = [by_class[name] for by_class in pooled.values()]
    values = np.array([total.dice for total in totals if not math.isnan(total.dice)])
    low, high = bootstrap(values, seed)
    return {
        "dice": float(values.mean()) if len(values) else None,
        "low": low,
        "high": high,
        "sensitivity": _number(sum(totals, Counts(0, 0, 0)).sensitivity),
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
