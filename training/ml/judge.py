"""How good a model's answers are: per question and option, with a bootstrap over patients.

AUC = P(score of a positive > score of a negative), ties half (Hanley & McNeil, 1982); sensitivity =
TP / (TP + FN); specificity = TN / (TN + FP); F1 = 2 TP / (2 TP + FP + FN). An option of a single
choice is predicted where it is the most probable one, any other at one half. Images without an
answer are left out, and counted. Accuracy is the mean over patients of how far their answers are
right: images of one are not independent. Intervals are 2.5 and 97.5 percentiles over resampled
patients. Calibration (`training.ml.calibrate`) counts an answer as one choice among the options of
its question; where several may be chosen each option is a choice of its own, yes or no.
Beside each case stands how far its answers are right, and beside each patient the mean of that, so
that two models can be compared in pairs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from training.ml.calibrate import Calibration, Places
from training.ml.checkpoint import Ensemble, Model
from training.ml.device import Place
from training.ml.findings import Answers, answer, encode, slices
from training.ml.job import Example, JobError, Question
from training.ml.resample import ends, picks

_RESAMPLES = 500
_HALF = 0.5

Array = npt.NDArray[np.float64]
Truth = npt.NDArray[np.bool_]


def judge(
    model: Model | Ensemble, examples: Sequence[Example], place: Place, *, seed: int
) -> dict[str, Any]:
    """The report as JSON values (see the module). Raises JobError for unusable examples."""
    return judge_answers(model.questions, examples, lambda e: answer(model, e, place), seed=seed)


def judge_answers(
    questions: Sequence[Question],
    examples: Sequence[Example],
    ask: Callable[[Example], Answers],
    *,
    seed: int,
) -> dict[str, Any]:
    """The report on whatever answers `ask`."""
    if not examples:
        raise JobError("no_examples", "examples.json: evaluation needs at least one example")
    found = [ask(example) for example in examples]
    values = np.stack([row.values for row in found]).astype(np.float64)  # (N, outputs)
    truth = np.stack([encode(questions, e.answers) for e in examples]).astype(np.float64)
    names = [example.patient for example in examples]
    patients = np.unique(names, return_inverse=True)[1]
    rows = {
        item.code: {
            **_question(item, values[:, part], truth[:, part], patients, seed),
            "calibration": calibration(item, values[:, part], truth[:, part], names),
        }
        for item, part in slices(questions)
    }
    right = {
        item.code: rightness(item, values[:, part], truth[:, part])
        for item, part in slices(questions)
    }
    aucs = [option["auc"] for row in rows.values() for option in row["options"].values()]
    return {
        "cases": [
            {
                "id": example.id,
                "patient": example.patient,
                "answers": {code: list(chosen) for code, chosen in example.answers.items()},
                "probabilities": row.by_question(questions),
                "right": {code: _number(values[place]) for code, values in right.items()},
            }
            for place, (example, row) in enumerate(zip(examples, found, strict=True))
        ],
        "patients": _by_patient(names, right),
        "questions": rows,
        "mean_auc": _mean(aucs),
        "mean_accuracy": _mean([row["accuracy"] for row in rows.values()]),
    }


def accuracies(
    questions: Sequence[Question],
    examples: Sequence[Example],
    ask: Callable[[Example], Answers],
) -> dict[str, float | None]:
    """Accuracy by question as in a report, every patient counting once; None without an answer."""
    values = np.stack([ask(example).values for example in examples]).astype(np.float64)
    truth = np.stack([encode(questions, e.answers) for e in examples]).astype(np.float64)
    patients = np.unique([e.patient for e in examples], return_inverse=True)[1]
    found: dict[str, float | None] = {}
    for item, part in slices(questions):
        right = rightness(item, values[:, part], truth[:, part])
        known = ~np.isnan(right)
        weights = _weights(patients[known])
        found[item.code] = (
            float(np.average(right[known], weights=weights)) if len(weights) else None
        )
    return found


def _weights(patients: npt.NDArray[np.int64]) -> Array:
    """Weight of each image (N,), with which every patient counts once."""
    return np.asarray(1 / np.bincount(patients)[patients])


def auc(scores: Array, positive: Truth) -> float:
    """Area under the ROC curve of scores (N,); NaN unless both kinds are there."""
    count = int(positive.sum())
    others = len(positive) - count
    if not count or not others:
        return math.nan
    ranks = stats.rankdata(scores)
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * others))


def rightness(item: Question, values: Array, truth: Array) -> Array:
    """How far each image's answer is right (N,), 0..1, from (N, options); NaN without an answer.

    Of one option all or nothing; of any of several the share of options that are right.
    """
    known = ~np.isnan(truth[:, 0])
    alike: Truth = np.equal(_guess(item, values), truth > _HALF)
    if item.kind != "multiple":
        alike = np.all(alike, axis=1, keepdims=True)
    return np.where(known, alike.mean(axis=1), np.nan)


def _guess(item: Question, values: Array) -> Truth:
    if item.kind == "multiple":
        return np.asarray(values > _HALF)
    return np.asarray(values.argmax(axis=1)[:, None] == np.arange(values.shape[1]))


def calibration(
    item: Question, values: Array, truth: Array, patients: Sequence[str]
) -> dict[str, Any]:
    """What `Calibration.report` says of one question: (N, options), NaN without an answer."""
    found = Calibration()
    for patient, own, right in zip(patients, values, truth, strict=True):
        if not np.isnan(right[0]):
            found.add(patient, *_choices(item, own, right))
    return found.report()


def _choices(item: Question, values: Array, truth: Array) -> tuple[Array, Places]:
    """Probabilities (n, options) and true places (n,) of one image's choices, from (options,)."""
    if item.kind == "multiple":
        return np.stack([1 - values, values], axis=1), truth.astype(np.intp)
    return values[None], np.array([truth.argmax()])


def _by_patient(
    patients: Sequence[str], right: Mapping[str, Array]
) -> dict[str, dict[str, float | None]]:
    """The mean over each patient's images, by question; None where none was answered."""
    places: dict[str, list[int]] = {}
    for place, patient in enumerate(patients):
        places.setdefault(patient, []).append(place)
    return {
        patient: {
            code: _number(_average(values[own][~np.isnan(values[own])]))
            for code, values in right.items()
        }
        for patient, own in places.items()
    }


def _question(
    item: Question,
    values: Array,
    truth: Array,
    patients: npt.NDArray[np.int64],
    seed: int,
) -> dict[str, Any]:
    known = ~np.isnan(truth[:, 0])
    accurate = rightness(item, values, truth)[known]
    values, right, patients = values[known], truth[known] > _HALF, patients[known]
    guess = _guess(item, values)
    draws = _resampled(patients, seed)
    weights = _weights(patients)

    def accuracy(picks: npt.NDArray[np.int64]) -> float:
        if not len(picks):
            return math.nan
        return float(np.average(accurate[picks], weights=weights[picks]))

    row: dict[str, Any] = {
        "kind": item.kind,
        "answered": int(known.sum()),
        "left_out": int((~known).sum()),
        "accuracy": _number(accuracy(np.arange(len(accurate)))),
        **_interval("accuracy", accuracy, draws),
        "options": {
            option: _option(values[:, place], guess[:, place], right[:, place], draws)
            for place, option in enumerate(item.options)
        },
    }
    if item.kind == "scale":
        steps = np.abs(values.argmax(axis=1) - right.argmax(axis=1)).astype(np.float64)
        row["mean_steps_off"] = _number(_average(steps))
    return row


def _option(
    scores: Array, guess: Truth, right: Truth, draws: Sequence[npt.NDArray[np.int64]]
) -> dict[str, Any]:
    measures: dict[str, Callable[[npt.NDArray[np.int64]], float]] = {
        "auc": lambda p: auc(scores[p], right[p]),
        "sensitivity": lambda p: _ratio((guess & right)[p].sum(), right[p].sum()),
        "specificity": lambda p: _ratio((~guess & ~right)[p].sum(), (~right)[p].sum()),
        "f1": lambda p: _ratio(2 * (guess & right)[p].sum(), guess[p].sum() + right[p].sum()),
    }
    row: dict[str, Any] = {"positives": int(right.sum())}
    everyone = np.arange(len(scores))
    for name, measure in measures.items():
        row |= {name: _number(measure(everyone)), **_interval(name, measure, draws)}
    return row


def _resampled(patients: npt.NDArray[np.int64], seed: int) -> list[npt.NDArray[np.int64]]:
    """Indexes of the images of patients drawn with replacement; none below two patients."""
    groups = [np.flatnonzero(patients == patient) for patient in np.unique(patients)]
    if len(groups) < 2:
        return []
    drawn = picks(len(groups), _RESAMPLES, seed)
    return [np.concatenate([groups[place] for place in row]) for row in drawn]


def _interval(
    name: str,
    measure: Callable[[npt.NDArray[np.int64]], float],
    draws: Sequence[npt.NDArray[np.int64]],
) -> dict[str, float | None]:
    values = [value for value in map(measure, draws) if not math.isnan(value)]
    low, high = ends(values) if values else (math.nan, math.nan)
    return {f"{name}_low": _number(low), f"{name}_high": _number(high)}


def _average(values: Array) -> float:
    return float(values.mean()) if len(values) else math.nan


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else math.nan


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
