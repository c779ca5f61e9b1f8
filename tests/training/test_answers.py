"""Campaigns of questions learn: the whole loop on discs that are there or not, and each rule."""

import hashlib
import json
import uuid
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

import make
from annotations.amend import annotation_amend
from annotations.campaigns import campaign_change, campaign_create, training_policy
from annotations.findings import OptionChange, question_add, question_change
from annotations.models import Annotation, Campaign, Question, Suggestion, Task
from annotations.submit import Said
from learning import ANSWERS, NOTHING_DRAWN, asking, hand_in, has_disc
from reticle.accounts.models import User
from reticle.errors import Conflict, Invalid
from reticle.pixels.mask import pack
from training import (
    ahead,
    answers,
    figures,
    fit,
    maps,
    pool,
    predict,
    promote,
    shared,
    trials,
    trigger,
)
from training.gain import gain_of
from training.models import Evaluation, ModelVersion, Prediction, TrainingRun
from training.snapshot import looked_at, manifest_of, snapshot_take

pytestmark = pytest.mark.django_db

# The hash of what three drawn cases come to, made before answers were learned.
DRAWN = "e6a342e0dadc99eb631ed8ad4430348da1886ace25c66a1f53a285a044c4a0f0"
QUESTIONS: list[dict[str, object]] = [
    {"text": "Disc", "kind": "single", "options": ["seen", "none"]},
    {"text": "Sides", "kind": "multiple", "options": ["left", "right"], "required": False},
    {"text": "Grade", "kind": "scale", "low": 0, "high": 2, "required": False},
    {"text": "Remark", "kind": "text", "required": False},
]


@pytest.fixture
def manager() -> User:
    return make.user("manager")


@pytest.fixture
def reader() -> User:
    return make.user("reader")


@pytest.fixture
def campaign(settings: Settings, manager: User, reader: User) -> Campaign:
    """Nine patients of four images, three of them held out; nothing is answered yet."""
    settings.HEARTBEAT_SECONDS, settings.RUN_LEASE_SECONDS = 1, 5
    return asking(manager, reader, questions=QUESTIONS, training=ANSWERS)


def execute(campaign: Campaign) -> TrainingRun:
    assert trigger.runs_trigger() == 1
    run = fit.run_claim()
    assert run is not None
    return fit.run_execute(run)


# --- the whole loop ------------------------------------------------------------------------


def test_answers_become_a_champion_that_orders_the_queue_and_answers_before_the_reader(
    campaign: Campaign, reader: User
) -> None:
    for _ in range(20):
        hand_in(campaign, reader)
    order_before = list(pool.open_tasks(campaign).order_by("-priority").values_list("id"))
    run = execute(campaign)
    assert (run.state, run.error) == (TrainingRun.State.SUCCEEDED, "")
    assert run.config["preset"] == "classifier"
    assert run.epochs[-1]["accuracy"].keys() == {"disc", "sides", "grade"}
    model = ModelVersion.objects.get(run=run)
    assert model.state == ModelVersion.State.CHAMPION, model.decision
    assert "majority answer" in model.decision["reasons"][0]["text"]
    evaluation = Evaluation.objects.get(model=model)
    assert evaluation.mean_dice is None
    assert evaluation.score == evaluation.report["mean_accuracy"]
    assert evaluation.report["questions"]["disc"]["options"]["seen"]["auc"] > 0.8
    campaign.refresh_from_db()
    assert (campaign.champion or {}).items() >= {"number": 1, "accuracy": evaluation.score}.items()

    scored = predict.scoring_claim()
    assert scored is not None
    assert predict.scoring_run(scored) == campaign.tasks.filter(state="open").count()
    waiting = list(pool.open_tasks(campaign).order_by("-priority"))
    assert [(task.pk,) for task in waiting] != order_before
    scores = [task.priority_from["score"] for task in waiting]
    assert all(0 <= score <= 1 for score in scores)
    found = Prediction.objects.filter(model=model)
    assert not found.filter(image__tasks__held_out=True).exists(), "selection must not see them"
    assert {bytes(row.packed) for row in found} == {b""}
    assert found[0].answers["disc"].keys() == {"seen", "none"}
    assert predict.scoring_claim() is None, "published scores are not made again"
    put_to_the_trial(evaluation)

    suggested = Suggestion.objects.filter(task__in=waiting, model_number=1)
    assert suggested.count() == len(waiting)
    assert {str(row.findings.keys()) for row in suggested} == {"dict_keys(['disc'])"}, (
        "questions nobody answered were not measured, and are not suggested"
    )
    mapped = maps.maps_claim()
    assert mapped is not None
    assert maps.maps_run(mapped) == min(maps.AHEAD, len(waiting))
    first = suggested.order_by("-task__priority", "task_id")[0]
    about = [(each.kind, each.question, each.option) for each in first.maps.order_by("id")]
    options = [(asked["code"], option) for asked in model.questions for option in asked["options"]]
    assert about == [("explanation", *each) for each in options], "one for each answer there is"
    served = make.lease(campaign, reader)
    while served.task.held_out:
        assert served.suggestion is None, "a blind case shows nothing"
        hand_in(campaign, reader)
        served = make.lease(campaign, reader)
    answer = make.client(reader).get(f"/api/v1/assignments/{served.pk}").json()["suggestion"]
    assert answer["findings"]["disc"] in {"seen", "none"}
    done = hand_in(campaign, reader)
    assert done.annotation.started_from_id == served.suggestion_id
    assert (done.annotation.changed_pixels, done.annotation.suggestion_dice) == (None, None)
    answered = "seen" if has_disc(served.task.image) else "none"
    assert done.annotation.changed_answers == int(answer["findings"]["disc"] != answered)


def put_to_the_trial(evaluation: Evaluation) -> None:
    """The champion's answers under worse images, from the same cases as its evaluation."""
    model = trials.trial_claim()
    assert model == evaluation.model
    assert model is not None
    assert trials.trial_run(model)
    model.refresh_from_db()
    assert model.robustness["clean"]["disc"] == evaluation.report["questions"]["disc"]["accuracy"]
    assert (model.robustness["clean"]["grade"], len(model.robustness["changes"])) == (None, 21)
    assert trials.trial_claim() is None, "once is enough"


def test_a_second_run_goes_on_from_the_champion_and_is_compared_in_pairs(
    campaign: Campaign, reader: User
) -> None:
    for _ in range(20):
        hand_in(campaign, reader)
    execute(campaign)
    for _ in range(8):
        hand_in(campaign, reader)
    second = execute(campaign)
    assert (second.state, second.error) == (TrainingRun.State.SUCCEEDED, "")
    assert second.base is not None
    decision = ModelVersion.objects.get(run=second).decision
    assert decision["against"] == 1
    assert decision["classes"].keys() == {"disc"}
    assert "mean accuracy (disc)" in decision["reasons"][0]["text"]
    first, model = ModelVersion.objects.get(number=1), ModelVersion.objects.get(run=second)
    assert first.evaluations.count() == 2
    assert second.snapshot is not None
    found = shared.shared_cases(model, first)
    assert {row["image"] for row in found} == set(looked_at(second.snapshot))
    for row in found:
        disc = next(each for each in row["questions"] if each["name"] == "disc")
        assert disc["settled"] in (["seen"], ["none"])
        for side in ("model", "against"):
            assert sum(option[side] for option in disc["options"]) == pytest.approx(1)
            chosen = max(disc["options"], key=lambda option: option[side])["option"]
            assert row[side]["error"] == float([chosen] != disc["settled"])


def test_answers_are_cross_validated_and_the_folds_together_are_a_candidate(
    campaign: Campaign, manager: User, reader: User
) -> None:
    for _ in range(20):
        hand_in(campaign, reader)
    client = make.client(manager)
    asked = {"kind": "cross", "folds": 3, "ensemble": True, "epochs": 1, "minimum_steps": 30}
    given = client.post(f"/api/v1/campaigns/{campaign.slug}/runs", asked, format="json")
    assert given.status_code == 201, given.content
    claimed = fit.run_claim()
    assert claimed is not None
    run = fit.run_execute(claimed)
    assert (run.state, run.error) == (TrainingRun.State.SUCCEEDED, "")
    assert run.snapshot is not None
    report = client.get(f"/api/v1/runs/{run.pk}").json()["report"]
    assert report["cases"] == run.snapshot.labels, "each training case, and no other"
    assert [row["name"] for row in report["questions"]] == ["disc", "sides", "grade"]
    disc = report["questions"][0]
    assert (disc["answered"], disc["calibration"]["ece"] >= 0) == (run.snapshot.labels, True)
    assert [fold["questions"].keys() for fold in report["folds"]] == [{"disc"}] * 3
    each = [fold["mean_accuracy"] for fold in report["folds"]]
    assert disc["spread"] == pytest.approx(np.std(each, ddof=1))
    model = ModelVersion.objects.get(run=run)
    assert (model.card["members"], [row["code"] for row in model.questions]) == (
        3, ["disc", "sides", "grade"],
    )  # fmt: skip
    assert model.decision["candidate"] == Evaluation.objects.get(model=model).score


# --- the snapshot --------------------------------------------------------------------------


def test_the_manifest_holds_questions_with_options_and_settled_answers_by_hash(
    campaign: Campaign, reader: User
) -> None:
    findings = {"disc": "none", "sides": ["right"], "grade": 2, "remark": "words"}
    done = hand_in(campaign, reader, findings)
    manifest = manifest_of(campaign)
    assert "classes" not in manifest
    assert manifest["questions"] == [
        {"code": "disc", "kind": "single", "options": ["seen", "none"]},
        {"code": "sides", "kind": "multiple", "options": ["left", "right"]},
        {"code": "grade", "kind": "scale", "options": ["0", "1", "2"]},
    ]
    [row] = manifest["training"] + manifest["held_out"]
    said = json.dumps(done.annotation.findings, sort_keys=True).encode()
    assert row == {
        "task": done.task.pk,
        "image": done.task.image_id,
        "image_sha256": done.task.image.sha256,
        "annotation": done.annotation.pk,
        "patient": done.task.image.series.study.patient_key,
        "findings_sha256": hashlib.sha256(said).hexdigest(),
        "answers": {"disc": "none", "sides": ["right"], "grade": "2"},
    }


def test_equal_answers_are_one_snapshot_and_an_amended_one_is_another(
    campaign: Campaign, reader: User
) -> None:
    done = [hand_in(campaign, reader) for _ in range(6)]
    first = snapshot_take(campaign=campaign)
    assert snapshot_take(campaign=campaign) == first
    before = done[0].annotation
    other = "none" if before.findings["disc"] == "seen" else "seen"
    amended = annotation_amend(
        annotation=Annotation.objects.select_related("task__campaign").get(pk=before.pk),
        key=uuid.uuid4(), packed=pack(NOTHING_DRAWN), said=Said({"disc": other}), seconds=1,
    )  # fmt: skip
    second = snapshot_take(campaign=campaign)
    assert second != first
    old, new = (
        {row["task"]: row for split in ("training", "held_out") for row in each.manifest[split]}
        for each in (first, second)
    )
    changed = [task for task in old if old[task] != new[task]]
    assert changed == [before.task_id]
    assert new[before.task_id]["annotation"] == amended.annotation.pk
    assert new[before.task_id]["answers"] == {"disc": other}


def test_the_manifest_of_a_campaign_that_draws_is_byte_for_byte_what_it_was(
    manager: User, reader: User
) -> None:
    """The hash was computed before answers were learned: models of old stay those of their data."""
    made = make.campaign(manager, readers=[reader], tasks=3)
    question_add(actor=manager, campaign=made, text="Seen?", kind="single", options=["a", "b"])
    Question.objects.update(required=False)
    make.read(made, reader, 3)
    manifest = manifest_of(made)
    assert manifest.keys() == {"classes", "training", "held_out"}
    # Keys of the database, and with them who is held out, are not the same in every run.
    rows = sorted(manifest["training"] + manifest["held_out"], key=lambda row: row["patient"])
    fixed = {"task": 1, "image": 2, "annotation": 3}
    content = json.dumps([manifest["classes"], [{**row, **fixed} for row in rows]], sort_keys=True)
    assert hashlib.sha256(content.encode()).hexdigest() == DRAWN


def test_answers_are_read_in_present_words_and_what_is_no_longer_offered_is_left_out(
    campaign: Campaign, manager: User, reader: User
) -> None:
    hand_in(campaign, reader, {"disc": "seen", "sides": ["left", "right"]})
    hand_in(campaign, reader, {"disc": "none", "sides": ["left"]})
    disc, sides = (campaign.questions.get(name=name) for name in ("disc", "sides"))
    question_change(actor=manager, question=disc, options=[OptionChange("seen", "present")])
    question_add(
        actor=manager, campaign=campaign, text="Side", kind="single", options=["a", "b"],
        required=False,
    )  # fmt: skip
    question_change(actor=manager, question=sides, retired=True)
    manifest = manifest_of(campaign)
    assert [row["code"] for row in manifest["questions"]] == ["disc", "grade", "side"]
    rows = sorted(manifest["training"] + manifest["held_out"], key=lambda row: row["annotation"])
    assert [row["answers"] for row in rows] == [{"disc": "present"}, {"disc": "none"}]


ASKED = [
    {"code": "disc", "kind": "single", "options": ["seen", "none"]},
    {"code": "sides", "kind": "multiple", "options": ["left", "right", "top"]},
    {"code": "grade", "kind": "scale", "options": ["0", "1", "2"]},
]


@pytest.mark.parametrize(
    ("findings", "learned"),
    [
        ({"disc": "gone", "grade": 1}, {"grade": "1"}),
        ({"sides": ["gone", "left"]}, {"sides": ["left"]}),
        ({"sides": ["gone"]}, {"sides": []}),
        ({"sides": []}, {"sides": []}),
        ({"grade": 7}, {}),
        ({}, {}),
    ],
)
def test_an_option_that_was_dropped_is_no_answer(
    findings: dict[str, Any], learned: dict[str, Any]
) -> None:
    assert answers.answers_of(ASKED, [], findings) == learned


# --- a champion of other words -------------------------------------------------------------


def test_a_renamed_option_is_the_same_question_and_an_added_one_is_not(
    campaign: Campaign, manager: User
) -> None:
    then = answers.questions_of(campaign)
    disc, sides = (campaign.questions.get(name=name) for name in ("disc", "sides"))
    question_change(actor=manager, question=disc, options=[OptionChange("seen", "present")])
    question_change(actor=manager, question=sides, options=[OptionChange("left", "left side")])
    now = answers.questions_of(campaign)
    words = answers.words_of(campaign, now, then)
    said = {"disc": "present", "sides": ["left side", "right"], "grade": "1", "new": "x"}
    assert answers.translated(said, words) == {
        "disc": "seen", "sides": ["left", "right"], "grade": "1",
    }  # fmt: skip
    more = [{**row, "options": [*row["options"], "unsure"]} for row in now]
    assert answers.words_of(campaign, more, then) == {}


# --- numbers -------------------------------------------------------------------------------


def manifest_with(training: list[Any], held_out: list[Any], code: str) -> dict[str, Any]:
    rows = [
        [{"patient": f"P{n}", "answers": {code: each} if each is not None else {}}
         for n, each in enumerate(part)]
        for part in (training, held_out)
    ]  # fmt: skip
    return {"questions": ASKED, "training": rows[0], "held_out": rows[1]}


@pytest.mark.parametrize(
    ("code", "training", "held_out", "accuracy"),
    [
        ("disc", ["none", "none", "seen", None], ["none", "seen", "none", None], 2 / 3),
        ("grade", ["2", "2", "0"], ["2", "0"], 1 / 2),
        # Left has a majority, right and top have not.
        ("sides", [["left"], ["left", "right"], []], [["left"], ["right", "top"]], 1 / 2),
        ("disc", ["none"], [], 0.0),
    ],
)
def test_the_majority_answer_is_the_commonest_of_training(
    code: str, training: list[Any], held_out: list[Any], accuracy: float
) -> None:
    manifest = manifest_with(training, held_out, code)
    assert answers.majority_accuracy(manifest, [code]) == pytest.approx(accuracy)
    assert answers.majority_accuracy(manifest, []) == 0.0


def test_a_patient_counts_once_whatever_the_number_of_their_images() -> None:
    manifest = manifest_with(["none"], ["none", "seen", "seen", "seen"], "disc")
    for row in manifest["held_out"][1:]:
        row["patient"] = "P9"
    assert answers.majority_accuracy(manifest, ["disc"]) == 0.5


def test_what_a_model_answers_is_its_most_probable_option_or_all_above_one_half() -> None:
    said = {
        "disc": {"seen": 0.4, "none": 0.6},
        "sides": {"left": 0.9, "right": 0.51, "top": 0.5},
        "grade": {"0": 0.2, "1": 0.5, "2": 0.3},
    }
    chosen = answers.chosen(ASKED, said)
    assert chosen == {"disc": "none", "sides": ["left", "right"], "grade": "1"}
    findings = {"disc": "none", "sides": ["left", "right"], "grade": 1}
    assert answers.findings_of(ASKED, chosen) == findings
    assert answers.findings_of(ASKED, {"sides": []}) == {"sides": []}, "none is an answer"
    assert answers.error_of(ASKED, said, {"disc": "seen", "grade": "1"}) == 0.5
    assert answers.error_of(ASKED, said, {"sides": ["left"]}) == pytest.approx(1 / 3)
    assert answers.error_of(ASKED, said, {}) is None
    other = [{**ASKED[0], "options": ["seen", "none", "unsure"]}]
    assert answers.error_of(other, said, {"disc": "seen"}) is None


def test_two_models_are_as_far_apart_as_their_probabilities() -> None:
    one = {"disc": {"seen": 1.0, "none": 0.0}, "sides": {"left": 1.0, "right": 0.0, "top": 0.0}}
    other = {"disc": {"seen": 0.0, "none": 1.0}, "sides": {"left": 0.1, "right": 0.0, "top": 0.0}}
    assert answers.apart(ASKED, one, one) == 0
    assert answers.apart(ASKED, one, other) == pytest.approx((1 + 0.3) / 2)
    assert answers.apart(ASKED, one, {}) is None


# --- the rule of promotion -----------------------------------------------------------------


def report(right: dict[str, list[float | None]], truth: list[str] | None = None) -> dict[str, Any]:
    """One case a patient: how far each one's answers are right; the truth alternates."""
    count = len(next(iter(right.values())))
    given = truth or ["seen" if number % 2 else "none" for number in range(count)]
    cases, patients = [], {}
    for number in range(count):
        own = {code: values[number] for code, values in right.items()}
        said = {code: [given[number]] for code, value in own.items() if value is not None}
        cases.append(
            {"id": str(number), "patient": f"P{number}", "answers": said, "right": own}
        )  # fmt: skip
        patients[f"P{number}"] = own
    questions = {}
    for code, values in right.items():
        known = [value for value in values if value is not None]
        accuracy = float(np.mean(known)) if known else None
        questions[code] = {"accuracy": accuracy, "answered": len(known)}
    means = [row["accuracy"] for row in questions.values() if row["accuracy"] is not None]
    mean = float(np.mean(means)) if means else None
    return {"cases": cases, "patients": patients, "questions": questions, "mean_accuracy": mean}


def judge(
    candidate: dict[str, Any], champion: dict[str, Any] | None, **options: Any
) -> promote.Decision:
    values = {"floor": 0.5, "margin": 0.1, "minimum_cases": 4, **options}
    return promote.decide(candidate, champion, **values)


def shares(*values: float) -> list[float | None]:
    return list(values)


def test_the_first_model_must_beat_the_majority_answer() -> None:
    good = judge(report({"disc": shares(1, 1, 1, 0)}), None)
    assert good.verdict == "promote"
    assert "accuracy 0.750 is above the majority answer's 0.500" in good.reasons[0].text
    assert judge(report({"disc": shares(1, 0, 1, 0)}), None).verdict == "reject"


def test_a_model_that_answers_worse_is_refused_and_an_equal_one_is_not() -> None:
    champion = report({"disc": shares(1, 1, 0, 0, 1)})
    better = judge(report({"disc": shares(1, 1, 1, 0, 1)}), champion)
    assert better.verdict == "promote"
    assert better.difference == pytest.approx(0.2)
    assert better.low is not None
    assert better.high is not None
    assert better.low <= 0.2 <= better.high
    assert judge(champion, champion).verdict == "promote"
    worse = judge(report({"disc": shares(1, 0, 0, 0, 1)}), champion)
    assert worse.verdict == "reject"
    assert "mean_fell" in [why.code for why in worse.reasons]


def test_a_question_that_falls_beyond_the_margin_stops_a_better_mean() -> None:
    champion = report({"disc": shares(0, 0, 0, 1), "grade": shares(1, 1, 1, 1)})
    candidate = report({"disc": shares(1, 1, 1, 1), "grade": shares(1, 1, 1, 0)})
    found = judge(candidate, champion)
    assert found.verdict == "reject"
    assert any("grade fell by 0.250" in why.text for why in found.reasons)
    assert judge(candidate, champion, margin=0.3).verdict == "promote"


def test_a_subgroup_that_falls_beyond_the_margin_stops_a_better_mean() -> None:
    champion = report({"disc": shares(*[0] * 6, 1, 1, 1)})
    candidate = report({"disc": shares(*[1] * 6, 0, 0, 1)})
    south = {"site south": {"P6", "P7", "P8"}}
    assert judge(candidate, champion).verdict == "promote"
    assert judge(candidate, champion, subgroups=south).verdict == "reject"


def test_too_little_evidence_leaves_it_to_a_person() -> None:
    few = report({"disc": shares(1, 1, 1)})
    assert judge(few, None).verdict == "insufficient", "too few cases"
    unanswered: list[float | None] = [1, 1, None, None, None]
    assert judge(report({"disc": unanswered}), None).verdict == "insufficient"
    same = report({"disc": shares(1, 1, 1, 1)}, truth=["none"] * 4)
    assert judge(same, None).verdict == "insufficient", "one answer tells no two models apart"
    nothing = report({"disc": shares(1, 1, 1, 1)})
    nothing["questions"]["disc"]["accuracy"] = float("nan")
    assert judge(nothing, report({"disc": shares(1, 1, 1, 1)})).verdict == "insufficient"
    assert judge(report({"disc": shares(1, 1, 1, 1)}), few).verdict == "insufficient", "other cases"


def test_a_champion_is_compared_by_the_questions_it_was_asked() -> None:
    """A question that was changed since the champion learned has no answers of it."""
    unknown: list[float | None] = [None] * 4
    champion = report({"disc": shares(1, 1, 0, 0), "grade": unknown})
    candidate = report({"disc": shares(1, 1, 1, 0), "grade": shares(0, 0, 0, 0)})
    found = judge(candidate, champion)
    assert (found.verdict, found.candidate, found.champion) == ("promote", 0.75, 0.5)
    stranger = report({"disc": unknown, "grade": unknown})
    first = judge(report({"disc": shares(1, 1, 1, 0)}), stranger)
    assert "first model" in first.reasons[0].text


def test_figures_of_both_kinds_of_report_are_read_alike() -> None:
    drawn = {
        "classes": {"grey": {"dice": 0.5}}, "mean_dice": 0.5,
        "cases": [{"classes": {"grey": {"tp": 1, "fn": 0}}}] * 3,
    }  # fmt: skip
    asked = report({"disc": [1, 0, None, 1]})
    found = [
        (figures.metric_of(each), figures.mean_of(each), figures.compared(each))
        for each in (drawn, asked)
    ]
    assert found == [("dice", 0.5, ["grey"]), ("accuracy", pytest.approx(2 / 3), ["disc"])]
    assert figures.value_of(drawn, "grey") == 0.5
    assert figures.value_of(asked, "none such") is None
    assert figures.mean_of({}) is None


# --- policy --------------------------------------------------------------------------------


def test_a_network_that_does_not_fit_the_kind_is_refused_by_name(
    campaign: Campaign, manager: User
) -> None:
    assert campaign.training["preset"] == "classifier"
    with pytest.raises(Invalid) as refused:
        campaign_change(
            actor=manager, campaign=campaign, changes={"training": {"preset": "cpu"}}
        )  # fmt: skip
    assert (refused.value.code, refused.value.detail) == ("bad_preset", {"training": "preset"})
    with pytest.raises(Invalid, match="classifier, resnet"):
        trigger.run_config(campaign, {"preset": "small"})
    with pytest.raises(Invalid, match="cpu, small"):
        campaign_create(
            actor=manager, classes=[{"name": "a"}], slug="x", name="X",
            training={"preset": "resnet"},
        )  # fmt: skip
    campaign_change(actor=manager, campaign=campaign, changes={"training": {"preset": "resnet"}})
    assert trigger.run_config(campaign, {})["preset"] == "resnet"


def test_the_network_of_an_older_policy_gives_way_to_a_classifier(campaign: Campaign) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(training={**ANSWERS, "preset": "cpu"})
    campaign.refresh_from_db()
    assert trigger.run_config(campaign, {})["preset"] == "classifier"
    assert training_policy({}, Campaign.Kind.SEGMENTATION)["preset"] == "cpu"


def test_campaigns_from_before_get_the_network_of_their_kind(
    campaign: Campaign, manager: User
) -> None:
    drawn = make.campaign(manager, slug="drawn", training={"preset": "tiny"})
    Campaign.objects.filter(pk=campaign.pk).update(training={**ANSWERS, "preset": "cpu"})
    migration = import_module("annotations.migrations.0008_suggestion_findings")
    migration.fitting_networks(apps, connection.schema_editor())
    campaign.refresh_from_db()
    drawn.refresh_from_db()
    assert campaign.training == {**ANSWERS, "preset": "classifier"}
    assert drawn.training["preset"] == "tiny"


def test_where_only_free_text_is_asked_for_there_is_nothing_to_learn(
    manager: User, reader: User
) -> None:
    made = make.campaign(
        manager, tasks=3, readers=[reader], kind="classification",
        questions=[{"text": "Remark", "kind": "text", "required": False}],
    )  # fmt: skip
    assert not trigger.refresh_state(made)["enabled"]
    with pytest.raises(Conflict) as refused:
        trigger.run_request(campaign=made, actor=manager)
    assert refused.value.code == "nothing_to_learn"


# --- order, suggestions, pages -------------------------------------------------------------


@pytest.mark.parametrize(
    ("strategy", "used"),
    [("bald", "entropy"), ("variance", "entropy"), ("badge", "core_set"), ("foreground", "random"),
     ("margin", "margin"), ("class_balanced", "class_balanced")],
)  # fmt: skip
def test_a_strategy_that_needs_drawings_gives_way_to_one_that_does_not(
    strategy: str, used: str
) -> None:
    asking = Campaign(kind="classification", strategy=strategy)
    assert pool.strategy_of(asking) == used
    assert pool.strategy_of(Campaign(kind="segmentation", strategy=strategy)) == strategy


CALIBRATION = {
    "ece": 0.125, "temperature": 1.5, "ece_scaled": 0.0625,
    "reliability": [
        {"count": 6, "confidence": 0.9, "accuracy": 0.8},
        {"count": 4, "confidence": 0.6, "accuracy": 0.25},
    ],
}  # fmt: skip


def measured_model(campaign: Campaign, number: int, accuracies: dict[str, float]) -> ModelVersion:
    """A champion without weights: of each question so many of ten held-out cases are right."""
    rows = {code: [1.0 if n < 10 * value else 0.0 for n in range(10)]
            for code, value in accuracies.items()}  # fmt: skip
    found = report({code: list(values) for code, values in rows.items()})
    option = {
        "positives": 5, "auc": 0.9, "auc_low": 0.8, "auc_high": 1.0, "sensitivity": 0.8,
        "sensitivity_low": 0.5, "sensitivity_high": 1.0, "specificity": 0.7,
        "specificity_low": 0.4, "specificity_high": 0.9, "f1": None, "f1_low": None,
        "f1_high": None,
    }  # fmt: skip
    for asked in answers.questions_of(campaign):
        if asked["code"] in accuracies:
            found["questions"][asked["code"]] |= {
                "kind": asked["kind"], "left_out": 0, "accuracy_low": 0.1, "accuracy_high": 0.9,
                "options": dict.fromkeys(asked["options"], option),
            }  # fmt: skip
    if "disc" in accuracies:  # the others are as an earlier release measured them
        found["questions"]["disc"]["calibration"] = CALIBRATION
    found["mean_auc"] = 0.9
    snapshot = snapshot_take(campaign=campaign)
    run = TrainingRun.objects.create(
        campaign=campaign, snapshot=snapshot, state=TrainingRun.State.SUCCEEDED
    )
    model = ModelVersion.objects.create(
        campaign=campaign, number=number, run=run, weights_sha256=f"{number:064d}",
        card={"classes": [], "questions": answers.questions_of(campaign)},
    )  # fmt: skip
    promote.evaluation_store(model=model, snapshot_id=snapshot.pk, report=found)
    return model


@pytest.mark.parametrize(("accuracy", "state"), [(0.5, "rejected"), (0.9, "champion")])
def test_the_gate_refuses_a_model_that_answers_worse_than_the_champion(
    campaign: Campaign, manager: User, accuracy: float, state: str
) -> None:
    champion = measured_model(campaign, 1, {"disc": 0.8})
    promote.model_promote(model=champion, actor=manager, reason="test")
    candidate = measured_model(campaign, 2, {"disc": accuracy})
    TrainingRun.objects.filter(pk=candidate.run_id).update(state=TrainingRun.State.VALIDATING)
    done = fit.run_execute(TrainingRun.objects.get(pk=candidate.run_id))
    assert (done.state, done.error) == (TrainingRun.State.SUCCEEDED, "")
    candidate.refresh_from_db()
    assert candidate.state == state
    live = promote.champion_of(campaign)
    assert live == (champion if state == "rejected" else candidate)


def test_only_questions_that_reach_the_threshold_are_answered_before_the_reader(
    campaign: Campaign, manager: User
) -> None:
    """The threshold is 0.6; a question that was changed since is left out too."""
    model = measured_model(campaign, 1, {"disc": 0.9, "sides": 0.8, "grade": 0.5})
    assert [row["code"] for row in predict.good_questions(campaign, model)] == ["disc", "sides"]
    sides = campaign.questions.get(name="sides")
    question_change(actor=manager, question=sides, retired=True)
    disc = campaign.questions.get(name="disc")
    question_change(actor=manager, question=disc, options=[OptionChange("seen", "present")])
    assert [row["code"] for row in predict.good_questions(campaign, model)] == ["disc"]
    promote.model_promote(model=model, actor=manager, reason="test")
    model.refresh_from_db()
    for task in pool.open_tasks(campaign):
        Prediction.objects.create(
            model=model, image_id=task.image_id, packed=b"", score=0.5,
            answers={"disc": {"seen": 0.7, "none": 0.3}, "sides": {"left": 1.0, "right": 0.0}},
        )  # fmt: skip
    predict.scores_publish(model=model)
    found = [row.findings for row in Suggestion.objects.all()]
    assert found
    assert all(each == {"disc": "present"} for each in found)


def test_a_case_of_which_nothing_is_said_is_not_looked_at_for_ever(
    campaign: Campaign, manager: User
) -> None:
    """A classifier that is good at one question alone, and was not asked it of these cases."""
    model = measured_model(campaign, 1, {"disc": 0.4, "sides": 0.8})
    promote.model_promote(model=model, actor=manager, reason="test")
    model.refresh_from_db()
    for task in pool.open_tasks(campaign):
        Prediction.objects.create(
            model=model, image_id=task.image_id, packed=b"", score=0.5,
            answers={"disc": {"seen": 0.7, "none": 0.3}},
        )  # fmt: skip
    predict.scores_publish(model=model)
    with CaptureQueriesContext(connection) as asked:
        assert ahead.suggestions_make() == 0
    assert not [query for query in asked.captured_queries if "FOR NO KEY" in query["sql"]]
    said = {"disc": {"seen": 0.7, "none": 0.3}, "sides": {"left": 0.2, "right": 0.1}}
    Prediction.objects.update(answers=said)
    assert ahead.suggestions_make() == pool.open_tasks(campaign).count()
    assert all(row.findings == {"sides": []} for row in Suggestion.objects.all()), "none of them"


def test_no_answers_are_suggested_where_the_campaign_shows_none(
    campaign: Campaign, manager: User
) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(suggestions=False)
    model = measured_model(campaign, 1, {"disc": 0.9})
    promote.model_promote(model=model, actor=manager, reason="test")
    model.refresh_from_db()
    for task in pool.open_tasks(campaign):
        Prediction.objects.create(
            model=model, image_id=task.image_id, packed=b"", score=0.5,
            answers={"disc": {"seen": 0.7, "none": 0.3}},
        )  # fmt: skip
    assert predict.scores_publish(model=model) > 0
    assert not Suggestion.objects.exists()


def test_what_choice_gains_is_asked_of_answers_too(campaign: Campaign, reader: User) -> None:
    """Of each share's cases the model answered half of the questions wrongly, or none."""
    model = measured_model(campaign, 1, {"disc": 0.9})
    done = [hand_in(campaign, reader, {"disc": "seen", "grade": 1}) for _ in range(24)]
    rows = Task.objects.filter(pk__in=[each.task.pk for each in done], held_out=False)
    for number, task in enumerate(rows.order_by("pk")):
        share = "model" if number % 2 else "random"
        Task.objects.filter(pk=task.pk).update(priority_from={"share": share, "model_number": 1})
        seen = 0.1 if share == "model" else 0.9
        Prediction.objects.create(
            model=model, image_id=task.image_id, packed=b"",
            answers={"disc": {"seen": seen, "none": 1 - seen},
                     "grade": {"0": 0.1, "1": 0.8, "2": 0.1}},
        )  # fmt: skip
    found = gain_of(campaign)
    assert (found["model"]["error"], found["random"]["error"]) == (0.5, 0.0)
    assert found["outcome"] == "more"


def test_the_pages_show_what_was_measured_of_answers(campaign: Campaign, manager: User) -> None:
    first = measured_model(campaign, 1, {"disc": 0.5})
    second = measured_model(campaign, 2, {"disc": 0.8, "sides": 0.8, "grade": 0.8})
    client = make.client(manager)
    page = client.get(f"/api/v1/models/{second.pk}").json()
    assert (page["metric"], page["mean_dice"]) == ("accuracy", None)
    assert page["score"] == pytest.approx(0.8)
    assert page["questions"]["disc"] == {
        "accuracy": 0.8, "low": 0.1, "high": 0.9, "answered": 10,
    }  # fmt: skip
    assert [row["name"] for row in page["answers"]] == ["disc", "sides", "grade"], "as asked"
    assert [row["option"] for row in page["answers"][0]["options"]] == ["seen", "none"]
    assert page["answers"][0]["options"][0]["auc_low"] == 0.8
    assert (page["metrics"], page["calibration"], page["robustness"]) == ([], None, None)
    assert page["answers"][0]["calibration"] == CALIBRATION
    assert page["answers"][1]["calibration"] is None, "not measured"
    curve = client.get(f"/api/v1/campaigns/{campaign.slug}/learning").json()["curve"]
    assert [(row["metric"], round(row["score"], 6)) for row in curve] == [
        ("accuracy", 0.5),
        ("accuracy", 0.8),
    ]
    listed = client.get(f"/api/v1/campaigns/{campaign.slug}/models").json()
    assert [row["score"] for row in listed] == pytest.approx([0.8, 0.5])

    both = client.get(f"/api/v1/models/{second.pk}/compare?against={first.number}").json()
    assert (both["metric"], both["same_cases"], both["cases"]) == ("accuracy", True, 10)
    assert both["mean"]["model"] == pytest.approx(0.8)
    assert both["mean"]["difference"] == pytest.approx(0.3)
    assert both["questions"][0]["difference"] == pytest.approx(0.3)
    assert (both["classes"], both["shared"]) == ([], [])
    task = pool.open_tasks(campaign).first()
    Prediction.objects.create(model=second, image_id=task.image_id, packed=b"")
    drawn = client.get(f"/api/v1/models/{second.pk}/drawing?image={task.image_id}")
    assert drawn.status_code == 404, "nothing was drawn"

    assert both["silent"] == [2, 1]
    card = client.get(f"/api/v1/models/{second.pk}/card").content.decode()
    assert "- Questions: disc (single: seen, none); sides (multiple: left, right)" in card
    assert "| disc | 10 | 0.80 | 0.10 to 0.90 |" in card
    measured = "| 0.90 (0.80 to 1.00) | 0.80 (0.50 to 1.00) | 0.70 (0.40 to 0.90) | not measured |"
    assert f"| disc | seen | 5 {measured}" in card
    assert "| disc | 10 | 0.125 | 1.50 | 0.062 |" in card
    assert "| sides | not measured | not measured | not measured | not measured |" in card
    assert "images get worse was not measured" in card


def test_answers_of_two_versions_stand_beside_peoples_in_the_present_words(
    campaign: Campaign, manager: User, reader: User
) -> None:
    """An option was renamed since both answered, and the second was never asked for the sides."""
    first, second = (measured_model(campaign, number, {"disc": 0.9}) for number in (1, 2))
    tasks = [hand_in(campaign, reader, {"disc": "seen", "sides": ["left"]}).task for _ in range(9)]
    task = next(task for task in tasks if not task.held_out)
    for model, seen in ((first, 0.75), (second, 0.25)):
        said = {"disc": {"seen": seen, "none": 1 - seen}, "sides": {"left": 0.9, "right": 0.2}}
        said = said if model == first else {"disc": said["disc"]}
        Prediction.objects.create(model=model, image_id=task.image_id, packed=b"", answers=said)
    disc = campaign.questions.get(name="disc")
    question_change(actor=manager, question=disc, options=[OptionChange("seen", "present")])
    door = f"/api/v1/models/{second.pk}"
    [row] = make.client(manager).get(f"{door}/compare?against=1").json()["shared"]
    assert (row["image"], row["labelled"], row["disagreement"]) == (task.image_id, True, 0.5)
    assert (row["model"]["error"], row["against"]["error"]) == (1.0, 0.0)
    assert row["questions"][:2] == [
        {"name": "disc", "settled": ["present"], "options": [
            {"option": "present", "model": 0.25, "against": 0.75},
            {"option": "none", "model": 0.75, "against": 0.25},
        ]},
        {"name": "sides", "settled": ["left"], "options": [
            {"option": "left", "model": None, "against": 0.9},
            {"option": "right", "model": None, "against": 0.2},
        ]},
    ]  # fmt: skip
    picture = make.client(manager).get(f"{door}/label?image={task.image_id}")
    assert (picture.status_code, picture["Content-Type"]) == (200, "image/png")
    assert make.client(reader).get(f"{door}/label?image={task.image_id}").status_code == 403


def test_what_a_trial_measured_of_answers_is_shown_by_question(
    campaign: Campaign, manager: User
) -> None:
    model = measured_model(campaign, 1, {"disc": 0.8, "sides": 0.8, "grade": 0.8})
    worse = {"change": "blur", "strength": 2.0,
             "accuracy": {"disc": 0.5, "sides": 0.7, "grade": None}}  # fmt: skip
    model.robustness = {
        "examples": 9, "clean": {"disc": 0.8, "sides": 0.6, "grade": None}, "changes": [worse],
    }  # fmt: skip
    model.save()
    client = make.client(manager)
    found = client.get(f"/api/v1/models/{model.pk}").json()["robustness"]
    assert (found["examples"], found["mean"]) == (9, pytest.approx(0.7))
    [change] = found["changes"]
    assert change["parts"] == worse["accuracy"]
    assert (change["mean"], change["fall"]) == (pytest.approx(0.6), pytest.approx(0.1))
    card = client.get(f"/api/v1/models/{model.pk}/card").content.decode()
    assert "| Change | Strength | Mean accuracy | Fall | disc | sides | grade |" in card
    assert "| none |  | 0.70 |  | 0.80 | 0.60 | not measured |" in card
    assert "| blur | 2 | 0.60 | 0.10 | 0.50 | 0.70 | not measured |" in card
