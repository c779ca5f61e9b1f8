"""Masks as browsers send them: the pixels of `mask.pack`, or the outlines of what is drawn.

    mask = received(sent, rows, columns)      # raises BadMask

Outlines take a byte for each step along an edge and compress well: what a trembling hand draws
over a third of a 2048 px image is 6 KB and not 33. They are a way to travel only; masks rest as
`mask.pack` writes them.

The form: ``OUTLINES``, then the gzip of a little-endian uint32 ``n``, ``n`` outlines of four uint32
(label, x, y, steps), and one byte for every step of all outlines. An outline goes along the corners
of pixels. It starts at the corner (x, y), heading down; every step goes one pixel ahead and then
turns: 0 not at all, 1 left, 2 right. Crossed from left to right along a row of pixels, every
vertical step of an outline begins or ends its label (chain codes on the cracks between pixels,
filled by parity: Rosenfeld and Kak, Digital Picture Processing, 2nd ed., 1982, vol. 2, ch. 11).
"""

import numpy as np
import numpy.typing as npt

from reticle.pixels.mask import BadMask, Mask, inflate, size_of, unpack

OUTLINES = b"OUTL1\n"

# By heading: down, right, up, left. A left turn adds one, a right turn three.
_DX = np.array([0, 1, 0, -1])
_DY = np.array([1, 0, -1, 0])
_TURN = np.array([0, 1, 3])
UP = 2

Numbers = npt.NDArray[np.int64]


def received(sent: bytes, rows: int, columns: int) -> Mask:
    """Return the mask (rows, columns) that a browser sent, writable, in whichever form.

    Raises BadMask when the bytes are in neither form or do not describe a mask of this size.
    """
    if not sent.startswith(OUTLINES):
        return unpack(sent, rows, columns)
    # Whoever draws so much that the outlines are longer than this sends the pixels.
    raw = inflate(sent[len(OUTLINES) :], size_of(rows, columns) // 8)
    outlines, turns = _parts(raw)
    labels, x, y, steps = outlines.T.astype(np.int64)
    heading = _from_start(_TURN[turns], steps) % 4
    x = np.repeat(x, steps) + _from_start(_DX[heading], steps)
    y = np.repeat(y, steps) + _from_start(_DY[heading], steps)
    vertical = heading % 2 == 0
    x, row = x[vertical], (y - (heading == UP))[vertical]
    if ((x < 0) | (x > columns) | (row < 0) | (row >= rows)).any():
        raise BadMask("an outline leaves the image")
    # One column more, for edges at the right border.
    edges = np.zeros((rows, columns + 1), np.uint8)
    np.bitwise_xor.at(edges, (row, x), np.repeat(labels, steps)[vertical].astype(np.uint8))
    return np.bitwise_xor.accumulate(edges[:, :columns], axis=1)


def _parts(raw: bytes) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8]]:
    """Return the outlines (n, 4) and the turns of all of them. Raises BadMask."""
    count = int.from_bytes(raw[:4], "little")
    head = 4 + 16 * count
    if len(raw) < max(4, head):
        raise BadMask("the outlines are cut short")
    outlines = np.frombuffer(raw[4:head], "<u4").reshape(count, 4)
    turns = np.frombuffer(raw[head:], np.uint8)
    if int(outlines[:, 3].sum(dtype=np.uint64)) != turns.size:
        raise BadMask("the outlines do not have the number of steps they say")
    if turns.size and turns.max() > 2:
        raise BadMask("an outline turns in a way that there is not")
    if count and not 1 <= outlines[:, 0].min() <= outlines[:, 0].max() <= 255:
        raise BadMask("an outline has no label")
    return outlines, turns


def _from_start(changes: Numbers, steps: Numbers) -> Numbers:
    """Return, for each step of each outline, the sum of the changes by the steps before it."""
    total = np.concatenate([[0], np.cumsum(changes)])
    first = np.cumsum(steps) - steps
    since: Numbers = total[:-1] - np.repeat(total[first], steps)
    return since
