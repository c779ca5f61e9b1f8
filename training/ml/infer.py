"""From an image and a model to probabilities, a mask, an uncertainty map and scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from training.ml import measures
from training.ml.checkpoint import Ensemble, Model
from training.ml.device import Place
from training.ml.diversity import gradient_embedding
from training.ml.job import Example, JobError, LabelClass
from training.ml.preprocess import Floats, Mask
from training.ml.unet import probabilities

OVERLAP = 0.5
_TOGETHER = 4  # windows
_DROPOUT_PASSES = 8
_MIRRORS: tuple[tuple[int, ...], ...] = ((), (2,), (3,), (2, 3))

Spacing = tuple[float, float] | None
"""mm per row and per column."""
Passes = Literal["none", "mirror", "dropout"]
"""Several looks at one image: mirrored copies, or with dropout left on."""


@dataclass(frozen=True)
class Extra:
    """What else a strategy wants to know of an image; each costs time."""

    passes: Passes = "none"
    gradient: bool = False
    measures: bool = False


PLAIN = Extra()


@dataclass(frozen=True)
class Prediction:
    """What a model says about one image, on the image's own grid."""

    values: Floats
    """Probabilities (1 + classes, rows, columns), background first; they sum to 1."""
    embedding: Floats
    """Bottleneck features averaged over the image (widths[-1],), of the first member."""
    gradient: Floats | None = None
    """`diversity.gradient_embedding` of the image, by the first member, where asked for."""
    passes: Floats | None = None
    """Probabilities of several looks (S, 1 + classes, rows, columns), where asked for."""
    measured: bool = False
    """Whether all measures are wanted."""
    committee: Floats | None = None
    """Of an ensemble: each member's probabilities (S, 1 + classes, rows, columns)."""

    def mask(self, classes: Sequence[LabelClass]) -> Mask:
        """The most probable class per pixel, as label values (rows, columns) uint8."""
        labels = np.array([0, *(item.index for item in classes)], dtype=np.uint8)
        best: Mask = labels[self.channel]
        return best

    @cached_property
    def channel(self) -> npt.NDArray[np.intp]:
        """The most probable channel per pixel (rows, columns), 0 for background."""
        found: npt.NDArray[np.intp] = self.values.argmax(axis=0)
        return found

    @cached_property
    def uncertainty(self) -> Floats:
        """How unsure (rows, columns), 0..1: entropy, or what an ensemble's members differ on."""
        if self.committee is None:
            return np.asarray(np.clip(measures.entropy(self.values), 0, 1), dtype=np.float32)
        return np.asarray(measures.bald(self.committee), dtype=np.float32)


def mean_of(arrays: Sequence[Floats]) -> Floats:
    """Mean of arrays of one shape."""
    return arrays[0] if len(arrays) == 1 else np.asarray(np.mean(arrays, axis=0), np.float32)


@dataclass(frozen=True)
class Score:
    """How much a model has to learn from an image; larger is less sure, 0..1."""

    overall: float
    """Mean entropy weighted by the probability of not being background."""
    classes: dict[str, float]
    """Per class: mean entropy weighted by the probability of the class."""
    foreground: float
    """Share of pixels predicted to be of any class."""
    measures: dict[str, float]
    """See `measures.of_image`."""


def predict(
    model: Model | Ensemble, example: Example, place: Place, extra: Extra = PLAIN
) -> Prediction:
    """Run a model on one image of any size.

    An ensemble answers with the mean of its members' probabilities. Raises JobError for an
    unreadable image, or dropout passes of a network without dropout.
    """
    return predict_pixels(model, example.pixels(), example.spacing, place, extra)


def predict_pixels(
    model: Model | Ensemble,
    pixels: Floats,
    spacing: Spacing,
    place: Place,
    extra: Extra = PLAIN,
) -> Prediction:
    """`predict` for modality values (H, W, C) at hand, with mm per row and column."""
    found = [
        _member(member, pixels, spacing, place, gradient=extra.gradient) for member in model.members
    ]
    values = mean_of([one.values for one in found])
    looks = None
    if extra.passes != "none":
        looks = np.stack(_looks(model.members[0], pixels, spacing, place, extra.passes))
    committee = np.stack([one.values for one in found]) if len(found) > 1 else None
    first = found[0]
    return Prediction(values, first.embedding, first.gradient, looks, extra.measures, committee)


def features(model: Model, example: Example, place: Place) -> Floats:
    """Bottleneck features of one look at an image, averaged over it (widths[-1],).

    All that a network which was only pre-trained has to say. Raises JobError as `predict` does.
    """
    pixels = example.pixels()
    rows, columns = pixels.shape[:2]
    geometry = model.plan.geometry(rows, columns, example.spacing)
    return forward(model, model.plan.image(pixels, geometry), place).embedding


@dataclass(frozen=True)
class Forward:
    """What one network says of a picture (H, W, C)."""

    values: Floats
    """Probabilities (1 + classes, H, W)."""
    embedding: Floats
    """(D,)."""
    gradient: Floats | None
    """((1 + classes) * D',), where asked for."""


def _member(
    model: Model, pixels: Floats, spacing: Spacing, place: Place, *, dropout: bool = False,
    gradient: bool = False, mirrored: tuple[int, ...] | None = None,
) -> Forward:  # fmt: skip
    """Run one network; what it says comes back on the image's own grid.

    `mirrored` looks at the picture turned over those axes only (of 1, C, H, W).
    """
    rows, columns = pixels.shape[:2]
    geometry = model.plan.geometry(rows, columns, spacing)
    picture = model.plan.image(pixels, geometry)
    turns = _MIRRORS if model.mirror and mirrored is None else (mirrored or (),)
    found = forward(model, picture, place, turns=turns, dropout=dropout, gradient=gradient)
    values = model.plan.restore(found.values, geometry)
    values = np.asarray(values / values.sum(axis=0, keepdims=True))
    return Forward(values, found.embedding, found.gradient)


def _looks(
    model: Model, pixels: Floats, spacing: Spacing, place: Place, passes: Passes
) -> list[Floats]:
    if passes == "mirror":
        return [_member(model, pixels, spacing, place, mirrored=a).values for a in _MIRRORS]
    if model.architecture.dropout == 0:
        raise JobError("no_dropout", "this network has no dropout: use mirror passes")
    return [
        _member(model, pixels, spacing, place, dropout=True).values for _ in range(_DROPOUT_PASSES)
    ]


def forward(
    model: Model,
    picture: Floats,
    place: Place,
    *,
    turns: Sequence[tuple[int, ...]] = ((),),
    dropout: bool = False,
    gradient: bool = False,
) -> Forward:
    """Run the network on a normalised picture (H, W, C), averaging over `turns`.

    Each turn mirrors the axes it names (of 1, C, H, W) and back. `dropout` stays on when asked.
    """
    stride, patch = model.architecture.stride, model.plan.patch
    image = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None]
    rows, columns = image.shape[-2:]
    short = (0, max(0, stride - columns), 0, max(0, stride - rows))
    image = functional.pad(image, short).to(place.device)
    features: list[Tensor] = []
    gradients: list[Floats] = []
    last: list[Tensor] = []

    def window(batch: Tensor) -> Tensor:
        logits, found = model.network.with_features(
            batch.contiguous(memory_format=place.layout(model.architecture.norm))
        )
        features.append(found.float())
        values = probabilities(logits)
        for own in last:  # none unless the gradient is asked for
            pairs = zip(values.float().cpu().numpy(), own.float().cpu().numpy(), strict=True)
            gradients.extend(gradient_embedding(one, inputs) for one, inputs in pairs)
        last.clear()
        return values

    if model.network.training:  # asking first: telling every module takes half a millisecond
        model.network.eval()
    if dropout:
        model.network.dropout.train()
    head = model.network.head
    hook = head.register_forward_pre_hook(lambda _, x: last.append(x[0])) if gradient else None
    try:
        with torch.inference_mode(), place.autocast():
            total = torch.zeros(())
            for axes in turns:
                turned = torch.flip(image, axes) if axes else image
                wide = max(rows, columns) > patch
                found = _slide(turned, patch, window) if wide else window(turned)
                total = total + (torch.flip(found, axes) if axes else found).float().cpu()
    finally:
        model.network.dropout.eval()
        if hook is not None:
            hook.remove()
    values = (total / len(turns))[0, :, :rows, :columns]
    embedding = torch.cat(features).mean(dim=0).cpu().numpy()
    gained = np.mean(gradients, axis=0) if gradients else None
    return Forward(values.numpy(), embedding, gained)


def _slide(image: Tensor, patch: int, window: Callable[[Tensor], Tensor]) -> Tensor:
    """Overlapping windows over a large image (1, C, H, W), weighted by a bell and averaged.

    A side that is shorter than the patch is padded with 0 on both ends.
    """
    # Loaded late on purpose: MONAI takes seconds, and most images fit into one window.
    from monai.inferers.utils import sliding_window_inference

    found = sliding_window_inference(
        image, (patch, patch), _TOGETHER, window, overlap=OVERLAP, mode="gaussian"
    )
    assert isinstance(found, Tensor)
    return found


def score(prediction: Prediction, classes: Sequence[LabelClass]) -> Score:
    """The mean uncertainty where a class may be, and other measures (`measures.where_shown`)."""
    unsure, values = prediction.uncertainty, prediction.values
    looks = prediction.passes if prediction.committee is None else prediction.committee
    return Score(
        overall=measures.where_shown(unsure, 1 - values[0]),
        classes={
            item.name: measures.where_shown(unsure, values[channel])
            for channel, item in enumerate(classes, start=1)
        },
        foreground=float((prediction.channel > 0).mean()),
        measures=measures.of_image(values, looks) if prediction.measured else {},
    )
