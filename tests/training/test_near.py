"""Which labelled cases are nearest, on features whose distances are known."""

import numpy as np

from training.near import distances


def test_a_feature_without_spread_among_the_labelled_decides_nothing() -> None:
    rng = np.random.default_rng(0)
    known = rng.normal(size=(50, 6)).astype("<f4")
    mine = rng.normal(size=6).astype("<f4")
    expected = np.linalg.norm(
        (known.astype(float) - mine) / known.astype(float).std(axis=0), axis=1
    )
    for constant in (0.0, 0.1, 1e4):
        flat = np.full((50, 1), constant, "<f4")
        found = distances(np.hstack([known, flat]), np.append(mine, np.float32(constant + 1)))
        assert np.allclose(found, expected)
    asleep = np.zeros((50, 1), "<f4")
    asleep[3] = 1e-12
    found = distances(np.hstack([known, asleep]), np.append(mine, np.float32(1)))
    assert np.allclose(found, expected), "nor does one that is all but constant"


def test_equal_cases_are_equally_near() -> None:
    assert distances(np.ones((3, 4), "<f4"), np.zeros(4, "<f4")).tolist() == [0, 0, 0]
