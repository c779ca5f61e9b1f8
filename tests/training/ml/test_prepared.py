"""Prepared images on disk: the same as made anew, shared, and whole or absent."""

import multiprocessing
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from discs import write_job
from training.ml.aim import Regions
from training.ml.config import TrainConfig
from training.ml.data import Batches, TrainingSet
from training.ml.job import Job, read_job
from training.ml.prepared import store_name
from training.ml.preprocess import make_plan


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return read_job(write_job(tmp_path / "job", 6))


def training_set(job: Job, cache: Path, config: TrainConfig | None = None) -> TrainingSet:
    config = config or job.config
    plan = make_plan(config, job.examples)
    return TrainingSet(job.examples, plan, Regions(job.classes), config, cache)


def test_batches_are_the_same_from_disk_in_part_and_without(job: Job, tmp_path: Path) -> None:
    kept = Batches(training_set(job, tmp_path / "cache"), seed=3)
    nothing = replace(job.config, cache_megabytes=0)
    anew = Batches(training_set(job, tmp_path / "none", nothing), seed=3)
    assert not (tmp_path / "none").exists()
    for step in range(3):
        for one, other in zip(kept.make(0, step), anew.make(0, step), strict=True):
            assert torch.equal(one, other)
    assert isinstance(kept.data[0].picture.base, np.ndarray)
    assert np.array_equal(kept.data.counts, anew.data.counts)


def test_what_has_no_room_is_prepared_again(job: Job, tmp_path: Path) -> None:
    big = read_job(write_job(tmp_path / "big", 90))
    small = replace(job.config, cache_megabytes=1)
    data = training_set(big, tmp_path / "cache", small)
    whole = training_set(big, tmp_path / "cache")
    assert len(list((tmp_path / "cache").glob("*/pictures.f32"))) == 2
    sizes = sorted(p.stat().st_size for p in (tmp_path / "cache").glob("*/pictures.f32"))
    assert sizes[0] < 2**20 < sizes[1]
    for place in (0, 89):
        assert np.array_equal(data[place].picture, whole[place].picture)


def _make(folder: Path, cache: Path) -> None:
    training_set(read_job(folder), cache)


def test_processes_that_prepare_the_same_at_once_leave_one_whole_store(
    job: Job, tmp_path: Path
) -> None:
    context = multiprocessing.get_context("spawn")
    arguments = (tmp_path / "job", tmp_path / "cache")
    workers = [context.Process(target=_make, args=arguments) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    (store,) = (tmp_path / "cache").iterdir()
    assert {path.name for path in store.iterdir()} == {"pictures.f32", "targets.u8", "index.json"}


def test_a_second_run_prepares_nothing_and_a_changed_mask_is_seen(job: Job, tmp_path: Path) -> None:
    first = training_set(job, tmp_path / "cache")
    (store,) = (tmp_path / "cache").iterdir()
    written = (store / "pictures.f32").stat().st_mtime_ns
    training_set(job, tmp_path / "cache")
    assert (store / "pictures.f32").stat().st_mtime_ns == written
    mask = job.examples[0].mask
    assert mask is not None
    np.save(mask, np.zeros((64, 48), np.uint8))
    os.utime(mask, ns=(1, 1))
    changed = training_set(job, tmp_path / "cache")
    assert first.counts[0, 1] > 0
    assert changed.counts[0, 1] == 0


def test_the_name_hangs_on_the_plan_the_classes_and_the_files(job: Job) -> None:
    plan = make_plan(job.config, job.examples)
    name = store_name(plan, job.examples, ["regions", 1], 64)
    assert name == store_name(replace(plan, patch=plan.patch * 2), job.examples, ["regions", 1], 64)
    others = {
        store_name(replace(plan, denoise=3), job.examples, ["regions", 1], 64),
        store_name(plan, job.examples, ["regions", 2], 64),
        store_name(plan, job.examples[1:], ["regions", 1], 64),
    }
    assert len(others | {name}) == 4


def test_a_disk_that_cannot_be_written_costs_time_and_no_run(
    job: Job, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    data = training_set(job, tmp_path / "file")
    assert data[0].picture.shape == (64, 48, 1)
    assert "prepared anew" in caplog.text
