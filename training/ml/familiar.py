"""Which images are unlike those a model knows: Mahalanobis distance of its bottleneck features.

Source: Lee et al., "A simple unified framework for detecting out-of-distribution samples", 2018,
with one Gaussian; the covariance is shrunk (Ledoit & Wolf, 2004), since a campaign has few images
at first. Entropy cannot do this: a network can be sure of its answer on pure noise.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

LIMIT = 6.0
"""Robust standard deviations (of log distance) beyond the median at which an image is flagged."""

Floats = npt.NDArray[np.floating]


def distances(features: Floats, known: Floats) -> npt.NDArray[np.float64]:
    """Mahalanobis distance (N,) of features (N, D) from the Gaussian of M > 1 known ones (M, D)."""
    from sklearn.covariance import LedoitWolf  # half a second to load, and only the worker asks

    found = LedoitWolf().fit(np.asarray(known, np.float64))
    return np.asarray(
        np.sqrt(np.clip(found.mahalanobis(np.asarray(features, np.float64)), 0, None))
    )


def unfamiliar(features: Floats, known: Floats) -> npt.NDArray[np.float64]:
    """How far (N,) each image is beyond the known ones' spread: above `LIMIT` it is flagged.

    (log d - median) / (1.4826 MAD) over the known images' log distances.
    """
    usual = np.log(np.maximum(distances(known, known), 1e-9))
    middle = float(np.median(usual))
    spread = 1.4826 * float(np.median(np.abs(usual - middle)))
    own = np.log(np.maximum(distances(features, known), 1e-9))
    return np.asarray((own - middle) / max(spread, 1e-3))
