"""STEP progress: the counts and the course of a campaign, in few indexed queries."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import (
    Aggregate,
    Count,
    Exists,
    F,
    FloatField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Window,
)
from django.db.models.functions import RowNumber, TruncMinute

from annotations.models import Annotation, Assignment, Campaign, Review, Task
from reticle.accounts.models import User

DECILE = 10
POINTS = 500  # of a curve at most: pages ask for it again and again


class Median(Aggregate):
    """The middle of numbers, found by the database."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


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
    new = campaign.tasks.filter(state=Task.State.OPEN).exclude(assignments__reader=user)
    to_review = Annotation.objects.filter(
        task__campaign=campaign, task__state=Task.State.REVIEW, review=None, superseded_by=None
    ).exclude(author=user)
    return {
        "submitted": submitted,
        "waiting": new.count() + _begun(campaign, user).count(),
        "to_review": to_review.count(),
    }


def _begun(campaign: Campaign, user: User) -> QuerySet[Assignment]:
    """Cases that this person has in hand, can take up again, or was given back."""
    later = Assignment.objects.filter(
        task=OuterRef("task"), reader=user, round__gt=OuterRef("round")
    )
    held = Q(state__in=["held", "returned"], task__state__in=["open", "reading"])
    free = Q(state=Assignment.State.EXPIRED, task__state=Task.State.OPEN)
    return Assignment.objects.filter(held | free, ~Exists(later), campaign=campaign, reader=user)


def held_out_counts(campaign: Campaign) -> dict[str, int]:
    """Return how many held-out tasks there are and how many have their answer."""
    return campaign.tasks.filter(held_out=True).aggregate(
        total=Count("id", filter=~Q(state=Task.State.EXCLUDED)),
        settled=Count("id", filter=Q(state=Task.State.SETTLED)),
    )


def reader_progress(campaign: Campaign) -> list[ReaderProgress]:
    """Return one row a reader who has submitted, most first.

    A case counts once, however often it was amended or read again, and not while it is returned.
    The time is that of readings: an amendment takes seconds.
    """
    standing = Q(superseded_by=None) & ~Q(review__verdict=Review.Verdict.RETURN)
    read = Q(source=Annotation.Source.READER, seconds_spent__gt=0)
    rows = (
        Annotation.objects.filter(task__campaign=campaign)
        .values("author__username")
        .annotate(
            submitted=Count("id", filter=standing),
            seconds_median=Median("seconds_spent", filter=read),
            last_at=Max("created_at"),
        )
        .order_by("-submitted")
    )
    return [
        ReaderProgress(
            row["author__username"], row["submitted"], row["seconds_median"], row["last_at"]
        )
        for row in rows
    ]


def labels_over_time(campaign: Campaign) -> list[dict[str, object]]:
    """Return the running number of settled tasks by minute: every n-th minute, and the last."""
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
    return curve[: -1 : _step(len(curve) - 1)] + curve[-1:]


def _step(count: int) -> int:
    """Return n so that every n-th of so many points are no more than `POINTS`."""
    return max(1, -(-count // POINTS))


def effort(campaign: Campaign) -> list[dict[str, object]]:
    """Return what every n-th reading took, and how far it left the suggestion; all up to 500.

    An amendment is no reading: its few seconds are not what a case takes.
    """
    rows = Annotation.objects.filter(task__campaign=campaign, source=Annotation.Source.READER)
    chosen = (
        rows.annotate(n=Window(RowNumber(), order_by="id"))
        .annotate(place=(F("n") - 1) % _step(rows.count()))
        .filter(place=0)
        .order_by("n")
    )
    fields = (
        "n", "seconds_spent", "changed_pixels", "suggestion_dice", "changed_answers",
        "started_from_id",
    )  # fmt: skip
    return [
        {
            "n": n,
            "seconds": seconds,
            "changed_pixels": changed,
            "suggestion_dice": dice,
            "changed_answers": answers,
            "suggested": suggestion is not None,
        }
        for n, seconds, changed, dice, answers, suggestion in chosen.values_list(*fields)
    ]
