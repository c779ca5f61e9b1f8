"""Plain typed builders of rows for tests."""

import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from rest_framework.test import APIClient

from annotations.campaigns import campaign_create, campaign_set_state, images_join, member_set
from annotations.models import Assignment, Campaign
from annotations.queue import order_publish, task_lease
from annotations.submit import Submission, annotation_submit
from reticle import storage
from reticle.accounts.models import User
from reticle.accounts.roles import Role
from reticle.images.models import Image, Series, Study
from reticle.pixels.mask import pack

ROWS, COLUMNS = 24, 32
CLASSES = [{"name": "grey"}, {"name": "white"}]
PASSWORD = "a-long-password"


def user(name: str, *, administrator: bool = False) -> User:
    return User.objects.create_user(name, password=PASSWORD, is_superuser=administrator)


def client(person: User) -> APIClient:
    found = APIClient()
    found.force_login(person)
    return found


def images(
    count: int, *, patient: str = "P-1", rows: int = ROWS, columns: int = COLUMNS
) -> list[Image]:
    study = Study.objects.create(uid=uuid.uuid4().hex, patient_key=patient)
    series = Series.objects.create(study=study, uid=uuid.uuid4().hex, modality="MR")
    made = []
    for index in range(count):
        rng = np.random.default_rng([index, *patient.encode()])
        pixels = rng.integers(0, 4096, (rows, columns), dtype=np.uint16)
        made.append(
            Image.objects.create(
                series=series, index=index, sha256=storage.put(pixels.astype("<u2").tobytes()),
                rows=rows, columns=columns, dtype="uint16", bits=12,
            )
        )  # fmt: skip
    return made


def campaign(
    manager: User,
    *,
    slug: str = "brain",
    tasks: int = 0,
    patients: int = 0,
    per_patient: int = 1,
    readers: Sequence[User] = (),
    reviewers: Sequence[User] = (),
    opened: bool = True,
    **fields: Any,
) -> Campaign:
    """Make a campaign with `patients` x `per_patient` images (or `tasks` images of one each)."""
    made = campaign_create(
        actor=manager, slug=slug, name=slug.title(),
        classes=[] if fields.get("kind") == "classification" else CLASSES, **fields,
    )  # fmt: skip
    for person in readers:
        member_set(actor=manager, campaign=made, user=person, roles={Role.READER})
    for person in reviewers:
        member_set(actor=manager, campaign=made, user=person, roles={Role.REVIEWER})
    total = patients or tasks
    joined = [
        image
        for number in range(total)
        for image in images(per_patient, patient=f"{slug}-{number}")
    ]
    images_join(actor=manager, campaign=made, images=joined)
    order_publish(campaign=made, pool=[])
    if opened:
        campaign_set_state(actor=manager, campaign=made, state=Campaign.State.OPEN)
    made.refresh_from_db()
    return made


def mask(value: int = 1, *, rows: int = ROWS, columns: int = COLUMNS) -> npt.NDArray[np.uint8]:
    drawn = np.zeros((rows, columns), dtype=np.uint8)
    drawn[4:12, 6:20] = value
    return drawn


def lease(made: Campaign, reader: User, slot: str = "current") -> Assignment:
    row = task_lease(campaign=made, reader=reader, slot=Assignment.Slot(slot))
    assert row is not None, "the queue is empty"
    return row


def submit(
    row: Assignment,
    drawn: npt.NDArray[np.uint8] | None = None,
    *,
    key: uuid.UUID | None = None,
    seconds: float = 12.5,
) -> Submission:
    packed = pack(mask() if drawn is None else drawn)
    row = Assignment.objects.select_related("campaign", "task__image").get(pk=row.pk)
    return annotation_submit(
        assignment=row, token=row.token, key=key or uuid.uuid4(), packed=packed, seconds=seconds
    )


def read(made: Campaign, reader: User, count: int) -> list[Submission]:
    """Lease and submit `count` cases."""
    return [submit(lease(made, reader)) for _ in range(count)]
