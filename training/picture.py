"""STEP picture: what one model drew on one image, or people did, as a PNG to be looked at."""

import io
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from PIL import Image as Picture

from annotations.models import Campaign
from reticle.errors import NotFound
from reticle.images.models import Image
from reticle.images.render import shown
from reticle.pixels.mask import unpack
from training.compare import pool_tasks
from training.models import ModelVersion, Prediction

FILL = 0.3  # how much of a class's colour covers the image within its edge
LEAST = 384  # smaller images are enlarged by whole factors, so that edges stay thin
Mask = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]


def drawing(model: ModelVersion, image_id: int) -> bytes:
    """Return a PNG of the image with the model's drawing on it.

    Raises NotFound when the model has not drawn it, and for held-out images always: nobody is to
    choose between models by looking at those.
    """
    row = Prediction.objects.filter(model=model, image_id=image_id).first()
    if (
        row is None
        or not row.packed
        or not pool_tasks(model.campaign).filter(image_id=image_id).exists()
    ):
        raise NotFound("There is no drawing of this image by this model.")
    image = Image.objects.get(pk=image_id)
    mask = unpack(bytes(row.packed), image.rows, image.columns)
    return png(shown(image), mask, colours_of(model.campaign))


def label(model: ModelVersion, image_id: int) -> bytes:
    """Return a PNG of the image with the label that settled it; alone before there is one.

    Raises NotFound for images of other campaigns, and for held-out ones as `drawing` does.
    """
    tasks = pool_tasks(model.campaign).select_related("image", "settled")
    task = tasks.filter(image_id=image_id).first()
    if task is None:
        raise NotFound("There is no such case to be looked at.")
    image, settled = task.image, task.settled
    mask = np.zeros((image.rows, image.columns), np.uint8)
    if settled is not None:
        mask = unpack(bytes(settled.packed), image.rows, image.columns)
    return png(shown(image), mask, colours_of(model.campaign))


def colours_of(campaign: Campaign) -> dict[int, Colour]:
    """Return the colour of each class by its value in masks."""
    return {each.index: _rgb(each.colour) for each in campaign.classes.all()}


def png(pixels: Mask, mask: Mask, colours: Mapping[int, Colour]) -> bytes:
    """Return what `painted` makes as the bytes of a PNG."""
    buffer = io.BytesIO()
    Picture.fromarray(painted(pixels, mask, colours)).save(buffer, "PNG")
    return buffer.getvalue()


def painted(pixels: Mask, mask: Mask, colours: Mapping[int, Colour]) -> Mask:
    """Fill each class of a mask (H, W) lightly and its edge fully: -> (n H, n W, 3) uint8.

    `pixels` are (H, W) or (H, W, 3).
    """
    times = max(1, -(-LEAST // max(mask.shape)))
    pixels, mask = (part.repeat(times, axis=0).repeat(times, axis=1) for part in (pixels, mask))
    picture = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
    result = picture.astype(np.float32)
    edge = _edges(mask)
    for index, colour in colours.items():
        inside = mask == index
        result[inside] = (1 - FILL) * result[inside] + FILL * np.array(colour, np.float32)
        result[inside & edge] = colour
    return np.asarray(np.rint(result), dtype=np.uint8)


def _edges(mask: Mask) -> npt.NDArray[np.bool_]:
    """Tell where a pixel (H, W) has a neighbour of another class, or the image's border."""
    framed = np.pad(mask, 1)
    inner = framed[1:-1, 1:-1]
    sides = (framed[:-2, 1:-1], framed[2:, 1:-1], framed[1:-1, :-2], framed[1:-1, 2:])
    return np.asarray(np.any([inner != side for side in sides], axis=0))


def _rgb(colour: str) -> Colour:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
