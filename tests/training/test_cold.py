"""Before there is a model: the queue begins with images that differ, where that is asked for."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from django.conf import settings as django_settings
from django.db.models.functions import Now
from pytest_django.fixtures import Settings

import learning
import make
from annotations.campaigns import images_join
from annotations.join import import_create, import_now
from annotations.models import Assignment, Campaign, Task
from kept import Keeper
from reticle import storage
from reticle.accounts.models import User
from reticle.audit.models import AuditEvent
from reticle.images.models import Image
from training import cold, jobs, pool, tasks, trigger
from training.ml.acquire import BATCH
from training.models import ColdOrder, ModelVersion

pytestmark = pytest.mark.django_db
TINY = {"preset": "tiny", "epochs": 1, "minimum_steps": 1}
FIRST = BATCH * 4 // 3  # places that hold a batch by differences, and a quarter by chance
SIDE = 32
ASKING: dict[str, Any] = {
    "kind": "classification", "training": {**TINY, "preset": "classifier"},
    "questions": [{"text": "Quality", "kind": "scale", "low": 1, "high": 3}],
}  # fmt: skip


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.HEARTBEAT_SECONDS, settings.RUN_LEASE_SECONDS = 1, 5


def campaign(**fields: Any) -> Campaign:
    """Thirty patients of two images, to begin by differences."""
    return make.campaign(
        make.user("manager"), patients=30, per_patient=2, readers=[make.user("reader")],
        **{"cold_start": "diversity", "training": TINY, "random_share": 0.25, **fields},
    )  # fmt: skip


def waiting(made: Campaign) -> list[Task]:
    return list(pool.open_tasks(made).select_related("image__series__study").order_by("-priority"))


def patient_of(task: Task) -> str:
    return str(task.image.series.study.patient_key)


def order(made: Campaign) -> list[tuple[int, str]]:
    rows = made.tasks.filter(state="open").order_by("-priority", "id")
    return list(rows.values_list("id", "priority_from__share"))


def shares(made: Campaign) -> set[str]:
    return {share for _, share in order(made)}


def look(image: Image, *, rare: bool) -> None:
    """Noise with a soft light in it; rarely stripes."""
    rng = np.random.default_rng(image.pk)
    ys, xs = np.mgrid[0:SIDE, 0:SIDE]
    light = 900 * np.exp(-((ys - 16) ** 2 + (xs - rng.integers(8, 24)) ** 2) / 60)
    shown = 1200.0 * (xs % 8 < 4) if rare else light
    pixels = (rng.normal(300, 60, (SIDE, SIDE)) + shown).clip(0, 4095).astype("<u2")
    image.sha256, image.rows, image.columns = storage.put(pixels.tobytes()), SIDE, SIDE
    image.save()


def two_looks() -> None:
    """A campaign with four striped images of the two patients whom chance puts last."""
    made = campaign()
    last = {patient_of(task) for task in waiting(made)[-2:]}
    for task in made.tasks.select_related("image__series__study"):
        look(task.image, rare=patient_of(task) in last)


def features_of(made: Campaign) -> dict[int, np.ndarray[tuple[int], np.dtype[np.float32]]]:
    """Made up, for all images of the campaign, held-out ones among them."""
    keys = made.tasks.values_list("image_id", flat=True)
    return {key: np.random.default_rng(key).random(4).astype(np.float32) for key in keys}


def claimed() -> ColdOrder:
    row = cold.cold_claim()
    assert row is not None
    return row


def test_a_campaign_begins_at_random_unless_it_is_told_otherwise() -> None:
    manager = make.user("manager")
    made = make.campaign(manager, patients=24, per_patient=2)
    assert made.cold_start == "random"
    assert cold.cold_claim() is None
    client = make.client(manager)
    door = f"/api/v1/campaigns/{made.slug}"
    assert client.get(f"{door}/learning").json()["cold_order"] is None
    changed = client.patch(door, {"cold_start": "diversity"}, format="json")
    assert changed.json()["settings"]["cold_start"] == "diversity"
    told = client.get(f"{door}/learning").json()["cold_order"]
    assert told == {"ordered_at": None, "error": ""}
    assert claimed().campaign == made
    assert cold.cold_claim() is None, "one worker at a time"


def test_a_small_pool_a_closed_campaign_and_one_with_a_champion_are_left_alone() -> None:
    made = campaign(slug="brain")
    few = make.campaign(User.objects.get(username="manager"), slug="few", tasks=12,
                        cold_start="diversity")  # fmt: skip
    for changes in ({"state": "closed"}, {"champion": {"number": 1, "dice": 0.5}}):
        Campaign.objects.filter(pk=made.pk).update(**changes)
        assert cold.cold_claim() is None, changes
        Campaign.objects.filter(pk=made.pk).update(state="open", champion=None)
    assert claimed().campaign == made
    assert cold.cold_claim() is None
    assert few.tasks.count() == 12


def test_before_there_is_a_model_the_queue_begins_with_what_looks_different(
    keeper: Keeper,
) -> None:
    keeper.have(two_looks)
    made = Campaign.objects.get()
    before = waiting(made)
    striped = {patient_of(task) for task in before[-2:]}
    assert not striped & {patient_of(task) for task in before[:FIRST]}
    tasks.work()
    head = waiting(made)[:FIRST]
    differ = [patient_of(task) for task in head if task.priority_from["share"] == "diversity"]
    assert striped & set(differ), "a look that few images have"
    assert set(differ) - striped, "beside the one that most have"
    assert len(differ) == BATCH
    assert len(set(differ)) >= BATCH - (FIRST - BATCH), "of as many patients, but for chance's part"
    assert sum(task.priority_from["share"] == "random" for task in head) == FIRST - BATCH
    blind = made.tasks.filter(held_out=True)
    assert {task.priority_from["share"] for task in blind} == {"held_out"}

    manager, reader = (User.objects.get(username=name) for name in ("manager", "reader"))
    assert {make.lease(made, reader).why["share"]} <= {"diversity", "random"}
    shown = make.client(manager).get(f"/api/v1/campaigns/{made.slug}/tasks").json()["results"]
    assert "diversity" in {row["why"]["share"] for row in shown}
    told = make.client(manager).get(f"/api/v1/campaigns/{made.slug}/learning").json()["cold_order"]
    assert told["ordered_at"]
    assert not told["error"]
    assert cold.cold_claim() is None, "it is made once"
    event = AuditEvent.objects.get(action="queue.diversity")
    assert event.campaign_id == made.pk


def test_it_gives_way_to_a_training_that_waits(keeper: Keeper) -> None:
    keeper.have(two_looks)
    made = Campaign.objects.get()
    before = order(made)
    run = trigger.run_create(campaign=made, actor=None, reason="labels")
    assert run is not None
    assert cold.cold_run(claimed()) == 0
    assert order(made) == before
    assert claimed().images == 0, "and is taken up another time"


@pytest.mark.parametrize("kind", [{}, ASKING])
def test_a_failure_leaves_the_order_and_is_said_and_not_repeated_in_the_same_pool(
    kind: dict[str, Any],
) -> None:
    made = campaign(**kind)
    manager = User.objects.get(username="manager")
    before = order(made)
    image = pool.open_tasks(made)[0].image
    Image.objects.filter(pk=image.pk).update(spacing_row=-1, spacing_column=1)  # no image has that
    assert cold.cold_run(claimed()) == 0
    assert order(made) == before
    told = make.client(manager).get(f"/api/v1/campaigns/{made.slug}/learning").json()["cold_order"]
    assert told["ordered_at"] is None
    assert "spacing" in told["error"], "what was asked of the network is read before"
    assert cold.cold_claim() is None
    more = [image for n in range(30) for image in make.images(2, patient=f"new-{n}")]
    images_join(actor=manager, campaign=made, images=more)
    assert claimed().campaign == made


def test_a_killed_child_is_tried_again_and_not_for_ever() -> None:
    campaign()
    for _ in range(1 + cold.DEATHS):
        row = claimed()
        folder = Path(django_settings.RUN_FOLDER) / f"cold-{row.pk}-{row.token}"
        with learning.killed_after(folder / "job" / "examples.json", folder / "model"):
            assert cold.cold_run(row) == 0
    assert cold.cold_claim() is None
    assert ColdOrder.objects.get().error != ""


def test_an_image_that_is_gone_is_said_and_not_tried_for_ever() -> None:
    made = campaign()
    image = pool.open_tasks(made)[0].image
    Image.objects.filter(pk=image.pk).update(sha256="0" * 64)
    assert cold.cold_run(claimed()) == 0
    assert "missing" in ColdOrder.objects.get().error
    assert cold.cold_claim() is None


def test_a_worker_whose_claim_ran_out_while_it_wrote_stops_and_one_that_writes_keeps_it() -> None:
    campaign()
    row = claimed()
    ColdOrder.objects.update(claimed_until=Now())
    examples = [jobs.Example(image=Image(), patient="") for _ in range(2)]
    assert len(list(jobs.beating(examples, lambda: cold._beat(row), 0))) == 2
    assert cold.cold_claim() is None, "the claim was prolonged"
    ColdOrder.objects.update(claimed_until=Now())
    assert claimed().token == row.token + 1
    with pytest.raises(jobs.ChildStopped):
        list(jobs.beating(examples, lambda: cold._beat(row), 0))


def test_a_campaign_that_goes_back_to_chance_has_its_order_by_chance_again() -> None:
    made = campaign()
    before = [task for task, _ in order(made)]
    cold.cold_publish(row=claimed(), features=features_of(made), images=48)
    assert "diversity" in shares(made)
    tasks.tick()
    assert "diversity" in shares(made), "it is still asked for"
    door = f"/api/v1/campaigns/{made.slug}"
    client = make.client(User.objects.get(username="manager"))
    assert client.patch(door, {"cold_start": "random"}, format="json").status_code == 200
    tasks.tick()
    assert shares(made) == {"order", "held_out"}
    assert sorted(task for task, _ in order(made)) == sorted(before)
    assert AuditEvent.objects.get(action="queue.chance").campaign_id == made.pk
    client.patch(door, {"cold_start": "diversity"}, format="json")
    assert claimed().campaign == made, "asked for again, it is made again"


def test_leases_and_held_out_cases_are_left_alone() -> None:
    made = campaign(blind_share=0.0)
    row = make.lease(made, User.objects.get(username="reader"))
    held = Assignment.objects.values().get(pk=row.pk)
    assert cold.cold_publish(row=claimed(), features=features_of(made), images=48)
    assert Assignment.objects.values().get(pk=row.pk) == held
    blind = set(made.tasks.filter(held_out=True).values_list("id", flat=True))
    assert {share for pk, share in order(made) if pk in blind} == {"held_out"}
    places = [task.priority for task in made.tasks.filter(state="open").order_by("-priority")]
    assert places == [-place for place in range(1, len(places) + 1)]


def test_images_that_join_later_come_behind_those_that_differ(tmp_path: Path) -> None:
    made = campaign()
    cold.cold_publish(row=claimed(), features=features_of(made), images=48)
    head = [task.pk for task in waiting(made)]
    file = tmp_path / "P-new.png"
    assert cv2.imwrite(str(file), np.full((40, 40), 90, np.uint8))
    import_now(
        import_create(campaign=made, actor=None, source="command", files=[("P-new.png", file)])
    )
    now = [task.pk for task in waiting(made)]
    assert now[: len(head)] == head
    assert len(now) <= len(head) + 1
    assert "diversity" in shares(made)


def test_what_a_champion_or_a_person_decided_meanwhile_counts() -> None:
    made = campaign()
    row = claimed()
    for changes in ({"champion": {"number": 1, "dice": 0.5}}, {"cold_start": "random"}):
        Campaign.objects.filter(pk=made.pk).update(**changes)
        assert cold.cold_publish(row=row, features=features_of(made), images=48) == 0
        Campaign.objects.filter(pk=made.pk).update(champion=None, cold_start="diversity")
    ColdOrder.objects.update(token=row.token + 1)
    assert cold.cold_publish(row=row, features=features_of(made), images=48) == 0
    assert shares(made) == {"order", "held_out"}
    assert not ModelVersion.objects.exists()
