"""Weights on disk: safetensors and JSON only, written whole or not at all.

A model folder holds model.safetensors and model.json. A checkpoint is one safetensors file that
also carries its JSON record (epoch, elapsed time, metrics) and a checksum in the file's header, so
weights, optimiser and record can never disagree; checkpoint.json beside it is a copy to read.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from training.ml.config import NetworkConfig
from training.ml.job import JobError, LabelClass
from training.ml.preprocess import Plan
from training.ml.unet import UNet, outputs_for

WEIGHTS, CARD, STATE = "model.safetensors", "model.json", "checkpoint.safetensors"
_FORMAT = 1


class DamagedFile(ValueError):
    """A file of weights is missing, cut short or altered."""


@dataclass(frozen=True)
class Model:
    """A network with everything needed to use it."""

    network: UNet
    architecture: NetworkConfig
    plan: Plan
    classes: tuple[LabelClass, ...]
    seed: int
    trained_on: int
    """Number of training examples."""
    mirror: bool = False
    """Average predictions over mirror images."""


def write_whole(path: Path, content: bytes) -> None:
    """Write by temporary file, fsync and rename: after a crash the old or the new file is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_json(path: Path, value: object) -> None:
    """Write JSON whole; NaN is refused, so that every reader can read it."""
    write_whole(path, (json.dumps(value, indent=2, allow_nan=False) + "\n").encode())


def save_model(folder: Path, model: Model) -> str:
    """Write model.safetensors and model.json; returns the sha256 of the weights file, hex."""
    content = save_tensors(_plain(model.network.state_dict()))
    digest = hashlib.sha256(content).hexdigest()
    write_whole(folder / WEIGHTS, content)
    card = {
        "format": _FORMAT,
        "architecture": {"name": "unet", **asdict(model.architecture)},
        "preprocessing": asdict(model.plan),
        "classes": [asdict(item) for item in model.classes],
        "in_channels": model.plan.channels,
        "seed": model.seed,
        "trained_on": model.trained_on,
        "mirror": model.mirror,
        "weights_sha256": digest,
    }
    write_json(folder / CARD, card)
    return digest


def load_model(folder: Path) -> Model:
    """Read a model folder. Raises DamagedFile when weights and card do not belong together."""
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        content = (folder / WEIGHTS).read_bytes()
        if hashlib.sha256(content).hexdigest() != card["weights_sha256"]:
            raise DamagedFile(f"{WEIGHTS}: does not match the sha256 in {CARD}; restore the folder")
        shape = {key: value for key, value in card["architecture"].items() if key != "name"}
        architecture, plan = NetworkConfig.parse(shape), Plan(**card["preprocessing"])
        classes = tuple(LabelClass(item["index"], item["name"]) for item in card["classes"])
        network = UNet(architecture, plan.channels, outputs_for(len(classes)))
        network.load_state_dict(load_tensors(content))
        return Model(
            network, architecture, plan, classes, card["seed"], card["trained_on"], card["mirror"]
        )
    except DamagedFile:
        raise
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise DamagedFile(f"model folder cannot be used: {error}") from error


def weights_digest(folder: Path) -> str:
    """sha256 of a model folder's weights file, hex."""
    return hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()


def check_start(start: Model, classes: Sequence[LabelClass], network: NetworkConfig) -> None:
    """Refuse to fine-tune from a model of other classes or another network (JobError)."""
    if list(start.classes) != list(classes):
        before = ", ".join(f"{c.index} {c.name}" for c in start.classes)
        raise JobError(
            "classes_changed",
            f"the start model knows the classes {before}; train from scratch (start: null)",
        )
    if start.architecture != network:
        raise JobError(
            "network_changed",
            "config.network differs from the start model's architecture: ask for "
            f"{asdict(start.architecture)}, or train from scratch (start: null)",
        )


def save_checkpoint(
    folder: Path, network: nn.Module, optimizer: torch.optim.Optimizer, record: Mapping[str, Any]
) -> None:
    """Write the state after an epoch; `record` is JSON and comes back from `load_checkpoint`."""
    tensors = {f"network.{key}": value for key, value in network.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{key}": value for key, value in state.items()}
    tensors = _plain(tensors)
    header = {"record": json.dumps(record, allow_nan=False), "checksum": _checksum(tensors)}
    write_whole(folder / STATE, save_tensors(tensors, metadata=header))
    write_json(folder / "checkpoint.json", record)


def load_checkpoint(
    folder: Path, network: nn.Module, optimizer: torch.optim.Optimizer, fingerprint: str
) -> dict[str, Any]:
    """Put a saved state back and return its record.

    Raises DamagedFile when the file is cut short or altered, JobError when it is another job's.
    """
    try:
        with safe_open(folder / STATE, framework="pt") as file:
            header = file.metadata() or {}
            tensors: dict[str, Tensor] = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        if header.get("checksum") != _checksum(tensors):
            raise DamagedFile(f"{STATE}: checksum does not match")
        record: dict[str, Any] = json.loads(header["record"])
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise DamagedFile(f"{STATE} cannot be used: {error}") from error
    if record.get("fingerprint") != fingerprint:
        raise JobError(
            "other_job",
            "the checkpoint belongs to another job (config, seed, classes or examples differ): "
            "run without --resume",
        )
    network.load_state_dict(_under("network.", tensors))
    states: dict[int, dict[str, Tensor]] = {}
    for key, value in _under("optimizer.", tensors).items():
        index, name = key.split(".", 1)
        states.setdefault(int(index), {})[name] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": states, "param_groups": groups})
    return record


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    size = len(prefix)
    return {key[size:]: value for key, value in tensors.items() if key.startswith(prefix)}


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """On the CPU and in row-major order, whatever the memory format of the computation."""
    return {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}


def _checksum(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for key in sorted(tensors):
        digest.update(key.encode())
        digest.update(tensors[key].contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
