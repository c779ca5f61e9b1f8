"""Whole series in one reader's hands: leased, held, skipped and handed in together."""

import base64
import json
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from gzip import decompress as gunzip
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

import make
from annotations.api.serializers import FrameOutput
from annotations.campaigns import campaign_change, campaign_set_state
from annotations.models import Annotation, Assignment, Campaign, Draft, Review, Suggestion, Task
from annotations.queue import frames_of, lease_release, lease_renew, task_lease
from annotations.review import annotation_review
from annotations.series import Drawn, series_submit
from annotations.submit import Submission, draft_save
from reticle.accounts.models import User
from reticle.errors import Conflict, Invalid
from reticle.pixels.mask import mask_hash, pack, unpack

FRAMES = 4


def make_world(readers: int = 2, **fields: Any) -> tuple[Campaign, User, list[User]]:
    manager = make.user("manager")
    people = [make.user(f"reader-{n}") for n in range(readers)]
    fields = {"blind_share": 0.0, "unit": "series", **fields}
    campaign = make.campaign(manager, patients=3, per_patient=FRAMES, readers=people, **fields)
    return campaign, manager, people


def drawings(leader: Assignment) -> dict[int, bytes]:
    """Return another drawing for each frame."""
    found = {}
    for number, frame in enumerate(frames_of(leader)):
        drawn = make.mask(1 + number % 2)
        drawn[0, number] = 2
        found[frame.assignment.pk] = pack(drawn)
    return found


def hand_in(leader: Assignment, **changes: Any) -> list[Submission]:
    frames = changes.pop("frames", drawings(leader))
    bases = changes.pop("bases", {})
    values = {
        "token": leader.token, "key": uuid.uuid4(), "seconds": 40.0,
        "frames": {pk: Drawn(packed, bases.get(pk)) for pk, packed in frames.items()}, **changes,
    }  # fmt: skip
    return series_submit(leader=leader, **values)


@pytest.mark.django_db
def test_a_lease_takes_the_whole_series_and_the_next_reader_gets_another() -> None:
    campaign, _, people = make_world()
    rows = [make.lease(campaign, person) for person in people]
    series = []
    for row in rows:
        frames = frames_of(row)
        assert [frame.image.index for frame in frames] == [0, 1, 2, 3]
        assert {frame.assignment.token for frame in frames} == {row.token}
        assert len({frame.image.series_id for frame in frames}) == 1
        series.append(frames[0].image.series_id)
    assert series[0] != series[1]
    assert campaign.tasks.filter(state=Task.State.READING).count() == 2 * FRAMES


@pytest.mark.django_db
def test_the_same_series_comes_again_until_it_is_handed_in() -> None:
    campaign, _, (reader, _) = make_world()
    first = make.lease(campaign, reader)
    ahead = make.lease(campaign, reader, "next")
    assert make.lease(campaign, reader).pk == first.pk
    assert frames_of(ahead)[0].image.series_id != frames_of(first)[0].image.series_id
    hand_in(first)
    assert make.lease(campaign, reader).pk == ahead.pk
    assert len(frames_of(make.lease(campaign, reader))) == FRAMES


@pytest.mark.django_db(transaction=True)
def test_readers_who_ask_at_once_never_share_a_series() -> None:
    campaign, _, people = make_world(readers=3)
    start, found = threading.Barrier(3), dict[int, set[int]]()

    def ask(person: User) -> None:
        start.wait()
        row = task_lease(campaign=campaign, reader=person, slot=Assignment.Slot.CURRENT)
        assert row is not None
        found[person.pk] = {frame.image.series_id for frame in frames_of(row)}
        connection.close()

    threads = [threading.Thread(target=ask, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(len(series) == 1 for series in found.values())
    assert len(set.union(*found.values())) == 3


@pytest.mark.django_db(transaction=True)
def test_a_series_is_served_and_handed_in_while_suggestions_for_it_are_written() -> None:
    campaign, _, (reader, _) = make_world(readers_per_task=2)
    drawn = make.mask()

    def read() -> int:
        try:
            return len(hand_in(make.lease(campaign, reader)))
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        for task in campaign.tasks.order_by("-id"):
            Suggestion.objects.create(
                task=task, model_number=1, packed=pack(drawn), sha256=mask_hash(drawn)
            )
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # as in the moment of the commit
        assert pool.submit(read).result(timeout=20) == FRAMES


@pytest.mark.django_db
def test_all_frames_settle_with_their_own_drawing_and_the_time_is_shared() -> None:
    campaign, _, (reader, _) = make_world()
    leader = make.lease(campaign, reader)
    sent = drawings(leader)
    done = hand_in(leader, frames=sent)
    assert len(done) == FRAMES
    for each in done:
        assert each.annotation.assignment_id is not None
        stored = unpack(bytes(each.annotation.packed), make.ROWS, make.COLUMNS)
        wanted = unpack(sent[each.annotation.assignment_id], make.ROWS, make.COLUMNS)
        assert np.array_equal(stored, wanted)
    assert campaign.tasks.filter(state=Task.State.SETTLED).count() == FRAMES
    assert sum(row.seconds_spent for row in Annotation.objects.all()) == pytest.approx(40)


@pytest.mark.django_db
def test_the_same_key_is_the_same_series() -> None:
    campaign, _, (reader, _) = make_world()
    leader, key = make.lease(campaign, reader), uuid.uuid4()
    frames = drawings(leader)
    first = hand_in(leader, key=key, frames=frames)
    again = hand_in(leader, key=key, frames=frames)
    assert [row.annotation.pk for row in again] == [row.annotation.pk for row in first]
    assert all(row.replayed for row in again)
    assert Annotation.objects.count() == FRAMES


@pytest.mark.django_db
@pytest.mark.parametrize("late", [False, True], ids=["in time", "too late"])
def test_a_series_never_drops_a_frames_draft_that_its_sender_does_not_know(late: bool) -> None:
    campaign, _, (reader, _) = make_world()
    leader = make.lease(campaign, reader)
    frame = frames_of(leader)[1].assignment
    draft_save(assignment=frame, sequence=5, packed=pack(make.mask(1)), seconds=3)
    token = uuid.uuid4() if late else leader.token
    with pytest.raises(Conflict) as caught:
        hand_in(leader, token=token, bases=dict.fromkeys(drawings(leader), 0))
    assert caught.value.code == "stale_draft"
    assert caught.value.detail == {"frames": {frame.pk: 5}}
    assert not Annotation.objects.exists()
    kept = Draft.objects.get()
    assert (kept.assignment_id, bytes(kept.packed)) == (frame.pk, pack(make.mask(1)))
    hand_in(leader, bases={**dict.fromkeys(drawings(leader), 0), frame.pk: 5})
    assert not Draft.objects.exists()


@pytest.mark.django_db
def test_a_frame_that_lacks_or_is_wrong_leaves_nothing_behind() -> None:
    campaign, _, (reader, other) = make_world()
    leader, foreign = make.lease(campaign, reader), make.lease(campaign, other)
    frames = drawings(leader)
    last = max(frames)
    fewer = {pk: mask for pk, mask in frames.items() if pk != last}
    wrong = {**frames, last: pack(make.mask(77))}
    for sent in (fewer, {**fewer, foreign.pk: frames[last]}, wrong):
        with pytest.raises(Invalid):
            hand_in(leader, frames=sent)
    assert not Annotation.objects.exists()
    assert len(hand_in(leader, frames=frames)) == FRAMES


@pytest.mark.django_db
def test_a_frame_alone_is_neither_held_nor_skipped_nor_handed_in() -> None:
    campaign, _, (reader, _) = make_world()
    leader = make.lease(campaign, reader)
    companion = frames_of(leader)[1].assignment
    if companion.pk == leader.pk:
        companion = frames_of(leader)[2].assignment
    refusals: list[Callable[[], object]] = [
        lambda: make.submit(companion),
        lambda: make.submit(leader),
        lambda: hand_in(companion),
        lambda: lease_renew(assignment=companion, token=companion.token),
        lambda: lease_release(assignment=companion, token=companion.token, reason="unsure"),
    ]
    for refused in refusals:
        with pytest.raises(Conflict) as found:
            refused()
        assert found.value.code == "part_of_series"


@pytest.mark.django_db
def test_a_skipped_series_goes_to_somebody_else_whole() -> None:
    campaign, _, (reader, other) = make_world()
    leader = make.lease(campaign, reader)
    lease_release(assignment=leader, token=leader.token, reason="quality")
    assert campaign.tasks.filter(state=Task.State.OPEN, taken=0).count() == 3 * FRAMES
    assert make.lease(campaign, reader).task.image.series_id != leader.task.image.series_id
    assert make.lease(campaign, other).task.image.series_id == leader.task.image.series_id


def expire(campaign: Campaign) -> None:
    campaign.assignments.filter(state="held").update(leased_until=now() - timedelta(minutes=1))


@pytest.mark.django_db
def test_an_expired_series_is_taken_up_again_whole_with_its_drafts() -> None:
    campaign, _, (reader, _) = make_world()
    leader = make.lease(campaign, reader)
    second = frames_of(leader)[2].assignment
    draft_save(assignment=second, sequence=4, packed=pack(make.mask(2)), seconds=1)
    expire(campaign)
    again = make.lease(campaign, reader)
    assert again.pk == leader.pk
    frames = frames_of(again)
    assert {frame.assignment.state for frame in frames} == {Assignment.State.HELD}
    assert {frame.assignment.token for frame in frames} == {again.token}
    assert [frame.draft.sequence if frame.draft else 0 for frame in frames] == [0, 0, 4, 0]
    assert len(hand_in(again)) == FRAMES


@pytest.mark.django_db
def test_an_expired_series_that_nobody_took_can_still_be_handed_in_or_renewed() -> None:
    campaign, _, (reader, other) = make_world()
    leader = make.lease(campaign, reader)
    ahead = make.lease(campaign, reader, "next")
    frames = drawings(leader)
    expire(campaign)
    make.lease(campaign, other)  # whoever asks next judges what has expired
    leader.refresh_from_db()
    ahead.refresh_from_db()
    if Task.objects.get(pk=leader.task_id).taken:  # the other reader was given this one
        leader, frames = ahead, drawings(ahead)
    lease_renew(assignment=leader, token=leader.token)
    states = {frame.assignment.state for frame in frames_of(leader)}
    assert states == {Assignment.State.HELD}
    assert len(hand_in(leader, frames=frames)) == FRAMES


@pytest.mark.django_db
def test_what_comes_too_late_is_kept_frame_by_frame() -> None:
    campaign, manager, (reader, _) = make_world()
    leader = make.lease(campaign, reader)
    frames = drawings(leader)
    campaign_set_state(actor=manager, campaign=campaign, state=Campaign.State.CLOSED)
    with pytest.raises(Conflict) as refused:
        hand_in(leader, frames=frames)
    assert refused.value.code == "campaign_closed"
    kept = {draft.assignment_id: bytes(draft.packed) for draft in Draft.objects.all()}
    for pk, sent in frames.items():
        shape = (make.ROWS, make.COLUMNS)
        assert np.array_equal(unpack(kept[pk], *shape), unpack(sent, *shape))


@pytest.mark.django_db
def test_a_frame_that_a_reviewer_returns_comes_back_alone() -> None:
    reviewer = make.user("reviewer")
    campaign, _, (reader, _) = make_world(review="all", reviewers=[reviewer])
    done = hand_in(make.lease(campaign, reader))
    annotation_review(
        annotation=done[2].annotation, reviewer=reviewer, verdict=Review.Verdict.RETURN,
        comment="edge",
    )  # fmt: skip
    again = make.lease(campaign, reader)
    assert (again.task_id, again.round) == (done[2].task.pk, 2)
    assert frames_of(again) == []
    assert not make.submit(again).replayed


@pytest.mark.django_db
def test_suggestions_come_with_every_frame_or_with_none() -> None:
    campaign, _, (reader, other) = make_world(training={"enabled": 0})
    campaign.tasks.update(held_out=False)
    campaign.champion = {"number": 3, "dice": 0.8}
    campaign.save()
    for task in campaign.tasks.all():
        drawn = make.mask(1)
        Suggestion.objects.create(
            task=task, model_number=3, packed=pack(drawn), sha256=mask_hash(drawn)
        )
    shown = frames_of(make.lease(campaign, reader))
    assert all(frame.assignment.suggestion is not None for frame in shown)
    campaign.blind_share = 1.0
    campaign.save()
    blind = frames_of(make.lease(campaign, other))
    assert all(frame.assignment.suggestion is None for frame in blind)


@pytest.mark.django_db
def test_the_doors_give_and_take_a_series() -> None:
    campaign, _, (reader, _) = make_world()
    client = make.client(reader)
    case = client.post(f"/api/v1/campaigns/{campaign.slug}/lease", {}, format="json").json()
    assert len(case["frames"]) == FRAMES
    assert set(case["frames"][0]) == set(FrameOutput().fields)
    assert case["id"] in [frame["assignment"] for frame in case["frames"]]
    mask = base64.b64encode(pack(make.mask())).decode()
    body = {
        "token": case["token"], "key": str(uuid.uuid4()), "seconds": 8,
        "frames": [{"assignment": frame["assignment"], "mask": mask} for frame in case["frames"]],
    }  # fmt: skip
    path = f"/api/v1/assignments/{case['id']}/series"
    answer = client.post(path, body, format="json")
    assert answer.status_code == 201
    assert {row["task_state"] for row in answer.json()["frames"]} == {"settled"}
    assert client.post(path, body, format="json").status_code == 200
    assert client.get(f"/api/v1/assignments/{case['id']}").json()["frames"] == []


@pytest.mark.django_db
def test_what_is_handed_out_is_fixed_once_a_campaign_was_opened() -> None:
    campaign, manager, _ = make_world()
    with pytest.raises(Conflict):
        campaign_change(actor=manager, campaign=campaign, changes={"unit": "image"})
    campaign_change(actor=manager, campaign=campaign, changes={"unit": "series", "name": "Other"})


def suggested(index: int) -> npt.NDArray[np.uint8]:
    """Return what the model draws on the frame of that index."""
    drawn = make.mask(1)
    drawn[0, : index + 1] = 1
    return drawn


def suggest(campaign: Campaign) -> None:
    """Give every frame a suggestion of its own, with two maps."""
    campaign.tasks.update(held_out=False)
    campaign.champion = {"number": 3, "dice": 0.8}
    campaign.save()
    one = pack(make.mask())
    for task in campaign.tasks.select_related("image"):
        drawn = suggested(task.image.index)
        row = Suggestion.objects.create(
            task=task, model_number=3, packed=pack(drawn), sha256=mask_hash(drawn)
        )
        for kind, index in (("uncertainty", None), ("explanation", 1)):
            row.maps.create(kind=kind, class_index=index, packed=one, sha256="")


def drawn_path(leader: int) -> str:
    return f"/api/v1/assignments/{leader}/suggestions"


def drawn_on(answer: Any) -> dict[int, npt.NDArray[np.uint8]]:
    """Return the masks of one answer by assignment."""
    assert (answer.status_code, answer["Content-Encoding"]) == (200, "gzip")
    frames = json.loads(gunzip(answer.content))["frames"]
    return {
        each["assignment"]: unpack(base64.b64decode(each["mask"]), make.ROWS, make.COLUMNS)
        for each in frames
    }


@pytest.mark.django_db
def test_what_the_model_draws_on_a_series_comes_in_one_answer_that_browsers_keep() -> None:
    campaign, _, (reader, _) = make_world(training={"enabled": 0})
    suggest(campaign)
    leader = make.lease(campaign, reader)
    client, frames = make.client(reader), frames_of(leader)
    answer = client.get(drawn_path(leader.pk))
    found = drawn_on(answer)
    assert list(found) == [frame.assignment.pk for frame in frames]
    for frame in frames:
        assert np.array_equal(found[frame.assignment.pk], suggested(frame.image.index))
    assert "immutable" in answer["Cache-Control"]
    again = client.get(drawn_path(leader.pk), headers={"if-none-match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.django_db
def test_a_blind_or_held_out_series_has_no_drawings_to_fetch() -> None:
    campaign, _, (reader, other) = make_world(training={"enabled": 0})
    suggest(campaign)
    campaign.blind_share = 1.0
    campaign.save()
    blind = make.lease(campaign, reader)
    assert drawn_on(make.client(reader).get(drawn_path(blind.pk))) == {}
    campaign.blind_share = 0.0
    campaign.save()
    campaign.tasks.update(held_out=True)
    held_out = make.lease(campaign, other)
    assert drawn_on(make.client(other).get(drawn_path(held_out.pk))) == {}


@pytest.mark.django_db
def test_a_frame_without_a_suggestion_is_left_out() -> None:
    campaign, _, (reader, _) = make_world(training={"enabled": 0})
    suggest(campaign)
    Suggestion.objects.filter(task__image__index=2).delete()
    leader = make.lease(campaign, reader)
    found = drawn_on(make.client(reader).get(drawn_path(leader.pk)))
    frames = frames_of(leader)
    assert list(found) == [frames[place].assignment.pk for place in (0, 1, 3)]


@pytest.mark.django_db
def test_drawings_of_a_series_are_its_readers_alone() -> None:
    reviewer = make.user("reviewer")
    campaign, manager, (reader, other) = make_world(
        training={"enabled": 0}, reviewers=[reviewer], review="all"
    )
    suggest(campaign)
    leader, foreign = make.lease(campaign, reader), make.lease(campaign, other)
    for person in (other, manager, reviewer):
        assert make.client(person).get(drawn_path(leader.pk)).status_code == 404
    mine = drawn_on(make.client(reader).get(drawn_path(leader.pk)))
    theirs = drawn_on(make.client(other).get(drawn_path(foreign.pk)))
    assert not set(mine) & set(theirs)
    assert len(mine) == len(theirs) == FRAMES


@pytest.mark.django_db
def test_the_statements_of_a_series_do_not_grow_with_its_frames() -> None:
    counted = []
    for frames in (3, 9):
        manager, reader = make.user(f"manager-{frames}"), make.user(f"reader-{frames}")
        campaign = make.campaign(
            manager, slug=f"c{frames}", patients=1, per_patient=frames, readers=[reader],
            unit="series", blind_share=0.0, training={"enabled": 0},
        )  # fmt: skip
        suggest(campaign)
        client = make.client(reader)
        path = f"/api/v1/campaigns/{campaign.slug}/lease"
        with CaptureQueriesContext(connection) as first:
            case = client.post(path, {}, format="json").json()
        with CaptureQueriesContext(connection) as again:
            client.post(path, {}, format="json")
        assert [len(frame["suggestion"]["maps"]) for frame in case["frames"]] == [2] * frames
        with CaptureQueriesContext(connection) as shown:
            offered = json.loads(gunzip(client.get(drawn_path(case["id"])).content))
        body = {"token": case["token"], "key": str(uuid.uuid4()), "frames": offered["frames"]}
        with CaptureQueriesContext(connection) as given:
            answer = client.post(f"/api/v1/assignments/{case['id']}/series", body, format="json")
        assert answer.status_code == 201
        asked = [row["sql"] for row in given.captured_queries if "SELECT" in row["sql"][:20]]
        counted.append((len(first), len(again), len(shown), len(asked)))
        # What is written stands for each frame: the annotation, its assignment and task, the audit.
        assert len(given) - len(asked) - 5 * frames < 10
        row = Annotation.objects.filter(assignment_id=case["frames"][-1]["assignment"]).get()
        assert (row.changed_pixels, row.suggestion_dice) == (0, 1.0)
    assert counted[0] == counted[1]
