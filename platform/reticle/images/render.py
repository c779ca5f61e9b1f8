"""Pixels as they leave: the JSON that describes them, and small previews."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Picture

from reticle import storage
from reticle.images.models import Image
from reticle.pixels.directions import directions
from reticle.pixels.window import percentile_window, to_8bit

THUMBNAIL = 128


def samples(image: Image) -> npt.NDArray[Any]:
    """Return the stored samples, (rows, columns) or (rows, columns, 3)."""
    flat = np.frombuffer(storage.read(image.sha256), dtype=np.dtype(image.dtype).newbyteorder("<"))
    shape = (image.rows, image.columns)
    return flat.reshape(shape if image.channels == 1 else (*shape, image.channels))


def describe(image: Image) -> dict[str, object]:
    """Return what a viewer needs to know to show the raw samples."""
    spacing = None
    if image.spacing_row and image.spacing_column:
        spacing = [image.spacing_row, image.spacing_column]
    axes = directions(image.series.affine) if image.series.affine else None
    window = None
    if image.window_center is not None and image.window_width:
        window = {"center": image.window_center, "width": image.window_width}
    return {
        "id": image.pk,
        "series": image.series_id,
        "index": image.index,
        "rows": image.rows,
        "columns": image.columns,
        "channels": image.channels,
        "dtype": image.dtype,
        "bits": image.bits,
        "slope": image.slope,
        "intercept": image.intercept,
        "photometric": image.photometric,
        "spacing": spacing,
        "axes": {"right": axes[0], "down": axes[1]} if axes else None,
        "window": window,
        "modality": image.series.modality,
        "patient_key": image.series.study.patient_key,
        "pixels_url": f"/api/v1/images/{image.pk}/pixels",
        "thumbnail_url": f"/api/v1/images/{image.pk}/thumbnail",
        "sha256": image.sha256,
    }


def shown(image: Image) -> npt.NDArray[np.uint8]:
    """Return 8-bit pixels (rows, columns[, 3]), windowed as stored or by percentiles."""
    pixels = samples(image)
    if image.channels == 1 or pixels.dtype != np.uint8:
        center, width = image.window_center, image.window_width
        if center is None or not width:
            center, width = percentile_window(pixels, slope=image.slope, intercept=image.intercept)
        inverted = image.photometric == "MONOCHROME1"
        pixels = to_8bit(
            pixels, center, width, slope=image.slope, intercept=image.intercept, invert=inverted
        )
    return pixels


def thumbnail(image: Image) -> bytes:
    """Return a PNG of at most 128 pixels a side, windowed as stored or by percentiles."""
    picture = Picture.fromarray(shown(image))
    picture.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
