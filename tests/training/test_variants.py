"""Recipes compared by cross-validation, and the best one trained where that is asked for."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from pytest_django.fixtures import Settings

import learning
import make
from annotations.models import Campaign
from reticle.accounts.models import User
from training import fit, promote, trigger, variants
from training.card import card_of
from training.crossval import Cross, Variant
from training.models import ModelVersion, TrainingRun
from training.report import lineage_of

pytestmark = pytest.mark.django_db
RUNS = "/api/v1/campaigns/brain/runs"
OWN = {"name": "own"}
DROPOUT = {"name": "dropout", "recipe": {"network": {"dropout": 0.1}}}
HOPELESS = Variant("hopeless", {"learning_rate": 1e9, "clip": 1e9})


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.HEARTBEAT_SECONDS, settings.RUN_LEASE_SECONDS = 1, 5


@pytest.fixture
def manager() -> User:
    return make.user("manager")


# --- the rule ------------------------------------------------------------------------------


def report(dice: Sequence[float | None], mean: float | None = None) -> dict[str, Any]:
    """Out of fold: one class, and a patient of one case for each number."""
    known, shown = [value for value in dice if value is not None], {"tp": 5, "fn": 1}
    return {
        "cases": [{"id": str(n), "classes": {"grey": shown}} for n in range(len(dice))],
        "patients": {str(n): {"grey": value} for n, value in enumerate(dice)},
        "mean_dice": mean if mean is not None or not known else sum(known) / len(known),
        "classes": {"grey": {"dice": 0.0}},
    }  # fmt: skip


LOW, HIGH = report([0.5, 0.6, 0.7, 0.8]), report([0.6, 0.7, 0.8, 0.9])
NOTHING = report([None, None, None, None])


@pytest.mark.parametrize(
    ("reports", "chosen"),
    [
        ([LOW, HIGH], 1),  # better by 0.1 in each patient: the error of that is nought
        ([HIGH, LOW], 0),
        ([LOW, HIGH, report([0.6, 0.7, 0.8, 0.9])], 1),  # equal ones: the first
        ([HIGH, report([0.6, 0.7, 0.8, 0.9])], 0),
        # Better by 0.05 on average, 0.6 in one patient and -0.4 in another: within one error.
        ([LOW, report([0.5 + 0.6, 0.6 - 0.4, 0.7, 0.8])], 0),
        # The best is the last, the second as good as that, the first is not.
        ([LOW, report([0.61, 0.7, 0.8, 0.88]), HIGH], 1),
        ([None, LOW, HIGH], 2),
        ([None, LOW], 1),
        ([LOW, None], 0),
        ([report([0.9] * 4, mean=math.nan), LOW], 1),
        ([NOTHING, LOW], 1),
        ([None, NOTHING, NOTHING], 1),  # nobody can tell them apart
        ([report([0.5]), report([0.9])], 0),  # of a single patient nothing follows
        ([None, None], None),
    ],
)
def test_the_best_is_taken_or_the_first_within_one_standard_error_of_it(
    reports: list[Mapping[str, Any] | None], chosen: int | None
) -> None:
    assert variants.choose(reports) == chosen


def test_the_choice_tells_the_numbers_it_was_made_by() -> None:
    where = {"0": 0, "1": 0, "2": 1, "3": 1}
    outcomes = [
        variants.Outcome(LOW, where),
        variants.Outcome(None, error="loss is nan"),
        variants.Outcome(HIGH, where),
    ]
    choice = variants.choice_of(["own", "hopeless", "wide"], outcomes, [])
    assert (choice["rule"], choice["metric"]) == ("one_standard_error", "dice")
    assert (choice["best"], choice["chosen"]) == (2, 2)
    own, hopeless, wide = choice["variants"]
    assert (own["mean"], wide["mean"]) == (pytest.approx(0.65), pytest.approx(0.75))
    assert own["spread"] == pytest.approx(0.2 / 2**0.5), "folds of 0.55 and 0.75"
    assert (own["difference"], wide["difference"]) == (None, pytest.approx(0.1))
    assert (wide["low"], wide["high"], wide["patients"]) == (
        pytest.approx(0.1), pytest.approx(0.1), 4,
    )  # fmt: skip
    assert (own["behind"], own["standard_error"]) == (pytest.approx(0.1), pytest.approx(0))
    assert (wide["behind"], wide["report"]["folds"][1]["patients"]) == (None, 2)
    assert (hopeless["mean"], hopeless["report"], hopeless["error"]) == (None, None, "loss is nan")


# --- the run -------------------------------------------------------------------------------


def test_the_variants_are_compared_on_the_same_folds_and_the_best_one_passes_the_gate(
    manager: User,
) -> None:
    campaign = learning.campaign(
        manager, make.user("reader"), epochs=2, minimum_steps=16, seconds=140
    )
    client = make.client(manager)
    asked = {"kind": "cross", "folds": 3, "variants": [OWN, DROPOUT], "best": True}
    answer = client.post(RUNS, asked, format="json")
    assert answer.status_code == 201, answer.content
    run = learning.executed(TrainingRun.objects.get(pk=answer.json()["id"]))
    assert (run.state, run.error) == (TrainingRun.State.SUCCEEDED, "")

    shown = client.get(f"/api/v1/runs/{run.pk}").json()
    assert [row["name"] for row in shown["variants"]] == ["own", "dropout"]
    own, dropout = shown["choice"]["variants"]
    assert own["report"]["patients"] == dropout["report"]["patients"] == dropout["patients"]
    folds = [[fold["patients"] for fold in each["report"]["folds"]] for each in (own, dropout)]
    assert folds[0] == folds[1]
    assert dropout["difference"] == pytest.approx(dropout["mean"] - own["mean"])
    chosen = shown["choice"]["chosen"]
    assert shown["report"] == shown["choice"]["variants"][chosen]["report"]
    stages = {(row["stage"], row.get("variant"), row.get("fold")) for row in run.epochs}
    assert stages == {("train", None, None)} | {
        ("cross", variant, fold) for variant in (0, 1) for fold in range(3)
    }

    model = ModelVersion.objects.get(run=run)
    assert model.decision["cases"], "measured on held-out cases by the ordinary gate"
    assert run.snapshot is not None
    assert model.card["trained_on"] == run.snapshot.labels, "on all training labels"
    assert model.card["architecture"]["dropout"] == (0.0, 0.1)[chosen]
    assert lineage_of(model)["config"] == run.variants[chosen]["config"]
    line = client.get(f"/api/v1/models/{model.pk}").json()["lineage"]
    assert line["choice"]["chosen"] == chosen
    name = shown["variants"][chosen]["name"]
    assert f"| {name} (chosen) | {line['choice']['variants'][chosen]['mean']:.3f} |" in card_of(
        model
    )
    # Six trainings of folds and one of all labels share the time.
    texts = [path.read_text() for path in fit.run_folder(run).rglob("config.json")]
    assert len(texts) == 3
    assert all('"seconds": 20.0' in text for text in texts)
    used = {row["image"] for row in run.snapshot.manifest["held_out"]}
    examples = (fit.run_folder(run) / "job" / "examples.json").read_text()
    assert not any(f'"id": "{image}"' in examples for image in used), "held-out cases stay out"

    campaign.refresh_from_db()
    assert trigger.refresh_state(campaign)["new_labels"] == 0, "a model of these labels is there"


@pytest.mark.django_db(transaction=True)
def test_a_killed_run_repeats_no_variant_that_has_ended(manager: User) -> None:
    """The first one has diverged by then, the second has its report, the third is under way."""
    campaign = learning.campaign(manager, make.user("reader"), epochs=2, minimum_steps=16)
    cross = Cross(3, variants=(HOPELESS, Variant("own"), Variant("small", {"batch": 4})))
    run = trigger.run_request(campaign=campaign, actor=manager, cross=cross)
    folder = fit.run_folder(run)
    output = folder / "variant-2" / "cross-1"
    with learning.killed_after(output / "fold-0" / "checkpoint.json", output):
        first = learning.executed(run)
    assert first.state == TrainingRun.State.QUEUED, first.error
    last = learning.executed(run)
    assert (last.state, last.error) == (TrainingRun.State.SUCCEEDED, "")
    assert [path.parent.name for path in folder.glob("variant-*/cross-2")] == ["variant-2"]

    rows = last.choice["variants"]
    assert "lower config.learning_rate" in rows[0]["error"]
    assert rows[0]["mean"] is None
    assert last.choice["chosen"] in (1, 2)
    assert last.report == rows[last.choice["chosen"]]["report"]
    told = [(row["variant"], row["fold"], row["epoch"]) for row in last.epochs if row["variant"]]
    assert len(told) == len(set(told)) == 2 * 3 * 2
    assert not ModelVersion.objects.exists(), "it was asked for the comparison alone"
    assert promote.champion_of(campaign) is None


def test_where_all_diverge_the_run_fails_and_says_so(manager: User) -> None:
    campaign = learning.campaign(manager, make.user("reader"))
    worse = Variant("worse", {"learning_rate": 1e10, "clip": 1e9})
    cross = Cross(3, variants=(HOPELESS, worse), best=True)
    run = learning.executed(trigger.run_request(campaign=campaign, actor=manager, cross=cross))
    assert (run.state, run.error) == ("failed", "The training of every variant diverged.")
    assert [bool(row["error"]) for row in run.choice["variants"]] == [True, True]


# --- refusals ------------------------------------------------------------------------------


@pytest.fixture
def campaign(manager: User) -> Campaign:
    return learning.campaign(manager, make.user("reader"))


@pytest.mark.parametrize(
    ("second", "field"),
    [
        ({"recipe": {"network": {"dropout": 2}}}, "network.dropout"),
        ({"recipe": {"network": {"droput": 0.1}}}, "network.droput"),
        ({"recipe": {"epochs": 3}}, "epochs"),
        ({"preset": "small", "recipe": {"patch": 20}}, "patch"),
    ],
)
def test_a_variant_that_cannot_be_built_is_refused_before_the_run_is_queued(
    campaign: Campaign, manager: User, second: dict[str, object], field: str
) -> None:
    asked = {"kind": "cross", "variants": [OWN, {"name": "other", **second}]}
    answer = make.client(manager).post(RUNS, asked, format="json")
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_config")
    assert answer.json()["detail"][field].startswith("other: ")
    assert not TrainingRun.objects.exists()


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"kind": "cross", "variants": [OWN]}, "invalid"),
        ({"kind": "cross", "variants": [OWN, {"name": "", "recipe": {}}]}, "invalid"),
        ({"kind": "cross", "variants": [{"name": str(n)} for n in range(5)]}, "invalid"),
        ({"kind": "cross", "variants": [OWN, OWN]}, "bad_variants"),
        ({"kind": "cross", "variants": [OWN, DROPOUT], "ensemble": True}, "bad_variants"),
        ({"kind": "cross", "best": True}, "bad_variants"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    campaign: Campaign, manager: User, asked: dict[str, object], code: str
) -> None:
    answer = make.client(manager).post(RUNS, asked, format="json")
    assert answer.status_code in (400, 422), answer.content
    assert answer.json()["code"] == code
    assert not TrainingRun.objects.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [("variants", [OWN, DROPOUT]), ("best", True), ("folds", 5), ("ensemble", True)],
)
def test_what_an_ordinary_run_does_not_do_is_refused_by_name(
    campaign: Campaign, manager: User, name: str, value: object
) -> None:
    for kind in ({}, {"kind": "train"}):
        answer = make.client(manager).post(RUNS, {**kind, name: value}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (422, "cross_only")
        assert list(answer.json()["detail"]) == [name]
    assert not TrainingRun.objects.exists()


def test_variants_are_laid_over_what_the_run_is_asked_for_and_that_over_the_campaigns_recipe(
    campaign: Campaign, manager: User
) -> None:
    trigger.recipe_change(actor=manager, campaign=campaign, recipe={"denoise": 3})
    asked = {
        "kind": "cross", "epochs": 2, "recipe": {"network": {"norm": "group"}},
        "variants": [OWN, {**DROPOUT, "preset": "small"}],
    }  # fmt: skip
    answer = make.client(manager).post(RUNS, asked, format="json")
    assert answer.status_code == 201, answer.content
    run = TrainingRun.objects.get()
    own, dropout = (row["config"] for row in run.variants)
    assert run.config == own
    assert (own["preset"], own["denoise"], own["epochs"], own["network"]) == (
        "tiny", 3, 2, {"norm": "group"},
    )  # fmt: skip
    assert dropout == {**own, "preset": "small", "network": {"norm": "group", "dropout": 0.1}}
