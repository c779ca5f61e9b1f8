"""The queue: the head is served, once, to as many readers as asked for."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils.timezone import now

import make
from annotations import queue
from annotations.campaigns import campaign_set_state, held_out_patients, images_join
from annotations.models import Assignment, Campaign, Suggestion, Task
from annotations.queue import Place, lease_release, lease_renew, order_publish, task_lease
from locks import wait_until, waits_for_a_lock
from reticle.accounts.models import User
from reticle.errors import Conflict
from reticle.pixels.mask import mask_hash, pack

pytestmark = pytest.mark.django_db

CONNECTIONS = 12


def expire(row: Assignment) -> None:
    Assignment.objects.filter(pk=row.pk).update(leased_until=now() - timedelta(seconds=1))


def test_the_head_of_the_stored_order_is_served_with_its_rank() -> None:
    manager, reader = make.user("manager"), make.user("reader")
    campaign = make.campaign(manager, tasks=2, readers=[reader])
    pool = list(campaign.tasks.order_by("id"))
    order_publish(campaign=campaign, pool=[Place(pool[1].pk, {"share": "model", "score": 0.5})])
    row = make.lease(campaign, reader)
    assert row.task_id == pool[1].pk
    assert (row.rank, row.why["place"], row.why["of"]) == (1, 1, 2)
    assert row.why["share"] == "model"


@pytest.mark.django_db(transaction=True)
def test_the_rank_counts_open_cases_before_it_that_the_reader_has_not_had() -> None:
    manager, first, second = make.user("manager"), make.user("first"), make.user("second")
    campaign = make.campaign(manager, tasks=3, readers=[first, second])
    order = [task.pk for task in campaign.tasks.order_by("id")]
    order_publish(campaign=campaign, pool=[Place(pk) for pk in order])
    skipped = make.lease(campaign, first)
    lease_release(assignment=skipped, token=skipped.token, reason="blurred")
    assert make.lease(campaign, first).rank == 1, "what one has skipped is not before one"
    # Another connection is claiming the head: the next one is served, and says so.
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        Task.objects.select_for_update().get(pk=order[0])
        row = pool.submit(_lease_elsewhere, campaign, second).result(timeout=20)
    assert (row.task_id, row.rank) == (order[2], 2)


def _lease_elsewhere(campaign: Campaign, reader: User) -> Assignment:
    try:
        return make.lease(campaign, reader)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_readers_are_served_while_images_join_the_campaign() -> None:
    """A lock that leases wait for would be a deadlock once the order of the tasks is written."""
    manager, reader = make.user("manager"), make.user("reader")
    campaign = make.campaign(manager, tasks=2, readers=[reader])
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        images_join(actor=manager, campaign=campaign, images=make.images(1, patient="new"))
        served = pool.submit(_lease_elsewhere, campaign, reader).result(timeout=20)
    assert served.campaign_id == campaign.pk


@pytest.mark.django_db(transaction=True)
def test_a_reader_is_not_told_that_nothing_is_left_while_the_order_is_written() -> None:
    """All open cases are locked then: they are waited for, and so is one that another claims."""
    manager, reader = make.user("manager"), make.user("reader")
    campaign = make.campaign(manager, tasks=2, readers=[reader])
    wanted = campaign.tasks.order_by("id").last()
    assert wanted is not None
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            order_publish(campaign=campaign, pool=[Place(wanted.pk)])
            asked = pool.submit(_lease_elsewhere, campaign, reader)
            while not asked.done() and not waits_for_a_lock():
                pass
        served = asked.result(timeout=20)
    assert served.task_id == wanted.pk, "the head of the new order"


@pytest.mark.django_db(transaction=True)
def test_a_reader_who_waits_for_one_place_holds_no_other() -> None:
    """Whoever writes an order takes places in turn: a waiter that held one would stop both."""
    manager, reader, other = (make.user(name) for name in ("manager", "reader", "other"))
    campaign = make.campaign(manager, tasks=2, readers=[reader, other])
    head, then = campaign.tasks.order_by("-priority", "id")
    taken, go_on = threading.Event(), threading.Event()

    def take() -> None:
        try:
            with transaction.atomic():
                make.lease(campaign, other)
                taken.set()
                assert go_on.wait(20)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        taking = pool.submit(take)
        assert taken.wait(20)
        with transaction.atomic():
            Task.objects.filter(pk=then.pk).update(priority=-5)
            asked = pool.submit(_lease_elsewhere, campaign, reader)
            wait_until(waits_for_a_lock)  # for the head, which another claims
            go_on.set()
            taking.result(timeout=20)
            wait_until(waits_for_a_lock)  # for the place that is being written here
            Task.objects.filter(pk=head.pk).update(priority=-6)
        served = asked.result(timeout=20)
    assert served.task_id == then.pk


@pytest.mark.django_db(transaction=True)
def test_a_place_that_stays_locked_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queue, "PATIENCE_SECONDS", 1)
    manager, reader = make.user("manager"), make.user("reader")
    campaign = make.campaign(manager, tasks=1, readers=[reader])

    def ask() -> Assignment | None:
        try:
            return task_lease(campaign=campaign, reader=reader, slot=Assignment.Slot.CURRENT)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        Task.objects.select_for_update().get()
        assert pool.submit(ask).result(timeout=30) is None


@pytest.mark.django_db(transaction=True)
def test_a_case_is_served_while_a_suggestion_for_it_is_written() -> None:
    manager, reader = make.user("manager"), make.user("reader")
    campaign = make.campaign(manager, tasks=2, readers=[reader])
    head = campaign.tasks.order_by("-priority").first()
    assert head is not None
    drawn = make.mask()
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        Suggestion.objects.create(
            task=head, model_number=1, packed=pack(drawn), sha256=mask_hash(drawn)
        )
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # as in the moment of the commit
        served = pool.submit(_lease_elsewhere, campaign, reader).result(timeout=20)
    assert (served.task_id, served.rank) == (head.pk, 1)


def test_shuffled_priorities_change_the_order_served() -> None:
    manager = make.user("manager")
    first, second = make.user("first"), make.user("second")
    campaign = make.campaign(manager, tasks=2, readers=[first, second], readers_per_task=2)
    tasks = [task.pk for task in campaign.tasks.order_by("id")]
    order_publish(campaign=campaign, pool=[Place(pk) for pk in tasks])
    assert make.lease(campaign, first).task_id == tasks[0]
    order_publish(campaign=campaign, pool=[Place(pk) for pk in reversed(tasks)])
    assert make.lease(campaign, second).task_id == tasks[1]


def test_asking_again_gives_the_same_case_and_never_a_second_one() -> None:
    manager, reader = make.user("manager"), make.user("reader")
    campaign = make.campaign(manager, tasks=3, readers=[reader])
    assert make.lease(campaign, reader).pk == make.lease(campaign, reader).pk
    assert Assignment.objects.count() == 1


def test_the_prefetched_case_becomes_the_current_one() -> None:
    manager, reader = make.user("manager"), make.user("reader")
    campaign = make.campaign(manager, tasks=3, readers=[reader])
    current, following = make.lease(campaign, reader), make.lease(campaign, reader, "next")
    assert current.task_id != following.task_id
    make.submit(current)
    again = make.lease(campaign, reader)
    assert (again.pk, again.slot) == (following.pk, "current")


def test_an_expired_place_is_free_for_others_by_the_database_clock() -> None:
    manager, slow, quick = make.user("manager"), make.user("slow"), make.user("quick")
    campaign = make.campaign(manager, tasks=1, readers=[slow, quick])
    held = make.lease(campaign, slow)
    assert task_lease(campaign=campaign, reader=quick, slot=Assignment.Slot.CURRENT) is None
    expire(held)
    assert make.lease(campaign, quick).task_id == held.task_id


def test_an_expired_lease_that_nobody_reclaimed_still_accepts_its_submission() -> None:
    manager, reader, other = make.user("manager"), make.user("reader"), make.user("other")
    campaign = make.campaign(manager, tasks=2, readers=[reader, other])
    held = make.lease(campaign, reader)
    expire(held)
    taken = make.lease(campaign, other)  # expires the first lease, may take that very task
    lease_release(assignment=taken, token=taken.token, reason="not mine")
    assert make.submit(held).task.state == Task.State.SETTLED


def test_an_expired_lease_comes_back_to_its_reader_when_free() -> None:
    manager, reader = make.user("manager"), make.user("reader")
    campaign = make.campaign(manager, tasks=2, readers=[reader])
    held = make.lease(campaign, reader)
    expire(held)
    again = make.lease(campaign, reader)
    assert again.pk == held.pk
    assert again.token != held.token
    assert Task.objects.get(pk=held.task_id).taken == 1


def test_of_two_leases_that_ran_out_the_case_at_hand_comes_back_as_such() -> None:
    manager, reader = make.user("manager"), make.user("reader")
    campaign = make.campaign(manager, tasks=3, readers=[reader])
    ahead, at_hand = make.lease(campaign, reader), make.lease(campaign, reader, "next")
    for row, slot in ((ahead, "swap"), (at_hand, "current"), (ahead, "next")):
        Assignment.objects.filter(pk=row.pk).update(slot=slot)
    for row in (ahead, at_hand):
        expire(row)
    assert make.lease(campaign, reader, "current").pk == at_hand.pk
    assert make.lease(campaign, reader, "next").pk == ahead.pk


def test_a_skipped_case_goes_to_another_reader_and_never_back() -> None:
    manager, first, second = make.user("manager"), make.user("first"), make.user("second")
    campaign = make.campaign(manager, tasks=1, readers=[first, second])
    row = make.lease(campaign, first)
    lease_release(assignment=row, token=row.token, reason="blurred")
    assert task_lease(campaign=campaign, reader=first, slot=Assignment.Slot.CURRENT) is None
    assert make.lease(campaign, second).task_id == row.task_id


def test_a_closed_campaign_hands_out_nothing() -> None:
    manager, reader = make.user("manager"), make.user("reader")
    campaign = make.campaign(manager, tasks=1, readers=[reader], opened=False)
    with pytest.raises(Conflict, match="not open"):
        make.lease(campaign, reader)


def test_a_lost_lease_says_what_became_of_the_case() -> None:
    manager, reader = make.user("manager"), make.user("reader")
    campaign = make.campaign(manager, tasks=3, readers=[reader])
    held = [make.lease(campaign, reader), make.lease(campaign, reader, "next")]
    make.submit(held[0])
    lease_release(assignment=held[1], token=held[1].token, reason="blurred")
    held.append(make.lease(campaign, reader))
    campaign_set_state(actor=manager, campaign=campaign, state=Campaign.State.CLOSED)
    codes = []
    for row in held:
        again = Assignment.objects.select_related("campaign").get(pk=row.pk)
        with pytest.raises(Conflict) as caught:
            lease_renew(assignment=again, token=row.token)
        codes.append(caught.value.code)
    assert codes == ["already_submitted", "skipped", "campaign_closed"]


def test_one_early_lease_in_four_is_held_out_and_blind() -> None:
    manager, reader = make.user("manager"), make.user("reader")
    campaign = make.campaign(manager, patients=10, per_patient=8, readers=[reader])
    submissions = make.read(campaign, reader, 16)
    held_out = [done.task.held_out for done in submissions]
    assert held_out == [False, False, False, True] * 4
    blind = Assignment.objects.filter(task__held_out=True)
    assert not blind.exclude(suggestion=None).exists()


def test_held_out_membership_is_by_patient_and_never_changes() -> None:
    manager = make.user("manager")
    campaign = make.campaign(manager, patients=12, per_patient=4)
    found = set(campaign.tasks.values_list("image__series__study__patient_key", "held_out"))
    sides = Counter(patient for patient, _ in found)
    assert max(sides.values()) == 1, "a patient is on both sides"
    assert sum(held_out for _, held_out in found) == 4
    for number in range(12):
        images_join(
            actor=manager, campaign=campaign, images=make.images(2, patient=f"brain-new-{number}")
        )
    after = set(campaign.tasks.values_list("image__series__study__patient_key", "held_out"))
    assert found <= after
    assert sum(held_out for _, held_out in after) == 8


@pytest.mark.parametrize(
    ("patients", "wanted"),
    [(2, 0), (3, 1), (9, 3), (12, 4), (24, 8), (27, 9), (30, 9), (45, 9), (48, 10), (60, 12)],
)
def test_nine_patients_are_held_out_or_a_third_of_few_or_a_fifth_of_many(
    patients: int, wanted: int
) -> None:
    names = [f"P-{number}" for number in range(patients)]
    assert len(held_out_patients({}, names)) == wanted
    known: dict[str, bool] = {}
    for name in names:
        known[name] = name in held_out_patients(known, [name])
    assert sum(known.values()) == wanted, "imported one by one"


@pytest.mark.parametrize("at_once", [1, 3, 5, 15])
def test_a_campaign_that_holds_out_fewer_catches_up_with_every_third_who_joins(
    at_once: int,
) -> None:
    """Thirty patients of whom six are held out, as earlier releases chose them."""
    known = {f"P-{number}": number < 6 for number in range(30)}
    new = [f"new-{number}" for number in range(15)]
    for first in range(0, len(new), at_once):
        joining = new[first : first + at_once]
        chosen = held_out_patients(known, joining)
        assert len(chosen) <= (at_once + 2) // 3, "the others are there to learn from"
        known |= {name: name in chosen for name in joining}
        assert sum(known.values()) == min(9, 6 + (first + at_once) // 3)
    assert sum(known[name] for name in new) == 3


def test_of_five_who_join_a_running_campaign_that_holds_out_six_of_thirty_one_is_held_out() -> None:
    manager = make.user("manager")
    campaign = make.campaign(manager, patients=30)
    moved = campaign.tasks.filter(held_out=True).order_by("id")[:3]
    campaign.tasks.filter(pk__in=[task.pk for task in moved]).update(held_out=False)
    before = set(campaign.tasks.values_list("image_id", "held_out"))
    new = [image for n in range(5) for image in make.images(1, patient=f"new-{n}")]
    images_join(actor=manager, campaign=campaign, images=new)
    assert before <= set(campaign.tasks.values_list("image_id", "held_out"))
    assert campaign.tasks.filter(held_out=True, image__in=new).count() == 1


def test_a_lone_volume_is_held_out_in_three_blocks_with_gaps() -> None:
    manager = make.user("manager")
    campaign = make.campaign(manager, patients=1, per_patient=90)
    marks = [
        "h" if task.held_out else "x" if task.state == "excluded" else "."
        for task in campaign.tasks.order_by("image__index")
    ]
    text = "".join(marks)
    assert text.count("h") == 18
    blocks = [part for part in text.replace(".", " ").split() if part]
    assert blocks == ["xxxxx" + "h" * 6 + "xxxxx"] * 3


def test_new_images_do_not_jump_the_queue() -> None:
    manager, reader = make.user("manager"), make.user("reader")
    campaign = make.campaign(manager, tasks=3, readers=[reader])
    known = set(campaign.tasks.values_list("id", flat=True))
    images_join(actor=manager, campaign=campaign, images=make.images(4, patient="new"))
    assert {make.read(campaign, reader, 1)[0].task.pk for _ in range(3)} == known


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("readers_per_task", [1, 2])
def test_twelve_connections_never_over_serve_a_task(readers_per_task: int) -> None:
    manager = make.user("manager")
    people = [make.user(f"reader-{number}") for number in range(CONNECTIONS)]
    campaign = make.campaign(manager, tasks=60, readers=people, readers_per_task=readers_per_task)
    start = threading.Barrier(CONNECTIONS)
    served: list[tuple[int, int]] = []
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            start.wait()
            own = Campaign.objects.get(pk=campaign.pk)
            while True:
                row = task_lease(campaign=own, reader=people[number], slot=Assignment.Slot.CURRENT)
                if row is None:
                    return
                served.append((row.task_id, people[number].pk))
                make.submit(row)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(set(served)) == len(served), "a task went to the same reader twice"
    per_task = Counter(task for task, _ in served)
    assert len(per_task) == 60
    assert set(per_task.values()) == {readers_per_task}


def test_of_a_blind_case_the_page_says_nothing_of_the_model() -> None:
    reader = make.user("reader")
    campaign = make.campaign(make.user("manager"), patients=4, readers=[reader], blind_share=1.0)
    Campaign.objects.filter(pk=campaign.pk).update(champion={"number": 3, "dice": 0.8})
    campaign.tasks.update(
        held_out=False,
        priority_from={"share": "model", "strategy": "entropy", "score": 0.9, "model_number": 3},
    )
    campaign.refresh_from_db()
    row = make.lease(campaign, reader)
    shown = make.client(reader).get(f"/api/v1/assignments/{row.pk}").json()["why"]
    assert shown.pop("share") == "blind"
    assert set(shown.values()) == {None}
    assert Assignment.objects.get(pk=row.pk).why["strategy"] == "entropy", "kept for the analysis"


def test_a_lone_volume_is_decided_on_by_patient_once_others_join() -> None:
    """As when volumes are imported one by one; once somebody has read nothing changes."""
    manager, reader = make.user("manager"), make.user("reader")
    for slug, read in (("unread", 0), ("read", 1)):
        campaign = make.campaign(manager, slug=slug, patients=1, per_patient=60, readers=[reader])
        make.read(campaign, reader, read)
        before = set(campaign.tasks.values_list("image_id", "held_out"))
        others = [image for n in range(11) for image in make.images(2, patient=f"{slug}-new-{n}")]
        images_join(actor=manager, campaign=campaign, images=others)
        after = set(campaign.tasks.values_list("image_id", "held_out"))
        sides = Counter(
            patient
            for patient, _ in set(
                campaign.tasks.values_list("image__series__study__patient_key", "held_out")
            )
        )
        if read:
            assert before <= after
        else:
            assert max(sides.values()) == 1, "a patient is on both sides"
            assert not campaign.tasks.filter(state=Task.State.EXCLUDED).exists()


def test_campaigns_over_the_same_patients_hold_out_the_same_ones() -> None:
    """A model that begins with the other's weights must not be measured on whom they have seen."""
    manager = make.user("manager")
    shared = [image for n in range(15) for image in make.images(1, patient=f"P-{n}")]
    found = []
    for slug in ("one", "two"):
        campaign = make.campaign(manager, slug=slug)
        images_join(actor=manager, campaign=campaign, images=shared)
        held_out = campaign.tasks.filter(held_out=True)
        found.append(set(held_out.values_list("image_id", flat=True)))
    assert found[0] == found[1]
    assert len(found[0]) == 5
