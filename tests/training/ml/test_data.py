"""What a batch is made of: classes in turn, new labels weighted up, earlier ones replayed."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from training.ml.config import TrainConfig
from training.ml.data import draw

SIZE = 20
CONFIG = TrainConfig.parse({"preset": "tiny"})


def counts_of(*shown: tuple[int, ...]) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Pixels (N, 1 + 3) of examples that show these classes, and background."""
    found = np.zeros((len(shown), 4), np.int64)
    found[:, 0] = 1000
    for place, classes in enumerate(shown):
        found[place, list(classes)] = 50
    return found


# Fifty images, of which one shows the rare class 3 and the last ten show nothing.
COUNTS = counts_of(*[(1, 2)] * 39, (1, 2, 3), *[()] * 10)
seeds = st.integers(0, 10_000)


@given(seeds, st.sampled_from([0.0, 0.25, 0.5, 1.0]))
def test_a_share_of_the_slots_shows_a_class_and_classes_take_turns(seed: int, share: float) -> None:
    config = replace(CONFIG, foreground_share=share)
    picks = draw(COUNTS, None, config, SIZE, np.random.default_rng(seed))
    wanted = [label for _, label in picks if label]
    assert len(wanted) == round(share * SIZE)
    assert all(COUNTS[place, label] > 0 for place, label in picks if label)
    often = np.bincount(wanted, minlength=4)[1:]
    assert often.max() - often.min() <= 1, "a rare class is shown as often as the others"


@given(seeds, st.sampled_from([0.0, 0.5, 0.8]), st.sampled_from([2, 10, 40]))
def test_new_labels_are_weighted_up_and_earlier_ones_are_replayed(
    seed: int, share: float, new: int
) -> None:
    fresh = np.arange(50) < new
    config = replace(CONFIG, fresh_share=share)
    picks = draw(COUNTS, fresh, config, SIZE, np.random.default_rng(seed))
    taken = sum(bool(fresh[place]) for place, _ in picks)
    assert taken == round(max(share, new / 50) * SIZE)


@settings(max_examples=10)
@given(seeds)
def test_where_all_is_new_or_nothing_is_every_example_can_be_drawn(seed: int) -> None:
    config = replace(CONFIG, foreground_share=0.0)
    for fresh in (np.ones(50, bool), np.zeros(50, bool)):
        rng = np.random.default_rng(seed)
        drawn = {place for _ in range(20) for place, _ in draw(COUNTS, fresh, config, SIZE, rng)}
        assert drawn == set(range(50))


def test_a_class_that_only_earlier_labels_show_is_still_shown() -> None:
    fresh = np.arange(50) < 20  # none of them shows class 3
    rng = np.random.default_rng(0)
    batches = [draw(COUNTS, fresh, CONFIG, SIZE, rng) for _ in range(50)]
    shown = [sum(label == 3 for _, label in picks) for picks in batches]
    assert sum(shown) >= len(batches), "not once a batch"
