"""The clock's calls: imports join their campaign, exports get written."""

from celery import shared_task

from annotations.export import export_claim, export_run
from annotations.join import imports_join


@shared_task
def tick() -> None:
    """Join finished imports and write one waiting export."""
    imports_join()
    row = export_claim()
    if row is not None:
        export_run(row)
