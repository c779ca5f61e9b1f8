"""Window and level: from samples of any depth to the 8 bits of a thumbnail.

grey = to_8bit(frame.pixels, center, width, slope=frame.slope, intercept=frame.intercept)
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]


def percentile_window(
    pixels: npt.NDArray[Any],
    slope: float = 1.0,
    intercept: float = 0.0,
    low: float = 1.0,
    high: float = 99.5,
) -> tuple[float, float]:
    """Center and width, in modality values, that span the ``low`` to ``high`` percentile.

    Samples equal to the minimum are left out when they fill more than a quarter of the image: they
    are padding or air and would pull the window down. The width is never 0.
    """
    values = np.asarray(pixels).reshape(-1)
    if not values.size:
        return 0.0, 1.0
    above = values[values > values.min()]
    if 0 < above.size < 0.75 * values.size:
        values = above
    first, last = np.percentile(values, (low, high))
    ends = first * slope + intercept, last * slope + intercept
    width = abs(ends[1] - ends[0])
    return float(sum(ends) / 2), float(width if width > 0 else 1.0)


def to_8bit(
    pixels: npt.NDArray[Any],
    center: float,
    width: float,
    *,
    slope: float = 1.0,
    intercept: float = 0.0,
    invert: bool = False,
) -> Grey:
    """255 * (value - center + width / 2) / width, clipped to 0..255 and rounded.

    ``value = pixels * slope + intercept``; any shape. ``invert`` is for MONOCHROME1. This is the
    LINEAR_EXACT function of DICOM PS3.3 C.11.2.1.3.2.
    Raises ValueError when ``width`` is not above 0.
    """
    if not width > 0:
        raise ValueError(f"a window must be wider than 0, not {width}")
    # One multiplication and one addition per sample: both scalings folded together.
    gain = 255.0 * slope / width
    offset = 255.0 * (intercept - center + width / 2) / width
    grey = np.rint(np.clip(np.asarray(pixels, np.float32) * gain + offset, 0, 255))
    return np.asarray(255 - grey if invert else grey, np.uint8)
