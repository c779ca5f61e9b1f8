"""STEP stages: what a run's child processes do one after the other, and what an attempt takes up.

    train       learn from the snapshot's training cases                  attempt-N
    pretrain    learn from the pool's images alone, before `train`        pretrain-N
    cross       one model per fold of the training patients               cross-N

A run that compares variants has `cross` once for each, in variant-K/cross-N, and `train` for the
one that is chosen, where that is asked for.

Each attempt writes folders of its own, so that a worker that lost its claim never writes where
another one does; the next attempt goes on from the newest that got anywhere.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from annotations.models import Campaign
from reticle.images.models import Image
from training.compare import pool_tasks
from training.jobs import Example
from training.models import TrainingRun

TRAIN, PRETRAIN, CROSS = "train", "pretrain", "cross"
DIVERGED = "diverged.json"  # why a variant has no report
ENDED = {TRAIN: ["model.json"], PRETRAIN: ["model.json"], CROSS: ["ensemble.json", DIVERGED]}
"""Written last: where one of them lies the stage has come to its end."""
FOLDERS = {TRAIN: "attempt", PRETRAIN: "pretrain", CROSS: "cross"}
PRETRAIN_SHARE = 0.4  # of the run's time limit; training has the rest
PLACE = ("stage", "variant", "variants", "fold", "folds", "epochs")
POOL = 512  # so many images at most are pre-trained on


def output_of(folder: Path, stage: str, attempt: int) -> Path:
    """Return the folder that an attempt at a stage writes."""
    return folder / f"{FOLDERS[stage]}-{attempt}"


def variant_folder(folder: Path, variant: int | None) -> Path:
    """Return the folder of a run's variant, counted from 0; of none it is the run's own."""
    return folder if variant is None else folder / f"variant-{variant}"


def finished(folder: Path, stage: str, attempt: int) -> Path | None:
    """Return the folder of an earlier attempt that came to the stage's end, if one did."""
    earlier = (output_of(folder, stage, number) for number in range(attempt - 1, 0, -1))
    ends = ENDED[stage]
    return next((out for out in earlier if any((out / end).exists() for end in ends)), None)


def diverged(output: Path, why: str) -> Path:
    """Note that a cross-validation has diverged, which it would do again; return its folder."""
    output.mkdir(parents=True, exist_ok=True)
    (output / DIVERGED).write_text(json.dumps({"message": why}))
    return output


def resumed(folder: Path, stage: str, attempt: int) -> list[str]:
    """Return the arguments that take up the newest earlier attempt; none where there is none."""
    for number in range(attempt - 1, 0, -1):
        earlier = output_of(folder, stage, number)
        if (earlier / "checkpoint.json").exists():
            return ["--resume", str(earlier)]
    return []


def cross_continued(folder: Path, attempt: int) -> None:
    """Give an attempt at a cross-validation what the newest one before it has written.

    The command goes on from what it finds in its own folder.
    """
    output = output_of(folder, CROSS, attempt)
    earlier = (output_of(folder, CROSS, number) for number in range(attempt - 1, 0, -1))
    newest = next((found for found in earlier if found.exists()), None)
    if newest is not None:
        copy = output.with_name(f"{output.name}.part")
        shutil.copytree(newest, copy, dirs_exist_ok=True)
        copy.replace(output)


def config_of(run: TrainingRun, stage: str, variant: int | None = None) -> dict[str, object]:
    """Return the configuration of one stage: stages, or folds, share the run's time limit.

    Where variants are compared every training has the same time, the last one on all labels too:
    a variant is chosen by what it comes to in that time.
    """
    config = dict(run.config if variant is None else run.variants[variant]["config"])
    share = 1.0
    if run.start == TrainingRun.Start.PRETRAINED:
        share = PRETRAIN_SHARE if stage == PRETRAIN else 1 - PRETRAIN_SHARE
    elif run.variants:
        share = 1 / (run.folds * len(run.variants) + run.best)
    elif stage == CROSS:
        share = 1 / run.folds
    if config.get("seconds"):
        config["seconds"] = share * float(config["seconds"])
    return config


def variant_arguments(run: TrainingRun, folder: Path, stage: str, variant: int | None) -> list[str]:
    """Return the arguments that give a stage its variant's configuration: all share one job.

    None where a run has no variants.
    """
    if not run.variants:
        return []
    file = folder / "config.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(config_of(run, stage, variant), indent=1, sort_keys=True))
    return ["--config", str(file)]


def place_of(run: TrainingRun, stage: str, variant: int | None) -> dict[str, object]:
    """Return what is said of where in the run an epoch belongs."""
    if variant is None:
        return {"stage": stage}
    return {"stage": stage, "variant": variant, "variants": len(run.variants)}


def pool_examples(campaign: Campaign) -> list[Example]:
    """Return at most `POOL` images of the pool, labelled or not, without what is drawn on them.

    Held-out images are never among them. Every n-th image is taken, so all patients have a part.
    """
    keys = list(pool_tasks(campaign).order_by("image_id").values_list("image_id", flat=True))
    images = Image.objects.select_related("series__study").in_bulk(keys[:: -(-len(keys) // POOL)])
    return [
        Example(image=image, patient=image.series.study.patient_key)
        for _, image in sorted(images.items())
    ]


def epochs_with(rows: Sequence[Mapping[str, Any]], row: Mapping[str, Any]) -> list[Any]:
    """Return the rows with one more; those of its stage that an earlier attempt made after it go.

    Rows from before there were stages are of `train`.
    """
    return [old for old in rows if _part(old) != _part(row) or old["epoch"] < row["epoch"]] + [row]


def epochs_resumed(
    rows: Sequence[Mapping[str, Any]], event: Mapping[str, Any], output: Path
) -> list[Any]:
    """Return the rows with the epochs that an earlier attempt kept and did not live to tell.

    `event` is the child's "start", with its stage: an epoch is kept before it is told of.
    """
    folder = output / f"fold-{event['fold']}" if "fold" in event else output
    told = {row["epoch"] for row in rows if _part(row) == _part(event)}
    place = {name: event[name] for name in PLACE if name in event}
    lines = (folder / "metrics.jsonl").read_text().splitlines() if event["resumed_from"] else []
    kept = [{**json.loads(line), **place, "eta_seconds": None} for line in lines]
    return [*rows, *(row for row in kept if row["epoch"] not in told)]


def _part(row: Mapping[str, Any]) -> tuple[str, Any, Any]:
    return row.get("stage", TRAIN), row.get("variant"), row.get("fold")
