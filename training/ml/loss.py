"""The loss: class-weighted cross-entropy, soft Dice, focal; ignored pixels are left out of all."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from monai.losses.dice import DiceLoss
from torch import Tensor, nn
from torch.nn import functional

from training.ml.config import IGNORE, TrainConfig

_LARGEST_RATIO = 20.0


def class_weights(counts: npt.NDArray[np.int64], power: float) -> npt.NDArray[np.float32]:
    """w_c = (1 / frequency_c) ** power, of mean 1 over the pixels; (1 + classes,) -> same shape.

    Classes without a pixel get the largest weight of the others, and no weight exceeds 20 times
    the smallest: a class of a few pixels must not drown the rest.
    """
    frequency = counts / max(1, int(counts.sum()))
    present = frequency > 0
    if not present.any():
        return np.ones(len(counts), dtype=np.float32)
    weights = np.zeros(len(counts))
    weights[present] = frequency[present] ** -power
    weights[~present] = weights.max()
    weights = np.minimum(weights, weights.min() * _LARGEST_RATIO)
    result: npt.NDArray[np.float32] = (weights / (weights * frequency).sum()).astype(np.float32)
    return result


class SegmentationLoss(nn.Module):
    """cross_entropy * CE + dice * (1 - soft Dice, mean of classes, over the batch) + focal * FL.

    Soft Dice after Milletari et al., V-Net, 2016; FL = w_c (1 - p_c) ** gamma * -ln p_c, mean over
    pixels (Lin et al., "Focal loss for dense object detection", 2017). Logits (B, outputs, H, W);
    target (B, H, W) of channel numbers 0..classes, 255 for pixels that count for nothing.
    """

    weights: Tensor

    def __init__(self, config: TrainConfig, weights: npt.NDArray[np.float32]) -> None:
        super().__init__()
        self.register_buffer("weights", torch.from_numpy(weights))
        self.cross_entropy, self.dice = config.cross_entropy, config.dice
        self.focal, self.gamma = config.focal, config.focal_gamma
        self.single = len(weights) == 2
        self.soft_dice = DiceLoss(
            include_background=self.single,
            sigmoid=self.single,
            softmax=not self.single,
            to_onehot_y=not self.single,
            batch=True,
            smooth_nr=1.0,
            smooth_dr=1.0,
            ignore_index=IGNORE,
        )

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss, a scalar; 0 with zero gradient where every pixel is ignored."""
        logits = logits.float()
        if bool((target == IGNORE).all()):
            return (logits * 0).sum()
        entropy = self._binary(logits, target) if self.single else self._several(logits, target)
        overlap: Tensor = self.soft_dice(logits, target[:, None])
        total = self.cross_entropy * entropy + self.dice * overlap
        return total + self.focal * self._focal(logits, target) if self.focal else total

    def _focal(self, logits: Tensor, target: Tensor) -> Tensor:
        judged = target != IGNORE
        if self.single:
            logits = torch.cat((torch.zeros_like(logits), logits), dim=1)
        truth = torch.where(judged, target, 0)
        surprise = functional.cross_entropy(logits, truth, reduction="none")
        weight = self.weights.to(logits)[truth] * judged
        each = weight * (1 - torch.exp(-surprise)) ** self.gamma * surprise
        return each.sum() / judged.sum()

    def _several(self, logits: Tensor, target: Tensor) -> Tensor:
        return functional.cross_entropy(
            logits, target, weight=self.weights.to(logits), ignore_index=IGNORE
        )

    def _binary(self, logits: Tensor, target: Tensor) -> Tensor:
        judged = target != IGNORE
        truth = (target == 1) & judged
        weight = self.weights.to(logits)[truth.long()] * judged
        each = functional.binary_cross_entropy_with_logits(
            logits[:, 0], truth.to(logits), reduction="none"
        )
        return (each * weight).sum() / weight.sum()


class DeepLoss(nn.Module):
    """Mean of a loss over the heads of a deeply supervised network, weights halving per level.

    Logits (B, heads * outputs, H, W), the network's own outputs first; target (B, H, W).
    """

    def __init__(self, loss: nn.Module, outputs: int) -> None:
        super().__init__()
        self.loss, self.outputs = loss, outputs

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The weighted mean, a scalar."""
        heads = torch.split(logits, self.outputs, dim=1)
        weights = [0.5**level for level in range(len(heads))]
        each = [w * self.loss(head, target) for w, head in zip(weights, heads, strict=True)]
        return torch.stack(each).sum() / sum(weights)
