"""Where a model looks: the maps lie on what the images were made to be told apart by."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from discs import ask, command, edit_job, write_job
from training.ml.checkpoint import load_model
from training.ml.config import TrainConfig
from training.ml.device import choose
from training.ml.explain import explain
from training.ml.findings import answer, probabilities_of
from training.ml.job import Example
from training.ml.occlusion import occlude
from training.ml.picture import picture_of

Maps = dict[str, npt.NDArray[np.uint8]]
PLACES = (slice(4, 24), slice(4, 24)), (slice(36, 56), slice(24, 44))


def explained(job: Path, model: Path, *options: str) -> list[Maps]:
    """The maps of every example."""
    out = job.parent / "maps"
    command("explain", job, "--model", model, "--out", out, *options)
    found = []
    for row in json.loads((job / "examples.json").read_text()):
        with np.load(out / f"{row['id']}.npz") as file:
            found.append(dict(file))
    return found


def share_within(heat: npt.NDArray[np.uint8], place: npt.NDArray[np.bool_]) -> float:
    """Mean of a map within a place, over its mean everywhere."""
    return float(heat[place].mean() / heat.mean())


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A job of discs and a model that draws them."""
    folder = tmp_path_factory.mktemp("discs")
    job = edit_job(write_job(folder / "job", 6), config={
        "preset": "tiny", "epochs": 1, "minimum_steps": 60, "threads": 1, "longest": 64,
    })  # fmt: skip
    command("train", job, "--out", folder / "model")
    return job, folder / "model"


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A job that asks how the stripes of a square run, and a model that answers."""
    folder = tmp_path_factory.mktemp("squares")
    job = write_job(folder / "job", 16)
    sides = []
    for number in range(16):
        image = np.random.default_rng(number).normal(300, 40, (64, 48))
        stripes = np.mgrid[0:20, 0:20][number % 2] // 2 % 2
        image[PLACES[number // 2 % 2]] += 500 * stripes
        np.save(job / "images" / f"{number}.npy", image.astype(np.uint16))
        sides.append({"stripes": ["across", "down"][number % 2]})
    ask(job, [{"code": "stripes", "kind": "single", "options": ["across", "down"]}], sides)
    edit_job(job, config={
        "preset": "classifier", "network": {"widths": [8, 16, 32]}, "longest": 64, "epochs": 1,
        "minimum_steps": 80, "learning_rate": 1e-2, "threads": 1,
        "augment": {"flip": False, "rotate": 0.0, "scale": 0.0, "shift": 0.0},
    })  # fmt: skip
    command("train", job, "--out", folder / "model")
    return job, folder / "model"


def test_hiding_the_disc_costs_most_where_the_disc_is(drawn: tuple[Path, Path]) -> None:
    for number, maps in enumerate(explained(*drawn, "--occlusion")):
        disc = np.load(drawn[0] / "masks" / f"{number}.npy") > 0
        assert maps["targets"].tolist() == [1]
        assert maps["occlusion"].shape == (1, *disc.shape)
        assert maps["uncertainty"].shape == disc.shape
        assert share_within(maps["explanation"][0], disc) > 1.5
        heat = maps["occlusion"][0]
        assert disc[heat == 255].any()
        assert share_within(heat, disc) > 3


def test_a_classifiers_maps_lie_on_what_its_answer_follows_from(
    answered: tuple[Path, Path],
) -> None:
    """Of each image: Grad-CAM, and what hiding costs, of the right answer."""
    for number, maps in enumerate(explained(*answered, "--occlusion")):
        place = np.zeros((64, 48), np.bool_)
        place[PLACES[number // 2 % 2]] = True
        assert maps["targets"].tolist() == [0, 1]
        assert "uncertainty" not in maps, "an answer has no place"
        assert maps["explanation"].shape == maps["occlusion"].shape == (2, 64, 48)
        assert share_within(maps["explanation"][number % 2], place) > 1.5
        assert share_within(maps["occlusion"][number % 2], place) > 3


def test_what_is_explained_is_what_was_said_of_an_image_smaller_than_the_others(
    answered: tuple[Path, Path], tmp_path: Path
) -> None:
    model = load_model(answered[1])
    image = np.random.default_rng(0).normal(300, 40, (21, 30))
    image += 500 * (np.mgrid[0:21, 0:30][0] // 2 % 2)
    np.save(tmp_path / "small.npy", image.astype(np.uint16))
    example = Example("small", tmp_path / "small.npy", None, "P", None)
    place = choose(TrainConfig(threads=1))
    picture = picture_of(model, example, place)
    with torch.inference_mode():
        logits = model.network.eval()(picture.image)
    said = answer(model, example, place).values
    assert probabilities_of(model.questions, logits)[0].numpy() == pytest.approx(said, abs=1e-6)
    own = model.plan.image(example.pixels(), model.plan.geometry(21, 30, None))
    assert np.array_equal(picture.own_grid(picture.image[0, 0]), own[:, :, 0])
    assert explain(model, example, 0, place).shape == (21, 30)
    hidden = occlude(model, example, place).max(axis=0)
    assert len(np.unique(hidden)) > 40, "its squares are of the image, not of what is around"


def test_squares_are_hidden_only_when_asked_for(drawn: tuple[Path, Path]) -> None:
    assert all("occlusion" not in maps for maps in explained(*drawn))
