"""How a model holds up when images get worse: Dice per class, or accuracy per question.

An ensemble is measured as it answers, by the mean of its members. Each change has three steps of
growing strength. Changes of intensity leave the truth as it is, rotation turns a drawing along and
leaves answers as they are. Intensities are in units of the image's own range between its 0.5th and
99.5th percentile. The adversarial step goes against the loss' gradient on the network's own grid
(Goodfellow et al., "Explaining and harnessing adversarial examples", 2015); of an ensemble against
the sum of its members' gradients, each on its own grid. The list follows what Boone et al.,
"ROOD-MRI", 2022, found to matter for brain MRI.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from reticle.pixels.agreement import Counts, counts
from training.ml.checkpoint import Ensemble, Model
from training.ml.device import Place
from training.ml.evaluate import channel_of, known_truth
from training.ml.findings import Answers, FindingsLoss, answer_pixels, centred, encode
from training.ml.infer import predict_pixels
from training.ml.job import Example
from training.ml.judge import accuracies
from training.ml.preprocess import Floats, Mask

Change = Callable[[Floats, float, np.random.Generator], Floats]
Changed = Callable[[Example, Floats, Mask], tuple[Floats, Mask]]
"""What is done to an image's values (H, W, C) and its truth (H, W)."""
Emit = Callable[[dict[str, Any]], None]


def noise(pixels: Floats, strength: float, rng: np.random.Generator) -> Floats:
    """Add Gaussian noise of a standard deviation in units of the range: (H, W, C) -> (H, W, C)."""
    return pixels + rng.normal(0, strength * _range(pixels), pixels.shape).astype(np.float32)


def blur(pixels: Floats, strength: float, rng: np.random.Generator) -> Floats:
    """Blur by a Gaussian of so many pixels."""
    return _kept(cv2.GaussianBlur(pixels, (0, 0), strength), pixels)


def contrast(pixels: Floats, strength: float, rng: np.random.Generator) -> Floats:
    """Bend the tone curve by the exponent `strength` within the range."""
    low, high = np.percentile(pixels, (0.5, 99.5))
    share = np.clip((pixels - low) / max(float(high - low), 1e-6), 0, 1)
    return np.asarray(low + share**strength * (high - low), dtype=np.float32)


def ghosting(pixels: Floats, strength: float, rng: np.random.Generator) -> Floats:
    """Add two faint copies, a quarter of the image up and down, as motion does to an MR image."""
    quarter = max(1, pixels.shape[0] // 4)
    copies = np.roll(pixels, quarter, axis=0) + np.roll(pixels, -quarter, axis=0)
    return np.asarray((pixels + strength * copies) / (1 + 2 * strength), dtype=np.float32)


def resolution(pixels: Floats, strength: float, rng: np.random.Generator) -> Floats:
    """Sample `strength` times coarser, and interpolate back."""
    rows, columns = pixels.shape[:2]
    small = (max(2, round(columns / strength)), max(2, round(rows / strength)))
    coarse = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
    return _kept(cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_LINEAR), pixels)


CHANGES: Mapping[str, tuple[Change, tuple[float, float, float]]] = {
    "noise": (noise, (0.02, 0.05, 0.1)),
    "blur": (blur, (0.5, 1.0, 2.0)),
    "contrast": (contrast, (0.8, 1.5, 2.5)),
    "ghosting": (ghosting, (0.05, 0.1, 0.2)),
    "resolution": (resolution, (1.5, 2.0, 3.0)),
}
ROTATION = (5.0, 15.0, 30.0)  # degrees
ADVERSARIAL = (0.002, 0.005, 0.01)  # of the network's input range


def robustness(
    model: Model | Ensemble, examples: Sequence[Example], place: Place, *, seed: int, emit: Emit
) -> dict[str, Any]:
    """{examples, clean: {name: value}, changes: [{change, strength, dice: {name: value}}]}.

    Dice by class pools the pixels of all examples; None where a class is nowhere. Of a model that
    answers `accuracy` by question stands in its place (`judge.accuracies`). One event per change.
    """
    metric, measure = ("accuracy", _accuracy) if model.questions else ("dice", _dice)
    rows: list[dict[str, Any]] = []
    for name, strength, change in _changes(model, place, seed):
        row = {
            "change": name, "strength": strength, metric: measure(model, examples, place, change),
        }  # fmt: skip
        emit({"event": "change", **row})
        rows.append(row)
    return {"examples": len(examples), "clean": rows[0][metric], "changes": rows[1:]}


def _changes(
    model: Model | Ensemble, place: Place, seed: int
) -> Iterator[tuple[str, float, Changed]]:
    """Name, strength, and what is done to an image and its truth; no change first."""
    yield "none", 0.0, lambda example, pixels, truth: (pixels, truth)
    for name, (change, strengths) in CHANGES.items():
        for strength in strengths:
            yield name, strength, partial(_with, change, strength, np.random.default_rng(seed))
    for degrees in ROTATION:
        yield "rotation", degrees, partial(_turned, degrees)
    for size in ADVERSARIAL:
        yield "adversarial", size, partial(_against, model, place, size)


def _with(
    change: Change, strength: float, rng: np.random.Generator, _: Example, pixels: Floats,
    truth: Mask,
) -> tuple[Floats, Mask]:  # fmt: skip
    return change(pixels, strength, rng), truth


def _dice(
    model: Model | Ensemble, examples: Sequence[Example], place: Place, change: Changed
) -> dict[str, float | None]:
    totals = {item.name: Counts(0, 0, 0) for item in model.classes}
    for example in examples:
        pixels, truth = change(example, example.pixels(), known_truth(example, model.classes))
        found = predict_pixels(model, pixels, example.spacing, place)
        mask = found.mask(model.classes)
        for item in model.classes:
            totals[item.name] += counts(mask, truth, item.index)
    return {name: total.dice if total.tp + total.fp + total.fn else None
            for name, total in totals.items()}  # fmt: skip


def _accuracy(
    model: Model | Ensemble, examples: Sequence[Example], place: Place, change: Changed
) -> dict[str, float | None]:
    def ask(example: Example) -> Answers:
        pixels = example.pixels()
        undrawn = np.zeros(pixels.shape[:2], np.uint8)
        return answer_pixels(model, change(example, pixels, undrawn)[0], example.spacing, place)

    return accuracies(model.questions, examples, ask)


def _turned(degrees: float, _: Example, pixels: Floats, truth: Mask) -> tuple[Floats, Mask]:
    rows, columns = truth.shape
    matrix = cv2.getRotationMatrix2D(((columns - 1) / 2, (rows - 1) / 2), degrees, 1.0)
    size = (columns, rows)
    image = cv2.warpAffine(
        pixels, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    # What turns in from outside the image was judged by nobody.
    mask = cv2.warpAffine(
        truth, matrix, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT,
        borderValue=255,
    )  # fmt: skip
    return _kept(image, pixels), np.asarray(mask, dtype=np.uint8)


def _against(
    model: Model | Ensemble, place: Place, size: float, example: Example, pixels: Floats,
    truth: Mask,
) -> tuple[Floats, Mask]:  # fmt: skip
    """One step of `size` against the loss, carried from the network's grid back to the image's."""
    uphill = np.zeros(pixels.shape, np.float32)
    for member in model.members:
        gradient = _gradient(member, place, example, pixels, truth)
        back = cv2.resize(gradient, truth.shape[::-1], interpolation=cv2.INTER_NEAREST)
        if back.ndim == 2:
            back = back[:, :, None]
        if back.shape[2] != pixels.shape[2]:
            back = np.broadcast_to(back.mean(axis=2, keepdims=True), pixels.shape)
        uphill += back
    step = size * _range(pixels) * np.sign(uphill)
    return np.asarray(pixels + step, dtype=np.float32), truth


def _gradient(model: Model, place: Place, example: Example, pixels: Floats, truth: Mask) -> Floats:
    """Of one network's loss, by its normalised picture: (rows, columns, channels) of its grid."""
    geometry = model.plan.geometry(truth.shape[0], truth.shape[1], example.spacing)
    picture = torch.from_numpy(model.plan.image(pixels, geometry).transpose(2, 0, 1).copy())[None]
    picture = picture.to(place.device).requires_grad_()
    network = model.network.eval()
    if model.questions:
        wanted = torch.from_numpy(encode(model.questions, example.answers))[None]
        logits = network(centred(picture, model.plan.patch))
        loss = FindingsLoss(model.questions)(logits, wanted.to(place.device))
    else:
        target = model.plan.mask(channel_of(model.classes)[truth], geometry)
        loss = _drawn_loss(network, picture, target, model.architecture.stride)
    (found,) = torch.autograd.grad(loss, picture)
    return np.ascontiguousarray(found[0].cpu().numpy().transpose(1, 2, 0))


def _drawn_loss(network: nn.Module, picture: Tensor, target: Mask, stride: int) -> Tensor:
    """Cross-entropy of a drawing: (1, C, H, W) against channels (H, W), 255 not judged."""
    short = (0, max(0, stride - picture.shape[-1]), 0, max(0, stride - picture.shape[-2]))
    wanted = functional.pad(torch.from_numpy(target.astype(np.int64))[None], short, value=255)
    wanted = wanted.to(picture.device)
    logits = network(functional.pad(picture, short))
    if logits.shape[1] > 1:
        return functional.cross_entropy(logits, wanted, ignore_index=255)
    judged = wanted != 255
    return functional.binary_cross_entropy_with_logits(
        logits[:, 0][judged], (wanted[judged] > 0).float()
    )


def _range(pixels: Floats) -> float:
    low, high = np.percentile(pixels, (0.5, 99.5))
    return max(float(high - low), 1e-6)


def _kept(made: Any, like: Floats) -> Floats:
    """OpenCV drops a single channel: give it back."""
    return np.asarray(made, dtype=np.float32).reshape(like.shape)
