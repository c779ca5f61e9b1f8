"""One preprocessing plan for training and inference: size, intensity, denoising; and back again.

The plan is decided once from the training examples, stored in model.json, and followed by every
later prediction. Sizes go back exactly: a prediction always has the rows and columns of its image,
with pixel centres aligned (position x of n pixels lies at (x + 0.5) / n on both grids).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from training.ml.config import TrainConfig
from training.ml.job import Example, JobError

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]

_LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601
SAME_SCALE = 0.02
EXTREME_SCALE = 4.0
_STEPS = 21_845  # of 16 bits, a third
_TILES = 8
_NLM_PATCH, _NLM_SEARCH = 5, 11


@dataclass(frozen=True)
class Geometry:
    """Grid of an image before and after size normalisation, pixels."""

    rows: int
    columns: int
    scaled_rows: int
    scaled_columns: int

    @property
    def unchanged(self) -> bool:
        """Whether both grids are the same, so that nothing is resampled."""
        return (self.rows, self.columns) == (self.scaled_rows, self.scaled_columns)


@dataclass(frozen=True)
class Plan:
    """What is done to every image of a model."""

    channels: int
    """1 grey or 3 colour; other images are repeated or reduced to luminance."""
    patch: int
    """Side of the training patch and of the sliding window, pixels."""
    longest: int
    """Longest side after scaling, pixels."""
    spacing: float | None
    """Pixel spacing all images are brought to, mm; None leaves the size alone."""
    low_percentile: float
    """Intensity percentile that becomes 0."""
    high_percentile: float
    """Intensity percentile that becomes 1."""
    denoise: int
    """Side of the median filter; 0 for none."""
    nonlocal_means: float = 0.0
    """Strength of non-local-means denoising, in units of the normalised range; 0 for none."""
    clahe: float = 0.0
    """Clip limit of local histogram equalisation; 0 for none."""

    def geometry(self, rows: int, columns: int, spacing: tuple[float, float] | None) -> Geometry:
        """The grid an image of this size and spacing (mm per row, column) is brought to."""
        scale_rows, scale_columns = 1.0, 1.0
        if self.spacing is not None and spacing is not None:
            scale_rows, scale_columns = (
                min(max(side / self.spacing, 1 / EXTREME_SCALE), EXTREME_SCALE) for side in spacing
            )
        # A scanner's 0.9999 mm is 1 mm: resampling for a hair's breadth only blurs.
        if max(abs(scale_rows - 1), abs(scale_columns - 1)) < SAME_SCALE:
            scale_rows, scale_columns = 1.0, 1.0
        shrink = min(1.0, self.longest / max(rows * scale_rows, columns * scale_columns))
        return Geometry(
            rows,
            columns,
            max(1, round(rows * scale_rows * shrink)),
            max(1, round(columns * scale_columns * shrink)),
        )

    def image(self, pixels: Floats, geometry: Geometry) -> Floats:
        """Modality values (rows, columns, C) -> normalised (scaled rows, columns, channels)."""
        pixels = _channels(pixels, self.channels)
        if self.denoise:
            pixels = _planes(cv2.medianBlur(np.ascontiguousarray(pixels), self.denoise))
        if not geometry.unchanged:
            smaller = (
                geometry.scaled_rows * geometry.scaled_columns < geometry.rows * geometry.columns
            )
            pixels = _planes(
                cv2.resize(
                    np.ascontiguousarray(pixels),
                    (geometry.scaled_columns, geometry.scaled_rows),
                    interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR,
                )
            )
        return self._local(self._intensity(pixels))

    def _intensity(self, pixels: Floats) -> Floats:
        """Per image: the low percentile becomes 0, the high one 1, beyond is clipped at -1, 2."""
        ordered = np.sort(pixels, axis=None)  # in a fifth of the time that np.percentile takes
        low, high = (
            percentile(ordered, self.low_percentile),
            percentile(ordered, self.high_percentile),
        )
        if high - low <= 1e-6 * max(1.0, abs(high)):
            # Nearly all pixels are alike: the rare others carry what there is to see.
            low, high = float(ordered[0]), float(ordered[-1])
        if high <= low:
            return np.zeros_like(pixels)
        scaled = pixels - np.float32(low)
        scaled /= np.float32(high - low)
        return np.clip(scaled, -1, 2, out=scaled)

    def _local(self, pixels: Floats) -> Floats:
        """Non-local means (Buades et al., 2005) and CLAHE (Pizer et al., 1987), plane by plane.

        The first works on 16 bits, -1..2 in steps of a 21,845th. The second clips to 0..1 and
        works on 256 levels: its limit is a share of a tile's pixels per level, and over 65,536
        levels a tile has none to clip.
        """
        if self.nonlocal_means:
            pixels = np.stack([self._averaged(p) for p in pixels.transpose(2, 0, 1)], axis=2)
        if self.clahe:
            pixels = np.stack([self._equalised(p) for p in pixels.transpose(2, 0, 1)], axis=2)
        return pixels

    def _averaged(self, plane: Floats) -> Floats:
        found = cv2.fastNlMeansDenoising(
            np.round((plane + 1) * _STEPS).astype(np.uint16),
            [self.nonlocal_means * _STEPS],
            templateWindowSize=_NLM_PATCH,
            searchWindowSize=_NLM_SEARCH,
            normType=cv2.NORM_L1,
        )
        return np.asarray(found, dtype=np.float32) / np.float32(_STEPS) - 1

    def _equalised(self, plane: Floats) -> Floats:
        levels = np.round(np.clip(plane, 0, 1) * 255).astype(np.uint8)
        found = cv2.createCLAHE(self.clahe, (_TILES, _TILES)).apply(levels)
        return np.asarray(found, dtype=np.float32) / np.float32(255)

    def mask(self, mask: Mask, geometry: Geometry) -> Mask:
        """Labels (rows, columns) -> nearest labels on the scaled grid."""
        if geometry.unchanged:
            return mask
        resized = cv2.resize(
            mask,
            (geometry.scaled_columns, geometry.scaled_rows),
            interpolation=cv2.INTER_NEAREST_EXACT,
        )
        return np.asarray(resized, dtype=np.uint8)

    def restore(self, values: Floats, geometry: Geometry) -> Floats:
        """Values on the scaled grid (K, scaled rows, columns) -> (K, rows, columns), linear."""
        if geometry.unchanged:
            return values
        size = (geometry.columns, geometry.rows)
        found = np.empty((len(values), geometry.rows, geometry.columns), np.float32)
        for plane, into in zip(values, found, strict=True):
            cv2.resize(plane, size, dst=into, interpolation=cv2.INTER_LINEAR)
        return found


def make_plan(config: TrainConfig, examples: Sequence[Example]) -> Plan:
    """Decide a plan from the training examples. Raises JobError when there are none."""
    if not examples:
        raise JobError("no_examples", "examples.json: training needs at least one example")
    spacings = [np.sqrt(e.spacing[0] * e.spacing[1]) for e in examples if e.spacing is not None]
    known = config.use_spacing and len(spacings) == len(examples)
    plan = Plan(
        channels=max(example.channels for example in examples),
        patch=config.patch,
        longest=config.longest,
        spacing=float(np.median(spacings)) if known else None,
        low_percentile=config.low_percentile,
        high_percentile=config.high_percentile,
        denoise=config.denoise,
        nonlocal_means=config.nonlocal_means,
        clahe=config.clahe,
    )
    needed = _reach(plan, config.network.stride, examples)
    # A classifier sees the whole image at once; a U-Net may learn from pieces.
    whole = config.network.kind == "classifier"
    return replace(plan, patch=needed if whole else min(config.patch, needed))


def keep_plan(plan: Plan, config: TrainConfig, examples: Sequence[Example]) -> Plan:
    """The plan of an earlier model for more training examples.

    A classifier's patch grows with the largest image: a piece would be taught the answer of the
    whole.
    """
    if config.network.kind != "classifier":
        return plan
    return replace(plan, patch=max(plan.patch, _reach(plan, config.network.stride, examples)))


def _reach(plan: Plan, stride: int, examples: Sequence[Example]) -> int:
    """Side of a patch that holds every image whole, pixels: a multiple of the stride."""
    longest = 0
    for example in examples:
        rows, columns = example.size()
        scaled = plan.geometry(rows, columns, example.spacing)
        longest = max(longest, scaled.scaled_rows, scaled.scaled_columns)
    return -(-longest // stride) * stride


def percentile(ordered: Floats, percent: float) -> float:
    """`np.percentile` of values (N,) that are in order: between two of them, linear."""
    place = percent / 100 * (len(ordered) - 1)
    first = int(place)
    below, above = (float(ordered[min(at, len(ordered) - 1)]) for at in (first, first + 1))
    return below + (above - below) * (place - first)


def _channels(pixels: Floats, wanted: int) -> Floats:
    if pixels.shape[2] == wanted:
        return pixels
    if wanted == 3:
        return np.repeat(pixels, 3, axis=2)
    return (pixels @ _LUMINANCE)[:, :, None].astype(np.float32)


def _planes(array: npt.NDArray[np.generic] | cv2.typing.MatLike) -> Floats:
    """OpenCV drops the channel axis of grey images; put it back."""
    result = np.asarray(array, dtype=np.float32)
    return result[:, :, None] if result.ndim == 2 else result
