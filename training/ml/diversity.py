"""Which cases differ from each other and from what is labelled. Needs numpy only.

Each function orders the first `count` of N cases by features (N, D); what is not finite counts as
0. Cost: O(N D count), so callers ask for the head of the order only.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
_ROUNDS = 20


def k_center(
    features: Floats, known: Floats | None, count: int, rng: np.random.Generator
) -> list[int]:
    """Take again and again the case farthest from all that is labelled (M, D) or taken.

    Source: Sener & Savarese, "Active learning for convolutional neural networks: a core-set
    approach", 2018 (the greedy k-center).
    """
    points = _clean(features)
    count = min(count, len(points))
    if not count:
        return []
    if known is not None and len(known):
        far = np.min([_squares(points, one) for one in _clean(known)], axis=0)
        chosen: list[int] = []
    else:
        chosen = [int(rng.integers(len(points)))]
        far = _squares(points, points[chosen[0]])
    taken = np.zeros(len(points), bool)
    taken[chosen] = True
    while len(chosen) < count:
        best = int(np.where(taken, -1.0, far).argmax())
        taken[best] = True
        chosen.append(best)
        far = np.minimum(far, _squares(points, points[best]))
    return chosen


def k_means(features: Floats, count: int, rng: np.random.Generator) -> list[int]:
    """Take the case nearest to each of `count` cluster centres, big clusters first.

    Source: Lloyd's algorithm from k-means++ seeds; as a selection by representativeness e.g.
    Bodó et al., "Active learning with clustering", 2011.
    """
    points = _clean(features)
    count = min(count, len(points))
    if not count:
        return []
    centres = points[k_means_plus(points, count, rng)]
    for _ in range(_ROUNDS):
        owner = _nearest(points, centres)
        moved = np.array(
            [points[owner == k].mean(axis=0) if (owner == k).any() else centres[k]
             for k in range(count)]
        )  # fmt: skip
        if np.allclose(moved, centres):
            break
        centres = moved
    sizes = np.bincount(_nearest(points, centres), minlength=count)
    chosen: list[int] = []
    taken = np.zeros(len(points), bool)
    for k in np.argsort(-sizes, kind="stable"):
        best = int(np.where(taken, np.inf, _squares(points, centres[k])).argmin())
        taken[best] = True
        chosen.append(best)
    return chosen


def k_means_plus(features: Floats, count: int, rng: np.random.Generator) -> list[int]:
    """Take cases with a chance proportional to the squared distance from those taken.

    The first is the one with the longest vector. On gradient embeddings this is BADGE: long
    gradients are uncertain cases, and far ones differ. Source: Arthur & Vassilvitskii, 2007; Ash
    et al., "Deep batch active learning by diverse, uncertain gradient lower bounds", 2020.
    """
    points = _clean(features)
    count = min(count, len(points))
    if not count:
        return []
    chosen = [int((points**2).sum(axis=1).argmax())]
    far = _squares(points, points[chosen[0]])
    taken = np.zeros(len(points), bool)
    taken[chosen[0]] = True
    while len(chosen) < count:
        weight = np.where(taken, 0.0, far)
        total = weight.sum()
        # Copies of what is taken have distance 0: then any case that is left will do.
        share = weight / total if total > 0 else (~taken) / (~taken).sum()
        best = int(rng.choice(len(points), p=share))
        taken[best] = True
        chosen.append(best)
        far = np.minimum(far, _squares(points, points[best]))
    return chosen


def gradient_embedding(probabilities: Floats, features: Floats) -> Floats:
    """The loss gradient of the last layer under the model's own answer, averaged over pixels.

    Probabilities (C, H, W) and the last layer's inputs (D, H, W) -> (C * D,): the outer product of
    (p - one-hot of the most probable class) and the features. Source: BADGE, see `k_means_plus`.
    """
    classes = len(probabilities)
    wrong = probabilities.reshape(classes, -1).copy()
    best = wrong.argmax(axis=0)
    wrong[best, np.arange(wrong.shape[1])] -= 1
    flat = features.reshape(len(features), -1)
    return np.asarray((wrong @ flat.T / flat.shape[1]).ravel())


def _clean(features: Floats) -> npt.NDArray[np.float64]:
    return np.nan_to_num(np.asarray(features, np.float64), nan=0.0, posinf=0.0, neginf=0.0)


def _squares(points: Floats, one: Floats) -> npt.NDArray[np.float64]:
    return np.asarray(((points - one) ** 2).sum(axis=1))


def _nearest(points: Floats, centres: Floats) -> npt.NDArray[np.intp]:
    distance = (points**2).sum(axis=1)[:, None] - 2 * points @ centres.T + (centres**2).sum(axis=1)
    return np.asarray(distance.argmin(axis=1))
