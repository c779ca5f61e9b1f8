"""STEP tidy: what ended runs leave on the disk goes, except what says how they went.

Weights and images are blobs by then, so that nothing but a run that may be taken up needs its
folder. The clock asks: a worker that is killed at its end leaves nothing behind.
"""

import shutil
import time
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from training.models import TrainingRun

KEPT = frozenset(
    {
        "job.json", "examples.json", "config.json", "model.json", "ensemble.json", "metrics.jsonl",
        "report.json", "diverged.json",
    }
)  # fmt: skip
BOARD = "tensorboard"  # the folder of TensorBoard's files, which show ended runs beside others
ENDED = "ended"  # the folder below that of runs in which ended ones' records lie
FORGOTTEN_SECONDS = 24 * 3600  # so long untouched, what is no run's folder has no worker


def folders_tidy() -> None:
    """Clear the folder of each run that has ended, and those of other work that never did."""
    for folder in Path(settings.RUN_FOLDER).glob("*"):
        of_a_run = folder.name == ENDED or folder.name.startswith("run-")
        if not of_a_run and _age(folder) > FORGOTTEN_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
    folders = {
        int(number): folder
        for folder in Path(settings.RUN_FOLDER).glob("run-*")
        if (number := folder.name.removeprefix("run-")).isdecimal()
    }
    if not folders:
        return
    ended = TrainingRun.objects.filter(pk__in=folders).exclude(state__in=TrainingRun.ACTIVE)
    for key in ended.values_list("pk", flat=True):
        _run_tidy(folders[key])


def _age(folder: Path) -> float:
    """Return the seconds since a folder was written to; 0 for one that just went."""
    try:
        return time.time() - folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _run_tidy(folder: Path) -> None:
    """Move the records of an ended run away, then delete the rest of its folder.

    Another tick may be at it: what is gone is done.
    """
    records = folder.parent / ENDED / folder.name
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if (path.name in KEPT or path.parent.name == BOARD) and path.is_file():
            (records / place.parent).mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                path.replace(records / place)
    shutil.rmtree(folder, ignore_errors=True)
