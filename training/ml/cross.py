"""Cross-validation: one model per fold of patients, each measured on the patients it never saw.

The models together are an ensemble; its report is honest only on images of none of the folds,
which is why the report here takes each case from the one model that did not learn from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.ml.aim import Aim
from training.ml.checkpoint import Model, save_ensemble, write_json
from training.ml.device import choose
from training.ml.evaluate import report_of
from training.ml.findings import answer
from training.ml.infer import predict
from training.ml.job import Example, Job, JobError
from training.ml.judge import judge_answers
from training.ml.loop import train
from training.ml.origin import Origin
from training.ml.report import Emit


def folds_of(examples: Sequence[Example], folds: int, seed: int) -> dict[str, int]:
    """Fold of each patient: patients in the order of a seeded hash take turns.

    Raises JobError when there are fewer patients than folds, or fewer than two folds.
    """
    patients = sorted(
        {example.patient for example in examples},
        key=lambda patient: hashlib.sha256(f"{seed}:{patient}".encode()).digest(),
    )
    if not 2 <= folds <= len(patients):
        raise JobError("bad_folds", f"folds: choose from 2 to the {len(patients)} patients")
    return {patient: place % folds for place, patient in enumerate(patients)}


def cross(
    job: Job, aim: Aim, folds: int, *, out: Path, cache: Path, origin: Origin, emit: Emit
) -> None:
    """Write OUT/fold-N (model folders), OUT/report.json (out of fold) and OUT/ensemble.json.

    Started again on the same OUT it goes on where it was stopped. Raises JobError.
    """
    where = folds_of(job.examples, folds, job.seed)
    models: dict[int, Model] = {}
    for fold in range(folds):
        folder = out / f"fold-{fold}"

        def told(event: dict[str, Any], fold: int = fold) -> None:
            # The folds' ends are not the command's.
            name = "fold_done" if event["event"] == "done" else event["event"]
            emit({**event, "event": name, "fold": fold, "folds": folds})

        models[fold] = train(
            job.config, [e for e in job.examples if where[e.patient] != fold], aim=aim, out=folder,
            cache=cache, pool=job.examples, seed=job.seed, origin=origin, resume=folder, emit=told,
        ).model  # fmt: skip
    report = _report(job, aim, models, where)
    write_json(out / "report.json", report)
    save_ensemble(out, [f"fold-{fold}" for fold in range(folds)], folds=where)
    emit({"event": "done", **{key: report[key] for key in report if key.startswith("mean_")}})


def _report(
    job: Job, aim: Aim, models: Mapping[int, Model], where: Mapping[str, int]
) -> dict[str, Any]:
    place = choose(job.config)
    if aim.questions:
        return judge_answers(
            aim.questions, job.examples, lambda e: answer(models[where[e.patient]], e, place),
            seed=job.seed,
        )  # fmt: skip
    return report_of(
        aim.classes, job.examples, lambda e: predict(models[where[e.patient]], e, place),
        seed=job.seed,
    )  # fmt: skip
