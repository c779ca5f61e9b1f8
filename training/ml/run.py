"""The state of one training run: network, optimiser, data, and how they are saved and resumed."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.ml.aim import Aim
from training.ml.checkpoint import (
    STATE,
    DamagedFile,
    Model,
    check_start,
    load_checkpoint,
    save_checkpoint,
    write_whole,
)
from training.ml.config import TrainConfig
from training.ml.data import Batches, TrainingSet, put_aside
from training.ml.device import Place
from training.ml.fingerprint import fingerprint
from training.ml.job import Example
from training.ml.networks import build
from training.ml.origin import Origin, begin
from training.ml.preprocess import keep_plan, make_plan
from training.ml.schedule import best_of, exhausted, one_cycle, plateau

log = logging.getLogger(__name__)
RECIPE = 3
"""Raised whenever a release draws other batches for a seed: its runs go on from no older state."""


@dataclass(frozen=True)
class Record:
    """How far a run has come; saved with each checkpoint."""

    fingerprint: str
    """Of the config, seed, classes and examples: a checkpoint only fits its own job."""
    epoch: int = 0
    """Completed epochs."""
    steps: int = 0
    seconds: float = 0.0
    """Time in completed epochs."""
    history: tuple[dict[str, Any], ...] = ()
    """One row per completed epoch: epoch, loss, seconds, learning_rate, dice."""
    recipe: int = RECIPE
    """Of the release that wrote it."""

    def after(
        self,
        loss: float,
        rate: float,
        steps: int,
        seconds: float,
        measured: str,
        values: Mapping[str, float],
    ) -> Record:
        """The record once another epoch is complete; `measured` says what the values are."""
        row = {
            "epoch": self.epoch + 1,
            "loss": loss,
            "seconds": seconds,
            "learning_rate": rate,
            "dice": {},
            measured: {k: None if math.isnan(v) else v for k, v in values.items()},
        }
        return replace(
            self,
            epoch=self.epoch + 1,
            steps=self.steps + steps,
            seconds=self.seconds + seconds,
            history=(*self.history, row),
        )

    def merits(self, measured: str) -> list[float]:
        """By epoch, higher is better: the mean of what was measured, NaN where nothing was."""
        rows = ([v for v in row[measured].values() if v is not None] for row in self.history)
        return [sum(row) / len(row) if row else math.nan for row in rows]


class Run:
    """Everything that the training loop works on."""

    def __init__(
        self,
        config: TrainConfig,
        aim: Aim,
        examples: Sequence[Example],
        seed: int,
        origin: Origin,
        place: Place,
        cache: Path,
        pool: Sequence[Example] = (),
    ) -> None:
        self.config, self.aim, self.seed, self.place = config, aim, seed, place
        start = origin.start
        if start is not None:
            check_start(start, aim.classes, config.network, aim.questions)
        training, self.inner = put_aside(examples, config.inner_share)
        if start is None:
            self.plan = make_plan(config, training)
        else:
            self.plan = keep_plan(start.plan, config, training)
        data = TrainingSet(training, self.plan, aim, config, cache, pool)
        self.trained_on = len(data)
        self.images = fingerprint(training)
        """What the training images are like."""
        self.batches = Batches(data, seed, rank=place.rank, replay=start is not None)
        # One pass over the examples, or more where few labels would mean few steps.
        once = math.ceil(len(data) / (config.batch * place.world))
        self.steps = max(once, math.ceil(config.minimum_steps / config.epochs))
        """Optimiser steps per epoch."""
        torch.manual_seed(seed)
        network = build(config.network, self.plan.channels, aim.outputs(self.plan.channels))
        begin(network, config.network, self.plan, aim.classes, origin)
        self.network = place.settle(network, config.network.norm)
        self.loss = aim.loss(config, data.counts.sum(axis=0)).to(place.device)
        self.peak = config.learning_rate * (1 if start is None else config.warm_factor)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=self.peak, weight_decay=config.weight_decay
        )
        self.best: dict[str, Tensor] = {}
        """Weights of the best epoch so far, kept where the run may end early."""
        self.fingerprint = _fingerprint(config, examples, aim, seed, origin)

    def rate(self, record: Record, progress: float) -> float:
        """Learning rate at a progress of 0..1 through the run, and set it for the next step."""
        if self.config.schedule == "plateau":
            merits = [-row["loss"] for row in record.history]
            if self.inner:
                merits = record.merits(self.aim.measured)
            rate = plateau(merits, self.peak, self.config.plateau)
        else:
            rate = one_cycle(progress, self.peak)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return rate

    def ended(self, record: Record) -> bool:
        """Whether the time is used up or nothing has got better for long enough."""
        late = self.config.seconds is not None and record.seconds >= self.config.seconds
        return late or exhausted(record.merits(self.aim.measured), self.config.patience)

    def to_device(self, pictures: Tensor) -> Tensor:
        """Pictures (B, C, P, P) on the device, in the network's memory format."""
        layout = self.place.layout(self.config.network.norm)
        return pictures.to(self.place.device).contiguous(memory_format=layout)

    def model(self) -> Model:
        """The network as it is now, with what is needed to use it."""
        return Model(
            self.network,
            self.config.network,
            self.plan,
            self.aim.classes,
            self.seed,
            self.trained_on,
            self.config.mirror,
            self.aim.questions,
            self.images,
        )

    def finish(self) -> Model:
        """The model of the run: with the best weights where they were kept."""
        if self.best:
            self.network.load_state_dict(self.best)
        return self.model()

    def save(self, out: Path, record: Record) -> None:
        """Write the checkpoint (leading process only), and keep the weights of a best epoch."""
        if self.config.patience and best_of(record.merits(self.aim.measured)) == record.epoch:
            state = self.network.state_dict()
            self.best = {key: value.detach().clone() for key, value in state.items()}
        if self.place.leads:
            save_checkpoint(out, self.network, self.optimizer, asdict(record), self.best)

    def resume(self, earlier: Path | None, out: Path) -> Record:
        """Take up an earlier run's state; a fresh record where there is none or it is damaged.

        Raises JobError when the checkpoint belongs to another job.
        """
        fresh = Record(self.fingerprint)
        if earlier is None or not (earlier / STATE).exists():
            return fresh
        try:
            raw, self.best = load_checkpoint(
                earlier, self.network, self.optimizer, self.fingerprint, RECIPE
            )
        except DamagedFile as error:
            log.warning("starting over: %s", error)
            return fresh
        record = Record(**{**raw, "history": tuple(raw["history"])})
        if self.place.leads and earlier.resolve() != out.resolve():
            write_whole(out / STATE, (earlier / STATE).read_bytes())
            if (earlier / "tensorboard").is_dir():
                shutil.copytree(earlier / "tensorboard", out / "tensorboard", dirs_exist_ok=True)
        return record


def _fingerprint(
    config: TrainConfig, examples: Sequence[Example], aim: Aim, seed: int, origin: Origin
) -> str:
    """sha256, hex, of what decides a run's outcome except the contents of image and mask files."""
    # How long and where a run computes may change between its parts; what it learns may not.
    where = {"threads": 0, "device": "", "seconds": None, "cache_megabytes": 0}
    parts = {
        "config": {**config.to_json(), **where},
        "seed": seed,
        "classes": [asdict(item) for item in aim.classes],
        "aim": aim.meaning(),
        "examples": [(e.id, e.patient, e.fresh, sorted(e.answers.items())) for e in examples],
        "origin": origin.identity(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
