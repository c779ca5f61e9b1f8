"""Augmentation: a function of its seed, picture and labels moved together, nothing invented."""

import numpy as np
import numpy.typing as npt
import pytest

from training.ml.augment import Augment, cut
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


def test_without_changes_it_is_a_cut_true_to_less_than_a_pixel() -> None:
    ramp = np.tile(np.arange(100, dtype=np.float32)[:, None, None], (1, 100, 1))
    target = np.zeros((100, 100), np.uint8)
    for picture in (ramp, ramp.transpose(1, 0, 2)):
        found, labels = changed(STILL, (picture, target), (10, 20), 3)
        expected = picture[10 : 10 + PATCH, 20 : 20 + PATCH, 0]
        # MONAI's bicubic control grid wobbles by half a pixel; picture and labels alike.
        assert np.abs(found[0] - expected).max() < 1
        assert (labels == 0).all()


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


def test_a_cut_beyond_every_edge_is_filled_with_nothing() -> None:
    planes = np.ones((1, 4, 6), np.uint8)
    assert cut(planes, (-2, -2), 10).sum() == 24
    assert cut(planes, (50, 50), 4).sum() == 0
    assert cut(planes, (1, 2), 2).sum() == 4
