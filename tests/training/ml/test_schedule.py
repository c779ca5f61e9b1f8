"""Learning rates and early ends follow from the history alone."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.ml.schedule import best_of, exhausted, one_cycle, plateau


def test_one_cycle_rises_to_its_peak_and_ends_at_a_thousandth() -> None:
    assert one_cycle(0, 1.0) == pytest.approx(1 / 25)
    assert one_cycle(0.25, 1.0) == pytest.approx(1.0)
    assert one_cycle(1.0, 1.0) == one_cycle(1.5, 1.0) == pytest.approx(1e-3)


def test_a_plateau_halves_the_rate_and_waits_anew() -> None:
    merits = [0.1, 0.5, 0.4, 0.5, 0.3, 0.2, 0.6]
    rates = [plateau(merits[:done], 8.0, 2) for done in range(len(merits) + 1)]
    assert rates == [8, 8, 8, 8, 4, 4, 2, 2]


def test_the_end_comes_after_the_patience_without_a_better_epoch() -> None:
    merits = [0.2, 0.6, 0.5, math.nan, 0.6]
    assert best_of(merits) == 2, "the first of equals, and never what is no number"
    ends = [exhausted(merits[:done], 3) for done in range(len(merits) + 1)]
    assert ends == [False, False, False, False, False, True]
    assert not exhausted(merits * 9, 0)


@given(st.lists(st.floats(0, 1), max_size=40), st.integers(1, 5))
def test_the_rate_never_rises_and_a_longer_history_does_not_change_its_past(
    merits: list[float], wait: int
) -> None:
    rates = [plateau(merits[:done], 1.0, wait) for done in range(len(merits) + 1)]
    assert all(after <= before for before, after in itertools.pairwise(rates))
