"""Intervals by a bootstrap over patients: images of one are not independent. Torch-free."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_RESAMPLES = 1000

Array = npt.NDArray[np.float64]


def picks(patients: int, times: int, seed: int) -> npt.NDArray[np.int64]:
    """Places (times, patients) of patients drawn with replacement, as many as there are."""
    return np.random.default_rng(seed).integers(0, patients, (times, patients))


def ends(values: Array | Sequence[float]) -> tuple[float, float]:
    """2.5 and 97.5 percentiles of what came out of the draws."""
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)


def bootstrap(values: Array, over: Array, seed: int) -> tuple[float | None, float | None]:
    """2.5 and 97.5 percentiles of sum(values) / sum(over) over resampled places (N,).

    None below two places; `over` must be above 0.
    """
    if len(values) < 2:
        return None, None
    drawn = picks(len(values), _RESAMPLES, seed)
    return ends(values[drawn].mean(axis=1) / over[drawn].mean(axis=1))


def interval(
    name: str, values: Sequence[float], seed: int, over: Sequence[float] | None = None
) -> dict[str, float | None]:
    """{NAME_low, NAME_high} of the mean over patients, or of the ratio of two sums over them.

    Patients with NaN, or with nothing in `over`, are left out.
    """
    parts = np.array(values, np.float64)
    wholes = np.ones(len(parts)) if over is None else np.array(over, np.float64)
    known = ~np.isnan(parts) & (wholes > 0)
    low, high = bootstrap(parts[known], wholes[known], seed)
    return {f"{name}_low": low, f"{name}_high": high}
