"""Predictions as files: one .npz per image, written whole, so that a stopped run can go on."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.ml.checkpoint import Ensemble, Model, write_whole
from training.ml.device import Place
from training.ml.findings import Answers, answer, unsureness
from training.ml.infer import PLAIN, Extra, Prediction, predict, score
from training.ml.job import Example

Summary = dict[str, Any]
"""What is said of an image: its id, scores and measures."""


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
    with ThreadPoolExecutor(max_workers=1) as aside:
        for summary in _summaries(model, weights_sha256, examples, out, place, extra, aside):
            emit({"event": "case", **{k: v for k, v in summary.items() if k != "weights_sha256"}})
    emit({"event": "done", "count": len(examples)})
    return len(examples)


def _summaries(
    model: Model | Ensemble, weights_sha256: str, examples: Sequence[Example], out: Path,
    place: Place, extra: Extra, aside: Executor,
) -> Iterator[Summary]:  # fmt: skip
    """What is said of each image, once its file is there.

    Scoring, packing and writing go on aside while the network looks at the next image: beside a
    small network they take a fifth of the time.
    """
    behind: Future[Summary] | None = None
    for example in examples:
        path = out / f"{example.id}.npz"
        kept = _kept(path, weights_sha256)
        found = _look(model, example, place, extra) if kept is None else kept
        this = aside.submit(_settle, found, model, weights_sha256, example.id, path)
        if behind is not None:
            yield behind.result()
        behind = this
    if behind is not None:
        yield behind.result()


def _look(
    model: Model | Ensemble, example: Example, place: Place, extra: Extra
) -> Prediction | Answers:
    if model.questions:
        return answer(model, example, place)
    return predict(model, example, place, extra)


def _settle(
    found: Prediction | Answers | Summary,
    model: Model | Ensemble,
    weights_sha256: str,
    name: str,
    path: Path,
) -> Summary:
    """Score a prediction and write it as a file, unless an earlier run did."""
    if isinstance(found, dict):
        return found
    if isinstance(found, Prediction):
        said, arrays = _regions(found, model)
    else:
        said, arrays = _answers(found, model)
    summary = {"id": name, **said, "weights_sha256": weights_sha256}
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
    prediction: Prediction, model: Model | Ensemble
) -> tuple[Summary, dict[str, npt.NDArray[Any]]]:
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
    found: Answers, model: Model | Ensemble
) -> tuple[Summary, dict[str, npt.NDArray[Any]]]:
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


def _kept(path: Path, weights_sha256: str) -> Summary | None:
    """The summary of a complete file made with the same weights, else None."""
    try:
        with np.load(path, allow_pickle=False) as file:
            if not ({"mask", "uncertainty"} <= set(file.files) or "probabilities" in file.files):
                return None
            summary: Summary = json.loads(file["summary"].tobytes())
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return summary if summary.get("weights_sha256") == weights_sha256 else None
