"""Random changes of training images, by MONAI's transforms: geometry in one resampling, then tones.

All randomness comes from the seed that is passed in, so a batch is a function of its seed. What
lies outside the image becomes 0 in the picture and `ignore` in the target.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from monai.data.meta_obj import set_track_meta
from monai.transforms.compose import Compose
from monai.transforms.intensity.dictionary import (
    RandAdjustContrastd,
    RandBiasFieldd,
    RandGaussianNoised,
    RandGaussianSmoothd,
    RandScaleIntensityd,
)
from monai.transforms.spatial.dictionary import Rand2DElasticd, RandFlipd

from training.ml.config import IGNORE, AugmentConfig
from training.ml.preprocess import Floats, Mask

_BOTH, _PICTURE, _TARGET = ("picture", "target"), "picture", "target"
_CONTROL = 4  # control points of the elastic field per side of a patch
_MARGIN = 4  # a quarter of the patch around it, for what turning and shrinking bring in


class Augment:
    """Cuts patches and changes them: what is drawn after `seed` follows from it alone."""

    def __init__(self, config: AugmentConfig, patch: int) -> None:
        set_track_meta(False)  # plain tensors: nobody asks these patches where they came from
        self.patch = patch
        self._change = Compose([*_geometry(config, patch), *_tones(config)])

    def seed(self, seed: int) -> None:
        """Begin a new row of changes, 0 <= seed < 2**32; costs as much as half a patch."""
        self._change.set_random_state(seed=seed)

    def __call__(
        self, picture: Floats, target: Mask, corner: tuple[int, int]
    ) -> tuple[Floats, Mask]:
        """Change the patch whose top left pixel is `corner`.

        picture (H, W, C), target (H, W) -> (C, patch, patch) float32, (patch, patch) uint8.
        """
        margin = self.patch // _MARGIN
        wide = (corner[0] - margin, corner[1] - margin), self.patch + 2 * margin
        # `ignore` wraps to 0, which is what every resampling fills in outside the image.
        shifted = (target + np.uint8(1)).astype(np.uint8)[None]
        assert IGNORE == 255
        changed: dict[str, Any] = self._change(
            {_PICTURE: cut(picture.transpose(2, 0, 1), *wide), _TARGET: cut(shifted, *wide)}
        )
        labels = changed[_TARGET].numpy()[0].astype(np.uint8) - np.uint8(1)
        return np.asarray(changed[_PICTURE].numpy(), dtype=np.float32), labels


def cut(planes: npt.NDArray[Any], corner: tuple[int, int], side: int) -> npt.NDArray[Any]:
    """Cut a square out of planes (C, H, W) -> (C, side, side), with 0 beyond the edges."""
    result = np.zeros((planes.shape[0], side, side), dtype=planes.dtype)
    (top, left), (rows, columns) = corner, planes.shape[1:]
    inside = planes[:, max(0, top) : top + side, max(0, left) : left + side]
    row, column = max(0, -top), max(0, -left)
    if inside.size and top < rows and left < columns:
        result[:, row : row + inside.shape[1], column : column + inside.shape[2]] = inside
    return result


def _geometry(config: AugmentConfig, patch: int) -> list[Any]:
    flips = [RandFlipd(_BOTH, prob=0.5, spatial_axis=axis) for axis in (0, 1) if config.flip]
    return [
        *flips,
        Rand2DElasticd(
            _BOTH,
            prob=1.0,
            spacing=(patch / _CONTROL, patch / _CONTROL),
            magnitude_range=(0.0, config.elastic * patch),
            rotate_range=float(np.deg2rad(config.rotate)),
            translate_range=(config.shift * patch, config.shift * patch),
            scale_range=(config.scale, config.scale),
            spatial_size=(patch, patch),
            mode=("bilinear", "nearest"),
            padding_mode="zeros",
        ),
    ]


def _tones(config: AugmentConfig) -> list[Any]:
    gamma = (float(np.exp(-config.gamma)), float(np.exp(config.gamma)))
    steps: list[Any] = []
    if config.gamma:
        steps.append(RandAdjustContrastd(_PICTURE, prob=1.0, gamma=gamma))
    if config.gain:
        steps.append(RandScaleIntensityd(_PICTURE, factors=config.gain, prob=1.0))
    if config.bias:
        steps.append(RandBiasFieldd(_PICTURE, prob=1.0, coeff_range=(-config.bias, config.bias)))
    if config.blur:
        sigma = (0.0, config.blur)
        steps.append(RandGaussianSmoothd(_PICTURE, prob=0.5, sigma_x=sigma, sigma_y=sigma))
    if config.noise:
        steps.append(RandGaussianNoised(_PICTURE, prob=1.0, std=config.noise))
    return steps
