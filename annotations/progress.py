"""STEP progress: the counts and the course of a campaign, in few indexed queries."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Q
from django.db.models.functions import TruncMinute

from annotations.models import Annotation, Assignment, Campaign, Task
from reticle.accounts.models import User

DECILE = 10


@dataclass(frozen=True)
class ReaderProgress:
    """One reader's share of the work."""

    username: str
    submitted: int
    seconds_median: float | None
    last_at: datetime | None


def task_counts(campaign: Campaign) -> dict[str, int]:
    """Return the number of tasks in each state, and `total` without excluded ones."""
    found: Mapping[str, int] = dict(
        campaign.tasks.values_list("state").annotate(count=Count("id")).order_by()
    )
    counts = {state.value: found.get(state.value, 0) for state in Task.State}
    counts["total"] = sum(counts.values()) - counts["excluded"]
    return counts


def own_counts(campaign: Campaign, user: User) -> dict[str, int]:
    """Return what this person has submitted, what waits for them, what they could review."""
    submitted = Assignment.objects.filter(
        campaign=campaign, reader=user, state=Assignment.State.SUBMITTED
    ).count()
    waiting = campaign.tasks.filter(state=Task.State.OPEN).exclude(assignments__reader=user)
    returned = Assignment.objects.filter(
        campaign=campaign, reader=user, state=Assignment.State.RETURNED,
        task__state=Task.State.READING,
    )  # fmt: skip
    to_review = Annotation.objects.filter(
        task__campaign=campaign, task__state=Task.State.REVIEW, review=None, superseded_by=None
    ).exclude(author=user)
    return {
        "submitted": submitted,
        "waiting": waiting.count() + returned.count(),
        "to_review": to_review.count(),
    }


def held_out_counts(campaign: Campaign) -> dict[str, int]:
    """Return how many held-out tasks there are and how many have their answer."""
    return campaign.tasks.filter(held_out=True).aggregate(
        total=Count("id", filter=~Q(state=Task.State.EXCLUDED)),
        settled=Count("id", filter=Q(state=Task.State.SETTLED)),
    )


def reader_progress(campaign: Campaign) -> list[ReaderProgress]:
    """Return one row a reader who has submitted, most first."""
    rows = (
        Annotation.objects.filter(task__campaign=campaign)
        .values("author__username")
        .annotate(submitted=Count("id"), last_at=Max("created_at"))
        .order_by("-submitted")
    )
    seconds: dict[str, list[float]] = {}
    spent = Annotation.objects.filter(task__campaign=campaign, seconds_spent__gt=0)
    for username, value in spent.values_list("author__username", "seconds_spent"):
        seconds.setdefault(username, []).append(value)
    return [
        ReaderProgress(
            row["author__username"],
            row["submitted"],
            _median(seconds.get(row["author__username"], [])),
            row["last_at"],
        )
        for row in rows
    ]


def _median(values: list[float]) -> float | None:
    ordered = sorted(values)
    if not ordered:
        return None
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def labels_over_time(campaign: Campaign) -> list[dict[str, object]]:
    """Return the running number of settled tasks by minute."""
    rows = (
        campaign.tasks.filter(state=Task.State.SETTLED)
        .annotate(minute=TruncMinute("settled_at"))
        .values("minute")
        .annotate(count=Count("id"))
        .order_by("minute")
    )
    total, curve = 0, []
    for row in rows:
        total += row["count"]
        curve.append({"at": row["minute"], "settled": total})
    return curve


def effort(campaign: Campaign) -> list[dict[str, object]]:
    """Return what each submission took, in order, and how far it left the suggestion."""
    rows = Annotation.objects.filter(task__campaign=campaign).order_by("id")
    return [
        {
            "n": n,
            "seconds": row.seconds_spent,
            "changed_pixels": row.changed_pixels,
            "suggestion_dice": row.suggestion_dice,
            "suggested": row.started_from_id is not None,
        }
        for n, row in enumerate(
            rows.only("seconds_spent", "changed_pixels", "suggestion_dice", "started_from_id"),
            start=1,
        )
    ]
