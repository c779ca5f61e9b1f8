"""Questions of the whole image: what may be asked, what may be answered, and where it goes."""

import base64
import csv
import io
import json
import uuid
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import make
from annotations.amend import annotation_amend
from annotations.campaigns import campaign_set_state
from annotations.export import cell, export_now, export_path
from annotations.findings import (
    AnswerCount,
    Asked,
    OptionChange,
    answers_count,
    findings_check,
    question_add,
    question_change,
)
from annotations.models import (
    Annotation,
    Assignment,
    Campaign,
    Draft,
    Question,
    Suggestion,
    Task,
)
from annotations.progress import effort
from annotations.submit import Said, annotation_submit, draft_save
from reticle.accounts.models import User
from reticle.errors import Conflict, Invalid
from reticle.pixels.mask import pack
from training.jobs import Example, job_write
from training.trigger import refresh_state, run_request

pytestmark = pytest.mark.django_db
QUESTIONS = [
    {"text": "Is a lesion there?", "kind": "single", "options": ["yes", "no", "cannot tell"]},
    {"text": "Signs", "kind": "multiple", "options": ["oedema", "shift"], "required": False},
    {"text": "Image quality", "kind": "scale", "low": 1, "high": 5},
    {"text": "Remark", "kind": "text", "required": False},
]
EMPTY = np.zeros((make.ROWS, make.COLUMNS), np.uint8)
ANSWERS: dict[str, Any] = {"is-a-lesion-there": "yes", "signs": ["shift"], "image-quality": 4}


@pytest.fixture
def manager() -> User:
    return make.user("manager")


@pytest.fixture
def reader() -> User:
    return make.user("reader")


@pytest.fixture
def asking(manager: User, reader: User) -> Campaign:
    return make.campaign(
        manager, tasks=6, readers=[reader], kind="classification", questions=QUESTIONS
    )


def hand_in(campaign: Campaign, reader: User, findings: dict[str, Any], **more: Any) -> Any:
    row = make.lease(campaign, reader)
    values = {"key": uuid.uuid4(), "packed": pack(EMPTY), "seconds": 2, **more}
    return annotation_submit(assignment=row, token=row.token, said=Said(findings), **values)


def asked(kind: str, **fields: Any) -> Asked:
    filled = {"options": [], "low": None, "high": None, "required": True, **fields}
    return Asked(name="q", kind=kind, **filled)


@pytest.mark.parametrize(
    ("question", "value", "stored"),
    [
        (asked("single", options=["a", "b"]), "b", "b"),
        (asked("multiple", options=["a", "b", "c"]), ["c", "a", "c"], ["a", "c"]),
        (asked("multiple", options=["a", "b"]), [], []),
        (asked("scale", low=-2, high=2), -2, -2),
        (asked("text"), "  a finding ", "a finding"),
    ],
)
def test_an_answer_that_fits_is_kept(question: Asked, value: object, stored: object) -> None:
    assert findings_check([question], {"q": value}, complete=True) == {"q": stored}


@pytest.mark.parametrize(
    ("question", "value"),
    [
        (asked("single", options=["a", "b"]), "c"),
        (asked("single", options=["a", "b"]), ["a"]),
        (asked("single", options=["a", "b"]), []),
        (asked("multiple", options=["a", "b"]), "a"),
        (asked("multiple", options=["a", "b"]), ["a", "z"]),
        (asked("scale", low=1, high=5), 6),
        (asked("scale", low=1, high=5), 2.5),
        (asked("scale", low=0, high=5), True),
        (asked("text"), 7),
        (asked("text"), "x" * 5001),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_by_name(question: Asked, value: object) -> None:
    with pytest.raises(Invalid) as refused:
        findings_check([question], {"q": value}, complete=False)
    assert refused.value.code == "bad_findings"
    assert set(refused.value.detail) == {"q"}


def test_only_a_complete_answer_needs_every_required_question() -> None:
    questions = [asked("single", options=["a", "b"])]
    assert findings_check(questions, {"q": ""}, complete=False) == {}
    with pytest.raises(Invalid) as refused:
        findings_check(questions, {}, complete=True)
    assert (refused.value.code, refused.value.detail) == ("findings_missing", {"findings": ["q"]})


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "single", "options": ["only one"]},
        {"kind": "multiple", "options": ["same", "same "]},
        {"kind": "single", "options": ["a", " "]},
        {"kind": "scale", "low": 3, "high": 3},
        {"kind": "scale", "low": 3},
        {"kind": "text", "options": ["a", "b"]},
    ],
)
def test_a_question_nobody_could_answer_is_refused(manager: User, wrong: dict[str, Any]) -> None:
    campaign = make.campaign(manager)
    with pytest.raises(Invalid):
        question_add(actor=manager, campaign=campaign, text="?", **wrong)
    assert not campaign.questions.exists()


def test_questions_in_another_script_get_names_of_their_own(manager: User) -> None:
    campaign = make.campaign(manager)
    rows = [
        question_add(actor=manager, campaign=campaign, text=text, kind="text")
        for text in ("病变", "质量")
    ]
    assert len({row.name for row in rows}) == 2
    with pytest.raises(Conflict):
        question_add(actor=manager, campaign=campaign, text="病变", kind="text")


def test_a_classification_campaign_opens_with_a_question_and_without_classes(
    manager: User,
) -> None:
    campaign = make.campaign(manager, opened=False, kind="classification")
    with pytest.raises(Conflict) as refused:
        campaign_set_state(actor=manager, campaign=campaign, state=Campaign.State.OPEN)
    assert refused.value.code == "no_questions"
    question_add(actor=manager, campaign=campaign, text="Seen?", kind="text")
    campaign_set_state(actor=manager, campaign=campaign, state=Campaign.State.OPEN)


def test_answers_settle_the_case(asking: Campaign, reader: User) -> None:
    done = hand_in(asking, reader, ANSWERS)
    task = Task.objects.select_related("settled").get(pk=done.task.pk)
    assert task.state == Task.State.SETTLED
    assert task.settled is not None
    assert task.settled.findings == ANSWERS


def test_none_of_several_options_is_an_answer_and_no_answer_is_none(
    asking: Campaign, reader: User
) -> None:
    Question.objects.filter(name="signs").update(required=True)
    without = {name: value for name, value in ANSWERS.items() if name != "signs"}
    with pytest.raises(Invalid) as refused:
        hand_in(asking, reader, without)
    assert refused.value.detail == {"findings": ["signs"]}
    none = hand_in(asking, reader, {**ANSWERS, "signs": []})
    assert none.annotation.findings == {**ANSWERS, "signs": []}
    Question.objects.filter(name="signs").update(required=False)
    hand_in(asking, reader, without)
    counts = [each for each in answers_count(asking) if each.question == "signs"]
    assert [(each.answer, each.count) for each in counts] == [("oedema", 0), ("shift", 0), ("", 1)]
    with zipfile.ZipFile(export_path(export_now(asking))) as archive:
        table = csv.DictReader(io.StringIO(archive.read("findings.csv").decode()))
    assert sorted(row["signs"] for row in table) == ["", "none of these"]


def test_a_missing_answer_leaves_the_case_with_the_reader(asking: Campaign, reader: User) -> None:
    with pytest.raises(Invalid):
        hand_in(asking, reader, {"signs": ["shift"]})
    assert not Annotation.objects.exists()
    assert make.lease(asking, reader).state == "held"


def test_the_same_key_with_other_answers_is_refused(asking: Campaign, reader: User) -> None:
    row, key = make.lease(asking, reader), uuid.uuid4()
    values: dict[str, Any] = {
        "token": row.token, "key": key, "packed": pack(EMPTY), "seconds": 1,
    }  # fmt: skip
    annotation_submit(assignment=row, said=Said(ANSWERS), **values)
    assert annotation_submit(assignment=row, said=Said(ANSWERS), **values).replayed
    with pytest.raises(Conflict) as refused:
        annotation_submit(assignment=row, said=Said({**ANSWERS, "image-quality": 1}), **values)
    assert refused.value.code == "key_reused"


def test_late_answers_are_kept_as_the_draft(asking: Campaign, reader: User) -> None:
    row = make.lease(asking, reader)
    campaign_set_state(
        actor=asking.members.get(role="manager").user, campaign=asking, state=Campaign.State.CLOSED
    )
    row.campaign.refresh_from_db()
    with pytest.raises(Conflict):
        annotation_submit(
            assignment=row, token=row.token, key=uuid.uuid4(), packed=pack(EMPTY), seconds=1,
            said=Said(ANSWERS),
        )  # fmt: skip
    assert Draft.objects.get(assignment=row).findings == ANSWERS


def test_amending_gives_new_answers_and_keeps_the_old(asking: Campaign, reader: User) -> None:
    done = hand_in(asking, reader, ANSWERS)
    other = {**ANSWERS, "is-a-lesion-there": "no"}
    new = annotation_amend(
        annotation=done.annotation,
        key=uuid.uuid4(),
        packed=pack(EMPTY),
        seconds=1,
        said=Said(other),
    ).annotation
    assert Annotation.objects.get(pk=new.pk).findings == other
    assert Annotation.objects.get(pk=done.annotation.pk).findings == ANSWERS


def test_the_doors_carry_questions_drafts_and_answers(
    manager: User, reader: User, asking: Campaign
) -> None:
    client = make.client(reader)
    shown = client.get(f"/api/v1/campaigns/{asking.slug}").json()
    assert [row["name"] for row in shown["questions"]] == [
        "is-a-lesion-there", "signs", "image-quality", "remark",
    ]  # fmt: skip
    row = make.lease(asking, reader)
    draft_save(assignment=row, sequence=1, packed=pack(EMPTY), seconds=1, said=Said(ANSWERS))
    case = client.post(f"/api/v1/campaigns/{asking.slug}/lease", {}, format="json").json()
    assert case["draft"]["findings"] == ANSWERS
    body = {
        "token": case["token"], "key": str(uuid.uuid4()), "findings": ANSWERS,
        "mask": base64.b64encode(pack(EMPTY)).decode(),
    }  # fmt: skip
    path = f"/api/v1/assignments/{case['id']}/submit"
    assert client.post(path, {**body, "findings": {}}, format="json").status_code == 422
    assert client.post(path, body, format="json").status_code == 201
    recent = client.get(f"/api/v1/campaigns/{asking.slug}/recent").json()
    assert recent[0]["findings"] == ANSWERS
    added = make.client(manager).post(
        f"/api/v1/campaigns/{asking.slug}/questions", {"text": "More?", "kind": "text"},
        format="json",
    )  # fmt: skip
    assert added.status_code == 201
    assert added.json()["required"] is True
    asking.refresh_from_db()
    assert asking.schema_version == 2


def test_the_export_has_a_table_of_answers_and_no_masks(asking: Campaign, reader: User) -> None:
    remark = "=HYPERLINK(1)"
    hand_in(asking, reader, {**ANSWERS, "remark": remark})
    row = export_now(asking)
    with zipfile.ZipFile(export_path(row)) as archive:
        assert set(archive.namelist()) == {"findings.csv", "manifest.json"}
        table = list(csv.DictReader(io.StringIO(archive.read("findings.csv").decode())))
        manifest = json.loads(archive.read("manifest.json"))
    assert [line["signs"] for line in table] == ["shift"]
    assert table[0]["remark"] == f"'{remark}"
    assert manifest["cases"][0]["findings"]["remark"] == remark
    assert manifest["questions"][0]["name"] == "is-a-lesion-there"


def test_cells_never_begin_a_formula() -> None:
    assert [cell(value) for value in ("-1", "+a", "@b", ["=c", "d"], -1, "plain")] == [
        "'-1", "'+a", "'@b", "'=c; d", "-1", "plain",
    ]  # fmt: skip


def test_answers_count_towards_a_training(asking: Campaign, reader: User, manager: User) -> None:
    hand_in(asking, reader, ANSWERS)
    state = refresh_state(asking)
    assert (state["enabled"], state["settled"]) == (True, 1)
    with pytest.raises(Conflict) as refused:
        run_request(campaign=asking, actor=manager)
    assert refused.value.code == "too_few_labels"


def test_classes_not_looked_at_are_stored_and_are_no_background_to_a_model(
    manager: User, reader: User, tmp_path: Path
) -> None:
    campaign = make.campaign(manager, tasks=2, readers=[reader])
    row, drawn = make.lease(campaign, reader), make.mask(1)
    values: dict[str, Any] = {
        "token": row.token, "key": uuid.uuid4(), "packed": pack(drawn), "seconds": 1,
    }  # fmt: skip
    for wrong in ([9], [1]):  # no class of this campaign; drawn, so it was looked at
        with pytest.raises(Invalid):
            annotation_submit(assignment=row, said=Said(unseen=wrong), **values)
    done = annotation_submit(assignment=row, said=Said(unseen=[2]), **values)
    assert done.annotation.unseen == [2]
    image = done.task.image
    example = Example(image=image, patient="P", annotation_id=done.annotation.pk)
    job_write(tmp_path, [example], classes=[], config={}, seed=0)
    learned = np.load(tmp_path / "masks" / f"{image.pk}.npy")
    assert np.array_equal(learned == 1, drawn == 1)
    assert set(np.unique(learned)) == {1, 255}


def lesion(campaign: Campaign) -> Question:
    return campaign.questions.get(name="is-a-lesion-there")


def rename(campaign: Campaign, actor: User, was: str, name: str, **more: bool) -> Question:
    changes = [OptionChange(was, name, **more)]
    return question_change(actor=actor, question=lesion(campaign), options=changes)


def test_an_answer_in_former_words_stays_and_is_read_in_the_present_ones(
    asking: Campaign, reader: User, manager: User
) -> None:
    done = hand_in(asking, reader, ANSWERS)
    rename(asking, manager, "yes", "present")
    row = rename(asking, manager, "present", "seen")
    assert (row.options, row.renamed) == (
        ["seen", "no", "cannot tell"], {"yes": "seen", "present": "seen"},
    )  # fmt: skip
    assert Annotation.objects.get(pk=done.annotation.pk).findings == ANSWERS
    recent = make.client(reader).get(f"/api/v1/campaigns/{asking.slug}/recent").json()
    assert recent[0]["findings"] == {**ANSWERS, "is-a-lesion-there": "seen"}
    # A page opened before still shows the former words, and its answers count.
    late = hand_in(asking, reader, ANSWERS)
    assert late.annotation.findings["is-a-lesion-there"] == "yes"
    assert AnswerCount("is-a-lesion-there", "seen", 2) in answers_count(asking)
    # Back to where it began, no word means two things.
    assert rename(asking, manager, "seen", "yes").renamed == {"present": "yes", "seen": "yes"}


def test_a_draft_comes_back_in_the_present_words(
    asking: Campaign, reader: User, manager: User
) -> None:
    row = make.lease(asking, reader)
    draft_save(assignment=row, sequence=1, packed=pack(EMPTY), seconds=1, said=Said(ANSWERS))
    rename(asking, manager, "yes", "present")
    case = make.client(reader).post(f"/api/v1/campaigns/{asking.slug}/lease", {}, format="json")
    assert case.json()["draft"]["findings"] == {**ANSWERS, "is-a-lesion-there": "present"}


@pytest.mark.parametrize(
    ("was", "name"), [("maybe", "perhaps"), ("no", "yes"), ("no", "present"), ("no", " ")]
)
def test_a_name_that_would_confuse_old_answers_is_refused(
    asking: Campaign, manager: User, was: str, name: str
) -> None:
    rename(asking, manager, "yes", "present")
    with pytest.raises(Invalid):
        rename(asking, manager, was, name)
    assert lesion(asking).options == ["present", "no", "cannot tell"]


def test_a_retired_option_is_not_offered_and_its_answers_stay(
    asking: Campaign, reader: User, manager: User
) -> None:
    done = hand_in(asking, reader, ANSWERS)
    row = rename(asking, manager, "yes", "yes", retired=True)
    assert (row.options, row.dropped) == (["no", "cannot tell"], ["yes"])
    with pytest.raises(Invalid):
        rename(asking, manager, "no", "no", retired=True)  # one option is no choice
    amended = annotation_amend(
        annotation=done.annotation, key=uuid.uuid4(), packed=pack(EMPTY), seconds=1,
        said=Said({**ANSWERS, "image-quality": 1}),
    ).annotation  # fmt: skip
    assert amended.findings["is-a-lesion-there"] == "yes"
    counts = answers_count(asking)
    assert AnswerCount("is-a-lesion-there", "yes", 1) in counts
    assert AnswerCount("signs", "shift", 1) in counts
    assert [(each.answer, each.count) for each in counts if each.question == "image-quality"] == [
        ("1", 1), ("2", 0), ("3", 0), ("4", 0), ("5", 0),
    ]  # fmt: skip
    assert rename(asking, manager, "yes", "yes").options == ["no", "cannot tell", "yes"]


def test_a_retired_question_is_neither_required_nor_lost(
    asking: Campaign, reader: User, manager: User
) -> None:
    done = hand_in(asking, reader, ANSWERS)
    question_change(actor=manager, question=lesion(asking), retired=True)
    without = {"image-quality": 3}
    assert hand_in(asking, reader, without).annotation.findings == without
    amended = annotation_amend(
        annotation=done.annotation, key=uuid.uuid4(), packed=pack(EMPTY), seconds=1,
        said=Said(ANSWERS),
    ).annotation  # fmt: skip
    assert amended.findings == ANSWERS
    again = question_change(actor=manager, question=lesion(asking), retired=False)
    assert again.retired_at is None
    with pytest.raises(Invalid):
        hand_in(asking, reader, without)


def test_the_last_question_of_an_open_campaign_of_questions_stays(
    asking: Campaign, manager: User
) -> None:
    *others, last = asking.questions.order_by("position")
    for row in others:
        question_change(actor=manager, question=row, retired=True)
    with pytest.raises(Conflict) as refused:
        question_change(actor=manager, question=last, retired=True)
    assert refused.value.code == "last_question"
    assert asking.questions.get(pk=last.pk).retired_at is None


def test_the_export_says_what_was_renamed_and_retired(
    asking: Campaign, reader: User, manager: User
) -> None:
    hand_in(asking, reader, ANSWERS)
    rename(asking, manager, "yes", "present")
    rename(asking, manager, "no", "no", retired=True)
    signs = asking.questions.get(name="signs")
    question_change(actor=manager, question=signs, retired=True)
    row = export_now(asking)
    with zipfile.ZipFile(export_path(row)) as archive:
        table = list(csv.DictReader(io.StringIO(archive.read("findings.csv").decode())))
        manifest = json.loads(archive.read("manifest.json"))
    assert (table[0]["is-a-lesion-there"], table[0]["signs"]) == ("present", "shift")
    assert manifest["cases"][0]["findings"] == ANSWERS
    first, second = manifest["questions"][:2]
    assert (first["renamed"], first["dropped"]) == ({"yes": "present"}, ["no"])
    assert (first["retired"], second["retired"]) == (False, True)


def test_only_a_manager_changes_a_question(asking: Campaign, reader: User, manager: User) -> None:
    path = f"/api/v1/campaigns/{asking.slug}/questions/is-a-lesion-there"
    body = {"options": [{"was": "yes", "name": "present"}]}
    assert make.client(reader).patch(path, body, format="json").status_code == 403
    changed = make.client(manager).patch(path, body, format="json").json()
    assert (changed["options"], changed["dropped"]) == (["present", "no", "cannot tell"], [])
    counts = make.client(manager).get(f"/api/v1/campaigns/{asking.slug}/answers").json()
    assert counts[0] == {"question": "is-a-lesion-there", "answer": "present", "count": 0}


# --- what became of suggested answers --------------------------------------------------------

SUGGESTED: dict[str, Any] = {"is-a-lesion-there": "no", "signs": ["shift"]}


def suggested_to(campaign: Campaign, reader: User) -> Assignment:
    """A case in the reader's hands for which the model has answered two questions."""
    row = make.lease(campaign, reader)
    offered = Suggestion.objects.create(
        task=row.task, model_number=1, findings=SUGGESTED, packed=pack(EMPTY), sha256=""
    )
    Assignment.objects.filter(pk=row.pk).update(suggestion=offered)
    return Assignment.objects.select_related("campaign").get(pk=row.pk)


def answered(row: Assignment, findings: dict[str, Any]) -> Annotation:
    return annotation_submit(
        assignment=row, token=row.token, key=uuid.uuid4(), packed=pack(EMPTY), seconds=2,
        said=Said(findings),
    ).annotation  # fmt: skip


@pytest.mark.parametrize(
    ("given", "changed"),
    [
        ({}, 0),
        ({"is-a-lesion-there": "yes"}, 1),
        ({"signs": ["oedema", "shift"]}, 1),
        ({"is-a-lesion-there": "cannot tell", "signs": []}, 2),
        ({"remark": "what was not suggested does not count"}, 0),
    ],
)
def test_how_many_suggested_answers_were_changed_is_stored(
    asking: Campaign, reader: User, given: dict[str, Any], changed: int
) -> None:
    row = suggested_to(asking, reader)
    done = answered(row, {**SUGGESTED, "image-quality": 3, **given})
    assert (done.started_from_id, done.changed_answers) == (row.suggestion_id, changed)
    assert [point["changed_answers"] for point in effort(asking)] == [changed]
    new = annotation_amend(
        annotation=done, key=uuid.uuid4(), packed=pack(EMPTY), seconds=1,
        said=Said({**SUGGESTED, "image-quality": 3, "is-a-lesion-there": "yes"}),
    ).annotation  # fmt: skip
    assert (new.started_from_id, new.changed_answers) == (row.suggestion_id, 1)


def test_an_option_that_got_another_word_since_was_not_changed_by_the_reader(
    asking: Campaign, manager: User, reader: User
) -> None:
    row = suggested_to(asking, reader)
    question = asking.questions.get(name="is-a-lesion-there")
    question_change(actor=manager, question=question, options=[OptionChange("no", "none seen")])
    done = answered(row, {**SUGGESTED, "image-quality": 3, "is-a-lesion-there": "none seen"})
    assert done.changed_answers == 0


def test_a_question_that_was_retired_meanwhile_was_not_changed_by_the_reader(
    asking: Campaign, manager: User, reader: User
) -> None:
    row = suggested_to(asking, reader)
    question = asking.questions.get(name="is-a-lesion-there")
    question_change(actor=manager, question=question, retired=True)
    given = {name: value for name, value in SUGGESTED.items() if name != question.name}
    assert answered(row, {**given, "image-quality": 3}).changed_answers == 0


def test_answers_that_nobody_suggested_were_not_changed(asking: Campaign, reader: User) -> None:
    assert hand_in(asking, reader, ANSWERS).annotation.changed_answers is None
