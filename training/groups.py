"""What a report says of some of its patients, beside their mean: of drawings and of answers.

Taken from the rows that a report keeps of patients and cases: no image is looked at again. There is
no share of fewer than `figures.ENOUGH_CASES` lesions, or cases that show (or lack) an option.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from training.figures import ENOUGH_CASES, Report, Row
from training.ml import resample

DRAWN = ("hd95", "lesions", "lesion_sensitivity", "false_positives_per_image")
ANSWERED = ("auc", "sensitivity", "specificity")
RANGED = tuple(name for name in (*DRAWN, *ANSWERED) if name != "lesions")
"""Metrics with a 95 % interval, by bootstrap over patients: NAME_low and NAME_high."""
METRICS = (*DRAWN, *ANSWERED, *(f"{name}_{end}" for name in RANGED for end in ("low", "high")))
_HALF = 0.5
_DRAWS = 500

Flags = npt.NDArray[np.bool_]
Rates = npt.NDArray[np.float64]


def metrics_of(report: Report, patients: Collection[str]) -> Row:
    """Return {metric: value} of `METRICS` over these patients; None for what was not measured.

    HD95 is the mean over patients of each one's mean over classes. Areas of all classes count
    together, false ones of every class by image. AUC, sensitivity and specificity are means over
    the options, of all questions, that enough of the cases show and lack.
    """
    found: Row = dict.fromkeys(METRICS)
    if "questions" in report:
        return found | _answered(report, patients)
    return found | _drawn(report.get("shapes", {}), patients)


def _drawn(shapes: dict[str, Any], patients: Collection[str]) -> Row:
    rows = [list(shapes[patient].values()) for patient in patients if patient in shapes]
    if not rows:  # an evaluation of an earlier release
        return {}
    far = [_mean(row["hd95"] for row in own) for own in rows]
    right = [sum(row["found"] for row in own) for own in rows]
    true = [sum(row["found"] + row["missed"] for row in own) for own in rows]
    false = [sum(row["false"] for row in own) for own in rows]
    images = [max(row["images"] for row in own) for own in rows]
    found = {
        "hd95": _mean(far),
        **resample.interval("hd95", [math.nan if value is None else value for value in far], 0),
        "lesions": sum(true),
        "false_positives_per_image": sum(false) / sum(images),
        **resample.interval("false_positives_per_image", false, 0, images),
    }
    if sum(true) >= ENOUGH_CASES:
        found["lesion_sensitivity"] = sum(right) / sum(true)
        found |= resample.interval("lesion_sensitivity", right, 0, true)
    return found


def _answered(report: Report, patients: Collection[str]) -> Row:
    members = set(patients)
    cases = [
        case for case in report["cases"] if case["patient"] in members and "probabilities" in case
    ]
    names, owners = np.unique([case["patient"] for case in cases], return_inverse=True)
    times = _times(len(names))
    found: dict[str, list[Rates]] = {name: [] for name in ANSWERED}
    for code, question in report["questions"].items():
        places = [place for place, case in enumerate(cases) if code in case["answers"]]
        own = [cases[place] for place in places]
        of_patient = np.eye(len(names))[owners[places]]  # (N, patients)
        for option in question["options"]:
            said = np.array([case["probabilities"][code][option] for case in own], np.float64)
            true = np.array([option in case["answers"][code] for case in own], bool)
            guess = np.array([_guess(question["kind"], case, code, option) for case in own], bool)
            for name, rates in _rates(said, true, guess, of_patient, times).items():
                found[name].append(rates)
    row: Row = {}
    for name, options in found.items():
        if options:
            row |= _over_options(name, options)
    return row


def _guess(kind: str, case: Row, code: str, option: str) -> bool:
    """Tell whether the model chose the option, as `training.ml.judge` does."""
    said = case["probabilities"][code]
    if kind == "multiple":
        return bool(said[option] > _HALF)
    return bool(max(said, key=said.get) == option)


def _times(patients: int) -> Rates:
    """Return how often each patient counts (1 + draws, patients): once, then as drawn.

    There are no draws of fewer than two patients.
    """
    once = np.ones((1, patients))
    if patients < 2:
        return once
    drawn = resample.picks(patients, _DRAWS, seed=0)
    return np.concatenate([once, [np.bincount(row, minlength=patients) for row in drawn]])


def _rates(
    said: Rates, true: Flags, guess: Flags, of_patient: Rates, times: Rates
) -> dict[str, Rates]:
    """Return {metric: rates (T,)} of one option over cases (N,), patients counting `times` (T, P).

    Only of metrics that enough of the cases tell of; NaN where no patient of a draw does. AUC is
    the share of pairs of a case with and one without in which the first is said more; ties half.
    """
    shown, lacked = true.sum() >= ENOUGH_CASES, (~true).sum() >= ENOUGH_CASES
    positive = times @ of_patient[true].sum(axis=0)
    negative = times @ of_patient[~true].sum(axis=0)
    found = {}
    if shown and lacked:
        gaps = said[true][:, None] - said[~true][None, :]
        above = (gaps > 0) + (gaps == 0) / 2
        pairs = of_patient[true].T @ above @ of_patient[~true]  # (P, P)
        found["auc"] = _ratio(((times @ pairs) * times).sum(axis=1), positive * negative)
    if shown:
        found["sensitivity"] = _ratio(times @ of_patient[true & guess].sum(axis=0), positive)
    if lacked:
        found["specificity"] = _ratio(times @ of_patient[~true & ~guess].sum(axis=0), negative)
    return found


def _ratio(parts: Rates, wholes: Rates) -> Rates:
    nothing = np.full_like(parts, np.nan)
    return np.divide(parts, wholes, out=nothing, where=wholes > 0)


def _over_options(name: str, options: Sequence[Rates]) -> Row:
    """Return {NAME, NAME_low, NAME_high} of the mean over options of their rates (T,) each.

    An option of which a draw tells nothing is left out of that draw's mean.
    """
    rates = np.stack(options)
    known = ~np.isnan(rates)
    means = _ratio(np.where(known, rates, 0.0).sum(axis=0), known.sum(axis=0).astype(np.float64))
    drawn = means[1:][~np.isnan(means[1:])]
    low, high = resample.ends(drawn) if len(drawn) else (None, None)
    return {name: float(means[0]), f"{name}_low": low, f"{name}_high": high}


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
