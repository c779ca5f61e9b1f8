"""Files of predictions: one of each image, in order, made once, with what was asked for."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from discs import write_job
from training.ml import cases
from training.ml.checkpoint import Model
from training.ml.config import NetworkConfig
from training.ml.device import Place
from training.ml.infer import PLAIN, Extra, predict, score
from training.ml.job import Example, JobError, LabelClass, read_job
from training.ml.networks import build
from training.ml.preprocess import Plan

HERE = Place(torch.device("cpu"), half=False)
CONFIG = NetworkConfig(widths=(4, 8, 16))
COUNT = 5


@pytest.fixture(params=[512, 1024], ids=["by four", "one by one"])
def model(request: pytest.FixtureRequest) -> Model:
    """Of a plan by which so many images are looked at before any is written."""
    torch.manual_seed(0)
    plan = Plan(1, 64, request.param, None, 0.5, 99.5, 0)
    return Model(build(CONFIG, 1, 1).eval(), CONFIG, plan, (LabelClass(1, "disc"),), 0, 1)


def told(
    model: Model, examples: tuple[Example, ...], out: Path, extra: Extra = PLAIN
) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    cases.predict_all(model, "a" * 64, examples, out, HERE, events.append, extra)
    return events


def test_each_image_has_its_own_score_and_mask_in_order(model: Model, tmp_path: Path) -> None:
    examples = read_job(write_job(tmp_path / "job", COUNT)).examples
    events = told(model, examples, tmp_path / "out")
    assert [event.get("id") for event in events] == ["0", "1", "2", "3", "4", None]
    for example, event in zip(examples, events[:-1], strict=True):
        alone = predict(model, example, HERE)
        assert event["score"] == pytest.approx(score(alone, model.classes).overall, abs=1e-6)
        with np.load(tmp_path / "out" / f"{example.id}.npz") as found:
            assert np.array_equal(found["mask"], alone.mask(model.classes))
            assert np.array_equal(found["embedding"], alone.embedding)


def test_only_what_is_missing_is_looked_at_again(model: Model, tmp_path: Path) -> None:
    examples = read_job(write_job(tmp_path / "job", COUNT)).examples
    first = told(model, examples, tmp_path / "out")
    for number in (0, 3):
        (tmp_path / "out" / f"{number}.npz").unlink()
    for number in (1, 2, 4):  # which could not be looked at any more
        examples[number].image.unlink()
    assert told(model, examples, tmp_path / "out") == first
    examples[0].image.unlink()
    (tmp_path / "out" / "0.npz").write_bytes(b"PK")
    with pytest.raises(JobError, match=r"0\.npy of 0 cannot be read"):
        told(model, examples, tmp_path / "out")


def test_the_map_is_there_where_it_is_asked_for(model: Model, tmp_path: Path) -> None:
    examples = read_job(write_job(tmp_path / "job", COUNT)).examples[:2]
    plain = told(model, examples, tmp_path / "out")
    with np.load(tmp_path / "out" / "0.npz") as found:
        assert "uncertainty" not in found
    wanted = replace(PLAIN, map=True)
    assert told(model, examples, tmp_path / "out", wanted) == plain
    with np.load(tmp_path / "out" / "0.npz") as found:
        unsure = predict(model, examples[0], HERE).uncertainty
        assert np.abs(found["uncertainty"] / 255 - unsure).max() < 0.51 / 255
