"""Shadow mode: a model that passed the gate runs beside the champion until a person decides."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.utils.timezone import now
from pytest_django.fixtures import Settings

import learning
import make
from annotations.models import Campaign, Suggestion, Task
from kept import Keeper
from reticle.accounts.models import User
from reticle.audit.models import AuditEvent
from reticle.errors import Conflict, Invalid
from reticle.pixels.mask import pack
from training import beside, fit, pool, predict, promote, shadow, trigger
from training.models import ModelVersion, Prediction, TrainingRun
from training.promote import Decision
from training.reasons import Reason
from training.report import history_of
from training.snapshot import looked_at, snapshot_take

pytestmark = pytest.mark.django_db
State = ModelVersion.State
PASSED = Decision("promote", [Reason("better")])
CLASSES = [{"index": 1, "name": "grey"}, {"index": 2, "name": "white"}]


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.HEARTBEAT_SECONDS, settings.RUN_LEASE_SECONDS = 1, 5


@pytest.fixture
def manager() -> User:
    return make.user("manager")


@pytest.fixture
def reader() -> User:
    return make.user("reader")


def candidate(
    campaign: Campaign, number: int, state: str = "candidate", weights: str = "0" * 64
) -> ModelVersion:
    run = TrainingRun.objects.create(
        campaign=campaign, state="succeeded", snapshot=snapshot_take(campaign=campaign)
    )
    return ModelVersion.objects.create(
        campaign=campaign, number=number, run=run, weights_sha256=weights, state=state,
        card={"classes": CLASSES}, champion_since=now() if state == "champion" else None,
    )  # fmt: skip


def states(campaign: Campaign) -> dict[int, str]:
    return dict(campaign.models.values_list("number", "state"))


def actions() -> list[str]:
    found = AuditEvent.objects.filter(target="modelversion").order_by("id")
    return list(found.values_list("action", flat=True))


# --- states --------------------------------------------------------------------------------


def test_what_passes_the_gate_waits_in_the_shadow_and_a_newer_one_takes_its_place(
    manager: User,
) -> None:
    campaign = make.campaign(manager, tasks=4, training={"shadow": 1})
    live = candidate(campaign, 1, "champion")
    for number in (2, 3):
        went_live = promote.model_consider(
            candidate=candidate(campaign, number), decision=PASSED, rival=live
        )
        assert not went_live
    assert states(campaign) == {1: State.CHAMPION, 2: State.REPLACED, 3: State.SHADOW}
    assert actions() == ["model.shadow", "model.shadow", "model.shadow_replaced"]
    waiting = promote.shadow_of(campaign)
    assert waiting is not None
    assert waiting.decision["verdict"] == "shadow"
    replaced = history_of(campaign.models.get(number=2))[-1]
    assert replaced["reasons"] == [Reason("v3 took its place", "replaced", {"number": 3})]
    failed = Decision("reject", [Reason("worse")])
    promote.model_consider(candidate=candidate(campaign, 4), decision=failed, rival=live)
    assert states(campaign)[4] == State.REJECTED
    assert states(campaign)[3] == State.SHADOW, "a model that fails replaces nothing"
    with pytest.raises(IntegrityError), transaction.atomic():
        ModelVersion.objects.filter(number=4).update(state=State.SHADOW)


def test_models_that_were_replaced_in_former_releases_are_called_so(manager: User) -> None:
    campaign = make.campaign(manager, tasks=4, training={"shadow": 1})
    live = candidate(campaign, 1, "champion")
    for number in (2, 3, 4):
        promote.model_consider(candidate=candidate(campaign, number), decision=PASSED, rival=live)
    candidate(campaign, 5)
    campaign.models.filter(number__in=[2, 3, 5]).update(state=State.REJECTED)
    # This one went live after all, and a rollback left it.
    campaign.models.filter(number=3).update(champion_since=now())
    migration = import_module("training.migrations.0017_replaced")
    migration.name_replaced(apps, connection.schema_editor())
    assert states(campaign) == {
        1: State.CHAMPION, 2: State.REPLACED, 3: State.REJECTED, 4: State.SHADOW, 5: State.REJECTED,
    }  # fmt: skip


def test_without_the_policy_a_model_that_passes_goes_live(manager: User) -> None:
    campaign = make.campaign(manager, tasks=4)
    assert promote.model_consider(candidate=candidate(campaign, 1), decision=PASSED, rival=None)
    assert states(campaign) == {1: State.CHAMPION}


def test_a_person_promotes_or_ends_it_and_says_why(manager: User) -> None:
    campaign = make.campaign(manager, tasks=4)
    candidate(campaign, 1, "champion")
    model = candidate(campaign, 2, "shadow")
    client = make.client(manager)

    def post(door: str, **body: str) -> int:
        answer = client.post(f"/api/v1/models/{model.pk}/{door}", body, format="json")
        return int(answer.status_code)

    with pytest.raises(Invalid):
        promote.shadow_end(model=model, actor=manager, reason=" ")
    assert post("end-shadow", reason="worse on the small ones") == 200
    assert states(campaign) == {1: State.CHAMPION, 2: State.REJECTED}
    with pytest.raises(Conflict) as refused:
        promote.shadow_end(model=model, actor=manager, reason="again")
    assert refused.value.code == "not_shadow"
    ModelVersion.objects.filter(pk=model.pk).update(state=State.SHADOW)
    assert post("promote", reason="better") == 200
    assert states(campaign) == {1: State.RETIRED, 2: State.CHAMPION}
    assert actions() == ["model.shadow_end", "model.promote_by_hand"]
    assert client.get(f"/api/v1/campaigns/{campaign.slug}/shadow").json() == {"shadow": None}


# --- what it draws -------------------------------------------------------------------------


def drew(model: ModelVersion, task: Task, value: int, **fields: object) -> Prediction:
    mask = make.mask(value)
    return Prediction.objects.create(
        model=model, image_id=task.image_id, packed=pack(mask), score=0.5, **fields
    )


def test_its_scores_order_nothing_and_are_no_earlier_drawing(manager: User) -> None:
    campaign = make.campaign(manager, patients=9)
    live, model = candidate(campaign, 1, "champion"), candidate(campaign, 2, "shadow")
    first, second = pool.open_tasks(campaign)[:2]
    drew(live, first, 1)
    drew(model, first, 2)
    drew(model, second, 2)
    assert {row.model_id for row in pool.newest(live).values()} == {live.pk}
    third = candidate(campaign, 3)
    assert list(pool.earlier(third, [first.image_id, second.image_id])) == [first.image_id]
    promote.shadow_end(model=model, actor=manager, reason="enough")
    assert second.image_id not in pool.newest(live), "nor once it has ended"


def test_drawings_are_judged_by_what_readers_settled_afterwards(
    manager: User, reader: User
) -> None:
    campaign = make.campaign(manager, patients=9, readers=[reader], blind_share=0.0)
    live, model = candidate(campaign, 1, "champion"), candidate(campaign, 2, "shadow")
    early = make.lease(campaign, reader)
    make.submit(early)
    for task in pool.open_tasks(campaign):
        drew(live, task, 2)
        drew(model, task, 1)
    drew(model, early.task, 1)  # settled before it was drawn
    drew(live, early.task, 1)
    left = campaign.tasks.filter(state="open", held_out=False).count()
    while campaign.tasks.filter(state="open").exists():
        make.submit(make.lease(campaign, reader), make.mask(1))
    found = beside.drawings(model, live)
    late = campaign.tasks.filter(held_out=False).count() - (0 if early.task.held_out else 1)
    assert found["settled"] == late == left
    assert found["guided"] == 0, "no suggestion was made in this test"
    grey, white = found["classes"]
    assert (grey["name"], grey["shadow"], grey["champion"]) == ("grey", 1.0, 0.0)
    assert (white["shadow"], white["champion"]) == (None, 0.0)
    assert found["drawn"] == late + (0 if early.task.held_out else 1)
    assert grey["between"] < 0.5
    model.run.snapshot = snapshot_take(campaign=campaign)
    model.run.save()
    assert beside.drawings(model, live)["settled"] == 0, "it has learned from these"


def test_held_out_cases_are_not_among_the_drawings(manager: User, reader: User) -> None:
    campaign = make.campaign(manager, patients=9, readers=[reader])
    model = candidate(campaign, 1, "shadow")
    for task in campaign.tasks.filter(held_out=True):
        drew(model, task, 1)
    assert shadow.images_due(model)
    held_out = campaign.tasks.filter(held_out=True).values_list("image_id", flat=True)
    assert not set(shadow.images_due(model)) & set(held_out)
    make.read(campaign, reader, 9)
    assert beside.drawings(model, None)["settled"] == 0


def test_an_image_that_cannot_be_read_keeps_it_from_no_other(manager: User) -> None:
    campaign = make.campaign(manager, patients=6)
    model = candidate(campaign, 1, "shadow")
    images = list(pool.open_tasks(campaign).values_list("image_id", flat=True))
    assert len(images) <= shadow.ENOUGH, "all of them together are enough"
    model.unreadable = images[:1]
    assert sorted(shadow.images_due(model)) == sorted(images[1:])


# --- the whole of it, really trained --------------------------------------------------------


def test_under_the_policy_the_first_model_waits_too_and_suggests_nothing(
    manager: User, reader: User
) -> None:
    campaign = learning.campaign(manager, reader, shadow=1)
    model = learning.trained(campaign, manager)
    assert model.state == State.SHADOW, model.decision
    assert predict.scoring_claim() is None, "it orders nothing"
    claimed = shadow.shadow_claim()
    assert claimed == model
    assert shadow.shadow_claim() is None, "one worker at a time"
    assert shadow.shadow_run(claimed)
    assert shadow.shadow_claim() is None, "what is drawn is not drawn again"
    waiting = set(pool.open_tasks(campaign).values_list("image_id", flat=True))
    assert model.run.snapshot is not None
    drawn = waiting | set(looked_at(model.run.snapshot))
    assert set(model.predictions.values_list("image_id", flat=True)) == drawn
    assert not Suggestion.objects.exists()
    campaign.refresh_from_db()
    assert campaign.champion is None
    alone = beside.beside_of(campaign)
    assert alone is not None
    assert (alone["champion"], alone["difference"]) == (None, None)
    assert len(alone["held_out"]) == 1, "the gate's own measurement"


@pytest.fixture
def pair(keeper: Keeper) -> tuple[ModelVersion, ModelVersion]:
    """A scored champion, and in its shadow the same network: all differences have to be nought."""
    keeper.have(learning.scored_once, after=learning.trained_once)
    live = ModelVersion.objects.get()
    campaign = live.campaign
    model = candidate(campaign, 2, "shadow", live.weights_sha256)
    ModelVersion.objects.filter(pk=model.pk).update(card=live.card)
    model.refresh_from_db()
    return live, model


def test_it_gives_way_to_a_training_that_waits(
    pair: tuple[ModelVersion, ModelVersion],
) -> None:
    campaign, manager = pair[1].campaign, User.objects.get(username="manager")
    run = trigger.run_create(campaign=campaign, actor=None, reason="more labels")
    claimed = shadow.shadow_claim()
    assert claimed == pair[1]
    assert not shadow.shadow_run(claimed)
    assert run is not None
    trigger.run_cancel(run=run, actor=manager)
    claimed = shadow.shadow_claim()
    assert claimed == pair[1], "and is taken up another time"
    assert shadow.shadow_run(claimed)


def test_it_is_measured_and_draws_beside_the_champion_and_readers_never_see_it(
    pair: tuple[ModelVersion, ModelVersion],
) -> None:
    live, model = pair
    manager, reader = (User.objects.get(username=name) for name in ("manager", "reader"))
    campaign = model.campaign
    claimed = shadow.shadow_claim()
    assert claimed == model
    assert shadow.shadow_run(claimed)
    offered = set()
    for _ in range(6):
        row = make.lease(campaign, reader)
        offered.add(row.suggestion.model_number if row.suggestion else None)
        make.submit(row, learning.disc(row.task.image))
    assert offered <= {1, None}
    assert not Suggestion.objects.exclude(model_number=1).exists()

    later = snapshot_take(campaign=campaign)
    assert not shadow.snapshots_due(model).exists(), "nobody was measured on it yet"
    fit.evaluate(live, later, beat=lambda: True)
    assert list(shadow.snapshots_due(model)) == [later]
    claimed = shadow.shadow_claim()
    assert claimed == model
    assert shadow.shadow_run(claimed)
    assert shadow.shadow_claim() is None

    shown = make.client(manager).get("/api/v1/campaigns/brain/shadow").json()["shadow"]
    assert (shown["number"], shown["champion"]) == (2, 1)
    assert [row["cases"] for row in shown["held_out"]] == [later.held_out]
    assert shown["held_out"][0]["shadow"] == shown["held_out"][0]["champion"]
    assert shown["difference"]["difference"] == 0
    assert shown["drawings"]["settled"] >= 1
    for row in shown["drawings"]["classes"]:
        assert row["between"] in (1.0, None)
        assert row["shadow"] == row["champion"]
    drawing = f"/api/v1/models/{model.pk}/drawing?image={pool.open_tasks(campaign)[0].image_id}"
    for door in ("/api/v1/campaigns/brain/shadow", drawing):
        assert make.client(reader).get(door).status_code == 403
        assert make.client(manager).get(door).status_code == 200
