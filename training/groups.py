"""What a report says of some of its patients, beside their mean: of drawings and of answers.

Taken from the rows that a report keeps of patients and cases: no image is looked at again. There is
no share of fewer than `figures.ENOUGH_CASES` lesions, or cases that show (or lack) an option.
"""

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from training.figures import ENOUGH_CASES, Report, Row

DRAWN = ("hd95", "lesions", "lesion_sensitivity", "false_positives_per_image")
ANSWERED = ("auc", "sensitivity", "specificity")
METRICS = (*DRAWN, *ANSWERED)
_HALF = 0.5

Flags = npt.NDArray[np.bool_]


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
    areas = [row for own in rows for row in own]
    true = sum(row["found"] + row["missed"] for row in areas)
    images = sum(max(row["images"] for row in own) for own in rows)
    far = [_mean(row["hd95"] for row in own) for own in rows]
    right = sum(row["found"] for row in areas)
    return {
        "hd95": _mean(far),
        "lesions": true,
        "lesion_sensitivity": right / true if true >= ENOUGH_CASES else None,
        "false_positives_per_image": sum(row["false"] for row in areas) / images,
    }


def _answered(report: Report, patients: Collection[str]) -> Row:
    members = set(patients)
    cases = [case for case in report["cases"] if case["patient"] in members]
    found: dict[str, list[float | None]] = {name: [] for name in ANSWERED}
    for code, question in report["questions"].items():
        own = [case for case in cases if code in case["answers"] and "probabilities" in case]
        for option in question["options"]:
            said = np.array([case["probabilities"][code][option] for case in own])
            true = np.array([option in case["answers"][code] for case in own], bool)
            guess = np.array([_guess(question["kind"], case, code, option) for case in own], bool)
            for name, value in zip(ANSWERED, _rates(said, true, guess), strict=True):
                found[name].append(value)
    return {name: _mean(values) for name, values in found.items()}


def _guess(kind: str, case: Row, code: str, option: str) -> bool:
    """Tell whether the model chose the option, as `training.ml.judge` does."""
    said = case["probabilities"][code]
    if kind == "multiple":
        return bool(said[option] > _HALF)
    return bool(max(said, key=said.get) == option)


def _rates(
    said: npt.NDArray[np.float64], true: Flags, guess: Flags
) -> tuple[float | None, float | None, float | None]:
    """Return AUC, sensitivity and specificity of one option over cases (N,) each."""
    positive, negative = int(true.sum()), int((~true).sum())
    shown, lacked = positive >= ENOUGH_CASES, negative >= ENOUGH_CASES
    return (
        auc(said, true) if shown and lacked else None,
        float((guess & true).sum() / positive) if shown else None,
        float((~guess & ~true).sum() / negative) if lacked else None,
    )


def auc(said: npt.NDArray[np.float64], true: Flags) -> float:
    """Return the share of pairs of a case with and one without in which the first is said more.

    Ties count half. Both kinds must be there.
    """
    gaps = said[true][:, None] - said[~true][None, :]
    return float((gaps > 0).mean() + (gaps == 0).mean() / 2)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
