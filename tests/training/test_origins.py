"""Where a run's first weights come from: another campaign's champion, or the unlabelled pool."""

import json
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

import learning
import make
from annotations.campaigns import member_set
from annotations.models import Campaign, Task
from reticle.accounts.models import User
from reticle.accounts.roles import Role
from reticle.errors import Invalid
from reticle.images.models import Image
from training import fit, origins, stages, trigger
from training.card import card_of
from training.models import ModelVersion, Snapshot, TrainingRun
from training.report import lineage_of

pytestmark = pytest.mark.django_db
CLASSES = [{"index": 1, "name": "grey"}, {"index": 2, "name": "white"}]
TINY_NETWORK = {
    "name": "unet", "kind": "unet", "encoder": "plain", "widths": [8, 16, 32], "norm": "batch",
    "dropout": 0.0, "deep_supervision": False,
}  # fmt: skip


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.HEARTBEAT_SECONDS, settings.RUN_LEASE_SECONDS = 1, 5


def champion(campaign: Campaign, **card: object) -> ModelVersion:
    """A champion without weights."""
    run = TrainingRun.objects.create(campaign=campaign, state=TrainingRun.State.SUCCEEDED)
    return ModelVersion.objects.create(
        campaign=campaign, number=4, run=run, weights_sha256="0" * 64, state="champion",
        card={"classes": CLASSES, "architecture": TINY_NETWORK, "in_channels": 1, **card},
    )  # fmt: skip


@pytest.fixture
def manager() -> User:
    return make.user("manager")


def test_a_run_begins_with_the_champion_of_another_campaign(manager: User) -> None:
    reader = make.user("reader")
    first = learning.campaign(manager, reader, "first")
    donor = learning.trained(first, manager)
    learning.campaign(manager, reader, "second")
    client = make.client(manager)
    assert client.get("/api/v1/campaigns/second/donors").json() == [
        {"id": donor.pk, "campaign": "First", "number": 1, "labels": donor.card["trained_on"],
         "presets": ["tiny"]}
    ]  # fmt: skip
    answer = client.post(
        "/api/v1/campaigns/second/runs", {"start": "transfer", "donor": donor.pk}, format="json"
    )
    assert answer.status_code == 201, answer.content
    assert answer.json()["donor"] == {"campaign": "First", "number": 1}

    run = learning.executed(TrainingRun.objects.get(pk=answer.json()["id"]))
    assert (run.state, run.error) == (TrainingRun.State.SUCCEEDED, "")
    job = fit.run_folder(run) / "job"
    assert json.loads((job / "job.json").read_text())["transfer"] == "transfer/"
    lent = json.loads((job / "transfer" / "model.json").read_text())
    assert lent["weights_sha256"] == donor.weights_sha256
    model = ModelVersion.objects.get(run=run)
    assert lineage_of(model)["donor"] == {"campaign": "First", "number": 1}
    assert "Started from: weights of First, version 1" in card_of(model)
    detail = client.get(f"/api/v1/models/{model.pk}").json()
    assert detail["lineage"]["donor"] == {"campaign": "First", "number": 1}
    assert detail["lineage"]["base_number"] is None


def test_models_of_campaigns_that_a_person_may_not_track_do_not_exist_for_them(
    manager: User,
) -> None:
    stranger = make.user("stranger")
    own = make.campaign(manager, tasks=4)
    foreign = make.campaign(stranger, slug="foreign", tasks=4)
    model = champion(foreign)
    config = trigger.run_config(own, {"preset": "tiny"})

    def chosen() -> ModelVersion | None:
        return origins.donor_of(own, manager, "transfer", model.pk, config)

    for roles in (set(), {Role.READER}):
        member_set(actor=stranger, campaign=foreign, user=manager, roles=roles)
        assert origins.donors_for(own, manager) == []
        with pytest.raises(Invalid) as refused:
            chosen()
        with pytest.raises(Invalid) as missing:
            origins.donor_of(own, manager, "transfer", model.pk + 100, config)
        assert (refused.value.code, str(refused.value)) == ("bad_donor", str(missing.value))
    for role in (Role.REVIEWER, Role.MANAGER):
        member_set(actor=stranger, campaign=foreign, user=manager, roles={role})
        assert [row["id"] for row in origins.donors_for(own, manager)] == [model.pk]
        assert chosen() == model


def test_a_donor_that_does_not_fit_is_refused_with_what_to_choose(manager: User) -> None:
    own = make.campaign(manager, tasks=4)
    model = champion(make.campaign(manager, slug="other", tasks=4))

    def refusal(preset: str) -> Invalid:
        config = trigger.run_config(own, {"preset": preset})
        with pytest.raises(Invalid) as refused:
            origins.donor_of(own, manager, "transfer", model.pk, config)
        return refused.value

    assert refusal("cpu").code == "donor_network"
    assert "choose the network tiny" in refusal("cpu").message
    Image.objects.filter(tasks__campaign=own).update(channels=3)
    assert refusal("tiny").code == "donor_channels"
    assert "1 channel(s), those of this campaign have 3" in refusal("tiny").message
    assert origins.donors_for(own, manager) == []
    odd = {**TINY_NETWORK, "widths": [5, 10]}
    ModelVersion.objects.filter(pk=model.pk).update(card={**model.card, "architecture": odd})
    assert "take another model" in refusal("tiny").message


def test_weights_that_have_seen_held_out_patients_are_no_beginning(manager: User) -> None:
    """Whatever they came by: the donor's own labels, or those of what it began with."""
    own = make.campaign(manager, patients=9)
    secret = own.tasks.filter(held_out=True).first()
    assert secret is not None
    patient = secret.image.series.study.patient_key
    other = make.campaign(manager, slug="other", tasks=4)
    older, model = champion(other), champion(make.campaign(manager, slug="third", tasks=4))
    seen = Snapshot.objects.create(
        campaign=other, sha256="1" * 64, manifest={"training": [{"patient": patient}]},
        labels=1, held_out=0,
    )  # fmt: skip
    TrainingRun.objects.filter(pk=older.run_id).update(snapshot=seen)
    TrainingRun.objects.filter(pk=model.run_id).update(donor=older)
    config = trigger.run_config(own, {"preset": "tiny"})
    for donor in (older, model):
        with pytest.raises(Invalid) as refused:
            origins.donor_of(own, manager, "transfer", donor.pk, config)
        assert refused.value.code == "donor_held_out"
        assert "1 of this campaign's held-out patients" in refused.value.message
    assert origins.donors_for(own, manager) == []


def test_whom_a_donor_was_pre_trained_on_counts_as_seen(manager: User) -> None:
    """Without a label of them: its campaign fixed its held-out patients before they joined."""
    own, other = make.campaign(manager, patients=9), make.campaign(manager, slug="other", tasks=4)
    secret = own.tasks.filter(held_out=True).first()
    assert secret is not None
    model = champion(other)
    config = trigger.run_config(own, {"preset": "tiny"})
    Task.objects.create(campaign=other, image=secret.image, held_out=False)
    assert origins.donor_of(own, manager, "transfer", model.pk, config) == model
    TrainingRun.objects.filter(pk=model.run_id).update(start=TrainingRun.Start.PRETRAINED)
    with pytest.raises(Invalid) as refused:
        origins.donor_of(own, manager, "transfer", model.pk, config)
    assert refused.value.code == "donor_held_out"


def test_a_donor_is_named_for_a_transfer_and_for_nothing_else(manager: User) -> None:
    own = make.campaign(manager, tasks=4)
    model = champion(make.campaign(manager, slug="other", tasks=4))
    config = trigger.run_config(own, {"preset": "tiny"})
    for start, donor in (("transfer", None), ("scratch", model.pk), ("auto", model.pk)):
        with pytest.raises(Invalid) as refused:
            origins.donor_of(own, manager, start, donor, config)
        assert refused.value.code == "bad_donor"
    assert origins.donor_of(own, manager, "scratch", None, config) is None


# --- pre-training --------------------------------------------------------------------------


def rows_of(run: TrainingRun) -> list[tuple[str, int]]:
    return [(row["stage"], row["epoch"]) for row in run.epochs]


BOTH = [("pretrain", number) for number in (1, 2, 3)] + [("train", number) for number in (1, 2, 3)]


def test_a_run_learns_from_the_pool_alone_and_then_from_the_labels(
    manager: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "POOL", 10)
    campaign = learning.campaign(manager, make.user("reader"), seconds=100)
    model = learning.trained(campaign, manager, start="pretrained")
    run = model.run
    assert rows_of(run) == BOTH
    assert run.progress["stage"] == "train"

    folder = fit.run_folder(run)
    pool = json.loads((folder / "pool" / "examples.json").read_text())
    assert 5 <= len(pool) <= 10, "bounded"
    assert {row["mask"] for row in pool} == {None}, "nothing that was drawn"
    shown = {int(row["id"]) for row in pool}
    allowed = campaign.tasks.filter(held_out=False).values_list("image_id", flat=True)
    assert shown <= set(allowed), "nothing held out"
    assert len({row["patient"] for row in pool}) >= 5, "of all patients"

    seconds = {
        part: json.loads((folder / part / "job.json").read_text())["config"]["seconds"]
        for part in ("pool", "job")
    }
    assert seconds == {"pool": pytest.approx(40), "job": pytest.approx(60)}
    lent = json.loads((folder / "job" / "transfer" / "model.json").read_text())
    own = json.loads((folder / "pretrain-1" / "model.json").read_text())
    assert lent == own
    assert lent["classes"] == []
    assert "a pre-training on images of the campaign's pool" in card_of(model)


@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_is_taken_up_in_either_stage(manager: User) -> None:
    campaign = learning.campaign(manager, make.user("reader"), minimum_steps=400)
    run = trigger.run_request(campaign=campaign, actor=manager, start="pretrained")
    folder = fit.run_folder(run)

    with learning.killed_after(folder / "pretrain-1" / "checkpoint.json"):
        first = learning.executed(run)
    assert first.state == TrainingRun.State.QUEUED, first.error
    # How much the child lived to tell is a matter of chance; where it died is not.
    assert {row["stage"] for row in first.epochs} <= {"pretrain"}
    assert not (folder / "attempt-1").exists()
    with learning.killed_after(folder / "attempt-2" / "checkpoint.json"):
        second = learning.executed(run)
    assert second.state == TrainingRun.State.QUEUED, second.error
    assert [row for row in rows_of(second) if row[0] == "pretrain"] == BOTH[:3]
    assert len((folder / "pretrain-2" / "metrics.jsonl").read_text().splitlines()) == 3
    last = learning.executed(run)
    assert (last.state, last.error) == (TrainingRun.State.SUCCEEDED, "")
    assert rows_of(last) == BOTH
    assert not (folder / "pretrain-3").exists(), "what is finished is not done again"
    assert last.attempt == 3


def test_a_run_cancelled_while_it_pre_trains_ends_there(manager: User) -> None:
    campaign = learning.campaign(manager, make.user("reader"), epochs=500, minimum_steps=50_000)
    run = trigger.run_request(campaign=campaign, actor=manager, start="pretrained")
    claimed = fit.run_claim()
    assert claimed is not None
    trigger.run_cancel(run=run, actor=manager)
    assert fit.run_execute(claimed).state == TrainingRun.State.CANCELLED
    assert not (fit.run_folder(run) / "job").exists()
    assert not ModelVersion.objects.exists()


def test_an_epoch_that_was_kept_and_never_told_of_is_told_by_the_next_attempt(
    tmp_path: Path,
) -> None:
    lines = [json.dumps({"epoch": number, "loss": 0.5, "dice": {}}) for number in (1, 2)]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines))
    told = [{"epoch": 9, "stage": "pretrain"}, {"epoch": 1, "stage": "train"}]
    start = {"event": "start", "stage": "train", "epochs": 4, "resumed_from": 2}
    missing = {"epoch": 2, "loss": 0.5, "dice": {}, "stage": "train", "epochs": 4}
    assert stages.epochs_resumed(told, start, tmp_path) == [*told, {**missing, "eta_seconds": None}]
    assert stages.epochs_resumed(told, {**start, "resumed_from": 0}, tmp_path) == told


def test_a_later_attempt_replaces_the_rows_of_its_own_stage_alone() -> None:
    rows = [{"epoch": 1}, {"epoch": 2}]  # from before there were stages
    again = {"epoch": 2, "stage": "train"}
    assert stages.epochs_with(rows, again) == [{"epoch": 1}, again]
    fold = {"epoch": 1, "stage": "cross", "fold": 0}
    other = {"epoch": 1, "stage": "cross", "fold": 1}
    assert stages.epochs_with([fold], other) == [fold, other]
