"""Windows over large images, against a sum by hand; ties of classes; what scoring loads."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from discs import ENVIRONMENT
from training.ml.checkpoint import Model
from training.ml.config import NetworkConfig
from training.ml.device import Place
from training.ml.infer import Prediction, forward, score
from training.ml.job import LabelClass
from training.ml.networks import build
from training.ml.preprocess import Floats, Plan
from training.ml.unet import probabilities

torch.set_num_threads(1)


@pytest.mark.parametrize(("rows", "columns"), [(65, 64), (97, 200), (300, 41), (128, 128)])
def test_a_large_image_is_the_mean_of_its_windows_weighted_by_a_bell(
    rows: int, columns: int
) -> None:
    config = NetworkConfig(widths=(4, 8, 16))
    plan = Plan(1, 64, 512, None, 0.5, 99.5, 0)
    torch.manual_seed(0)
    network = build(config, 1, 3).eval()
    model = Model(network, config, plan, (LabelClass(1, "a"), LabelClass(2, "b")), 0, 1)
    picture = np.random.default_rng(0).random((rows, columns, 1)).astype(np.float32)
    found = forward(model, picture, Place(torch.device("cpu"), half=False)).values
    top, left = (max(0, 64 - side) // 2 for side in (rows, columns))
    wide = np.zeros((max(64, rows), max(64, columns)), np.float32)
    wide[top : top + rows, left : left + columns] = picture[..., 0]
    distance = np.arange(64) - 31.5
    line = np.exp(-((distance / 8) ** 2) / 2)  # an eighth of the window wide
    bell = np.maximum(np.outer(line, line), 1e-3)
    total, weight = np.zeros((3, *wide.shape)), np.zeros(wide.shape)
    for down in starts(wide.shape[0]):
        for across in starts(wide.shape[1]):
            place = (slice(down, down + 64), slice(across, across + 64))
            with torch.inference_mode():
                own = probabilities(network(torch.from_numpy(wide[place])[None, None]))
            total[:, *place] += own[0].numpy() * bell
            weight[place] += bell
    wanted = (total / weight)[:, top : top + rows, left : left + columns]
    assert np.abs(found - wanted).max() < 1e-5


def starts(side: int) -> list[int]:
    """Every half window, and one that ends with the side."""
    return sorted({*range(0, side - 63, 32), side - 64})


@given(arrays(np.float32, st.tuples(st.integers(2, 6), st.just(3), st.just(4)),
              elements=st.sampled_from([0.0, 0.25, 0.5])))  # fmt: skip
def test_the_first_of_the_most_probable_channels_is_taken(values: Floats) -> None:
    found = Prediction(values, np.zeros(1, np.float32)).channel
    assert np.array_equal(found, values.argmax(axis=0))


def test_asking_a_plain_model_does_not_wait_for_monai(tmp_path: Path) -> None:
    program = (
        "import sys; from training.ml import cli, commands; "
        "sys.exit(any(name.split('.')[0] == 'monai' for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], env=ENVIRONMENT, check=False)
    assert done.returncode == 0


def test_a_score_of_an_ensemble_is_the_entropy_of_its_mean_and_its_map_what_they_differ_on() -> (
    None
):
    # Three sure members that contradict each other, and three that share one doubt.
    sure = np.full((3, 2, 2, 2), 0.01, np.float32)
    sure[0, 0] = sure[1, 1] = sure[2, 1] = 0.99
    doubt = np.broadcast_to(sure.mean(axis=0), sure.shape).copy()
    classes = [LabelClass(1, "only")]
    found = [
        Prediction(looks.mean(axis=0), np.zeros(4, np.float32), committee=looks)
        for looks in (sure, doubt)
    ]
    one = Prediction(sure.mean(axis=0), np.zeros(4, np.float32))
    assert [score(each, classes).overall for each in found] == pytest.approx(
        [score(one, classes).overall] * 2
    )
    assert found[0].uncertainty.min() > 0.5
    assert found[1].uncertainty.max() == pytest.approx(0, abs=1e-5)
