"""Predictions as files: one .npz per image, written whole, so that a stopped run can go on."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.ml.checkpoint import Ensemble, Model, write_whole
from training.ml.device import Place
from training.ml.findings import answer, unsureness
from training.ml.infer import PLAIN, Extra, predict, score
from training.ml.job import Example


def predict_all(
    model: Model | Ensemble,
    weights_sha256: str,
    examples: Sequence[Example],
    out: Path,
    place: Place,
    emit: Callable[[dict[str, Any]], None],
    extra: Extra = PLAIN,
) -> int:
    """Write OUT/<id>.npz for each example and emit its scores; returns how many there are.

    Files that an earlier run with the same weights completed are kept, and their scores emitted
    again, so whoever listens hears of every image.
    """
    for example in examples:
        path = out / f"{example.id}.npz"
        summary = _kept(path, weights_sha256)
        if summary is None:
            summary = _make(model, weights_sha256, example, path, place, extra)
        emit({"event": "case", **{k: v for k, v in summary.items() if k != "weights_sha256"}})
    emit({"event": "done", "count": len(examples)})
    return len(examples)


def _make(
    model: Model | Ensemble,
    weights_sha256: str,
    example: Example,
    path: Path,
    place: Place,
    extra: Extra,
) -> dict[str, Any]:
    if model.questions:
        found, arrays = _answers(model, example, place)
    else:
        found, arrays = _regions(model, example, place, extra)
    summary = {"id": example.id, **found, "weights_sha256": weights_sha256}
    arrays["summary"] = np.frombuffer(json.dumps(summary).encode(), dtype=np.uint8)
    # Not forced to disk: a file that a power cut emptied is no archive, and is made again.
    write_whole(path, _archive(arrays), durable=False)
    return summary


def _archive(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """The bytes of an .npz, packed for speed: numpy's own level takes four times as long."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, values in arrays.items():
            part = io.BytesIO()
            np.lib.format.write_array(part, values, allow_pickle=False)
            archive.writestr(f"{name}.npy", part.getvalue())
    return content.getvalue()


def _regions(
    model: Model | Ensemble, example: Example, place: Place, extra: Extra
) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    prediction = predict(model, example, place, extra)
    found = asdict(score(prediction, model.classes))
    return (
        {
            "score": found["overall"],
            "class_scores": found["classes"],
            "foreground": found["foreground"],
            "measures": found["measures"],
        },
        {
            "mask": prediction.mask(model.classes),
            "uncertainty": np.round(prediction.uncertainty * 255).astype(np.uint8),
            "embedding": prediction.embedding.astype(np.float32),
            **(
                {}
                if prediction.gradient is None
                else {"gradient": prediction.gradient.astype(np.float32)}
            ),
        },
    )


def _answers(
    model: Model | Ensemble, example: Example, place: Place
) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    found = answer(model, example, place)
    unsure = found.uncertainty(model.questions)
    return (
        {
            "score": sum(unsure.values()) / len(unsure),
            "class_scores": unsure,
            "measures": unsureness(model.questions, found.values),
            "answers": found.by_question(model.questions),
        },
        {
            "probabilities": found.values.astype(np.float32),
            "embedding": found.embedding.astype(np.float32),
        },
    )


def _kept(path: Path, weights_sha256: str) -> dict[str, Any] | None:
    """The summary of a complete file made with the same weights, else None."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if not ({"mask", "uncertainty"} <= set(file.files) or "probabilities" in file.files):
                return None
            summary: dict[str, Any] = json.loads(file["summary"].tobytes())
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return summary if summary.get("weights_sha256") == weights_sha256 else None
