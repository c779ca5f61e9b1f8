"""How fast a trained model answers in several forms, what that costs in Dice, and the pool's pace.

    PYTHONPATH=.:platform .venv/bin/python benchmarks/inference.py

A model is really trained on a made-up cohort; every form answers the same held-out slices through
the same evaluation. Latency is of the network alone on one picture; the least of the repeats is
given, since other work on the machine can only add to it, and processor time beside it.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from ml_cohort import machine, slices_of, write_job
from onnxruntime import quantization
from torch import Tensor

from training.ml import loop
from training.ml.aim import Regions
from training.ml.cases import predict_all
from training.ml.checkpoint import Model
from training.ml.config import PRESETS
from training.ml.device import Place
from training.ml.evaluate import evaluate
from training.ml.infer import forward
from training.ml.job import Example, Job, read_job
from training.ml.networks import build
from training.ml.unet import Network, probabilities

Floats = npt.NDArray[np.float32]
CPU = torch.device("cpu")


class Session(Network):
    """A network that ONNX Runtime computes."""

    def __init__(self, path: Path, threads: int, features: int) -> None:
        super().__init__()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = threads, 3
        self._session = onnxruntime.InferenceSession(str(path), options)
        self._features = features
        self.head = self.dropout = torch.nn.Identity()  # as inference expects them

    def with_features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        (found,) = self._session.run(None, {"x": x.contiguous().numpy()})
        return torch.from_numpy(found), torch.zeros(len(x), self._features)


class Pictures(quantization.CalibrationDataReader):  # type: ignore[misc]
    """Training pictures for static quantisation."""

    def __init__(self, pictures: list[Floats]) -> None:
        self._left = iter([{"x": picture} for picture in pictures])

    def get_next(self) -> dict[str, Floats] | None:
        return next(self._left, None)


def trained(job: Job, folder: Path, steps: int) -> Model:
    config = replace(PRESETS["small"], epochs=2, minimum_steps=steps, threads=1)
    aim = Regions(job.classes)
    return loop.train(
        config, job.examples, aim=aim, out=folder / "out", cache=folder / "cache"
    ).model


def pictures_of(model: Model, examples: tuple[Example, ...]) -> list[Floats]:
    """Prepared pictures (1, C, H, W)."""
    found = []
    for example in examples:
        pixels = example.pixels()
        geometry = model.plan.geometry(pixels.shape[0], pixels.shape[1], example.spacing)
        picture = model.plan.image(pixels, geometry).transpose(2, 0, 1)
        found.append(np.ascontiguousarray(picture[None]))
    return found


def written(model: Model, folder: Path, pictures: list[Floats]) -> dict[str, Path]:
    """The network as ONNX: float32, and int8 in both ways."""
    paths = {name: folder / f"{name}.onnx" for name in ("fp32", "ready", "dynamic", "static")}
    axes = {0: "batch", 2: "rows", 3: "columns"}
    torch.onnx.export(
        model.network.eval(), (torch.from_numpy(pictures[0]),), str(paths["fp32"]), dynamo=False,
        input_names=["x"], output_names=["y"], dynamic_axes={"x": axes, "y": axes},
    )  # fmt: skip
    quantization.quant_pre_process(
        str(paths["fp32"]), str(paths["ready"]), skip_symbolic_shape=True
    )
    quantization.quantize_dynamic(str(paths["ready"]), str(paths["dynamic"]))
    quantization.quantize_static(
        str(paths["ready"]), str(paths["static"]), Pictures(pictures[:32]),
        quant_format=quantization.QuantFormat.QDQ, per_channel=True,
    )  # fmt: skip
    return paths


def latency(ask: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Least clock milliseconds, and processor milliseconds of the least such."""
    clock, processor = [], []
    for _ in range(repeats + 2):
        began = time.perf_counter(), time.process_time()
        ask()
        clock.append((time.perf_counter() - began[0]) * 1000)
        processor.append((time.process_time() - began[1]) * 1000)
    return min(clock[2:]), min(processor[2:])


def forms(
    model: Model, paths: dict[str, Path], threads: int
) -> dict[str, tuple[Model, Place, bool]]:
    """By name: the model, where it computes, and whether in channels-last."""
    whole, half = Place(CPU, half=False), Place(CPU, half=True)
    width = model.architecture.widths[-1]

    def session(name: str) -> Model:
        shape = replace(model.architecture, norm="instance")  # plain memory format
        return replace(model, network=Session(paths[name], threads, width), architecture=shape)

    return {
        "torch float32": (model, whole, False),
        "torch float32, channels-last": (model, whole, True),
        "torch bfloat16, channels-last": (model, half, True),
        "ONNX Runtime float32": (session("fp32"), whole, False),
        "ONNX Runtime int8, dynamic": (session("dynamic"), whole, False),
        "ONNX Runtime int8, static": (session("static"), whole, False),
    }


def table(
    model: Model, paths: dict[str, Path], job: Job, picture: Floats, repeats: int
) -> list[str]:  # fmt: skip
    lines = [
        "| form | 1 thread, ms (processor) | 2 threads, ms | mean Dice | change |",
        "|---|---|---|---|---|",
    ]
    base = 0.0
    for name in forms(model, paths, 1):
        times: list[tuple[float, float]] = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            form, place, last = forms(model, paths, threads)[name]
            layout = torch.channels_last if last else torch.contiguous_format
            x = torch.from_numpy(picture).contiguous(memory_format=layout)
            form.network.to(memory_format=layout).eval()  # type: ignore[call-overload]
            with torch.inference_mode(), place.autocast():
                times.append(latency(lambda net=form.network, x=x: net(x), repeats))  # type: ignore[misc]
        torch.set_num_threads(1)
        dice = evaluate(form, job.examples, place, seed=0)["mean_dice"]
        base = base or dice
        one, two = times
        lines.append(
            f"| {name} | {one[0]:.1f} ({one[1]:.1f}) | {two[0]:.1f} | {dice:.4f} | "
            f"{dice - base:+.4f} |"
        )
        print(lines[-1], flush=True)
    return lines


def pool(model: Model, job: Job, pictures: list[Floats], out: Path) -> str:
    """Images per second of scoring a pool against the bare network on the very same windows."""
    place = Place(CPU, half=False)
    place.settle(model.network, model.architecture.norm)
    windows: list[Tensor] = []
    first = next(part for part in model.network.modules() if isinstance(part, torch.nn.Conv2d))
    hook = first.register_forward_pre_hook(lambda _, given: windows.append(given[0]))
    for picture in pictures:
        forward(model, picture[0].transpose(1, 2, 0), place)
    hook.remove()

    def bare() -> None:
        with torch.inference_mode():
            for x in windows:
                probabilities(model.network(x))

    def scored(folder: Path) -> None:
        predict_all(model, "0" * 64, job.examples, folder, place, lambda event: None)

    bare()
    scored(out / "first")
    rates: list[tuple[float, float]] = []
    for work in (bare, lambda: scored(out / "second")):
        began = time.process_time(), time.perf_counter()
        work()
        spent = time.process_time() - began[0], time.perf_counter() - began[1]
        rates.append((len(job.examples) / spent[0], len(job.examples) / spent[1]))
    return (
        f"Scoring a pool of {len(job.examples)} slices, one thread: {rates[1][0]:.1f} images per "
        f"second of processor time ({rates[1][1]:.1f} on the clock); the bare network on the same "
        f"{sum(len(x) for x in windows)} windows {rates[0][0]:.1f} ({rates[0][1]:.1f}). Share: "
        f"{rates[1][0] / rates[0][0]:.2f}."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".md"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    before = machine()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        slices = slices_of(folder / "cohort", patients=9, slices=12, size=128, seed=0)
        job = read_job(write_job(folder / "training", slices[:72], config={}))
        held_out = read_job(write_job(folder / "held-out", slices[72:], config={}))
        model = trained(job, folder, options.steps)
        pictures = pictures_of(model, job.examples)
        paths = written(model, folder, pictures)
        rows = table(model, paths, held_out, pictures[0], options.repeats)
        pictures = pictures_of(model, held_out.examples)
        scoring = [f"Preset small. {pool(model, held_out, pictures, folder / 'scores')}"]
        larger = PRESETS["cpu"].network
        network = build(larger, 1, len(job.classes) + 1)  # untrained: the time is the same
        other = replace(model, network=network, architecture=larger)
        scoring.append(f"Preset cpu. {pool(other, held_out, pictures, folder / 'larger')}")
        print(*scoring, sep="\n")
    sides = " x ".join(str(side) for side in pictures[0].shape[2:])
    lines = [
        "# Speed of inference",
        "",
        f"Preset small trained for {options.steps} steps on 72 slices; Dice on 36 slices of 3 "
        f"other patients; latency of one picture of {sides} px.",
        "",
        *rows,
        "",
        *scoring,
        "",
        f"Taken by `benchmarks/inference.py` on {before}; {os.cpu_count()} processors in the host.",
    ]
    options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
