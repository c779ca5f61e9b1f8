"""STEP variants: which of several recipes is the best, by cross-validation.

All variants are measured on the same folds of patients, out of fold, never on held-out cases. The
rule is the one-standard-error rule (Breiman, Friedman, Olshen, Stone: Classification and Regression
Trees, 1984, section 3.4.3): of those whose mean lies within one standard error of the best one, the
simplest is taken, and that is here the one named first, as a rule the campaign's own recipe. The
standard error is that of the paired difference to the best one, by bootstrap over patients: all
variants meet the same patients, who differ more from each other than variants do.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from training import answers, crossval, figures, paired
from training.compare import difference
from training.figures import Report, Row
from training.promote import finite
from training.stages import DIVERGED

RULE = "one_standard_error"


@dataclass(frozen=True)
class Outcome:
    """What the cross-validation of one variant came to."""

    report: Report | None
    """Out of fold; None where its training diverged."""
    where: Mapping[str, int] = field(default_factory=dict)
    """Fold of each patient."""
    error: str = ""
    """Why there is no report."""


def outcome_in(folder: Path) -> Outcome:
    """Return what the folder of a cross-validation that has ended says."""
    if (folder / DIVERGED).exists():
        return Outcome(None, error=json.loads((folder / DIVERGED).read_text())["message"])
    report = finite(json.loads((folder / "report.json").read_text()))
    return Outcome(report, json.loads((folder / "ensemble.json").read_text())["folds"])


def choose(reports: Sequence[Report | None]) -> int | None:
    """Return the place of the variant that the rule takes; None where none has a report.

    Without a number a variant loses to all that have one. A difference whose standard error is not
    known, as of a single patient, is none.
    """
    best = best_of(reports)
    if best is None:
        return next((place for place, each in enumerate(reports) if each is not None), None)
    as_good = (place for place in range(best) if _as_good(reports[best], reports[place]))
    return next(as_good, best)


def best_of(reports: Sequence[Report | None]) -> int | None:
    """Return the place of the best out-of-fold mean, the first of equal ones, if there is any."""
    found = [None if report is None else figures.mean_of(report) for report in reports]
    means = {place: mean for place, mean in enumerate(found) if mean is not None}
    return max(means, key=means.__getitem__, default=None)


def _as_good(best: Report | None, other: Report | None) -> bool:
    if other is None or figures.mean_of(other) is None:
        return False
    behind, error = _behind(best, other)
    return behind is None or error is None or behind <= error


def _behind(best: Report | None, other: Report | None) -> tuple[float | None, float | None]:
    """Return how far a variant lies behind the best one, over patients, and its standard error."""
    found = _pairs(best, other)
    both = paired.means(found)
    return (both[0] - both[1] if both else None), paired.standard_error(found)


def _pairs(new: Report | None, old: Report | None) -> paired.Pairs:
    if new is None or old is None or new is old:
        return {}
    shown = [name for name, count in figures.shown_counts(new).items() if count]
    return paired.pairs(new, old, shown)


def choice_of(names: Sequence[str], outcomes: Sequence[Outcome], asked: answers.Asked) -> Row:
    """Return {rule, metric, best, chosen, variants}: what the rule takes, and why.

    `best` and `chosen` are places among the variants. Of each: its out-of-fold mean with the
    standard deviation between folds, the paired difference to the first one, how far it lies
    `behind` the best one with the standard error of that, and its report by class or question.
    """
    reports = [outcome.report for outcome in outcomes]
    best = best_of(reports)
    found: Row = finite(
        {
            "rule": RULE,
            "metric": "accuracy" if asked else "dice",
            "best": best,
            "chosen": choose(reports),
            "variants": [
                {
                    "name": name,
                    "error": outcome.error,
                    **_measured(outcome, asked),
                    **difference(_pairs(outcome.report, reports[0])),
                    **_distance(None if best is None else reports[best], outcome.report),
                }
                for name, outcome in zip(names, outcomes, strict=True)
            ],
        }
    )
    return found


def _measured(outcome: Outcome, asked: answers.Asked) -> Row:
    if outcome.report is None:
        return {"mean": None, "spread": None, "report": None}
    report = crossval.report_of(outcome.report, outcome.where, asked)
    mean = "mean_accuracy" if asked else "mean_dice"
    folds = [fold[mean] for fold in report["folds"]]
    return {"mean": report[mean], "spread": crossval.spread(folds), "report": report}


def _distance(best: Report | None, own: Report | None) -> Row:
    behind, error = _behind(best, own)
    return {"behind": behind, "standard_error": error}
