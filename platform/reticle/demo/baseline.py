"""What two intensity thresholds per image reach: the figure every trained model is shown beside.

    mask = two_thresholds(image)        # (rows, columns) samples -> 0, 1 grey, 2 white

The thresholds are the image's own, by Otsu's method for three classes (background with fluid, grey,
white), so the baseline sees no label at all.
"""

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.uint8]
_BINS = 128


def two_thresholds(image: npt.NDArray[np.generic]) -> Labels:
    """Label map (rows, columns): 0 below the lower threshold, 1 between, 2 above the upper.

    ``image`` is one single-channel image of any number type; a constant image is all 0.
    Source: Liao, Chen and Chung, "A fast algorithm for multilevel thresholding", 2001.
    """
    values = np.asarray(image, np.float64)
    low, high = np.percentile(values, (0.1, 99.9))
    if high <= low:
        return np.zeros(values.shape, np.uint8)
    histogram, edges = np.histogram(np.clip(values, low, high), _BINS)
    lower, upper = _otsu(histogram / histogram.sum())
    return np.digitize(values, [edges[lower + 1], edges[upper + 1]]).astype(np.uint8)


def _otsu(share: npt.NDArray[np.float64]) -> tuple[int, int]:
    """Last bins of the first and second class that maximise the variance between three classes."""
    weight = np.concatenate([[0.0], np.cumsum(share)])
    moment = np.concatenate([[0.0], np.cumsum(share * np.arange(len(share)))])
    w = weight[None, :] - weight[:, None]  # (from, to): the share of bins from..to-1
    m = moment[None, :] - moment[:, None]
    between = np.divide(m**2, w, out=np.zeros_like(w), where=w > 1e-12)
    n = len(share)
    best, cut = -1.0, (0, 1)
    for first in range(1, n - 1):
        score = between[0, first] + between[first, first + 1 : n] + between[first + 1 : n, n]
        at = int(np.argmax(score))
        if score[at] > best:
            best, cut = float(score[at]), (first - 1, first + at)
    return cut
