"""Fields of the learning core that a campaign's runs change beside its settings."""

import json
from typing import Any

import pytest

import learning
import make
from annotations.models import Campaign
from reticle.accounts.models import User
from reticle.audit.models import AuditEvent
from training import trigger
from training.ml.config import TrainConfig
from training.models import TrainingRun

pytestmark = pytest.mark.django_db
DOOR = "/api/v1/campaigns/{}/recipe"


@pytest.fixture
def campaign() -> Campaign:
    """A campaign whose policy asks for a run."""
    return learning.campaign(make.user("manager"), make.user("reader"))


def put(campaign: Campaign, recipe: object, name: str = "manager") -> Any:
    client = make.client(User.objects.get(username=name))
    return client.put(DOOR.format(campaign.slug), {"recipe": recipe}, format="json")


def test_what_a_recipe_changes_is_what_runs_train_with(campaign: Campaign) -> None:
    recipe = {"denoise": 3, "augment": {"blur": 1.5}, "network": {"dropout": 0.1}}
    before = TrainConfig.parse(trigger.run_config(campaign, {}))
    answer = put(campaign, recipe)
    assert (answer.status_code, answer.json()) == (200, {"recipe": recipe})
    assert trigger.runs_trigger() == 1
    config = TrainConfig.parse(TrainingRun.objects.get().config)
    assert (config.denoise, config.augment.blur, config.network.dropout) == (3, 1.5, 0.1)
    # All else is the preset's.
    assert config.augment.noise == before.augment.noise
    assert config.network.widths == before.network.widths
    event = AuditEvent.objects.get(action="campaign.recipe")
    assert event.detail["recipe"] == recipe


def test_it_stays_when_the_settings_are_saved(campaign: Campaign) -> None:
    put(campaign, {"denoise": 3})
    client = make.client(User.objects.get(username="manager"))
    door = f"/api/v1/campaigns/{campaign.slug}"
    changed = client.patch(door, {"training": {"epochs": 7}}, format="json")
    assert changed.status_code == 200, changed.json()
    assert client.get(DOOR.format(campaign.slug)).json() == {"recipe": {"denoise": 3}}
    campaign.refresh_from_db()
    found = trigger.run_config(campaign, {})
    assert (found["denoise"], found["epochs"]) == (3, 7)


def chosen_by(campaign: Campaign, chosen: int) -> TrainingRun:
    """A cross-validation of two variants that has ended."""
    configs = [
        trigger.run_config(campaign, {"epochs": 9, **changes})
        for changes in ({}, {"preset": "small", "recipe": {"network": {"dropout": 0.1}}})
    ]
    rows = [{"name": f"v{n}", "config": config} for n, config in enumerate(configs)]
    return TrainingRun.objects.create(
        campaign=campaign, kind="cross", state="succeeded", variants=rows,
        choice={"chosen": chosen, "variants": []},
    )  # fmt: skip


def test_what_a_cross_validation_chose_is_made_the_campaigns_in_one_act(
    campaign: Campaign,
) -> None:
    put(campaign, {"denoise": 3})
    campaign.refresh_from_db()
    run = chosen_by(campaign, 1)
    put(campaign, {"denoise": 5, "patience": 4})
    campaign.refresh_from_db()
    seconds = trigger.run_config(campaign, {})["seconds"]
    client = make.client(User.objects.get(username="manager"))
    answer = client.post(f"/api/v1/runs/{run.pk}/recipe")
    measured = {"denoise": 3, "network": {"dropout": 0.1}}
    assert (answer.status_code, answer.json()) == (200, {"recipe": measured})
    campaign.refresh_from_db()
    assert trigger.run_config(campaign, {}) == {**run.variants[1]["config"], "seconds": seconds}
    event = AuditEvent.objects.filter(action="campaign.recipe").latest("id")
    assert event.detail["recipe"] == measured
    assert (event.detail["preset"], event.detail["epochs"], event.detail["run"]) == (
        "small", 9, run.pk,
    )  # fmt: skip


@pytest.mark.parametrize("choice", [{}, {"chosen": None, "variants": []}])
def test_where_nothing_was_chosen_nothing_is_taken(
    campaign: Campaign, choice: dict[str, object]
) -> None:
    run = chosen_by(campaign, 0)
    TrainingRun.objects.filter(pk=run.pk).update(choice=choice)
    before = dict(campaign.training)
    client = make.client(User.objects.get(username="manager"))
    answer = client.post(f"/api/v1/runs/{run.pk}/recipe")
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_chosen")
    campaign.refresh_from_db()
    assert campaign.training == before


@pytest.mark.parametrize(
    ("recipe", "field"),
    [
        ({"denoize": 3}, "denoize"),
        ({"augment": {"blurr": 1}}, "augment.blurr"),
        ({"batch": "many"}, "batch"),
        ({"epochs": 3}, "epochs"),
        ({"network": {"kind": "classifier"}}, "network.kind"),
    ],
)
def test_a_field_that_cannot_be_used_is_named_and_nothing_is_kept(
    campaign: Campaign, recipe: dict[str, object], field: str
) -> None:
    answer = put(campaign, recipe)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_config")
    assert field in answer.json()["detail"]
    campaign.refresh_from_db()
    assert "recipe" not in campaign.training


def test_only_managers_change_it(campaign: Campaign) -> None:
    assert put(campaign, {"denoise": 3}, "reader").status_code == 403


def test_a_run_by_hand_changes_fields_for_once(campaign: Campaign) -> None:
    put(campaign, {"denoise": 3, "batch": 6})
    client = make.client(User.objects.get(username="manager"))
    door = f"/api/v1/campaigns/{campaign.slug}/runs"
    answer = client.post(door, {"recipe": {"batch": 4}}, format="json")
    assert answer.status_code == 201, answer.json()
    config = TrainingRun.objects.get().config
    assert (config["denoise"], config["batch"]) == (3, 4)
    campaign.refresh_from_db()
    assert campaign.training["recipe"] == {"denoise": 3, "batch": 6}


def test_fields_of_the_network_are_laid_over_those_of_the_campaign_one_by_one(
    campaign: Campaign,
) -> None:
    put(campaign, {"network": {"norm": "group"}, "batch": 2})
    campaign.refresh_from_db()
    changed = trigger.run_config(campaign, {"recipe": {"network": {"dropout": 0.5}}})
    network = TrainConfig.parse(changed).network
    assert (network.norm, network.dropout) == ("group", 0.5)


def test_fields_travel_with_a_file_too(campaign: Campaign) -> None:
    client = make.client(User.objects.get(username="manager"))
    sent = {"recipe": json.dumps({"epochs": 3})}
    answer = client.post(f"/api/v1/campaigns/{campaign.slug}/runs", sent, format="multipart")
    assert answer.json()["detail"] == {"epochs": "epochs has a setting of its own."}


def test_a_recipe_that_no_longer_fits_its_preset_fails_the_run_with_the_reason(
    campaign: Campaign,
) -> None:
    """The tiny network halves the image twice, the small one four times."""
    put(campaign, {"patch": 20})
    Campaign.objects.filter(pk=campaign.pk).update(
        training={**Campaign.objects.get().training, "preset": "small"}
    )
    assert trigger.runs_trigger() == 0
    run = TrainingRun.objects.get()
    assert run.state == TrainingRun.State.FAILED
    assert "patch: must be a multiple of 16" in run.error
    assert trigger.runs_trigger() == 0
    assert TrainingRun.objects.count() == 1, "not refused again until there is another label"
