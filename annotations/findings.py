"""STEP findings: the questions a campaign asks of a whole image, and what may be answered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Max
from django.utils.text import slugify
from django.utils.timezone import now

from annotations.models import Campaign, Question
from reticle.accounts.models import User
from reticle.audit.record import record
from reticle.errors import Conflict, Invalid

TEXT_LIMIT = 5000
Findings = dict[str, object]


# The newest answers of a campaign, one row a question and answer; of several choices one row each,
# and none where none was chosen.
_COUNT = """
SELECT answer.key,
    CASE answer.value WHEN '[]' THEN '' ELSE coalesce(choice.value, answer.value #>> '{}') END,
    count(*)
FROM annotations_annotation said
JOIN annotations_task task ON task.id = said.task_id AND task.campaign_id = %s
CROSS JOIN jsonb_each(said.findings) answer
LEFT JOIN LATERAL jsonb_array_elements_text(
    CASE jsonb_typeof(answer.value) WHEN 'array' THEN answer.value END) choice(value) ON true
WHERE NOT EXISTS (SELECT FROM annotations_annotation newer WHERE newer.supersedes_id = said.id)
    AND answer.key = ANY(%s)
GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Asked:
    """A question as answers are held against it; `options` are all words that ever were one."""

    name: str
    kind: str
    options: Sequence[str]
    low: int | None
    high: int | None
    required: bool


@transaction.atomic
def question_add(
    *, actor: User, campaign: Campaign, text: str, kind: str, options: Sequence[str] = (),
    low: int | None = None, high: int | None = None, required: bool = True,
) -> Question:  # fmt: skip
    """Add a question at the end of the list.

    Raises Invalid (choices without two different options, a scale without a range) and Conflict
    (the same question stands there already).
    """
    choices = [option.strip() for option in options]
    if kind in {Question.Kind.SINGLE, Question.Kind.MULTIPLE}:
        if len(choices) < 2 or len(set(choices)) < len(choices) or "" in choices:
            raise Invalid(
                "A choice needs two or more different options.", code="few_options",
                detail={"options": kind},
            )  # fmt: skip
    elif choices:
        raise Invalid("Only choices have options.", code="bad_options", detail={"options": kind})
    if kind == Question.Kind.SCALE and (low is None or high is None or low >= high):
        raise Invalid(
            "A scale needs a low end and a higher end.", code="bad_scale", detail={"low": low}
        )
    name = _name_for(campaign, text)
    if campaign.questions.filter(text=text, retired_at=None).exists():
        raise Conflict("This question is asked already.", code="question_exists")
    last = campaign.questions.aggregate(last=Max("position"))["last"]
    scale = kind == Question.Kind.SCALE
    row = Question(
        campaign=campaign, name=name, text=text, kind=kind, options=choices, required=required,
        low=low if scale else None, high=high if scale else None,
        position=0 if last is None else last + 1,
    )  # fmt: skip
    row.full_clean(validate_unique=False)
    row.save()
    if campaign.state != Campaign.State.DRAFT:
        campaign.schema_version += 1
        campaign.save(update_fields=["schema_version"])
    record(actor_id=actor.pk, action="question.add", target=row, campaign_id=campaign.pk, text=text)
    return row


@dataclass(frozen=True)
class OptionChange:
    """What becomes of the option `was`: its words from now on, and whether it is offered."""

    was: str
    name: str
    retired: bool = False


@transaction.atomic
def question_change(
    *, actor: User, question: Question, retired: bool | None = None,
    options: Sequence[OptionChange] = (),
) -> Question:  # fmt: skip
    """Rename or retire options, or retire the whole question; the answers given stay as they are.

    An answer in former words is read in the present ones. Raises Invalid (an unknown option, words
    that are or were another option's, fewer than two options left) and Conflict (the last question
    of an open campaign that only asks).
    """
    question = Question.objects.select_for_update(of=("self",)).select_related("campaign").get(
        pk=question.pk
    )  # fmt: skip
    for change in options:
        _change_option(question, change)
    if options and len(question.options) < 2:
        raise Invalid(
            "A choice needs two or more different options.", code="few_options",
            detail={"options": "few"},
        )  # fmt: skip
    if retired is not None:
        question.retired_at = (question.retired_at or now()) if retired else None
    question.save(update_fields=["options", "dropped", "renamed", "retired_at"])
    campaign = question.campaign
    if campaign.state != Campaign.State.DRAFT:
        campaign.schema_version += 1
        campaign.save(update_fields=["schema_version"])
    alone = campaign.kind == Campaign.Kind.CLASSIFICATION and campaign.state == Campaign.State.OPEN
    if alone and not campaign.questions.filter(retired_at=None).exists():
        raise Conflict("An open campaign needs a question to ask.", code="last_question")
    record(
        actor_id=actor.pk, action="question.change", target=question, campaign_id=campaign.pk,
        question=question.name, retired=question.retired_at is not None,
        options=[vars(change) for change in options],
    )  # fmt: skip
    return question


def _change_option(question: Question, change: OptionChange) -> None:
    was, name = change.was, change.name.strip()
    if was not in (*question.options, *question.dropped):
        raise Invalid(
            f"There is no option {was!r}.", code="no_such_option", detail={"options": was}
        )
    others = {*question.options, *question.dropped} - {was}
    others |= {former for former, present in question.renamed.items() if present != was}
    if not name or name in others:
        raise Invalid(
            f"{name!r} is or was another option: its old answers would be mistaken for this one.",
            code="option_taken",
            detail={"options": name},
        )
    if name != was:
        # Former words all lead to the present ones at once; the present ones are nobody's former.
        renamed = {
            former: name if present == was else present
            for former, present in {**question.renamed, was: was}.items()
        }
        question.renamed = {
            former: present for former, present in renamed.items() if former != name
        }
        question.options = [name if each == was else each for each in question.options]
        question.dropped = [name if each == was else each for each in question.dropped]
    here, there = question.options, question.dropped
    if not change.retired:
        here, there = there, here
    if name in here:
        here.remove(name)
        there.append(name)


def findings_now(questions: Iterable[Question], findings: Findings) -> Findings:
    """Return answers in the present words of their options; what was not renamed is as given.

    Where there are no answers, the questions are not even asked for.
    """
    found = dict(findings)
    if not found:
        return found
    for question in questions:
        value = found.get(question.name)
        if isinstance(value, list):
            found[question.name] = list(
                dict.fromkeys(question.renamed.get(each, each) for each in value)
            )
        elif isinstance(value, str) and question.kind != Question.Kind.TEXT:
            found[question.name] = question.renamed.get(value, value)
    return found


def answers_changed(
    questions: Iterable[Question], suggested: Findings, given: Findings
) -> int | None:
    """Return how many of the answers suggested were not given so; None where none was suggested.

    Compared in the present words of options: one may have got another since.
    """
    if not suggested:
        return None
    asked = list(questions)
    now, offered = findings_now(asked, given), findings_now(asked, suggested)
    # A question that was retired meanwhile was asked of nobody.
    for question in asked:
        if question.retired_at and question.name not in given:
            offered.pop(question.name, None)
    return sum(_chosen(now.get(name)) != _chosen(value) for name, value in offered.items())


def _chosen(value: object) -> object:
    return set(value) if isinstance(value, list) else value


@dataclass(frozen=True)
class AnswerCount:
    """How often one answer was given to a question, in its present words; "": none of several."""

    question: str
    answer: str
    count: int


def answers_count(campaign: Campaign) -> list[AnswerCount]:
    """Return how often each option and each value of a scale was chosen, retired ones too.

    Of every reading the newest version counts; answers in free text are not counted.
    """
    questions = list(campaign.questions.exclude(kind=Question.Kind.TEXT).order_by("position"))
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [campaign.pk, [question.name for question in questions]])
        rows = [(str(name), str(answer), int(count)) for name, answer, count in cursor.fetchall()]
    counts: list[AnswerCount] = []
    for question in questions:
        found = dict.fromkeys(_answers_of(question), 0)
        for name, answer, count in rows:
            if name == question.name:
                present = question.renamed.get(answer, answer)
                found[present] = found.get(present, 0) + count
        counts += [AnswerCount(question.name, answer, n) for answer, n in found.items()]
    return counts


def _answers_of(question: Question) -> list[str]:
    if question.low is not None and question.high is not None:
        return [str(value) for value in range(question.low, question.high + 1)]
    none = [""] if question.kind == Question.Kind.MULTIPLE else []
    return [*question.options, *question.dropped, *none]


def _name_for(campaign: Campaign, text: str) -> str:
    """Return a short name, unique in the campaign, under which answers are stored."""
    stem = slugify(text)[:32].strip("-") or "question"
    taken = set(campaign.questions.values_list("name", flat=True))
    names = (stem if n == 1 else f"{stem}-{n}" for n in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def findings_check(
    questions: Sequence[Asked], given: Mapping[str, object], *, complete: bool
) -> Findings:
    """Return the answers in the order of the questions, empty ones left out.

    Of several choices none is an answer: an empty list.

    Raises Invalid naming each answer at fault; with `complete`, each required one that lacks.
    """
    asked = {question.name: question for question in questions}
    faults = {name: "no such question" for name in given if name not in asked}
    found: Findings = {}
    for name, question in asked.items():
        value = given.get(name)
        if value is None or value == "":
            continue
        try:
            found[name] = _answer(question, value)
        except ValueError as error:
            faults[name] = str(error)
    if faults:
        words = "; ".join(f"{name}: {fault}" for name, fault in faults.items())
        raise Invalid(f"These answers do not fit: {words}.", code="bad_findings", detail=faults)
    missing = [name for name, question in asked.items() if question.required and name not in found]
    if complete and missing:
        raise Invalid(
            f"These questions wait for an answer: {', '.join(missing)}.",
            code="findings_missing", detail={"findings": missing},
        )  # fmt: skip
    return found


def _answer(question: Asked, value: object) -> object:
    """Return one answer in its stored form. Raises ValueError saying what would fit."""
    if question.kind == Question.Kind.SINGLE:
        if value not in question.options:
            raise ValueError(f"one of {', '.join(question.options)}")
        return value
    if question.kind == Question.Kind.MULTIPLE:
        if not isinstance(value, list) or any(each not in question.options for each in value):
            raise ValueError(f"a list from {', '.join(question.options)}")
        return [option for option in question.options if option in value]
    if question.kind == Question.Kind.SCALE:
        assert question.low is not None  # question_add sees to both
        assert question.high is not None
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or not question.low <= int(str(value)) <= question.high:
            raise ValueError(f"a whole number from {question.low} to {question.high}")
        return value
    if not isinstance(value, str) or len(value) > TEXT_LIMIT:
        raise ValueError(f"a text of at most {TEXT_LIMIT} characters")
    return value.strip()
