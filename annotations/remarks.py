"""STEP remarks: what people say of a case, pinned to a place, and flags for a colleague.

Readers are blind to each other: a reader sees their own remarks and those of people who review
or manage, or administer the installation, never another reader's.
"""

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.timezone import now

from annotations.models import Campaign, Membership, Remark, Task
from reticle.accounts.models import User
from reticle.accounts.roles import Role
from reticle.audit.record import record
from reticle.errors import Conflict, Invalid

OPEN_FLAGS = 100


@transaction.atomic
def remark_add(
    *, task: Task, author: User, text: str, place: tuple[float, float] | None, flag: bool
) -> Remark:
    """Keep a remark. Raises Invalid: nothing said, or a place outside the image."""
    words = text.strip()
    if not words:
        raise Invalid("Say something.", code="text_missing", detail={"text": "required"})
    if place is not None:
        inside = 0 <= place[0] <= task.image.columns and 0 <= place[1] <= task.image.rows
        if not inside:
            raise Invalid(
                "This place lies outside the image.", code="bad_place", detail={"x": place[0]}
            )
    row = Remark.objects.create(
        task=task, author=author, text=words, flag=flag,
        x=place[0] if place else None, y=place[1] if place else None,
    )  # fmt: skip
    record(
        actor_id=author.pk, action="remark.flag" if flag else "remark.add", target=row,
        campaign_id=task.campaign_id, task=task.pk,
    )  # fmt: skip
    return row


def remarks_visible(*, task: Task, user: User, all_readers: bool) -> QuerySet[Remark]:
    """Return the remarks on a task that a person may see, oldest first."""
    rows = task.remarks.select_related("author", "task__image").order_by("id")
    if all_readers:
        return rows
    guides = Membership.objects.filter(
        campaign_id=task.campaign_id, role__in=[Role.REVIEWER.value, Role.MANAGER.value]
    )
    guiding = Q(author__in=guides.values("user")) | Q(author__is_superuser=True)
    return rows.filter(Q(author=user) | guiding)


def flags_open(campaign: Campaign) -> QuerySet[Remark]:
    """Return the flags nobody has looked at yet, oldest first."""
    rows = Remark.objects.filter(task__campaign=campaign, flag=True, settled_at=None)
    return rows.select_related("author", "task__image").order_by("id")[:OPEN_FLAGS]


@transaction.atomic
def flag_settle(*, remark: Remark, actor: User) -> Remark:
    """Say that a colleague has looked. Raises Conflict when somebody has, or it is no flag."""
    changed = Remark.objects.filter(pk=remark.pk, flag=True, settled_at=None).update(
        settled_at=now(), settled_by=actor
    )
    if changed != 1:
        raise Conflict("Somebody has looked at this already.", code="flag_settled")
    record(
        actor_id=actor.pk, action="remark.settle", target=remark,
        campaign_id=remark.task.campaign_id, task=remark.task_id,
    )  # fmt: skip
    remark.refresh_from_db()
    return remark
