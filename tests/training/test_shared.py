"""What two versions say of the same cases, a refused one as well, beside what people settled."""

import io

import numpy as np
import pytest
from PIL import Image as Picture
from pytest_django.fixtures import Settings
from safetensors.numpy import load, save

import learning
import make
from annotations.models import Campaign
from kept import Keeper
from reticle import storage
from reticle.accounts.models import User
from training import fit, promote, shared
from training.models import ModelVersion, Prediction, Snapshot, TrainingRun
from training.snapshot import LOOKED_AT, learned_from, looked_at, snapshot_take

pytestmark = pytest.mark.django_db
State = ModelVersion.State


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.HEARTBEAT_SECONDS, settings.RUN_LEASE_SECONDS = 1, 5


def test_the_cases_to_be_looked_at_are_few_of_all_patients_and_no_held_out_ones() -> None:
    reader = make.user("reader")
    campaign = make.campaign(make.user("manager"), readers=[reader], patients=9, per_patient=3)
    make.read(campaign, reader, 27)
    early = looked_at(snapshot_take(campaign=campaign))
    assert early == looked_at(Snapshot.objects.get()), "the same whenever it is asked"
    tasks = campaign.tasks.filter(image_id__in=early).select_related("image__series__study")
    assert (len(set(early)), tasks.filter(held_out=True).exists()) == (LOOKED_AT, False)
    patients = [task.image.series.study.patient_key for task in tasks]
    everybody = campaign.tasks.filter(held_out=False).values("image__series__study__patient_key")
    assert len(set(patients)) == everybody.distinct().count()
    assert max(map(patients.count, patients)) <= 2, "nobody's third before another's second"


def spoiled(champion: ModelVersion) -> ModelVersion:
    """A candidate on the champion's snapshot whose weights are all 0: it draws nothing."""
    weights = load(storage.read(champion.weights_sha256))
    sha256 = storage.put(save({key: np.zeros_like(value) for key, value in weights.items()}))
    run = TrainingRun.objects.create(
        campaign=champion.campaign, snapshot=champion.run.snapshot, base=champion,
        state=TrainingRun.State.VALIDATING,
    )  # fmt: skip
    return ModelVersion.objects.create(
        campaign=champion.campaign, number=2, run=run, weights_sha256=sha256,
        card={**champion.card, "weights_sha256": sha256},
    )  # fmt: skip


def test_a_refused_candidate_is_seen_beside_the_champion_on_the_same_images(keeper: Keeper) -> None:
    keeper.have(learning.trained_once)
    campaign, champion = Campaign.objects.get(), ModelVersion.objects.get()
    candidate = spoiled(champion)
    done = fit.run_execute(candidate.run)
    assert (done.state, done.error) == (TrainingRun.State.SUCCEEDED, "")
    candidate.refresh_from_db()
    assert (candidate.state, promote.champion_of(campaign)) == (State.REJECTED, champion)
    assert champion.run.snapshot is not None
    images = set(looked_at(champion.run.snapshot))
    assert images, "there are training cases"
    for model in (champion, candidate):
        assert set(model.predictions.values_list("image_id", flat=True)) == images
    assert not Prediction.objects.filter(image__tasks__held_out=True).exists()

    people = {name: make.client(User.objects.get(username=name)) for name in ("manager", "reader")}
    door = f"/api/v1/models/{candidate.pk}"
    told = people["manager"].get(f"{door}/compare?against=1").json()
    assert ({row["image"] for row in told["shared"]}, told["silent"]) == (images, [])
    assert all(row["labelled"] and row["model"]["learned"] for row in told["shared"])
    errors = [(row["model"]["error"], row["against"]["error"]) for row in told["shared"]]
    assert np.mean([one for one, _ in errors]) > np.mean([two for _, two in errors])
    apart = [row["disagreement"] for row in told["shared"]]
    assert apart == sorted(apart, reverse=True)
    image = told["shared"][0]["image"]
    pictures = []
    for address in (f"{door}/drawing", f"/api/v1/models/{champion.pk}/drawing", f"{door}/label"):
        assert people["reader"].get(f"{address}?image={image}").status_code == 403
        answer = people["manager"].get(f"{address}?image={image}")
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
        with Picture.open(io.BytesIO(answer.content)) as shown:
            pictures.append(shown.size)
    assert len(set(pictures)) == 1


def test_what_was_looked_at_already_is_not_looked_at_again(keeper: Keeper) -> None:
    keeper.have(learning.scored_once, after=learning.trained_once)
    champion = ModelVersion.objects.get()
    before = dict(champion.predictions.values_list("image_id", "created_at"))
    reader = User.objects.get(username="reader")
    learning.settle(champion.campaign, reader, 3)
    snapshot = snapshot_take(campaign=champion.campaign)
    fit.evaluate(champion, snapshot, beat=lambda: True)
    after = dict(champion.predictions.values_list("image_id", "created_at"))
    assert {image: after[image] for image in before} == before
    assert set(looked_at(snapshot)) <= set(after)
    assert learned_from(champion) < {row["image"] for row in snapshot.manifest["training"]}


def test_a_version_of_which_nothing_is_kept_is_named(keeper: Keeper) -> None:
    keeper.have(learning.trained_once)
    champion = ModelVersion.objects.get()
    old = spoiled(champion)  # as one that was measured before anything was kept of it
    assert (shared.shared_cases(old, champion), shared.silent(old, champion)) == ([], [2])
    secret = champion.campaign.tasks.filter(held_out=True)[0]
    Prediction.objects.create(model=old, image_id=secret.image_id, packed=b"")
    assert shared.silent(old, champion) == [2], "what is said of held-out cases is never shown"
