"""Two models over the same patients: which number is compared with which, and what follows.

A patient without a class, in truth and drawing alike, has no Dice of it. Where that is so of one of
two models alone, the other has drawn a false area, and the first, which rightly drew nothing,
agrees perfectly with an empty truth: it counts as 1.0. So both are compared over the same patients.
Where neither has a number the patient says nothing of that class. An answer's accuracy lacks a
number only where the truth has no answer: there nothing is filled in.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from training import figures
from training.figures import Report

RESAMPLES = 2000
EMPTY = 1.0  # the Dice of nothing drawn where nothing is
Pair = tuple[float, float]
Pairs = Mapping[str, Mapping[str, Pair]]
"""(new, old) by class or question, and by patient; a name without any pair is not among them."""


def pairs(new: Report, old: Report, names: Sequence[str]) -> dict[str, dict[str, Pair]]:
    """Return the pairs of the named classes or questions, of patients and names both know."""
    nothing = EMPTY if figures.metric_of(new) == "dice" else None
    theirs = old.get("patients", {})
    found: dict[str, dict[str, Pair]] = {}
    for patient, own in new.get("patients", {}).items():
        other = theirs.get(patient, {})
        for name in names:
            if name not in own or name not in other:
                continue
            first, second = figures.number(own[name]), figures.number(other[name])
            if first is None and second is None:
                continue
            first, second = (nothing if each is None else each for each in (first, second))
            if first is not None and second is not None:
                found.setdefault(name, {})[patient] = (first, second)
    return found


def means(found: Pairs) -> Pair | None:
    """Return the (new, old) mean over names of each one's mean over patients; None of no pairs."""
    if not found:
        return None
    new, old = np.mean([np.mean(list(own.values()), axis=0) for own in found.values()], axis=0)
    return float(new), float(old)


def by_patient(found: Pairs) -> dict[str, Pair]:
    """Return each patient's (new, old) mean over what is compared of them."""
    own: dict[str, list[Pair]] = {}
    for each in found.values():
        for patient, pair in each.items():
            own.setdefault(patient, []).append(pair)
    rows = {patient: np.mean(values, axis=0) for patient, values in own.items()}
    return {patient: (float(new), float(old)) for patient, (new, old) in rows.items()}


def interval(found: Pairs) -> tuple[float | None, float | None]:
    """Return the 95 % interval of the difference of `means`, by bootstrap over patients.

    None of a single patient, who says nothing about others.
    """
    drawn = _resampled(found)
    if drawn is None:
        return None, None
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def standing(report: Report) -> dict[str, Any]:
    """Return {averaged, low, high} of a report's own mean over what promotion compares.

    Of one class or question alone the interval is that one's: no number is shown with two.
    """
    names = figures.averaged(report)
    ends = _ends_of(report, names[0]) if len(names) == 1 else None
    low, high = ends or own_interval(report, names)
    return {"averaged": names, "low": low, "high": high}


def _ends_of(report: Report, name: str) -> tuple[float, float] | None:
    part = figures.parts_of(report).get(name, {})
    of = "accuracy_" if figures.metric_of(report) == "accuracy" else ""
    low, high = (figures.number(part.get(f"{of}{end}")) for end in ("low", "high"))
    return None if low is None or high is None else (low, high)


def own_interval(report: Report, names: Sequence[str]) -> tuple[float | None, float | None]:
    """Return the 95 % interval of a report's own mean over the names, as `interval` does."""
    found: dict[str, dict[str, Pair]] = {}
    for patient, own in report.get("patients", {}).items():
        for name in names:
            value = figures.number(own.get(name))
            if value is not None:
                found.setdefault(name, {})[patient] = (value, 0.0)
    return interval(found)


def standard_error(found: Pairs) -> float | None:
    """Return that of the difference of `means`, by bootstrap over patients.

    None of a single patient.
    """
    drawn = _resampled(found)
    return None if drawn is None else float(np.std(drawn))


def certainty(found: Pairs) -> float | None:
    """Return how sure it is that the mean does not fall: a share of bootstrap samples of patients.

    None of a single patient.
    """
    drawn = _resampled(found)
    return None if drawn is None else float(np.mean(drawn >= 0))


def _resampled(found: Pairs) -> npt.NDArray[np.float64] | None:
    """Return the difference of `means` (RESAMPLES,) over patients drawn with replacement.

    A name that no drawn patient has a number of is left out of that draw's mean.
    """
    patients = sorted({patient for own in found.values() for patient in own})
    if len(patients) < 2:
        return None
    place = {patient: row for row, patient in enumerate(patients)}
    gaps, known = np.zeros((2, len(patients), len(found)))  # (patients, names) each
    for column, own in enumerate(found.values()):
        for patient, (new, old) in own.items():
            gaps[place[patient], column], known[place[patient], column] = new - old, 1.0
    chance = np.full(len(patients), 1 / len(patients))
    times = np.random.default_rng(0).multinomial(len(patients), chance, RESAMPLES)
    sums, counts = times @ gaps, times @ known  # (RESAMPLES, names)
    by_name = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    return np.asarray(by_name.sum(axis=1) / (counts > 0).sum(axis=1), np.float64)
