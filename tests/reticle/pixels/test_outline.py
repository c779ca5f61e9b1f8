import base64
import contextlib
import gzip
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from reticle.pixels.mask import BadMask, Mask, pack
from reticle.pixels.outline import OUTLINES, received

Outline = tuple[int, int, int, list[int]]  # label, x, y, turns
# Blocks of a few labels: holes, corners, and labels that touch each other and the border.
any_blocks = arrays(
    np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=4),
    elements=st.sampled_from([0, 0, 1, 2, 255]),
)  # fmt: skip


def outlines_of(mask: Mask) -> list[Outline]:
    """Walk around everything drawn, plainly: on the edges that have the label at their left."""
    edges: dict[int, dict[tuple[int, int], list[int]]] = {}
    rows, columns = mask.shape
    around = np.pad(mask, 1)
    for y in range(rows):
        for x in range(columns):
            label = int(mask[y, x])
            mine = edges.setdefault(label, {})
            # Where an edge starts, and its heading: down, right, up, left.
            for other, start, heading in (
                (around[y + 1, x], (x, y), 0), (around[y + 2, x + 1], (x, y + 1), 1),
                (around[y + 1, x + 2], (x + 1, y + 1), 2), (around[y, x + 1], (x + 1, y), 3),
            ):  # fmt: skip
                if label and other != label:
                    mine.setdefault(start, []).append(heading)
    return [walk for label, mine in edges.items() for walk in _walks(label, mine)]


def _walks(label: int, edges: dict[tuple[int, int], list[int]]) -> list[Outline]:
    made = []
    while starts := [at for at, headings in edges.items() if 0 in headings]:
        x, y = x0, y0 = starts[0]
        heading, turns = 0, list[int]()
        edges[x0, y0].remove(0)
        while True:
            x, y = x + (0, 1, 0, -1)[heading], y + (1, 0, -1, 0)[heading]
            there = edges.get((x, y), [])
            if not there:
                break
            turn = next(t for t in (1, 0, 2) if (heading + (0, 1, 3)[t]) % 4 in there)
            turns.append(turn)
            heading = (heading + (0, 1, 3)[turn]) % 4
            there.remove(heading)
        made.append((label, x0, y0, [*turns, 0]))
    return made


def sent(outlines: list[Outline], *, count: int | None = None) -> bytes:
    raw = struct.pack("<I", len(outlines) if count is None else count)
    for label, x, y, turns in outlines:
        raw += struct.pack("<4I", label, x, y, len(turns))
    raw += b"".join(bytes(turns) for *_, turns in outlines)
    return OUTLINES + gzip.compress(raw)


@settings(max_examples=50)
@given(any_blocks)
def test_outlines_give_the_mask_back_byte_for_byte(blocks: Mask) -> None:
    mask = np.kron(blocks, np.ones((40, 40), np.uint8))
    back = received(sent(outlines_of(mask)), *mask.shape)
    assert back.dtype == np.uint8
    assert np.array_equal(back, mask)
    back[0, 0] ^= 1  # writable


def test_what_the_pages_send_is_understood() -> None:
    """The same file is held against the front end's writer by outlines.test.ts."""
    kept = json.loads((Path(__file__).parent / "outlines.json").read_text())
    mask = np.frombuffer(base64.b64decode(kept["pixels"]), np.uint8)
    raw = base64.b64decode(kept["outlines"])
    back = received(OUTLINES + gzip.compress(raw), kept["rows"], kept["columns"])
    assert np.array_equal(back, mask.reshape(kept["rows"], kept["columns"]))
    assert set(np.unique(back).tolist()) == {0, 1, 2, 3, 255}


def test_pixels_are_still_understood() -> None:
    mask = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert np.array_equal(received(pack(mask), 3, 4), mask)


SQUARE: Outline = (1, 2, 2, [1, 1, 1, 1])


def test_a_square_is_one_pixel() -> None:
    expected = np.zeros((20, 20), np.uint8)
    expected[2, 2] = 1
    assert np.array_equal(received(sent([SQUARE]), 20, 20), expected)


@pytest.mark.parametrize(
    "bad",
    [
        sent([(1, 20, 19, [0, 0])]),  # down below the image
        sent([(1, 0, 0, [2, 0])])[:-1],  # cut short
        sent([(1, 21, 0, [1])]),  # beside the image
        sent([(1, 0, 0, [1, 1, 0, 0])]),  # up above the image
        sent([(1, 5, 5, [2] + [0] * 6 + [1, 1])]),  # leaves it by the left border, comes back
        sent([(0, 2, 2, [1, 1, 1, 1])]),  # no label
        sent([(256, 2, 2, [1, 1, 1, 1])]),
        sent([(1, 2, 2, [1, 3, 1, 1])]),  # no such turn
        sent([SQUARE], count=2),
        sent([SQUARE], count=2**32 - 1),
        sent([SQUARE, SQUARE], count=1),
        sent([SQUARE]) + b"x",
        sent([(1, 2, 2, [0] * 50)]),  # longer than an eighth of the pixels
        OUTLINES,
        OUTLINES + gzip.compress(b"abc"),
        OUTLINES + pack(np.zeros((20, 20), np.uint8)),
    ],
)
def test_what_is_no_outline_is_refused(bad: bytes) -> None:
    with pytest.raises(BadMask):
        received(bad, 20, 20)


@given(st.binary(max_size=48))
def test_noise_gives_a_mask_or_is_refused(noise: bytes) -> None:
    with contextlib.suppress(BadMask):
        assert received(OUTLINES + gzip.compress(noise), 20, 20).shape == (20, 20)
