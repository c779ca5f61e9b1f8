"""Known answers: every metric against an independent implementation, on random and drawn masks."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.metrics.hausdorff_distance import compute_hausdorff_distance
from monai.metrics.meandice import compute_dice
from monai.metrics.meaniou import compute_iou
from monai.metrics.surface_dice import compute_surface_dice
from scipy import ndimage
from sklearn.metrics import recall_score

from reticle.pixels.agreement import counts, hd95, lesions, surface


def blobs(seed: int, size: int = 40) -> np.ndarray:
    """A mask of a few round shapes."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(size, size)), 4)
    mask = (noise > 0.5 * noise.std()).astype(np.uint8)
    mask[0], mask[-1], mask[:, 0], mask[:, -1] = 0, 0, 0, 0
    return np.asarray(mask)


def tensor(mask: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(mask)[None, None].float()


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), spacing=st.sampled_from([(1.0, 1.0), (0.5, 1.5)]))
def test_overlap_and_distances_equal_monais(seed: int, spacing: tuple[float, float]) -> None:
    guess, truth = blobs(seed), blobs(seed + 1)
    if not guess.any() or not truth.any():
        return
    found = counts(guess, truth, 1)
    assert found.dice == pytest.approx(compute_dice(tensor(guess), tensor(truth)).item(), abs=1e-6)
    assert found.iou == pytest.approx(compute_iou(tensor(guess), tensor(truth)).item(), abs=1e-6)
    assert found.sensitivity == pytest.approx(recall_score(truth.ravel(), guess.ravel()))
    distance = compute_hausdorff_distance(
        tensor(guess), tensor(truth), percentile=95, spacing=list(spacing)
    ).item()
    assert hd95(guess, truth, 1, spacing) == pytest.approx(distance, abs=1e-4)
    near = compute_surface_dice(
        tensor(guess), tensor(truth), class_thresholds=[2.0], spacing=list(spacing),
        include_background=True,
    ).item()  # fmt: skip
    assert surface(guess, truth, 1, 2.0, spacing).dice == pytest.approx(near, abs=1e-6)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_lesions_equal_a_count_by_hand(seed: int) -> None:
    """Area by area, with a flood fill of its own."""
    guess, truth = blobs(seed), blobs(seed + 1)

    def areas(mask: np.ndarray) -> list[set[tuple[int, int]]]:
        left = {(int(y), int(x)) for y, x in np.argwhere(mask)}
        found = []
        while left:
            waiting, own = [left.pop()], set()
            while waiting:
                y, x = waiting.pop()
                own.add((y, x))
                for near in [(y + a, x + b) for a in (-1, 0, 1) for b in (-1, 0, 1)]:
                    if near in left:
                        left.remove(near)
                        waiting.append(near)
            found.append(own)
        return found

    predicted = {(int(y), int(x)) for y, x in np.argwhere(guess)}
    true = {(int(y), int(x)) for y, x in np.argwhere(truth)}
    found = lesions(guess, truth, 1)
    assert found.found == sum(bool(area & predicted) for area in areas(truth))
    assert found.missed == sum(not area & predicted for area in areas(truth))
    assert found.false == sum(not area & true for area in areas(guess))
