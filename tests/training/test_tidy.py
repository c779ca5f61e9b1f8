"""The disk after runs: records stay, weights and images are blobs and go."""

import os
import time
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

import learning
import make
from annotations.models import Campaign
from kept import Keeper
from reticle import storage
from training import fit, jobs, tasks
from training.models import ModelVersion, TrainingRun

pytestmark = pytest.mark.django_db

RECORDS = {
    "attempt-1/metrics.jsonl", "attempt-1/model.json", "job/examples.json", "job/job.json",
}  # fmt: skip


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_of_a_run_that_has_ended_only_its_records_stay(
    settings: Settings, keeper: Keeper, tmp_path: Path
) -> None:
    keeper.have(learning.trained_once)
    model = ModelVersion.objects.get()
    runs = Path(settings.RUN_FOLDER)
    assert [path.name for path in runs.iterdir()] == [f"run-{model.run_id}"], "nothing of reports"
    assert "attempt-1/model.safetensors" in files(fit.run_folder(model.run))
    Campaign.objects.update(training={})  # no other run is due
    tasks.tick()
    assert not fit.run_folder(model.run).exists()
    kept = files(runs / "ended" / f"run-{model.run_id}")
    board = {name for name in kept if name.startswith("attempt-1/tensorboard/events")}
    assert len(board) == 1
    assert kept - board == RECORDS
    laid_out = jobs.model_write(tmp_path / "model", model)
    assert (laid_out / "model.safetensors").read_bytes() == storage.read(model.weights_sha256)
    tasks.tick()
    assert files(runs / "ended" / f"run-{model.run_id}") == kept


@pytest.mark.parametrize("state", TrainingRun.State.values)
def test_a_run_that_may_be_taken_up_keeps_its_folder(state: str) -> None:
    campaign = make.campaign(make.user("manager"))
    run = TrainingRun.objects.create(campaign=campaign, state=state, attempt=1)
    weights = fit.run_folder(run) / "attempt-1" / "checkpoint.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    tasks.tick()
    assert weights.exists() == (state in TrainingRun.ACTIVE)


@pytest.mark.parametrize("work", ["snapshot", "scoring", "maps", "onnx"])
def test_folders_of_killed_work_are_cleared_once_nobody_works_there(
    settings: Settings, work: str
) -> None:
    old, young = (Path(settings.RUN_FOLDER) / name for name in (f"{work}-1", f"{work}-2-x"))
    for folder in (old, young):
        (folder / "images").mkdir(parents=True)
    before = time.time() - 2 * 24 * 3600
    os.utime(old, (before, before))
    tasks.tick()
    assert (old.exists(), young.exists()) == (False, True)
