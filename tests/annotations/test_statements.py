"""The hot path stays thin: statements per request, counted, with leases and answers ahead."""

import base64
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

import make
from reticle.pixels.mask import pack

pytestmark = pytest.mark.django_db


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
    assert counted[0] <= (17, 17), [row["sql"][:120] for row in lease.captured_queries]
