"""A stated model of a reader: how long the strokes take, and how the hand errs.

The time model, in seconds, for turning a start mask into a target mask:

    look + strokes * per_stroke + painted / pixels_per_second

where `painted` is the number of pixels to change and `strokes` the number of connected areas of
one class among them (8-neighbourhood), an area counting once more for every `stroke_pixels` it
holds. The constants are assumptions of the model, not measurements of people; they are printed
with every result. What the tool is compared by is the ratio of two such times.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.uint8]
IGNORE = 255


@dataclass(frozen=True)
class Hand:
    """The constants of one simulated reader."""

    look_seconds: float = 4.0
    per_stroke_seconds: float = 0.8
    pixels_per_second: float = 220.0
    stroke_pixels: int = 400
    smallest_pixels: int = 3  # an error area smaller than this is not seen, or not worth a stroke
    jitter_pixels: float = 0.0  # standard deviation of the boundary error, with --noise


@dataclass(frozen=True)
class Work:
    """What one case took."""

    seconds: float
    strokes: int
    painted: int


def strokes_for(start: Mask, target: Mask, hand: Hand) -> tuple[Mask, Work]:
    """Return the mask the reader leaves (rows, columns), and the work it took."""
    result = start.copy()
    strokes = painted = 0
    for value in np.unique(target[start != target]).tolist():
        wrong = ((start != target) & (target == value)).astype(np.uint8)
        count, areas, sizes, _ = cv2.connectedComponentsWithStats(wrong, connectivity=8)
        for area in range(1, count):
            size = int(sizes[area, cv2.CC_STAT_AREA])
            if size < hand.smallest_pixels:
                continue
            result[areas == area] = value
            strokes += 1 + size // hand.stroke_pixels
            painted += size
    seconds = (
        hand.look_seconds + strokes * hand.per_stroke_seconds + painted / hand.pixels_per_second
    )
    return result, Work(seconds, strokes, painted)


def unsteady(target: Mask, hand: Hand, rng: np.random.Generator) -> Mask:
    """Move the boundaries by a smooth random displacement: what a hand does to an outline."""
    if hand.jitter_pixels <= 0:
        return target.copy()
    rows, columns = target.shape
    field = rng.normal(size=(2, rows, columns)).astype(np.float32)
    smooth = np.stack([cv2.GaussianBlur(part, (0, 0), 4.0) for part in field])
    smooth *= hand.jitter_pixels / max(float(smooth.std()), 1e-6)
    ys, xs = np.mgrid[0:rows, 0:columns].astype(np.float32)
    moved = cv2.remap(target, xs + smooth[0], ys + smooth[1], cv2.INTER_NEAREST)
    return np.asarray(moved, dtype=np.uint8)


def start_from(suggestion: Mask | None, target: Mask, hand: Hand) -> tuple[Mask, bool]:
    """Return the mask to start from: the suggestion, unless clearing it is quicker."""
    empty = np.zeros_like(target)
    if suggestion is None:
        return empty, False
    keep, clear = (strokes_for(start, target, hand)[1].seconds for start in (suggestion, empty))
    return (suggestion, True) if keep <= clear else (empty, False)
