"""The hot path stays thin: statements per request, counted, with leases and answers ahead."""

import base64
import json
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.renderers import JSONRenderer

import make
from annotations.api.serializers import AssignmentOutput, ImageOutput, WhyOutput
from annotations.submit import draft_save
from reticle.pixels.mask import pack

pytestmark = pytest.mark.django_db


def test_a_leased_case_is_what_the_schema_says() -> None:
    manager, reader = make.user("manager"), make.user("reader")
    campaign = make.campaign(manager, tasks=3, readers=[reader])
    client = make.client(reader)
    path = f"/api/v1/campaigns/{campaign.slug}/lease"
    row = make.lease(campaign, reader)
    draft_save(assignment=row, sequence=3, packed=pack(make.mask()), seconds=4)
    case = client.post(path, {}, format="json").json()
    assert case["draft"]["sequence"] == 3
    answer = AssignmentOutput(case).data
    assert json.loads(JSONRenderer().render(answer)) == case
    assert set(case) == set(AssignmentOutput().fields)
    assert set(case["image"]) == set(ImageOutput().fields)
    assert set(case["why"]) == set(WhyOutput().fields)


def test_next_and_submit_need_few_statements_whatever_lies_ahead() -> None:
    manager = make.user("manager")
    people = [make.user(f"reader-{number}") for number in range(4)]
    campaign = make.campaign(manager, tasks=40, readers=people)
    for person in people[1:]:
        make.read(campaign, person, 5)
        make.lease(campaign, person)
    client = make.client(people[0])
    counted = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as lease:
            case = client.post(f"/api/v1/campaigns/{campaign.slug}/lease", {}, format="json").json()
        body = {
            "token": case["token"],
            "key": str(uuid.uuid4()),
            "mask": base64.b64encode(pack(make.mask())).decode(),
            "seconds": 3,
        }
        with CaptureQueriesContext(connection) as submit:
            answer = client.post(f"/api/v1/assignments/{case['id']}/submit", body, format="json")
        assert answer.status_code == 201
        counted.append((len(lease), len(submit)))
    assert len(set(counted)) == 1, f"statements grow: {counted}"
    assert counted[0] <= (13, 13), [row["sql"][:120] for row in lease.captured_queries]
