"""While a champion stays, readers go on getting its suggestions, by the policy that holds now."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

import make
from annotations.models import Assignment, Campaign, Suggestion, SuggestionMap, Task
from annotations.queue import lease_release
from locks import wait_until, waits_for_a_lock
from reticle import storage
from reticle.accounts.models import User
from reticle.audit.models import AuditEvent
from reticle.images.models import Image
from reticle.pixels.mask import pack, unpack
from training import ahead, maps, pool, predict, promote, tasks
from training.models import ModelVersion, Prediction, TrainingRun
from training.snapshot import snapshot_take

pytestmark = pytest.mark.django_db
HEAD = 8
BOTH = make.mask(1)
BOTH[14:20, 6:20] = 2


@pytest.fixture(autouse=True)
def small_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "HEAD", HEAD)
    monkeypatch.setattr(predict, "HEAD_SERIES", 2)


def campaign_of(readers: Sequence[User], **fields: Any) -> Campaign:
    values = {"patients": 13, "per_patient": 3, "blind_share": 0.0, **fields}
    return make.campaign(
        make.user("manager"), readers=readers, training={"enabled": 0}, **values
    )  # fmt: skip


def published(campaign: Campaign) -> ModelVersion:
    """A champion that drew both classes on every case, is good at the first, and was published."""
    run = TrainingRun.objects.create(campaign=campaign, state=TrainingRun.State.SUCCEEDED)
    model = ModelVersion.objects.create(
        campaign=campaign, number=1, run=run, weights_sha256="0" * 64,
        card={"classes": [{"index": 1, "name": "grey"}, {"index": 2, "name": "white"}]},
    )  # fmt: skip
    report = {"mean_dice": 0.7, "classes": {"grey": {"dice": 0.8}, "white": {"dice": 0.6}}}
    snapshot = snapshot_take(campaign=campaign)
    promote.evaluation_store(model=model, snapshot_id=snapshot.pk, report=report)
    promote.model_promote(model=model, actor=User.objects.get(username="manager"), reason="test")
    for task in pool.open_tasks(campaign):
        Prediction.objects.create(
            model=model, image_id=task.image_id, packed=pack(BOTH), score=task.pk / 1000,
            class_scores={"grey": 0.5}, measures={},
        )  # fmt: skip
    model.refresh_from_db()
    assert predict.scores_publish(model=model) > HEAD
    campaign.refresh_from_db()
    return model


def queries_of(table: str, queries: Sequence[dict[str, str]]) -> int:
    return sum(f'"{table}"' in query["sql"] for query in queries)


def read_next(campaign: Campaign, reader: User) -> Assignment:
    """Lease and hand in the next case that is not held out."""
    row = make.lease(campaign, reader)
    make.submit(row)
    return read_next(campaign, reader) if row.task.held_out else row


def made() -> list[int]:
    """How many suggestions each look at what comes next has made."""
    rows = AuditEvent.objects.filter(action="queue.suggest").order_by("id")
    return [event.detail["suggestions"] for event in rows]


def test_a_champion_that_stays_suggests_to_the_end_of_its_pool() -> None:
    reader = make.user("reader")
    campaign = campaign_of([reader])
    published(campaign)
    waiting = pool.open_tasks(campaign).count()
    assert Suggestion.objects.count() == HEAD < waiting / 3
    for _ in range(waiting):
        tasks.tick()
        assert read_next(campaign, reader).suggestion is not None
    assert Suggestion.objects.count() == waiting
    assert sum(made()) == waiting - HEAD
    assert len(made()) <= waiting / (HEAD / 2), "not one by one"


def test_as_long_as_half_of_what_comes_is_suggested_nothing_is_made() -> None:
    reader = make.user("reader")
    campaign = campaign_of([reader])
    published(campaign)
    for _ in range(HEAD // 2):
        read_next(campaign, reader)
    tasks.tick()
    assert made() == []
    read_next(campaign, reader)
    tasks.tick()
    assert made() == [HEAD // 2 + 1]
    assert Suggestion.objects.filter(task__held_out=True).count() == 0


def test_a_model_that_is_good_at_nothing_is_not_asked_what_comes_next() -> None:
    campaign = campaign_of([], suggestion_dice=0.9)
    published(campaign)
    assert not Suggestion.objects.exists()
    with CaptureQueriesContext(connection) as asked:
        assert ahead.suggestions_make() == 0
    assert not queries_of("annotations_task", asked.captured_queries)
    assert not [query for query in asked.captured_queries if '"report",' in query["sql"]]
    change(campaign, suggestion_dice=0.5)
    assert ahead.suggestions_make() == HEAD


def test_what_goes_wrong_in_one_campaign_keeps_no_other_waiting() -> None:
    first = campaign_of([])
    broken = published(first)
    second = make.campaign(
        User.objects.get(username="manager"), slug="other", patients=12, training={"enabled": 0}
    )
    published(second)
    Suggestion.objects.all().delete()
    Prediction.objects.filter(model=broken).update(packed=b"no mask")
    tasks.tick()
    assert set(Suggestion.objects.values_list("task__campaign__slug", flat=True)) == {"other"}


@pytest.mark.django_db(transaction=True)
def test_a_campaign_that_is_being_written_is_not_waited_for() -> None:
    campaign = campaign_of([])
    published(campaign)
    Suggestion.objects.all().delete()
    made: list[int] = []

    def look() -> None:
        try:
            made.append(ahead.suggestions_make())
        finally:
            connection.close()

    with transaction.atomic():
        Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
        other = threading.Thread(target=look)
        other.start()
        other.join(timeout=30)
        waited = other.is_alive()
    other.join()
    assert (waited, made) == (False, [0])
    assert ahead.suggestions_make() == HEAD


@pytest.mark.parametrize("unit", ["image", "series"])
def test_what_comes_next_is_looked_at_by_its_keys_in_one_statement_a_reader(unit: str) -> None:
    people = [make.user(f"reader-{number}") for number in range(3)]
    campaign = campaign_of(people, readers_per_task=3, unit=unit)
    model = published(campaign)
    for person in people:
        make.lease(campaign, person)
    for look in (ahead._wanted, maps._wanted):
        with CaptureQueriesContext(connection) as asked:
            assert look(model) is not None
        found = asked.captured_queries
        heads = [query["sql"] for query in found if '"image_id"' in query["sql"].split("FROM")[0]]
        assert not [sql for sql in heads if "sha256" in sql or "packed" in sql]
        assert len(found) <= 3 + (1 + len(people)) * (2 if unit == "series" else 1)


def test_readers_who_went_home_are_not_looked_at_and_of_many_those_who_took_a_case_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "READERS", 2)
    people = [make.user(f"reader-{number}") for number in range(4)]
    campaign = campaign_of(people, readers_per_task=4)
    rows = [make.lease(campaign, person) for person in people]
    for number, row in enumerate(rows):
        begun = now() - timedelta(minutes=number)
        Assignment.objects.filter(pk=row.pk).update(leased_at=begun)
    tasks_read = [row.task_id for row in rows]
    assert pool.readers_past(campaign, tasks_read) == [people[0].pk, people[1].pk]
    Assignment.objects.filter(pk=rows[0].pk).update(leased_until=now() - timedelta(seconds=1))
    assert pool.readers_past(campaign, tasks_read) == [people[1].pk, people[2].pk]


def test_who_reads_or_skips_ahead_of_others_gets_suggestions_too() -> None:
    """The cases they have done with stay open for others, at the head of the queue."""
    people = [make.user("first"), make.user("second")]
    campaign = campaign_of(people, readers_per_task=2)
    published(campaign)
    for number in range(2 * HEAD):
        row = make.lease(campaign, people[0])
        if number % 2:
            lease_release(assignment=row, token=row.token, reason="blurred")
        else:
            make.submit(row)
    row = make.lease(campaign, people[0])
    tasks.tick()
    assert read_next(campaign, people[0])
    assert read_next(campaign, people[0]).suggestion is not None
    assert read_next(campaign, people[1]).suggestion is not None


def test_whole_series_go_on_being_suggested() -> None:
    reader = make.user("reader")
    campaign = campaign_of([reader], unit="series")
    published(campaign)
    assert Suggestion.objects.count() == 2 * 3
    seen = []
    while pool.open_tasks(campaign).exists():
        tasks.tick()
        row = make.lease(campaign, reader)
        seen += [] if row.task.held_out else [row.suggestion]
        lease_release(assignment=row, token=row.token, reason="next")
        Task.objects.filter(assignments__reader=reader).update(state=Task.State.EXCLUDED)
    assert len(seen) > 4
    assert None not in seen


def test_who_reads_ahead_of_others_gets_maps_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "AHEAD", 2)
    people = [make.user("first"), make.user("second")]
    campaign = campaign_of(people, readers_per_task=2)
    model = published(campaign)
    order = Suggestion.objects.order_by("-task__priority", "task_id").values_list("pk", flat=True)
    Suggestion.objects.filter(pk__in=list(order[:2])).update(maps_at=Now())
    assert maps.maps_claim() is None
    for _ in range(3):
        read_next(campaign, people[0])
    make.lease(campaign, people[0])
    assert maps.maps_claim() == model


def test_cases_that_were_damaged_since_they_were_scored_keep_no_others_from_their_maps() -> None:
    model = published(campaign_of([]))
    ModelVersion.objects.update(weights_sha256=storage.put(b"weights"))
    Image.objects.update(sha256="0" * 64)
    claimed = maps.maps_claim()
    assert claimed == model
    assert maps.maps_run(claimed) == 0
    assert not Suggestion.objects.filter(maps_at=None).exists()
    model.refresh_from_db()
    assert model.scoring_until is None, "nothing failed"


def test_a_model_that_was_scored_while_suggestions_were_off_suggests_once_they_are_on() -> None:
    reader = make.user("reader")
    campaign = campaign_of([reader], suggestions=False)
    published(campaign)
    tasks.tick()
    assert not Suggestion.objects.exists()
    change(campaign, suggestions=True)
    tasks.tick()
    assert Suggestion.objects.count() == HEAD
    assert read_next(campaign, reader).suggestion is not None


def change(campaign: Campaign, **changes: object) -> None:
    client = make.client(User.objects.get(username="manager"))
    answer = client.patch(f"/api/v1/campaigns/{campaign.slug}", changes, format="json")
    assert answer.status_code == 200, answer.content
    campaign.refresh_from_db()


def drawn(row: Suggestion) -> set[int]:
    return set(np.unique(unpack(bytes(row.packed), make.ROWS, make.COLUMNS)).tolist()) - {0}


def test_a_raised_threshold_takes_its_classes_from_what_nobody_was_offered_yet() -> None:
    reader = make.user("reader")
    campaign = campaign_of([reader])
    published(campaign)
    held = make.lease(campaign, reader)
    while held.task.held_out:
        make.submit(held)
        held = make.lease(campaign, reader)
    offered = held.suggestion
    assert offered is not None
    assert all(drawn(row) == {1, 2} for row in Suggestion.objects.all())
    change(campaign, suggestion_dice=0.7)
    assert list(Suggestion.objects.all()) == [offered], "it is what its reader sees"
    tasks.tick()
    others = Suggestion.objects.exclude(pk=offered.pk)
    assert others.count() == HEAD
    assert all(drawn(row) == {1} for row in others)
    make.submit(held)
    assert read_next(campaign, reader).suggestion in others
    change(campaign, suggestion_dice=0.7, blind_share=0.5)
    assert Suggestion.objects.count() == HEAD + 1, "nothing is taken away without need"


@pytest.mark.django_db(transaction=True)
def test_a_case_that_is_leased_while_the_threshold_is_raised_keeps_its_suggestion() -> None:
    reader = make.user("reader")
    campaign = campaign_of([reader])
    published(campaign)

    def raise_threshold() -> None:
        try:
            change(Campaign.objects.get(pk=campaign.pk), suggestion_dice=0.7)
        finally:
            connection.close()

    other = threading.Thread(target=raise_threshold)
    with transaction.atomic():
        row = make.lease(campaign, reader)
        other.start()
        other.join()
    assert row.suggestion is not None
    assert list(Suggestion.objects.all()) == [row.suggestion]


@pytest.mark.django_db(transaction=True)
def test_the_threshold_is_changed_while_maps_are_stored(tmp_path: Path) -> None:
    campaign = campaign_of([])
    model = published(campaign)
    row = Suggestion.objects.all()[0]
    np.savez(tmp_path / "maps.npz", uncertainty=make.mask(9), targets=np.zeros(0, int))

    def raise_threshold() -> None:
        try:
            change(Campaign.objects.get(pk=campaign.pk), suggestion_dice=0.7)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            maps.maps_keep(row, tmp_path / "maps.npz", model)
            changed = threads.submit(raise_threshold)
            wait_until(lambda: changed.done() or waits_for_a_lock())
        changed.result(timeout=20)
    assert not Suggestion.objects.exists()
    assert not SuggestionMap.objects.exists()


def test_maps_of_a_suggestion_that_was_taken_away_meanwhile_are_let_go(tmp_path: Path) -> None:
    model = published(campaign_of([]))
    row = Suggestion.objects.all()[0]
    Suggestion.objects.filter(pk=row.pk).delete()
    np.savez(tmp_path / "maps.npz", uncertainty=make.mask(9))
    maps.maps_keep(row, tmp_path / "maps.npz", model)
    assert not SuggestionMap.objects.exists()
