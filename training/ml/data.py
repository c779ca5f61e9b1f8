"""From examples to batches. A batch is a function of (seed, epoch, step, rank) and nothing else.

That is what makes a run repeatable and a resumed run equal to an uninterrupted one: no generator
has a state that would have to be saved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import Tensor

from training.ml.aim import Aim
from training.ml.augment import Augment
from training.ml.config import TrainConfig
from training.ml.job import Example, JobError
from training.ml.paste import paste, rare_classes
from training.ml.prepared import Prepared, Store, store_name, store_open
from training.ml.preprocess import Plan

_AHEAD = 2


def put_aside(examples: Sequence[Example], share: float) -> tuple[list[Example], list[Example]]:
    """Split (training, inner) by patient: the patients of smallest hash are put aside.

    At least one patient stays for training; with a share above 0 and two patients or more, at
    least one is put aside.
    """
    patients = sorted(
        {e.patient for e in examples}, key=lambda p: hashlib.sha256(p.encode()).digest()
    )
    count = min(len(patients) - 1, max(1, round(share * len(patients)))) if share > 0 else 0
    inner = set(patients[:count])
    return (
        [example for example in examples if example.patient not in inner],
        [example for example in examples if example.patient in inner],
    )


class TrainingSet:
    """Examples, prepared by the plan and kept on disk up to the configured amount.

    `pool` are all examples that runs of the same job take theirs from, as folds do: they share one
    store.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        plan: Plan,
        aim: Aim,
        config: TrainConfig,
        cache: Path,
        pool: Sequence[Example] = (),
    ) -> None:
        self.examples, self.plan, self.aim, self.config = list(examples), plan, aim, config
        self._pool = list(pool or examples)
        known = {example.id: place for place, example in enumerate(self._pool)}
        self._places = [known[example.id] for example in self.examples]
        self._store: Store | None = None
        room = config.cache_megabytes
        if room:
            name = store_name(plan, self._pool, aim.meaning(), room)
            self._store = store_open(cache / name, self._make, len(self._pool), room)
        self.counts: npt.NDArray[np.int64]  # (N, 1 + classes)
        if self._store is not None:
            self.counts = self._store.counts[self._places]
        else:
            self.counts = np.stack([self._make(place)[1] for place in self._places])
        if not self.counts.any():
            raise JobError("no_labels", "nothing is judged in any example: nothing to learn")

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> Prepared:
        place = self._places[index]
        kept = self._store.get(place) if self._store is not None else None
        return self._make(place)[0] if kept is None else kept

    def _make(self, place: int) -> tuple[Prepared, npt.NDArray[np.int64]]:
        example = self._pool[place]
        pixels = example.pixels()
        rows, columns = pixels.shape[:2]
        geometry = self.plan.geometry(rows, columns, example.spacing)
        target = self.aim.target(example, self.plan, geometry)
        shown = self.aim.shown(example, target)
        return Prepared(self.plan.image(pixels, geometry), target), shown


def draw(
    counts: npt.NDArray[np.int64],
    fresh: npt.NDArray[np.bool_] | None,
    config: TrainConfig,
    size: int,
    rng: np.random.Generator,
) -> list[tuple[int, int]]:
    """Choose `size` examples: [(index, class or 0)] from counts (N, 1 + classes).

    A share of the slots picks a class first and then an image that shows it; classes take turns,
    so that a rare one is in nearly every batch: soft Dice over a batch without a class pushes
    that class down. With `fresh` (N,), a share of the slots takes fresh examples only, never less
    than they are of all, and the others replay the rest.
    """
    replaying = fresh is not None and fresh.any() and not fresh.all()
    show = rng.permutation(size) < round(config.foreground_share * size)
    fresh_share = max(config.fresh_share, fresh.mean()) if fresh is not None else 0
    take_fresh = rng.permutation(size) < round(fresh_share * size)
    turns = rng.permutation(counts.shape[1] - 1) + 1
    picks: list[tuple[int, int]] = []
    for slot in range(size):
        pool = np.arange(len(counts))
        if replaying and fresh is not None:
            pool = np.flatnonzero(fresh if take_fresh[slot] else ~fresh)
        shown = [int(turn) for turn in turns if counts[pool, turn].any()]
        if show[slot] and shown:
            wanted = shown[int(show[:slot].sum()) % len(shown)]
            picks.append((int(rng.choice(pool[counts[pool, wanted] > 0])), wanted))
        else:
            picks.append((int(rng.choice(pool)), 0))
    return picks


def _corner(item: Prepared, wanted: int, patch: int, rng: np.random.Generator) -> tuple[int, int]:
    """Top left pixel of a patch: around a pixel of the wanted class, else anywhere inside."""
    sides = item.target.shape
    centre: tuple[int, int] | None = None
    if wanted and max(sides) > patch:
        pixels = np.flatnonzero(item.target == wanted)
        row, column = divmod(int(rng.choice(pixels)), sides[1])
        jitter = rng.integers(-patch // 4, patch // 4 + 1, 2)
        centre = (row + int(jitter[0]), column + int(jitter[1]))
    corner = []
    for axis, side in enumerate(sides):
        if side <= patch:
            corner.append(-((patch - side) // 2))
        elif centre is None:
            corner.append(int(rng.integers(0, side - patch + 1)))
        else:
            corner.append(min(max(0, centre[axis] - patch // 2), side - patch))
    return corner[0], corner[1]


class Batches:
    """Iterates over the batches of one epoch: pictures (B, C, P, P) and the aim's targets."""

    def __init__(
        self, data: TrainingSet, seed: int, *, rank: int = 0, replay: bool = False
    ) -> None:
        self.data, self.seed, self.rank = data, seed, rank
        self.fresh = np.array([e.fresh for e in data.examples]) if replay else None
        self._augment = Augment(data.config.augment, data.plan.patch)
        self._rare = rare_classes(data.counts) if data.config.augment.paste else []

    def make(self, epoch: int, step: int) -> tuple[Tensor, Tensor]:
        """The batch of one step."""
        config, patch = self.data.config, self.data.plan.patch
        rng = np.random.default_rng((self.seed, epoch, step, self.rank))
        self._augment.seed(int(rng.integers(2**32)))
        pictures, targets, examples = [], [], []
        for index, wanted in draw(self.data.counts, self.fresh, config, config.batch, rng):
            item = self.data[index]
            # An option that was chosen lies nowhere in the image.
            corner = _corner(item, wanted if self.data.aim.classes else 0, patch, rng)
            item = self._pasted(item, wanted, corner, rng)
            picture, target = self._augment(item.picture, item.target, corner)
            pictures.append(picture)
            targets.append(target)
            examples.append(self.data.examples[index])
        return self.data.aim.batch(np.stack(pictures), np.stack(targets), examples, rng)

    def _pasted(
        self, item: Prepared, wanted: int, corner: tuple[int, int], rng: np.random.Generator
    ) -> Prepared:
        """A share of the images that were not chosen for a rare class, with an area of one."""
        share = self.data.config.augment.paste
        if not self._rare or wanted in self._rare or rng.random() >= share:
            return item
        label = int(rng.choice(self._rare))
        donor = self.data[int(rng.choice(np.flatnonzero(self.data.counts[:, label])))]
        top, left = (max(0, first) for first in corner)
        patch = self.data.plan.patch
        within = slice(top, corner[0] + patch), slice(left, corner[1] + patch)
        return paste(item, donor, label, within, rng)

    def epoch(self, epoch: int, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches 0..steps-1 of an epoch, made a little ahead in a thread of their own."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            ahead = [pool.submit(self.make, epoch, step) for step in range(min(_AHEAD, steps))]
            for step in range(steps):
                batch = ahead.pop(0).result()
                if step + _AHEAD < steps:
                    ahead.append(pool.submit(self.make, epoch, step + _AHEAD))
                yield batch
