"""What pages ask for every few seconds costs the same however long a campaign has gone on."""

from datetime import UTC, datetime, timedelta
from statistics import median

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

import make
from annotations import progress
from annotations.models import Annotation, Campaign
from reticle.accounts.models import User
from training import promote, report
from training.models import ModelVersion, TrainingRun
from training.snapshot import snapshot_take

pytestmark = pytest.mark.django_db

EARLY = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def campaign() -> Campaign:
    reader = make.user("reader")
    made = make.campaign(make.user("manager"), tasks=24, readers=[reader])
    for number in range(10):
        make.submit(make.lease(made, reader), seconds=(7 * number) % 10 + 1)
    return made


def model_add(campaign: Campaign) -> None:
    snapshot = snapshot_take(campaign=campaign)
    run = TrainingRun.objects.create(
        campaign=campaign, state=TrainingRun.State.SUCCEEDED, snapshot=snapshot,
        base=campaign.models.order_by("number").last(),
    )  # fmt: skip
    model = ModelVersion.objects.create(
        campaign=campaign, number=campaign.models.count() + 1, run=run, weights_sha256="0" * 64,
        champion_since=EARLY,
    )  # fmt: skip
    report = {"mean_dice": 0.5, "classes": {}, "cases": []}
    promote.evaluation_store(model=model, snapshot_id=snapshot.pk, report=report)


def test_the_lists_of_the_learner_take_as_many_statements_for_any_number_of_models(
    campaign: Campaign,
) -> None:
    client = make.client(User.objects.get(username="manager"))
    counted = []
    for count in (2, 9):
        for _ in range(count):
            model_add(campaign)
        found = {}
        for page in ("learning", "models", "runs", "progress"):
            with CaptureQueriesContext(connection) as statements:
                answer = client.get(f"/api/v1/campaigns/{campaign.slug}/{page}")
            assert answer.status_code == 200
            found[page] = len(statements)
            told = [row["sql"] for row in statements if '"manifest"' in row["sql"]]
            assert page == "learning" or not told, "every label of every snapshot"
        counted.append(found)
    assert counted[0] == counted[1]
    curve = client.get(f"/api/v1/campaigns/{campaign.slug}/learning").json()["curve"]
    spent = sum(Annotation.objects.values_list("seconds_spent", flat=True))
    assert [point["minutes"] for point in curve] == [pytest.approx(spent / 60)] * 11
    runs = client.get(f"/api/v1/campaigns/{campaign.slug}/runs").json()
    assert [run["model_number"] for run in runs] == list(range(11, 0, -1))


@pytest.mark.django_db(transaction=True)
def test_reading_counts_up_to_the_very_moment(campaign: Campaign) -> None:
    rows = list(Annotation.objects.order_by("created_at"))
    moments = [row.created_at for row in (rows[2], rows[6])]
    found = report.minutes_before(campaign, reversed(moments))
    assert list(found) == moments
    for at, number in zip(moments, (3, 7), strict=True):
        assert found[at] == pytest.approx(sum(row.seconds_spent for row in rows[:number]) / 60)
    assert report.minutes_before(campaign, []) == {}


def test_the_curves_of_a_campaign_are_bounded(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent = list(Annotation.objects.order_by("id").values_list("seconds_spent", flat=True))
    every = progress.effort(campaign)
    assert [row["n"] for row in every] == list(range(1, 11))
    assert [row["seconds"] for row in every] == spent
    assert [row.seconds_median for row in progress.reader_progress(campaign)] == [median(spent)]
    monkeypatch.setattr(progress, "POINTS", 4)
    assert progress.effort(campaign) == every[::3]
    for number, task in enumerate(campaign.tasks.filter(state="settled").order_by("id")):
        campaign.tasks.filter(pk=task.pk).update(settled_at=EARLY + timedelta(minutes=number))
    settled = [point["settled"] for point in progress.labels_over_time(campaign)]
    assert settled == [1, 4, 7, 10]
    assert progress.effort(make.campaign(make.user("other"), slug="other")) == []
