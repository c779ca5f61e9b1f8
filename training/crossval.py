"""STEP crossval: every training case measured by a model that did not learn from its patient.

It says how well a campaign's labels can be learned, and how much that depends on which patients
were learned from; it takes no held-out case and promotes nothing. Where asked for, the models of
all folds together become a candidate, which has to pass the ordinary gate on the held-out cases.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from annotations.models import Campaign, Task
from reticle.errors import Invalid
from training import answers, figures
from training.figures import Report, Row
from training.promote import finite
from training.report import class_rows, question_rows

FOLDS = (3, 5)


@dataclass(frozen=True)
class Variant:
    """A recipe that is cross-validated beside others."""

    name: str
    recipe: Mapping[str, object] = field(default_factory=dict)
    """Fields laid over those of the run, one by one."""
    preset: str | None = None
    """Another one than the run's."""


@dataclass(frozen=True)
class Cross:
    """What is asked for."""

    folds: int
    """Parts that the training patients are divided into; one model is trained for each."""
    ensemble: bool = False
    """Whether the models together become a candidate."""
    variants: Sequence[Variant] = ()
    """Several recipes on the same folds; none where there is but the run's own."""
    best: bool = False
    """Whether the variant that is chosen is trained on all labels and becomes a candidate."""


def check(campaign: Campaign, cross: Cross) -> None:
    """Raise Invalid: fewer patients than folds, or variants that cannot be compared."""
    _check_variants(cross)
    settled = campaign.tasks.filter(state=Task.State.SETTLED, held_out=False)
    patients = settled.values("image__series__study__patient_key").distinct().count()
    if patients < cross.folds:
        words = (
            f"{cross.folds} folds need settled training cases of {cross.folds} patients, and there "
            f"are {patients}: choose fewer folds, or label cases of more patients."
        )
        raise Invalid(words, code="few_patients", detail={"folds": words})


def _check_variants(cross: Cross) -> None:
    names = [variant.name for variant in cross.variants]
    if len(set(names)) < len(names):
        words = "Each variant needs a name of its own."
    elif names and cross.ensemble:
        words = "The folds of one recipe can be a candidate together, not those of several."
    elif cross.best and not names:
        words = "The best one is trained where there are variants to choose from."
    else:
        return
    raise Invalid(words, code="bad_variants", detail={"variants": words})


def report_in(folder: Path, asked: answers.Asked) -> Row:
    """Return the report of a finished cross-validation's folder (see `report_of`)."""
    report = json.loads((folder / "report.json").read_text())
    where = json.loads((folder / "ensemble.json").read_text())["folds"]
    found: Row = finite(report_of(report, where, asked))
    return found


def report_of(report: Report, where: Mapping[str, int], asked: answers.Asked = ()) -> Row:
    """Return {cases, patients, mean_dice, classes, folds} of an out-of-fold report.

    `where` is the fold of each patient. `classes` are as in a model's report, with `spread`: the
    standard deviation (n - 1) of the folds' Dice, None of fewer than two. `folds`: {fold, patients,
    mean_dice, classes}, a class's Dice being the mean over the fold's patients that have one. Of
    answers to the questions `asked` it is {.., mean_accuracy, questions, ..}, of folds as well.
    """
    names = [name for name, count in figures.shown_counts(report).items() if count]
    mean, parts = _keys(report)
    folds = [_fold(report, where, fold, names) for fold in sorted(set(where.values()))]
    rows = class_rows(report) or question_rows(report, asked)
    return {
        "cases": len(report["cases"]),
        "patients": len(report["patients"]),
        mean: report.get(mean),
        parts: [
            {**row, "spread": spread([fold[parts].get(row["name"]) for fold in folds])}
            for row in rows
        ],
        "folds": folds,
    }


def _keys(report: Report) -> tuple[str, str]:
    """Return what the mean is called, and what it is of."""
    answered = figures.metric_of(report) == "accuracy"
    return ("mean_accuracy", "questions") if answered else ("mean_dice", "classes")


def _fold(report: Report, where: Mapping[str, int], fold: int, names: Sequence[str]) -> Row:
    own = [each for patient, each in report["patients"].items() if where[patient] == fold]
    values = {name: _mean([each.get(name) for each in own]) for name in names}
    mean, parts = _keys(report)
    return {
        "fold": fold,
        "patients": len(own),
        mean: _mean(list(values.values())),
        parts: values,
    }


def _mean(values: Sequence[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return float(np.mean(found)) if found else None


def spread(values: Sequence[float | None]) -> float | None:
    """Return the standard deviation (n - 1) of what was measured; None of fewer than two."""
    found = [value for value in values if value is not None]
    return float(np.std(found, ddof=1)) if len(found) > 1 else None
