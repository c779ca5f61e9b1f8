"""What a run teaches its network: the one place where the training loop meets a kind of label.

`Regions` draws classes; `training.ml.findings.Findings` answers questions about the whole image;
`training.ml.pretrain.Restoration` learns from images alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from reticle.pixels.agreement import Counts, counts
from training.ml.checkpoint import Model
from training.ml.config import TrainConfig
from training.ml.device import Place
from training.ml.evaluate import channel_of, dice_by_class
from training.ml.job import Example, JobError, LabelClass, Question
from training.ml.loss import DeepLoss, SegmentationLoss, class_weights
from training.ml.preprocess import Floats, Geometry, Mask, Plan
from training.ml.unet import outputs_for


class Tally(Protocol):
    """Counts how well an epoch's own batches were answered."""

    def add(self, logits: Tensor, targets: Tensor) -> None:
        """Count one batch, as the network and the aim made it."""

    def values(self) -> dict[str, float]:
        """By name; higher is better; NaN for what did not come up."""


class Aim(Protocol):
    """What the loop asks of a kind of label."""

    @property
    def classes(self) -> tuple[LabelClass, ...]:
        """What is drawn; none where questions are answered."""

    @property
    def questions(self) -> tuple[Question, ...]:
        """What is answered; none where classes are drawn."""

    @property
    def measured(self) -> str:
        """What values stand for: dice, accuracy, ..."""

    def outputs(self, channels: int) -> int:
        """Channels out of the network, for pictures of so many channels."""

    def meaning(self) -> object:
        """JSON value of all that decides how targets are read."""

    def target(self, example: Example, plan: Plan, geometry: Geometry) -> Mask:
        """What each pixel of the network's grid is, 255 where it counts for nothing."""

    def shown(self, example: Example, target: Mask) -> npt.NDArray[np.int64]:
        """How much of each class (background first) an example shows; all 0: teaches nothing."""

    def batch(
        self,
        pictures: Floats,
        targets: Mask,
        examples: Sequence[Example],
        rng: np.random.Generator,
    ) -> tuple[Tensor, Tensor]:
        """Changed pictures (B, C, P, P), targets (B, P, P) -> what network and loss are given."""

    def loss(self, config: TrainConfig, shown: npt.NDArray[np.int64]) -> nn.Module:
        """The loss, for what the training examples show together (1 + classes,)."""

    def tally(self) -> Tally:
        """A fresh tally."""

    def measure(self, model: Model, examples: Sequence[Example], place: Place) -> dict[str, float]:
        """The same values as a tally's, on whole examples put aside."""


@dataclass(frozen=True)
class Regions:
    """Draw classes, pixel by pixel."""

    classes: tuple[LabelClass, ...]
    questions: tuple[Question, ...] = ()
    measured: str = "dice"

    def outputs(self, channels: int) -> int:
        """See Aim."""
        return outputs_for(len(self.classes))

    def meaning(self) -> object:
        """See Aim."""
        return ["regions", *(item.index for item in self.classes)]

    def target(self, example: Example, plan: Plan, geometry: Geometry) -> Mask:
        """See Aim. Raises JobError for a mask that does not fit its image."""
        mask = example.labels()
        if mask.shape != (geometry.rows, geometry.columns):
            raise JobError(
                "bad_mask",
                f"mask of {example.id}: shape {mask.shape} differs from its image's "
                f"{(geometry.rows, geometry.columns)}",
            )
        return plan.mask(channel_of(self.classes)[mask], geometry)

    def shown(self, example: Example, target: Mask) -> npt.NDArray[np.int64]:
        """See Aim."""
        present = np.bincount(target.ravel(), minlength=256)
        return present[: len(self.classes) + 1].astype(np.int64)

    def batch(
        self,
        pictures: Floats,
        targets: Mask,
        examples: Sequence[Example],
        rng: np.random.Generator,
    ) -> tuple[Tensor, Tensor]:
        """See Aim: targets (B, P, P) int64."""
        return torch.from_numpy(pictures), torch.from_numpy(targets.astype(np.int64))

    def loss(self, config: TrainConfig, shown: npt.NDArray[np.int64]) -> nn.Module:
        """See Aim."""
        loss = SegmentationLoss(config, class_weights(shown, config.class_power))
        deep = config.network.deep_supervision
        return DeepLoss(loss, outputs_for(len(self.classes))) if deep else loss

    def tally(self) -> Tally:
        """See Aim."""
        return _Overlap(self.classes)

    def measure(self, model: Model, examples: Sequence[Example], place: Place) -> dict[str, float]:
        """See Aim: Dice by class."""
        return dice_by_class(model, examples, place)


class _Overlap:
    """Dice by class over the batches of an epoch."""

    def __init__(self, classes: Sequence[LabelClass]) -> None:
        self._classes = classes
        self._counts = [Counts(0, 0, 0) for _ in classes]

    def add(self, logits: Tensor, targets: Tensor) -> None:
        # Auxiliary heads come after the network's own: only those are counted.
        own = logits.detach()[:, : outputs_for(len(self._classes))]
        guess = (own[:, 0] > 0) if own.shape[1] == 1 else own.argmax(dim=1)
        predicted, truth = (part.to(torch.uint8).cpu().numpy() for part in (guess, targets))
        for place in range(len(self._classes)):
            self._counts[place] += counts(predicted, truth, place + 1)

    def values(self) -> dict[str, float]:
        return {c.name: n.dice for c, n in zip(self._classes, self._counts, strict=True)}
