"""Predictions as files: one .npz per image, written whole, so that a stopped run can go on."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.ml.checkpoint import Ensemble, Model, write_whole
from training.ml.device import Place
from training.ml.findings import Answers, answer, unsureness
from training.ml.infer import PLAIN, Extra, Look, Prediction, look, prepare, score
from training.ml.job import Example

_TOGETHER = 2**20
"""Pixels of so many images are in memory at once, on the network's grid: 16 of 256 x 256."""
Summary = dict[str, Any]
"""What is said of an image: its id, scores and measures."""
Seen = Look | Answers | Summary
"""An image that the model has looked at, or that an earlier run has left the file of."""


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

    A few images are prepared, then the network looks at each, then they are scored and written:
    one after the other they would push each step's code and tables out of the processor's caches,
    which beside a small network takes a tenth of the time. The last step goes on aside.
    """
    together = max(1, _TOGETHER // model.members[0].plan.longest ** 2)

    def settled(paths: Sequence[Path], found: Sequence[Seen]) -> list[Summary]:
        return [
            _settle(one, model, weights_sha256, path, extra)
            for path, one in zip(paths, found, strict=True)
        ]

    behind: Future[list[Summary]] | None = None
    for first in range(0, len(examples), together):
        group = examples[first : first + together]
        paths = [out / f"{example.id}.npz" for example in group]
        kept = [_kept(path, weights_sha256, extra) for path in paths]
        new = [example for example, one in zip(group, kept, strict=True) if one is None]
        looks = _looks(model, new, place, extra)
        found: list[Seen] = [next(looks) if one is None else one for one in kept]
        this = aside.submit(settled, paths, found)
        if behind is not None:
            yield from behind.result()
        behind = this
    if behind is not None:
        yield from behind.result()


def _looks(
    model: Model | Ensemble, examples: Sequence[Example], place: Place, extra: Extra
) -> Iterator[Look | Answers]:
    if model.questions:
        return (answer(model, example, place) for example in examples)
    pictures = [prepare(model, example.pixels(), example.spacing) for example in examples]
    return (look(model, each, place, extra) for each in pictures)


def _settle(
    found: Seen,
    model: Model | Ensemble,
    weights_sha256: str,
    path: Path,
    extra: Extra,
) -> Summary:
    """Score what was seen and write it as a file, unless an earlier run did."""
    if isinstance(found, dict):
        return found
    if isinstance(found, Look):
        said, arrays = _regions(found.prediction(), model, extra)
    else:
        said, arrays = _answers(found, model)
    summary = {"id": path.stem, **said, "weights_sha256": weights_sha256}
    arrays["summary"] = np.frombuffer(json.dumps(summary).encode(), dtype=np.uint8)
    # Not forced to disk: a file that a power cut emptied is no archive, and is made again.
    write_whole(path, _archive(arrays), durable=False)
    return summary


def _archive(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """The bytes of an .npz, not compressed: most are read once and removed."""
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    return content.getvalue()


def _regions(
    prediction: Prediction, model: Model | Ensemble, extra: Extra
) -> tuple[Summary, dict[str, npt.NDArray[Any]]]:
    found = score(prediction, model.classes)
    arrays: dict[str, npt.NDArray[Any]] = {
        "mask": prediction.mask(model.classes),
        "embedding": prediction.embedding.astype(np.float32),
    }
    if extra.map:
        arrays["uncertainty"] = np.round(prediction.uncertainty * 255).astype(np.uint8)
    if prediction.gradient is not None:
        arrays["gradient"] = prediction.gradient.astype(np.float32)
    said = {
        "score": found.overall,
        "class_scores": found.classes,
        "foreground": found.foreground,
        "measures": found.measures,
    }
    return said, arrays


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


def _kept(path: Path, weights_sha256: str, extra: Extra) -> Summary | None:
    """The summary of a complete file made with the same weights, else None."""
    wanted = {"mask", "uncertainty"} if extra.map else {"mask"}
    try:
        with np.load(path, allow_pickle=False) as file:
            if not (wanted <= set(file.files) or "probabilities" in file.files):
                return None
            summary: Summary = json.loads(file["summary"].tobytes())
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return summary if summary.get("weights_sha256") == weights_sha256 else None
