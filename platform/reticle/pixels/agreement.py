"""How well two masks agree on one class: Dice, IoU, sensitivity, lesions.

    total = sum((counts(p, t, index=1) for p, t in pairs), Counts(0, 0, 0))
    total.dice                          # pooled over the images of one patient

Masks are uint8 label maps (rows, columns). Pixels that the truth marks with ``IGNORE`` (255) count
for nothing. Undefined values are NaN, never a convenient 0 or 1: where both masks are empty the
overlap is NaN (callers leave the case out and count it); where only one is, overlap is 0.
Definitions follow Maier-Hein et al., "Metrics reloaded", Nature Methods 2024. The distances of
edges need MONAI, and are in `training.ml.surfaces`.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

IGNORE = 255

Mask = npt.NDArray[np.uint8]
Region = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Counts:
    """Pixels of one class: true positive, false positive, false negative. Counts add up."""

    tp: int
    fp: int
    fn: int

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    @property
    def dice(self) -> float:
        """2 tp / (2 tp + fp + fn); NaN when prediction and truth are both empty."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def iou(self) -> float:
        """tp / (tp + fp + fn); NaN when prediction and truth are both empty."""
        return _ratio(self.tp, self.tp + self.fp + self.fn)

    @property
    def sensitivity(self) -> float:
        """tp / (tp + fn); NaN when the truth is empty."""
        return _ratio(self.tp, self.tp + self.fn)


@dataclass(frozen=True, slots=True)
class Lesions:
    """Connected areas: of the truth found and missed, of the prediction false. They add up."""

    found: int
    missed: int
    false: int

    def __add__(self, other: "Lesions") -> "Lesions":
        return Lesions(
            self.found + other.found, self.missed + other.missed, self.false + other.false
        )

    @property
    def sensitivity(self) -> float:
        """found / (found + missed); NaN where the truth has none."""
        return _ratio(self.found, self.found + self.missed)


def counts(prediction: Mask, truth: Mask, index: int) -> Counts:
    """Count the pixels of class ``index`` that agree and differ.

    ``prediction`` and ``truth`` are (rows, columns) or any equal shapes. Raises ValueError when the
    shapes differ or ``index`` is ``IGNORE``.
    """
    predicted, true = regions(prediction, truth, index)
    tp = int(np.count_nonzero(predicted & true))
    return Counts(
        tp=tp,
        fp=int(np.count_nonzero(predicted)) - tp,
        fn=int(np.count_nonzero(true)) - tp,
    )


def dice(prediction: Mask, truth: Mask, index: int) -> float:
    """2 |P and T| / (|P| + |T|) of class ``index``, 0..1; both empty NaN, one empty 0."""
    return counts(prediction, truth, index).dice


def iou(prediction: Mask, truth: Mask, index: int) -> float:
    """|P and T| / |P or T| of class ``index``, 0..1; both empty NaN, one empty 0."""
    return counts(prediction, truth, index).iou


def sensitivity(prediction: Mask, truth: Mask, index: int) -> float:
    """|P and T| / |T| of class ``index``, 0..1; NaN when the truth is empty."""
    return counts(prediction, truth, index).sensitivity


def lesions(prediction: Mask, truth: Mask, index: int) -> Lesions:
    """Count areas (8-neighbourhood): a lesion is found when any of its pixels is predicted.

    A predicted area without any pixel of the truth is false. Areas touching by a corner are one.
    """
    predicted, true = regions(prediction, truth, index)
    around = np.ones((3,) * predicted.ndim)
    areas, count = ndimage.label(true, around)
    guesses, guessed = ndimage.label(predicted, around)
    found = len(np.setdiff1d(areas[predicted], [0]))
    right = len(np.setdiff1d(guesses[true], [0]))
    return Lesions(found, count - found, guessed - right)


def regions(prediction: Mask, truth: Mask, index: int) -> tuple[Region, Region]:
    """Where the prediction, and where the truth, shows class ``index``; nowhere that is ignored.

    Raises ValueError when the shapes differ or ``index`` is ``IGNORE``.
    """
    if prediction.shape != truth.shape:
        raise ValueError(
            f"masks of shapes {prediction.shape} and {truth.shape} cannot be compared: "
            "resample the prediction to the truth first"
        )
    if not 0 <= index < IGNORE:
        raise ValueError(f"class index {index} is not within 0..{IGNORE - 1}")
    return (prediction == index) & (truth != IGNORE), truth == index


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
