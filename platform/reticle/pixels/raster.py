"""PNG, JPEG and TIFF to arrays at full depth; names, comments and EXIF stay behind.

Pillow reads headers (it decodes lazily, so sizes are checked first) and most pixels; OpenCV decodes
the one kind Pillow cannot: colour with 16 bits per channel.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageOps

from reticle.pixels.series import MAX_FRAMES, Pixels, Unreadable, check_size, plain_pixels

_BYTES = {"1": 1, "L": 1, "P": 1, "LA": 2, "PA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4, "YCbCr": 3}
_WIDE = {"I": 4, "F": 4, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
_TAG_BITS, _TAG_SAMPLES, _TAG_FORMAT = 258, 277, 339
Image.MAX_IMAGE_PIXELS = None  # check_size is stricter and raises instead of warning


def read_pages(path: Path, *, labels: bool = False) -> tuple[list[Pixels], list[str]]:
    """Pages of the file as (rows, columns[, 3]) arrays, and warnings.

    With ``labels`` a palette image gives its indices and 1-bit samples 0 and 1. Only TIFF has
    several pages. Raises Unreadable (broken, too_large, unsupported, not_single_image).
    """
    try:
        with Image.open(path, formats=("PNG", "JPEG", "TIFF")) as image:
            deep = _deep_colour(path, image)
            sizes = [_declared(image, deep) for _ in _each_page(image)]
            rows, columns = max(s[0] for s in sizes), max(s[1] for s in sizes)
            check_size(rows, columns, 1, max(s[2] for s in sizes), len(sizes))
            if deep:
                return _by_opencv(path, sizes)
            pages: list[Pixels] = []
            notes: set[str] = set()
            for page in _each_page(image):
                pixels, remarks = plain_pixels(_page(page, labels, notes))
                notes.update(remarks)
                pages.append(pixels)
            return pages, sorted(notes)
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # Pillow's plug-ins raise anything on broken files
        raise Unreadable("broken", "the picture cannot be decoded") from error


def _each_page(image: Image.Image) -> Iterator[Image.Image]:
    """The image at each of its pages; only the first of an animated PNG or a stereo JPEG."""
    if image.format != "TIFF":
        yield image
        return
    for number in range(MAX_FRAMES + 1):
        try:
            image.seek(number)
        except EOFError:
            return
        if number == MAX_FRAMES:
            raise Unreadable("too_large", f"a file may have {MAX_FRAMES} pages")
        yield image


def _declared(image: Image.Image, deep: bool) -> tuple[int, int, int]:
    """Rows, columns and bytes per pixel as declared by the header."""
    size = 8 if deep else _BYTES.get(image.mode) or _WIDE.get(image.mode)
    if size is None:
        raise Unreadable("unsupported", "this kind of pixel is not supported; save as 8 or 16 bit")
    check_size(image.height, image.width, 1, size)
    return image.height, image.width, size


def _deep_colour(path: Path, image: Image.Image) -> bool:
    """Whether the file holds colour or grey with alpha at 16 bits per channel."""
    if image.format == "PNG":
        with path.open("rb") as file:
            header = file.read(26)
        return header[24] == 16 and header[25] != 0
    if image.format == "TIFF":
        bits, samples = _tag(image, _TAG_BITS, (1,)), _tag(image, _TAG_SAMPLES, 1)
        return bool(max(bits if isinstance(bits, tuple) else (bits,)) > 8 and samples != 1)
    return False


def _tag(image: Image.Image, number: int, default: Any) -> Any:
    return getattr(image, "tag_v2", {}).get(number, default)


def _page(image: Image.Image, labels: bool, notes: set[str]) -> Pixels:
    if image.format in ("JPEG", "MPO"):
        # A camera's rotation is part of the picture; the rest of EXIF is dropped.
        image = ImageOps.exif_transpose(image)
    mode = image.mode
    if mode == "P" and not labels:
        image = image.convert("RGB")
        notes.add("the palette was applied")
    elif mode == "1" and not labels:
        return np.asarray(image, np.uint8) * np.uint8(255)
    elif mode in ("CMYK", "YCbCr"):
        image = image.convert("RGB")
        notes.add("colours were converted to RGB")
    elif mode in ("LA", "PA", "RGBA"):
        image = image.convert({"LA": "L", "PA": "RGB", "RGBA": "RGB"}[mode])
        notes.add("transparency was dropped")
    pixels = np.asarray(image)
    if mode == "I" and _tag(image, _TAG_BITS, (32,)) in ((16,), 16):
        return pixels.astype(np.int16)  # Pillow widens signed 16-bit samples
    if mode == "I" and _tag(image, _TAG_FORMAT, (2,)) in ((1,), 1):
        return pixels.view(np.uint32)
    return pixels


def _by_opencv(path: Path, sizes: list[tuple[int, int, int]]) -> tuple[list[Pixels], list[str]]:
    data = np.fromfile(path, np.uint8)
    good, decoded = cv2.imdecodemulti(data, cv2.IMREAD_UNCHANGED)
    if not good or [page.shape[:2] for page in decoded] != [size[:2] for size in sizes]:
        raise Unreadable("broken", "the picture cannot be decoded")
    pages: list[Pixels] = []
    notes: set[str] = set()
    for page in decoded:
        if page.ndim == 3 and page.shape[2] == 4:
            notes.add("transparency was dropped")
        grey = page.ndim == 2
        pixels, remarks = plain_pixels(page if grey else page[:, :, 2::-1])
        notes.update(remarks)
        pages.append(pixels)
    return pages, sorted(notes)
