"""The order of reading, as properties: whatever the scores are."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.ml.acquire import (
    BATCH,
    GREEDY,
    MINIMUM_GAP,
    STRATEGIES,
    Pool,
    cold_order,
    diverse,
    select_order,
)

SCORE = st.one_of(st.floats(0, 1), st.just(float("nan")), st.just(0.5), st.just(float("inf")))
NAMES = ("entropy", "least_confidence", "margin", "bald", "variance", "disagreement")


@st.composite
def pools(draw: st.DrawFn) -> Pool:
    """Any pool: unknown scores, ties, no scores, no features, one patient, no classes."""
    count = draw(st.integers(0, 40))
    scores = np.array(draw(st.lists(SCORE, min_size=count, max_size=count)), float)
    classes = draw(st.integers(0, 3))
    features = np.resize(scores, (count, 2)) if count else np.zeros((0, 2))
    known = draw(st.booleans())
    return Pool(
        patients=draw(st.lists(st.sampled_from("abcd"), min_size=count, max_size=count)),
        positions=draw(st.lists(st.integers(0, 20), min_size=count, max_size=count)),
        class_scores=np.resize(scores, (count, classes)) if count else np.zeros((0, classes)),
        measures={name: scores for name in NAMES} if draw(st.booleans()) else {},
        foreground=scores if known else None,
        features=features if known else None,
        gradients=features if draw(st.booleans()) else None,
        labelled=features[:3] if known and draw(st.booleans()) else None,
    )


def simple(
    scores: np.ndarray, patients: list[str] | None = None, positions: list[int] | None = None
) -> Pool:
    """Scores of one class, each case a patient of its own unless said."""
    count = len(scores)
    return Pool(
        patients=patients or [str(number) for number in range(count)],
        positions=positions or [0] * count,
        class_scores=scores[:, None],
        measures={name: scores for name in NAMES},
    )


@given(pool=pools(), strategy=st.sampled_from(STRATEGIES), share=st.floats(0, 1))
def test_every_case_has_exactly_one_place(pool: Pool, strategy: str, share: float) -> None:
    order = select_order(pool, strategy=strategy, random_share=share, seed=1)
    assert sorted(place.index for place in order) == list(range(len(pool)))
    again = select_order(pool, strategy=strategy, random_share=share, seed=1)
    assert order == again


@pytest.mark.parametrize("share", [0.0, 0.25, 1 / 3, 0.5, 1.0])
def test_every_prefix_holds_its_share_of_chance(share: float) -> None:
    rng = np.random.default_rng(0)
    scores = rng.random(60)
    pool = simple(scores, ["p"] * 60, list(range(60)))
    order = select_order(pool, strategy="stratified", random_share=share, seed=3)
    by_chance = np.cumsum([place.share == "random" for place in order])
    # Past three quarters one of the two orders may have run dry.
    for place in range(45):
        assert abs(by_chance[place] - share * (place + 1)) <= 1.0


@pytest.mark.parametrize("strategy", [*NAMES, "class_balanced"])
def test_a_plain_measure_serves_the_most_uncertain_first_when_nothing_crowds(
    strategy: str,
) -> None:
    scores = np.array([0.1, 0.9, np.nan, 0.5])
    order = select_order(simple(scores), strategy=strategy, random_share=0.0, seed=0)
    assert [place.index for place in order] == [1, 3, 0, 2]
    assert order[-1].score is None


@pytest.mark.parametrize("strategy", ["stratified", "class_balanced"])
def test_a_rare_class_gets_its_turn(strategy: str) -> None:
    class_scores = np.full((30, 2), 1e-6)
    class_scores[:28, 0] = 0.9
    class_scores[28:, 1] = 0.9  # the rare class is uncertain in two cases only
    pool = Pool([str(i) for i in range(30)], [0] * 30, class_scores)
    order = select_order(pool, strategy=strategy, random_share=0.0, seed=0)
    assert {28, 29} <= {place.index for place in order[:4]}


@pytest.mark.parametrize("strategy", ["stratified", "class_balanced"])
@pytest.mark.parametrize("classes", [0, 2])
def test_where_no_class_has_a_score_the_whole_image_orders(strategy: str, classes: int) -> None:
    """There are no classes, or all are newer than the champion: questions that were replaced."""
    unknown = np.full((4, classes), np.nan)
    whole = {"entropy": np.array([0.1, 0.9, np.nan, 0.5])}
    pool = Pool(list("abcd"), [0] * 4, unknown, whole)
    order = select_order(pool, strategy=strategy, random_share=0.0, seed=0)
    assert [(place.index, place.score) for place in order] == [
        (1, 0.9), (3, 0.5), (0, 0.1), (2, None)
    ]  # fmt: skip


def test_a_case_is_weighed_by_the_classes_that_its_model_knew() -> None:
    """The second class is new: the champion before, whose scores two cases still have, lacked it.

    They stand amidst the others, neither behind them all nor lifted by what is not known.
    """
    nan = np.nan
    scores = np.array([[0.5, nan], [0.5, 0.1], [0.5, nan], [0.5, 0.3], [nan, nan]])
    pool = Pool(list("abcde"), [0] * 5, scores)
    order = select_order(pool, strategy="class_balanced", random_share=0.0, seed=0)
    found = {place.index: place.score for place in order}
    assert order[0].index == 3
    assert [place.index for place in order[-2:]] == [1, 4]
    assert found[0] == found[2] == pytest.approx(1.0), "as unsure as the pool on average"
    assert found[3] == pytest.approx(1.25)
    assert found[4] is None


def test_cases_that_tie_under_class_balanced_come_in_another_order_by_every_seed() -> None:
    pool = simple(np.full(40, 0.5))
    orders = {
        tuple(
            place.index
            for place in select_order(pool, strategy="class_balanced", random_share=0.0, seed=seed)
        )
        for seed in range(3)
    }
    assert len(orders) == 3


def test_a_batch_is_not_filled_by_neighbours_of_one_patient() -> None:
    patients = ["a"] * 20 + ["b"] * 20 + ["c"] * 20
    positions = list(range(20)) * 3
    first = diverse(range(60), patients, positions)[:BATCH]
    assert max(Counter(patients[i] for i in first).values()) <= 8
    for patient in "abc":
        own = sorted(positions[i] for i in first if patients[i] == patient)
        assert all(b - a >= MINIMUM_GAP for a, b in pairwise(own))


def test_images_taken_one_by_one_are_no_neighbours_of_each_other() -> None:
    """Each is the first and only one of its series."""
    patients = ["a"] * 20 + ["b"] * 20 + ["c"] * 20 + ["d"] * 20
    scores = np.linspace(0.9, 0.1, 80)
    pool = Pool(patients, [0] * 80, scores[:, None], {"entropy": scores}, series=list(range(80)))
    order = select_order(pool, strategy="entropy", random_share=0.0, seed=0)
    assert [place.index for place in order[:BATCH]] == [*range(6), *range(20, 26)], "6 of a patient"
    stacks = replace(pool, positions=list(range(10)) * 8, series=list(np.repeat(range(8), 10)))
    order = select_order(stacks, strategy="entropy", random_share=0.0, seed=0)
    assert [place.index for place in order[:6]] == [0, 2, 4, 6, 8, 10], "of two series of one"


@pytest.mark.parametrize("strategy", sorted(set(STRATEGIES) - {"random", "foreground"}))
def test_no_strategy_fills_a_batch_with_neighbours_of_one_patient(strategy: str) -> None:
    """Patient a is what the model knows least, and differs most from slice to slice."""
    rng = np.random.default_rng(0)
    patients = ["a"] * 40 + ["b"] * 40 + ["c"] * 40
    positions = list(range(40)) * 3
    scores = np.where(np.arange(120) < 40, 0.9, 0.1) + 0.01 * rng.random(120)
    features = rng.normal(0, 1, (120, 6)) * scores[:, None] * 10
    pool = Pool(
        patients, positions, scores[:, None], dict.fromkeys(NAMES, scores),
        foreground=scores, features=features, gradients=features,
    )  # fmt: skip
    order = select_order(pool, strategy=strategy, random_share=0.0, seed=0)
    for start in (0, BATCH):
        batch = [place.index for place in order[start : start + BATCH]]
        assert max(Counter(patients[i] for i in batch).values()) <= 8
        for patient in "abc":
            own = sorted(positions[i] for i in batch if patients[i] == patient)
            assert all(b - a >= MINIMUM_GAP for a, b in pairwise(own))


def test_an_unknown_strategy_is_named() -> None:
    with pytest.raises(ValueError, match="stratified"):
        select_order(simple(np.zeros(1)), strategy="best", random_share=0, seed=0)


def test_parts_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        Pool(["a"], [0], np.zeros((1, 1)), {"entropy": np.zeros(2)})
    with pytest.raises(ValueError, match="one length"):
        Pool(["a"], [0], np.zeros((1, 1)), series=[1, 2])


def test_chance_lets_patients_take_turns() -> None:
    patients = ["a"] * 30 + ["b"] * 3 + ["c"] * 3
    pool = simple(np.zeros(36), patients, list(range(36)))
    order = select_order(pool, strategy="random", random_share=1.0, seed=4)
    assert Counter(patients[place.index] for place in order[:9]) == {"a": 3, "b": 3, "c": 3}


def test_foreground_serves_what_shows_something_first() -> None:
    shown = np.array([0.0, 0.2, 0.0, 0.1, np.nan])
    pool = Pool(list("abcde"), [0] * 5, np.zeros((5, 1)), foreground=shown)
    order = select_order(pool, strategy="foreground", random_share=0.0, seed=0)
    assert {place.index for place in order[:2]} == {1, 3}


@pytest.mark.parametrize(("strategy", "least"), [("power", 8), ("softmax", 8)])
def test_a_stochastic_order_follows_the_scores_and_differs_by_seed(
    strategy: str, least: int
) -> None:
    scores = np.concatenate([np.full(90, 0.1), np.full(10, 0.9)])
    orders = [
        [p.index for p in select_order(simple(scores), strategy=strategy, random_share=0, seed=s)]
        for s in range(3)
    ]
    assert len({tuple(order) for order in orders}) == 3
    assert all(sum(index >= 90 for index in order[:12]) >= least for order in orders)


@pytest.mark.parametrize("strategy", ["core_set", "k_means", "badge"])
def test_a_diverse_strategy_visits_every_cluster_before_it_repeats_one(strategy: str) -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 100, (BATCH, 5))
    owner = np.repeat(np.arange(BATCH), 20)
    features = centres[owner] + rng.normal(0, 0.1, (len(owner), 5))
    pool = Pool([str(i) for i in owner], [0] * len(owner), np.zeros((len(owner), 1)),
                features=features, gradients=features)  # fmt: skip
    order = select_order(pool, strategy=strategy, random_share=0.0, seed=0)
    assert {int(owner[place.index]) for place in order[:BATCH]} == set(range(BATCH))


def test_a_core_set_goes_where_nothing_is_labelled() -> None:
    features = np.array([[0.0], [0.1], [5.0], [9.0]])
    pool = Pool(list("abcd"), [0] * 4, np.zeros((4, 1)), features=features,
                labelled=np.array([[0.0], [9.1]]))  # fmt: skip
    order = select_order(pool, strategy="core_set", random_share=0.0, seed=0)
    assert [place.index for place in order] == [2, 1, 3, 0]


@given(pool=pools(), share=st.floats(0, 1))
def test_before_there_is_a_model_a_case_has_one_place_at_most(pool: Pool, share: float) -> None:
    order = cold_order(pool, random_share=share, seed=1)
    assert len({place.index for place in order}) == len(order) <= len(pool)
    assert order == cold_order(pool, random_share=share, seed=1)
    assert {place.share for place in order} <= {"diversity", "random"}
    assert not order or order[-1].share == "diversity", "what only chance orders is not named"
    if share == 0:
        assert len(order) == len(pool)


def looks(*counts: int) -> Pool:
    """So many cases of each look, far from each other, each case a patient of its own."""
    rng = np.random.default_rng(0)
    owner = np.repeat(np.arange(len(counts)), counts)
    features = 100.0 * np.eye(len(counts))[owner] + rng.normal(0, 1, (len(owner), len(counts)))
    return Pool([str(number) for number in range(len(owner))], list(owner),
                np.zeros((len(owner), 0)), features=features)  # fmt: skip


def test_before_there_is_a_model_rare_looks_come_early_and_chance_keeps_its_share() -> None:
    pool = looks(300, 60, 3, 1)
    order = cold_order(pool, random_share=1 / 3, seed=2)
    assert {pool.positions[place.index] for place in order[: 2 * BATCH]} == {0, 1, 2, 3}
    assert sum(place.share == "diversity" for place in order) <= GREEDY < len(pool)
    for length in range(3, len(order)):
        chance = sum(place.share == "random" for place in order[:length])
        assert abs(chance - length / 3) <= 1


def test_before_there_is_a_model_one_patient_does_not_fill_a_batch() -> None:
    """However different the images of a patient are."""
    rng = np.random.default_rng(0)
    patients = ["many"] * 40 + [str(number) for number in range(40)]
    features = rng.normal(0, [[100.0]] * 40 + [[1.0]] * 40, (80, 4))
    pool = Pool(patients, list(range(80)), np.zeros((80, 0)), features=features)
    order = cold_order(pool, random_share=0.0, seed=0)
    assert sum(patients[place.index] == "many" for place in order[:BATCH]) == 1
