"""The model of a reader's hand: what is corrected, what is left, and what it costs."""

import numpy as np
import numpy.typing as npt

from reticle.simulation.effort import Hand, start_from, strokes_for, unsteady

HAND = Hand()
Mask = npt.NDArray[np.uint8]


def square(top: int = 20, left: int = 20, side: int = 30, value: int = 1) -> Mask:
    mask = np.zeros((80, 80), np.uint8)
    mask[top : top + side, left : left + side] = value
    return mask


def test_from_an_empty_mask_everything_is_drawn_and_its_outline_is_followed() -> None:
    drawn, work = strokes_for(np.zeros_like(square()), square(), HAND)
    assert np.array_equal(drawn, square())
    assert (work.strokes, work.traced, work.changed) == (1, 4 * 30 - 4, 900)
    assert work.seconds == HAND.look_seconds + HAND.per_stroke_seconds + 0.1 * 116 / 3


def test_an_edge_that_is_off_by_a_pixel_is_left_and_one_off_by_three_is_not() -> None:
    for shift, strokes in ((1, 0), (3, 2)):
        start = square(left=20 + shift)
        drawn, work = strokes_for(start, square(), HAND)
        assert work.strokes == strokes, "one area too much, one too little"
        assert np.array_equal(drawn, start if strokes == 0 else square())


def test_a_missing_structure_is_drawn_however_small_and_thin() -> None:
    target = square()
    target[60, 10:25] = 2
    drawn, work = strokes_for(square(), target, HAND)
    assert np.array_equal(drawn, target)
    assert (work.strokes, work.changed) == (1, 15)


def test_the_better_of_correcting_and_starting_afresh_is_taken() -> None:
    target = square()
    nearly = target.copy()
    nearly[20:30, 20:30] = 0
    assert start_from(nearly, target, HAND)[1]
    islands = np.zeros_like(target)
    for top in range(0, 80, 10):
        islands[top : top + 6, 54:60] = islands[top : top + 6, 64:70] = 1
    start, kept = start_from(islands, target, HAND)
    assert not kept
    assert not start.any()
    assert start_from(None, target, HAND)[1] is False


def test_an_unsteady_hand_moves_edges_and_nothing_else() -> None:
    moved = unsteady(square(), Hand(jitter_pixels=0.8), np.random.default_rng(1))
    assert not np.array_equal(moved, square())
    inside = square(top=25, left=25, side=20).astype(bool)
    assert (moved[inside] == 1).all()
    assert moved[:10].sum() == 0
