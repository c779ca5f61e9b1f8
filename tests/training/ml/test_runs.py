"""Whole runs of the loop, in this process: ends, beginnings, folds."""

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from discs import CONFIG, ask, command, edit_job, write_job
from training.ml.checkpoint import STATE, load_any, load_model
from training.ml.config import TrainConfig
from training.ml.cross import folds_of
from training.ml.job import Example, JobError, read_job
from training.ml.loop import Diverged
from training.ml.loss import DeepLoss, SegmentationLoss
from training.ml.networks import build

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a job of 6 images of 3 patients, and the model made of it."""
    folder = tmp_path_factory.mktemp("trained")
    command("train", write_job(folder / "job", 6), "--out", folder / "model")
    return folder


def lend(source: Path, job: Path, name: str) -> Path:
    """Lay a model into a job's folder, as its start or transfer."""
    (job / name).mkdir()
    for file in ("model.json", "model.safetensors"):
        (job / name / file).write_bytes((source / file).read_bytes())
    return edit_job(job, **{name: name})


def test_a_run_ends_early_with_its_best_weights_and_resumes_to_the_same_end(
    tmp_path: Path,
) -> None:
    config = {
        **CONFIG, "epochs": 12, "minimum_steps": 24, "schedule": "plateau", "plateau": 1,
        "patience": 2, "inner_share": 0.3, "learning_rate": 0.1,
    }  # fmt: skip
    job = write_job(tmp_path / "job", 6, config=config)
    events = command("train", job, "--out", tmp_path / "whole")
    rows = [event for event in events if event["event"] == "epoch"]
    merits = [row["dice"]["disc"] for row in rows]
    assert len(merits) < 12, "it never ended early"
    assert len(merits) - 1 - int(np.argmax(merits)) == 2
    assert rows[-1]["eta_seconds"] == 0
    assert rows[-1]["learning_rate"] < rows[0]["learning_rate"], "the plateau did not count"
    result = json.loads((tmp_path / "whole" / "result.json").read_text())
    assert result["dice"]["disc"] == max(merits)

    again = command("train", job, "--out", tmp_path / "again", "--resume", tmp_path / "whole")
    assert [event["event"] for event in again] == ["start", "done"]
    first, second = (
        load_file(tmp_path / name / "model.safetensors") for name in ("whole", "again")
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_run_whose_last_step_alone_spoils_the_weights_makes_no_model(tmp_path: Path) -> None:
    """The loss is taken before the step: of a single one it is a number, and the weights are not.

    Decayed eleven times as fast as they learn, weights of 1 go beyond the largest float.
    """
    config = {
        **CONFIG, "epochs": 1, "minimum_steps": 1, "learning_rate": 7.5e38, "weight_decay": 11.0,
    }  # fmt: skip
    job = write_job(tmp_path / "job", config=config)
    with pytest.raises(Diverged, match="not finite after the last step"):
        command("train", job, "--out", tmp_path / "model")
    (row,) = (tmp_path / "model" / "metrics.jsonl").read_text().splitlines()
    assert np.isfinite(json.loads(row)["loss"]), "the loss told of it"
    for name in ("model.json", "model.safetensors", "result.json"):
        assert not (tmp_path / "model" / name).exists()


@pytest.mark.parametrize(
    "extra",
    [
        {"network": {"deep_supervision": True}, "focal": 1.0, "schedule": "plateau"},
        {"network": {"encoder": "resnet18"}, "patch": 64},
    ],
    ids=["deep supervision and focal loss", "residual encoder"],
)
def test_other_recipes_train_and_predict(tmp_path: Path, extra: dict[str, Any]) -> None:
    job = write_job(tmp_path / "job", config={**CONFIG, "epochs": 1, **extra})
    events = command("train", job, "--out", tmp_path / "model")
    assert events[-1]["event"] == "done"
    command("evaluate", job, "--model", tmp_path / "model", "--out", tmp_path / "report.json")
    assert 0 <= json.loads((tmp_path / "report.json").read_text())["mean_dice"] <= 1


def test_deep_supervision_weighs_each_level_half_of_the_one_above() -> None:
    loss = SegmentationLoss(TrainConfig(), np.ones(3, np.float32))
    heads, target = torch.randn(2, 9, 8, 8), torch.randint(0, 3, (2, 8, 8))
    parts = [loss(head, target) for head in torch.split(heads, 3, dim=1)]
    expected = (parts[0] + parts[1] / 2 + parts[2] / 4) / 1.75
    assert torch.allclose(DeepLoss(loss, 3)(heads, target), expected)


@pytest.mark.parametrize("classes", [1, 2])
def test_the_focal_loss_spares_what_is_right_and_ignores_what_nobody_judged(classes: int) -> None:
    config = TrainConfig.parse({"cross_entropy": 0, "dice": 0, "focal": 1, "focal_gamma": 2})
    loss = SegmentationLoss(config, np.ones(classes + 1, np.float32))
    target = torch.ones(1, 1, 2, dtype=torch.long)
    target[..., 1] = 255

    def at(p: float) -> float:
        logits = torch.zeros(1, 1 if classes == 1 else 3, 1, 2)
        logits[:, -classes] = float(np.log(p / (1 - p) * (1 if classes == 1 else 2)))
        logits[..., 1] = 50.0
        return float(loss(logits, target))

    for p in (0.3, 0.9):
        assert at(p) == pytest.approx(-((1 - p) ** 2) * np.log(p), rel=1e-4)


def test_classes_nobody_looked_at_count_for_nothing_in_the_report(
    trained: Path, tmp_path: Path
) -> None:
    """Pixels turned to `ignore` leave the other pixels' counts alone."""
    job = write_job(tmp_path / "job", 6)
    for path in (job / "masks").glob("*.npy"):
        mask = np.load(path)
        mask[:20] = 255
        np.save(path, mask)
    command("evaluate", job, "--model", trained / "model", "--out", tmp_path / "r.json")
    for case in json.loads((tmp_path / "r.json").read_text())["cases"]:
        row = case["classes"]["disc"]
        disc = np.load(job / "masks" / f"{case['id']}.npy") == 1
        assert row["tp"] + row["fn"] == disc.sum()
        assert row["fp"] <= 44 * 48


def test_weights_of_another_campaign_are_a_beginning(trained: Path, tmp_path: Path) -> None:
    """The body as it is; the head by names of classes, the unknown ones from chance."""
    classes = [{"index": 4, "name": "ring"}, {"index": 1, "name": "disc"}]
    job = lend(trained / "model", write_job(tmp_path / "job", classes=classes), "transfer")
    edit_job(job, config={**CONFIG, "learning_rate": 1e-12, "weight_decay": 0})
    command("train", job, "--out", tmp_path / "model")
    donor = load_file(trained / "model" / "model.safetensors")
    found = load_file(tmp_path / "model" / "model.safetensors")
    for name, value in found.items():
        if name.endswith("weight") and not name.startswith("head"):
            assert torch.allclose(value, donor[name], atol=1e-6), name
    # Softmax over (0, logit) is the sigmoid of the logit: the class answers as it did.
    assert torch.allclose(found["head.weight"][0], torch.zeros(8, 1, 1), atol=1e-6)
    assert torch.allclose(found["head.weight"][2], donor["head.weight"][0], atol=1e-6)
    assert bool((found["head.weight"][1] != 0).any())


def test_a_transfer_that_does_not_fit_is_refused(trained: Path, tmp_path: Path) -> None:
    job = lend(trained / "model", write_job(tmp_path / "job"), "transfer")
    edit_job(job, config={**CONFIG, "network": {"widths": [8, 16, 64]}})
    with pytest.raises(JobError, match="architecture"):
        command("train", job, "--out", tmp_path / "model")
    edit_job(job, start="transfer")
    with pytest.raises(JobError, match="not both"):
        command("train", job, "--out", tmp_path / "model")


def test_images_alone_teach_a_beginning_for_drawing_and_for_answering(tmp_path: Path) -> None:
    job = write_job(tmp_path / "job", 6)
    rows = json.loads((job / "examples.json").read_text())
    (job / "examples.json").write_text(json.dumps([{**row, "mask": None} for row in rows]))
    edit_job(job, classes=[], config={**CONFIG, "minimum_steps": 60})
    events = command("pretrain", job, "--out", tmp_path / "images")
    explained = [e["restored"]["hidden"] for e in events if e["event"] == "epoch"]
    assert explained[-1] > max(0.2, explained[0]), "it learned nothing from the images"

    found = tmp_path / "features.npy"
    command("features", job, "--model", tmp_path / "images", "--out", found)
    vectors = np.load(found)
    assert vectors.shape == (6, load_model(tmp_path / "images").architecture.widths[-1])
    assert np.isfinite(vectors).all()
    assert vectors.std(axis=0).max() > 0, "all images are one to it"

    drawing = lend(tmp_path / "images", write_job(tmp_path / "drawing"), "transfer")
    command("train", drawing, "--out", tmp_path / "drawn")
    assert load_model(tmp_path / "drawn").classes[0].name == "disc"

    questions = [{"code": "side", "kind": "single", "options": ["left", "right"]}]
    answering = write_job(tmp_path / "answering", config={})
    ask(answering, questions, [{"side": "left"}, {"side": "right"}] * 2)
    network = {"kind": "classifier", "widths": [8, 16, 32]}
    edit_job(answering, config={**CONFIG, "network": network, "epochs": 1})
    lend(tmp_path / "images", answering, "transfer")
    command("train", answering, "--out", tmp_path / "answered")
    assert load_model(tmp_path / "answered").questions[0].code == "side"


def test_a_residual_run_begins_with_weights_from_a_file(tmp_path: Path) -> None:
    config = {
        **CONFIG, "epochs": 1, "minimum_steps": 1, "network": {"encoder": "resnet18"},
        "learning_rate": 1e-12, "weight_decay": 0, "patch": 64,
    }  # fmt: skip
    job = write_job(tmp_path / "job", config=config, encoder="weights.pth")
    donor = build(TrainConfig.parse(config).network, 3, 1).get_submodule("encoder").state_dict()
    torch.save(donor, job / "weights.pth")
    command("train", job, "--out", tmp_path / "model")
    found = load_file(tmp_path / "model" / "model.safetensors")
    wanted = donor["layer4.1.conv2.weight"]
    assert torch.allclose(found["encoder.layer4.1.conv2.weight"], wanted, atol=1e-6)
    edit_job(job, config=CONFIG)
    with pytest.raises(JobError, match="residual encoder"):
        command("train", job, "--out", tmp_path / "plain")


def test_folds_keep_patients_whole_and_each_case_is_measured_once(
    trained: Path, tmp_path: Path
) -> None:
    job = write_job(tmp_path / "job", 6)
    arguments = ("cross", job, "--folds", 3, "--out", tmp_path / "out")
    events = command(*arguments)
    assert [event["event"] for event in events].count("fold_done") == 3
    assert events[-1]["event"] == "done"
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert sorted(case["id"] for case in report["cases"]) == list("012345")
    assert report["mean_dice"] == events[-1]["mean_dice"]
    for fold in range(3):
        assert load_model(tmp_path / "out" / f"fold-{fold}").trained_on == 4
    stores = list((job / "prepared").iterdir())
    assert len(stores) == 1, "folds prepared their images apart"
    again = command(*arguments)
    assert not [event for event in again if event["event"] == "epoch"], "done folds were redone"
    assert list((job / "prepared").iterdir()) == stores

    model = load_any(tmp_path / "out")
    assert len(model.members) == 3
    told = command("predict", job, "--model", tmp_path / "out", "--out", tmp_path / "predicted")
    assert told[-1] == {"event": "done", "count": 6}
    single = tmp_path / "out" / "fold-0"
    alone = command("predict", job, "--model", single, "--out", tmp_path / "alone")
    assert told[0]["score"] != alone[0]["score"]
    with (
        np.load(tmp_path / "predicted" / "0.npz") as both,
        np.load(tmp_path / "alone" / "0.npz") as one,
    ):
        # Mutual information is at most the entropy of the mean, and far less where all are alike.
        assert both["uncertainty"].astype(int).sum() < one["uncertainty"].astype(int).sum()
    command("evaluate", job, "--model", tmp_path / "out", "--out", tmp_path / "together.json")
    command("explain", job, "--model", tmp_path / "out", "--out", tmp_path / "maps")
    assert (tmp_path / "maps" / "0.npz").exists()


def test_answers_are_cross_validated_as_well(tmp_path: Path) -> None:
    questions = [{"code": "side", "kind": "single", "options": ["left", "right"]}]
    answers = [{"side": side} for side in ("left", "right", "right", "left")]
    job = ask(write_job(tmp_path / "job", 4), questions, answers)
    network = {"kind": "classifier", "widths": [4, 8]}
    edit_job(job, config={**CONFIG, "epochs": 1, "network": network})
    events = command("cross", job, "--folds", 2, "--out", tmp_path / "out")
    assert events[-1]["event"] == "done"
    told = command("predict", job, "--model", tmp_path / "out", "--out", tmp_path / "predicted")
    assert 0 <= told[0]["class_scores"]["side"] < 1
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["questions"]["side"]["answered"] == 4


def test_folds_are_whole_patients_of_nearly_equal_number() -> None:
    examples = [Example(str(n), Path("x"), None, f"P{n // 3}", None) for n in range(30)]
    where = folds_of(examples, 4, 7)
    sizes = [list(where.values()).count(fold) for fold in range(4)]
    assert max(sizes) - min(sizes) <= 1
    assert where != folds_of(examples, 4, 8)
    for folds in (1, 11):
        with pytest.raises(JobError, match="folds"):
            folds_of(examples, folds, 7)


def test_a_start_of_the_same_classes_goes_on_with_its_plan(trained: Path, tmp_path: Path) -> None:
    job = lend(trained / "model", write_job(tmp_path / "job"), "start")
    edit_job(job, config={**CONFIG, "low_percentile": 5.0})
    command("train", job, "--out", tmp_path / "model")
    assert load_model(tmp_path / "model").plan == load_model(trained / "model").plan
    assert read_job(job).config.low_percentile == 5.0


def test_a_classifier_that_goes_on_sees_larger_images_whole(tmp_path: Path) -> None:
    """And not pieces of them, each with the answer of the whole."""
    questions = [{"code": "side", "kind": "single", "options": ["left", "right"]}]
    sides = [{"side": ["left", "right"][number % 2]} for number in range(4)]
    config = {
        "preset": "classifier", "network": {"widths": [4, 8]}, "longest": 128, "epochs": 1,
        "minimum_steps": 4, "threads": 1,
    }  # fmt: skip
    first = ask(write_job(tmp_path / "first", config=config), questions, sides)
    command("train", first, "--out", tmp_path / "model")
    larger = ask(write_job(tmp_path / "larger", config=config), questions, sides)
    for path in (larger / "images").iterdir():
        np.save(path, np.tile(np.load(path), (2, 2))[:96, :80])
    command("train", lend(tmp_path / "model", larger, "start"), "--out", tmp_path / "next")
    patches = [load_model(tmp_path / name).plan.patch for name in ("model", "next")]
    assert patches == [64, 96]


def written(path: Path) -> int:
    """Return when a file was written, if it was; it is replaced whole."""
    return path.stat().st_mtime_ns if path.exists() else 0


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # fork, from Python 3.12 on
def test_a_run_killed_ten_times_at_random_ends_with_the_same_weights(tmp_path: Path) -> None:
    """Also in the middle of epochs and of writing; early end and plateau are on, to be resumed."""
    config = {
        **CONFIG, "epochs": 12, "minimum_steps": 120, "inner_share": 0.3, "schedule": "plateau",
        "patience": 9, "network": {"dropout": 0.2},
    }  # fmt: skip
    job = write_job(tmp_path / "job", 6, config=config)
    began = time.monotonic()
    command("train", job, "--out", tmp_path / "whole")
    epoch = (time.monotonic() - began) / 12
    rng, kills = np.random.default_rng(3), 0
    out = tmp_path / "killed"
    arguments = ("train", job, "--out", out, "--resume", out)
    while kills < 10 and not (out / "result.json").exists():
        worker = multiprocessing.get_context("fork").Process(target=command, args=arguments)
        worker.start()
        # The first one lives until an epoch is kept, however long this machine takes to begin.
        while kills == 0 and worker.is_alive() and not (out / STATE).exists():
            worker.join(0.01)
        ends, kept = time.monotonic() + float(rng.uniform(0.2, 1.5)) * epoch, written(out / STATE)
        # One epoch more at most, however much faster than the whole run this machine is by now.
        while time.monotonic() < ends and worker.is_alive() and written(out / STATE) == kept:
            worker.join(0.005)
        if worker.is_alive():
            assert worker.pid is not None
            os.kill(worker.pid, signal.SIGKILL)
            kills += 1
        worker.join()
    assert kills == 10, "the run ended before it was killed often enough"
    events = command(*arguments)
    assert events[0]["resumed_from"] >= 1, "no epoch was ever kept"
    whole = load_file(tmp_path / "whole" / "model.safetensors")
    killed = load_file(out / "model.safetensors")
    assert all(torch.equal(whole[name], killed[name]) for name in whole)
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == list(range(1, len(rows) + 1))


def test_a_checkpoint_of_a_release_that_trained_differently_is_no_state_to_go_on_from(
    trained: Path, tmp_path: Path
) -> None:
    job = write_job(tmp_path / "job", 6)
    with safe_open(trained / "model" / "checkpoint.safetensors", framework="pt") as file:
        header = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    record = json.loads(header["record"])
    del record["recipe"], record["history"]
    (tmp_path / "old").mkdir()
    save_file(
        tensors, tmp_path / "old" / "checkpoint.safetensors",
        metadata={**header, "record": json.dumps({**record, "fingerprint": "of then"})},
    )  # fmt: skip
    events = command("train", job, "--out", tmp_path / "out", "--resume", tmp_path / "old")
    assert events[0]["resumed_from"] == 0
    whole = load_file(trained / "model" / "model.safetensors")
    again = load_file(tmp_path / "out" / "model.safetensors")
    assert all(torch.equal(whole[name], again[name]) for name in whole)
