"""STEP consensus: when a task has its answer. Ground truth is one question: `Task.settled`."""

from django.db import connection
from django.utils.timezone import now

from annotations.models import Annotation, Assignment, Campaign, Task
from reticle.audit.record import record

_SETTLE = """
UPDATE annotations_task SET settled_id = %s, settled_at = %s, state = %s WHERE id = %s
"""


def task_advance(*, task: Task, campaign: Campaign, annotation: Annotation, actor_id: int) -> Task:
    """Move a task on after a submission, inside the caller's transaction (the task row locked).

    One reader and no review: settled at once. Otherwise it waits for the other readers, then
    for a reviewer.
    """
    if campaign.readers_per_task == 1 and campaign.review == Campaign.ReviewPolicy.NONE:
        return task_settle(task=task, annotation=annotation, actor_id=actor_id)
    submitted = task.assignments.filter(state=Assignment.State.SUBMITTED).count()
    if submitted >= campaign.readers_per_task:
        task.state = Task.State.REVIEW
        task.save(update_fields=["state"])
    return task


def task_settle(*, task: Task, annotation: Annotation, actor_id: int) -> Task:
    """Make `annotation` the answer, inside the caller's transaction (the task row locked)."""
    task.settled, task.settled_at, task.state = annotation, now(), Task.State.SETTLED
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, [annotation.pk, task.settled_at, task.state, task.pk])
    record(
        actor_id=actor_id, action="task.settle", target=task, campaign_id=task.campaign_id,
        annotation=annotation.pk, mask=annotation.sha256,
    )  # fmt: skip
    return task
