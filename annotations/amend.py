"""STEP amend: a reader corrects an answer of their own; the earlier version stays."""

import uuid

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from annotations.consensus import task_settle
from annotations.findings import answers_changed
from annotations.models import Annotation, Assignment, Campaign, Draft, Task
from annotations.submit import (
    NOTHING_SAID,
    Answer,
    Said,
    Submission,
    against_suggestion,
    answer_check,
    drafts_unknown,
    key_reused,
    same_answer,
    stale_draft,
)
from reticle.accounts.models import User
from reticle.audit.record import record
from reticle.errors import Conflict
from reticle.pixels.mask import mask_hash, pack

RECENT = 10


def annotations_recent(*, campaign: Campaign, reader: User) -> QuerySet[Annotation]:
    """Return the newest version of the reader's last ten answers, newest first."""
    return (
        Annotation.objects.filter(task__campaign=campaign, author=reader, superseded_by=None)
        .select_related("task__image__series__study", "task__campaign")
        .prefetch_related("review")
        .order_by("-id")[:RECENT]
    )


def assignment_of(annotation: Annotation) -> Assignment:
    """Return the place on which the annotation, or the version it amends, was read."""
    return Assignment.objects.filter(
        task_id=annotation.task_id, reader_id=annotation.author_id
    ).latest("round")


def amend_hindrance(annotation: Annotation, task: Task, campaign: Campaign) -> str | None:
    """Return the code of what stands against amending this version; None when it may be."""
    if campaign.state != Campaign.State.OPEN:
        return "campaign_closed"
    if hasattr(annotation, "superseded_by"):
        return "superseded"
    if hasattr(annotation, "review"):
        return "already_reviewed"
    if task.state == Task.State.SETTLED and task.settled_id != annotation.pk:
        return "task_settled"
    return "task_excluded" if task.state == Task.State.EXCLUDED else None


_WORDS = {
    "campaign_closed": "The campaign was closed: its answers can no longer be changed.",
    "superseded": "There is a newer version of this answer. Load the case again.",
    "already_reviewed": "A reviewer has decided over this answer: it can no longer be changed.",
    "task_settled": "This case has been settled by another answer.",
    "task_excluded": "This case was excluded from the campaign.",
}


def annotation_amend(
    *, annotation: Annotation, key: uuid.UUID, packed: bytes, seconds: float,
    base: int | None = None, said: Said = NOTHING_SAID,
) -> Submission:  # fmt: skip
    """Insert a new version of the author's answer, once however often the same key arrives.

    `base` is the draft that the work goes upon, as for `annotation_submit`. A case that the old
    version settled is settled by the new one. Raises Invalid (bad answer) and Conflict (a newer
    version, a review, another answer, a closed campaign, a key used before, another draft).
    """
    answer = answer_check(packed, said, annotation.task_id)
    try:
        return _amend(annotation.pk, key, answer, seconds, base)
    except IntegrityError:
        if Annotation.objects.filter(key=key).exists():
            raise key_reused() from None
        raise


@transaction.atomic
def _amend(pk: int, key: uuid.UUID, answer: Answer, seconds: float, base: int | None) -> Submission:
    place = assignment_of(Annotation.objects.get(pk=pk))
    # The locks in the one order: assignment before task.
    Assignment.objects.select_for_update().get(pk=place.pk)
    task = (
        Task.objects.select_for_update(of=("self",))
        .select_related("campaign")
        .get(pk=place.task_id)
    )
    old = Annotation.objects.select_related("started_from").get(pk=pk)
    known = Annotation.objects.filter(key=key, supersedes=old).first()
    if known is not None and same_answer(known, answer):
        return Submission(known, task, replayed=True)
    hindrance = amend_hindrance(old, task, task.campaign)
    if hindrance is not None:
        raise Conflict(_WORDS[hindrance], code=hindrance)
    others = drafts_unknown({place.pk: base})
    if others:
        raise stale_draft({"sequence": others[place.pk]})
    started = old.started_from
    drawing = bytes(started.packed) if started is not None and not started.findings else None
    changed, dice = against_suggestion(drawing, answer.mask)
    new = Annotation.objects.create(
        task=task, author_id=old.author_id, source=Annotation.Source.AMENDMENT, supersedes=old,
        key=key, packed=pack(answer.mask), sha256=mask_hash(answer.mask), findings=answer.findings,
        unseen=answer.unseen, seconds_spent=seconds, schema_version=task.campaign.schema_version,
        started_from=started, changed_pixels=changed, suggestion_dice=dice,
        changed_answers=answers_changed(
            task.campaign.questions.all(), started.findings if started else {}, answer.findings
        ),
    )  # fmt: skip
    drafts = Draft.objects.filter(assignment=place)
    # Not one that another window saves in this very moment.
    (drafts if base is None else drafts.filter(sequence=base)).delete()
    record(
        actor_id=old.author_id, action="annotation.amend", target=new,
        campaign_id=task.campaign_id, task=task.pk, supersedes=old.pk, mask=new.sha256,
    )  # fmt: skip
    if task.state == Task.State.SETTLED:
        task = task_settle(task=task, annotation=new, actor_id=old.author_id)
    return Submission(new, task, replayed=False)
