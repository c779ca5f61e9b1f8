"""STEP review: a second person accepts an annotation or sends it back."""

from django.db import transaction
from django.db.models import Q, QuerySet

from annotations.consensus import task_settle
from annotations.models import Annotation, Assignment, Campaign, Review, Task
from reticle.accounts.models import User
from reticle.audit.record import record
from reticle.errors import Conflict, Forbidden, Invalid


def reviews_waiting(*, campaign: Campaign, reviewer: User) -> QuerySet[Annotation]:
    """Return the newest unreviewed annotation of each reader on tasks in review, oldest first.

    A reviewer does not get their own work.
    """
    return (
        Annotation.objects.filter(
            task__campaign=campaign, task__state=Task.State.REVIEW, review=None, superseded_by=None
        )
        .exclude(author=reviewer)
        .select_related("task__image__series__study", "author", "started_from")
        .order_by("id")
    )


@transaction.atomic
def annotation_review(
    *, annotation: Annotation, reviewer: User, verdict: Review.Verdict, comment: str
) -> Review:
    """Accept (the task settles) or return with a comment (the same reader gets it again).

    Raises Forbidden (own work), Invalid (a return without a comment), Conflict (decided already).
    """
    if annotation.author_id == reviewer.pk:
        raise Forbidden("Nobody reviews their own annotation.", code="own_work")
    if verdict == Review.Verdict.RETURN and not comment.strip():
        raise Invalid(
            "Say what should be changed.", code="comment_missing",
            detail={"comment": "required to return"},
        )  # fmt: skip
    # An amendment has no assignment of its own: it goes back to the place it was first read on.
    places = Assignment.objects.filter(task_id=annotation.task_id, reader_id=annotation.author_id)
    assignment = places.select_for_update().order_by("-round").first()
    task = Task.objects.select_for_update().get(pk=annotation.task_id)
    if task.state != Task.State.REVIEW or Review.objects.filter(annotation=annotation).exists():
        raise Conflict("This annotation has been reviewed already.", code="already_reviewed")
    if Annotation.objects.filter(supersedes=annotation).exists():
        raise Conflict(
            "The reader has amended this annotation. Review the newer version.", code="superseded"
        )
    row = Review.objects.create(
        annotation=annotation, reviewer=reviewer, verdict=verdict, comment=comment.strip()
    )
    record(
        actor_id=reviewer.pk, action=f"review.{verdict.value}", target=annotation,
        campaign_id=task.campaign_id, task=task.pk, comment=comment.strip(),
    )  # fmt: skip
    if verdict == Review.Verdict.ACCEPT:
        task_settle(task=task, annotation=annotation, actor_id=reviewer.pk)
    elif assignment is not None:
        Assignment.objects.filter(pk=assignment.pk).update(state=Assignment.State.RETURNED)
        task.state = Task.State.READING
        task.save(update_fields=["state"])
    return row


def annotations_visible(
    *, user: User, campaign: Campaign, all_readers: bool
) -> QuerySet[Annotation]:
    """Return the annotations a person may see: their own, or everybody's for reviewers."""
    found = Annotation.objects.filter(task__campaign=campaign)
    return found if all_readers else found.filter(Q(author=user))
