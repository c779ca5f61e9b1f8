"""From an image and a model to probabilities, a mask, an uncertainty map and scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from monai.inferers.utils import sliding_window_inference
from torch import Tensor
from torch.nn import functional

from training.ml.checkpoint import Model
from training.ml.device import Place
from training.ml.job import Example
from training.ml.preprocess import Floats, Mask
from training.ml.unet import probabilities

_OVERLAP = 0.5
_SOFTENING = 1e-3


@dataclass(frozen=True)
class Prediction:
    """What a model says about one image, on the image's own grid."""

    values: Floats
    """Probabilities (1 + classes, rows, columns), background first; they sum to 1."""
    embedding: Floats
    """Bottleneck features averaged over the image (widths[-1],)."""

    def mask(self, model: Model) -> Mask:
        """The most probable class per pixel, as label values (rows, columns) uint8."""
        labels = np.array([0, *(item.index for item in model.classes)], dtype=np.uint8)
        best: Mask = labels[self.values.argmax(axis=0)]
        return best

    def entropy(self) -> Floats:
        """-sum_c p_c ln p_c / ln(1 + classes) per pixel (rows, columns), 0..1."""
        clipped = np.clip(self.values, 1e-7, 1)
        total = -(clipped * np.log(clipped)).sum(axis=0) / np.log(len(self.values))
        return np.asarray(np.clip(total, 0, 1), dtype=np.float32)


@dataclass(frozen=True)
class Score:
    """How much a model has to learn from an image; larger is less sure, 0..1."""

    overall: float
    """Mean entropy weighted by the probability of not being background."""
    classes: dict[str, float]
    """Per class: mean entropy weighted by the probability of the class."""
    foreground: float
    """Share of pixels predicted to be of any class."""


def predict(model: Model, example: Example, place: Place) -> Prediction:
    """Run a model on one image of any size. Raises JobError for an unreadable image."""
    pixels = example.pixels()
    rows, columns = pixels.shape[:2]
    geometry = model.plan.geometry(rows, columns, example.spacing)
    picture = model.plan.image(pixels, geometry)
    values, embedding = forward(model, picture, place)
    values = model.plan.restore(values, geometry)
    return Prediction(values / values.sum(axis=0, keepdims=True), embedding)


def forward(model: Model, picture: Floats, place: Place) -> tuple[Floats, Floats]:
    """A normalised picture (H, W, C) -> probabilities (1 + classes, H, W), embedding (D,)."""
    stride, patch = model.architecture.stride, model.plan.patch
    image = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None]
    rows, columns = image.shape[-2:]
    short = (0, max(0, stride - columns), 0, max(0, stride - rows))
    image = functional.pad(image, short).to(place.device)
    features: list[Tensor] = []

    def window(batch: Tensor) -> Tensor:
        logits, found = model.network.with_features(
            batch.contiguous(memory_format=place.layout(model.architecture.norm))
        )
        features.append(found.float())
        return probabilities(logits)

    model.network.eval()
    with torch.inference_mode(), place.autocast():
        turns: list[tuple[int, ...]] = [(), (2,), (3,), (2, 3)] if model.mirror else [()]
        total = torch.zeros(())
        for axes in turns:
            turned = torch.flip(image, axes) if axes else image
            found = _slide(turned, patch, window) if max(rows, columns) > patch else window(turned)
            total = total + (torch.flip(found, axes) if axes else found).float().cpu()
    values = (total / len(turns))[0, :, :rows, :columns]
    return values.numpy(), torch.cat(features).mean(dim=0).cpu().numpy()


def _slide(image: Tensor, patch: int, window: Callable[[Tensor], Tensor]) -> Tensor:
    """Windows over a large image (1, C, H, W), blended by Gaussian weights."""
    found = sliding_window_inference(
        image, (patch, patch), 4, window, overlap=_OVERLAP, mode="gaussian"
    )
    assert isinstance(found, Tensor)  # one output, so one tensor
    return found


def score(prediction: Prediction, model: Model) -> Score:
    """Sum_x p(x) H(x) / (sum_x p(x) + a): mean entropy H where the class may be.

    a is a thousandth of the image, so that a class that is hardly there scores low however unsure
    its few pixels are.
    """
    entropy = prediction.entropy()
    least = _SOFTENING * entropy.size

    def weighted(weight: npt.NDArray[np.floating]) -> float:
        return float(
            (weight * entropy).sum(dtype=np.float64) / (weight.sum(dtype=np.float64) + least)
        )

    return Score(
        overall=weighted(1 - prediction.values[0]),
        classes={
            item.name: weighted(prediction.values[channel])
            for channel, item in enumerate(model.classes, start=1)
        },
        foreground=float((prediction.values.argmax(axis=0) > 0).mean()),
    )
