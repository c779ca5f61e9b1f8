"""Learning from images without labels: fill in what was hidden.

Squares of each picture are hidden and the network, the same U-Net as for labels, restores them
(Pathak et al., "Context encoders", 2016; He et al., "Masked autoencoders", 2022; for medical
images by a U-Net: Zhou et al., "Models Genesis", 2019). The loss is the mean squared error on what
was hidden. What is learned serves as `transfer` of a job with labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from training.ml.aim import Tally
from training.ml.checkpoint import Model
from training.ml.config import IGNORE, TrainConfig
from training.ml.device import Place
from training.ml.job import Example, LabelClass, Question
from training.ml.preprocess import Floats, Geometry, Mask, Plan

_CELLS = 8  # squares per side of a patch
_HIDDEN = 0.5  # share of the squares


def network_of(config: TrainConfig) -> TrainConfig:
    """The configuration to pre-train with: a U-Net, also where a classifier is to follow."""
    return replace(config, network=replace(config.network, kind="unet", deep_supervision=False))


@dataclass(frozen=True)
class Restoration:
    """Restore hidden squares (see `training.ml.aim.Aim`)."""

    classes: tuple[LabelClass, ...] = ()
    questions: tuple[Question, ...] = ()
    measured: str = "restored"

    def outputs(self, channels: int) -> int:
        """See Aim: the picture itself."""
        return channels

    def meaning(self) -> object:
        """See Aim."""
        return ["restoration", _CELLS, _HIDDEN]

    def target(self, example: Example, plan: Plan, geometry: Geometry) -> Mask:
        """See Aim: nothing is drawn."""
        return np.zeros((geometry.scaled_rows, geometry.scaled_columns), dtype=np.uint8)

    def shown(self, example: Example, target: Mask) -> npt.NDArray[np.int64]:
        """See Aim: every image has something to teach."""
        return np.ones(1, dtype=np.int64)

    def batch(
        self,
        pictures: Floats,
        targets: Mask,
        examples: Sequence[Example],
        rng: np.random.Generator,
    ) -> tuple[Tensor, Tensor]:
        """See Aim: targets (B, C + 1, P, P), the pictures and where they were hidden."""
        count, _, side, _ = pictures.shape
        cells = rng.permuted(
            np.tile(np.arange(_CELLS**2) < _HIDDEN * _CELLS**2, (count, 1)), axis=1
        ).reshape(count, 1, _CELLS, _CELLS)
        place = np.arange(side) * _CELLS // side
        hidden = cells[:, :, place][:, :, :, place]
        judged = hidden & (targets != IGNORE)[:, None]
        wanted = np.concatenate((pictures, judged), axis=1, dtype=np.float32)
        return torch.from_numpy(pictures * ~hidden), torch.from_numpy(wanted)

    def loss(self, config: TrainConfig, shown: npt.NDArray[np.int64]) -> nn.Module:
        """See Aim."""
        return RestorationLoss()

    def tally(self) -> Tally:
        """See Aim."""
        return _Explained()

    def measure(self, model: Model, examples: Sequence[Example], place: Place) -> dict[str, float]:
        """See Aim; nothing is measured apart from the batches."""
        return {}


class RestorationLoss(nn.Module):
    """Mean squared error on hidden pixels; pictures (B, C, P, P), targets (B, C + 1, P, P)."""

    def forward(self, pictures: Tensor, targets: Tensor) -> Tensor:
        """The loss, a scalar."""
        hidden = targets[:, -1:]
        error = (pictures.float() - targets[:, :-1]).square() * hidden
        return error.sum() / (hidden.sum() * pictures.shape[1]).clamp_min(1)


class _Explained:
    """1 - squared error / variance of the hidden pixels, over the batches of an epoch."""

    def __init__(self) -> None:
        self._sums = np.zeros(4)  # pixels, sum, squares, squared error

    def add(self, logits: Tensor, targets: Tensor) -> None:
        hidden = targets[:, -1:].expand_as(logits) > 0
        truth = targets[:, :-1][hidden].double()
        error = (logits.detach()[hidden].double() - truth).square().sum()
        self._sums += [truth.numel(), float(truth.sum()), float(truth.square().sum()), float(error)]

    def values(self) -> dict[str, float]:
        pixels, total, squares, error = self._sums
        spread = squares - total**2 / pixels if pixels else 0.0
        return {"hidden": 1 - error / spread if spread else float("nan")}
