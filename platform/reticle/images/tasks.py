"""The clock's call that works off queued imports."""

from celery import shared_task

from reticle.images.intake import intake_claim, intake_run


@shared_task
def intake() -> None:
    """Work through one batch, if one waits."""
    found = intake_claim()
    if found is not None:
        intake_run(found)
