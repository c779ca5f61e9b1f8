"""The job folder: what a child process is asked to do. Torch-free.

    job.json       {"config": {...}, "seed": 0, "start": null,
                    "classes": [{"index": 1, "name": "grey"}]}
    examples.json  [{"id", "image", "mask", "patient", "spacing", "slope", "intercept",
                     "channels", "fresh", "modality"}]

A job about the whole image has questions instead of classes, and answers instead of masks:

    job.json       "questions": [{"code": "quality", "kind": "scale", "options": [1, 2, 3]}]
    examples.json  "answers": {"quality": 2, "findings": ["stroke"], "side": null}

`start` is a model of the same classes to go on from, `transfer` one of other classes whose weights
are a beginning, `encoder` a file of weights for a residual encoder; all lie inside the folder.
Images are .npy files of the samples as stored, masks .npy files of uint8 labels; both are named by
paths relative to the folder. Everything is checked here, so that the rest of the core can trust it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from training.ml.config import IGNORE, ConfigError, TrainConfig

_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class JobError(ValueError):
    """The job cannot be done as asked. `code` is for machines; the message names the fix.

    `values` are those of the message, for who says it in other words.
    """

    def __init__(self, code: str, message: str, **values: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.values = values


@dataclass(frozen=True)
class LabelClass:
    """One class: its value in masks (1..254) and its name."""

    index: int
    name: str


@dataclass(frozen=True)
class Question:
    """A question about the whole image."""

    code: str
    kind: Literal["single", "multiple", "scale"]
    """One option, any of them, or one of ordered options."""
    options: tuple[str, ...]


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
    modality: str = ""
    """CT, MR, ...; only for the record."""
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Chosen options by question; a question that nobody answered is not in it."""

    def size(self) -> tuple[int, int]:
        """Rows and columns of the image, without reading it. Raises JobError as `pixels`."""
        shape = _array(self.image, self.id, mapped=True).shape
        if len(shape) not in (2, 3):
            raise JobError("bad_image", f"image of {self.id}: shape {shape} is no image's")
        return shape[0], shape[1]

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
        if not np.isfinite(values).all():
            np.nan_to_num(values, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        return np.asarray(values, dtype=np.float32)

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
    questions: tuple[Question, ...] = ()
    transfer: Path | None = None
    encoder: Path | None = None


def read_job(folder: Path, *, labelled: bool = True, config: Path | None = None) -> Job:
    """Read FOLDER/job.json and FOLDER/examples.json. Raises JobError with a code and the fix.

    Without `labelled` a job may have neither classes nor questions. `config` is a file whose
    configuration stands in for the job's.
    """
    raw = _json(folder / "job.json")
    if not isinstance(raw, dict):
        raise JobError("bad_job", "job.json: must hold an object")
    if config is not None:
        raw["config"] = _json(config)
    questions = _questions(_typed(raw, "questions", list, []))
    seed = _typed(raw, "seed", int, 0)
    if seed < 0:
        raise JobError("bad_job", "job.json: seed must not be negative")
    named = {name: _typed(raw, name, str, None) for name in ("start", "transfer", "encoder")}
    if named["start"] is not None and named["transfer"] is not None:
        raise JobError("bad_job", "job.json: give start or transfer, not both")
    classes = _typed(raw, "classes", list, [])
    if questions and classes:
        raise JobError("bad_job", "job.json: give classes or questions, not both")
    return Job(
        config=_config(_typed(raw, "config", dict, {}), asked=bool(questions)),
        seed=seed,
        classes=_classes(classes) if classes or (labelled and not questions) else (),
        examples=_examples(folder, _json(folder / "examples.json"), questions),
        questions=questions,
        **{key: None if name is None else _inside(folder, name) for key, name in named.items()},
    )


def _config(raw: Mapping[str, Any], *, asked: bool) -> TrainConfig:
    try:
        config = TrainConfig.parse({"preset": "classifier", **raw} if asked else raw)
    except ConfigError as error:
        raise JobError("bad_config", f"job.json: config.{error}") from error
    if (config.network.kind == "classifier") != asked:
        raise JobError(
            "bad_config",
            "job.json: config.network.kind: classes need a unet, questions a classifier "
            "(preset classifier or resnet)",
        )
    return config


def _questions(raw: Sequence[Any]) -> tuple[Question, ...]:
    try:
        questions = tuple(
            Question(item["code"], item["kind"], tuple(str(o) for o in item["options"]))
            for item in raw
        )
    except (KeyError, TypeError) as error:
        message = "job.json: each question needs code, kind and options"
        raise JobError("bad_questions", message) from error
    for item in questions:
        enough = len(item.options) >= (1 if item.kind == "multiple" else 2)
        if item.kind not in ("single", "multiple", "scale") or type(item.code) is not str:
            raise JobError("bad_questions", f"job.json: {item.code}: kind single, multiple, scale")
        if not enough or len(set(item.options)) < len(item.options):
            raise JobError("bad_questions", f"job.json: {item.code}: options too few or repeated")
    if len({item.code for item in questions}) < len(questions):
        raise JobError("bad_questions", "job.json: codes must be unique")
    return questions


def _answers(
    raw: Mapping[str, Any], questions: Sequence[Question], name: str
) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for item in questions:
        value = raw.get(item.code)
        if value is None:
            continue
        listed = isinstance(value, list)
        chosen = tuple(str(part) for part in value) if listed else (str(value),)
        if listed != (item.kind == "multiple") or not set(chosen) <= set(item.options):
            raise JobError(
                "bad_answers",
                f"examples.json: {name}: {value!r} answers no {item.kind} question "
                f"with the options {', '.join(item.options)}",
            )
        found[item.code] = chosen
    return found


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


def _examples(folder: Path, raw: object, questions: Sequence[Question]) -> tuple[Example, ...]:
    if not isinstance(raw, list):
        raise JobError("bad_examples", "examples.json: must hold a list")
    examples = tuple(_example(folder, item, number, questions) for number, item in enumerate(raw))
    if len({item.id for item in examples}) < len(examples):
        raise JobError("bad_examples", "examples.json: ids must be unique")
    return examples


def _example(folder: Path, raw: object, number: int, questions: Sequence[Question]) -> Example:
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
        modality=_typed(raw, "modality", str, ""),
        answers=_answers(_typed(raw, "answers", dict, {}), questions, name),
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


def _array(path: Path, name: str, *, mapped: bool = False) -> npt.NDArray[Any]:
    try:
        # Never unpickles: an .npy file may hold plain numbers only.
        loaded: npt.NDArray[Any] = np.load(
            path, allow_pickle=False, mmap_mode="r" if mapped else None
        )
    except (OSError, ValueError, EOFError) as error:
        raise JobError("bad_file", f"{path.name} of {name} cannot be read") from error
    if loaded.dtype.kind not in "iuf":
        raise JobError("bad_file", f"{path.name} of {name} does not hold numbers")
    return loaded
