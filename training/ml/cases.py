"""Predictions as files: one .npz per image, written whole, so that a stopped run can go on."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from training.ml.checkpoint import Model, write_whole
from training.ml.device import Place
from training.ml.infer import predict, score
from training.ml.job import Example


def predict_all(
    model: Model,
    weights_sha256: str,
    examples: Sequence[Example],
    out: Path,
    place: Place,
    emit: Callable[[dict[str, Any]], None],
) -> int:
    """Write OUT/<id>.npz for each example and emit its scores; returns how many there are.

    Files that an earlier run with the same weights completed are kept, and their scores emitted
    again, so whoever listens hears of every image.
    """
    for example in examples:
        path = out / f"{example.id}.npz"
        summary = _kept(path, weights_sha256)
        if summary is None:
            summary = _make(model, weights_sha256, example, path, place)
        emit({"event": "case", **{k: v for k, v in summary.items() if k != "weights_sha256"}})
    emit({"event": "done", "count": len(examples)})
    return len(examples)


def _make(
    model: Model, weights_sha256: str, example: Example, path: Path, place: Place
) -> dict[str, Any]:
    prediction = predict(model, example, place)
    found = asdict(score(prediction, model))
    summary = {
        "id": example.id,
        "score": found["overall"],
        "class_scores": found["classes"],
        "foreground": found["foreground"],
        "weights_sha256": weights_sha256,
    }
    content = io.BytesIO()
    np.savez_compressed(
        content,
        mask=prediction.mask(model),
        uncertainty=np.round(prediction.entropy() * 255).astype(np.uint8),
        embedding=prediction.embedding.astype(np.float32),
        summary=np.frombuffer(json.dumps(summary).encode(), dtype=np.uint8),
    )
    write_whole(path, content.getvalue())
    return summary


def _kept(path: Path, weights_sha256: str) -> dict[str, Any] | None:
    """The summary of a complete file made with the same weights, else None."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if not {"mask", "uncertainty", "embedding"} <= set(file.files):
                return None
            summary: dict[str, Any] = json.loads(file["summary"].tobytes())
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return summary if summary.get("weights_sha256") == weights_sha256 else None
