"""What a campaign of questions teaches a model: its questions, and answers in a model's words.

A model learns the questions that have options (one, several, a scale); free text and retired
questions are left out. Answers are read in the present words of their options; one that is missing,
or whose option is no longer offered, is left out. None of several options is an answer: from an
empty list a model learns that each of them is wrong.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from annotations.findings import findings_now
from annotations.models import Annotation, Campaign, Question
from training.figures import Report

Asked = Sequence[Mapping[str, Any]]
"""Questions as in job.json and model.json: {code, kind, options}."""
Answers = Mapping[str, Any]
"""An option by question, or a list of options where several may be chosen."""
Probabilities = Mapping[str, Mapping[str, float]]
"""By question and option."""
MULTIPLE = Question.Kind.MULTIPLE
HALF = 0.5


def asks(campaign: Campaign) -> bool:
    """Tell whether the campaign's models answer questions instead of drawing."""
    return campaign.kind == Campaign.Kind.CLASSIFICATION


def questions_of(campaign: Campaign) -> list[dict[str, Any]]:
    """Return the questions a model is trained on, in their order."""
    rows = campaign.questions.filter(retired_at=None).exclude(kind=Question.Kind.TEXT)
    return [
        {"code": row.name, "kind": row.kind, "options": _options(row)}
        for row in rows.order_by("position", "id")
    ]


def _options(question: Question) -> list[str]:
    if question.low is not None and question.high is not None:
        return [str(value) for value in range(question.low, question.high + 1)]
    return list(question.options)


def answers_of(
    asked: Asked, questions: Sequence[Question], findings: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what was answered, in the words of `asked`, which are the present ones."""
    present = findings_now(questions, dict(findings))
    found: dict[str, Any] = {}
    for row in asked:
        value = present.get(row["code"])
        if isinstance(value, list):
            found[row["code"]] = [option for option in row["options"] if option in value]
        elif str(value) in row["options"]:
            found[row["code"]] = str(value)
    return found


def manifest_row(
    asked: Asked, questions: Sequence[Question], annotation: Annotation
) -> dict[str, Any]:
    """Return what a snapshot keeps of an answer: hash of all that was said, what is learned."""
    said = json.dumps(annotation.findings, sort_keys=True).encode()
    return {
        "findings_sha256": hashlib.sha256(said).hexdigest(),
        "answers": answers_of(asked, questions, annotation.findings),
    }


# --- a model's words -----------------------------------------------------------------------

Words = Mapping[str, Mapping[str, str]]
"""By question: an option's words there, by its words here."""


def words_of(campaign: Campaign, here: Asked, there: Asked) -> Words:
    """Return how to say options of `here` in the words of `there`.

    A question that only one of them knows, or whose options were added to or dropped since, is
    another question: it is not among them.
    """
    renamed = dict(campaign.questions.values_list("name", "renamed"))
    mine = {row["code"]: row for row in here}
    found: dict[str, dict[str, str]] = {}
    for row in there:
        own, now = mine.get(row["code"]), renamed.get(row["code"], {})
        if own is None or own["kind"] != row["kind"]:
            continue
        theirs, ours = (
            {now.get(option, option): option for option in each["options"]} for each in (row, own)
        )
        if theirs.keys() == ours.keys():
            found[row["code"]] = {option: theirs[present] for present, option in ours.items()}
    return found


def translated(answers: Answers, words: Words) -> dict[str, Any]:
    """Return answers in other words; questions that `words` does not know are left out."""
    return {
        code: [words[code][each] for each in value]
        if isinstance(value, list)
        else words[code][value]
        for code, value in answers.items()
        if code in words
    }


# --- numbers -------------------------------------------------------------------------------


def rightness(given: Any, truth: Any, options: Sequence[str]) -> float:
    """Return how far an answer is right, 0..1: of several options the share that is."""
    if isinstance(truth, list):
        return sum((each in given) == (each in truth) for each in options) / len(options)
    return float(given == truth)


def majority_accuracy(manifest: Report, names: Sequence[str]) -> float:
    """Return the mean accuracy, over the named questions, of each one's commonest training answer.

    Of several options each is chosen that most training cases have. As in a model's report every
    patient counts once.
    """
    scores = []
    for row in manifest["questions"]:
        if row["code"] not in names:
            continue
        known, truth = (
            [each for each in manifest[split] if row["code"] in each["answers"]]
            for split in ("training", "held_out")
        )
        guess = _commonest(row, [each["answers"][row["code"]] for each in known])
        found: dict[str, list[float]] = {}
        for each in truth:
            right = rightness(guess, each["answers"][row["code"]], row["options"])
            found.setdefault(each["patient"], []).append(right)
        if found:
            scores.append(float(np.mean([np.mean(own) for own in found.values()])))
    return float(np.mean(scores)) if scores else 0.0


def _commonest(row: Mapping[str, Any], known: Sequence[Any]) -> Any:
    options = row["options"]
    if row["kind"] == MULTIPLE:
        return [each for each in options if sum(each in one for one in known) > len(known) / 2]
    counted = Counter(known)
    return max(options, key=lambda option: counted[option])


def chosen(asked: Asked, probabilities: Probabilities) -> dict[str, Any]:
    """Return what a model answers: the most probable option; of several those above one half."""
    return {
        row["code"]: _choice(row, probabilities[row["code"]])
        for row in asked
        if row["code"] in probabilities
    }


def _choice(row: Mapping[str, Any], found: Mapping[str, float]) -> Any:
    if row["kind"] == MULTIPLE:
        return [each for each in row["options"] if found[each] > HALF]
    return max(row["options"], key=lambda option: found[option])


def findings_of(asked: Asked, answers: Answers) -> dict[str, Any]:
    """Return answers as a person's would be stored: whole numbers on a scale."""
    kinds = {row["code"]: row["kind"] for row in asked}
    return {
        code: int(value) if kinds[code] == Question.Kind.SCALE else value
        for code, value in answers.items()
    }


def apart(asked: Asked, one: Probabilities, other: Probabilities) -> float | None:
    """Return how differently two models answer a case, 0..1; None when nothing is common.

    Total variation distance; of several options the mean difference. Mean over questions.
    """
    found = []
    for row in asked:
        p, q = (each.get(row["code"], {}) for each in (one, other))
        if p and p.keys() == q.keys():
            gaps = [abs(p[option] - q[option]) for option in p]
            found.append(sum(gaps) / (len(gaps) if row["kind"] == MULTIPLE else 2))
    return float(np.mean(found)) if found else None


def error_of(asked: Asked, probabilities: Probabilities, truth: Answers) -> float | None:
    """Return how wrong a model's answers to one case are, 0..1; None where there is none.

    Questions whose options have changed since the model answered say nothing.
    """
    found = [
        1 - rightness(_choice(row, probabilities[row["code"]]), truth[row["code"]], row["options"])
        for row in asked
        if row["code"] in truth and probabilities.get(row["code"], {}).keys() == {*row["options"]}
    ]
    return float(np.mean(found)) if found else None
