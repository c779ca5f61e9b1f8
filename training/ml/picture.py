"""One image as a network is shown it, and the way back: for those who explain what it says."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.ml.checkpoint import Model
from training.ml.device import Place
from training.ml.findings import centred
from training.ml.job import Example
from training.ml.preprocess import Floats, Geometry


@dataclass(frozen=True)
class Picture:
    """A normalised image with the zeros around or behind it with which the network is asked."""

    image: Tensor
    """(1, C, H, W) on the place's device."""
    top: int
    """Row of the image's first pixel in it."""
    left: int
    """Column of the same."""
    rows: int
    columns: int
    """Without the zeros."""
    geometry: Geometry

    @property
    def within(self) -> tuple[slice, slice]:
        """Rows and columns where the image itself lies."""
        down = slice(self.top, self.top + self.rows)
        return down, slice(self.left, self.left + self.columns)

    def own_grid(self, heat: Tensor) -> Floats:
        """A map (H, W) of the picture on the grid of the image's file: (rows, columns)."""
        found = heat[self.within].float().cpu().numpy()
        if self.geometry.unchanged:
            return np.asarray(found, dtype=np.float32)
        size = (self.geometry.columns, self.geometry.rows)
        return np.asarray(cv2.resize(found, size, interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def picture_of(model: Model, example: Example, place: Place) -> Picture:
    """Prepare an example as the model is asked about it. Raises JobError for an unreadable image.

    By the model's plan, and padded where it is small: for a classifier on all sides to what it
    was trained on, for one that draws at its end to the network's stride.
    """
    pixels = example.pixels()
    geometry = model.plan.geometry(pixels.shape[0], pixels.shape[1], example.spacing)
    values = model.plan.image(pixels, geometry).transpose(2, 0, 1)
    image = torch.from_numpy(np.ascontiguousarray(values))[None].to(place.device)
    rows, columns = image.shape[-2:]
    if model.questions:
        image = centred(image, model.plan.patch)
        top, left = (image.shape[-2] - rows) // 2, (image.shape[-1] - columns) // 2
        return Picture(image, top, left, rows, columns, geometry)
    stride = model.architecture.stride
    image = functional.pad(image, (0, max(0, stride - columns), 0, max(0, stride - rows)))
    return Picture(image, 0, 0, rows, columns, geometry)
