"""Measures of uncertainty against plain definitions, and where they are known without computing."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy as scipy_entropy

from training.ml import measures
from training.ml.diversity import gradient_embedding


def some(seed: int, *shape: int) -> np.ndarray:
    """Probabilities of which the third axis from the right sums to one."""
    raw = np.random.default_rng(seed).gamma(0.5, size=shape)
    return np.asarray(raw / raw.sum(axis=-3, keepdims=True))


@given(seed=st.integers(0, 50), classes=st.integers(2, 5))
def test_measures_equal_their_definitions(seed: int, classes: int) -> None:
    p = some(seed, classes, 3, 4)
    expected = scipy_entropy(p, axis=0) / math.log(classes)
    assert measures.entropy(p) == pytest.approx(expected, abs=1e-9)
    for row in range(3):
        for column in range(4):
            ordered = sorted(p[:, row, column], reverse=True)
            assert measures.margin(p)[row, column] == pytest.approx(1 - ordered[0] + ordered[1])
            least = (1 - ordered[0]) / (1 - 1 / classes)
            assert measures.least_confidence(p)[row, column] == pytest.approx(least)


@given(seed=st.integers(0, 50), classes=st.integers(2, 5), count=st.integers(2, 6))
def test_disagreement_of_passes_is_mutual_information(seed: int, classes: int, count: int) -> None:
    passes = some(seed, count, classes, 2, 2)
    mean = passes.mean(axis=0)
    # I(y; pass) = mean over passes of KL(pass || mean)
    expected = np.mean([scipy_entropy(one, mean, axis=0) for one in passes], axis=0)
    assert measures.bald(passes) == pytest.approx(expected / math.log(classes), abs=1e-6)
    far = [((one - mean) ** 2).sum(axis=0) for one in passes]
    assert measures.variance(passes) == pytest.approx(np.mean(far, axis=0))


@pytest.mark.parametrize("name", ["entropy", "margin", "least_confidence"])
def test_one_where_nothing_is_known_and_zero_where_all_is(name: str) -> None:
    p = np.full((4, 1, 2), 0.25)
    p[:, 0, 1] = [1, 0, 0, 0]
    assert getattr(measures, name)(p)[0] == pytest.approx([1.0, 0.0], abs=1e-9)


def test_passes_that_agree_are_no_uncertainty_and_opposite_ones_are_all_of_it() -> None:
    sure = np.zeros((2, 2, 1, 1))
    sure[:, 0] = 1
    assert measures.bald(sure) == pytest.approx(0, abs=1e-9)
    sure[1] = sure[1, ::-1]
    assert measures.bald(sure) == pytest.approx(1, abs=1e-6)
    assert measures.variance(sure) == pytest.approx(0.5)


def test_a_score_does_not_fall_because_an_image_has_more_background() -> None:
    p = np.zeros((2, 10, 10))
    p[0], p[:, :3, :3] = 1, 0.5
    wide = np.zeros((2, 20, 20))
    wide[0] = 1
    wide[:, :10, :10] = p
    near, far = measures.of_image(p)["entropy"], measures.of_image(wide)["entropy"]
    assert near == pytest.approx(far, rel=0.1)
    assert near > 0.9


def test_two_models_disagree_by_one_minus_the_dice_of_their_labels() -> None:
    one = np.array([[1, 1, 2, 0]], np.uint8)
    other = np.array([[1, 2, 2, 2]], np.uint8)
    assert measures.disagreement(one, other) == pytest.approx(1 - 2 * 2 / (3 + 4))
    assert measures.disagreement(one * 0, other * 0) == 0


def test_the_gradient_embedding_is_the_gradient_of_the_last_layer() -> None:
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(1, 5, 4, 3, generator=generator)
    head = torch.nn.Conv2d(5, 3, 1)
    logits = head(features)
    answer = logits.argmax(dim=1).detach()
    torch.nn.functional.cross_entropy(logits, answer).backward()
    found = gradient_embedding(
        torch.softmax(logits, dim=1)[0].detach().numpy(), features[0].numpy()
    )
    expected = head.weight.grad.reshape(3, 5)
    assert found.reshape(3, 5) == pytest.approx(expected.numpy(), abs=1e-6)
