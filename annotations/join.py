"""STEP join: the images of finished imports become tasks, and the queue gets its order."""

import time
from collections.abc import Iterable
from pathlib import Path

from django.db import transaction
from django.utils.timezone import now

from annotations.campaigns import images_join
from annotations.models import Campaign, Import
from annotations.queue import order_begun, order_publish
from reticle.accounts.models import User
from reticle.images.intake import intake_claim, intake_create, intake_run
from reticle.images.models import Image, Intake


@transaction.atomic
def import_create(
    *, campaign: Campaign, actor: User | None, source: str, files: Iterable[tuple[str, Path]]
) -> Import:
    """Queue files (shown name, path) whose images are to join the campaign."""
    intake = intake_create(created_by_id=actor.pk if actor else None, source=source, files=files)
    return Import.objects.create(campaign=campaign, intake=intake)


def import_numbers(campaign: Campaign) -> dict[int, int]:
    """Return {import: its number in the campaign}, from 1: keys go on from campaign to campaign."""
    keys = campaign.imports.order_by("id").values_list("pk", flat=True)
    return {key: number for number, key in enumerate(keys, start=1)}


def imports_join() -> int:
    """Join all finished imports that have not joined yet; return how many did."""
    done = Import.objects.filter(joined_at=None, intake__state=Intake.State.DONE)
    rows = list(done.select_related("campaign", "intake__created_by").order_by("id"))
    for row in rows:
        import_join(row)
    return len(rows)


@transaction.atomic
def import_join(row: Import) -> int:
    """Make tasks of one import's images and publish the first order; return the new tasks.

    Called twice it changes nothing the second time. An order that a model has made is kept:
    new tasks follow until the next scores are published. So is the head of one by differences.
    """
    changed = Import.objects.filter(pk=row.pk, joined_at=None).update(joined_at=now())
    if changed != 1:
        return 0
    keys = [key for images in row.intake.items.values_list("images", flat=True) for key in images]
    images = list(Image.objects.filter(pk__in=keys).select_related("series__study"))
    joined = images_join(actor=row.intake.created_by, campaign=row.campaign, images=images)
    if joined and row.campaign.champion is None:
        order_publish(campaign=row.campaign, pool=order_begun(row.campaign))
    return joined


def import_now(row: Import) -> Import:
    """Run an import in this process (unless a worker was quicker) and join its images."""
    mine = intake_claim(only=row.intake_id)
    if mine is not None:
        intake_run(mine)
    while True:
        row.intake.refresh_from_db()
        if row.intake.state in {Intake.State.DONE, Intake.State.FAILED}:
            break
        time.sleep(0.2)  # a worker has it: wait for its end
    if row.intake.state == Intake.State.DONE:
        import_join(row)
    row.refresh_from_db()
    return row
