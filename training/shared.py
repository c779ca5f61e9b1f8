"""STEP shared: what two models say of the same cases, beside what people settled on them.

Only of cases that are not held out: nobody is to choose between models by looking at those. Each
model has drawn, or answered, what it scored as a champion or shadow, and, taken or refused, the
cases that its measurement looks at besides (`training.snapshot.looked_at`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from annotations.models import Task
from reticle.pixels.mask import unpack
from training import answers
from training.compare import pool_tasks
from training.figures import Row
from training.jobs import drawing_error
from training.ml.measures import disagreement
from training.models import ModelVersion, Prediction
from training.snapshot import learned_from

CASES = 120  # so many of the newest cases are looked through for what is said differently
Pair = tuple[ModelVersion, ModelVersion]


def shared_cases(model: ModelVersion, other: ModelVersion) -> list[Row]:
    """Return cases of which both say something, most different first; never held-out ones.

    See `training.compare_forms.SharedCase`; cases without a label have no error.
    """
    pair = (model, other)
    tasks = pool_tasks(model.campaign).filter(image__predictions__model=model)
    tasks = tasks.filter(pk__in=pool_tasks(model.campaign).filter(image__predictions__model=other))
    tasks = list(tasks.select_related("image__series__study", "settled").order_by("-id")[:CASES])
    say = _answered if answers.asks(model.campaign) else _drawn
    learned = [learned_from(each) for each in pair]
    rows = []
    for task, (apart, errors, questions) in zip(tasks, say(pair, tasks), strict=True):
        sides = [
            {"learned": task.image_id in own, "error": error}
            for own, error in zip(learned, errors, strict=True)
        ]
        rows.append(
            {
                "image": task.image_id, "patient": task.image.series.study.patient_key,
                "slice": task.image.index, "disagreement": apart,
                "labelled": task.settled is not None, "model": sides[0], "against": sides[1],
                "questions": questions,
            }
        )  # fmt: skip
    return sorted(rows, key=lambda row: -(row["disagreement"] or 0.0))


def silent(model: ModelVersion, other: ModelVersion) -> list[int]:
    """Return the numbers of those of the two that have nothing kept of any case of `pool_tasks`."""
    tasks = pool_tasks(model.campaign)
    return [
        each.number
        for each in dict.fromkeys((model, other))
        if not tasks.filter(image__predictions__model=each).exists()
    ]


Said = tuple[float | None, list[float | None], list[Row]]
"""How far apart the two are, how wrong each is, and the answers; see `SharedCase`."""


def _drawn(pair: Pair, tasks: Sequence[Task]) -> Iterator[Said]:
    kept = [_kept(each, tasks, "packed") for each in pair]
    for task in tasks:
        both = [bytes(found[task.image_id]) for found in kept]
        one, two = (unpack(each, task.image.rows, task.image.columns) for each in both)
        label = task.settled
        errors = [drawing_error(label, task.image, each) if label else None for each in both]
        yield disagreement(one, two), errors, []


def _answered(pair: Pair, tasks: Sequence[Task]) -> Iterator[Said]:
    campaign = pair[0].campaign
    asked, questions = answers.questions_of(campaign), list(campaign.questions.all())
    words = [answers.words_of(campaign, each.questions, asked) for each in pair]
    kept = [_kept(each, tasks, "answers") for each in pair]
    for task in tasks:
        one, two = (
            _in_words(found[task.image_id], own) for found, own in zip(kept, words, strict=True)
        )
        label = task.settled
        truth = answers.answers_of(asked, questions, label.findings) if label else {}
        rows = [_beside(row, truth.get(row["code"]), one, two) for row in asked]
        errors = [answers.error_of(asked, each, truth) for each in (one, two)]
        yield answers.apart(asked, one, two), errors, rows


def _beside(
    row: Mapping[str, Any],
    truth: Any,
    one: answers.Probabilities,
    two: answers.Probabilities,
) -> Row:
    """Return a question's label, and both probabilities of each of its options."""
    code = row["code"]
    return {
        "name": code,
        "settled": truth if isinstance(truth, list) else [truth] if truth is not None else [],
        "options": [
            {"option": option, **{name: said.get(code, {}).get(option)
                                  for name, said in (("model", one), ("against", two))}}
            for option in row["options"]
        ],
    }  # fmt: skip


def _in_words(said: answers.Probabilities, words: answers.Words) -> answers.Probabilities:
    """Return probabilities by other words for the options; as `answers.translated`."""
    return {
        code: {words[code][option]: value for option, value in found.items()}
        for code, found in said.items()
        if code in words
    }


def _kept(model: ModelVersion, tasks: Sequence[Task], field: str) -> dict[int, Any]:
    """Return {image: drawing or answers} of these cases."""
    images = [task.image_id for task in tasks]
    rows = Prediction.objects.filter(model=model, image_id__in=images)
    return dict(rows.values_list("image_id", field))
