"""The learner's loop, with a tiny network that is really trained for seconds."""

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.test import Client
from django.utils.timezone import now
from pytest_django.fixtures import Settings

import learning
import make
from annotations.campaigns import class_add, training_policy
from annotations.models import Assignment, Campaign, Suggestion, Task
from kept import Keeper
from reticle import storage
from reticle.accounts.models import User
from reticle.audit.models import AuditEvent
from reticle.errors import Conflict
from reticle.images.models import Image, ReferenceMask, Series
from reticle.pixels.mask import mask_hash, pack, unpack
from training import asked, fit, jobs, maps, near, pool, predict, promote, trials, trigger
from training.ml import robust
from training.models import Evaluation, ModelVersion, Prediction, TrainingRun
from training.release import code_version
from training.snapshot import snapshot_take, subgroups_of

pytestmark = pytest.mark.django_db

SIZE = learning.SIZE


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.HEARTBEAT_SECONDS, settings.RUN_LEASE_SECONDS = 1, 5


@pytest.fixture
def campaign() -> Campaign:
    """A campaign of which 6 training and 2 held-out cases or more are settled."""
    return learning.campaign(make.user("manager"), make.user("reader"))


@pytest.fixture
def trained(keeper: Keeper) -> Campaign:
    """The campaign with a champion, which has scored nothing yet."""
    keeper.have(learning.trained_once)
    return Campaign.objects.get()


@pytest.fixture
def scored(keeper: Keeper) -> Campaign:
    """The campaign with a champion and its order of the queue."""
    keeper.have(learning.scored_once, after=learning.trained_once)
    return Campaign.objects.get()


def execute(campaign: Campaign) -> TrainingRun:
    assert trigger.runs_trigger() == 1
    run = fit.run_claim()
    assert run is not None
    return fit.run_execute(run)


def test_labels_become_a_champion_that_reorders_and_predraws_the_queue(campaign: Campaign) -> None:
    order_before = list(
        campaign.tasks.filter(state="open", held_out=False).order_by("-priority").values_list("id")
    )
    run = execute(campaign)
    assert (run.state, run.error) == (TrainingRun.State.SUCCEEDED, "")
    assert [row["epoch"] for row in run.epochs] == [1, 2, 3]
    model = ModelVersion.objects.get(run=run)
    assert model.state == ModelVersion.State.CHAMPION, model.decision
    assert model.decision["cases"], "the decision names its cases"

    scored = predict.scoring_claim()
    assert scored is not None
    assert predict.scoring_run(scored) == campaign.tasks.filter(state="open").count()
    pool = campaign.tasks.filter(state="open", held_out=False).order_by("-priority")
    assert list(pool.values_list("id")) != order_before
    assert {task.priority_from["model_number"] for task in pool} == {1}
    assert Suggestion.objects.filter(task__in=pool, model_number=1).count() == pool.count()
    held_out = Prediction.objects.filter(image__tasks__held_out=True)
    assert not held_out.exists(), "selection must not see held-out cases"

    reader = User.objects.get(username="reader")
    campaign.refresh_from_db()
    served = make.lease(campaign, reader)
    while served.task.held_out:
        make.submit(served, make.mask(rows=SIZE, columns=SIZE))
        served = make.lease(campaign, reader)
    assert served.why["model_number"] == 1
    assert served.suggestion is not None
    assert predict.scoring_claim() is None, "published scores are not made again"


def test_training_and_selection_never_read_the_hidden_reference(
    campaign: Campaign, tmp_path: Path
) -> None:
    """Poisoned references change not a byte of what a run is given; the sources never name them."""

    def inputs(name: str) -> dict[str, bytes]:
        snapshot = snapshot_take(campaign=campaign)
        for split in ("training", "held_out"):
            jobs.job_write(
                tmp_path / name / split, fit.examples_of(snapshot, split, seen=set()),
                classes=snapshot.manifest["classes"], config={}, seed=0,
            )  # fmt: skip
        files = sorted((tmp_path / name).rglob("*.*"))
        return {str(file.relative_to(tmp_path / name)): file.read_bytes() for file in files}

    before = inputs("before")
    assert len(before) >= 24
    for image in Image.objects.all():
        wrong = np.full((SIZE, SIZE), 2, np.uint8)
        ReferenceMask.objects.create(image=image, packed=pack(wrong), sha256=mask_hash(wrong))
    assert inputs("after") == before
    base = Path(fit.__file__).parents[1]
    sources = [*base.glob("training/**/*.py"), *base.glob("annotations/**/*.py")]
    named = [file.name for file in sources if "ReferenceMask" in file.read_text()]
    assert named == []


def test_one_run_at_a_time_and_a_new_label_never_kills_it(campaign: Campaign) -> None:
    assert trigger.runs_trigger() == 1
    assert trigger.runs_trigger() == 0
    assert trigger.run_create(campaign=campaign, actor=None, reason="twice") is None
    run = fit.run_claim()
    assert run is not None
    assert run.code_version == code_version()  # of the worker that trains it
    reader = User.objects.get(username="reader")
    row = make.lease(campaign, reader)
    make.submit(row, make.mask(rows=SIZE, columns=SIZE))
    done = fit.run_execute(run)
    assert done.state == TrainingRun.State.SUCCEEDED
    assert done.snapshot is not None
    assert done.snapshot.labels + done.snapshot.held_out == 13


def test_labels_of_a_run_under_way_are_not_new_and_those_of_a_cancelled_one_are(
    campaign: Campaign,
) -> None:
    assert trigger.refresh_state(campaign)["new_labels"] == 12
    assert trigger.runs_trigger() == 1
    run = fit.run_claim()
    assert run is not None
    TrainingRun.objects.filter(pk=run.pk).update(snapshot=snapshot_take(campaign=campaign))
    state = trigger.refresh_state(campaign)
    assert (state["new_labels"], state["needed"]) == (0, 6)
    TrainingRun.objects.filter(pk=run.pk).update(state=TrainingRun.State.CANCELLED)
    assert trigger.refresh_state(campaign)["new_labels"] == 12


@pytest.mark.parametrize("state", ["cancelled", "failed"])
def test_a_run_that_was_cancelled_or_failed_waits_for_another_label(
    campaign: Campaign, state: str
) -> None:
    assert trigger.runs_trigger() == 1
    TrainingRun.objects.update(state=state, finished_at=now() - timedelta(hours=1))
    assert trigger.runs_trigger() == 0, "the same labels would end the same way"
    reader = User.objects.get(username="reader")
    row = make.lease(campaign, reader)
    make.submit(row, make.mask(rows=SIZE, columns=SIZE))
    Task.objects.filter(pk=row.task_id).update(settled_at=now() + timedelta(seconds=1))
    assert trigger.runs_trigger() == 1


def test_a_decision_by_hand_made_while_a_model_is_measured_stands(trained: Campaign) -> None:
    manager = User.objects.get(username="manager")
    first = promote.champion_of(trained)
    assert first is not None
    run = trigger.run_create(campaign=trained, actor=manager, reason="second")
    assert run is not None
    second = ModelVersion.objects.create(
        campaign=trained, number=2, run=run, weights_sha256=first.weights_sha256, card=first.card
    )
    promote.model_promote(model=ModelVersion.objects.get(number=2), actor=manager, reason="now")
    rejected = promote.Decision("reject", [])
    promote.model_consider(candidate=second, decision=rejected, rival=first)
    assert promote.champion_of(trained) == second
    assert ModelVersion.objects.get(number=2).decision["verdict"] == "insufficient"


def test_a_cancelled_run_stops_and_leaves_the_campaign_its_model(campaign: Campaign) -> None:
    manager = User.objects.get(username="manager")
    run = trigger.run_request(campaign=campaign, actor=manager)
    claimed = fit.run_claim()
    assert claimed is not None
    trigger.run_cancel(run=run, actor=manager)
    assert fit.run_execute(claimed).state == TrainingRun.State.CANCELLED
    assert promote.champion_of(campaign) is None
    with pytest.raises(Conflict):
        trigger.run_cancel(run=run, actor=manager)


def test_a_run_hears_of_its_cancellation_while_its_images_are_written(campaign: Campaign) -> None:
    assert trigger.runs_trigger() == 1
    run = fit.run_claim()
    assert run is not None
    manager = User.objects.get(username="manager")
    trigger.run_cancel(run=run, actor=manager)
    assert fit.run_execute(run).state == TrainingRun.State.CANCELLED
    assert not (fit.run_folder(run) / "job" / "examples.json").exists(), "it was written to its end"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("processes", [1, 2])
def test_a_killed_child_is_run_again_from_its_checkpoint(
    campaign: Campaign, settings: Settings, processes: int
) -> None:
    """The child is killed by the kernel (as when memory runs out) after its first epoch.

    Of several, which train together as on several GPUs, one is killed, and all end.
    """
    settings.TRAINING_PROCESSES = processes
    Campaign.objects.filter(pk=campaign.pk).update(
        training={**campaign.training, "epochs": 6, "minimum_steps": 240}
    )
    assert trigger.runs_trigger() == 1
    run = fit.run_claim()
    assert run is not None
    checkpoint = fit.run_folder(run) / "attempt-1" / "checkpoint.json"
    with learning.killed_after(checkpoint):
        first = fit.run_execute(run)
    assert first.state == TrainingRun.State.QUEUED, first.error
    again = fit.run_claim()
    assert again is not None
    assert (again.attempt, again.token > run.token - 1) == (2, True)
    final = fit.run_execute(again)
    assert final.state == TrainingRun.State.SUCCEEDED, final.error
    assert [row["epoch"] for row in final.epochs] == [1, 2, 3, 4, 5, 6]
    metrics = (fit.run_folder(run) / "attempt-2" / "metrics.jsonl").read_text().splitlines()
    assert len(metrics) == 6
    result = json.loads((fit.run_folder(run) / "attempt-2" / "result.json").read_text())
    assert result["processes"] == processes


def test_a_worker_that_lost_its_claim_writes_nothing_more(campaign: Campaign) -> None:
    assert trigger.runs_trigger() == 1
    stale = fit.run_claim()
    assert stale is not None
    TrainingRun.objects.filter(pk=stale.pk).update(claimed_until=now() - timedelta(seconds=1))
    fresh = fit.run_claim()
    assert fresh is not None
    assert fresh.token > stale.token
    fit.run_execute(stale)
    assert not ModelVersion.objects.exists()
    assert TrainingRun.objects.get(pk=stale.pk).state == TrainingRun.State.RUNNING
    assert fit.run_execute(fresh).state == TrainingRun.State.SUCCEEDED


def test_a_run_whose_worker_died_three_times_fails_with_a_reason(campaign: Campaign) -> None:
    assert trigger.runs_trigger() == 1
    for _ in range(fit.ATTEMPTS):
        run = fit.run_claim()
        assert run is not None
        TrainingRun.objects.filter(pk=run.pk).update(claimed_until=now() - timedelta(seconds=1))
    assert fit.run_claim() is None
    run = TrainingRun.objects.get()
    assert run.state == TrainingRun.State.FAILED
    assert "3 times" in run.error
    assert run.finished_at is not None


def test_a_run_that_diverges_fails_and_leaves_the_campaign_its_champion(trained: Campaign) -> None:
    champion, before = promote.champion_of(trained), ModelVersion.objects.values().get()
    assert champion is not None
    head = trained.champion
    run = trigger.run_request(campaign=trained, actor=User.objects.get(username="manager"))
    hopeless = {"learning_rate": 1e9, "clip": 1e9, "epochs": 1, "minimum_steps": 8}
    TrainingRun.objects.filter(pk=run.pk).update(config={**run.config, **hopeless})
    done = learning.executed(run)
    assert (done.state, done.attempt) == (TrainingRun.State.FAILED, 1)
    assert "loss is nan in epoch 1: lower config.learning_rate" in done.error
    assert promote.champion_of(trained) == champion
    assert ModelVersion.objects.values().get() == before, "a model more, or the champion changed"
    trained.refresh_from_db()
    assert trained.champion == head


def test_rollback_brings_the_earlier_champion_back(trained: Campaign) -> None:
    campaign, manager = trained, User.objects.get(username="manager")
    first = ModelVersion.objects.get()
    with pytest.raises(Conflict, match="no earlier champion"):
        promote.model_rollback(campaign=campaign, actor=manager, reason="why", number=1)
    run = trigger.run_create(campaign=campaign, actor=manager, reason="second")
    assert run is not None
    second = ModelVersion.objects.create(
        campaign=campaign, number=2, run=run, weights_sha256=first.weights_sha256, card=first.card
    )
    promote.model_promote(model=second, actor=manager, reason="by hand")
    assert promote.champion_of(campaign) == second
    with pytest.raises(Conflict, match="version 1"):
        promote.model_rollback(campaign=campaign, actor=manager, reason="why", number=3)
    assert promote.champion_of(campaign) == second, "it would have led elsewhere than was said"
    back = promote.model_rollback(campaign=campaign, actor=manager, reason="why", number=1)
    assert back == first
    campaign.refresh_from_db()
    assert campaign.champion is not None
    assert campaign.champion["number"] == 1


def test_rolling_back_twice_goes_back_twice_and_never_to_what_was_left(
    trained: Campaign, client: Client
) -> None:
    manager, first = User.objects.get(username="manager"), ModelVersion.objects.get()
    client.force_login(manager)

    def crowned(number: int) -> ModelVersion:
        run = TrainingRun.objects.create(campaign=trained, state=TrainingRun.State.SUCCEEDED)
        model = ModelVersion.objects.create(
            campaign=trained, number=number, run=run, weights_sha256=first.weights_sha256,
            card=first.card,
        )  # fmt: skip
        return promote.model_promote(model=model, actor=manager, reason="by hand")

    def offered() -> int | None:
        shown = client.get(f"/api/v1/campaigns/{trained.slug}/learning").json()
        number: int | None = shown["rollback_to"]
        return number

    def back() -> int:
        number = offered()
        assert number is not None
        row = promote.model_rollback(campaign=trained, actor=manager, reason="bad", number=number)
        return row.number

    crowned(2)
    crowned(3)
    assert offered() == 2
    assert back() == 2
    assert offered() == 1
    crowned(4)
    assert back() == 2, "not to v3, which was left"
    assert back() == 1
    assert offered() is None
    states = dict(trained.models.values_list("number", "state"))
    assert states == {1: "champion", 2: "rejected", 3: "rejected", 4: "rejected"}


def gone(*tasks: Task) -> list[int]:
    """Lose the samples of these cases' images."""
    images = [task.image_id for task in tasks]
    Image.objects.filter(pk__in=images).update(sha256="0" * 64)
    return images


def test_a_run_whose_images_cannot_be_read_fails_at_once_and_says_which(campaign: Campaign) -> None:
    task = campaign.tasks.filter(state="settled", held_out=False).first()
    assert task is not None
    (image,) = gone(task)
    run = execute(campaign)
    assert (run.state, run.attempt) == (TrainingRun.State.FAILED, 1)
    assert f"Image {image} cannot be read" in run.error
    assert "missing" in run.error


def test_an_image_that_cannot_be_read_is_left_out_of_the_order_and_said(
    trained: Campaign, client: Client
) -> None:
    waiting = list(trained.tasks.filter(state="open", held_out=False).order_by("-priority"))
    left_out = gone(waiting[0])
    damaged = waiting[1].image
    damaged.sha256 = storage.put(b"cut short")
    damaged.save()
    model = predict.scoring_claim()
    assert model is not None
    assert predict.scoring_run(model) == trained.tasks.filter(state="open").count()
    model.refresh_from_db()
    assert sorted(model.unreadable) == sorted([*left_out, damaged.pk])
    scored = set(Prediction.objects.filter(model=model).values_list("image_id", flat=True))
    assert scored >= {task.image_id for task in waiting[2:]}
    assert not scored & {*left_out, damaged.pk}
    assert predict.scoring_claim() is None, "it is not tried for ever"
    client.force_login(User.objects.get(username="manager"))
    shown = client.get(f"/api/v1/campaigns/{trained.slug}/learning").json()
    assert (shown["unreadable"], shown["scoring_error"]) == (2, "")
    named = client.get(f"/api/v1/campaigns/{trained.slug}/unreadable").json()
    assert [(row["image"], row["problem"]) for row in named] == [
        (image, "damaged" if image == damaged.pk else "missing")
        for image in sorted([*left_out, damaged.pk])
    ]
    assert {row["case"] for row in named} == {task.pk for task in waiting[:2]}


def test_a_scoring_that_was_stopped_goes_on_with_the_chunk_after_the_last_one_kept(
    trained: Campaign, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(predict, "CHUNK", 2)
    settings.HEARTBEAT_SECONDS = 0  # asked before each line that the child prints
    model = predict.scoring_claim()
    assert model is not None
    waiting = list(pool.unscored(model).order_by("-priority", "id").values_list("image", flat=True))
    # Not those that its measurement has looked at already.
    kept = Prediction.objects.filter(model=model, image_id__in=waiting)
    with pytest.raises(jobs.ChildStopped):
        predict.images_score(model, waiting, tmp_path, beat=lambda: not kept.exists())
    assert set(kept.values_list("image_id", flat=True)) == set(waiting[:2])
    kept.update(score=0.123)
    assert predict.scoring_run(model) == trained.tasks.filter(state="open").count()
    assert set(kept.values_list("image_id", flat=True)) == set(waiting)
    again = kept.filter(score=0.123).values_list("image_id", flat=True)
    assert set(again) == set(waiting[:2]), "what was kept is not scored again"


def test_a_scoring_that_fails_says_why_and_waits(trained: Campaign, client: Client) -> None:
    ModelVersion.objects.update(weights_sha256="0" * 64)
    model = predict.scoring_claim()
    assert model is not None
    assert predict.scoring_run(model) == 0
    assert predict.scoring_claim() is None
    model.refresh_from_db()
    assert model.scoring_until is not None
    later = model.scoring_until - now()
    assert later > timedelta(minutes=3), "no failure is repeated at once"
    assert later < timedelta(minutes=10), "maps and trial of the champion wait as long"
    client.force_login(User.objects.get(username="manager"))
    shown = client.get(f"/api/v1/campaigns/{trained.slug}/learning").json()
    assert "missing" in shown["scoring_error"]


def test_a_class_added_while_it_runs_starts_afresh_and_is_judged_by_what_both_models_know(
    trained: Campaign,
) -> None:
    campaign, manager = trained, User.objects.get(username="manager")
    class_add(actor=manager, campaign=campaign, name="lesion")
    run = trigger.run_create(campaign=campaign, actor=manager, reason="a class more")
    assert run is not None
    claimed = fit.run_claim()
    assert claimed is not None
    done = fit.run_execute(claimed)
    assert (done.state, done.error) == (TrainingRun.State.SUCCEEDED, "")
    assert done.base is None, "other classes cannot be fine-tuned from"
    second = ModelVersion.objects.get(run=done)
    assert second.decision["against"] == 1
    assert set(second.decision["classes"]) == {"grey", "white"}


def test_a_run_goes_on_from_the_champion_unless_policy_or_network_say_otherwise(
    trained: Campaign,
) -> None:
    campaign = trained
    champion = promote.champion_of(campaign)

    def base(**changes: object) -> ModelVersion | None:
        policy = training_policy({**campaign.training, **changes})
        Campaign.objects.filter(pk=campaign.pk).update(training=policy)
        campaign.refresh_from_db()
        run = TrainingRun(campaign=campaign, config={"preset": policy["preset"]})
        return fit.base_of(run, snapshot_take(campaign=campaign))

    assert champion is not None
    assert base() == champion
    assert base(scratch_growth=1) is None, "the labels have grown by the policy's factor"
    assert base(scratch_growth=0) == champion
    assert base(preset="small") is None, "another network cannot be fine-tuned from"


def test_the_subgroups_of_a_snapshot_name_its_held_out_patients(campaign: Campaign) -> None:
    snapshot = snapshot_take(campaign=campaign)
    patients = {row["patient"] for row in snapshot.manifest["held_out"]}
    series = Series.objects.filter(study__patient_key__in=patients)
    series.update(attributes={"site": "north", "body_part": "HEAD"})
    assert subgroups_of(snapshot) == {"site north": patients}
    some = series.filter(study__patient_key=min(patients))
    some.update(modality="CT")
    assert subgroups_of(snapshot) == {
        "site north": patients, "modality CT": {min(patients)},
        "modality MR": patients - {min(patients)},
    }  # fmt: skip


def test_a_child_that_fails_tells_why(tmp_path: Path) -> None:
    with pytest.raises(jobs.ChildFailed):
        list(jobs.child_lines(["train", str(tmp_path), "--out", str(tmp_path)],
                              beat=lambda: True, beat_seconds=5))  # fmt: skip


def test_work_that_is_to_stop_stops_however_quick_it_would_be(tmp_path: Path) -> None:
    with pytest.raises(jobs.ChildStopped):
        list(jobs.child_lines(["train", str(tmp_path), "--out", str(tmp_path)],
                              beat=lambda: False, beat_seconds=600))  # fmt: skip


def test_an_assignment_records_the_suggestion_it_was_shown(scored: Campaign) -> None:
    reader = User.objects.get(username="reader")
    row = make.lease(scored, reader)
    while row.task.held_out:
        make.submit(row, make.mask(rows=SIZE, columns=SIZE))
        row = make.lease(scored, reader)
    done = make.submit(row, make.mask(rows=SIZE, columns=SIZE))
    held = Assignment.objects.get(pk=row.pk)
    assert done.annotation.started_from_id == held.suggestion_id
    assert done.annotation.changed_pixels is not None
    assert done.annotation.changed_pixels > 0


def test_the_next_cases_get_maps_of_where_the_model_is_unsure_and_where_it_looked(
    trained: Campaign,
) -> None:
    assert promote.champion_of(trained) is not None
    assert maps.maps_claim() is None, "there is nothing to map before the order is published"
    scored = predict.scoring_claim()
    assert scored is not None
    predict.scoring_run(scored)
    model = maps.maps_claim()
    assert model is not None
    assert maps.maps_claim() is None, "one worker at a time"
    suggested = Suggestion.objects.filter(task__state=Task.State.OPEN, model_number=1)
    damaged, row = suggested.order_by("-task__priority", "task_id")[:2]
    gone(damaged.task)
    assert maps.maps_run(model) == min(maps.AHEAD, suggested.count()) - 1
    assert not damaged.maps.exists()
    kinds = [(each.kind, each.class_index) for each in row.maps.order_by("id")]
    assert kinds == [("uncertainty", None), ("explanation", 1), ("explanation", 2)]
    unsure = unpack(bytes(row.maps.get(kind="uncertainty").packed), SIZE, SIZE)
    assert unsure.max() > unsure.min()
    assert not suggested.filter(maps_at=None).exists()
    assert maps.maps_claim() is None, "maps that are there are not made again"


@pytest.fixture
def held(scored: Campaign) -> Assignment:
    """A case that its reader holds, and of which the champion shows a suggestion."""
    reader = User.objects.get(username="reader")
    row = make.lease(scored, reader)
    while row.suggestion_id is None:
        make.submit(row, make.mask(rows=SIZE, columns=SIZE))
        row = make.lease(scored, reader)
    return Assignment.objects.get(pk=row.pk)


def test_a_downloaded_model_is_one_that_the_core_reads(held: Assignment, tmp_path: Path) -> None:
    model = ModelVersion.objects.get(state="champion")
    answer = make.client(User.objects.get(username="manager")).get(
        f"/api/v1/models/{model.pk}/bundle"
    )
    assert answer["Content-Disposition"] == f'attachment; filename="{held.campaign.slug}-v1.zip"'
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert set(archive.namelist()) == {"model.json", "model.safetensors", "CARD.md"}
        archive.extractall(tmp_path / "model")
    example = jobs.Example(image=held.task.image, patient="")
    job = tmp_path / "job"
    jobs.job_write(job, [example], classes=model.card["classes"], config={}, seed=0)
    arguments = ["predict", str(job), "--model", str(tmp_path / "model"), "--out", str(tmp_path)]
    events = list(jobs.child_lines(arguments, beat=lambda: True, beat_seconds=10))
    with np.load(tmp_path / f"{held.task.image_id}.npz") as found:
        mask = found["mask"]
    own = Prediction.objects.get(model=model, image=held.task.image)
    assert np.array_equal(mask, unpack(bytes(own.packed), SIZE, SIZE))
    assert events[0]["score"] == pytest.approx(own.score)


def test_a_reader_asks_what_the_model_would_miss_and_a_worker_makes_it(held: Assignment) -> None:
    client, address = make.client(held.reader), f"/api/v1/assignments/{held.pk}/maps"
    assert client.get(address).json() == {"asked": False, "maps": []}
    assert asked.asked_claim() is None
    answer = client.post(address)
    assert (answer.status_code, answer.json()["asked"]) == (202, True)
    client.post(address)
    row = asked.asked_claim()
    assert row is not None
    assert asked.asked_claim() is None, "one worker at a time, and one wish of two posts"
    assert asked.asked_run(row)
    found = client.post(address).json()
    assert not found["asked"], "what is there is not made again"
    kinds = [(each["kind"], each["class_index"]) for each in found["maps"]]
    explained = [("explanation", 1), ("explanation", 2)]
    assert kinds == [("uncertainty", None), *explained, ("occlusion", 1), ("occlusion", 2)]
    body = client.get(found["maps"][-1]["url"], HTTP_ACCEPT_ENCODING="gzip")
    assert body.status_code == 200


def test_a_worker_that_fell_silent_loses_its_wish_and_one_at_work_keeps_it(
    held: Assignment,
) -> None:
    make.client(held.reader).post(f"/api/v1/assignments/{held.pk}/maps")
    silent = asked.asked_claim()
    assert silent is not None
    Suggestion.objects.filter(pk=silent.pk).update(asked_until=now() - timedelta(seconds=1))
    silent.refresh_from_db(fields=["asked_until"])
    second = asked.asked_claim()
    assert second is not None, "a claim holds no longer than that of any other work"
    assert asked.folder_of(second) != asked.folder_of(silent)
    assert not asked.asked_run(silent)
    row = Suggestion.objects.get(pk=second.pk)
    assert row.asked_at is not None, "the wish is the second's"
    assert row.asked_until == second.asked_until
    Suggestion.objects.filter(pk=second.pk).update(asked_until=now())
    second.refresh_from_db(fields=["asked_until"])
    assert asked.asked_run(second), "it prolongs its claim"
    assert Suggestion.objects.get(pk=second.pk).asked_at is None


def test_a_wish_that_fails_is_gone_and_a_blind_case_has_none(
    held: Assignment,
) -> None:
    client, address = make.client(held.reader), f"/api/v1/assignments/{held.pk}/maps"
    client.post(address)
    model = ModelVersion.objects.get(state="champion")
    ModelVersion.objects.filter(pk=model.pk).update(weights_sha256=storage.put(b"damaged"))
    row = asked.asked_claim()
    assert row is not None
    assert not asked.asked_run(row)
    assert client.get(address).json() == {"asked": False, "maps": []}
    Assignment.objects.filter(pk=held.pk).update(suggestion=None)
    for answer in (client.get(address), client.post(address)):
        assert (answer.status_code, answer.json()["code"]) == (409, "no_suggestion")
    assert client.get(f"/api/v1/assignments/{held.pk}/neighbours").json() == []


def test_the_neighbours_of_a_case_are_the_nearest_labelled_ones_of_other_patients(
    held: Assignment,
) -> None:
    client, address = make.client(held.reader), f"/api/v1/assignments/{held.pk}/neighbours"
    found = client.get(address).json()
    own = held.task.image.series.study.patient_key
    assert found
    assert own not in {row["patient"] for row in found}
    assert len({row["patient"] for row in found}) == len(found) <= near.COUNT
    vectors = {
        row.image_id: np.frombuffer(bytes(row.embedding or b""), "<f4")
        for row in Prediction.objects.filter(model__state="champion")
    }
    settled = {
        task.image_id: task.image.series.study.patient_key
        for task in held.campaign.tasks.filter(state="settled", held_out=False)
    }
    assert {row["image"] for row in found} <= set(settled)
    others = [image for image, patient in settled.items() if patient != own]
    known = np.stack([vectors[image] for image in others]).astype(float)
    tell = known.std(axis=0) > 1e-6 * max(np.abs(known).max(), 1.0)
    gaps = (known - vectors[held.task.image_id])[:, tell] / known.std(axis=0)[tell]
    away = dict(zip(others, np.linalg.norm(gaps, axis=1).tolist(), strict=True))
    assert found[0]["image"] == min(away, key=lambda image: away[image])
    assert [away[row["image"]] for row in found] == sorted(away[row["image"]] for row in found)
    picture = client.get(found[0]["picture_url"])
    assert picture["Content-Type"] == "image/png"
    outside = next(image for image in vectors if image not in {row["image"] for row in found})
    assert client.get(f"{address}/{outside}").status_code == 404


def test_a_champion_is_put_to_the_trial_when_nothing_else_waits(trained: Campaign) -> None:
    campaign = trained
    assert trials.trial_claim() is None, "its scores come first"
    scored = predict.scoring_claim()
    assert scored is not None
    predict.scoring_run(scored)
    waiting = trigger.run_create(campaign=campaign, actor=None, reason="more labels")
    model = trials.trial_claim()
    assert model is not None
    assert not trials.trial_run(model), "a queued run goes first"
    assert waiting is not None
    trigger.run_cancel(run=waiting, actor=User.objects.get(username="manager"))
    model = trials.trial_claim()
    assert model is not None, "and it is made another time"
    assert trials.trial_run(model)
    model.refresh_from_db()
    assert model.robustness["clean"].keys() == {"grey", "white"}
    changes = {row["change"] for row in model.robustness["changes"]}
    assert changes == {*robust.CHANGES, "rotation", "adversarial"}
    assert model.scoring_until is None
    assert trials.trial_claim() is None, "once is enough"


def test_any_version_is_put_to_the_trial_when_somebody_asks(scored: Campaign) -> None:
    ModelVersion.objects.update(state=ModelVersion.State.REJECTED)
    assert trials.trial_claim() is None
    model = ModelVersion.objects.get()
    client = make.client(User.objects.get(username="manager"))
    address = f"/api/v1/models/{model.pk}"
    for _ in range(2):
        answer = client.post(f"{address}/robustness")
        assert (answer.status_code, answer.json()["robustness_asked"]) == (202, True)
    assert AuditEvent.objects.filter(action="robustness.ask").count() == 1, "one wish of two posts"
    kept = model.weights_sha256
    ModelVersion.objects.update(weights_sha256=storage.put(b"damaged"))
    claimed = trials.trial_claim()
    assert claimed == model
    assert trials.trial_claim() is None, "one worker at a time"
    assert not trials.trial_run(claimed)
    shown = client.get(address).json()
    assert (shown["robustness"], shown["robustness_asked"]) == (None, False)
    assert shown["robustness_error"]
    assert trials.trial_claim() is None, "a wish that failed is gone"
    ModelVersion.objects.update(weights_sha256=kept)
    client.post(f"{address}/robustness")
    claimed = trials.trial_claim()
    assert claimed is not None
    assert trials.trial_run(claimed)
    shown = client.get(address).json()
    assert shown["robustness"]["changes"]
    assert (shown["robustness_asked"], shown["robustness_error"]) == (False, "")
    client.post(f"{address}/robustness")
    assert client.get(address).json()["robustness"] == shown["robustness"], "what is there stays"


def test_a_model_that_was_never_measured_has_no_trial(scored: Campaign) -> None:
    Evaluation.objects.all().delete()
    model = ModelVersion.objects.get()
    answer = make.client(User.objects.get(username="manager")).post(
        f"/api/v1/models/{model.pk}/robustness"
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "never_measured")
    assert trials.trial_claim() is None
