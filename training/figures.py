"""What a report says, whether its model draws (Dice by class) or answers (accuracy by question).

Reports are made by `training.ml.evaluate` and `training.ml.judge`; the promotion rule, the pages
and the card read them here, so that both kinds follow one rule.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

Report = Mapping[str, Any]
Row = dict[str, Any]
ENOUGH_CASES = 3  # a class or question is compared once so many held-out cases show or answer it
GROUP_PATIENTS = 3  # a subgroup is compared once so many held-out patients belong to it


def metric_of(report: Report) -> str:
    """Return what the report's numbers are: "dice" or "accuracy"."""
    return "accuracy" if "questions" in report else "dice"


def parts_of(report: Report) -> Mapping[str, Row]:
    """Return the summary of each class, or of each question."""
    found: Mapping[str, Row] = report.get("questions") or report.get("classes") or {}
    return found


def value_of(report: Report, name: str) -> float | None:
    """Return the number of one class or question; None when there is none."""
    return number(parts_of(report).get(name, {}).get(metric_of(report)))


def mean_of(report: Report) -> float | None:
    """Return the number that stands for the whole model: mean Dice, or mean accuracy."""
    return number(report.get(f"mean_{metric_of(report)}"))


def mean_over(report: Report, names: Iterable[str]) -> float | None:
    """Return the mean over the named classes or questions.

    None when one has no number or there is none.
    """
    found = [value_of(report, name) for name in names]
    numbers = [value for value in found if value is not None]
    return sum(numbers) / len(numbers) if numbers and len(numbers) == len(found) else None


def shown_counts(report: Report) -> dict[str, int]:
    """Return how many cases' truth shows each class, or answers each question."""
    shown: dict[str, int] = {}
    for case in report.get("cases", []):
        for name, counts in _truth(case).items():
            shown[name] = shown.get(name, 0) + counts
    return shown


def shown_patients(report: Report) -> dict[str, int]:
    """Return of how many patients some case's truth shows each class, or answers each question."""
    found: dict[str, set[str]] = {}
    for case in report.get("cases", []):
        for name, shown in _truth(case).items():
            found.setdefault(name, set()).update([case["patient"]] if shown else [])
    return {name: len(patients) for name, patients in found.items()}


def _truth(case: Row) -> dict[str, bool]:
    if "classes" in case:
        return {name: row["tp"] + row["fn"] > 0 for name, row in case["classes"].items()}
    return {name: value is not None for name, value in case["right"].items()}


def compared(report: Report) -> list[str]:
    """Return the classes or questions that enough held-out cases show to compare two models by.

    A rare class shown by one or two slices is measured by luck: it is reported, and does not
    decide until there is evidence.
    """
    return [name for name, count in shown_counts(report).items() if count >= ENOUGH_CASES]


def averaged(report: Report) -> list[str]:
    """Return what the mean that is shown of a model is over: what is compared.

    Where nothing is shown by cases enough, all that some case shows.
    """
    return compared(report) or [name for name, count in shown_counts(report).items() if count]


def standing_of(report: Report) -> Row:
    """Return {averaged, score, low, high}: the one mean that stands for a model, and its interval.

    What it is over and its interval are kept with the report (`training.paired.standing`).
    """
    kept: Row = report.get("standing") or {"averaged": [], "low": None, "high": None}
    return {**kept, "score": mean_over(report, kept["averaged"])}


def telling(report: Report) -> list[str]:
    """Return those of them that a model without a rival can show its worth by.

    A question to which all held-out cases have one answer is answered as well by that answer alone.
    """
    names = compared(report)
    if metric_of(report) == "dice":
        return names
    given = {name: {_key(case["answers"].get(name)) for case in report["cases"]} for name in names}
    return [name for name in names if len(given[name] - {None}) > 1]


def _key(answer: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if answer is None else tuple(answer)


def number(value: object) -> float | None:
    """Return a finite number; None for everything else."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
