"""Where a model looks when it finds a class: Grad-CAM for segmentation, by MONAI.

Selvaraju et al., "Grad-CAM", 2017; for segmentation the explained number is the class's logit
averaged over the pixels where the class is predicted (Vinogradova et al., "Seg-Grad-CAM", 2020).
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from monai.visualize.class_activation_maps import GradCAM
from torch import Tensor, nn

from training.ml.checkpoint import Model
from training.ml.device import Place
from training.ml.job import Example, JobError
from training.ml.preprocess import Floats
from training.ml.unet import UNet, probabilities


class _Pooled(nn.Module):
    """Turns the logits of a segmentation into one number per class (B, 1 + classes)."""

    def __init__(self, network: UNet) -> None:
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


def explain(model: Model, example: Example, class_index: int, place: Place) -> Floats:
    """Heat map (rows, columns), 0..1, of how much each region raises the class's logit.

    `class_index` is the class's label value. Raises JobError for a class the model does not know.
    """
    channels = {item.index: number for number, item in enumerate(model.classes, start=1)}
    if class_index not in channels:
        raise JobError("unknown_class", f"the model has no class {class_index}")
    pixels = example.pixels()
    geometry = model.plan.geometry(pixels.shape[0], pixels.shape[1], example.spacing)
    picture = model.plan.image(pixels, geometry).transpose(2, 0, 1)
    image = torch.from_numpy(np.ascontiguousarray(picture))[None].to(place.device)
    stride = model.architecture.stride
    sides = image.shape[-2:]
    image = nn.functional.pad(image, (0, max(0, stride - sides[1]), 0, max(0, stride - sides[0])))
    pooled = _Pooled(model.network).eval()
    # The last decoder level below full resolution: fine enough to place, deep enough to mean.
    levels = len(model.network.decoder)
    layer = f"network.decoder.{max(0, levels - 2)}"
    with torch.enable_grad():
        heat = GradCAM(pooled, layer)(image, class_idx=channels[class_index])
    found = heat[0, 0, : sides[0], : sides[1]].detach().cpu().numpy().astype(np.float32)
    if not geometry.unchanged:
        found = cv2.resize(found, (geometry.columns, geometry.rows), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(found, 0, 1), dtype=np.float32)
