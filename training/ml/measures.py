"""How unsure a model is, by pixel and by image: arrays in, arrays out. Needs numpy only.

Probabilities are (classes, H, W) with background first; several passes over one image (mirrored
copies, dropout, the models of an ensemble) are (passes, classes, H, W). Every map is (H, W) in
[0, 1], larger is less sure.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]

_LEAST = 1e-12
SOFTENING = 1e-3
"""Share of the image added to a weight's sum: a class that is hardly there scores low."""


def entropy(probabilities: Floats) -> Floats:
    """-sum p log p over classes, as a share of its largest value: (C, H, W) -> (H, W).

    Source: Shannon, "A mathematical theory of communication", 1948; as an acquisition function
    Settles, "Active learning literature survey", 2009.
    """
    p = np.clip(probabilities, _LEAST, 1.0)
    return np.asarray(-(p * np.log(p)).sum(axis=0) / np.log(max(2, len(p))))


def least_confidence(probabilities: Floats) -> Floats:
    """1 - max p, as a share of its largest value: (C, H, W) -> (H, W).

    Source: Lewis & Gale, "A sequential algorithm for training text classifiers", 1994.
    """
    classes = max(2, len(probabilities))
    return np.asarray((1 - probabilities.max(axis=0)) * classes / (classes - 1))


def margin(probabilities: Floats) -> Floats:
    """1 - (first p - second p): (C, H, W) -> (H, W).

    Source: Scheffer et al., "Active hidden Markov models for information extraction", 2001.
    """
    second, first = np.partition(probabilities, -2, axis=0)[-2:]
    return np.asarray(1 - (first - second))


def bald(passes: Floats) -> Floats:
    """Entropy of the mean minus mean of the entropies: (S, C, H, W) -> (H, W).

    What the passes disagree on, without what each finds hard by itself. Source: Houlsby et al.,
    "Bayesian active learning for classification and preference learning", 2011; with dropout
    Gal et al., "Deep Bayesian active learning with image data", 2017.
    """
    own = np.mean([entropy(one) for one in passes], axis=0)
    return np.asarray(np.clip(entropy(passes.mean(axis=0)) - own, 0.0, 1.0))


def variance(passes: Floats) -> Floats:
    """Variance over passes, summed over classes (at most 1): (S, C, H, W) -> (H, W).

    Source: Kendall & Gal, "What uncertainties do we need", 2017 (predictive variance).
    """
    return np.asarray(passes.var(axis=0).sum(axis=0))


def where_shown(map_: Floats, weight: Floats) -> float:
    """Sum w m / (sum w + a) of a map (H, W) under weights (H, W): its mean where w is.

    `a` is a thousandth of the image. Uncertainty averaged over a whole image measures how much
    background it has; weighting by "not background" makes the score foreground-aware. Source: ours.
    """
    least = SOFTENING * map_.size
    return float((weight * map_).sum()) / (float(weight.sum()) + least)


def of_image(probabilities: Floats, passes: Floats | None = None) -> dict[str, float]:
    """Foreground-aware scores of one image by name; bald and variance only with passes."""
    weight = 1 - probabilities[0]
    maps = {
        "entropy": entropy(probabilities),
        "least_confidence": least_confidence(probabilities),
        "margin": margin(probabilities),
    }
    if passes is not None:
        maps |= {"bald": bald(passes), "variance": variance(passes)}
    return {name: where_shown(found, weight) for name, found in maps.items()}


def disagreement(mask: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> float:
    """1 - Dice of the foregrounds' labels of two models' masks (H, W); 0 when both are empty.

    A pixel agrees when both give it the same class. Source: query by committee, Seung et al.,
    1992, with the last two champions as the committee.
    """
    both = int(np.count_nonzero(mask)) + int(np.count_nonzero(other))
    same = int(np.count_nonzero((mask == other) & (mask > 0)))
    return 1 - 2 * same / both if both else 0.0
