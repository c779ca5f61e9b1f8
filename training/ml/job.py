"""The job folder: what a child process is asked to do. Torch-free.

    job.json       {"config": {...}, "seed": 0, "start": null,
                    "classes": [{"index": 1, "name": "grey"}]}
    examples.json  [{"id", "image", "mask", "patient", "spacing", "slope", "intercept",
                     "channels", "fresh"}]

Images are .npy files of the samples as stored, masks .npy files of uint8 labels; both are named by
paths relative to the folder. Everything is checked here, so that the rest of the core can trust it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.ml.config import IGNORE, ConfigError, TrainConfig

_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class JobError(ValueError):
    """The job cannot be done as asked. `code` is for machines; the message names the fix."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class LabelClass:
    """One class: its value in masks (1..254) and its name."""

    index: int
    name: str


@dataclass(frozen=True)
class Example:
    """One image, with its mask where a person made one. Paths are absolute."""

    id: str
    image: Path
    mask: Path | None
    patient: str
    spacing: tuple[float, float] | None
    """mm per row and per column."""
    slope: float = 1.0
    intercept: float = 0.0
    """Modality value = sample * slope + intercept."""
    channels: int = 1
    fresh: bool = False
    """New since the model that a fine-tuning run starts from."""

    def pixels(self) -> npt.NDArray[np.float32]:
        """Modality values, (rows, columns, channels). Raises JobError for an unusable file."""
        samples = _array(self.image, self.id)
        if samples.ndim == 2:
            samples = samples[:, :, None]
        if samples.ndim != 3 or samples.shape[2] != self.channels or 0 in samples.shape:
            raise JobError(
                "bad_image",
                f"image of {self.id}: shape {samples.shape} is not (rows, columns) "
                f"with {self.channels} channel(s)",
            )
        values = samples.astype(np.float32) * np.float32(self.slope) + np.float32(self.intercept)
        finite = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        return np.asarray(finite, dtype=np.float32)

    def labels(self) -> npt.NDArray[np.uint8]:
        """The mask, (rows, columns) uint8. Raises JobError when there is none or it is unusable."""
        if self.mask is None:
            raise JobError("no_mask", f"{self.id} has no mask; only predict works without masks")
        mask = _array(self.mask, self.id)
        if mask.dtype != np.uint8 or mask.ndim != 2:
            raise JobError("bad_mask", f"mask of {self.id}: need uint8 (rows, columns)")
        return mask


@dataclass(frozen=True)
class Job:
    """A job folder, read and checked."""

    config: TrainConfig
    seed: int
    classes: tuple[LabelClass, ...]
    start: Path | None
    examples: tuple[Example, ...]


def read_job(folder: Path) -> Job:
    """Read FOLDER/job.json and FOLDER/examples.json. Raises JobError with a code and the fix."""
    raw = _json(folder / "job.json")
    if not isinstance(raw, dict):
        raise JobError("bad_job", "job.json: must hold an object")
    try:
        config = TrainConfig.parse(_typed(raw, "config", dict, {}))
    except ConfigError as error:
        raise JobError("bad_config", f"job.json: config.{error}") from error
    start, seed = _typed(raw, "start", str, None), _typed(raw, "seed", int, 0)
    if seed < 0:
        raise JobError("bad_job", "job.json: seed must not be negative")
    return Job(
        config=config,
        seed=seed,
        classes=_classes(_typed(raw, "classes", list, [])),
        start=None if start is None else _inside(folder, start),
        examples=_examples(folder, _json(folder / "examples.json")),
    )


def _classes(raw: Sequence[Any]) -> tuple[LabelClass, ...]:
    try:
        classes = tuple(LabelClass(index=item["index"], name=item["name"]) for item in raw)
    except (KeyError, TypeError) as error:
        raise JobError("bad_classes", "job.json: each class needs index and name") from error
    if not classes:
        raise JobError("bad_classes", "job.json: classes must name at least one class")
    for item in classes:
        if type(item.index) is not int or not 0 < item.index < IGNORE or type(item.name) is not str:
            raise JobError("bad_classes", f"job.json: class {item} needs an index 1..254, a name")
    if len({c.index for c in classes}) < len(classes) or len({c.name for c in classes}) < len(
        classes
    ):
        raise JobError("bad_classes", "job.json: class indexes and names must be unique")
    return classes


def _examples(folder: Path, raw: object) -> tuple[Example, ...]:
    if not isinstance(raw, list):
        raise JobError("bad_examples", "examples.json: must hold a list")
    examples = tuple(_example(folder, item, number) for number, item in enumerate(raw))
    if len({item.id for item in examples}) < len(examples):
        raise JobError("bad_examples", "examples.json: ids must be unique")
    return examples


def _example(folder: Path, raw: object, number: int) -> Example:
    if not isinstance(raw, dict):
        raise JobError("bad_examples", f"examples.json: item {number} must be an object")
    name = raw.get("id")
    if not isinstance(name, str) or not _SAFE_ID.fullmatch(name):
        raise JobError(
            "bad_examples",
            f"examples.json: item {number}: id must be 1-128 letters, digits, dots, dashes",
        )
    spacing, mask = raw.get("spacing"), _typed(raw, "mask", str, None)
    if spacing is not None and not (
        isinstance(spacing, list) and len(spacing) == 2 and all(_positive(s) for s in spacing)
    ):
        raise JobError("bad_examples", f"examples.json: {name}: spacing must be [row, column] mm")
    channels = _typed(raw, "channels", int, 1)
    if channels not in (1, 3):
        raise JobError("bad_examples", f"examples.json: {name}: channels must be 1 or 3")
    return Example(
        id=name,
        image=_inside(folder, _typed(raw, "image", str, f"images/{name}.npy")),
        mask=None if mask is None else _inside(folder, mask),
        patient=str(raw.get("patient", name)),
        spacing=None if spacing is None else (float(spacing[0]), float(spacing[1])),
        slope=float(_typed(raw, "slope", (int, float), 1.0)),
        intercept=float(_typed(raw, "intercept", (int, float), 0.0)),
        channels=channels,
        fresh=_typed(raw, "fresh", bool, False),
    )


def _positive(value: object) -> bool:
    return type(value) in (int, float) and 0 < float(value) < float("inf")  # type: ignore[arg-type]


def _typed(raw: Mapping[str, Any], name: str, kind: Any, default: Any) -> Any:
    value = raw.get(name)
    if value is None:
        return default
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise JobError("bad_job", f"{name}: {value!r} has the wrong type")
    return value


def _inside(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise JobError("bad_job", f"{name}: paths must stay inside the job folder")
    return path


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise JobError("bad_job", f"{path.name} is missing from the job folder") from error
    except (OSError, ValueError) as error:
        raise JobError("bad_job", f"{path.name} cannot be read as JSON") from error


def _array(path: Path, name: str) -> npt.NDArray[Any]:
    try:
        # Never unpickles: an .npy file may hold plain numbers only.
        loaded: npt.NDArray[Any] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise JobError("bad_file", f"{path.name} of {name} cannot be read") from error
    if loaded.dtype.kind not in "iuf":
        raise JobError("bad_file", f"{path.name} of {name} does not hold numbers")
    return loaded
