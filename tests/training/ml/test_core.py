"""The learning core: published shape, what the loss leaves out, exact resume, clear refusals."""

import hashlib
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save

from discs import CONFIG, ENVIRONMENT, run, start, write_job
from training.ml.config import ConfigError, NetworkConfig, TrainConfig
from training.ml.loss import SegmentationLoss
from training.ml.preprocess import Plan
from training.ml.unet import UNet, outputs_for

# The command, killed in the moment in which it would tell of its first epoch.
KILLED = """
import os, signal, sys
from training.ml import cli

def tell(event):
    if event["event"] == "epoch":
        os.kill(os.getpid(), signal.SIGKILL)

cli.run(cli.parser().parse_args(sys.argv[1:]), tell)
"""

# One of the processes of a run, whose clock goes the faster the higher its rank is; it keeps the
# weights that it ends with.
BESIDE = """
import os, sys, time
from pathlib import Path
from safetensors.torch import save_file
from training.ml import commands
from training.ml.job import read_job
from training.ml.loop import train

rank, monotonic = int(os.environ["RANK"]), time.monotonic
time.monotonic = lambda: monotonic() * (1 + 3 * rank)
folder, out = map(Path, sys.argv[1:])
job = read_job(folder)
aim, cache = commands.aim_of(job), commands.cache_of(folder)
model = train(job.config, job.examples, aim=aim, out=out, cache=cache).model
weights = {name: values.contiguous() for name, values in model.network.named_parameters()}
save_file(weights, out / f"{rank}.safetensors")
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a job and the model made of it."""
    folder = tmp_path_factory.mktemp("trained")
    run("train", write_job(folder / "job"), "--out", folder / "model")
    return folder


def test_the_published_shape_has_its_published_number_of_parameters() -> None:
    network = UNet(TrainConfig.parse({"preset": "published"}).network, 1, outputs_for(1))
    assert sum(parameter.numel() for parameter in network.parameters()) == 31_377_793


@pytest.mark.parametrize(("channels", "rows", "columns"), [(1, 37, 53), (3, 64, 41)])
def test_odd_sizes_and_colours_come_back_in_their_own_size(
    channels: int, rows: int, columns: int
) -> None:
    network = UNet(NetworkConfig(widths=(4, 8, 16)), channels, 3).eval()
    pictures = torch.randn(2, channels, rows, columns)
    assert network(pictures).shape == (2, 3, rows, columns)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert bool(torch.isfinite(network(pictures)).all())


def test_ignored_pixels_carry_no_gradient() -> None:
    loss = SegmentationLoss(TrainConfig(), np.ones(3, np.float32))
    logits = torch.randn(1, 3, 8, 8, requires_grad=True)
    target = torch.randint(0, 3, (1, 8, 8))
    target[:, :4] = 255
    loss(logits, target).backward()
    assert logits.grad is not None
    assert bool((logits.grad[:, :, :4] == 0).all())
    assert bool((logits.grad[:, :, 4:] != 0).any())


def test_sizes_are_restored_exactly() -> None:
    plan = Plan(
        channels=1, patch=32, longest=64, spacing=1.0, low_percentile=1, high_percentile=99,
        denoise=0,
    )  # fmt: skip
    geometry = plan.geometry(101, 77, (0.5, 0.8))
    assert (geometry.scaled_rows, geometry.scaled_columns) != (101, 77)
    image = np.random.default_rng(0).random((101, 77, 1)).astype(np.float32)
    small = plan.image(image, geometry)
    assert small.shape == (geometry.scaled_rows, geometry.scaled_columns, 1)
    ramp = np.linspace(0, 1, geometry.scaled_columns, dtype=np.float32)
    restored = plan.restore(np.tile(ramp, (1, geometry.scaled_rows, 1)), geometry)
    assert restored.shape == (1, 101, 77)
    # Pixel centres are aligned: the ramp stays a ramp about its own middle.
    assert restored[0, 50].mean() == pytest.approx(0.5, abs=0.01)
    assert np.all(np.diff(restored[0, 50]) >= -1e-6)


def test_the_card_names_the_hash_of_the_weights(trained: Path) -> None:
    card = json.loads((trained / "model" / "model.json").read_text())
    body = (trained / "model" / "model.safetensors").read_bytes()
    assert card["weights_sha256"] == hashlib.sha256(body).hexdigest()


def test_damaged_weights_are_refused(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    body = bytearray((trained / "model" / "model.safetensors").read_bytes())
    body[-1] ^= 1
    (tmp_path / "model" / "model.safetensors").write_bytes(bytes(body))
    card = (trained / "model" / "model.json").read_text()
    (tmp_path / "model" / "model.json").write_text(card)
    process = start(
        "evaluate", trained / "job", "--model", tmp_path / "model", "--out", tmp_path / "r.json"
    )
    output, _ = process.communicate()
    assert process.returncode != 0
    assert json.loads(output.splitlines()[-1])["event"] == "error"
    assert not (tmp_path / "r.json").exists()


def test_the_same_seed_gives_the_same_weights_and_a_killed_run_resumes_to_them(
    trained: Path, tmp_path: Path
) -> None:
    """Killed after its first checkpoint, resumed: the weights of the run that was not disturbed."""
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, "train", trained / "job", "--out", tmp_path / "first"],
        env=ENVIRONMENT, check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL
    events = run(
        "train", trained / "job", "--out", tmp_path / "second", "--resume", tmp_path / "first"
    )
    done_before = next(event for event in events if event["event"] == "start")["resumed_from"]
    assert done_before == 1
    told = [event["epoch"] for event in events if event["event"] == "epoch"]
    assert told == [2, 3], "completed epochs were repeated"
    lines = (tmp_path / "second" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3]
    undisturbed = load_file(trained / "model" / "model.safetensors")
    resumed = load_file(tmp_path / "second" / "model.safetensors")
    assert undisturbed.keys() == resumed.keys()
    for name, values in undisturbed.items():
        assert np.allclose(values, resumed[name], atol=1e-5), name


def test_a_child_ends_when_its_parent_goes_away(trained: Path, tmp_path: Path) -> None:
    job = tmp_path / "job"
    write_job(job, config={**CONFIG, "epochs": 500, "minimum_steps": 50_000})
    arguments = ("train", job, "--out", tmp_path / "out", "--watch-stdin")
    with start(*arguments, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert json.loads(process.stdout.readline())["event"] == "start"
        process.stdin.close()
        assert process.wait(20) != 0


def test_a_score_that_is_no_number_is_null_and_stops_nothing(trained: Path, tmp_path: Path) -> None:
    tensors = load_file(trained / "model" / "model.safetensors")
    for values in tensors.values():
        if values.dtype.kind == "f":
            values[...] = np.nan
    broken = save(tensors)
    card = json.loads((trained / "model" / "model.json").read_text())
    card["weights_sha256"] = hashlib.sha256(broken).hexdigest()
    (tmp_path / "model.safetensors").write_bytes(broken)
    (tmp_path / "model.json").write_text(json.dumps(card))
    told = run("predict", trained / "job", "--model", tmp_path, "--out", tmp_path / "out")
    assert told[-1] == {"event": "done", "count": 4}
    assert [event["score"] for event in told[:-1]] == [None] * 4


def test_prediction_goes_on_where_it_was_stopped(trained: Path, tmp_path: Path) -> None:
    arguments = ("predict", trained / "job", "--model", trained / "model", "--out", tmp_path)
    first = run(*arguments)
    assert first[-1] == {"event": "done", "count": 4}
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")}
    (tmp_path / "2.npz").unlink()
    again = run(*arguments)
    assert again[-1] == {"event": "done", "count": 4}
    for name, changed in kept.items():
        assert ((tmp_path / name).stat().st_mtime_ns == changed) == (name != "2.npz")
    with np.load(tmp_path / "2.npz") as found:
        assert found["mask"].shape == found["uncertainty"].shape == (64, 48)
        assert found["mask"].dtype == np.uint8


def test_evaluation_pools_a_patients_images(trained: Path, tmp_path: Path) -> None:
    run("evaluate", trained / "job", "--model", trained / "model", "--out", tmp_path / "r.json")
    report = json.loads((tmp_path / "r.json").read_text())
    for patient in ("P0", "P1"):
        own = [case["classes"]["disc"] for case in report["cases"] if case["patient"] == patient]
        tp, fp, fn = (sum(row[part] for row in own) for part in ("tp", "fp", "fn"))
        expected = 2 * tp / (2 * tp + fp + fn)
        assert report["patients"][patient]["disc"] == pytest.approx(expected)
    mean = np.mean([report["patients"][patient]["disc"] for patient in ("P0", "P1")])
    row = report["classes"]["disc"]
    assert row["dice"] == pytest.approx(mean)
    # Half of the samples of two patients are of one alone: their values are the ends.
    dice = sorted(report["patients"][patient]["disc"] for patient in ("P0", "P1"))
    assert [row["low"], row["high"]] == pytest.approx(dice)
    assert [row["iou_low"], row["iou_high"]] == pytest.approx([d / (2 - d) for d in dice])
    assert row["sensitivity_low"] <= row["sensitivity"] <= row["sensitivity_high"]
    assert report["mean_dice"] == pytest.approx(mean)


def test_a_class_that_no_truth_shows_is_not_in_the_mean_however_much_of_it_is_drawn(
    tmp_path: Path,
) -> None:
    """Else a model is compared by two classes, and the next one, for one wrong pixel, by three."""
    classes = [{"index": 1, "name": "left"}, {"index": 2, "name": "right"}]
    job = write_job(tmp_path / "job", classes=classes)
    masks = sorted((job / "masks").glob("*.npy"))
    for path in masks:
        mask = np.load(path)
        mask[:, 22:] *= 2
        np.save(path, mask)
    run("train", job, "--out", tmp_path / "model")
    for path in masks:
        mask = np.load(path)
        np.save(path, np.where(mask == 2, 0, mask).astype(np.uint8))
    run("evaluate", job, "--model", tmp_path / "model", "--out", tmp_path / "r.json")
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["classes"]["right"]["dice"] == 0, "drawn, and never true"
    assert report["mean_dice"] == pytest.approx(report["classes"]["left"]["dice"])


def test_two_processes_train_one_model_together(trained: Path, tmp_path: Path) -> None:
    """What torchrun starts on several GPUs, here as two processes on the CPU (gloo)."""
    arguments = ["--standalone", "--nproc-per-node=2", "-m", "training.ml", "train"]
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *arguments, trained / "job", "--out",
         tmp_path / "both"],
        env=ENVIRONMENT, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events] == ["start", "epoch", "epoch", "epoch", "done"]
    both = load_file(tmp_path / "both" / "model.safetensors")
    alone = load_file(trained / "model" / "model.safetensors")
    assert both.keys() == alone.keys(), "the wrapper's names got into the weights"
    assert any(not np.allclose(both[name], alone[name]) for name in alone), "one saw all the data"


def test_processes_whose_clocks_and_losses_differ_end_together_with_the_same_weights(
    tmp_path: Path,
) -> None:
    """Else one waits for ever for the other's gradient, or goes on at another rate."""
    config = {
        **CONFIG, "epochs": 50_000, "minimum_steps": 100_000, "seconds": 4.0, "schedule": "plateau",
        "plateau": 1, "batch": 1, "network": {"norm": "group"}, "learning_rate": 0.05,
    }  # fmt: skip
    job = write_job(tmp_path / "job", config=config)
    (tmp_path / "beside.py").write_text(BESIDE)
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
         tmp_path / "beside.py", job, tmp_path / "out"],
        env=ENVIRONMENT, text=True, capture_output=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert 1 < result["epochs"] < 50_000, "the time did not end it"
    first, second = (load_file(tmp_path / "out" / f"{rank}.safetensors") for rank in (0, 1))
    assert all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("fault", ["missing", "not_json", "bad_field", "no_mask"])
def test_a_bad_job_is_refused_with_one_line_that_says_why(tmp_path: Path, fault: str) -> None:
    job = tmp_path / "job"
    if fault != "missing":
        write_job(job, config={"epochs": "many"} if fault == "bad_field" else CONFIG)
    if fault == "not_json":
        (job / "job.json").write_text("{")
    if fault == "no_mask":
        (job / "masks" / "1.npy").unlink()
    process = start("train", job, "--out", tmp_path / "out")
    output, _ = process.communicate()
    assert process.returncode == 2
    (event,) = [json.loads(line) for line in output.splitlines()]
    assert event["event"] == "error"
    assert event["code"]
    assert event["message"]


def test_fine_tuning_with_other_classes_is_refused(trained: Path, tmp_path: Path) -> None:
    job = tmp_path / "job"
    write_job(job, classes=[{"index": 1, "name": "ring"}], start="start/")
    (job / "start").mkdir()
    for name in ("model.json", "model.safetensors"):
        (job / "start" / name).write_bytes((trained / "model" / name).read_bytes())
    process = start("train", job, "--out", tmp_path / "out")
    output, _ = process.communicate()
    assert process.returncode == 2
    assert "class" in json.loads(output.splitlines()[-1])["message"]


def test_configuration_names_the_field_at_fault() -> None:
    with pytest.raises(ConfigError, match="patch"):
        TrainConfig.parse({"preset": "tiny", "patch": 30})
    with pytest.raises(ConfigError, match="epoch"):
        TrainConfig.parse({"epoch": 3})


def test_configuration_and_acquisition_load_no_torch() -> None:
    modules = "sys, training.ml.config, training.ml.acquire"
    program = f"import {modules}; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], env=ENVIRONMENT, check=False)
    assert done.returncode == 0
