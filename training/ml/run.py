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
from training.ml.job import Example, LabelClass
from training.ml.loss import SegmentationLoss, class_weights
from training.ml.preprocess import make_plan
from training.ml.unet import UNet, outputs_for

log = logging.getLogger(__name__)


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

    def after(
        self, loss: float, rate: float, steps: int, seconds: float, dice: Mapping[str, float]
    ) -> Record:
        """The record once another epoch is complete."""
        row = {
            "epoch": self.epoch + 1,
            "loss": loss,
            "seconds": seconds,
            "learning_rate": rate,
            "dice": {name: None if math.isnan(value) else value for name, value in dice.items()},
        }
        return replace(
            self,
            epoch=self.epoch + 1,
            steps=self.steps + steps,
            seconds=self.seconds + seconds,
            history=(*self.history, row),
        )


class Run:
    """Everything that the training loop works on."""

    def __init__(
        self,
        config: TrainConfig,
        examples: Sequence[Example],
        classes: Sequence[LabelClass],
        seed: int,
        start: Model | None,
        place: Place,
    ) -> None:
        self.config, self.seed, self.place = config, seed, place
        self.classes = tuple(classes)
        if start is not None:
            check_start(start, classes, config.network)
        training, self.inner = put_aside(examples, config.inner_share)
        self.plan = start.plan if start is not None else make_plan(config, training)
        data = TrainingSet(training, self.plan, classes, config)
        self.trained_on = len(data)
        self.batches = Batches(data, seed, rank=place.rank, replay=start is not None)
        # One pass over the examples, or more where few labels would mean few steps.
        once = math.ceil(len(data) / (config.batch * place.world))
        self.steps = max(once, math.ceil(config.minimum_steps / config.epochs))
        """Optimiser steps per epoch."""
        torch.manual_seed(seed)
        network = UNet(config.network, self.plan.channels, outputs_for(len(classes)))
        if start is not None:
            network.load_state_dict(start.network.state_dict())
        self.network = place.settle(network, config.network.norm)
        weights = class_weights(data.counts.sum(axis=0), config.class_power)
        self.loss = SegmentationLoss(config, weights).to(place.device)
        self.peak = config.learning_rate * (1 if start is None else config.warm_factor)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=self.peak, weight_decay=config.weight_decay
        )
        self.fingerprint = _fingerprint(config, examples, classes, seed, start)

    def set_rate(self, rate: float) -> float:
        """Set the learning rate of the next step, and give it back."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return rate

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
            self.classes,
            self.seed,
            self.trained_on,
            self.config.mirror,
        )

    def save(self, out: Path, record: Record) -> None:
        """Write the checkpoint (leading process only)."""
        if self.place.leads:
            save_checkpoint(out, self.network, self.optimizer, asdict(record))

    def resume(self, earlier: Path | None, out: Path) -> Record:
        """Take up an earlier run's state; a fresh record where there is none or it is damaged.

        Raises JobError when the checkpoint belongs to another job.
        """
        fresh = Record(self.fingerprint)
        if earlier is None or not (earlier / STATE).exists():
            return fresh
        try:
            raw = load_checkpoint(earlier, self.network, self.optimizer, self.fingerprint)
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
    config: TrainConfig,
    examples: Sequence[Example],
    classes: Sequence[LabelClass],
    seed: int,
    start: Model | None,
) -> str:
    """sha256, hex, of what decides a run's outcome except the contents of image and mask files."""
    # How long and where a run computes may change between its parts; what it learns may not.
    settings = {**config.to_json(), "threads": 0, "device": "", "seconds": None}
    parts = {
        "config": settings,
        "seed": seed,
        "classes": [asdict(item) for item in classes],
        "examples": [(e.id, e.patient, e.fresh) for e in examples],
        "start": None if start is None else (start.seed, start.trained_on),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
