"""Random changes of training images: geometry in one resampling, then tones.

The changes are those of MONAI's Rand2DElastic, RandFlip, RandAdjustContrast, RandScaleIntensity,
RandBiasField, RandGaussianSmooth and RandGaussianNoise, which this module used before: they took
9.2 ms of processor time for a patch of 128 pixels and 2.4 ms to seed, these 0.7 and 0.02 ms; with
them the loop of preset small reached 0.73 of the bare network's speed (docs/adr/0004). OpenCV
resamples the image itself, so that no wider piece has to be cut out first.

All randomness comes from the seed that is passed in, so a batch is a function of its seed. What
lies outside the image becomes 0 in the picture and `ignore` in the target.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from numpy.polynomial import legendre

from training.ml.config import IGNORE, AugmentConfig
from training.ml.preprocess import Floats, Mask

_CONTROL = 4  # control points of the elastic field per side of a patch
_DEGREE = 3  # of the polynomials of a bias field, over both axes together


class Augment:
    """Cuts patches and changes them: what is drawn after `seed` follows from it alone."""

    def __init__(self, config: AugmentConfig, patch: int) -> None:
        self.config, self.patch = config, patch
        self._rng = np.random.default_rng(0)
        axis = np.arange(patch, dtype=np.float32)
        self._rows, self._columns = np.meshgrid(axis, axis, indexing="ij")
        self._basis = _bias_basis(patch)

    def seed(self, seed: int) -> None:
        """Begin a new row of changes."""
        self._rng = np.random.default_rng(seed)

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
        changed = self._tones(np.ascontiguousarray(planes.transpose(2, 0, 1)))
        return changed, np.asarray(labels, dtype=np.uint8)

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

    def _tones(self, planes: Floats) -> Floats:
        """Tone curve, contrast, shading, blur and noise of planes (C, patch, patch)."""
        config, rng = self.config, self._rng
        if config.gamma:
            exponent = float(np.exp(rng.uniform(-config.gamma, config.gamma)))
            low, high = float(planes.min()), float(planes.max())
            if high > low:
                share = (planes - np.float32(low)) / np.float32(high - low)
                planes = np.float32(high - low) * _power(share, exponent) + np.float32(low)
        if config.gain:
            planes = planes * np.float32(1 + rng.uniform(-config.gain, config.gain))
        if config.bias:
            factors = rng.uniform(-config.bias, config.bias, len(self._basis)).astype(np.float32)
            planes = planes * np.exp(np.tensordot(factors, self._basis, axes=1))
        if config.blur and rng.random() < 0.5:
            across, down = rng.uniform(0, config.blur, 2)
            planes = np.stack([_blurred(plane, float(across), float(down)) for plane in planes])
        if config.noise:
            spread = np.float32(rng.uniform(0, config.noise))
            planes = planes + rng.standard_normal(planes.shape, dtype=np.float32) * spread
        return np.asarray(planes, dtype=np.float32)


def _power(values: Floats, exponent: float) -> Floats:
    return np.asarray(cv2.pow(values, exponent), dtype=np.float32).reshape(values.shape)


def _blurred(plane: Floats, across: float, down: float) -> Floats:
    least = 1e-3  # a width of 0 would have OpenCV choose one
    found = cv2.GaussianBlur(plane, (5, 5), max(across, least), sigmaY=max(down, least))
    return np.asarray(found, dtype=np.float32)


def _bias_basis(patch: int) -> npt.NDArray[np.float32]:
    """Products of Legendre polynomials over -1..1 up to the degree: (10, patch, patch)."""
    axis = np.linspace(-1, 1, patch)
    lines = legendre.legvander(axis, _DEGREE).T
    products = [
        lines[i][:, None] * lines[j][None]
        for i in range(_DEGREE + 1)
        for j in range(_DEGREE + 1 - i)
    ]
    return np.stack(products).astype(np.float32)
