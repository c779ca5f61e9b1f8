"""The reasons of decisions, runs and failed exports: a code with values, and a sentence.

The sentence is for records and documents, which are English; the pages say a code in their own
words (`reason.code.*` in the catalogues) and fall back on the sentence.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

Value = str | int | float

SENTENCES = {
    "few_drawn": "{cases} held-out cases with a usable Dice are too few to decide",
    "few_answered": "{cases} held-out cases with a usable accuracy are too few to decide",
    "mask_beaten":
        "first model: mean Dice {score:.3f} is above the {floor:.3f} of the majority mask "
        "(each pixel's most frequent label, where images are of one size)",
    "mask_not_beaten":
        "first model: mean Dice {score:.3f} is not above the {floor:.3f} of the majority mask "
        "(each pixel's most frequent label, where images are of one size)",
    "answers_beaten":
        "first model: mean accuracy {score:.3f} is above the majority answer's {floor:.3f}",
    "answers_not_beaten":
        "first model: mean accuracy {score:.3f} is not above the majority answer's {floor:.3f}",
    "other_cases": "the two models were not measured on the same cases",
    "mean_dice": "mean Dice ({parts}) {score:.3f} against {champion:.3f} on {cases} cases",
    "mean_accuracy": "mean accuracy ({parts}) {score:.3f} against {champion:.3f} on {cases} cases",
    "mean_fell": "the mean fell",
    "part_fell": "{part} fell by {by:.3f}",
    "group_fell": "{attribute} {value} fell by {by:.3f}",
    "champion_changed": "the champion changed meanwhile",
    "replaced": "v{number} took its place",
    "new_labels": "{labels} new labels, held-out ones among them",
    "by_hand": "asked for by hand",
    "export_ensemble": "the model is an ensemble, and an ONNX file holds a single network",
    "export_filters": "its images are filtered first ({filters}), which ONNX cannot do",
    "export_differs": "what it answers differs from the model by {difference}, more than {most}",
    "export_labels": "it draws other labels than the model",
    "weights_gone": "its weights are missing or damaged: it could not be measured and is left out",
    "not_measured": "it could not be measured and is left out: {error}",
    "other_parts": "it does not know {parts}, so it has no mean",
    "export_died": "the worker ended {times} times during this export",
}  # fmt: skip


@dataclass(frozen=True)
class Reason:
    """Why; the code is empty where a person said it, or where only the sentence was kept."""

    text: str
    code: str = ""
    values: dict[str, Value] = field(default_factory=dict)


def reason(code: str, **values: Value) -> Reason:
    """Return the reason of that code, with its sentence."""
    return Reason(SENTENCES[code].format(**values), code, values)


def stored_reason(stored: str | Mapping[str, object]) -> Reason:
    """Return a reason as it is kept with a decision: once only the sentence was kept."""
    if isinstance(stored, str):
        return Reason(stored)
    return Reason(**stored)  # type: ignore[arg-type]  # as `asdict` wrote it


def run_reason(stored: str) -> Reason:
    """Return why a run was made. With a run only the sentence is kept, once a shorter one."""
    counted = re.fullmatch(r"(\d+) new labels(, held-out ones among them)?", stored)
    if counted:
        return Reason(stored, "new_labels", {"labels": int(counted[1])})
    return reason("by_hand") if stored == SENTENCES["by_hand"] else Reason(stored)
