"""Random changes of training images: geometry in one resampling by OpenCV, then MONAI's tones.

MONAI's Rand2DElastic alone would cost a loop of preset tiny a fifth of its speed (docs/adr/0004).
OpenCV resamples the image itself, so that no wider piece has to be cut out first.

All randomness comes from the seed that is passed in, so a batch is a function of its seed. What
lies outside the image becomes 0 in the picture and `ignore` in the target.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from monai.data.meta_obj import set_track_meta
from monai.transforms.intensity.array import (
    RandAdjustContrast,
    RandBiasField,
    RandGaussianNoise,
    RandGaussianSmooth,
    RandScaleIntensity,
)
from monai.transforms.transform import RandomizableTransform

from training.ml.config import IGNORE, AugmentConfig
from training.ml.preprocess import Floats, Mask

_CONTROL = 4  # control points of the elastic field per side of a patch
_CHANCE = 0.3  # of each change of tones, as nnU-Net changes some images only
_LEAST_BLUR = 1e-3  # a width of 0 divides by it

set_track_meta(False)  # a patch is no volume with a history: keeping one costs more than changing


class Augment:
    """Cuts patches and changes them: what is drawn after `seed` follows from it alone."""

    def __init__(self, config: AugmentConfig, patch: int) -> None:
        self.config, self.patch = config, patch
        self._rng = np.random.default_rng(0)
        axis = np.arange(patch, dtype=np.float32)
        self._rows, self._columns = np.meshgrid(axis, axis, indexing="ij")
        self._tones = tones(config)

    def seed(self, seed: int) -> None:
        """Begin a new row of changes."""
        self._rng = np.random.default_rng(seed)
        state = np.random.RandomState(self._rng.bit_generator)  # MONAI draws by this kind
        for tone in self._tones:
            tone.set_random_state(state=state)

    def __call__(
        self, picture: Floats, target: Mask, corner: tuple[int, int]
    ) -> tuple[Floats, Mask]:
        """Change the patch whose top left pixel is `corner`.

        picture (H, W, C), target (H, W) -> (C, patch, patch) float32, (patch, patch) uint8.
        """
        rows, columns = self._places(corner)
        moved = cv2.remap(picture, columns, rows, cv2.INTER_LINEAR, borderValue=(0.0,) * 4)
        labels = cv2.remap(target, columns, rows, cv2.INTER_NEAREST, borderValue=(IGNORE,) * 4)
        planes = np.asarray(moved, dtype=np.float32).reshape(self.patch, self.patch, -1)
        changed = torch.from_numpy(np.ascontiguousarray(planes.transpose(2, 0, 1)))
        for tone in self._tones:
            changed = tone(changed)
        return changed.numpy(), np.asarray(labels, dtype=np.uint8)

    def _places(self, corner: tuple[int, int]) -> tuple[Floats, Floats]:
        """Where in the image each pixel of the patch is taken from: rows, columns (patch, patch).

        Turning, scaling, mirroring and shifting about the middle, and a smooth displacement whose
        control points are normally distributed.
        """
        config, patch, rng = self.config, self.patch, self._rng
        turn = np.deg2rad(rng.uniform(-config.rotate, config.rotate))
        scale = 1 + rng.uniform(-config.scale, config.scale, 2)
        shift = rng.uniform(-config.shift, config.shift, 2) * patch
        mirror = np.where(rng.random(2) < 0.5, -1, 1) if config.flip else np.ones(2)
        down, across = scale * mirror
        cosine, sine, middle = np.cos(turn), np.sin(turn), (patch - 1) / 2
        # One constant per map: float32 arrays are changed in place, and few are made.
        rows = self._rows * np.float32(cosine * down) - self._columns * np.float32(sine * across)
        columns = self._rows * np.float32(sine * down) + self._columns * np.float32(cosine * across)
        rows += np.float32(corner[0] + middle + shift[0] - middle * (cosine * down - sine * across))
        columns += np.float32(
            corner[1] + middle + shift[1] - middle * (sine * down + cosine * across)
        )
        if config.elastic:
            size = rng.uniform(0, config.elastic) * patch
            for places in (rows, columns):
                knots = rng.standard_normal((_CONTROL + 1, _CONTROL + 1), dtype=np.float32)
                knots *= np.float32(size)
                places += cv2.resize(knots, (patch, patch), interpolation=cv2.INTER_CUBIC)
        return rows, columns


def tones(config: AugmentConfig) -> list[RandomizableTransform]:
    """Tone curve, contrast, shading, blur and noise, of those that are not switched off."""
    gamma, bias = float(np.exp(config.gamma)), config.bias
    blur = (min(_LEAST_BLUR, config.blur), config.blur)
    made: list[tuple[float, RandomizableTransform]] = [
        (gamma - 1, RandAdjustContrast(_CHANCE, gamma=(1 / gamma, gamma))),
        (config.gain, RandScaleIntensity(config.gain, prob=_CHANCE)),
        (bias, RandBiasField(coeff_range=(-bias, bias), prob=_CHANCE)),
        (config.blur, RandGaussianSmooth(sigma_x=blur, sigma_y=blur, prob=_CHANCE)),
        (config.noise, RandGaussianNoise(_CHANCE, std=config.noise)),
    ]
    return [tone for strength, tone in made if strength]
