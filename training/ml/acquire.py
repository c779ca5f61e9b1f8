"""Which cases to read next: acquisition functions from arrays to an order. Needs numpy only.

    order = select_order(scores, class_scores, patients, positions,
                         strategy="stratified", random_share=1 / 3, seed=7)
    order[0].index        # the case to read first; .share: chosen by the model or by chance

Plain top-k uncertainty is worse than random in a redundant pool of neighbouring slices, so the
model's share is noised, stratified over classes, and spread over patients and slices.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
POWER = 4.0  # how strongly the noised order follows the score; towards infinity it is plain top-k
BATCH = 12  # cases read between two models, roughly: diversity is kept within so many
MINIMUM_GAP = 2  # slices between two cases of one patient within a batch
STRATEGIES = ("random", "entropy", "stratified")


@dataclass(frozen=True)
class Ranked:
    """One place of the order: which case, by which strategy, score, and share (model, random)."""

    index: int
    strategy: str
    score: float | None
    share: str


def entropy(probabilities: Floats) -> Floats:
    """Return -sum p log p over classes, in [0, 1], for probabilities (C, H, W) -> (H, W).

    Source: Shannon 1948; as an acquisition function Settles, "Active learning", 2009.
    """
    p = np.clip(probabilities, 1e-12, 1.0)
    bits = -(p * np.log(p)).sum(axis=0)
    return np.asarray(bits / math.log(max(2, probabilities.shape[0])))


def power_noised(scores: Floats, rng: np.random.Generator, power: float = POWER) -> Floats:
    """Return keys (N,) whose descending order draws cases with probability ~ score ** power.

    key = power * log(score) + Gumbel noise; scores that are no number or not above 0 get -inf.
    Source: Kirsch et al., "Stochastic batch acquisition", 2021 (power acquisition).
    """
    usable = np.isfinite(scores) & (scores > 0)
    keys = np.full(len(scores), -np.inf)
    keys[usable] = power * np.log(scores[usable]) + rng.gumbel(size=int(usable.sum()))
    return keys


def _descending(keys: Floats, rng: np.random.Generator) -> list[int]:
    """Return indexes by falling key; ties, and keys that are no number, in random order, last."""
    tie = rng.random(len(keys))
    value = np.where(np.isnan(keys), -np.inf, keys)
    return [int(i) for i in np.lexsort((tie, -value))]


def stratified(class_scores: Floats, rng: np.random.Generator) -> list[int]:
    """Return an order of N cases from class scores (N, C): classes take turns, noised by power.

    Source: the idea of ClaSP PE (class-stratified, power-noised predictive entropy).
    """
    count, classes = class_scores.shape
    queues = [_descending(power_noised(class_scores[:, c], rng), rng) for c in range(classes)]
    places = [0] * classes
    taken = np.zeros(count, bool)
    order: list[int] = []
    while len(order) < count:
        for number, waiting in enumerate(queues):
            while places[number] < count and taken[waiting[places[number]]]:
                places[number] += 1
            if places[number] < count:
                found = waiting[places[number]]
                taken[found] = True
                order.append(found)
    return order


def diverse(
    order: Sequence[int], patients: Sequence[str], positions: Sequence[int], batch: int = BATCH
) -> list[int]:
    """Defer cases that crowd a batch: a cap per patient, and a gap between slices of a patient.

    Keeps every case; a deferred one is considered first in the next batch. Where too few are
    left to fill a batch otherwise, the rules give way.
    """
    cap = max(1, math.ceil(2 * batch / max(1, len(set(patients)))))
    waiting, result = list(order), []
    while waiting:
        chosen: list[int] = []
        deferred: list[int] = []
        by_patient: dict[str, list[int]] = {}
        for place, index in enumerate(waiting):
            if len(chosen) == batch:
                deferred += waiting[place:]
                break
            seen = by_patient.setdefault(patients[index], [])
            near = any(abs(positions[index] - other) < MINIMUM_GAP for other in seen)
            if near or len(seen) >= cap:
                deferred.append(index)
            else:
                chosen.append(index)
                seen.append(positions[index])
        result += chosen or deferred[:batch]
        waiting = deferred if chosen else deferred[batch:]
    return result


def select_order(
    scores: Floats,
    class_scores: Floats,
    patients: Sequence[str],
    positions: Sequence[int],
    *,
    strategy: str,
    random_share: float,
    seed: int,
) -> list[Ranked]:
    """Return all N cases in the order they should be read, chance strewn in by `random_share`.

    `scores` (N,) and `class_scores` (N, C) are uncertainties, higher is less sure, NaN unknown;
    `positions` are slice numbers. The same input and seed give the same order. Raises ValueError
    for an unknown strategy or unequal lengths.
    """
    count = len(scores)
    if strategy not in STRATEGIES:
        raise ValueError(f"strategy: choose one of {', '.join(STRATEGIES)}, not {strategy!r}")
    if not count == len(patients) == len(positions) == len(class_scores):
        raise ValueError("scores, class_scores, patients and positions must be of one length")
    rng = np.random.default_rng(seed)
    if strategy == "random":
        model: list[int] = []
    elif strategy == "entropy" or class_scores.ndim != 2 or not class_scores.shape[1]:
        model = diverse(_descending(scores, rng), patients, positions)
    else:
        model = diverse(stratified(class_scores, rng), patients, positions)
    chance = [int(i) for i in rng.permutation(count)]
    return _interleaved(model, chance, scores, strategy, random_share)


def _interleaved(
    model: Sequence[int], chance: Sequence[int], scores: Floats, strategy: str, share: float
) -> list[Ranked]:
    """Merge the two orders so that any prefix holds its part of chance, to within one case."""
    taken: set[int] = set()
    result: list[Ranked] = []
    from_model, from_chance = iter(model), iter(chance)
    owed = 0.0
    while len(result) < len(chance):
        owed += share
        by_chance = owed >= 1.0 - 1e-9 or not model
        found = next(
            (i for i in (from_chance if by_chance else from_model) if i not in taken), None
        )
        if found is None:  # one of the two has run dry; the other goes on
            by_chance = not by_chance
            found = next(i for i in (from_chance if by_chance else from_model) if i not in taken)
        owed -= 1.0 if by_chance and owed >= 1.0 - 1e-9 else 0.0
        taken.add(found)
        value = float(scores[found])
        result.append(
            Ranked(
                found,
                "random" if by_chance else strategy,
                value if math.isfinite(value) else None,
                "random" if by_chance else "model",
            )
        )
    return result
