"""A stated model of a reader: how long the strokes take, and how the hand errs.

The time model, in seconds, for turning a start mask into a target mask:

    look + strokes * per_stroke + per_index * traced / corridor

`strokes` is the number of areas to be changed (8-neighbourhood, one class each): to go there and
begin costs `per_stroke`. `traced` is the length, in pixels, of their edge against what is not of
their class: the hand has to follow it within a corridor, and the time to steer through a corridor
is proportional to length / width (the steering law: Accot & Zhai, "Beyond Fitts' law", 1997). The
inside of an outline fills by itself. An area of which no pixel lies further than `tolerance` from
where the start already has that class is left as it is: readers differ from each other by as much.

The constants are assumptions of the model, not measurements of people. What the tool is compared
by is the ratio of two such times.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.uint8]
IGNORE = 255
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


@dataclass(frozen=True)
class Hand:
    """The constants of one simulated reader."""

    look_seconds: float = 4.0
    per_stroke_seconds: float = 0.8
    per_index_seconds: float = 0.1  # the steering law's slope, per unit of length / width
    corridor_pixels: float = 3.0
    tolerance_pixels: float = 1.0
    jitter_pixels: float = 0.0  # standard deviation of the boundary error, with --noise


@dataclass(frozen=True)
class Work:
    """What one case took."""

    seconds: float
    strokes: int
    traced: int
    changed: int
    """Pixels that differ between the start and what the reader left."""


def strokes_for(start: Mask, target: Mask, hand: Hand) -> tuple[Mask, Work]:
    """Return the mask the reader leaves (rows, columns), and the work it took."""
    result = start.copy()
    strokes = traced = 0
    for value in np.unique(target[start != target]).tolist():
        wrong = ((start != target) & (target == value)).astype(np.uint8)
        off = _distance(start, value)
        inside = cv2.erode((target == value).astype(np.uint8), _CROSS)
        count, areas = cv2.connectedComponents(wrong, connectivity=8)
        for number in range(1, count):
            area = areas == number
            if off[area].max() <= hand.tolerance_pixels:
                continue
            result[area] = value
            strokes += 1
            traced += int(np.count_nonzero(area & (inside == 0)))
    steering = hand.per_index_seconds * traced / hand.corridor_pixels
    seconds = hand.look_seconds + strokes * hand.per_stroke_seconds + steering
    return result, Work(seconds, strokes, traced, int(np.count_nonzero(result != start)))


def _distance(mask: Mask, value: int) -> npt.NDArray[np.floating]:
    """Return each pixel's distance to the nearest pixel of a class; infinite without any."""
    elsewhere = (mask != value).astype(np.uint8)
    if elsewhere.all():
        return np.full(mask.shape, np.inf)
    return np.asarray(cv2.distanceTransform(elsewhere, cv2.DIST_L2, cv2.DIST_MASK_PRECISE))


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
