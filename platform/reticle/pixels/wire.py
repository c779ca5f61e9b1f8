"""How parsed files cross from the sandboxed child to its parent: .npy arrays and one JSON file.

Never pickle: the child reads hostile bytes, so what it writes is data and nothing else.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from reticle.pixels.series import DTYPES, FrameData, Pixels, SeriesData

_RESULT = "result.json"
_MAX_RESULT = 64 * 2**20


class BadWire(ValueError):
    """The folder does not hold what ``save`` writes."""


def save_series(folder: Path, series: list[SeriesData]) -> None:
    """Write all series into ``folder``, arrays first."""
    told = []
    for number, one in enumerate(series):
        fields = {f.name: getattr(one, f.name) for f in dataclasses.fields(one)}
        fields["frames"] = [
            _save_frame(folder, f"{number}-{at}", frame) for at, frame in enumerate(one.frames)
        ]
        told.append(fields)
    _write(folder, told)


def load_series(folder: Path) -> list[SeriesData]:
    """Read what ``save_series`` wrote; arrays stay on disk (memory-mapped). Raises BadWire."""
    try:
        return [
            SeriesData(**{**one, "frames": [_load_frame(folder, f) for f in one["frames"]]})
            for one in _read(folder)
        ]
    except (TypeError, KeyError, AttributeError) as error:
        raise BadWire("the parsed file is incomplete") from error


def save_arrays(folder: Path, arrays: list[Pixels]) -> None:
    """Write a list of arrays (masks) into ``folder``."""
    for at, array in enumerate(arrays):
        np.save(folder / f"{at}.npy", array, allow_pickle=False)
    _write(folder, len(arrays))


def load_arrays(folder: Path) -> list[Pixels]:
    """Read what ``save_arrays`` wrote. Raises BadWire."""
    count = _read(folder)
    if not isinstance(count, int):
        raise BadWire("the parsed file is incomplete")
    return [_load(folder / f"{at}.npy") for at in range(count)]


def _save_frame(folder: Path, name: str, frame: FrameData) -> dict[str, Any]:
    np.save(folder / f"{name}.npy", frame.pixels, allow_pickle=False)
    fields = {f.name: getattr(frame, f.name) for f in dataclasses.fields(frame)}
    return {**fields, "pixels": name}


def _load_frame(folder: Path, fields: dict[str, Any]) -> FrameData:
    name = fields["pixels"]
    if not isinstance(name, str) or "/" in name:
        raise BadWire("the parsed file is incomplete")
    return FrameData(**{**fields, "pixels": _load(folder / f"{name}.npy")})


def _load(path: Path) -> Pixels:
    try:
        array: Pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise BadWire("the parsed file is incomplete") from error
    if array.dtype.name not in DTYPES or array.ndim not in (2, 3):
        raise BadWire("the parsed file holds no image")
    return array


def _write(folder: Path, told: object) -> None:
    (folder / _RESULT).write_text(json.dumps(told, allow_nan=False), encoding="utf-8")


def _read(folder: Path) -> Any:
    path = folder / _RESULT
    try:
        if path.stat().st_size > _MAX_RESULT:
            raise BadWire("the parsed file has too long a description")
        return json.loads(path.read_bytes())
    except (OSError, json.JSONDecodeError) as error:
        raise BadWire("the parsed file is incomplete") from error
