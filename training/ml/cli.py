"""The three commands that the worker starts as child processes; usable by hand just as well.

    python -m training.ml train JOB --out OUT [--resume OLDOUT] [--watch-stdin]
    python -m training.ml evaluate JOB --model MODEL --out report.json [--watch-stdin]
    python -m training.ml predict JOB --model MODEL --out OUT [--watch-stdin]

Standard output carries one JSON object per line and nothing else; logs go to standard error. The
last line of a failed command is {"event": "error", "code", "message"}. Exit codes: 0 done, 1 failed
while computing, 2 the job cannot be done as asked, 3 the parent went away.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

from training.ml.job import Job, JobError, read_job

FAILED, BAD_JOB, ORPHANED = 1, 2, 3

log = logging.getLogger(__name__)


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code."""
    parsed = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    _give_way(parsed.nice)
    _keep_to(int(os.environ.get("RETICLE_ML_CORES", "0")))
    if parsed.watch_stdin:
        threading.Thread(target=_leave_with_parent, daemon=True).start()
    events = _claim_stdout()

    def emit(event: dict[str, Any]) -> None:
        events.write(json.dumps(event, allow_nan=False) + "\n")
        events.flush()

    try:
        _run(parsed, read_job(parsed.job), emit)
    except JobError as error:
        emit({"event": "error", "code": error.code, "message": error.message})
        return BAD_JOB
    except BrokenPipeError:
        return ORPHANED
    except Exception as error:
        log.exception("%s failed", parsed.command)
        message = f"{type(error).__name__}: {error}"
        emit({"event": "error", "code": "failed", "message": message})
        return FAILED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.ml", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, purpose in (
        ("train", "train a model from the job's examples"),
        ("evaluate", "measure a model on the job's examples"),
        ("predict", "predict masks, uncertainty and scores for the job's examples"),
    ):
        command = commands.add_parser(name, help=purpose)
        command.add_argument("job", type=Path, help="job folder")
        command.add_argument("--out", type=Path, required=True, help="folder, or report file")
        if name == "train":
            command.add_argument("--resume", type=Path, help="folder of an interrupted run")
        else:
            command.add_argument("--model", type=Path, required=True, help="model folder")
        command.add_argument(
            "--watch-stdin", action="store_true", help="exit when standard input closes"
        )
        command.add_argument("--nice", type=int, default=19, help="0: an ordinary process")
    return parser


def _run(parsed: argparse.Namespace, job: Job, emit: Callable[[dict[str, Any]], None]) -> None:
    # Loaded late on purpose: torch and MONAI take seconds, and a bad job is answered at once.
    from training.ml import cases, checkpoint, device, evaluate, loop

    try:
        if parsed.command == "train":
            loop.train(
                job.config,
                job.examples,
                classes=job.classes,
                out=parsed.out,
                seed=job.seed,
                start=checkpoint.load_model(job.start) if job.start else None,
                resume=parsed.resume,
                emit=emit,
            )
            return
        model = checkpoint.load_model(parsed.model)
    except checkpoint.DamagedFile as error:
        raise JobError("bad_model", str(error)) from error
    place = device.choose(job.config)
    place.settle(model.network, model.architecture.norm)
    if parsed.command == "evaluate":
        if model.classes != job.classes:
            raise JobError("classes_changed", "the model was trained for other classes")
        report = evaluate.evaluate(model, job.examples, place, seed=job.seed)
        checkpoint.write_json(parsed.out, report)
        emit({"event": "done", "mean_dice": report["mean_dice"]})
    else:
        digest = checkpoint.weights_digest(parsed.model)
        cases.predict_all(model, digest, job.examples, parsed.out, place, emit)


def _give_way(nice: int) -> None:
    """Compute only in time that nobody else wants, before any other thread is started."""
    os.nice(nice)
    if nice and hasattr(os, "SCHED_IDLE"):
        # Linux hands a core that runs idle work to whoever wakes up, as if it were free.
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _keep_to(cores: int) -> None:
    """Use so many cores at most, loading of data included; 0 leaves the choice to the system."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if 0 < cores < len(allowed):
        os.sched_setaffinity(0, allowed[-cores:])


def _claim_stdout() -> TextIO:
    """Keep standard output for events alone: what libraries print goes to standard error."""
    sys.stdout.flush()
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return events


def _leave_with_parent() -> None:
    """Wait for the end of standard input, which the parent holds open while it lives."""
    while os.read(0, 4096):
        pass
    # No clean-up on purpose: all files are written whole, and nobody is left to read the rest.
    os._exit(ORPHANED)
