"""A model as one file for other programs: raw samples in, probabilities and labels out.

The preprocessing plan is part of the graph, so nobody has to build it again: scaling is done by
matrices (`_weights`, the formulas of OpenCV), percentiles by sorting, large images by the same
overlapping windows. Size, spacing and rescaling are inputs. Every export is compared with torch on
images of several sizes before it gets its name.

    samples (rows, columns, channels) float32, rescale (2,) float32: slope and intercept,
    spacing (2,) float64: mm per row and column, 0 0 for unknown
    -> probabilities (1 + classes, rows, columns), labels (rows, columns) uint8
       of a classifier: probabilities of all options (outputs,)

What the outputs mean travels with the file: JSON under `reticle` in ONNX's metadata, the extra file
`reticle.json` of TorchScript.
"""

from __future__ import annotations

import json
import math
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from monai.data.utils import compute_importance_map
from torch import Tensor, nn
from torch.nn import functional

from training.ml.checkpoint import Ensemble, Model, weights_digest, write_json
from training.ml.config import FILTERS
from training.ml.device import Place
from training.ml.findings import answer, probabilities_of
from training.ml.infer import OVERLAP, predict
from training.ml.job import Example, JobError
from training.ml.preprocess import EXTREME_SCALE, SAME_SCALE
from training.ml.unet import probabilities

TOLERANCE = 1e-4
FORMATS = {"onnx": "model.onnx", "torchscript": "model.pt"}
_OPSET = 18

Floats = npt.NDArray[np.float32]
Ask = Callable[[Floats, Floats, npt.NDArray[np.float64]], list[npt.NDArray[Any]]]


class _Whole(nn.Module):
    """The network with its last function, to be traced: pictures (B, C, H, W) -> probabilities."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.network, self.questions = model.network, model.questions

    def forward(self, pictures: Tensor) -> Tensor:
        logits: Tensor = self.network(pictures)
        if self.questions:
            return probabilities_of(self.questions, logits)
        return probabilities(logits)


def _least(value: int) -> int:
    """max(0, value), which ONNX would compute in floating point."""
    return value if value > 0 else 0


def _weights(size: int, out: int, area: bool, mixed: bool) -> Tensor:
    """Matrix (out, size) that resamples a line, as OpenCV does with aligned pixel centres.

    Linear; or by area, the mean of what a pixel covers; or mixed, OpenCV's way by area where one
    axis grows while the other shrinks.
    """
    scale = float(size) / float(out)
    to = torch.arange(out, dtype=torch.float32)[:, None]
    at = torch.arange(size, dtype=torch.float32)[None]
    if area:
        left, right = to * scale, torch.clamp((to + 1) * scale, max=float(size))
        covered = torch.minimum(at + 1, right) - torch.maximum(at, left)
        # OpenCV leaves out what covers less than a thousandth of a pixel.
        covered = torch.where(covered > 1e-3, covered, torch.zeros_like(covered))
        return covered / (right - left)
    if mixed:
        first = torch.floor(to * scale)
        part = (to + 1) - (first + 1) / scale
        part = torch.where(part > 0, part - torch.floor(part), torch.zeros_like(part))
        position = first + part
    else:
        position = (to + 0.5) * scale - 0.5
    position = torch.clamp(position, 0.0, float(size) - 1.0)
    return torch.clamp(1 - torch.abs(at - position), min=0.0)


class _Exported(nn.Module):
    """Plan, windows and network in one graph; scripted, because sizes decide what is done."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        plan = model.plan
        picture = torch.zeros(1, plan.channels, plan.patch, plan.patch)
        whole = _Whole(model).eval()
        self.network: Any = torch.jit.trace(whole, picture)  # type: ignore[no-untyped-call]
        self.low, self.high = plan.low_percentile / 100, plan.high_percentile / 100
        self.patch: int = plan.patch
        self.longest: int = plan.longest
        self.spacing: float = plan.spacing or 0.0
        self.stride: int = model.architecture.stride
        self.mirror: bool = model.mirror
        self.whole: bool = bool(model.questions)
        self.extreme: float = EXTREME_SCALE
        self.same: float = SAME_SCALE
        self.step: int = max(1, int(plan.patch * (1 - OVERLAP)))
        labels = torch.tensor([0, *(item.index for item in model.classes)], dtype=torch.uint8)
        self.importance: Tensor = compute_importance_map((plan.patch, plan.patch), mode="gaussian")
        self.values: Tensor = labels

    def forward(self, samples: Tensor, rescale: Tensor, spacing: Tensor) -> tuple[Tensor, Tensor]:
        x = samples * rescale[0] + rescale[1]
        x = torch.where((x - x) == 0, x, torch.zeros_like(x)).permute(2, 0, 1)
        rows, columns = x.size(1), x.size(2)
        high, wide = self.scaled(rows, columns, spacing)
        area = high * wide < rows * columns
        both = high <= rows and wide <= columns
        down = _weights(rows, high, area and both, area and not both)
        across = _weights(columns, wide, area and both, area and not both)
        x = self.normalised(torch.matmul(torch.matmul(down, x), across.t()))
        if self.whole:
            found = self.answers(x[None])
            return found, torch.argmax(found).to(torch.uint8)
        found = self.regions(x[None])
        if self.mirror:
            for axes in ([2], [3], [2, 3]):
                found = found + torch.flip(self.regions(torch.flip(x[None], axes)), axes)
            found = found / 4
        up = _weights(high, rows, False, False)
        back = _weights(wide, columns, False, False)
        found = torch.matmul(torch.matmul(up, found[0]), back.t())
        found = found / found.sum(0, keepdim=True)
        return found, self.values[torch.argmax(found, 0)]

    def scaled(self, rows: int, columns: int, spacing: Tensor) -> tuple[int, int]:
        """The grid that `Plan.geometry` would choose."""
        scale = torch.ones(2, dtype=torch.float64)
        if self.spacing > 0:
            known = (spacing > 0).all()
            wanted = torch.clamp(spacing / self.spacing, 1 / self.extreme, self.extreme)
            near = (wanted - 1).abs().max() < self.same
            scale = torch.where(torch.logical_and(known, torch.logical_not(near)), wanted, scale)
        sides = torch.tensor([rows, columns], dtype=torch.float64) * scale
        shrink = torch.clamp(self.longest / sides.max(), max=1.0)
        sides = torch.clamp(torch.round(sides * shrink), min=1.0).to(torch.int64)
        return int(sides[0]), int(sides[1])

    def normalised(self, x: Tensor) -> Tensor:
        """Percentiles to 0 and 1, as `Plan.image`."""
        ordered = torch.sort(x.reshape(-1))[0]
        low, high = self.percentile(ordered, self.low), self.percentile(ordered, self.high)
        flat = high - low <= 1e-6 * torch.clamp(high.abs(), min=1.0)
        low = torch.where(flat, ordered[0], low)
        high = torch.where(flat, ordered[-1], high)
        span = torch.where(high > low, high - low, torch.ones_like(high))
        scaled = torch.clamp((x - low) / span, -1.0, 2.0)
        return torch.where(high > low, scaled, torch.zeros_like(scaled))

    def percentile(self, ordered: Tensor, share: float) -> Tensor:
        """Linear between the two values around (n - 1) * share."""
        last = torch.tensor([ordered.size(0) - 1], dtype=torch.float64)
        place = share * last
        under = torch.floor(place)
        over = torch.minimum(under + 1, last)
        low = ordered.index_select(0, under.to(torch.int64))
        high = ordered.index_select(0, over.to(torch.int64))
        return (low + (high - low) * (place - under).to(torch.float32))[0]

    def answers(self, x: Tensor) -> Tensor:
        """A picture (1, C, H, W) in the middle of the size of training -> (outputs,)."""
        down = _least(self.patch - x.size(2))
        across = _least(self.patch - x.size(3))
        sides = [across // 2, across - across // 2, down // 2, down - down // 2]
        x = functional.pad(x, sides)
        found: Tensor = self.network(x)
        if self.mirror:
            for axes in ([2], [3], [2, 3]):
                found = found + self.network(torch.flip(x, axes))
            found = found / 4
        return found[0]

    def regions(self, x: Tensor) -> Tensor:
        """A picture (1, C, H, W) -> (1, K, H, W), in windows where it is larger than a patch."""
        rows, columns = x.size(2), x.size(3)
        x = functional.pad(x, [0, _least(self.stride - columns), 0, _least(self.stride - rows)])
        if x.size(2) > self.patch or x.size(3) > self.patch:
            found = self.windows(x)
        else:
            found = self.network(x)
        return found[:, :, :rows, :columns]

    def windows(self, x: Tensor) -> Tensor:
        """Overlapping windows, weighted by a bell and summed: MONAI's, which has no graph."""
        own_rows, own_columns = x.size(2), x.size(3)
        down, across = _least(self.patch - own_rows), _least(self.patch - own_columns)
        top, left = down // 2, across // 2
        x = functional.pad(x, [left, across - left, top, down - top])
        rows, columns = x.size(2), x.size(3)
        down_at, across_at = self.places(rows), self.places(columns)  # (R, P), (S, P)
        pieces = x[0][:, down_at][:, :, :, across_at]  # (C, R, P, S, P)
        pieces = pieces.permute(1, 3, 0, 2, 4).reshape(-1, x.size(1), self.patch, self.patch)
        found = self.network(pieces) * self.importance  # (R * S, K, P, P)
        places = down_at[:, None, :, None] * columns + across_at[None, :, None, :]
        places = places.reshape(1, -1)
        found = found.permute(1, 0, 2, 3).reshape(found.size(1), -1)  # (K, R * S * P * P)
        weight = self.importance.reshape(1, -1).repeat(pieces.size(0), 1).reshape(1, -1)
        total = torch.zeros(found.size(0), rows * columns)
        total = total.scatter_add(1, places.repeat(found.size(0), 1), found)
        count = torch.zeros(1, rows * columns).scatter_add(1, places, weight)
        whole = (total / count).reshape(1, found.size(0), rows, columns)
        return whole[:, :, top : top + own_rows, left : left + own_columns]

    def places(self, size: int) -> Tensor:
        """Pixels of each window along a side: (windows, patch)."""
        count = (size - self.patch + self.step - 1) // self.step + 1
        starts = torch.arange(count) * self.step
        starts = torch.minimum(starts, torch.full_like(starts, size - self.patch))
        return starts[:, None] + torch.arange(self.patch)[None]


def export(model: Model | Ensemble, folder: Path, out: Path, kind: str) -> dict[str, object]:
    """Write OUT/model.onnx or OUT/model.pt and OUT/export.json; returns the latter's content.

    `folder` is the model's own. Raises JobError for a model that no graph can hold, or whose
    export does not answer like torch.
    """
    if isinstance(model, Ensemble):
        raise JobError("not_exportable", "export the members of an ensemble one by one")
    plan = model.plan
    if any(getattr(plan, name) for name in FILTERS):
        raise JobError(
            "not_exportable",
            "denoising and local equalisation are not part of the graph: train without them "
            "(denoise, nonlocal_means and clahe 0)",
        )
    place = Place(torch.device("cpu"), half=False)
    place.settle(model.network, "instance")  # plain memory format: what the graph computes in
    model.network.eval()
    out.mkdir(parents=True, exist_ok=True)
    part = out / f".{FORMATS[kind]}.part"
    about = _about(model, weights_digest(folder), kind)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, about its exporters' future
        graph = torch.jit.script(_Exported(model))
        write = _write_onnx if kind == "onnx" else _write_torchscript
        ask = write(graph, model, part, json.dumps(about))
        difference = max(_differences(model, ask, place))
    if not difference <= TOLERANCE:
        part.unlink()
        raise JobError(
            "export_differs",
            f"the exported graph differs from torch by {difference:.2g} (at most {TOLERANCE})",
            difference=f"{difference:.2g}",
            most=str(TOLERANCE),
        )
    part.replace(out / FORMATS[kind])
    card = {"file": FORMATS[kind], **about, "largest_difference": difference}
    write_json(out / "export.json", card)
    return card


def _about(model: Model, weights: str, kind: str) -> dict[str, object]:
    """What goes in, and what the values that come out mean, in their order."""
    spacing = model.plan.spacing or kind != "onnx"  # ONNX drops an input that nothing reads
    return {
        "weights_sha256": weights,
        "inputs": ["samples", "rescale", *(["spacing"] if spacing else [])],
        "outputs": ["probabilities", *([] if model.questions else ["labels"])],
        "classes": [{"index": item.index, "name": item.name} for item in model.classes],
        "questions": [{"code": q.code, "options": list(q.options)} for q in model.questions],
        "channels": model.plan.channels,
    }


def _write_torchscript(graph: torch.jit.ScriptModule, model: Model, path: Path, about: str) -> Ask:
    graph.save(str(path), _extra_files={"reticle.json": about})
    loaded = torch.jit.load(str(path))  # type: ignore[no-untyped-call]

    def ask(
        samples: Floats, rescale: Floats, spacing: npt.NDArray[np.float64]
    ) -> list[npt.NDArray[Any]]:
        found = loaded(*(torch.from_numpy(part) for part in (samples, rescale, spacing)))
        return [part.numpy() for part in found]

    return ask


def _write_onnx(graph: torch.jit.ScriptModule, model: Model, path: Path, about: str) -> Ask:
    names = ["probabilities"] if model.questions else ["probabilities", "labels"]
    sides = {0: "rows", 1: "columns"}
    axes = {"samples": sides}
    if not model.questions:
        axes |= {"probabilities": {1: "rows", 2: "columns"}, "labels": sides}
    example = (torch.rand(70, 50, model.plan.channels), torch.ones(2), torch.ones(2).double())
    torch.onnx.export(
        graph, example, str(path), dynamo=False, opset_version=_OPSET,
        input_names=["samples", "rescale", "spacing"],
        output_names=[*names, *(["best"] if model.questions else [])], dynamic_axes=axes,
    )  # fmt: skip
    written = onnx.load(str(path))
    written.metadata_props.add(key="reticle", value=about)
    onnx.save(written, str(path))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options)
    wanted = {item.name for item in session.get_inputs()}

    def ask(
        samples: Floats, rescale: Floats, spacing: npt.NDArray[np.float64]
    ) -> list[npt.NDArray[Any]]:
        given = {"samples": samples, "rescale": rescale, "spacing": spacing}
        found = session.run(names, {key: given[key] for key in wanted})
        return list(found)

    return ask


def _differences(model: Model, ask: Ask, place: Place) -> Iterator[float]:
    """Largest difference of probabilities between graph and torch, image by image."""
    patch, unit = model.plan.patch, model.plan.spacing or 1.0
    rng = np.random.default_rng(0)
    slope, intercept = 0.5, -100.0
    with tempfile.TemporaryDirectory() as name:
        for rows, columns, spacing in (
            (patch, patch, None), (2 * patch + 13, patch + 7, (unit, unit)),
            (patch + 31, patch // 2, (0.6 * unit, 0.7 * unit)), (29, 41, (1.5 * unit, 1.2 * unit)),
            (patch, patch + 9, (0.5 * unit, 1.7 * unit)),
        ):  # fmt: skip
            waves = np.sin(np.arange(rows) / 9)[:, None] + np.cos(np.arange(columns) / 7)[None]
            noise = rng.normal(0, 0.2, (rows, columns, model.plan.channels))
            samples = ((waves[:, :, None] + noise + 3) * 300).astype(np.uint16)
            np.save(Path(name) / "image.npy", samples)
            example = Example(
                "check", Path(name) / "image.npy", None, "", spacing, slope, intercept,
                model.plan.channels,
            )  # fmt: skip
            wanted = (
                answer(model, example, place).values
                if model.questions
                else predict(model, example, place).values
            )
            found = ask(
                samples.astype(np.float32),
                np.array([slope, intercept], dtype=np.float32),
                np.array(spacing or (0, 0), dtype=np.float64),
            )
            difference = float(np.abs(found[0] - wanted).max())
            if not model.questions:
                _check_labels(found[1], wanted, model)
            yield difference if math.isfinite(difference) else math.inf


def _check_labels(labels: npt.NDArray[Any], wanted: Floats, model: Model) -> None:
    """Labels must be those of the largest probability, wherever one is clearly the largest."""
    values = np.array([0, *(item.index for item in model.classes)])
    first, second = np.sort(wanted, axis=0)[[-1, -2]]
    clear = first - second > 2 * TOLERANCE
    if (labels != values[wanted.argmax(axis=0)])[clear].any():
        raise JobError("export_labels", "the exported graph draws other labels than torch")
