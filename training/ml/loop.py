"""Training: from examples to a model folder. The whole loop is `train` and `_epoch`.

Schedule: AdamW under one cycle of the learning rate (Smith & Topin, "Super-convergence", 2018), or
at a peak halved on plateaus. Progress through the cycle is the larger of steps done and time used,
so a run with a time budget ends annealed. Without one, a run is a function of its examples, config,
seed and thread count.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from training.ml.aim import Aim
from training.ml.config import TrainConfig
from training.ml.device import choose
from training.ml.job import Example, JobError
from training.ml.origin import Origin
from training.ml.report import Emit, Report, Result
from training.ml.run import Record, Run

LATE = 0.05  # of the time budget: so far the clock may run ahead of the steps


class Diverged(JobError):
    """The loss, or a weight, is no longer a number."""

    def __init__(self, message: str) -> None:
        super().__init__("diverged", message)


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to."""

    loss: float
    """Mean over its steps and the processes."""
    rate: float
    """Learning rate of its last step."""
    steps: int
    seconds: float
    values: dict[str, float]
    """Per class (or question), on its own augmented batches; NaN for what did not come up."""


def train(
    config: TrainConfig,
    examples: Sequence[Example],
    *,
    aim: Aim,
    out: Path,
    cache: Path,
    pool: Sequence[Example] = (),
    seed: int = 0,
    origin: Origin | None = None,
    resume: Path | None = None,
    emit: Emit = lambda event: None,
) -> Result:
    """Train and write OUT: model, checkpoint per epoch, metrics.jsonl, tensorboard/, result.json.

    `cache` is the folder where prepared images are kept for this and other runs, `pool` the
    examples that those runs take theirs from, if more. Raises JobError for a job that cannot be
    done, Diverged when the loss or a weight of the model is not finite.
    """
    run = Run(config, aim, examples, seed, origin or Origin(), choose(config), cache, pool)
    record = run.resume(resume, out)
    network = run.place.share(run.network)
    with Report(out, run, emit, record) as report:
        while record.epoch < config.epochs and not run.ended(record):
            epoch = _epoch(run, network, record)
            values = aim.measure(run.model(), run.inner, run.place) if run.inner else epoch.values
            done = record.after(
                epoch.loss, epoch.rate, epoch.steps, epoch.seconds, aim.measured, values
            )
            # Of one record all processes end, and change their rate, after the same epoch.
            record = run.place.agreed(done)
            run.save(out, record)  # before anyone hears of the epoch: what was told is never redone
            report.epoch(record)
        model = run.finish()
        _check_finite(model.network)
        return report.done(model, record)


def _epoch(run: Run, network: nn.Module, record: Record) -> Epoch:
    """The epoch that comes after those of the record."""
    config, number, began = run.config, record.epoch, time.monotonic()
    torch.manual_seed((run.seed * 1_000_003 + number) % 2**63)  # dropout draws from here
    network.train()
    losses: list[Tensor] = []
    tally, rate = run.aim.tally(), 0.0
    for step, (pictures, targets) in enumerate(run.batches.epoch(number, run.steps)):
        by_steps = (number + step / run.steps) / config.epochs
        by_time = 0.0
        if config.seconds:
            used = record.seconds + time.monotonic() - began
            by_time = run.place.agreed(used) / config.seconds
        if by_time >= 1 and step:
            break
        # Time counts only when the run is late: a run within its budget is repeatable to the bit.
        rate = run.rate(record, max(by_steps, by_time - LATE))
        pictures, targets = run.to_device(pictures), targets.to(run.place.device)
        with run.place.autocast():
            logits = network(pictures)  # (B, outputs, P, P), or (B, outputs) of a classifier
        loss = run.loss(logits, targets)
        run.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(run.network.parameters(), config.clip)
        run.optimizer.step()
        losses.append(loss.detach())
        tally.add(logits, targets)
    mean = run.place.mean(float(torch.stack(losses).mean()))
    if not math.isfinite(mean):
        raise Diverged(f"loss is {mean} in epoch {number + 1}: lower config.learning_rate")
    return Epoch(mean, rate, len(losses), time.monotonic() - began, tally.values())


def _check_finite(network: nn.Module) -> None:
    """Raise Diverged where not all weights are finite: of a run's last step no loss tells."""
    for name, values in network.state_dict().items():
        if not bool(torch.isfinite(values).all()):
            raise Diverged(f"{name} is not finite after the last step: lower config.learning_rate")
