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
    iou,
    lesions,
    sensitivity,
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


def test_counts_pool_over_images() -> None:
    parts = [Counts(1, 2, 3), Counts(10, 20, 30)]
    assert sum(parts, Counts(0, 0, 0)) == Counts(11, 22, 33)


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
