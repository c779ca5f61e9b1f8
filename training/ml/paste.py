"""Rare areas pasted into other images: a lesion that few slices show is learned in many places.

Source: Ghiasi et al., "Simple Copy-Paste Is a Strong Data Augmentation Method for Instance
Segmentation", 2021; for lesions in images of the brain, Zhang et al., "CarveMix", 2021. Here an
area goes, mirrored by chance, to another place in tissue of the class that surrounds it, and is
brought to the level of that tissue; its edge is blended over a pixel.

For classes that may lie anywhere, as lesions do. An organ in the wrong place teaches nonsense.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from training.ml.config import IGNORE
from training.ml.prepared import Prepared
from training.ml.preprocess import Floats

Window = tuple[slice, slice]
"""Rows and columns."""

_RARE = 0.5  # a class is rare when a smaller share of the examples shows it
_RIM = 2  # pixels around an area that say what it lies in
_SOFT = 0.7  # standard deviation of the blended edge, pixels


def rare_classes(counts: npt.NDArray[np.int64]) -> list[int]:
    """The classes, from 1, that some but few examples show; counts (N, 1 + classes)."""
    shown = (counts[:, 1:] > 0).mean(axis=0)
    return [int(place) + 1 for place in np.flatnonzero((shown > 0) & (shown < _RARE))]


def paste(
    host: Prepared, donor: Prepared, label: int, within: Window, rng: np.random.Generator
) -> Prepared:
    """The host with one of the donor's areas of `label` within a window of it, if one fits there.

    Pixels that nobody judged are left alone. Neither of the two is changed.
    """
    area, window = _area(donor.target == label, rng)
    labels, picture = donor.target[window], donor.picture[window]
    rim = (labels != label) & (labels != IGNORE)
    if not rim.any():
        return host
    tissue = int(np.bincount(labels[rim]).argmax())
    rim &= labels == tissue
    here = _place(_like(host, tissue, picture[rim], within), area.shape, rng)
    if here is None:
        return host
    changed, target = host.picture.copy(), host.target.copy()
    before, ground = changed[here], target[here] == tissue
    level = before[ground].mean(axis=0) - picture[rim].mean(axis=0)
    ways = tuple(slice(None, None, -1 if rng.random() < 0.5 else 1) for _ in range(2))
    area, picture = area[ways], picture[ways]
    share = cv2.GaussianBlur(area.astype(np.float32), (3, 3), _SOFT)[..., None]
    changed[here] = share * (picture + level) + (1 - share) * before
    target[here][area & (target[here] != IGNORE)] = label
    return Prepared(changed, target)


def _like(host: Prepared, tissue: int, rim: Floats, within: Window) -> npt.NDArray[np.bool_]:
    """Where the host (H, W) has the tissue; of the background, which may be air, what looks so.

    `rim` (pixels, C) are the values around the donor's area.
    """
    found = np.zeros(host.target.shape, np.bool_)
    found[within] = host.target[within] == tissue
    if tissue == 0:
        low, high = rim.min(axis=0), rim.max(axis=0)
        found &= ((host.picture >= low) & (host.picture <= high)).all(axis=-1)
    return found


def _area(
    shown: npt.NDArray[np.bool_], rng: np.random.Generator
) -> tuple[npt.NDArray[np.bool_], Window]:
    """One connected area within its window, which has a rim, and the window."""
    count, marks = cv2.connectedComponents(shown.astype(np.uint8), connectivity=8)
    chosen = marks == int(rng.integers(1, count))
    window = tuple(
        slice(max(0, int(places.min()) - _RIM), int(places.max()) + 1 + _RIM)
        for places in np.nonzero(chosen)
    )
    rows, columns = window
    return chosen[rows, columns], (rows, columns)


def _place(
    ground: npt.NDArray[np.bool_], size: tuple[int, ...], rng: np.random.Generator
) -> Window | None:
    """A window of this size whose middle lies on the ground; None where none fits."""
    rows, columns = size
    free = ground.shape[0] - rows + 1, ground.shape[1] - columns + 1
    if min(free) < 1:
        return None
    middles = ground[rows // 2 : rows // 2 + free[0], columns // 2 : columns // 2 + free[1]]
    places = np.flatnonzero(middles)
    if not places.size:
        return None
    row, column = divmod(int(rng.choice(places)), free[1])
    return slice(row, row + rows), slice(column, column + columns)
