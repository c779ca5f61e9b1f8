import gzip
import hashlib
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from reticle.pixels.mask import BadMask, Mask, mask_hash, pack, unpack

any_mask = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=40))


@given(any_mask)
def test_a_mask_survives_the_journey_byte_for_byte(mask: Mask) -> None:
    back = unpack(pack(mask), *mask.shape)
    assert back.dtype == np.uint8
    assert np.array_equal(back, mask)
    back[0, 0] ^= 1  # writable


@given(any_mask)
def test_packing_is_deterministic_and_plain_gzip(mask: Mask) -> None:
    assert pack(mask) == pack(np.asfortranarray(mask))
    assert gzip.decompress(pack(mask)) == mask.tobytes()
    assert pack(mask)[4:8] == b"\0\0\0\0"


def test_any_gzip_writer_is_understood() -> None:
    mask = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert np.array_equal(unpack(gzip.compress(mask.tobytes(), 9), 3, 4), mask)


def test_the_hash_covers_shape_and_pixels() -> None:
    mask = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert mask_hash(mask) == hashlib.sha256(b"3x4:" + mask.tobytes()).hexdigest()
    assert mask_hash(mask) != mask_hash(mask.reshape(4, 3))


@pytest.mark.parametrize(
    ("rows", "columns"), [(3, 5), (3, 3), (4, 4), (0, 12), (-3, -4), (10**6, 10**6)]
)
def test_a_wrong_size_is_refused(rows: int, columns: int) -> None:
    with pytest.raises(BadMask):
        unpack(pack(np.zeros((3, 4), np.uint8)), rows, columns)


@given(st.binary(max_size=60))
def test_noise_is_refused_and_never_crashes(noise: bytes) -> None:
    with pytest.raises(BadMask):
        unpack(noise, 3, 4)


@given(st.integers(0, 200))
def test_a_stream_cut_anywhere_is_refused(at: int) -> None:
    packed = pack(np.random.default_rng(0).integers(0, 3, (20, 20), np.uint8))
    with pytest.raises(BadMask):
        unpack(packed[: min(at, len(packed) - 1)], 20, 20)


def test_a_broken_check_sum_and_trailing_bytes_are_refused() -> None:
    packed = pack(np.zeros((3, 4), np.uint8))
    with pytest.raises(BadMask):
        unpack(packed[:-8] + b"\1" * 8, 3, 4)
    with pytest.raises(BadMask):
        unpack(packed + b"x", 3, 4)
    with pytest.raises(BadMask):
        unpack(packed + packed, 3, 4)


def test_a_bomb_is_refused_without_inflating_it() -> None:
    bomb = gzip.compress(bytes(300_000_000), 1)
    tracemalloc.start()
    with pytest.raises(BadMask):
        unpack(bomb, 128, 128)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000


def test_only_two_dimensional_bytes_are_masks() -> None:
    with pytest.raises(BadMask):
        pack(np.zeros((3, 4, 1), np.uint8))
    with pytest.raises(BadMask):
        mask_hash(np.zeros((3, 4), np.uint16))
