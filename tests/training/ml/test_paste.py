"""A lesion that few slices show is pasted into others: where, at what level, and what stays."""

import numpy as np
import numpy.typing as npt
import pytest

from training.ml.config import IGNORE, AugmentConfig, ConfigError, TrainConfig
from training.ml.paste import paste, rare_classes
from training.ml.prepared import Prepared

SIDE, WHITE, LESION = 24, 1, 2
WHOLE = (slice(0, SIDE), slice(0, SIDE))


def slice_of(level: float, *, lesion: bool) -> Prepared:
    """White matter (rows and columns 4 to 19) in air; with a lesion of 2 x 3 pixels, 0.5 darker."""
    picture = np.zeros((SIDE, SIDE, 1), np.float32)
    target = np.zeros((SIDE, SIDE), np.uint8)
    picture[4:20, 4:20], target[4:20, 4:20] = level, WHITE
    if lesion:
        picture[10:12, 10:13], target[10:12, 10:13] = level - 0.5, LESION
    return Prepared(picture, target)


def lesion_of(item: Prepared) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = item.target == LESION
    return found


def test_an_area_goes_to_another_place_in_the_tissue_it_lay_in_at_the_level_of_that_tissue() -> (
    None
):
    host, donor = slice_of(0.6, lesion=False), slice_of(0.9, lesion=True)
    places = set()
    for seed in range(40):
        made = paste(host, donor, LESION, WHOLE, np.random.default_rng(seed))
        shown = lesion_of(made)
        assert shown.sum() == 6
        rows, columns = np.nonzero(shown)
        # The middle of its window, which has a rim of two pixels, lies in white matter.
        assert host.target[rows.min() + 1, columns.min() + 1] == WHITE
        places.add((rows.min(), columns.min()))
        inside = made.picture[shown, 0].mean()
        if host.target[shown].all():
            assert inside < 0.6 - 0.2, "as much darker than its tissue as it was, softened"
        far = ~(np.pad(shown, 2)[2:-2, 2:-2])
        assert np.array_equal(made.target[far], host.target[far])
    assert len(places) > 10
    assert not lesion_of(host).any()
    assert lesion_of(donor).sum() == 6


def test_it_stays_within_the_window_that_is_looked_at() -> None:
    host, donor = slice_of(0.6, lesion=False), slice_of(0.9, lesion=True)
    corner = (slice(4, 10), slice(4, 10))
    for seed in range(20):
        rows, columns = np.nonzero(
            lesion_of(paste(host, donor, LESION, corner, np.random.default_rng(seed)))
        )
        assert max(rows.max(), columns.max()) < 12
    air = (slice(0, 3), slice(0, 3))
    assert paste(host, donor, LESION, air, np.random.default_rng(0)) is host


def test_what_nobody_judged_stays_so() -> None:
    host, donor = slice_of(0.6, lesion=False), slice_of(0.9, lesion=True)
    host.target[:, ::2] = IGNORE
    for seed in range(20):
        made = paste(host, donor, LESION, WHOLE, np.random.default_rng(seed))
        assert np.array_equal(made.target == IGNORE, host.target == IGNORE)


def test_of_a_lone_class_areas_go_where_the_image_looks_like_their_surroundings() -> None:
    host, donor = slice_of(0.6, lesion=False), slice_of(0.6, lesion=True)
    for item in (host, donor):
        item.target[item.target == WHITE] = 0
    for seed in range(20):
        rows, columns = np.nonzero(
            lesion_of(paste(host, donor, LESION, WHOLE, np.random.default_rng(seed)))
        )
        assert host.picture[rows.min() + 1, columns.min() + 1, 0] > 0, "not in the air"


def test_classes_that_few_examples_show_are_rare() -> None:
    counts = np.array([[9, 5, 0, 0], [9, 5, 2, 0], [9, 5, 0, 0]])
    assert rare_classes(counts) == [2]


def test_only_drawn_classes_are_pasted() -> None:
    with pytest.raises(ConfigError, match="paste"):
        TrainConfig.parse({"preset": "classifier", "augment": {"paste": 0.5}})
    with pytest.raises(ConfigError, match="paste"):
        AugmentConfig(paste=1.5)
