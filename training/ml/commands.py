"""What each command does with a job; loads torch (the parser in `cli` does not).

What needs MONAI is loaded by the commands that need it: it takes seconds, and a pool is scored by
many short calls of `predict`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.ml import cases, checkpoint, device
from training.ml.cli import Emit
from training.ml.infer import Extra, features
from training.ml.job import Job, JobError, read_job

if TYPE_CHECKING:
    from training.ml.aim import Aim
    from training.ml.origin import Origin


def aim_of(job: Job) -> Aim:
    """What the job's labels teach."""
    from training.ml.aim import Regions
    from training.ml.findings import Findings

    return Findings(job.questions) if job.questions else Regions(job.classes)


def origin_of(job: Job) -> Origin:
    """Where the job's first weights come from. Raises DamagedFile."""
    from training.ml.origin import Origin

    start, transfer = (
        None if folder is None else checkpoint.load_model(folder)
        for folder in (job.start, job.transfer)
    )
    return Origin(start, transfer, job.encoder)


def cache_of(job: Path) -> Path:
    """Where a job folder's prepared images are kept."""
    return job / "prepared"


def _train(parsed: argparse.Namespace, job: Job, emit: Emit) -> None:
    from training.ml.loop import train

    train(
        job.config, job.examples, aim=aim_of(job), out=parsed.out, cache=cache_of(parsed.job),
        seed=job.seed, origin=origin_of(job), resume=parsed.resume, emit=emit,
    )  # fmt: skip


def _pretrain(parsed: argparse.Namespace, job: Job, emit: Emit) -> None:
    from training.ml.loop import train
    from training.ml.pretrain import Restoration, network_of

    train(
        network_of(job.config), job.examples, aim=Restoration(), out=parsed.out,
        cache=cache_of(parsed.job), seed=job.seed, resume=parsed.resume, emit=emit,
    )  # fmt: skip


def _cross(parsed: argparse.Namespace, job: Job, emit: Emit) -> None:
    from training.ml.cross import cross

    cross(
        job, aim_of(job), parsed.folds, out=parsed.out, cache=cache_of(parsed.job),
        origin=origin_of(job), emit=emit,
    )  # fmt: skip


def _load(
    parsed: argparse.Namespace, job: Job
) -> tuple[checkpoint.Model | checkpoint.Ensemble, device.Place]:
    place = device.choose(job.config)
    return _settled(parsed.model, place), place


def _settled(folder: Path, place: device.Place) -> checkpoint.Model | checkpoint.Ensemble:
    model = checkpoint.load_any(folder)
    for member in model.members:
        place.settle(member.network, member.architecture.norm)
    return model


def _evaluate(parsed: argparse.Namespace, job: Job, emit: Emit) -> None:
    from training.ml.evaluate import evaluate
    from training.ml.judge import judge

    model, place = _load(parsed, job)
    if (model.classes, model.questions) != (job.classes, job.questions):
        raise JobError("classes_changed", "the model was trained for other classes")
    measure = judge if model.questions else evaluate
    report = measure(model, job.examples, place, seed=job.seed)
    checkpoint.write_json(parsed.out, report)
    if parsed.also is not None:
        others = read_job(parsed.also, labelled=False).examples
        digest = checkpoint.weights_digest(parsed.model)
        cases.predict_all(model, digest, others, parsed.also / "out", place, emit)
    emit({"event": "done", **{key: report[key] for key in report if key.startswith("mean_")}})


def _predict(parsed: argparse.Namespace, job: Job, emit: Emit) -> None:
    model, place = _load(parsed, job)
    digest = checkpoint.weights_digest(parsed.model)
    cases.predict_all(model, digest, job.examples, parsed.out, place, emit, _extra(parsed))


def _features(parsed: argparse.Namespace, job: Job, emit: Emit) -> None:
    """Write one array (N, D) of the images' features, in the order of the job's examples."""
    model, place = _load(parsed, job)
    found = [features(model.members[0], example, place) for example in job.examples]
    np.save(parsed.out, np.stack(found), allow_pickle=False)
    emit({"event": "done", "count": len(found)})


def _robustness(parsed: argparse.Namespace, job: Job, emit: Emit) -> None:
    from training.ml.robust import robustness

    model, place = _load(parsed, job)
    report = robustness(model, job.examples, place, seed=job.seed, emit=emit)
    checkpoint.write_json(parsed.out, report)
    emit({"event": "done", "changes": len(report["changes"])})


def _explain(parsed: argparse.Namespace, job: Job, emit: Emit) -> None:
    from training.ml.explain import explain_all

    model, place = _load(parsed, job)
    committee = None if parsed.committee is None else _settled(parsed.committee, place)
    explain_all(
        model, job.examples, parsed.out, place, emit, occlusion=parsed.occlusion,
        committee=committee,
    )  # fmt: skip


def _extra(parsed: argparse.Namespace) -> Extra:
    wanted = parsed.measures or parsed.passes != "none"
    return Extra(parsed.passes, parsed.gradient, wanted, map=parsed.command == "predict")


def score_folders(parsed: argparse.Namespace, emit: Emit, lines: Iterable[str]) -> None:
    """Predict for each folder named on a line: the model is loaded once for all of them.

    The results are in FOLDER/out, and an event "chunk" follows those of its cases.
    """
    model, digest = checkpoint.load_any(parsed.model), checkpoint.weights_digest(parsed.model)
    place: device.Place | None = None
    for line in lines:
        folder = Path(line.rstrip("\n"))
        job = read_job(folder, labelled=False)
        if place is None:
            place = device.choose(job.config)
            for member in model.members:
                place.settle(member.network, member.architecture.norm)
        out = folder / "out"
        cases.predict_all(model, digest, job.examples, out, place, emit, _extra(parsed))
        emit({"event": "chunk", "folder": str(folder)})


def export_model(parsed: argparse.Namespace, emit: Emit) -> None:
    """The one command without a job."""
    from training.ml.export import export

    model = checkpoint.load_any(parsed.model)
    card = export(model, parsed.model, parsed.out, parsed.format)
    emit({"event": "done", "file": card["file"], "largest_difference": card["largest_difference"]})


COMMANDS: Mapping[str, Callable[[argparse.Namespace, Job, Emit], None]] = {
    "train": _train,
    "pretrain": _pretrain,
    "cross": _cross,
    "evaluate": _evaluate,
    "predict": _predict,
    "explain": _explain,
    "features": _features,
    "robustness": _robustness,
}
