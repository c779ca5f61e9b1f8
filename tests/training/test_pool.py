"""From stored scores to the order of the queue: complete, current, and never stale in silence."""

import json
import threading
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.db import connection
from pytest_django.fixtures import Settings

import make
from annotations.campaigns import images_join
from annotations.join import import_create
from annotations.models import IGNORE_INDEX, Annotation, Assignment, Campaign, Task
from annotations.queue import task_lease
from reticle.accounts.models import User
from reticle.images.models import Image
from reticle.pixels.mask import pack
from training import fit, gain, jobs, pool, predict, unreadable
from training.models import ModelVersion, Prediction, Snapshot, TrainingRun

CLASSES = [{"index": 1, "name": "lesion"}]


def champion(campaign: Campaign, number: int = 1) -> ModelVersion:
    """A champion without weights; the one before it is retired."""
    campaign.models.filter(state="champion").update(state=ModelVersion.State.RETIRED)
    run = TrainingRun.objects.create(campaign=campaign, state=TrainingRun.State.SUCCEEDED)
    return ModelVersion.objects.create(
        campaign=campaign, number=number, run=run, weights_sha256="0" * 64,
        card={"classes": CLASSES}, state=ModelVersion.State.CHAMPION,
    )  # fmt: skip


def score(model: ModelVersion, task: Task, value: float | None, **fields: object) -> None:
    rng = np.random.default_rng(task.pk)
    values: dict[str, object] = {
        "measures": {"margin": value, "bald": value},
        "class_scores": {"lesion": value},
        "embedding": rng.random(6).astype("<f4").tobytes(),
        "gradient": rng.random(12).astype("<f4").tobytes(),
        "packed": pack(make.mask()),
    }
    Prediction.objects.create(
        model=model, image_id=task.image_id, score=value, **{**values, **fields}
    )


def waiting(campaign: Campaign) -> list[Task]:
    return list(pool.open_tasks(campaign).order_by("-priority", "id"))


@pytest.fixture
def campaign() -> Campaign:
    manager = make.user("manager")
    return make.campaign(manager, patients=6, per_patient=4)


@pytest.mark.django_db
@pytest.mark.parametrize("strategy", Campaign.Strategy.values)
def test_every_strategy_gives_every_open_case_one_place(campaign: Campaign, strategy: str) -> None:
    """Ties, no scores and unknown scores among them."""
    Campaign.objects.filter(pk=campaign.pk).update(strategy=strategy)
    model = champion(campaign)
    for number, task in enumerate(waiting(campaign)):
        if number % 5 == 4:
            continue  # not scored yet
        value = None if number % 5 == 3 else round(number / 9) / 3
        score(model, task, value, **({"measures": {}} if number % 5 == 2 else {}))
    published = predict.scores_publish(model=model)
    tasks = list(campaign.tasks.filter(state="open").order_by("-priority"))
    assert published == len(tasks)
    assert [task.priority for task in tasks] == [-place for place in range(1, len(tasks) + 1)]
    assert {task.priority_from["place"] for task in tasks} == set(range(1, len(tasks) + 1))
    named = [t for t in tasks if t.priority_from["share"] in {"model", "random"}]
    assert {t.priority_from["model_number"] for t in named} == {1}
    last = [t.priority_from["share"] for t in tasks if not t.held_out][-len(tasks) // 6 :]
    assert "order" in last, "cases without any score come last"


@pytest.mark.django_db
def test_the_most_uncertain_case_of_the_stored_scores_is_served_first(campaign: Campaign) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(strategy="margin", random_share=0.0)
    model = champion(campaign)
    tasks = waiting(campaign)
    for number, task in enumerate(tasks):
        score(model, task, number / 100)
    predict.scores_publish(model=model)
    head = waiting(campaign)[0]
    assert head.pk == tasks[-1].pk
    assert head.priority_from["score"] == pytest.approx((len(tasks) - 1) / 100)


@pytest.mark.django_db
def test_unless_said_otherwise_rare_classes_are_weighted_up() -> None:
    manager = make.user("manager")
    made = make.campaign(manager, patients=12, per_patient=1, random_share=0.0)
    assert made.strategy == "class_balanced"
    model = champion(made)
    *most, rare, unknown = waiting(made)
    for number, task in enumerate(most):
        value = 0.5 + number / 100
        score(model, task, value, class_scores={"grey": value, "white": 1e-4})
    score(model, rare, 0.4, class_scores={"grey": 0.4, "white": 1e-2})
    score(model, unknown, None, class_scores={})
    predict.scores_publish(model=model)
    order = waiting(made)
    assert [task.pk for task in order] == [rare.pk, *(task.pk for task in most[::-1]), unknown.pk]
    assert order[0].priority_from["strategy"] == "class_balanced"
    assert order[-1].priority_from["score"] is None


@pytest.mark.django_db
def test_a_score_that_the_champion_has_not_renewed_is_used_and_says_whose_it_is(
    campaign: Campaign,
) -> None:
    first = champion(campaign)
    tasks = waiting(campaign)
    for task in tasks:
        score(first, task, 0.2)
    second = champion(campaign, 2)
    for task in tasks[:3]:
        score(second, task, 0.4)
    predict.scores_publish(model=second)
    found = {task.pk: task.priority_from for task in waiting(campaign)}
    assert {found[task.pk]["model_number"] for task in tasks[:3]} == {2}
    assert {found[task.pk]["model_number"] for task in tasks[3:]} == {1}
    assert all(why["scored_at"] for why in found.values())


@pytest.mark.django_db
def test_after_a_rollback_the_champions_own_scores_count(campaign: Campaign) -> None:
    first = champion(campaign)
    tasks = waiting(campaign)
    for task in tasks:
        score(first, task, 0.2)
    second = champion(campaign, 2)
    for task in tasks:
        score(second, task, 0.9)
    second.state = ModelVersion.State.RETIRED
    second.save()
    first.state = ModelVersion.State.CHAMPION
    first.save()
    predict.scores_publish(model=first)
    assert {task.priority_from["model_number"] for task in waiting(campaign)} == {1}


@pytest.mark.django_db
def test_while_a_new_champion_scores_the_order_before_stands(campaign: Campaign) -> None:
    first = champion(campaign)
    for task in waiting(campaign):
        score(first, task, 0.2)
    predict.scores_publish(model=first)
    before = [(task.pk, task.priority_from["model_number"]) for task in waiting(campaign)]
    second = champion(campaign, 2)
    for task in waiting(campaign)[:5]:
        score(second, task, 0.9)  # a chunk of many
    assert [(t.pk, t.priority_from["model_number"]) for t in waiting(campaign)] == before
    assert predict.scores_publish(model=first) == 0, "it is champion no more"
    assert [(t.pk, t.priority_from["model_number"]) for t in waiting(campaign)] == before


@pytest.mark.django_db
def test_labelled_cases_are_scored_and_held_out_ones_never(campaign: Campaign) -> None:
    model = champion(campaign)
    settled = waiting(campaign)[0]
    Task.objects.filter(pk=settled.pk).update(state=Task.State.EXCLUDED)
    wanted = set(pool.unscored(model).values_list("id", flat=True))
    assert wanted == {task.pk for task in waiting(campaign)}
    assert not campaign.tasks.filter(pk__in=wanted, held_out=True).exists()


@pytest.mark.django_db
def test_in_a_large_pool_a_champion_scores_a_part_and_the_next_one_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "WHOLE", 30)
    monkeypatch.setattr(pool, "HEAD_FRESH", 5)
    campaign = make.campaign(make.user("manager"), patients=20, per_patient=6)
    size = pool.open_tasks(campaign).count()
    step = pool.stride(size)
    assert step == 4
    head = {task.pk for task in campaign.tasks.filter(state="open", priority__gte=-5)}
    parts = []
    for number in range(1, step + 1):
        model = champion(campaign, number)
        wanted = set(pool.unscored(model).values_list("id", flat=True))
        assert len(wanted) <= size / step + 5 + 1
        assert wanted >= {pk for pk in head if not Task.objects.get(pk=pk).held_out}
        parts.append(wanted)
    everything = {task.pk for task in waiting(campaign)}
    assert set.union(*parts) == everything, "after as many champions every case has been scored"


@pytest.mark.parametrize(
    ("size", "step"), [(0, 1), (20_000, 1), (20_001, 2), (40_000, 2), (100_000, 8)]
)
def test_the_part_of_a_pool_that_is_scored_rarely_moves(size: int, step: int) -> None:
    assert pool.stride(size) == step


def at_once(*acts: Callable[[], None]) -> None:
    """Do all acts at once, each on a connection of its own; raises the first failure."""
    start, failures = threading.Barrier(len(acts)), list[BaseException]()

    def safely(act: Callable[[], None]) -> None:
        try:
            start.wait()
            act()
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=safely, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for failure in failures:
        raise failure


@pytest.mark.django_db(transaction=True)
def test_eight_readers_at_once_are_served_the_top_of_the_stored_order() -> None:
    people = [make.user(f"reader-{number}") for number in range(8)]
    made = make.campaign(make.user("manager"), readers=people, patients=12, per_patient=4)
    model = champion(made)
    for number, task in enumerate(waiting(made)):
        value = (number * 7 % 13) / 13
        score(model, task, value, class_scores={"grey": value, "white": 0.3})
    predict.scores_publish(model=model)
    order = list(made.tasks.filter(state="open").order_by("-priority").values_list("id", flat=True))
    served: list[int] = []

    def lease(number: int) -> None:
        own = Campaign.objects.get(pk=made.pk)
        row = task_lease(campaign=own, reader=people[number], slot=Assignment.Slot.CURRENT)
        assert row is not None
        served.append(row.task_id)

    at_once(*(partial(lease, number) for number in range(8)))
    assert sorted(served) == sorted(order[:8])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", [0, 1])
def test_eight_readers_in_rounds_are_served_the_top_while_a_new_order_is_published(
    seed: int,
) -> None:
    """By the order before or the one after, each case is near the top of what is left."""
    people = [make.user(f"reader-{number}") for number in range(8)]
    made = make.campaign(make.user("manager"), readers=people, patients=12, per_patient=6)
    model, rng = champion(made), np.random.default_rng(seed)
    under_way = threading.Event()

    def publish() -> list[int]:
        Prediction.objects.filter(model=model).delete()
        for task in Task.objects.filter(campaign=made, held_out=False):
            value = float(rng.random())
            score(model, task, value, class_scores={"grey": value, "white": 0.3})
        predict.scores_publish(model=model)
        return list(made.tasks.order_by("-priority", "id").values_list("id", flat=True))

    def read(number: int) -> None:
        own = Campaign.objects.get(pk=made.pk)
        for _ in range(5):
            row = task_lease(campaign=own, reader=people[number], slot=Assignment.Slot.CURRENT)
            assert row is not None
            make.submit(row, make.mask())
            under_way.set()

    orders = [publish()]

    def publish_anew() -> None:
        assert under_way.wait(30)
        orders.append(publish())

    at_once(publish_anew, *(partial(read, number) for number in range(8)))
    served = list(Assignment.objects.order_by("id").values_list("task_id", flat=True))
    assert len(served) == len(set(served)) == 40, "a case was served twice"
    for place, task in enumerate(served):
        gone = set(served[:place])
        # Seven others may hold a case that is not in the list of those given out yet.
        tops = [[each for each in order if each not in gone][:8] for order in orders]
        assert any(task in top for top in tops), f"lease {place}"


@pytest.mark.django_db
def test_a_changed_strategy_or_share_orders_the_queue_anew(campaign: Campaign) -> None:
    model = champion(campaign)
    for task in waiting(campaign):
        score(model, task, 0.3)
    predict.scores_publish(model=model)
    assert predict.scoring_claim() is None
    for changes in ({"strategy": "entropy"}, {"random_share": 0.5}):
        Campaign.objects.filter(pk=campaign.pk).update(**changes)
        claimed = predict.scoring_claim()
        assert claimed is not None, changes
        predict.scores_publish(model=claimed)
        assert predict.scoring_claim() is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("strategy", "lacking"),
    [("margin", {"measures": {}}), ("bald", {"measures": {}}), ("badge", {"gradient": None})],
)
def test_a_strategy_that_asks_for_more_has_the_pool_scored_again(
    campaign: Campaign, strategy: str, lacking: dict[str, object]
) -> None:
    model = champion(campaign)
    for task in waiting(campaign):
        score(model, task, 0.3, **lacking)
    assert not pool.unscored(model).exists()
    Campaign.objects.filter(pk=campaign.pk).update(strategy=strategy)
    model.campaign.refresh_from_db()
    assert pool.unscored(model).count() == len(waiting(campaign))


@pytest.mark.django_db
def test_new_images_are_scored_and_take_their_place(campaign: Campaign) -> None:
    model = champion(campaign)
    for task in waiting(campaign):
        score(model, task, 0.3)
    predict.scores_publish(model=model)
    assert predict.scoring_claim() is None
    manager = User.objects.get(username="manager")
    for number in range(8):
        new = make.images(2, patient=f"new-{number}")
        images_join(actor=manager, campaign=campaign, images=new)
    assert all("model_number" not in t.priority_from for t in waiting(campaign)[-2:])
    claimed = predict.scoring_claim()
    assert claimed is not None, "the pool has grown"
    assert claimed.pk == model.pk
    patients = set(pool.unscored(model).values_list("image__series__study__patient_key", flat=True))
    assert patients, "some of eight new patients are not held out"
    assert all(patient.startswith("new-") for patient in patients)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("of_model", "of_chance", "verdict"),
    [(0.6, 0.1, "more"), (0.1, 0.6, "less"), (0.3, 0.3, "unclear")],
)
def test_what_selection_gains_is_read_from_the_share_of_chance(
    of_model: float, of_chance: float, verdict: str
) -> None:
    """The model drew each case before it was read: how wrong it was is what the case taught."""
    reader = make.user("reader")
    campaign = make.campaign(make.user("manager"), readers=[reader], patients=20, per_patient=3)
    Campaign.objects.filter(pk=campaign.pk).update(random_share=0.5, blind_share=0.0)
    model = champion(campaign)
    for task in waiting(campaign):
        score(model, task, 0.3)
    predict.scores_publish(model=model)
    rng = np.random.default_rng(0)
    for task in waiting(campaign):
        wrong = of_model if task.priority_from["share"] == "model" else of_chance
        drawn = make.mask()
        rows, columns = np.nonzero(drawn)
        missed = rng.random(len(rows)) < wrong
        drawn[rows[missed], columns[missed]] = 0
        Prediction.objects.filter(image_id=task.image_id).update(packed=pack(drawn))
    assert gain.gain_of(campaign)["outcome"] == "too_few"
    make.read(campaign, reader, 50)
    found = gain.gain_of(campaign)
    assert found["outcome"] == verdict
    assert found["model"]["cases"] >= gain.ENOUGH
    assert found["random"]["cases"] >= gain.ENOUGH
    assert found["model"]["seconds"] == pytest.approx(12.5)
    expected = [1 - 2 * (1 - w) / (2 - w) for w in (of_model, of_chance)]  # 1 - Dice of w missed
    assert found["model"]["error"] == pytest.approx(expected[0], abs=0.05)
    assert found["random"]["error"] == pytest.approx(expected[1], abs=0.05)
    assert found["difference"] == pytest.approx(found["model"]["error"] - found["random"]["error"])
    assert found["low"] < found["difference"] < found["high"]
    gain.gain_store(model)
    answer = make.client(User.objects.get(username="manager")).get(
        f"/api/v1/campaigns/{campaign.slug}/learning"
    )
    assert answer.json()["selection"]["outcome"] == verdict


def test_a_gain_that_hangs_on_one_patient_is_unclear() -> None:
    """Thirty slices of a patient are one witness: by case the difference would seem certain."""
    own = [gain.Row(0.9, 1.0, "odd")] * 30 + [
        gain.Row(0.2, 1.0, f"p{number}") for number in range(5) for _ in range(2)
    ]
    chance = [gain.Row(0.2, 1.0, f"p{number}") for number in range(5) for _ in range(8)]
    low, high = gain.interval([own, chance], ["odd", *(f"p{number}" for number in range(5))])
    assert low == pytest.approx(0), "in a third of the draws the odd one is not there"
    assert high > 0.5


def test_the_interval_of_a_gain_equals_a_bootstrap_patient_by_patient() -> None:
    rng = np.random.default_rng(3)
    shares = [
        [gain.Row(float(rng.random()), 1.0, f"p{rng.integers(6)}") for _ in range(20)]
        for _ in range(2)
    ]
    patients = [f"p{number}" for number in range(6)]
    drawn = []
    for _ in range(4000):
        taken = rng.choice(patients, len(patients))
        errors = [[r.error for name in taken for r in rows if r.patient == name] for rows in shares]
        if all(errors):
            drawn.append(np.mean(errors[0]) - np.mean(errors[1]))
    expected = np.quantile(drawn, [0.025, 0.975])
    assert gain.interval(shares, patients) == pytest.approx(expected, abs=0.03)


def annotated(task: Task, **fields: Any) -> Annotation:
    """A label of one lesion, drawn by the manager."""
    author = User.objects.get(username="manager")
    values = {"packed": pack(make.mask()), "sha256": "0" * 64, **fields}
    return Annotation.objects.create(task=task, author=author, key=uuid.uuid4(), **values)


@pytest.mark.django_db
def test_a_class_that_nobody_looked_for_is_no_background(campaign: Campaign) -> None:
    """To what selection gains, and to the floor of the first model."""
    task = waiting(campaign)[0]
    label, drawn = make.mask(), make.mask()
    drawn[20:24] = 2
    looked, unseen = (Annotation(packed=pack(label), unseen=which) for which in ([], [2]))
    assert jobs.drawing_error(looked, task.image, pack(drawn)) > 0
    assert jobs.drawing_error(unseen, task.image, pack(drawn)) == 0
    assert (jobs.judged_truth(looked, task.image) == label).all()
    expected = np.where(label == 0, IGNORE_INDEX, label)
    assert (jobs.judged_truth(unseen, task.image) == expected).all()

    for unlooked, said in (([], label), ([2], expected)):
        stored = annotated(task, unseen=unlooked)
        manifest = {"training": [{"annotation": stored.pk}]}
        (judged,) = fit._masks(Snapshot(manifest=manifest), "training")
        assert (judged == said).all()


@pytest.mark.django_db
def test_the_floor_of_a_first_model_on_images_of_several_sizes_is_the_flat_mask(
    campaign: Campaign,
) -> None:
    wide = make.images(1, patient="wide", columns=64)
    images_join(actor=User.objects.get(username="manager"), campaign=campaign, images=wide)
    other = annotated(campaign.tasks.get(image=wide[0]), packed=pack(make.mask(columns=64)))
    rows = [{"annotation": row.pk} for row in (annotated(waiting(campaign)[0]), other)]
    manifest = {"classes": CLASSES, "training": rows, "held_out": rows}
    counted = {"lesion": {"tp": 1, "fp": 0, "fn": 0}}
    # Of a class that too few cases show nothing is compared, nor does its floor count.
    flat = {"lesion": 0.25, "rare": 0.0}
    report = {"cases": [{"classes": counted}] * 3, "majority_by_class": flat}
    assert fit._majority(Snapshot(manifest=manifest), report) == 0.25
    manifest["training"] = manifest["held_out"] = rows[:1]
    assert fit._majority(Snapshot(manifest=manifest), report) == 1.0


@pytest.mark.django_db
def test_cases_unlike_the_others_are_named() -> None:
    campaign = make.campaign(make.user("manager"), patients=15, per_patient=4)
    model = champion(campaign)
    rng = np.random.default_rng(3)
    tasks = waiting(campaign)
    for number, task in enumerate(tasks):
        far = 12.0 if number == 7 else 1.0
        score(model, task, 0.3, embedding=(rng.normal(size=6) * far).astype("<f4").tobytes())
    predict.scores_publish(model=model)
    model.refresh_from_db()
    assert [row["image"] for row in model.unfamiliar] == [tasks[7].image_id]


def blob(image: Image) -> Path:
    return Path(settings.BLOB_FOLDER) / image.sha256[:2] / f"{image.sha256}.gz"


@pytest.mark.django_db
def test_each_image_of_a_chunk_is_read_once_and_what_is_damaged_is_left_out(
    campaign: Campaign, settings: Settings, tmp_path: Path
) -> None:
    """A beat each keeps the claim meanwhile."""
    settings.HEARTBEAT_SECONDS = 0
    model = champion(campaign)
    images = [task.image for task in waiting(campaign)[:8]]
    whole = blob(images[0]).read_bytes()
    blob(images[0]).unlink()
    blob(images[2]).write_bytes(whole[: len(whole) // 2])
    blob(images[4]).write_bytes(b"something else")
    blob(images[6]).write_bytes(whole[:20] + bytes(40) + whole[60:])
    beats: list[int] = []

    def beat() -> bool:
        beats.append(1)
        return True

    assert predict._chunk_write(model, tmp_path / "chunk", images, beat)
    assert len(beats) == len(images)
    model.refresh_from_db()
    assert model.unreadable == [image.pk for image in images[::2]]
    rows = json.loads((tmp_path / "chunk" / "examples.json").read_text())
    assert [row["id"] for row in rows] == [str(image.pk) for image in images[1::2]]
    assert not predict._chunk_write(model, tmp_path / "lost", images[::2], beat)
    with pytest.raises(jobs.ChildStopped):
        predict._chunk_write(model, tmp_path / "stopped", images[1::2], lambda: False)


@pytest.mark.django_db
def test_images_that_could_not_be_read_are_named_with_the_files_they_came_in(
    campaign: Campaign,
) -> None:
    gone, again = (task.image for task in waiting(campaign)[:2])
    model = champion(campaign)
    model.unreadable = [again.pk, gone.pk]
    model.save()
    blob(gone).unlink()
    sent = import_create(
        campaign=campaign, actor=None, source="upload", files=[("scan-5.png", Path("scan-5.png"))]
    )
    sent.intake.items.update(images=[gone.pk])
    rows = {row["image"]: row for row in unreadable.unreadable_of(campaign)}
    assert set(rows) == {gone.pk, again.pk}
    parts = ("problem", "file", "import_id", "import_number")
    assert [rows[gone.pk][part] for part in parts] == ["missing", "scan-5.png", sent.pk, 1]
    assert [rows[again.pk][part] for part in parts] == ["none", "", None, None]


@pytest.mark.django_db
def test_a_storage_that_fails_says_nothing_of_the_image(campaign: Campaign, tmp_path: Path) -> None:
    model = champion(campaign)
    image = waiting(campaign)[0].image
    blob(image).unlink()
    blob(image).mkdir()  # reading it is an error of the system's
    with pytest.raises(IsADirectoryError):
        predict._chunk_write(model, tmp_path / "chunk", [image], lambda: True)
    model.refresh_from_db()
    assert model.unreadable == []
