"""Letters at the edges of a frame: where its sides point on the patient."""

import numpy as np
import pytest

from reticle.pixels.directions import directions


def _affine(
    right: tuple[float, float, float], down: tuple[float, float, float]
) -> list[list[float]]:
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = right, down
    return [[float(value) for value in line] for line in affine]


@pytest.mark.parametrize(
    ("right", "down", "letters"),
    [
        ((-1, 0, 0), (0, -1, 0), ("L", "P")),  # axial, as radiologists hang it
        ((0, -0.7, 0), (0, 0, -2), ("P", "F")),  # sagittal, spacing does not matter
        ((-1, 0, 0), (0, 0, -1), ("L", "F")),  # coronal
        ((-0.9, 0.43, 0), (0, 0, -1), ("LA", "F")),  # oblique: the second axis is named too
        ((-1, 0.05, 0), (0, -1, 0.1), ("L", "P")),  # nearly straight: it is not
    ],
)
def test_sides_are_named_by_the_patients_axes(
    right: tuple[float, float, float], down: tuple[float, float, float], letters: tuple[str, str]
) -> None:
    assert directions(_affine(right, down)) == letters


def test_a_side_without_direction_has_no_letters() -> None:
    assert directions(_affine((0, 0, 0), (0, -1, 0))) is None
