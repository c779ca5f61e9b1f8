"""Distances between the edges of two masks: drawn cases, and a count by hand of random ones."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

from reticle.pixels.agreement import IGNORE, Mask
from training.ml.surfaces import distances

masks = arrays(np.uint8, (6, 7), elements=st.sampled_from([0, 1, 2, IGNORE]))


def square(top: int, left: int, side: int, size: int = 20) -> Mask:
    mask = np.zeros((size, size), np.uint8)
    mask[top : top + side, left : left + side] = 1
    return mask


def test_hd95_of_a_shifted_square_is_the_shift_in_the_unit_of_spacing() -> None:
    truth, prediction = square(5, 5, 6), square(5, 8, 6)
    assert distances(prediction, truth, 1).hd95 == 3
    assert distances(prediction, truth, 1, (2.0, 0.5)).hd95 == 1.5
    assert distances(truth, truth, 1).hd95 == 0


def test_hd95_sees_a_far_speck_only_when_it_is_more_than_5_percent() -> None:
    truth = square(2, 2, 10, size=60)
    speck = truth.copy()
    speck[50, 50] = 1
    assert distances(speck, truth, 1).hd95 == 0
    blob = truth.copy()
    blob[50:54, 50:54] = 1
    assert distances(blob, truth, 1).hd95 > 50


def test_surface_dice_counts_the_edge_within_a_tolerance() -> None:
    truth, moved = np.zeros((30, 30), np.uint8), np.zeros((30, 30), np.uint8)
    truth[5:15, 5:15], moved[5:15, 7:17] = 1, 1  # by two columns
    assert distances(moved, truth, 1).within(2).dice == 1
    # Of each edge 9 of 10 pixels above and below are near, and the last one beside each of them.
    found = distances(moved, truth, 1).within(1)
    assert (found.near, found.total) == (2 * (9 + 9 + 2), 2 * 36)
    assert distances(moved, truth, 1, (1.0, 0.5)).within(1).dice == 1


def test_without_one_of_both_there_is_no_distance_and_no_edge_is_near() -> None:
    truth, empty = square(5, 5, 6), square(0, 0, 0)
    for one, other in ((truth, empty), (empty, truth)):
        found = distances(one, other, 1)
        assert math.isnan(found.hd95)
        assert (found.within(5).near, found.within(5).total) == (0, 20)
    assert math.isnan(distances(empty, empty, 1).hd95)
    assert math.isnan(distances(empty, empty, 1).within(5).dice)


def edge(region: np.ndarray) -> np.ndarray:
    """Places (N, 2) of pixels of which one of the four neighbours is outside, one by one."""
    rows, columns = region.shape
    return np.array([
        (y, x)
        for y, x in np.argwhere(region)
        for inside in [
            all(
                0 <= a < rows and 0 <= b < columns and region[a, b]
                for a, b in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1))
            )
        ]
        if not inside
    ])  # fmt: skip


@given(masks, masks, st.sampled_from([None, (1.0, 1.0), (0.5, 1.5)]))
def test_distances_equal_a_count_by_hand(
    a: Mask, b: Mask, spacing: tuple[float, float] | None
) -> None:
    ours, theirs = edge((a == 1) & (b != IGNORE)), edge(b == 1)
    found = distances(a, b, 1, spacing)
    if not len(ours) or not len(theirs):
        assert math.isnan(found.hd95)
        return
    between = cdist(ours * (spacing or (1, 1)), theirs * (spacing or (1, 1)))
    far = [np.percentile(between.min(axis=axis), 95) for axis in (1, 0)]
    assert found.hd95 == pytest.approx(max(far), abs=1e-4)
    near = [int((between.min(axis=axis) <= 1.2).sum()) for axis in (1, 0)]
    assert (found.within(1.2).near, found.within(1.2).total) == (sum(near), sum(between.shape))
