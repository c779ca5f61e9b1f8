"""Augmentation: a function of its seed, picture and labels moved together, nothing invented."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from training.ml.augment import Augment
from training.ml.config import IGNORE, AugmentConfig

PATCH = 64
STILL = AugmentConfig(
    flip=False, rotate=0, scale=0, shift=0, elastic=0, gain=0, gamma=0, bias=0, noise=0, blur=0
)
MOVED_ONLY = AugmentConfig(gain=0, gamma=0, bias=0, noise=0, blur=0)
Example = tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]


def changed(config: AugmentConfig, example: Example, corner: tuple[int, int], seed: int) -> Example:
    change = Augment(config, PATCH)
    change.seed(seed)
    return change(*example, corner)


def example(channels: int = 1) -> Example:
    """A picture whose values are its labels, so that both can be compared after any movement."""
    target = np.zeros((80, 100), np.uint8)
    target[20:60, 30:70] = 1
    target[34:50, 40:58] = 2
    picture = np.repeat(target[:, :, None].astype(np.float32), channels, axis=2)
    return picture, target


def test_the_same_seed_gives_the_same_patches_and_another_seed_others() -> None:
    change = Augment(AugmentConfig(), PATCH)

    def three(seed: int) -> list[Example]:
        change.seed(seed)
        return [change(*example(), (10, 20)) for _ in range(3)]

    first, other, again = three(7), three(8), three(7)
    for one, same, different in zip(first, again, other, strict=True):
        assert np.array_equal(one[0], same[0])
        assert np.array_equal(one[1], same[1])
        assert not np.array_equal(one[0], different[0])
    assert not np.array_equal(first[0][0], first[1][0])


def test_without_changes_it_is_a_cut_true_to_the_bit() -> None:
    picture, target = example(3)
    picture = picture + np.random.default_rng(0).random(picture.shape, dtype=np.float32)
    found, labels = changed(STILL, (picture, target), (10, 20), 3)
    assert np.array_equal(found, picture[10 : 10 + PATCH, 20 : 20 + PATCH].transpose(2, 0, 1))
    assert np.array_equal(labels, target[10 : 10 + PATCH, 20 : 20 + PATCH])


def test_a_cut_beyond_every_edge_is_filled_with_nothing() -> None:
    picture, target = np.ones((4, 6, 1), np.float32), np.zeros((4, 6), np.uint8)
    found, labels = changed(STILL, (picture, target), (-2, -2), 3)
    assert found.sum() == (labels == 0).sum() == 24
    assert (labels[2:6, 2:8] == 0).all()


@pytest.mark.parametrize(
    ("change", "low", "high"),
    [
        ({"gain": 0.2}, 0.8, 1.2),
        ({"gamma": 0.25}, 0.5**1.29, 0.5**0.77),
        ({"bias": 0.3}, 0.1, 10),
    ],
)
def test_tones_change_within_what_was_asked_for(
    change: dict[str, float], low: float, high: float
) -> None:
    """A picture of 0, 1 and its half: what became of 1 (gain, bias) or of the half (gamma).

    Each change is made to some pictures only.
    """
    picture, target = np.ones((PATCH, PATCH, 1), np.float32), np.zeros((PATCH, PATCH), np.uint8)
    picture[0], picture[1] = 0.0, 0.5
    place = 1 if "gamma" in change else 5
    config = AugmentConfig(**{**vars(STILL), **change})
    rows = [changed(config, (picture, target), (0, 0), seed)[0][0, place] for seed in range(60)]
    found = [row for row in rows if not np.array_equal(row, picture[place, :, 0])]
    assert 8 <= len(found) <= 30
    assert low <= np.min(found) < np.max(found) <= high
    assert np.ptp([row.mean() for row in found]) > 0.1 * (high - low) * ("bias" not in change)
    if "bias" in change:
        assert all(np.ptp(row) > 0 for row in found), "a field changes from place to place"
        assert max(np.abs(np.diff(row)).max() for row in found) < 0.2, "and is smooth"


def test_turning_stays_within_its_angle_and_mirroring_happens_on_both_axes() -> None:
    ys, xs = np.mgrid[0:PATCH, 0:PATCH].astype(np.float32)
    ramp = np.stack((ys, xs), axis=2)
    target = np.zeros((PATCH, PATCH), np.uint8)
    middle = slice(PATCH // 2 - 4, PATCH // 2 + 4)
    angles, signs = set(), set()
    for seed in range(40):
        config = replace(STILL, rotate=15.0, flip=True)
        found, _ = changed(config, (ramp, target), (0, 0), seed)
        along = np.diff(found[:, middle, middle], axis=1).mean(axis=(1, 2))  # (row, column) per row
        across = np.diff(found[:, middle, middle], axis=2).mean(axis=(1, 2))
        signs.add((float(np.sign(along[0])), float(np.sign(across[1]))))
        angles.add(round(float(np.rad2deg(np.arctan2(abs(along[1]), abs(along[0])))), 1))
    assert signs == {(a, b) for a in (-1.0, 1.0) for b in (-1.0, 1.0)}
    assert 8 < max(angles) <= 15.1


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("channels", [1, 3])
def test_picture_and_labels_move_together(seed: int, channels: int) -> None:
    found, labels = changed(MOVED_ONLY, example(channels), (8, 18), seed)
    assert found.shape == (channels, PATCH, PATCH)
    known = labels != IGNORE
    # Linear and nearest resampling differ at edges by less than one label step.
    assert np.all(np.abs(found[:, known] - labels[known]) < 1.5)
    assert np.mean(np.abs(found[:, known] - labels[known]) > 0.51) < 0.02


def test_what_lies_outside_the_image_is_ignored_and_no_label_is_invented() -> None:
    for seed in range(5):
        _, labels = changed(AugmentConfig(flip=False), example(), (-30, -30), seed)
        assert set(np.unique(labels)) <= {0, 1, 2, IGNORE}
        assert (labels[:8, :8] == IGNORE).all()


def test_pixels_ignored_by_the_reader_stay_ignored() -> None:
    picture, target = example()
    target[:] = IGNORE
    _, labels = changed(AugmentConfig(), (picture, target), (10, 20), 1)
    assert (labels == IGNORE).all()
