"""Cross-validation as a run: its report, and its folds together as a candidate."""

import json
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection
from pytest_django.fixtures import Settings

import learning
import make
from reticle import storage
from reticle.accounts.models import User
from reticle.errors import Conflict, Invalid
from training import crossval, ensemble, fit, jobs, origins, predict, promote, trigger
from training.card import card_of
from training.models import ModelVersion, Prediction, TrainingRun

pytestmark = pytest.mark.django_db
THREE = crossval.Cross(3)


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.HEARTBEAT_SECONDS, settings.RUN_LEASE_SECONDS = 1, 5


@pytest.fixture
def manager() -> User:
    return make.user("manager")


def test_a_report_tells_the_folds_and_how_much_they_differ() -> None:
    patients: dict[str, dict[str, float | None]] = {
        "a": {"grey": 0.8, "white": None},
        "b": {"grey": 0.6, "white": 0.2},
        "c": {"grey": 0.4, "white": None},
    }
    shown = {"grey": {"tp": 1, "fn": 1}, "white": {"tp": 0, "fn": 3}}
    found = crossval.report_of(
        {
            "cases": [{"id": "1", "classes": shown}], "patients": patients, "mean_dice": 0.4,
            "classes": {"grey": {"dice": 0.6}, "white": {"dice": 0.2}},
        },
        {"a": 0, "b": 0, "c": 1},
    )  # fmt: skip
    first, second = found["folds"]
    assert (first["patients"], first["classes"]["white"]) == (2, pytest.approx(0.2))
    assert first["classes"]["grey"] == pytest.approx(0.7)
    assert first["mean_dice"] == pytest.approx(0.45)
    assert second["classes"] == {"grey": pytest.approx(0.4), "white": None}
    assert second["mean_dice"] == pytest.approx(0.4)
    grey, white = found["classes"]
    assert grey["spread"] == pytest.approx(0.3 / 2**0.5)
    assert white["spread"] is None, "one fold has no spread"


def test_a_report_on_answers_tells_the_folds_by_question() -> None:
    patients: dict[str, dict[str, float | None]] = {
        "a": {"disc": 1.0, "grade": None},
        "b": {"disc": 0.5, "grade": None},
        "c": {"disc": 0.0, "grade": None},
    }
    cases = [{"id": name, "right": right} for name, right in patients.items()]
    row = {"accuracy": 0.5, "answered": 3, "options": {"seen": {"auc": 0.7}, "none": {}}}
    nobody: dict[str, object] = {"accuracy": None, "answered": 0, "options": {"1": {}, "2": {}}}
    found = crossval.report_of(
        {
            "cases": cases, "patients": patients, "mean_accuracy": 0.5,
            "questions": {"grade": nobody, "disc": row},
        },
        {"a": 0, "b": 0, "c": 1},
        [{"code": "disc", "options": ["seen", "none"]}, {"code": "grade", "options": ["1", "2"]}],
    )  # fmt: skip
    assert found.keys() == {"cases", "patients", "mean_accuracy", "questions", "folds"}
    assert found["folds"] == [
        {"fold": 0, "patients": 2, "mean_accuracy": 0.75, "questions": {"disc": 0.75}},
        {"fold": 1, "patients": 1, "mean_accuracy": 0.0, "questions": {"disc": 0.0}},
    ]
    disc, grade = found["questions"]
    assert (disc["name"], disc["accuracy"], disc["spread"]) == (
        "disc", 0.5, pytest.approx(0.75 / 2**0.5),
    )  # fmt: skip
    assert (grade["accuracy"], grade["spread"]) == (None, None), "nobody answered it"


def test_a_cross_validation_measures_every_case_out_of_fold_and_promotes_nothing(
    manager: User,
) -> None:
    campaign = learning.campaign(manager, make.user("reader"), seconds=90)
    client = make.client(manager)
    answer = client.post(
        "/api/v1/campaigns/brain/runs", {"kind": "cross", "folds": 3}, format="json"
    )
    assert answer.status_code == 201, answer.content
    run = learning.executed(TrainingRun.objects.get(pk=answer.json()["id"]))
    assert (run.state, run.error) == (TrainingRun.State.SUCCEEDED, "")
    assert {(row["fold"], row["epoch"]) for row in run.epochs} == {
        (fold, epoch) for fold in range(3) for epoch in (1, 2, 3)
    }
    shown = client.get(f"/api/v1/runs/{run.pk}").json()
    assert (shown["kind"], shown["folds"], shown["model_number"]) == ("cross", 3, None)
    assert shown["progress"]["fold"] == 2
    report = shown["report"]
    assert run.snapshot is not None
    assert report["cases"] == run.snapshot.labels
    assert len(report["folds"]) == 3
    assert sum(fold["patients"] for fold in report["folds"]) == report["patients"]
    assert {row["name"] for row in report["classes"]} == {"grey", "white"}
    assert report["mean_dice"] > 0.1
    config = json.loads((fit.run_folder(run) / "job" / "job.json").read_text())["config"]
    assert config["seconds"] == pytest.approx(30), "the folds share the time limit"

    assert not ModelVersion.objects.exists()
    campaign.refresh_from_db()
    assert trigger.refresh_state(campaign)["needed"] == 0, "it has used up no labels"
    assert trigger.runs_trigger() == 1, "and no cool-down"


def test_the_folds_together_pass_the_ordinary_gate_and_draw(manager: User, tmp_path: Path) -> None:
    campaign = learning.campaign(manager, make.user("reader"))
    model = learning.trained(campaign, manager, cross=crossval.Cross(3, ensemble=True))
    assert model.state == ModelVersion.State.CHAMPION, model.decision
    assert model.decision["cases"], "measured on held-out cases"
    assert model.run.report["folds"]
    assert model.card["members"] == 3
    manifest = json.loads(storage.read(model.weights_sha256))
    assert len({member["card"]["weights_sha256"] for member in manifest["members"]}) == 3

    folder = jobs.model_write(tmp_path / "laid-out", model)
    trained = fit.run_folder(model.run) / "cross-1"
    for name in ("fold-0", "fold-1", "fold-2"):
        for file in ("model.safetensors", "model.json"):
            kept, made = ((each / name / file).read_bytes() for each in (folder, trained))
            assert (
                kept == made if file.endswith("tensors") else json.loads(kept) == json.loads(made)
            )
    assert ensemble.model_keep(folder)[0] == model.weights_sha256, "equal members, equal hash"

    scored = predict.scoring_claim()
    assert scored == model
    assert predict.scoring_run(scored) > 0
    assert Prediction.objects.filter(model=model).exists()
    assert "Networks: 3, one a fold of a cross-validation" in card_of(model)
    assert not trigger.continues(model, campaign, model.run.config), "several networks"
    assert origins.donors_for(campaign, manager) == []
    with pytest.raises(Invalid) as refused:
        origins.donor_of(campaign, manager, "transfer", model.pk, model.run.config)
    assert (refused.value.code, "another model" in refused.value.message) == ("donor_network", True)
    run = trigger.run_request(campaign=campaign, actor=manager)
    after = learning.executed(run)
    assert (after.state, after.error, after.base) == (TrainingRun.State.SUCCEEDED, "", None)
    second = ModelVersion.objects.get(run=after)
    assert second.decision["against"] == 1


def test_trials_of_an_ensemble_from_before_its_mean_was_measured_are_made_anew(
    manager: User,
) -> None:
    campaign = make.campaign(manager, tasks=1)
    for number, card in ((1, {"members": 3}), (2, {})):
        run = TrainingRun.objects.create(campaign=campaign, state=TrainingRun.State.SUCCEEDED)
        ModelVersion.objects.create(
            campaign=campaign, number=number, run=run, weights_sha256=str(number) * 64, card=card,
            robustness={"clean": {"grey": 0.5}},
        )  # fmt: skip
    migration = import_module("training.migrations.0008_ensemble_trials")
    migration.measured_again(apps, connection.schema_editor())
    kept = ModelVersion.objects.order_by("number").values_list("robustness", flat=True)
    assert list(kept) == [{}, {"clean": {"grey": 0.5}}]


def test_members_that_were_altered_are_no_candidate(tmp_path: Path) -> None:
    (tmp_path / "fold-0").mkdir()
    (tmp_path / "fold-0" / "model.safetensors").write_bytes(b"altered")
    (tmp_path / "fold-0" / "model.json").write_text(json.dumps({"weights_sha256": "0" * 64}))
    (tmp_path / "ensemble.json").write_text(json.dumps({"members": ["fold-0"]}))
    with pytest.raises(ValueError, match="hash"):
        ensemble.model_keep(tmp_path)


@pytest.mark.django_db(transaction=True)
def test_a_killed_cross_validation_goes_on_in_the_fold_it_was_stopped(manager: User) -> None:
    campaign = learning.campaign(manager, make.user("reader"), minimum_steps=150)
    run = trigger.run_request(campaign=campaign, actor=manager, cross=THREE)
    folder = fit.run_folder(run)
    output = folder / "cross-1"
    with learning.killed_after(output / "fold-1" / "checkpoint.json", output):
        first = learning.executed(run)
    assert first.state == TrainingRun.State.QUEUED, first.error
    before = (output / "fold-0" / "model.json").read_bytes()
    last = learning.executed(run)
    assert (last.state, last.error) == (TrainingRun.State.SUCCEEDED, "")
    assert (folder / "cross-2" / "fold-0" / "model.json").read_bytes() == before
    told = [(row["fold"], row["epoch"]) for row in last.epochs]
    assert sorted(told) == [(fold, epoch) for fold in range(3) for epoch in (1, 2, 3)]


def test_it_needs_as_many_patients_as_folds_and_no_weights_from_elsewhere(manager: User) -> None:
    campaign = learning.campaign(manager, make.user("reader"), patients=4, read=10)

    def refusal(cross: crossval.Cross, **asked: str) -> str:
        with pytest.raises((Invalid, Conflict)) as refused:
            trigger.run_request(campaign=campaign, actor=manager, cross=cross, **asked)  # type: ignore[arg-type]
        return refused.value.code

    settled = campaign.tasks.filter(state="settled", held_out=False)
    patients = settled.values("image__series__study").distinct().count()
    assert patients < 5
    assert refusal(crossval.Cross(5)) == "few_patients"
    for start in ("champion", "transfer", "pretrained"):
        assert refusal(crossval.Cross(2), start=start) == "cross_start"
    assert promote.champion_of(campaign) is None
