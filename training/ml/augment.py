"""Random changes of training images: one warp (crop, flip, affine, elastic), then intensities.

All randomness comes from the generator that is passed in, so a batch is a function of its seed.
Geometry is done in a single resampling, so nothing is blurred twice; what lies outside the image
becomes 0 in the picture and `ignore` in the mask.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from training.ml.config import IGNORE, AugmentConfig
from training.ml.preprocess import Floats, Mask

_COARSE = 4


def warp(
    image: Floats,
    mask: Mask,
    corner: tuple[int, int],
    patch: int,
    config: AugmentConfig | None,
    rng: np.random.Generator,
) -> tuple[Floats, Mask]:
    """Cut a patch whose top left pixel is `corner`, deformed around its centre.

    image (H, W, C), mask (H, W) -> (patch, patch, C), (patch, patch). Without config: a plain cut.
    """
    steps = np.arange(patch, dtype=np.float32) - np.float32((patch - 1) / 2)
    y, x = np.meshgrid(steps, steps, indexing="ij")
    if config is not None:
        y, x = _deform(y, x, patch, config, rng)
    y = (y + np.float32(corner[0] + (patch - 1) / 2)).astype(np.float32)
    x = (x + np.float32(corner[1] + (patch - 1) / 2)).astype(np.float32)
    picture = np.asarray(
        cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0.0),
        dtype=np.float32,
    )
    labels = np.asarray(
        cv2.remap(
            mask, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=float(IGNORE)
        ),
        dtype=np.uint8,
    )
    return picture.reshape(patch, patch, -1), labels


def _deform(
    y: Floats, x: Floats, patch: int, config: AugmentConfig, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Where in the image (pixels from the patch's centre) each pixel of the patch is taken from."""
    angle = np.deg2rad(rng.uniform(-config.rotate, config.rotate))
    size_y, size_x = 1 + rng.uniform(-config.scale, config.scale, 2)
    shift_y, shift_x = rng.uniform(-config.shift, config.shift, 2) * patch
    flip_y, flip_x = rng.choice((-1.0, 1.0), 2) if config.flip else (1.0, 1.0)
    y, x = y * (flip_y / size_y), x * (flip_x / size_x)
    y, x = np.cos(angle) * y - np.sin(angle) * x, np.sin(angle) * y + np.cos(angle) * x
    field = _smooth(rng, patch, 2) * (config.elastic * patch)
    return y + shift_y + field[..., 0], x + shift_x + field[..., 1]


def intensity(image: Floats, config: AugmentConfig, rng: np.random.Generator) -> Floats:
    """Tone curve, gain, smooth field, blur and noise on a normalised picture (H, W, C)."""
    gamma = np.exp(rng.uniform(-config.gamma, config.gamma))
    gain = 1 + rng.uniform(-config.gain, config.gain)
    field = np.exp(config.bias * np.clip(_smooth(rng, image.shape[0], 1), -1.5, 1.5))
    sigma, noise = rng.uniform(0, config.blur), rng.uniform(0, config.noise)
    changed = np.sign(image) * np.abs(image) ** gamma * gain * field
    if sigma > 0.3:
        blurred = cv2.GaussianBlur(changed.astype(np.float32), (0, 0), float(sigma))
        changed = np.asarray(blurred, dtype=np.float32).reshape(image.shape)
    changed = changed + noise * rng.standard_normal(image.shape, dtype=np.float32)
    return np.asarray(changed, dtype=np.float32)


def _smooth(rng: np.random.Generator, side: int, channels: int) -> npt.NDArray[np.float32]:
    """A smooth random field (side, side, channels) of about unit standard deviation."""
    coarse = rng.standard_normal((_COARSE, _COARSE, channels), dtype=np.float32)
    fine = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.asarray(fine, dtype=np.float32).reshape(side, side, channels)
