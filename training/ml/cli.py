"""The commands that the worker starts as child processes; usable by hand just as well.

    python -m training.ml train JOB --out OUT [--config FILE] [--resume OLDOUT] [--watch-stdin]
    python -m training.ml pretrain JOB --out OUT [--resume OLDOUT] [--watch-stdin]
    python -m training.ml cross JOB --folds K --out OUT [--config FILE] [--watch-stdin]
    python -m training.ml export MODEL --out OUT [--format onnx|torchscript]
    python -m training.ml evaluate JOB --model MODEL --out report.json [--also JOB] [--watch-stdin]
    python -m training.ml predict JOB --model MODEL --out OUT [--watch-stdin]
    python -m training.ml explain JOB --model MODEL --out OUT [--watch-stdin]
    python -m training.ml features JOB --model MODEL --out features.npy [--watch-stdin]
    python -m training.ml robustness JOB --model MODEL --out report.json [--watch-stdin]
    python -m training.ml score --model MODEL < job folders, one a line; results in FOLDER/out

Standard output carries one JSON object per line and nothing else, with null for what is no number;
logs go to standard error. The
last line of a failed command is {"event": "error", "code", "message", "values"}. Exit codes: 0
done, 1 failed while computing, 2 the job cannot be done as asked, 3 the parent went away.
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

from training.ml.job import JobError, read_job
from training.ml.plain import finite

Emit = Callable[[dict[str, Any]], None]
FAILED, BAD_JOB, ORPHANED = 1, 2, 3
PASSES = ("none", "mirror", "dropout")

log = logging.getLogger(__name__)


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code."""
    parsed = parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    _give_way(parsed.nice)
    _keep_to(int(os.environ.get("RETICLE_ML_CORES", "0")))
    if parsed.watch_stdin:
        threading.Thread(target=_leave_with_parent, daemon=True).start()
    events = _claim_stdout()

    def emit(event: dict[str, Any]) -> None:
        events.write(json.dumps(finite(event), allow_nan=False) + "\n")
        events.flush()

    try:
        run(parsed, emit)
    except JobError as error:
        said = {"code": error.code, "message": error.message, "values": error.values}
        emit({"event": "error", **said})
        return BAD_JOB
    except BrokenPipeError:
        return ORPHANED
    except Exception as error:
        log.exception("%s failed", parsed.command)
        message = f"{type(error).__name__}: {error}"
        emit({"event": "error", "code": "failed", "message": message, "values": {}})
        return FAILED
    return 0


def parser() -> argparse.ArgumentParser:
    """What the commands take."""
    made = argparse.ArgumentParser(prog="python -m training.ml", description=__doc__)
    commands = made.add_subparsers(dest="command", required=True)
    for name, purpose in (
        ("train", "train a model from the job's examples"),
        ("cross", "train one model per fold of patients, and measure each on its own fold"),
        ("pretrain", "learn from the job's images alone; the model is a `transfer` for train"),
        ("evaluate", "measure a model on the job's examples"),
        ("predict", "predict masks or answers, uncertainty and scores for the job's examples"),
        ("explain", "map where the model is unsure and where it looks for each class"),
        ("score", "predict, without maps, for the job folders named on standard input, one a line"),
        ("features", "describe the job's images by a model's bottleneck, one row each"),
        ("robustness", "measure a model on the job's examples made worse in stated ways"),
        ("export", "write a model as one file for other programs, its preprocessing included"),
    ):
        command = commands.add_parser(name, help=purpose)
        if name == "score":
            command.add_argument("--model", type=Path, required=True, help="model folder")
            _extras(command)
            command.add_argument("--nice", type=int, default=19, help="0: an ordinary process")
            command.set_defaults(watch_stdin=False)
            continue
        if name == "export":
            command.add_argument("model", type=Path, help="model folder")
            command.add_argument("--format", choices=("onnx", "torchscript"), default="onnx")
        else:
            command.add_argument("job", type=Path, help="job folder")
        command.add_argument("--out", type=Path, required=True, help="folder, or report file")
        _options(command, name)
        command.add_argument(
            "--watch-stdin", action="store_true", help="exit when standard input closes"
        )
        command.add_argument("--nice", type=int, default=19, help="0: an ordinary process")
    return made


def _options(command: argparse.ArgumentParser, name: str) -> None:
    """What one command takes beside its job and where its result goes."""
    if name in ("train", "cross"):
        command.add_argument("--config", type=Path, help="a configuration, not the job's")
    if name in ("train", "pretrain"):
        command.add_argument("--resume", type=Path, help="folder of an interrupted run")
    elif name == "cross":
        command.add_argument("--folds", type=int, default=5, help="how many, at least 2")
    elif name != "export":
        command.add_argument("--model", type=Path, required=True, help="model folder")
    if name == "evaluate":
        command.add_argument("--also", type=Path, help="job folder to predict; into its out/")
    if name == "predict":
        _extras(command)
    elif name == "explain":
        command.add_argument("--occlusion", action="store_true", help="hide squares, slowly")
        command.add_argument("--committee", type=Path, help="an ensemble that says what is unsure")


def _extras(command: argparse.ArgumentParser) -> None:
    """What some strategies of selection want to know besides."""
    command.add_argument("--passes", choices=PASSES, default="none", help="several looks")
    command.add_argument("--gradient", action="store_true", help="gradient embeddings (BADGE)")
    command.add_argument("--measures", action="store_true", help="more than the entropy")


def run(parsed: argparse.Namespace, emit: Emit) -> None:
    """Do what was asked, in this process. Raises JobError and what went wrong while computing."""
    job = None
    if parsed.command not in ("export", "score"):
        job = read_job(
            parsed.job,
            labelled=parsed.command not in ("pretrain", "features"),
            config=getattr(parsed, "config", None),
        )
    # Loaded late on purpose: torch and MONAI take seconds, and a bad job is answered at once.
    from training.ml import checkpoint, commands

    try:
        if parsed.command == "score":
            commands.score_folders(parsed, emit, sys.stdin)
        elif job is None:
            commands.export_model(parsed, emit)
        else:
            commands.COMMANDS[parsed.command](parsed, job, emit)
    except checkpoint.DamagedFile as error:
        raise JobError("bad_model", str(error)) from error


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
