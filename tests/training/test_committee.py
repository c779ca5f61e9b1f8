"""Committees: further networks of a champion's recipe, trained in idle time for its maps."""

import json
from pathlib import Path

import pytest
from django.conf import settings as configured
from pytest_django.fixtures import Settings

import learning
import make
from annotations.models import Campaign, Suggestion, SuggestionMap
from kept import Keeper
from reticle import storage
from reticle.accounts.models import User
from training import committee, maps, trigger
from training.card import card_of
from training.models import ModelVersion

pytestmark = pytest.mark.django_db
UNCERTAINTY = SuggestionMap.Kind.UNCERTAINTY


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.HEARTBEAT_SECONDS, settings.RUN_LEASE_SECONDS = 1, 5


@pytest.fixture
def live(keeper: Keeper) -> ModelVersion:
    """A champion whose queue is ordered, in a campaign that asks for committees."""
    keeper.have(learning.scored_once, after=learning.trained_once)
    model = ModelVersion.objects.get()
    Campaign.objects.update(training={**model.campaign.training, "committee": 1})
    # As if by a recipe of one epoch: what is trained here is to be trained in a second.
    model.run.config = {**model.run.config, "epochs": 1, "minimum_steps": 1}
    model.run.save()
    return ModelVersion.objects.get()


def mapped() -> None:
    model = maps.maps_claim()
    assert model is not None
    assert maps.maps_run(model)


def folder_of(model: ModelVersion) -> Path:
    return Path(configured.RUN_FOLDER) / f"committee-{model.pk}"


def test_only_where_the_policy_asks_and_after_what_readers_wait_for(live: ModelVersion) -> None:
    assert committee.committee_claim() is None, "maps of one network come first"
    Suggestion.objects.update(maps_at=live.created_at)
    for training in ({**live.campaign.training, "committee": 0}, learning.TINY):
        Campaign.objects.update(training=training)
        assert committee.committee_claim() is None
    Campaign.objects.update(training={**learning.TINY, "committee": 1})
    run = trigger.run_create(campaign=live.campaign, actor=None, reason="more labels")
    assert committee.committee_claim() is None, "a run comes first"
    assert run is not None
    run.delete()
    for field, value in (("scored_at", None), ("card", {**live.card, "members": 3})):
        ModelVersion.objects.update(**{field: value})
        assert committee.committee_claim() is None, field
        ModelVersion.objects.update(**{field: getattr(live, field)})
    assert committee.committee_claim() == live
    assert committee.committee_claim() is None, "one worker at a time"


def test_three_networks_say_where_the_champion_is_unsure_and_it_draws_as_before(
    live: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maps, "ENOUGH", 1)
    mapped()
    drawn = dict(Suggestion.objects.values_list("pk", "sha256"))
    before = dict(SuggestionMap.objects.values_list("pk", "sha256"))
    reader = User.objects.get(username="reader")
    row = make.lease(live.campaign, reader)
    while row.suggestion_id is None:
        make.submit(row, learning.disc(row.task.image))
        row = make.lease(live.campaign, reader)
    claimed = committee.committee_claim()
    assert claimed == live
    assert committee.committee_run(claimed)
    live.refresh_from_db()
    assert live.committee["members"] == 3
    assert live.scoring_until is None
    assert not folder_of(live).exists()
    assert committee.committee_claim() is None, "it is made once"
    kept = SuggestionMap.objects.filter(suggestion=row.suggestion_id)
    assert {each.sha256 for each in kept} == {before[each.pk] for each in kept}
    assert kept.filter(kind=UNCERTAINTY).exists(), "a reader's page holds its address"
    others = Suggestion.objects.filter(assignments=None)
    assert not SuggestionMap.objects.filter(suggestion__in=others, kind=UNCERTAINTY).exists()

    mapped()
    anew = SuggestionMap.objects.exclude(pk__in=before)
    assert set(anew.values_list("kind", flat=True)) == {UNCERTAINTY}, "it looked where it looked"
    assert not set(anew.values_list("sha256", flat=True)) & set(before.values())
    assert dict(Suggestion.objects.values_list("pk", "sha256")) == drawn
    manager = make.client(User.objects.get(username="manager"))
    shown = manager.get(f"/api/v1/models/{live.pk}").json()["lineage"]
    assert (shown["committee"], shown["members"]) == (3, None)
    assert "uncertainty maps are by 3, itself and others of its recipe" in card_of(live)


def test_it_is_put_aside_for_a_run_and_taken_up_where_it_stopped(live: ModelVersion) -> None:
    Suggestion.objects.update(maps_at=live.created_at)
    first = committee.committee_claim()
    assert first is not None
    whole = committee._member(first, folder_of(live), live.run.seed + committee.SEEDS)
    card = json.loads((whole / "model.json").read_text())
    (whole / "model.json").write_text(json.dumps({**card, "mark": "made before"}))
    run = trigger.run_create(campaign=live.campaign, actor=None, reason="more labels")
    assert not committee.committee_run(first), "the run goes first"
    live.refresh_from_db()
    assert (live.committee, live.scoring_until) == ({}, None)
    assert run is not None
    run.delete()
    again = committee.committee_claim()
    assert again == live
    assert committee.committee_run(again)
    live.refresh_from_db()
    members = json.loads(storage.read(live.committee["sha256"]))["members"]
    assert [member["card"].get("mark") for member in members] == [None, "made before", None]
    assert len({member["card"]["weights_sha256"] for member in members}) == 3, "of three seeds"


def test_what_lies_in_the_training_is_kept_as_the_reason(live: ModelVersion) -> None:
    Suggestion.objects.update(maps_at=live.created_at)
    live.run.config = {**live.run.config, "learning_rate": -1}
    live.run.save()
    claimed = committee.committee_claim()
    assert claimed is not None
    assert not committee.committee_run(claimed)
    live.refresh_from_db()
    assert "learning_rate" in live.committee["error"]
    assert committee.committee_claim() is None, "it would fail the same way"
    manager = make.client(User.objects.get(username="manager"))
    shown = manager.get(f"/api/v1/models/{live.pk}").json()["lineage"]
    assert shown["committee"] is None
