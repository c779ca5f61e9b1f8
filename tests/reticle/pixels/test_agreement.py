import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from reticle.pixels.agreement import (
    IGNORE,
    Counts,
    Mask,
    counts,
    dice,
    hd95,
    iou,
    lesions,
    sensitivity,
    surface,
)

masks = arrays(np.uint8, (6, 7), elements=st.sampled_from([0, 1, 2, IGNORE]))


def square(top: int, left: int, side: int, size: int = 20) -> Mask:
    mask = np.zeros((size, size), np.uint8)
    mask[top : top + side, left : left + side] = 1
    return mask


def test_counts_of_overlapping_squares_are_exact() -> None:
    found = counts(square(0, 0, 4), square(0, 2, 4), 1)
    assert found == Counts(tp=8, fp=8, fn=8)
    assert found.dice == 0.5
    assert found.iou == pytest.approx(1 / 3)
    assert found.sensitivity == 0.5


def test_ignored_truth_counts_for_nothing() -> None:
    prediction, truth = square(0, 0, 4), square(0, 0, 4)
    truth[0:2] = IGNORE
    prediction[0, 10] = 1
    assert counts(prediction, truth, 1) == Counts(tp=8, fp=0, fn=0)


def test_both_empty_is_undefined_and_one_empty_is_zero() -> None:
    empty, full = np.zeros((20, 20), np.uint8), square(1, 1, 3)
    assert math.isnan(dice(empty, empty, 1))
    assert math.isnan(iou(empty, empty, 1))
    assert dice(full, empty, 1) == 0
    assert dice(empty, full, 1) == 0
    assert sensitivity(empty, full, 1) == 0
    assert math.isnan(sensitivity(full, empty, 1))
    assert math.isnan(hd95(full, empty, 1))
    assert math.isnan(hd95(empty, full, 1))


def test_counts_pool_over_images() -> None:
    parts = [Counts(1, 2, 3), Counts(10, 20, 30)]
    assert sum(parts, Counts(0, 0, 0)) == Counts(11, 22, 33)


def test_hd95_of_a_shifted_square_is_the_shift_in_the_unit_of_spacing() -> None:
    truth, prediction = square(5, 5, 6), square(5, 8, 6)
    assert hd95(prediction, truth, 1) == 3
    assert hd95(prediction, truth, 1, (2.0, 0.5)) == 1.5
    assert hd95(truth, truth, 1) == 0


def test_hd95_sees_a_far_speck_only_when_it_is_more_than_5_percent() -> None:
    truth = square(2, 2, 10, size=60)
    speck = truth.copy()
    speck[50, 50] = 1
    assert hd95(speck, truth, 1) == 0
    blob = truth.copy()
    blob[50:54, 50:54] = 1
    assert hd95(blob, truth, 1) > 50


def test_unequal_shapes_and_impossible_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="resample"):
        counts(square(0, 0, 2, size=5), square(0, 0, 2, size=6), 1)
    with pytest.raises(ValueError, match="class index"):
        counts(square(0, 0, 2), square(0, 0, 2), IGNORE)


@given(masks, masks)
def test_dice_and_iou_stay_in_bounds_and_agree_with_each_other(a: Mask, b: Mask) -> None:
    found = counts(a, b, 1)
    if math.isnan(found.dice):
        assert math.isnan(found.iou)
    else:
        assert 0 <= found.iou <= found.dice <= 1
        assert found.dice == pytest.approx(2 * found.iou / (1 + found.iou))


@given(masks, masks)
def test_hd95_is_symmetric_when_nothing_is_ignored(a: Mask, b: Mask) -> None:
    a, b = np.where(a == IGNORE, 0, a), np.where(b == IGNORE, 0, b)
    np.testing.assert_equal(hd95(a, b, 1), hd95(b, a, 1))


def test_surface_dice_counts_the_edge_within_a_tolerance() -> None:
    truth, moved = np.zeros((30, 30), np.uint8), np.zeros((30, 30), np.uint8)
    truth[5:15, 5:15], moved[5:15, 7:17] = 1, 1  # by two columns
    assert surface(moved, truth, 1, tolerance=2).dice == 1
    # Of each edge 9 of 10 pixels above and below are near, and the last one beside each of them.
    found = surface(moved, truth, 1, tolerance=1)
    assert (found.near, found.total) == (2 * (9 + 9 + 2), 2 * 36)
    assert surface(moved, truth, 1, tolerance=1, spacing=(1.0, 0.5)).dice == 1
    assert surface(truth * 0, truth, 1, tolerance=5).dice == 0
    assert math.isnan(surface(truth * 0, truth * 0, 1, tolerance=5).dice)


def test_lesions_are_found_by_any_pixel_and_false_without_one() -> None:
    truth, guess = np.zeros((20, 20), np.uint8), np.zeros((20, 20), np.uint8)
    truth[1:4, 1:4] = truth[4:6, 4:6] = 1  # touch by a corner: one lesion
    truth[10:12, 10:12] = 1
    guess[3, 3] = guess[10, 18] = guess[18, 1:5] = 1
    found = lesions(guess, truth, 1)
    assert (found.found, found.missed, found.false) == (1, 1, 2)
    assert found.sensitivity == 0.5
    assert math.isnan(lesions(guess, truth * 0, 1).sensitivity)
    truth[10, 18] = 255
    assert lesions(guess, truth, 1).false == 1, "nobody judged that place"
