"""Which cases to read next: from scores and features of a pool to an order. Needs numpy only.

    order = select_order(pool, strategy="class_balanced", random_share=1 / 3, seed=7)
    order[0].index        # the case to read first; .share: chosen by the model or by chance

Plain top-k uncertainty is worse than random in a redundant pool of neighbouring slices, so what a
model chooses is spread over patients and slices, and chance, in which patients take turns, keeps
its share; `random` and `foreground` are chance. What the strategies gain is measured in
benchmarks/selection.md.
"""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence, Sized
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from training.ml import diversity

Floats = npt.NDArray[np.floating]
POWER = 4.0  # how strongly the noised order follows the score; towards infinity it is plain top-k
SOFTNESS = 0.1  # temperature of the softmax draw, in standard deviations of the pool's scores
BATCH = 12  # cases read between two models, roughly: diversity is kept within so many
MINIMUM_GAP = 2  # slices between two cases of one patient within a batch
GREEDY = 256  # so many cases are put in a diverse order; the rest of a pool follows by chance


@dataclass(frozen=True)
class Pool:
    """What is known of the N cases that may be read next; NaN is "not known"."""

    patients: Sequence[str]
    positions: Sequence[int]
    """Slice numbers within a series."""
    class_scores: Floats
    """(N, C): mean entropy where a class may be."""
    measures: Mapping[str, Floats] = field(default_factory=dict)
    """(N,) each, by the names of `training.ml.measures.of_image`, and `disagreement`."""
    foreground: Floats | None = None
    """(N,): share of pixels predicted to be of any class."""
    features: Floats | None = None
    """(N, D): bottleneck features."""
    gradients: Floats | None = None
    """(N, G): see `diversity.gradient_embedding`."""
    labelled: Floats | None = None
    """(M, D): bottleneck features of the cases that are labelled."""
    series: Sequence[Hashable] = ()
    """Which one each case is of; empty where every patient has one."""

    def __post_init__(self) -> None:
        count = len(self.patients)
        parts: list[Sized] = [self.positions, self.class_scores, *self.measures.values()]
        parts += [a for a in (self.foreground, self.features, self.gradients) if a is not None]
        parts += [self.series] if self.series else []
        if any(len(part) != count for part in parts):
            raise ValueError("a pool's parts must be of one length")

    def __len__(self) -> int:
        return len(self.patients)

    def measure(self, name: str) -> Floats:
        """One measure (N,); all NaN where the model did not give it."""
        return self.measures.get(name, np.full(len(self), np.nan))


@dataclass(frozen=True)
class Ranked:
    """One place of the order: which case, by which strategy, score, and share.

    The share is model, random or, before there is a model, diversity.
    """

    index: int
    strategy: str
    score: float | None
    share: str


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
    order: Sequence[int],
    patients: Sequence[str],
    positions: Sequence[int],
    batch: int = BATCH,
    series: Sequence[Hashable] = (),
) -> list[int]:
    """Defer cases that crowd a batch: a cap per patient, and a gap between slices of a series.

    Keeps every case; a deferred one is considered first in the next batch. Where too few are
    left to fill a batch otherwise, the rules give way. Without `series` a patient has one.
    Source: ours; neighbouring slices teach the same.
    """
    cap = max(1, math.ceil(2 * batch / max(1, len(set(patients)))))
    waiting, result = list(order), []
    while waiting:
        chosen: list[int] = []
        deferred: list[int] = []
        by_patient: Counter[str] = Counter()
        by_series: dict[Hashable, list[int]] = {}
        for place, index in enumerate(waiting):
            if len(chosen) == batch:
                deferred += waiting[place:]
                break
            patient = patients[index]
            stack = series[index] if series else patient
            seen = by_series.setdefault(stack, [])
            near = any(abs(positions[index] - other) < MINIMUM_GAP for other in seen)
            if near or by_patient[patient] >= cap:
                deferred.append(index)
            else:
                chosen.append(index)
                seen.append(positions[index])
                by_patient[patient] += 1
        result += chosen or deferred[:batch]
        waiting = deferred if chosen else deferred[batch:]
    return result


def softmax_drawn(scores: Floats, rng: np.random.Generator) -> Floats:
    """Return keys (N,) whose descending order draws cases with probability ~ exp(score / t).

    t is `SOFTNESS` standard deviations of the scores. NaN gets -inf. Source: Kirsch et al.,
    "Stochastic batch acquisition", 2021 (softmax acquisition).
    """
    usable = np.isfinite(scores)
    keys = np.full(len(scores), -np.inf)
    if usable.any():
        scale = SOFTNESS * float(scores[usable].std()) or 1.0
        keys[usable] = scores[usable] / scale + rng.gumbel(size=int(usable.sum()))
    return keys


def _finite(scores: Floats) -> Floats:
    """What is no number says nothing: 0."""
    return np.asarray(np.nan_to_num(scores, nan=0.0, posinf=0.0, neginf=0.0))


def class_balanced(class_scores: Floats) -> Floats:
    """Mean over classes of score / the pool's mean score of the class: (N, C) -> (N,).

    A rare class's scores are low everywhere; dividing lets its few uncertain cases count. Both
    means are over what is known; a case of which nothing is known gets NaN. Source: ours, the
    inverse frequency of class-balanced losses applied to scores; see benchmarks/selection.md.
    """
    known = np.isfinite(class_scores)
    scores = np.where(known, class_scores, 0.0)
    mean = scores.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    relative = scores / np.where(mean > 0, mean, 1)
    classes = known.sum(axis=1)
    return np.where(classes > 0, relative.sum(axis=1) / np.maximum(classes, 1), np.nan)


def by_patients(pool: Pool, among: npt.NDArray[np.bool_], rng: np.random.Generator) -> list[int]:
    """Chance, patients taking turns: the baseline that every strategy has to beat.

    Cases that are not `among` (N,) come last. Source: sampling stratified by patient.
    """
    turns: list[tuple[bool, int, float, int]] = []
    seen: dict[str, int] = {}
    for index in rng.permutation(len(pool)).tolist():
        patient = pool.patients[index]
        if among[index]:
            seen[patient] = seen.get(patient, 0) + 1
        turns.append((not among[index], seen.get(patient, 0), float(rng.random()), index))
    return [turn[-1] for turn in sorted(turns)]


Ordering = Callable[[Pool, np.random.Generator], list[int]]


def _top(name: str) -> Ordering:
    return lambda pool, rng: _spread(pool, _descending(pool.measure(name), rng))


def _spread(pool: Pool, order: Sequence[int]) -> list[int]:
    return diverse(order, pool.patients, pool.positions, series=pool.series)


def _head(pool: Pool, chosen: Sequence[int], rng: np.random.Generator) -> list[int]:
    """A diverse head, and the others by chance behind it; different need not mean far apart."""
    taken = set(chosen)
    rest = [int(i) for i in rng.permutation(len(pool)) if int(i) not in taken]
    return _spread(pool, [*chosen, *rest])


def _foreground(pool: Pool, rng: np.random.Generator) -> list[int]:
    shown = np.zeros(len(pool)) if pool.foreground is None else pool.foreground
    return by_patients(pool, _finite(shown) > 0, rng)


def _by_class(pool: Pool) -> bool:
    """Tell whether any class has a score: else the image as a whole has to do."""
    return bool(np.isfinite(pool.class_scores).any())


def _classes(pool: Pool, rng: np.random.Generator) -> list[int]:
    if not _by_class(pool):
        return _top("entropy")(pool, rng)
    return _spread(pool, stratified(_finite(pool.class_scores), rng))


def _balanced(pool: Pool) -> Floats:
    return class_balanced(pool.class_scores) if _by_class(pool) else pool.measure("entropy")


def _features(pool: Pool) -> Floats:
    return np.zeros((len(pool), 1)) if pool.features is None else pool.features


def _gradients(pool: Pool) -> Floats:
    return _features(pool) if pool.gradients is None else pool.gradients


ORDERINGS: Mapping[str, Ordering] = {
    "random": lambda pool, rng: [],
    "foreground": _foreground,
    "least_confidence": _top("least_confidence"),
    "margin": _top("margin"),
    "entropy": _top("entropy"),
    "bald": _top("bald"),
    "variance": _top("variance"),
    "disagreement": _top("disagreement"),
    "power": lambda pool, rng: _spread(
        pool, _descending(power_noised(pool.measure("entropy"), rng), rng)
    ),
    "softmax": lambda pool, rng: _spread(
        pool, _descending(softmax_drawn(pool.measure("entropy"), rng), rng)
    ),
    "class_balanced": lambda pool, rng: _spread(pool, _descending(_balanced(pool), rng)),
    "stratified": _classes,
    "core_set": lambda pool, rng: _head(
        pool, diversity.k_center(_features(pool), pool.labelled, GREEDY, rng), rng
    ),
    "k_means": lambda pool, rng: _head(
        pool, diversity.k_means(_features(pool), BATCH, rng), rng
    ),
    "badge": lambda pool, rng: _head(
        pool, diversity.k_means_plus(_gradients(pool), GREEDY, rng), rng
    ),
}  # fmt: skip
STRATEGIES = tuple(ORDERINGS)
EXTRAS: Mapping[str, Sequence[str]] = {
    "least_confidence": ("--measures",),
    "margin": ("--measures",),
    "bald": ("--passes", "mirror"),
    "variance": ("--passes", "mirror"),
    "badge": ("--gradient",),
}
"""What `python -m training.ml score` is asked for besides, by strategies that need it."""


def select_order(pool: Pool, *, strategy: str, random_share: float, seed: int) -> list[Ranked]:
    """Return all N cases in the order they should be read, chance strewn in by `random_share`.

    The same input and seed give the same order. Raises ValueError for an unknown strategy.
    """
    if strategy not in ORDERINGS:
        raise ValueError(f"strategy: choose one of {', '.join(STRATEGIES)}, not {strategy!r}")
    rng = np.random.default_rng(seed)
    model = ORDERINGS[strategy](pool, rng)
    chance = by_patients(pool, np.ones(len(pool), bool), rng)
    scores = _shown(pool, strategy)
    return _interleaved(model, chance, scores, strategy, random_share)


def cold_order(pool: Pool, *, random_share: float, seed: int) -> list[Ranked]:
    """Return the first cases to read before there is a model, chance strewn in by `random_share`.

    By features alone: one typical case of each of `BATCH` clusters, then again and again the
    farthest from those taken, `GREEDY` in all. Where labels are few what is typical teaches more
    than what is far: Hacohen et al., "Active learning on a budget", 2022.
    """
    rng = np.random.default_rng(seed)
    features = _features(pool)
    typical = diversity.k_means(features, BATCH, rng)
    far = diversity.k_center(features, features[typical], GREEDY, rng)
    chosen = list(dict.fromkeys([*typical, *far]))[:GREEDY]
    chance = by_patients(pool, np.ones(len(pool), bool), rng)
    nothing = np.full(len(pool), np.nan)
    ranked = _interleaved(_spread(pool, chosen), chance, nothing, "diversity", random_share)
    first = [replace(each, share="diversity") if each.share == "model" else each for each in ranked]
    while first and first[-1].share != "diversity":
        first.pop()
    return first


def _shown(pool: Pool, strategy: str) -> Floats:
    """The score that is told beside a place: the strategy's own measure, else the entropy."""
    if strategy == "class_balanced":
        return _balanced(pool)
    return pool.measure(strategy if strategy in pool.measures else "entropy")


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
