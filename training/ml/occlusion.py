"""What a model would miss: squares are hidden in turn, and what it says falls.

Zeiler & Fergus, "Visualizing and understanding convolutional networks", 2014. Coarse on purpose:
`GRID` squares a side are GRID * GRID looks at the image. MONAI's OcclusionSensitivity indexes
tensors in a way that torch has announced to read differently, so it is not used.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from training.ml.checkpoint import Model
from training.ml.device import Place
from training.ml.findings import probabilities_of
from training.ml.job import Example
from training.ml.picture import Picture, picture_of
from training.ml.preprocess import Floats
from training.ml.unet import Network, probabilities

GRID = 12
LEAST = 0.1  # in log odds: smaller falls are noise, not something to be shown
_SURE = 1e-6  # log odds end here
_TOGETHER = 16


class _Region(nn.Module):
    """Mean log odds of each class within where the clean image shows it: (B, classes)."""

    def __init__(self, network: Network, clean: Tensor) -> None:
        super().__init__()
        self.network = network
        values = probabilities(network(clean))
        shown = nn.functional.one_hot(values.argmax(dim=1), values.shape[1]).permute(0, 3, 1, 2)
        # A class that is predicted nowhere is asked for where it is most nearly predicted.
        shown = torch.where(shown.sum(dim=(2, 3), keepdim=True) > 0, shown.float(), values)
        self.weight = shown / shown.sum(dim=(2, 3), keepdim=True).clamp_min(1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return (log_odds(probabilities(self.network(x))) * self.weight).sum(dim=(2, 3))[:, 1:]


class _Answers(nn.Module):
    """Log odds of each option: (B, options)."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.network, self.questions = model.network, model.questions

    def forward(self, x: Tensor) -> Tensor:
        return log_odds(probabilities_of(self.questions, self.network(x)))


def log_odds(values: Tensor) -> Tensor:
    """Of probabilities: a sure model's fall is seen where its probability hardly moves."""
    return torch.logit(values, eps=_SURE)


def _hidden(asked: nn.Module, picture: Picture) -> Tensor:
    """What is said of the image without each of its squares: (GRID * GRID, targets).

    A square becomes the image's mean.
    """
    image, (down, across) = picture.image, picture.within
    rows, columns = (
        np.linspace(part.start, part.stop, GRID + 1).round().astype(int) for part in (down, across)
    )
    squares = [
        (slice(rows[i], rows[i + 1]), slice(columns[j], columns[j + 1]))
        for i in range(GRID)
        for j in range(GRID)
    ]
    mean = image[..., down, across].mean(dim=(2, 3), keepdim=True)[0]
    told = []
    for first in range(0, len(squares), _TOGETHER):
        chosen = squares[first : first + _TOGETHER]
        batch = image.repeat(len(chosen), 1, 1, 1)
        for copy, (high, wide) in zip(batch, chosen, strict=True):
            copy[:, high, wide] = mean
        told.append(asked(batch).float())
    return torch.cat(told)


def occlude(model: Model, example: Example, place: Place) -> Floats:
    """Maps (targets, rows, columns), 1 where hiding a square costs a target's log odds most.

    Targets as in `explain.targets_of`; a map is 0 everywhere when nothing costs `LEAST` or more.
    Raises JobError for an unreadable image.
    """
    picture = picture_of(model, example, place)
    with torch.inference_mode(), place.autocast():
        model.network.eval()
        asked = _Answers(model) if model.questions else _Region(model.network, picture.image)
        clean = asked(picture.image)[0].float()
        falls = (clean[None] - _hidden(asked, picture)).clamp_min(0)
    squares = falls.T.reshape(1, -1, GRID, GRID)
    size = (picture.rows, picture.columns)
    shown = falls.new_zeros(squares.shape[1], *picture.image.shape[-2:])
    shown[:, *picture.within] = nn.functional.interpolate(squares, size, mode="nearest-exact")[0]
    found = np.stack([picture.own_grid(each) for each in shown])
    most = found.max(axis=(1, 2), keepdims=True)
    return np.asarray(np.where(most >= LEAST, found / np.maximum(most, LEAST), 0), np.float32)
