"""Where a network's first weights come from: chance, an earlier model, another campaign, a file.

An earlier model of the same classes is gone on from, plan and all. A model of other classes, or
one pre-trained without labels, lends its weights by name: encoder and decoder as they are, the
head by the names of its classes, the rest from chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from training.ml.checkpoint import Model
from training.ml.config import NetworkConfig
from training.ml.job import JobError, LabelClass
from training.ml.preprocess import Plan
from training.ml.unet import Network


@dataclass(frozen=True)
class Origin:
    """At most one of `start` and `transfer`; an encoder's weights are for runs without either."""

    start: Model | None = None
    transfer: Model | None = None
    encoder: Path | None = None

    def identity(self) -> object:
        """JSON value that tells one origin from another."""
        donor = self.start or self.transfer
        return [
            None if self.start is None else "start",
            None if donor is None else [donor.seed, donor.trained_on],
            None if self.encoder is None else self.encoder.name,
        ]


def begin(
    network: Network,
    config: NetworkConfig,
    plan: Plan,
    classes: Sequence[LabelClass],
    origin: Origin,
) -> None:
    """Give a fresh network its first weights. Raises JobError where they do not fit it."""
    if origin.start is not None:
        network.load_state_dict(origin.start.network.state_dict())
    elif origin.transfer is not None:
        _lend(origin.transfer, network, config, plan, classes)
    elif origin.encoder is not None:
        if config.encoder == "plain":
            raise JobError("bad_weights", "encoder: weights from a file need a residual encoder")
        from training.ml.resnet import ResidualEncoder, load_encoder

        encoder = network.get_submodule("encoder")
        assert isinstance(encoder, ResidualEncoder)
        load_encoder(encoder, origin.encoder)


def _lend(
    donor: Model,
    network: Network,
    config: NetworkConfig,
    plan: Plan,
    classes: Sequence[LabelClass],
) -> None:
    if not donor.architecture.lends_to(config):
        raise JobError(
            "network_changed",
            "config.network differs from the transferred model's architecture: ask for "
            f"{asdict(donor.architecture)}, or leave transfer out",
        )
    if donor.plan.channels != plan.channels:
        raise JobError(
            "network_changed",
            f"the transferred model sees {donor.plan.channels} channel(s), these images have "
            f"{plan.channels}: leave transfer out",
        )
    state, lent = network.state_dict(), donor.network.state_dict()
    body = {
        key: value
        for key, value in lent.items()
        if key in state and not key.startswith(("head.", "auxiliary."))
    }
    head = {}
    if classes and donor.classes:
        for key in ("head.weight", "head.bias"):
            head[key] = _head(lent[key], donor.classes, state[key], classes)
    network.load_state_dict({**state, **body, **head})


def _head(
    lent: Tensor, known: Sequence[LabelClass], fresh: Tensor, wanted: Sequence[LabelClass]
) -> Tensor:
    """Rows of a head by the names of classes; of unknown classes the fresh ones stay."""
    before = _rows(lent, known)
    after = {**_rows(fresh, wanted), **{k: v for k, v in before.items() if k == ""}}
    after |= {item.name: before[item.name] for item in wanted if item.name in before}
    if len(wanted) == 1:
        return (after[wanted[0].name] - after[""])[None]
    return torch.stack([after[""], *(after[item.name] for item in wanted)])


def _rows(head: Tensor, classes: Sequence[LabelClass]) -> dict[str, Tensor]:
    """Rows by class name, "" for background: a single class is a row against a background of 0."""
    if len(classes) == 1:
        return {"": torch.zeros_like(head[0]), classes[0].name: head[0]}
    names = ["", *(item.name for item in classes)]
    return dict(zip(names, head, strict=True))
