"""The learning curve: all versions on one held-out list, and a mean that is promotion's own."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.utils.timezone import now
from pytest_django.fixtures import Settings

import learning
import make
from annotations.models import Campaign
from kept import Keeper
from reticle import storage
from reticle.accounts.models import User
from training import curve, fit, promote, remeasure, tasks, trigger
from training.models import Evaluation, ModelVersion, Snapshot, TrainingRun
from training.snapshot import snapshot_take

pytestmark = pytest.mark.django_db
CARD = {"classes": [{"index": 1, "name": "grey"}, {"index": 2, "name": "white"}]}
Dice = Mapping[str, Sequence[float | None]]


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.HEARTBEAT_SECONDS, settings.RUN_LEASE_SECONDS = 1, 5


def drawn(dice: Dice) -> dict[str, Any]:
    """A report of one image a patient: each class's Dice by patient; None: without the class."""
    count = len(next(iter(dice.values())))
    patients = {f"P{n}": {name: own[n] for name, own in dice.items()} for n in range(count)}
    cases = [
        {"id": key, "patient": key,
         "classes": {name: {"tp": 0, "fn": int(value is not None)} for name, value in own.items()}}
        for key, own in patients.items()
    ]  # fmt: skip
    known = {name: [value for value in own if value is not None] for name, own in dice.items()}
    classes = {name: {"dice": sum(own) / len(own)} for name, own in known.items() if own}
    mean = sum(row["dice"] for row in classes.values()) / len(classes)
    return {"cases": cases, "patients": patients, "classes": classes, "mean_dice": mean}


def answered(right: Dice) -> dict[str, Any]:
    """A report of one image a patient: how far each question's answer is right."""
    count = len(next(iter(right.values())))
    patients = {f"P{n}": {name: own[n] for name, own in right.items()} for n in range(count)}
    cases = [
        {"id": key, "patient": key, "right": own, "answers": {}} for key, own in patients.items()
    ]
    known = {name: [value for value in own if value is not None] for name, own in right.items()}
    questions = {
        name: {"accuracy": sum(own) / len(own) if own else None, "answered": len(own),
               "accuracy_low": None, "accuracy_high": None}
        for name, own in known.items()
    }  # fmt: skip
    return {"cases": cases, "patients": patients, "questions": questions, "mean_accuracy": 0.5}


def held_out_list(campaign: Campaign) -> Snapshot:
    number = campaign.snapshots.count() + 1
    return Snapshot.objects.create(
        campaign=campaign, sha256=f"{number:064d}", labels=number, held_out=4,
        manifest={"training": [], "held_out": [], **CARD},
    )  # fmt: skip


def version(
    campaign: Campaign, reports: Mapping[int, Mapping[str, Any]], state: str = "retired",
    **fields: Any,
) -> ModelVersion:  # fmt: skip
    """A version that was live, the later the higher its number, with its report by list."""
    number = campaign.models.count() + 1
    first = campaign.snapshots.order_by("id").first()
    run = TrainingRun.objects.create(campaign=campaign, state="succeeded", snapshot=first)
    since = now() + timedelta(seconds=number)
    given = {"weights_sha256": "0" * 64, "card": CARD, "champion_since": since, **fields}
    model = ModelVersion.objects.create(
        campaign=campaign, number=number, run=run, state=state, **given
    )
    for key, report in reports.items():
        promote.evaluation_store(model=model, snapshot_id=key, report=report)
    return model


def learning_of(campaign: Campaign) -> tuple[dict[int, Any], dict[str, Any]]:
    """The shown points by version, and what they are of, as a manager gets them."""
    client = make.client(User.objects.get(username="manager"))
    found = client.get(f"/api/v1/campaigns/{campaign.slug}/learning").json()
    return {row["number"]: row for row in found["curve"] if row["shown"]}, found["measured"]


@pytest.fixture
def campaign() -> Campaign:
    made = make.campaign(make.user("manager"), tasks=4)
    for _ in range(3):
        held_out_list(made)
    return made


@pytest.mark.parametrize(
    ("measured", "lists"),
    [
        ({}, {}),
        ({1: [4]}, {1: 4}),
        ({1: [1, 2, 3], 2: [2, 3], 3: [3, 2, 5]}, {1: 3, 2: 3, 3: 3}),
        # Under way: none is common, so each is on its newest.
        ({1: [1, 2], 2: [2, 3], 3: [3, 4]}, {1: 2, 2: 3, 3: 4}),
        ({1: [], 2: [2, 3]}, {2: 3}),
    ],
)
def test_versions_are_shown_on_the_newest_list_that_all_were_measured_on(
    measured: dict[int, list[int]], lists: dict[int, int]
) -> None:
    assert curve.chosen(measured) == lists


def test_the_curve_and_its_list_as_measuring_goes_on(campaign: Campaign) -> None:
    one, two, three = campaign.snapshots.order_by("id")
    flat = {value: drawn({"grey": [value] * 4}) for value in (0.1, 0.2, 0.3, 0.4, 0.5)}
    version(campaign, {one.pk: flat[0.1]})
    version(campaign, {one.pk: flat[0.2], two.pk: flat[0.3]}, "champion")
    rows, measured = learning_of(campaign)
    assert {number: row["score"] for number, row in rows.items()} == {1: 0.1, 2: 0.2}
    assert (measured["one_list"], measured["waiting"]) == (True, [1])
    assert (measured["number"], measured["score"]) == (2, 0.2), "the header's is the curve's"

    ModelVersion.objects.filter(number=2).update(state="retired")
    version(campaign, {two.pk: flat[0.4], three.pk: flat[0.5]}, "champion")
    rows, measured = learning_of(campaign)
    assert {number: row["score"] for number, row in rows.items()} == {1: 0.1, 2: 0.3, 3: 0.5}
    assert (measured["one_list"], measured["waiting"]) == (False, [1, 2])
    assert measured["held_out"]["at"] == rows[3]["measured_on"] != rows[1]["measured_on"]

    for number, value in ((1, 0.2), (2, 0.4)):
        model = campaign.models.get(number=number)
        promote.evaluation_store(model=model, snapshot_id=three.pk, report=flat[value])
    rows, measured = learning_of(campaign)
    assert {number: row["score"] for number, row in rows.items()} == {1: 0.2, 2: 0.4, 3: 0.5}
    assert (measured["one_list"], measured["waiting"]) == (True, [])
    held_out = measured["held_out"]
    assert (held_out["cases"], held_out["patients"]) == (4, 4)
    assert {row["measured_on"] for row in rows.values()} == {held_out["at"]}


def test_the_mean_is_the_gates_and_who_is_not_in_it_is_named(campaign: Campaign) -> None:
    """As in the demo: a lesion of one patient, which the second model does not find."""
    found = campaign.snapshots.latest("id")
    lesion = [None, None, None]
    before = drawn({"grey": [0.8] * 4, "white": [0.9] * 4, "lesion": [0.6, *lesion]})
    after = drawn({"grey": [0.82] * 4, "white": [0.9] * 4, "lesion": [0.1, *lesion]})
    decision = promote.decide(after, before, floor=0.0, margin=0.02, minimum_cases=1)
    assert decision.verdict == "promote"
    assert decision.candidate == pytest.approx(0.86)
    assert after["mean_dice"] < before["mean_dice"], "over all classes it would seem worse"
    version(campaign, {found.pk: before})
    promote._crown(campaign, version(campaign, {found.pk: after}, "candidate"), None)
    rows, measured = learning_of(campaign)
    assert (rows[1]["score"], rows[2]["score"]) == (decision.champion, decision.candidate)
    assert (measured["score"], measured["averaged"]) == (decision.candidate, ["grey", "white"])
    assert measured["enough"]
    assert measured["few"] == [{"name": "lesion", "cases": 1, "patients": 1}]
    assert rows[2]["classes"]["lesion"]["dice"] == 0.1, "its own line still shows it"
    campaign.refresh_from_db()
    shown = campaign.champion or {}
    assert (shown["number"], shown["dice"]) == (2, decision.candidate)
    assert (shown["low"], shown["high"]) == pytest.approx((0.86, 0.86)), "of what the mean is of"


def lesioned(grey: Sequence[float], lesion: float) -> dict[str, Any]:
    """A report of four patients, one of whom has a lesion."""
    return drawn({"grey": grey, "white": [0.9] * 4, "lesion": [lesion, None, None, None]})


def shown_everywhere(campaign: Campaign) -> dict[str, dict[int, list[Any]]]:
    """[mean, low, high] of each version on the curve, in the list, on its page, and at home."""
    client = make.client(User.objects.get(username="manager"))
    address = f"/api/v1/campaigns/{campaign.slug}"
    listed = client.get(f"{address}/models").json()
    learned = client.get(f"{address}/learning").json()
    pages = [client.get(f"/api/v1/models/{row['id']}").json() for row in listed]
    [home] = [row["champion"] for row in client.get("/api/v1/campaigns").json()]
    card = {**home, "score": home["dice"]}
    found = {"list": listed, "curve": [row for row in learned["curve"] if row["shown"]],
             "page": pages, "head": [learned["measured"]], "home": [card]}  # fmt: skip
    return {
        where: {row["number"]: [row[name] for name in ("score", "low", "high")] for row in rows}
        for where, rows in found.items()
    }


def test_one_mean_with_one_interval_stands_wherever_a_version_is_shown(campaign: Campaign) -> None:
    one, two, _ = campaign.snapshots.order_by("id")
    spread = [0.5, 0.6, 0.7, 0.8]
    former = version(campaign, {one.pk: lesioned(spread, 0.9)})
    reports = {one.pk: lesioned([0.8] * 4, 0.0), two.pk: lesioned([0.7, 0.7, 0.9, 0.9], 0.0)}
    live = version(campaign, reports, "candidate", champion_since=None)
    promote._crown(campaign, live, None)
    never: dict[str, Any] = {"champion_since": None}
    version(campaign, {two.pk: lesioned(spread, 0.0)}, "rejected", **never)
    version(campaign, {}, "candidate", **never)
    found = shown_everywhere(campaign)
    assert found["head"][2] == [pytest.approx(0.85), pytest.approx(0.85), pytest.approx(0.85)]
    assert found["head"] == found["home"]
    for where in ("list", "page"):
        assert found[where][2] == found["head"][2], "on the list that all on the curve have"
        assert found[where][1] == found["curve"][1]
        assert found[where][3][0] == pytest.approx(0.775), "without the lesion of one patient"
        assert found[where][3][1] < 0.775 < found[where][3][2]
        assert found[where][4] == [None, None, None], "never measured"

    promote.evaluation_store(model=former, snapshot_id=two.pk, report=lesioned(spread, 0.9))
    after = shown_everywhere(campaign)
    assert after["head"][2][0] == pytest.approx(0.85)
    assert after["head"][2][1] < 0.85 < after["head"][2][2], "the newer list's patients differ"
    assert after["head"] == after["home"], "the card moves with the head"
    assert after["list"][2] == after["page"][2] == after["curve"][2] == after["head"][2]
    client = make.client(User.objects.get(username="manager"))
    rows = client.get(f"/api/v1/campaigns/{campaign.slug}/models").json()
    assert [row["averaged"] for row in rows] == [[], *[["grey", "white"]] * 3]
    assert len({row["measured_on"] for row in rows if row["score"] is not None}) == 1


def test_a_version_that_cannot_be_measured_again_moves_head_and_card_together(
    campaign: Campaign,
) -> None:
    one, two, _ = campaign.snapshots.order_by("id")
    version(campaign, {one.pk: lesioned([0.5] * 4, 0.9)})
    live = version(campaign, {one.pk: lesioned([0.8] * 4, 0.0)}, "candidate", champion_since=None)
    promote._crown(campaign, live, None)
    promote.evaluation_store(model=live, snapshot_id=two.pk, report=lesioned([0.6] * 4, 0.0))
    assert shown_everywhere(campaign)["home"][2][0] == pytest.approx(0.85)
    claimed = remeasure.remeasure_claim()
    assert claimed is not None
    assert not remeasure.remeasure_run(claimed), "it has no weights, and is left out"
    found = shown_everywhere(campaign)
    assert found["head"][2][0] == pytest.approx(0.75)
    assert found["home"] == found["head"]


def test_a_version_that_lacks_a_class_keeps_its_own_mean_in_the_list(campaign: Campaign) -> None:
    found = campaign.snapshots.latest("id")
    version(campaign, {found.pk: drawn({"grey": [0.7] * 4})})
    version(campaign, {found.pk: drawn({"grey": [0.8] * 4, "white": [0.6] * 4})}, "champion")
    client = make.client(User.objects.get(username="manager"))
    rows = client.get(f"/api/v1/campaigns/{campaign.slug}/models").json()
    assert [(row["score"], row["averaged"]) for row in rows] == [
        (pytest.approx(0.7), ["grey", "white"]), (pytest.approx(0.7), ["grey"]),
    ]  # fmt: skip


def test_evaluations_of_earlier_releases_are_given_their_mean(campaign: Campaign) -> None:
    one, two, _ = campaign.snapshots.order_by("id")
    reports = {one.pk: lesioned([0.8] * 4, 0.0), two.pk: lesioned([0.6, 0.7, 0.8, 0.9], 0.0)}
    live = version(campaign, reports, "candidate", champion_since=None)
    promote._crown(campaign, live, None)
    kept = shown_everywhere(campaign)
    for row in Evaluation.objects.all():
        del row.report["standing"]
        row.save()
    old = {"number": 1, "dice": 0.5, "low": 0.1, "high": 0.9}
    Campaign.objects.filter(pk=campaign.pk).update(champion=old)
    assert shown_everywhere(campaign)["list"][1] == [None, None, None]
    migration = import_module("training.migrations.0018_standing")
    migration.keep_means(apps, connection.schema_editor())
    assert shown_everywhere(campaign) == kept


def test_where_nothing_is_shown_often_enough_all_are_averaged(campaign: Campaign) -> None:
    found = campaign.snapshots.latest("id")
    report = drawn({"grey": [0.8, 0.6], "white": [None, 0.3], "lesion": [None, None]})
    version(campaign, {found.pk: report}, "champion")
    _, measured = learning_of(campaign)
    assert (measured["averaged"], measured["enough"]) == (["grey", "white"], False)
    assert measured["score"] == pytest.approx(0.5)
    assert measured["few"] == [{"name": "lesion", "cases": 0, "patients": 0}]


def test_answers_follow_the_same_rules() -> None:
    asked = [{"text": name, "kind": "single", "options": ["yes", "no"]}
             for name in ("Disc", "Rare")]  # fmt: skip
    manager = make.user("manager")
    campaign = make.campaign(manager, tasks=4, kind="classification", questions=asked)
    one, two = held_out_list(campaign), held_out_list(campaign)
    card = {"classes": [], "questions": [{"code": "disc"}, {"code": "rare"}]}
    rare = [1.0, None, None, None]
    good, poor = [1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0]
    reports = {one.pk: answered({"disc": good, "rare": rare})}
    version(campaign, {**reports, two.pk: answered({"disc": poor, "rare": rare})}, card=card)
    version(campaign, {two.pk: answered({"disc": good, "rare": rare})}, "champion", card=card)
    rows, measured = learning_of(campaign)
    assert {number: row["score"] for number, row in rows.items()} == {1: 0.5, 2: 0.75}
    assert (measured["averaged"], measured["score"]) == (["disc"], 0.75)
    assert measured["few"] == [{"name": "rare", "cases": 1, "patients": 1}]


def test_a_version_of_other_classes_has_no_mean_and_that_is_said(campaign: Campaign) -> None:
    found = campaign.snapshots.latest("id")
    version(campaign, {found.pk: drawn({"grey": [0.7] * 4})})
    report = drawn({"grey": [0.8] * 4, "white": [0.6] * 4})
    version(campaign, {found.pk: report}, "champion")
    rows, measured = learning_of(campaign)
    assert (rows[1]["score"], rows[1]["classes"]["grey"]["dice"]) == (None, pytest.approx(0.7))
    assert [(row["number"], row["reason"]["code"]) for row in measured["left_out"]] == [
        (1, "other_parts")
    ]
    assert measured["left_out"][0]["reason"]["values"] == {"parts": "white"}
    assert measured["score"] == pytest.approx(0.7)


def test_only_those_that_were_live_last_are_shown_and_measured(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curve, "VERSIONS", 2)
    one, two, _ = campaign.snapshots.order_by("id")
    report = drawn({"grey": [0.7] * 4})
    for state in ("retired", "rejected"):
        version(campaign, {one.pk: report}, state)
    version(campaign, {one.pk: report, two.pk: report}, "champion")
    rows, measured = learning_of(campaign)
    assert (list(rows), measured["waiting"], measured["earlier"]) == ([2, 3], [2], 1)


# --- measuring again -------------------------------------------------------------------------


@pytest.fixture
def grown(keeper: Keeper) -> tuple[ModelVersion, ModelVersion, Snapshot]:
    """A former champion, the live one of the same weights, and a newer list only that knows."""
    keeper.have(learning.trained_once)
    former = ModelVersion.objects.get()
    campaign = former.campaign
    ModelVersion.objects.filter(pk=former.pk).update(state="retired")
    live = version(campaign, {}, "champion", card=former.card, weights_sha256=former.weights_sha256)
    learning.settle(campaign, User.objects.get(username="reader"), 6)
    newest = snapshot_take(campaign=campaign)
    former.refresh_from_db()
    fit.evaluate(live, newest, beat=lambda: True)
    return former, live, newest


def test_a_former_champion_is_measured_on_the_newest_list_when_no_run_waits(
    grown: tuple[ModelVersion, ModelVersion, Snapshot],
) -> None:
    former, live, newest = grown
    campaign, manager = former.campaign, User.objects.get(username="manager")
    waiting = trigger.run_create(campaign=campaign, actor=None, reason="more labels")
    claimed = remeasure.remeasure_claim()
    assert claimed == former
    assert remeasure.remeasure_claim() is None, "one worker at a time"
    assert not remeasure.remeasure_run(claimed), "a queued run goes first"
    assert former.evaluations.count() == 1
    assert waiting is not None
    trigger.run_cancel(run=waiting, actor=manager)

    Campaign.objects.filter(pk=campaign.pk).update(state="closed")
    assert remeasure.remeasure_claim() is None, "a closed campaign is left as it is"
    Campaign.objects.filter(pk=campaign.pk).update(state="open")
    claimed = remeasure.remeasure_claim()
    assert claimed == former, "and it is made another time"
    assert remeasure.remeasure_run(claimed)
    former.refresh_from_db()
    assert former.scoring_until is None
    mine, theirs = (
        Evaluation.objects.get(model=model, snapshot=newest) for model in (former, live)
    )
    assert mine.report == theirs.report, "the same weights on the same list"
    assert remeasure.remeasure_claim() is None, "once is enough"
    rows, measured = learning_of(campaign)
    assert measured["one_list"]
    assert rows[1]["score"] == rows[2]["score"] == measured["score"]


def test_a_claim_that_is_lost_writes_nothing(campaign: Campaign) -> None:
    one, two, _ = campaign.snapshots.order_by("id")
    report = drawn({"grey": [0.7] * 4})
    model = version(campaign, {one.pk: report})
    version(campaign, {two.pk: report}, "champion")
    claimed = remeasure.remeasure_claim()
    assert claimed == model
    ModelVersion.objects.filter(pk=model.pk).update(scoring_token=claimed.scoring_token + 1)
    assert not remeasure.remeasure_run(claimed)
    model.refresh_from_db()
    assert model.unmeasured == {}
    assert model.scoring_until is not None, "the claim is another's"


def test_a_model_that_cannot_be_measured_is_left_out_until_there_is_another_list(
    campaign: Campaign,
) -> None:
    one, two, three = campaign.snapshots.order_by("id")
    report = drawn({"grey": [0.7] * 4})
    gone = version(campaign, {one.pk: report})
    version(campaign, {two.pk: report}, "champion")
    claimed = remeasure.remeasure_claim()
    assert claimed == gone
    assert not remeasure.remeasure_run(claimed)
    assert remeasure.remeasure_claim() is None, "not again on this list"
    rows, measured = learning_of(campaign)
    assert (list(rows), measured["one_list"], measured["waiting"]) == ([2], True, [])
    assert [(row["number"], row["reason"]["code"]) for row in measured["left_out"]] == [
        (1, "weights_gone")
    ]
    live = campaign.models.get(number=2)
    promote.evaluation_store(model=live, snapshot_id=three.pk, report=report)
    assert remeasure.remeasure_claim() == gone
    promote.evaluation_store(model=gone, snapshot_id=three.pk, report=report)
    rows, measured = learning_of(campaign)
    assert (list(rows), measured["left_out"]) == ([1, 2], [])


def test_the_worker_comes_to_it_when_readers_wait_for_nothing(campaign: Campaign) -> None:
    campaign.tasks.update(state="excluded")
    one, two, _ = campaign.snapshots.order_by("id")
    report = drawn({"grey": [0.7] * 4})
    gone = version(campaign, {one.pk: report})
    live = version(campaign, {two.pk: report}, "champion")
    tasks.work()
    live.refresh_from_db()
    gone.refresh_from_db()
    assert live.scored_at is not None, "the order comes first"
    assert gone.unmeasured == {}
    tasks.work()
    gone.refresh_from_db()
    assert gone.unmeasured["snapshot"] == two.pk, "it was tried, and has no weights"
    assert live.robustness == {}, "the trial comes after"


def test_what_the_child_says_of_a_model_it_cannot_load_is_told(
    grown: tuple[ModelVersion, ModelVersion, Snapshot],
) -> None:
    former, _, newest = grown
    nonsense = storage.put(b"no weights at all")
    ModelVersion.objects.filter(pk=former.pk).update(weights_sha256=nonsense)
    claimed = remeasure.remeasure_claim()
    assert claimed is not None
    assert not remeasure.remeasure_run(claimed)
    former.refresh_from_db()
    assert former.unmeasured["snapshot"] == newest.pk
    assert former.unmeasured["reason"]["code"] == "not_measured"
    assert former.unmeasured["reason"]["values"]["error"]
