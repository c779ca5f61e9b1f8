"""Prepared images on disk, memory-mapped: made once for a plan and its examples, shared by runs.

A folder named by the hash of all that decides its content holds one file of pictures, one of
targets and an index. It is written under another name and renamed, so that it is whole or absent;
of two processes that make the same one, the first to finish wins and the other takes it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.ml.job import Example
from training.ml.preprocess import Floats, Mask, Plan

log = logging.getLogger(__name__)
_PICTURES, _TARGETS, _INDEX = "pictures.f32", "targets.u8", "index.json"


@dataclass(frozen=True)
class Prepared:
    """One example on the network's grid: picture (H, W, C), channel numbers (H, W) with 255."""

    picture: Floats
    target: Mask


Make = Callable[[int], tuple[Prepared, npt.NDArray[np.int64]]]
"""An example by its place: its prepared form and what it shows, (1 + classes,)."""


class Store:
    """Prepared examples by their place, and what each one shows: counts (N, 1 + classes)."""

    def __init__(self, folder: Path) -> None:
        index = json.loads((folder / _INDEX).read_text())
        self.counts: npt.NDArray[np.int64] = np.array(index["counts"], dtype=np.int64)
        self._shapes: list[tuple[int, int, int]] = [tuple(shape) for shape in index["shapes"]]
        sides = np.array([(h * w * c, h * w) for h, w, c in self._shapes], dtype=np.int64)
        ends = np.cumsum(sides.reshape(-1, 2), axis=0)
        self._ends = ends
        self._pictures: npt.NDArray[Any] = np.empty(0, np.float32)
        self._targets: npt.NDArray[Any] = np.empty(0, np.uint8)
        if len(ends):
            total = int(ends[-1, 0]), int(ends[-1, 1])
            self._pictures = np.memmap(folder / _PICTURES, np.float32, "r", shape=total[0])
            self._targets = np.memmap(folder / _TARGETS, np.uint8, "r", shape=total[1])

    def get(self, place: int) -> Prepared | None:
        """The example at this place; None where there was no room for it."""
        if place >= len(self._shapes):
            return None
        rows, columns, channels = self._shapes[place]
        end, target_end = self._ends[place]
        picture = self._pictures[end - rows * columns * channels : end]
        target = self._targets[target_end - rows * columns : target_end]
        return Prepared(picture.reshape(rows, columns, channels), target.reshape(rows, columns))


def store_open(folder: Path, make: Make, count: int, megabytes: int) -> Store | None:
    """Open the store in a folder, making it first where there is none.

    Returns None, with a warning, where the disk cannot hold it: a run then prepares images anew.
    """
    try:
        if not (folder / _INDEX).exists():
            _write(folder, make, count, megabytes * 2**20)
        return Store(folder)
    except OSError as error:
        log.warning("images are prepared anew at each use: %s", error)
        return None


def _write(folder: Path, make: Make, count: int, room: int) -> None:
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    part.mkdir(parents=True, exist_ok=True)
    shapes: list[tuple[int, ...]] = []
    counts: list[list[int]] = []
    try:
        with (part / _PICTURES).open("wb") as pictures, (part / _TARGETS).open("wb") as targets:
            for place in range(count):
                made, shown = make(place)
                counts.append(shown.tolist())
                room -= made.picture.nbytes + made.target.nbytes
                if room >= 0 and len(shapes) == place:
                    shapes.append(made.picture.shape)
                    pictures.write(np.ascontiguousarray(made.picture).data)
                    targets.write(np.ascontiguousarray(made.target).data)
        (part / _INDEX).write_text(json.dumps({"shapes": shapes, "counts": counts}))
        try:
            part.rename(folder)
        except OSError:
            if not (folder / _INDEX).exists():
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def store_name(plan: Plan, examples: Sequence[Example], meaning: object, megabytes: int) -> str:
    """Hash, hex, of what decides the content of a store; `meaning` says how targets are read.

    Files count by size and time of change: reading them all again would be half the work.
    """

    def file(path: Path | None) -> list[int] | None:
        if path is None or not path.exists():
            return None
        found = path.stat()
        return [found.st_size, found.st_mtime_ns]

    settings = {key: value for key, value in asdict(plan).items() if key != "patch"}
    rows = [
        [
            e.id,
            file(e.image),
            file(e.mask),
            e.spacing,
            e.slope,
            e.intercept,
            e.channels,
            sorted(e.answers.items()),
        ]
        for e in examples
    ]
    content = json.dumps([settings, rows, meaning, megabytes], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:32]
