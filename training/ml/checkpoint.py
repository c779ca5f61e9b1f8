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
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from training.ml.config import NetworkConfig
from training.ml.job import JobError, LabelClass, Question
from training.ml.networks import build
from training.ml.preprocess import Plan
from training.ml.unet import Network, outputs_for

WEIGHTS, CARD, STATE = "model.safetensors", "model.json", "checkpoint.safetensors"
ENSEMBLE = "ensemble.json"
_FORMAT = 1


class DamagedFile(ValueError):
    """A file of weights is missing, cut short or altered."""


@dataclass(frozen=True)
class Model:
    """A network with everything needed to use it."""

    network: Network
    architecture: NetworkConfig
    plan: Plan
    classes: tuple[LabelClass, ...]
    seed: int
    trained_on: int
    """Number of training examples."""
    mirror: bool = False
    """Average predictions over mirror images."""
    questions: tuple[Question, ...] = ()
    """What a classifier answers; it has no classes then."""
    fingerprint: Mapping[str, Any] = field(default_factory=dict)
    """What the training images were like, by modality; empty in models of earlier releases."""

    @property
    def members(self) -> tuple[Model, ...]:
        """The networks to ask: this one; an ensemble has several."""
        return (self,)


@dataclass(frozen=True)
class Ensemble:
    """Models of the same classes or questions, asked together: the mean of their probabilities."""

    members: tuple[Model, ...]

    @property
    def classes(self) -> tuple[LabelClass, ...]:
        """What all members know."""
        return self.members[0].classes

    @property
    def questions(self) -> tuple[Question, ...]:
        """What all members answer."""
        return self.members[0].questions


def write_whole(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write by temporary file, fsync and rename: after a crash the old or the new file is there.

    Without `durable` that holds for a killed process, not for a power cut.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        if durable:
            os.fsync(file.fileno())
    temporary.replace(path)
    if not durable:
        return
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
        "architecture": {"name": model.architecture.kind, **asdict(model.architecture)},
        "preprocessing": asdict(model.plan),
        "classes": [asdict(item) for item in model.classes],
        **({"questions": [asdict(item) for item in model.questions]} if model.questions else {}),
        "fingerprint": model.fingerprint,
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
        questions = tuple(
            Question(item["code"], item["kind"], tuple(item["options"]))
            for item in card.get("questions", [])
        )
        outputs = outputs_of(classes, questions, plan.channels)
        network = build(architecture, plan.channels, outputs)
        network.load_state_dict(load_tensors(content))
        return Model(
            network, architecture, plan, classes, card["seed"], card["trained_on"],
            card["mirror"], questions, card.get("fingerprint", {}),
        )  # fmt: skip
    except DamagedFile:
        raise
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise DamagedFile(f"model folder cannot be used: {error}") from error


def outputs_of(classes: Sequence[LabelClass], questions: Sequence[Question], channels: int) -> int:
    """Channels out of the network: for classes, for options, or (pre-trained) for the picture."""
    if questions:
        return sum(len(item.options) for item in questions)
    return outputs_for(len(classes)) if classes else channels


def save_ensemble(folder: Path, members: Sequence[str], **notes: object) -> None:
    """Write ensemble.json, naming model folders below it. `notes` are kept for the record."""
    write_json(folder / ENSEMBLE, {"format": _FORMAT, "members": list(members), **notes})


def load_any(folder: Path) -> Model | Ensemble:
    """Read a model folder or an ensemble of some. Raises DamagedFile."""
    if not (folder / ENSEMBLE).exists():
        return load_model(folder)
    members = tuple(load_model(part) for part in _member_folders(folder))
    if not members or any(
        (part.classes, part.questions) != (members[0].classes, members[0].questions)
        for part in members
    ):
        raise DamagedFile(f"{ENSEMBLE}: needs members of the same classes")
    return Ensemble(members)


def weights_digest(folder: Path) -> str:
    """sha256 of a model folder's weights file, hex; of its members' digests for an ensemble."""
    if (folder / ENSEMBLE).exists():
        each = "".join(weights_digest(part) for part in _member_folders(folder))
        return hashlib.sha256(each.encode()).hexdigest()
    return hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()


def _member_folders(folder: Path) -> list[Path]:
    try:
        names = json.loads((folder / ENSEMBLE).read_text(encoding="utf-8"))["members"]
        paths = [folder / name for name in names]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedFile(f"{ENSEMBLE} cannot be used: {error}") from error
    if not all(path.resolve().is_relative_to(folder.resolve()) for path in paths):
        raise DamagedFile(f"{ENSEMBLE}: members must lie inside the folder")
    return paths


def check_start(
    start: Model,
    classes: Sequence[LabelClass],
    network: NetworkConfig,
    questions: Sequence[Question] = (),
) -> None:
    """Refuse to fine-tune from a model of other classes or another network (JobError)."""
    if (start.classes, start.questions) != (tuple(classes), tuple(questions)):
        before = ", ".join(
            [f"{c.index} {c.name}" for c in start.classes] + [q.code for q in start.questions]
        )
        raise JobError(
            "classes_changed",
            f"the start model knows the classes {before}; take it as job.transfer, or train from "
            "scratch (start: null)",
        )
    if start.architecture != network:
        raise JobError(
            "network_changed",
            "config.network differs from the start model's architecture: ask for "
            f"{asdict(start.architecture)}, or train from scratch (start: null)",
        )


def save_checkpoint(
    folder: Path,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    record: Mapping[str, Any],
    best: Mapping[str, Tensor],
) -> None:
    """Write the state after an epoch; `record` is JSON and comes back from `load_checkpoint`.

    `best` are the weights of the best epoch so far, where a run keeps them; else empty.
    """
    tensors = {f"best.{key}": value for key, value in best.items()}
    tensors |= {f"network.{key}": value for key, value in network.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{key}": value for key, value in state.items()}
    tensors = _plain(tensors)
    header = {"record": json.dumps(record, allow_nan=False), "checksum": _checksum(tensors)}
    write_whole(folder / STATE, save_tensors(tensors, metadata=header))
    write_json(folder / "checkpoint.json", record)


def load_checkpoint(
    folder: Path,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    fingerprint: str,
    recipe: int,
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Put a saved state back and return its record and its best weights.

    Raises DamagedFile when the file is cut short, altered or of another recipe, JobError when it is
    another job's.
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
    if record.get("recipe") != recipe:
        raise DamagedFile(f"{STATE} was written by a release that trains differently")
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
    return record, _under("best.", tensors)


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
