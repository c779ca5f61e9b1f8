"""The one form masks travel and rest in: gzip over the raw uint8 label map, and its hash.

    packed = pack(mask)                       # bytes; the same mask always gives the same bytes
    mask = unpack(packed, rows, columns)      # raises BadMask

A mask is a uint8 label map (rows, columns) in C order: 0 background, 1..254 classes, 255 ignore.
``unpack`` is fed by the network, so it never inflates more than the size it was told to expect.
"""

import hashlib
import zlib

import numpy as np
import numpy.typing as npt

MAX_PIXELS = 100_000_000  # per mask; a side of 10,000 pixels
_GZIP = 16 + zlib.MAX_WBITS

Mask = npt.NDArray[np.uint8]


class BadMask(ValueError):
    """The bytes or the array are not a mask of the expected size."""


def pack(mask: Mask) -> bytes:
    """Gzip the label map (rows, columns), without a time stamp, so equal masks pack equally.

    Raises BadMask when the array is not two-dimensional uint8.
    """
    _check(mask)
    # zlib writes a zero time and no file name; gzip.compress differs between Python versions.
    compressor = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
    return compressor.compress(np.ascontiguousarray(mask).tobytes()) + compressor.flush()


def unpack(packed: bytes, rows: int, columns: int) -> Mask:
    """Inflate to a writable uint8 array (rows, columns).

    Raises BadMask when the bytes are no gzip stream, are cut short, carry anything after the
    stream, or do not hold exactly ``rows * columns`` bytes.
    """
    size = size_of(rows, columns)
    raw = inflate(packed, size)
    if len(raw) != size:
        raise BadMask(f"the mask does not hold {rows} x {columns} = {size} bytes")
    return np.frombuffer(bytearray(raw), dtype=np.uint8).reshape(rows, columns)


def size_of(rows: int, columns: int) -> int:
    """Return the number of pixels. Raises BadMask when there are none or too many."""
    size = rows * columns
    if rows < 1 or columns < 1 or size > MAX_PIXELS:
        raise BadMask(f"a mask of {rows} x {columns} is outside 1..{MAX_PIXELS} pixels")
    return size


def inflate(packed: bytes, most: int) -> bytes:
    """Return what one whole gzip stream holds: at most `most` bytes.

    Raises BadMask when the bytes are no gzip stream, are cut short, hold more, or carry anything
    after the stream.
    """
    inflater = zlib.decompressobj(_GZIP)
    try:
        raw = inflater.decompress(packed, most + 1)
        if len(raw) <= most and not inflater.eof:
            # All bytes may be out while the check sum is still unread; nothing more may follow.
            raw += inflater.decompress(inflater.unconsumed_tail, 1)
    except zlib.error as error:
        raise BadMask("the mask is not gzip-compressed, or its check sum is wrong") from error
    if len(raw) > most or not inflater.eof:
        raise BadMask("the mask is cut short or longer than its size")
    if inflater.unused_data:
        raise BadMask("the mask is followed by other bytes")
    return raw


def mask_hash(mask: Mask) -> str:
    """Sha256 in hex over ``"{rows}x{columns}:"`` and the raw bytes, independent of compression."""
    _check(mask)
    digest = hashlib.sha256(f"{mask.shape[0]}x{mask.shape[1]}:".encode("ascii"))
    digest.update(np.ascontiguousarray(mask).tobytes())
    return digest.hexdigest()


def _check(mask: Mask) -> None:
    if mask.ndim != 2 or mask.dtype != np.uint8:
        raise BadMask(f"a mask is a uint8 array of 2 dimensions, not {mask.dtype} {mask.shape}")
