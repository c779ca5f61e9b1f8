"""From an image and a model to probabilities, a mask, an uncertainty map and scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.ml import measures
from training.ml.checkpoint import Ensemble, Model
from training.ml.device import Place
from training.ml.diversity import gradient_embedding
from training.ml.job import Example, JobError, LabelClass
from training.ml.preprocess import Floats, Geometry, Mask, Plan
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
    map: bool = False
    """Write the uncertainty of every pixel, which no strategy asks for."""


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
    def channel(self) -> Mask:
        """The most probable channel per pixel (rows, columns), 0 for background."""
        # As argmax(axis=0), which takes seven times as long over so short an axis.
        found, most = np.zeros(self.values.shape[1:], np.uint8), self.values[0]
        for channel, own in enumerate(self.values[1:], start=1):
            np.copyto(found, channel, where=own > most)
            most = np.maximum(most, own)
        return found

    @cached_property
    def entropy(self) -> Floats:
        """How unsure the answer is (rows, columns), 0..1: of an ensemble, its members' mean."""
        return np.asarray(np.clip(measures.entropy(self.values), 0, 1), dtype=np.float32)

    @cached_property
    def uncertainty(self) -> Floats:
        """What a map shows (rows, columns), 0..1: entropy, or where members of one differ."""
        if self.committee is None:
            return self.entropy
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
    return look(model, prepare(model, pixels, spacing), place, extra).prediction()


@dataclass(frozen=True)
class Picture:
    """An image on the grid of a plan."""

    values: Floats
    """Normalised (scaled rows, scaled columns, channels)."""
    geometry: Geometry


Pictures = Mapping[Plan, Picture]
"""An image as each plan of a model's members has it."""


def prepare(model: Model | Ensemble, pixels: Floats, spacing: Spacing) -> Pictures:
    """The first of a prediction's three steps: modality values (H, W, C) on the networks' grids."""
    found: dict[Plan, Picture] = {}
    for plan in dict.fromkeys(member.plan for member in model.members):
        geometry = plan.geometry(pixels.shape[0], pixels.shape[1], spacing)
        found[plan] = Picture(plan.image(pixels, geometry), geometry)
    return found


@dataclass(frozen=True)
class Look:
    """What a model says of an image, still on its networks' grids."""

    pictures: Pictures
    plans: Sequence[Plan]
    """By member."""
    found: Sequence[Forward]
    """By member."""
    passes: Sequence[Forward]
    """Of the first member, where asked for."""
    measured: bool

    def prediction(self) -> Prediction:
        """The last of a prediction's three steps: back on the image's own grid."""
        found = [
            self._restored(plan, one) for plan, one in zip(self.plans, self.found, strict=True)
        ]
        passes = [self._restored(self.plans[0], one) for one in self.passes]
        return Prediction(
            mean_of(found),
            self.found[0].embedding,
            self.found[0].gradient,
            np.stack(passes) if passes else None,
            self.measured,
            np.stack(found) if len(found) > 1 else None,
        )

    def _restored(self, plan: Plan, one: Forward) -> Floats:
        return plan.restore(one.values, self.pictures[plan].geometry)


def look(model: Model | Ensemble, pictures: Pictures, place: Place, extra: Extra = PLAIN) -> Look:
    """The second of a prediction's three steps: run the networks. Raises JobError as `predict`."""
    found = [
        forward(
            member, pictures[member.plan].values, place, gradient=extra.gradient,
            turns=_MIRRORS if member.mirror else ((),),
        )
        for member in model.members
    ]  # fmt: skip
    first = model.members[0]
    passes = _passes(first, pictures[first.plan].values, place, extra.passes, found[0])
    return Look(pictures, [m.plan for m in model.members], found, passes, extra.measures)


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


def _passes(
    model: Model, picture: Floats, place: Place, passes: Passes, known: Forward
) -> list[Forward]:
    """Several looks; `known` is what the model says without any."""
    if passes == "none":
        return []
    if passes == "mirror":
        upright = forward(model, picture, place) if model.mirror else known
        return [upright, *(forward(model, picture, place, turns=(a,)) for a in _MIRRORS[1:])]
    if model.architecture.dropout == 0:
        raise JobError("no_dropout", "this network has no dropout: use mirror passes")
    # Mirror images, where the model averages over them, each time anew.
    turns = _MIRRORS if model.mirror else ((),)
    return [
        forward(model, picture, place, turns=turns, dropout=True) for _ in range(_DROPOUT_PASSES)
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
    looks: list[Tensor] = []
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
            for axes in turns:
                turned = torch.flip(image, axes) if axes else image
                wide = max(rows, columns) > patch
                found = _slide(turned, patch, window) if wide else window(turned)
                looks.append((torch.flip(found, axes) if axes else found).float().cpu())
    finally:
        model.network.dropout.eval()
        if hook is not None:
            hook.remove()
    total = looks[0] if len(looks) == 1 else torch.cat(looks).mean(dim=0, keepdim=True)
    values = total[0, :, :rows, :columns]
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
    """The mean entropy where a class may be, and other measures (`measures.where_shown`)."""
    unsure, values = prediction.entropy, prediction.values
    looks = prediction.passes if prediction.committee is None else prediction.committee
    return Score(
        overall=measures.where_shown(unsure, 1 - values[0]),
        classes={
            item.name: measures.where_shown(unsure, values[channel])
            for channel, item in enumerate(classes, start=1)
        },
        foreground=np.count_nonzero(prediction.channel) / prediction.channel.size,
        measures=measures.of_image(values, looks) if prediction.measured else {},
    )
