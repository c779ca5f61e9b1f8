"""How far the edges of two masks of one class are apart: HD95 and surface Dice, by MONAI.

Edges are a region's own pixels that touch its outside or the border of the image. Pixels that the
truth marks with `ignore` belong to neither region. Distances are in mm where the image has a
spacing, else in pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from monai.metrics.utils import get_mask_edges, get_surface_distance

from reticle.pixels.agreement import regions
from training.ml.preprocess import Floats, Mask


@dataclass(frozen=True, slots=True)
class Surface:
    """Edge pixels of both masks, and those within a tolerance of the other's. They add up."""

    near: int
    total: int

    def __add__(self, other: Surface) -> Surface:
        return Surface(self.near + other.near, self.total + other.total)

    @property
    def dice(self) -> float:
        """near / total; NaN when both masks are empty.

        Source: Nikolov et al., "Deep learning to achieve clinically applicable segmentation of head
        and neck anatomy", 2018, by pixels of the edge.
        """
        return self.near / self.total if self.total else math.nan


@dataclass(frozen=True)
class Distances:
    """From each edge pixel of one mask to the nearest of the other; infinite where it has none."""

    to_truth: Floats
    """(edge pixels of the prediction,)"""
    to_prediction: Floats
    """(edge pixels of the truth,)"""

    @property
    def hd95(self) -> float:
        """The larger of both directions' 95th percentiles; NaN when either mask is empty.

        Source: Huttenlocher et al. 1993, with the percentile per direction as in MONAI.
        """
        if not len(self.to_truth) or not len(self.to_prediction):
            return math.nan
        return float(max(np.percentile(self.to_truth, 95), np.percentile(self.to_prediction, 95)))

    def within(self, tolerance: float) -> Surface:
        """Count the edge pixels that are not farther than `tolerance`."""
        both = np.concatenate((self.to_truth, self.to_prediction))
        return Surface(int(np.count_nonzero(both <= tolerance)), len(both))


def distances(
    prediction: Mask, truth: Mask, index: int, spacing: tuple[float, float] | None = None
) -> Distances:
    """Compare class `index` of two masks (rows, columns); `spacing` is mm per row and column.

    Raises ValueError when the shapes differ or `index` is `ignore`.
    """
    ours, theirs = get_mask_edges(*regions(prediction, truth, index))
    if not ours.any() or not theirs.any():
        return Distances(*(np.full(edge.sum(), np.inf, np.float32) for edge in (ours, theirs)))
    ways = ((ours, theirs), (theirs, ours))
    return Distances(*(np.asarray(get_surface_distance(*way, spacing=spacing)) for way in ways))
