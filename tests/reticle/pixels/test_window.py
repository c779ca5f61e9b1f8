import numpy as np
import pytest

from reticle.pixels.window import percentile_window, to_8bit


def test_a_window_maps_its_ends_to_black_and_white() -> None:
    pixels = np.array([[-2000, -160, 40, 240, 3000]], np.int16)
    assert to_8bit(pixels, 40, 400).tolist() == [[0, 0, 128, 255, 255]]
    assert to_8bit(pixels, 40, 400, invert=True).tolist() == [[255, 255, 127, 0, 0]]


def test_slope_and_intercept_are_applied_first() -> None:
    stored = np.array([[864, 1064, 1264]], np.uint16)
    assert to_8bit(stored, 40, 400, intercept=-1024).tolist() == [[0, 128, 255]]
    assert to_8bit(stored, 20, 200, slope=0.5, intercept=-512).tolist() == [[0, 128, 255]]


def test_a_window_without_width_is_refused() -> None:
    with pytest.raises(ValueError, match="wider"):
        to_8bit(np.zeros((2, 2), np.uint8), 0, 0)


def test_the_percentile_window_spans_the_values_without_the_air() -> None:
    ramp = np.arange(1000, 2000, dtype=np.uint16)
    center, width = percentile_window(ramp, low=0, high=100)
    assert (center, width) == (1499.5, 999)
    with_air = np.concatenate([np.zeros(3000, np.uint16), ramp])
    assert percentile_window(with_air, low=0, high=100) == (1499.5, 999)
    assert percentile_window(ramp, slope=2, intercept=-1, low=0, high=100) == (2998, 1998)


def test_a_constant_or_empty_image_still_has_a_window() -> None:
    assert percentile_window(np.full((3, 3), 5)) == (5, 1)
    assert percentile_window(np.zeros((0, 3))) == (0, 1)
