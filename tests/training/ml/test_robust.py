"""Images made worse: each change does what it says, and a model's report names all of them."""

import json
from pathlib import Path

import numpy as np
import pytest

from discs import CONFIG, command, run, write_job
from training.ml import checkpoint, robust
from training.ml.device import choose
from training.ml.evaluate import dice_by_class
from training.ml.job import read_job
from training.ml.robust import ADVERSARIAL, CHANGES, ROTATION


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("robust")
    job = write_job(folder / "job", config={**CONFIG, "minimum_steps": 20})
    run("train", job, "--out", folder / "model")
    return folder


def picture(channels: int = 1) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.asarray(rng.normal(300, 50, (48, 40, channels)), dtype=np.float32)


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_stronger_change_moves_an_image_further(name: str, channels: int) -> None:
    change, strengths = CHANGES[name]
    before = picture(channels)
    moved = []
    for strength in strengths:
        after = change(before, strength, np.random.default_rng(1))
        assert after.shape == before.shape
        assert np.isfinite(after).all()
        moved.append(float(np.abs(after - before).mean()))
    assert moved[0] > 0
    if name == "contrast":  # its first step bends the other way
        moved = moved[1:]
    assert moved == sorted(moved)


def test_rotation_turns_the_truth_along_and_leaves_the_corners_unjudged() -> None:
    truth = np.zeros((41, 41), np.uint8)
    truth[20, 30:36] = 1
    pixels = truth[:, :, None].astype(np.float32) * 100
    turned, mask = robust._turned(90.0, None, pixels, truth)  # type: ignore[arg-type]
    assert np.array_equal(turned[:, :, 0] > 50, mask == 1)
    assert set(np.unique(np.argwhere(mask == 1)[:, 1])) == {20}
    assert (robust._turned(30.0, None, pixels, truth)[1] == 255).any()  # type: ignore[arg-type]


def test_the_report_has_every_change_and_going_against_the_gradient_hurts(
    trained: Path, tmp_path: Path
) -> None:
    report = tmp_path / "robust.json"
    events = run(
        "robustness", trained / "job", "--model", trained / "model", "--out", report
    )  # fmt: skip
    found = json.loads(report.read_text())
    names = [(row["change"], row["strength"]) for row in found["changes"]]
    wanted = [(name, step) for name, (_, steps) in CHANGES.items() for step in steps]
    wanted += [("rotation", step) for step in ROTATION]
    assert names == wanted + [("adversarial", step) for step in ADVERSARIAL]
    assert len([e for e in events if e["event"] == "change"]) == 1 + len(wanted) + 3
    assert found["clean"]["disc"] > 0.6
    steps = [row["dice"]["disc"] for row in found["changes"] if row["change"] == "adversarial"]
    assert [found["clean"]["disc"], *steps] == sorted([found["clean"]["disc"], *steps])[::-1]
    noise = [row["dice"]["disc"] for row in found["changes"] if row["change"] == "noise"]
    assert noise[-1] <= found["clean"]["disc"] + 0.02


def test_an_ensemble_is_measured_as_it_answers_not_as_its_first_member(
    trained: Path, tmp_path: Path
) -> None:
    """The first member is undecided everywhere and draws nothing; the second is the trained one."""
    second = checkpoint.load_model(trained / "model")
    checkpoint.save_model(tmp_path / "second", second)
    for parameter in second.network.get_submodule("head").parameters():
        parameter.data.zero_()
    checkpoint.save_model(tmp_path / "first", second)
    checkpoint.save_ensemble(tmp_path, ["first", "second"])
    report = tmp_path / "robust.json"
    command("robustness", trained / "job", "--model", tmp_path, "--out", report)
    found = json.loads(report.read_text())
    job = read_job(trained / "job")
    together = dice_by_class(checkpoint.load_any(tmp_path), job.examples, choose(job.config))
    assert found["clean"] == together
    assert together["disc"] > 0.6, "the first member alone has none"
    steps = [row["dice"]["disc"] for row in found["changes"] if row["change"] == "adversarial"]
    assert steps[-1] < together["disc"], "the gradient of the member that draws counts"


def test_an_image_is_moved_against_all_members_by_no_more_than_the_step(trained: Path) -> None:
    model = checkpoint.load_model(trained / "model")
    job = read_job(trained / "job")
    place, example = choose(job.config), job.examples[0]
    pixels, truth = example.pixels(), example.labels()
    one, two = (
        robust._against(each, place, 0.01, example, pixels, truth)[0]
        for each in (model, checkpoint.Ensemble((model, model)))
    )
    assert np.array_equal(one, two), "the same network twice is the same network"
    low, high = np.percentile(pixels, (0.5, 99.5))
    assert np.abs(one - pixels).max() == pytest.approx(0.01 * (high - low), rel=1e-3)
