"""Where a model looks when it finds a class or gives an answer: Grad-CAM with HiResCAM's product.

Selvaraju et al., "Grad-CAM", 2017; for segmentation the explained number is the class's logit
averaged over the pixels where the class is predicted (Vinogradova et al., "Seg-Grad-CAM", 2020).
Gradient and activation are multiplied pixel by pixel (Draelos & Carin, "HiResCAM", 2020) and not
averaged over the image first: on the made-up cohort a map of the rare lesions was then 45 times
as strong on them as elsewhere, and with averaged gradients 2 times. MONAI has averaged ones only.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.ml.checkpoint import Ensemble, Model, write_whole
from training.ml.device import Place
from training.ml.infer import predict
from training.ml.job import Example, JobError
from training.ml.occlusion import occlude
from training.ml.picture import picture_of
from training.ml.preprocess import Floats
from training.ml.unet import Network, probabilities


class _Pooled(nn.Module):
    """Turns the logits of a segmentation into one number per class (B, 1 + classes)."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.network(x)
        if logits.shape[1] == 1:
            logits = torch.cat((-logits, logits), dim=1)
        region = probabilities(logits).detach()
        chosen = nn.functional.one_hot(region.argmax(dim=1), region.shape[1]).permute(0, 3, 1, 2)
        # A class that is predicted nowhere is explained where it is most nearly predicted.
        weight = torch.where(chosen.sum(dim=(2, 3), keepdim=True) > 0, chosen.float(), region)
        total: Tensor = (logits * weight).sum(dim=(2, 3))
        return total / weight.sum(dim=(2, 3)).clamp_min(1e-6)


def targets_of(model: Model | Ensemble) -> list[int]:
    """What can be explained: the label values of classes, or the numbers of the options in order.

    Options are counted over all questions, as the network's outputs are.
    """
    if model.questions:
        return list(range(sum(len(item.options) for item in model.questions)))
    return [item.index for item in model.classes]


def explain(model: Model, example: Example, target: int, place: Place) -> Floats:
    """Heat map (rows, columns), 0..1, of how much each region raises the target's logit.

    `target` is one of `targets_of`. Raises JobError for one that the model does not know.
    """
    known = targets_of(model)
    if target not in known:
        raise JobError("unknown_class", f"the model has no class {target}")
    picture = picture_of(model, example, place)
    channel = known.index(target) + (0 if model.questions else 1)
    network = model.network if model.questions else _Pooled(model.network)
    heat = torch.zeros(())
    for layer in _layers(model):
        heat = _heat(network.eval(), layer, picture.image, channel)
        if float(heat.sum()) > 0:
            break
    found = picture.own_grid(heat.clamp_min(0))
    most = float(found.max())
    return np.asarray(found / most if most > 0 else found, dtype=np.float32)


def _layers(model: Model) -> list[str]:
    """The layers to look at: the next where one as a whole speaks against the target.

    Of a U-Net the last decoder level below full resolution, fine enough to place, deep enough to
    mean; then full resolution. Of a classifier the deepest, as usual.
    """
    if model.questions:
        return ["bottleneck" if model.architecture.encoder == "plain" else "encoder.layer4"]
    decoder = model.network.get_submodule("decoder")
    assert isinstance(decoder, nn.ModuleList)
    last = len(decoder) - 1
    return [f"network.decoder.{level}" for level in (max(0, last - 1), last)]


def _heat(network: nn.Module, layer: str, image: Tensor, channel: int) -> Tensor:
    """What each place of a layer adds to an output of the image (1, C, H, W): (H, W)."""
    kept: list[Tensor] = []
    hook = network.get_submodule(layer).register_forward_hook(lambda _, x, out: kept.append(out))
    try:
        with torch.enable_grad():
            output = network(image)[0, channel]
            (slope,) = torch.autograd.grad(output, kept[0])
    finally:
        hook.remove()
    heat = (slope * kept[0].detach()).sum(dim=1, keepdim=True)
    return nn.functional.interpolate(heat, size=image.shape[2:], mode="bilinear")[0, 0]


def explain_all(
    model: Model | Ensemble,
    examples: Sequence[Example],
    out: Path,
    place: Place,
    emit: Callable[[dict[str, Any]], None],
    *,
    occlusion: bool = False,
    committee: Model | Ensemble | None = None,
) -> None:
    """Write OUT/<id>.npz for each example and emit a line for it.

    `explanation` (targets, rows, columns) is uint8, 255 for 1; `targets` holds what each is of, see
    `targets_of`. With `occlusion` an array of that name and shape is beside it. Models that draw
    also give `uncertainty` (rows, columns) uint8: that of the `committee` where there is one.
    """
    targets = targets_of(model)
    for example in examples:
        maps = {
            "explanation": np.stack(
                [
                    np.mean([explain(part, example, each, place) for part in model.members], axis=0)
                    for each in targets
                ]
            )
        }
        if not model.questions:
            maps["uncertainty"] = predict(committee or model, example, place).uncertainty
        if occlusion:
            maps["occlusion"] = np.mean(
                [occlude(part, example, place) for part in model.members], axis=0
            )
        arrays = {name: np.round(values * 255).astype(np.uint8) for name, values in maps.items()}
        content = io.BytesIO()
        np.savez_compressed(content, targets=np.array(targets, dtype=np.uint8), **arrays)  # type: ignore[arg-type]  # its only keyword of another type is not among the names
        write_whole(out / f"{example.id}.npz", content.getvalue())
        emit({"event": "case", "id": example.id})
    emit({"event": "done", "count": len(examples)})
