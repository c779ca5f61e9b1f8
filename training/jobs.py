"""Job folders, and the child process that works on them.

torch never enters the worker: `python -m training.ml` runs in a child of its own, so that a
segfault or an out-of-memory kill becomes a state of the run. The child ends when its standard
input closes, so a killed worker leaves no orphan.
"""

import gzip
import json
import logging
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings

from annotations.models import IGNORE_INDEX, Annotation
from reticle import storage
from reticle.errors import NotFound, ReticleError
from reticle.images.models import Image
from reticle.images.render import samples
from reticle.pixels.mask import Mask, unpack
from training.ensemble import ensemble_write, is_ensemble
from training.ml.measures import disagreement
from training.models import ModelVersion

logger = logging.getLogger(__name__)
STDERR_KEPT = 4000
TOGETHER = ("train", "pretrain")
"""Commands that several processes (of several GPUs) can do together."""
_KILLED = re.compile(r"exitcode\s*: -\d+")  # what torchrun says of a process that a signal ended
AHEAD = 2  # so many lines wait for a child: it never waits for the next one to be written


class ChildFailed(Exception):
    """The child ended badly; the message is its own last words.

    `killed`: from outside (a signal, the out-of-memory killer), so another try may succeed.
    `code` and `values` are those of `training.ml.job.JobError`, where it said one.
    """

    def __init__(
        self,
        message: str,
        *,
        killed: bool = False,
        code: str = "",
        values: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.killed, self.code, self.values = killed, code, dict(values or {})


class Unreadable(ReticleError):
    """The samples of an image are gone or damaged, for good; `image` is its key."""

    def __init__(self, image: int, why: Exception) -> None:
        super().__init__(f"Image {image} cannot be read: {why}")
        self.image = image


class ChildStopped(Exception):
    """The caller's beat said stop: cancelled, or the claim was lost."""


@dataclass(frozen=True)
class Example:
    """One image of a job, with its mask, or its answers, for training and evaluation."""

    image: Image
    patient: str
    annotation_id: int | None = None
    fresh: bool = False
    answers: Mapping[str, object] | None = None
    """To the job's questions, in the words of their options."""
    mask: Mask | None = None
    """Truth (rows, columns) that is no annotation's."""


def job_write(
    folder: Path,
    examples: Iterable[Example],
    *,
    classes: Sequence[Mapping[str, object]],
    config: Mapping[str, object],
    seed: int,
    start: ModelVersion | None = None,
    transfer: ModelVersion | Path | None = None,
    questions: Sequence[Mapping[str, object]] = (),
    left_out: list[Unreadable] | None = None,
) -> None:
    """Write a complete job folder; a folder that is complete already is left alone.

    `transfer`: a model to begin with, kept or fresh from a child's folder. Raises Unreadable,
    unless there is a list for what is `left_out` because it cannot be read.
    """
    if (folder / "examples.json").exists():
        return
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    if start is not None:
        model_write(folder / "start", start)
    if isinstance(transfer, Path):
        _model_copy(transfer, folder / "transfer")
    elif transfer is not None:
        model_write(folder / "transfer", transfer)
    job = {
        "config": dict(config), "seed": seed, "classes": list(classes),
        "start": "start/" if start else None, "transfer": "transfer/" if transfer else None,
        **({"questions": list(questions)} if questions else {}),
    }  # fmt: skip
    (folder / "job.json").write_text(json.dumps(job, indent=1, sort_keys=True))
    rows = []
    for example in examples:
        try:
            rows.append(_example_write(folder, example))
        except Unreadable as error:
            if left_out is None:
                raise
            left_out.append(error)
    # Written last and renamed: its presence says that the folder is whole.
    temporary = folder / "examples.json.part"
    temporary.write_text(json.dumps(rows))
    os.replace(temporary, folder / "examples.json")


def beating(
    examples: Iterable[Example], beat: Callable[[], bool], beat_seconds: float
) -> Iterator[Example]:
    """Yield the examples and beat meanwhile: writing a large job takes longer than a claim holds.

    Raises ChildStopped when the beat says stop.
    """
    next_beat = time.monotonic()
    for example in examples:
        if time.monotonic() >= next_beat:
            if not beat():
                raise ChildStopped
            next_beat = time.monotonic() + beat_seconds
        yield example


def _example_write(folder: Path, example: Example) -> dict[str, Any]:
    image = example.image
    name = str(image.pk)
    np.save(folder / "images" / f"{name}.npy", _samples(image), allow_pickle=False)
    row: dict[str, Any] = {
        "id": name,
        "image": f"images/{name}.npy",
        "mask": None,
        "patient": example.patient,
        "spacing": [image.spacing_row, image.spacing_column] if image.spacing_row else None,
        "slope": image.slope,
        "intercept": image.intercept,
        "channels": image.channels,
        "modality": image.series.modality,
        "fresh": example.fresh,
    }
    if example.answers is not None:
        row["answers"] = dict(example.answers)
        return row
    mask = example.mask
    if mask is None and example.annotation_id is not None:
        label = Annotation.objects.only("packed", "unseen").get(pk=example.annotation_id)
        mask = judged_truth(label, image)
    if mask is not None:
        np.save(folder / "masks" / f"{name}.npy", mask, allow_pickle=False)
        row["mask"] = f"masks/{name}.npy"
    return row


def judged_truth(label: Annotation, image: Image) -> Mask:
    """Return a label (rows, columns) with `ignore` wherever it says nothing of a model.

    Where nothing is drawn a class that nobody looked for may be: that is no background.
    """
    mask = unpack(bytes(label.packed), image.rows, image.columns)
    return np.where(mask == 0, np.uint8(IGNORE_INDEX), mask) if label.unseen else mask


def drawing_error(label: Annotation, image: Image, drawn: bytes) -> float:
    """Return 1 - Dice of a model's packed drawing against a label, where that says anything."""
    truth = judged_truth(label, image)
    judged = truth != IGNORE_INDEX
    return disagreement(unpack(drawn, image.rows, image.columns) * judged, truth * judged)


DAMAGED = (gzip.BadGzipFile, EOFError, ValueError, zlib.error)
"""What reading a damaged blob raises. A storage that fails (OSError) says nothing of the image."""


def _samples(image: Image) -> npt.NDArray[Any]:
    try:
        return samples(image)
    except (NotFound, *DAMAGED) as error:
        raise Unreadable(image.pk, error) from error


def problem_of(image: Image) -> str | None:
    """Return what is wrong with the samples of an image: "missing", "damaged", or None."""
    try:
        samples(image)
    except NotFound:
        return "missing"
    except DAMAGED:
        return "damaged"
    return None


def model_write(folder: Path, model: ModelVersion) -> Path:
    """Lay a model's weights and card out for the child; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if is_ensemble(model.card):
        ensemble_write(folder, model.weights_sha256)
        return folder
    (folder / "model.safetensors").write_bytes(storage.read(model.weights_sha256))
    (folder / "model.json").write_text(json.dumps(model.card))
    return folder


def _model_copy(source: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("model.safetensors", "model.json"):
        shutil.copyfile(source / name, folder / name)


def child_lines(
    arguments: Sequence[str],
    *,
    beat: Callable[[], bool],
    beat_seconds: float,
    feed: Iterator[str] | None = None,
) -> Iterator[dict[str, Any]]:
    """Run `python -m training.ml ARGUMENTS` and yield the JSON objects it prints.

    `feed` gives lines for its standard input: `AHEAD` at first, and one more each time it prints
    the event "chunk". Without it standard input only tells the child that its parent lives.

    `beat` is called at once and every `beat_seconds`; when it answers False the child is stopped
    and ChildStopped raised. Raises ChildFailed when the child ends with an error.
    """
    process = subprocess.Popen(
        [*_program(arguments[0]), *arguments, *([] if feed else ["--watch-stdin"])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=settings.BASE_DIR,
        env=_environment(),
    )
    lines: queue.Queue[str | None] = queue.Queue()
    errors: list[str] = []
    threads = [
        threading.Thread(target=_pump, args=(process.stdout, lines), daemon=True),
        threading.Thread(target=_keep_tail, args=(process.stderr, errors), daemon=True),
    ]
    for thread in threads:
        thread.start()
    told: dict[str, Any] = {}
    try:
        for _ in range(AHEAD if feed else 0):
            _hand_over(process, feed)
        for event in _until_end(lines, beat, beat_seconds):
            if event.get("event") == "error":
                told = told or event
                continue
            yield event
            if event.get("event") == "chunk":
                _hand_over(process, feed)
        process.wait()
    finally:
        _end(process, threads)
    if told or process.returncode != 0:
        raise _failed(process.returncode, told, "".join(errors)[-STDERR_KEPT:].strip())


def _end(process: "subprocess.Popen[str]", threads: Sequence[threading.Thread]) -> None:
    """Kill the child if it still runs, and let go of it."""
    if process.poll() is None:
        process.kill()
        process.wait()
    # Closed first: processes that the child started end by it, and hold the others open.
    if process.stdin is not None:
        process.stdin.close()
    for thread in threads:
        thread.join()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _failed(code: int, told: Mapping[str, Any], last_words: str) -> ChildFailed:
    """Return the failure of a child that ended with this code, from what it told.

    Where one of several processes was killed, the others tell that it went away.
    """
    killed = code < 0 or _KILLED.search(last_words) is not None
    if told:
        values = told["values"]
        return ChildFailed(told["message"], killed=killed, code=told["code"], values=values)
    words = f"The training process ended with {code}. {last_words}"
    return ChildFailed(words.strip(), killed=killed)


def _program(command: str) -> list[str]:
    """Return what runs a command: for a training in several processes, what starts those."""
    if command not in TOGETHER or settings.TRAINING_PROCESSES == 1:
        return [sys.executable, "-m", "training.ml"]
    several = ["--standalone", f"--nproc-per-node={settings.TRAINING_PROCESSES}"]
    return [sys.executable, "-m", "torch.distributed.run", *several, "-m", "training.ml"]


def _hand_over(process: "subprocess.Popen[str]", feed: Iterator[str] | None) -> None:
    """Give the child its next line, or close its standard input when there is none."""
    line = next(feed, None) if feed is not None else None
    if process.stdin is None or process.stdin.closed:
        return
    try:
        if line is None:
            process.stdin.close()
        else:
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
    except BrokenPipeError:
        # It has ended: what it said last, and with which code, is read by the caller.
        logger.warning("the child ended before it was told everything")


def _until_end(
    lines: "queue.Queue[str | None]", beat: Callable[[], bool], beat_seconds: float
) -> Iterator[dict[str, Any]]:
    next_beat = time.monotonic()  # at once: a quick child could end before it was asked
    while True:
        if time.monotonic() >= next_beat:
            if not beat():
                raise ChildStopped
            next_beat = time.monotonic() + beat_seconds
        try:
            line = lines.get(timeout=max(0.0, next_beat - time.monotonic()))
        except queue.Empty:
            continue
        if line is None:
            return
        yield json.loads(line)


def _pump(stream: Any, lines: "queue.Queue[str | None]") -> None:
    for line in stream:
        if line.strip():
            lines.put(line)
    lines.put(None)


def _keep_tail(stream: Any, errors: list[str]) -> None:
    for line in stream:
        errors.append(line)
        del errors[:-200]


def _environment() -> dict[str, str]:
    base = Path(settings.BASE_DIR)
    threads = str(settings.TRAINING_THREADS)
    return {
        **{k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "SECRET_KEY"}},
        "PYTHONPATH": os.pathsep.join([str(base), str(base / "platform")]),
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "RETICLE_ML_CORES": threads,
    }
