"""Learning rate and early end, as functions of what a run has done: nothing here has a state.

So a resumed run needs no schedule put back: its history is in the checkpoint.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

_WARM_UP, _FIRST, _LAST = 0.25, 1 / 25, 1e-3
_DECAY = 0.5


def one_cycle(progress: float, peak: float) -> float:
    """Learning rate at progress 0..1: cosine from peak/25 up to peak, then down to peak/1000."""
    if progress < _WARM_UP:
        low, high, turn = peak * _FIRST, peak, progress / _WARM_UP
    else:
        low, high, turn = peak, peak * _LAST, min(1.0, (progress - _WARM_UP) / (1 - _WARM_UP))
    return low + (high - low) * (1 - math.cos(math.pi * turn)) / 2


def plateau(merits: Sequence[float], peak: float, wait: int) -> float:
    """Learning rate after epochs of these merits: halved after each `wait` epochs without a best.

    The wait begins anew after each halving; merits that are no number never are a best.
    """
    best, since, rate = -math.inf, 0, peak
    for merit in merits:
        if merit > best:
            best, since = merit, 0
        else:
            since += 1
        if since == wait:
            rate, since = rate * _DECAY, 0
    return rate


def best_of(merits: Sequence[float]) -> int:
    """How many epochs had been done when the best merit was measured first; 0 without any."""
    known = [(merit, -number) for number, merit in enumerate(merits, 1) if not math.isnan(merit)]
    return -max(known)[1] if known else 0


def exhausted(merits: Sequence[float], patience: int) -> bool:
    """Whether the last `patience` epochs brought nothing better; never with patience 0."""
    return patience > 0 and len(merits) - best_of(merits) >= patience
