"""Training: from examples to a model folder. The whole loop is `train` and `_epoch`.

Schedule: AdamW under one cycle of the learning rate (Smith & Topin, "Super-convergence", 2018).
Progress through the cycle is the larger of steps done and time used, so a run with a time budget
ends annealed. Without one, a run is a function of its examples, config, seed and thread count.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from reticle.pixels.agreement import Counts, counts
from training.ml.checkpoint import Model
from training.ml.config import TrainConfig
from training.ml.device import choose
from training.ml.evaluate import dice_by_class
from training.ml.job import Example, LabelClass
from training.ml.report import Emit, Report, Result
from training.ml.run import Run

_WARM_UP, _FIRST, _LAST = 0.25, 1 / 25, 1e-3


LATE = 0.05  # of the time budget: so far the clock may run ahead of the steps


class Diverged(RuntimeError):
    """The loss is no longer a number."""


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to."""

    loss: float
    """Mean over its steps."""
    rate: float
    """Learning rate of its last step."""
    steps: int
    seconds: float
    dice: dict[str, float]
    """Per class, on its own (augmented) batches; NaN for a class that did not come up."""


def one_cycle(progress: float, peak: float) -> float:
    """Learning rate at progress 0..1: cosine from peak/25 up to peak, then down to peak/1000."""
    if progress < _WARM_UP:
        low, high, turn = peak * _FIRST, peak, progress / _WARM_UP
    else:
        low, high, turn = peak, peak * _LAST, min(1.0, (progress - _WARM_UP) / (1 - _WARM_UP))
    return low + (high - low) * (1 - math.cos(math.pi * turn)) / 2


def train(
    config: TrainConfig,
    examples: Sequence[Example],
    *,
    classes: Sequence[LabelClass],
    out: Path,
    seed: int = 0,
    start: Model | None = None,
    resume: Path | None = None,
    emit: Emit = lambda event: None,
) -> Result:
    """Train and write OUT: model, checkpoint per epoch, metrics.jsonl, tensorboard/, result.json.

    Raises JobError for a job that cannot be done, Diverged when the loss is not finite.
    """
    run = Run(config, examples, classes, seed, start, choose(config))
    record = run.resume(resume, out)
    network = run.place.share(run.network)
    with Report(out, run, emit, record) as report:
        for number in range(record.epoch, config.epochs):
            if config.seconds is not None and record.seconds >= config.seconds:
                break
            epoch = _epoch(run, network, number, used=record.seconds)
            dice = dice_by_class(run.model(), run.inner, run.place) if run.inner else epoch.dice
            record = record.after(epoch.loss, epoch.rate, epoch.steps, epoch.seconds, dice)
            run.save(out, record)  # before anyone hears of the epoch: what was told is never redone
            report.epoch(record)
        return report.done(run.model(), record)


def _epoch(run: Run, network: nn.Module, number: int, *, used: float) -> Epoch:
    """One epoch; `used` is the time the run took so far, seconds."""
    config, began = run.config, time.monotonic()
    torch.manual_seed((run.seed * 1_000_003 + number) % 2**63)  # dropout draws from here
    network.train()
    losses: list[Tensor] = []
    tally = [Counts(0, 0, 0) for _ in run.classes]
    rate = 0.0
    for step, (pictures, targets) in enumerate(run.batches.epoch(number, run.steps)):
        by_steps = (number + step / run.steps) / config.epochs
        by_time = (used + time.monotonic() - began) / config.seconds if config.seconds else 0.0
        if by_time >= 1 and step:
            break
        # Time counts only when the run is late: a run within its budget is repeatable to the bit.
        rate = run.set_rate(one_cycle(max(by_steps, by_time - LATE), run.peak))
        pictures, targets = run.to_device(pictures), targets.to(run.place.device)
        with run.place.autocast():
            logits = network(pictures)  # (B, outputs, P, P)
        loss = run.loss(logits, targets)
        run.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(run.network.parameters(), config.clip)
        run.optimizer.step()
        losses.append(loss.detach())
        fresh = _counts(logits, targets)
        tally = [sum(pair, Counts(0, 0, 0)) for pair in zip(tally, fresh, strict=True)]
    mean = float(torch.stack(losses).mean())
    if not math.isfinite(mean):
        raise Diverged(f"loss is {mean} in epoch {number + 1}: lower config.learning_rate")
    dice = {item.name: count.dice for item, count in zip(run.classes, tally, strict=True)}
    return Epoch(mean, rate, len(losses), time.monotonic() - began, dice)


def _counts(logits: Tensor, targets: Tensor) -> list[Counts]:
    """Per class of a batch: logits (B, outputs, P, P) against channel numbers (B, P, P)."""
    logits = logits.detach()
    single = logits.shape[1] == 1
    guess = (logits[:, 0] > 0) if single else logits.argmax(dim=1)
    predicted, truth = (part.to(torch.uint8).cpu().numpy() for part in (guess, targets))
    classes = 1 if single else logits.shape[1] - 1
    return [counts(predicted, truth, channel) for channel in range(1, classes + 1)]
