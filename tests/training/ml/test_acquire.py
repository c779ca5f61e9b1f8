"""The order of reading, as properties: whatever the scores are."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.ml.acquire import BATCH, MINIMUM_GAP, STRATEGIES, diverse, entropy, select_order

SCORE = st.one_of(st.floats(0, 1), st.just(float("nan")), st.just(0.5))


@st.composite
def pools(draw: st.DrawFn) -> dict[str, object]:
    count = draw(st.integers(0, 40))
    scores = np.array(draw(st.lists(SCORE, min_size=count, max_size=count)))
    classes = draw(st.integers(0, 3))
    return {
        "scores": scores,
        "class_scores": np.resize(scores, (count, classes)) if count else np.zeros((0, classes)),
        "patients": draw(st.lists(st.sampled_from("abcd"), min_size=count, max_size=count)),
        "positions": draw(st.lists(st.integers(0, 20), min_size=count, max_size=count)),
    }


@given(pool=pools(), strategy=st.sampled_from(STRATEGIES), share=st.floats(0, 1))
def test_every_case_has_exactly_one_place(
    pool: dict[str, object], strategy: str, share: float
) -> None:
    order = select_order(**pool, strategy=strategy, random_share=share, seed=1)  # type: ignore[arg-type]
    count = len(pool["scores"])  # type: ignore[arg-type]
    assert sorted(place.index for place in order) == list(range(count))
    again = select_order(**pool, strategy=strategy, random_share=share, seed=1)  # type: ignore[arg-type]
    assert order == again


@pytest.mark.parametrize("share", [0.0, 0.25, 1 / 3, 0.5, 1.0])
def test_every_prefix_holds_its_share_of_chance(share: float) -> None:
    rng = np.random.default_rng(0)
    scores = rng.random(60)
    order = select_order(
        scores, scores[:, None], ["p"] * 60, list(range(60)), strategy="stratified",
        random_share=share, seed=3,
    )  # fmt: skip
    by_chance = np.cumsum([place.share == "random" for place in order])
    # Past three quarters one of the two orders may have run dry.
    for place in range(45):
        assert abs(by_chance[place] - share * (place + 1)) <= 1.0


def test_entropy_serves_the_most_uncertain_first_when_nothing_crowds() -> None:
    scores = np.array([0.1, 0.9, np.nan, 0.5])
    order = select_order(
        scores, scores[:, None], list("abcd"), [0, 0, 0, 0], strategy="entropy",
        random_share=0.0, seed=0,
    )  # fmt: skip
    assert [place.index for place in order] == [1, 3, 0, 2]
    assert order[-1].score is None


def test_stratified_gives_every_class_its_turn() -> None:
    class_scores = np.full((30, 2), 1e-6)
    class_scores[:28, 0] = 0.9
    class_scores[28:, 1] = 0.9  # the rare class is uncertain in two cases only
    order = select_order(
        class_scores.max(axis=1), class_scores, [str(i) for i in range(30)], [0] * 30,
        strategy="stratified", random_share=0.0, seed=0,
    )  # fmt: skip
    assert {28, 29} <= {place.index for place in order[:4]}


def test_a_batch_is_not_filled_by_neighbours_of_one_patient() -> None:
    patients = ["a"] * 20 + ["b"] * 20 + ["c"] * 20
    positions = list(range(20)) * 3
    first = diverse(range(60), patients, positions)[:BATCH]
    assert max(Counter(patients[i] for i in first).values()) <= 8
    for patient in "abc":
        own = sorted(positions[i] for i in first if patients[i] == patient)
        assert all(b - a >= MINIMUM_GAP for a, b in pairwise(own))


def test_an_unknown_strategy_is_named() -> None:
    with pytest.raises(ValueError, match="stratified"):
        select_order(
            np.zeros(1), np.zeros((1, 1)), ["a"], [0], strategy="best", random_share=0, seed=0
        )


def test_entropy_is_one_where_nothing_is_known_and_zero_where_all_is() -> None:
    probabilities = np.zeros((4, 1, 2))
    probabilities[:, 0, 0] = 0.25
    probabilities[0, 0, 1] = 1.0
    assert entropy(probabilities)[0] == pytest.approx([1.0, 0.0], abs=1e-9)
