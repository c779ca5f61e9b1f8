"""Where and how to compute, decided at run time: device, precision, threads, processes."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

import cv2
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from training.ml.config import TrainConfig
from training.ml.unet import Network

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """The device of this process and its place among the processes of the run."""

    device: torch.device
    half: bool
    """Compute in bfloat16 where torch deems it safe."""
    rank: int = 0
    world: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and reports events."""
        return self.rank == 0

    def autocast(self) -> AbstractContextManager[object]:
        """The context to compute the network in."""
        if not self.half:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    @staticmethod
    def layout(norm: str) -> torch.memory_format:
        """The memory format that suits a normalisation, for pictures and weights."""
        # Measured: channels-last slows instance norm and speeds all else by 7-20 %.
        return torch.contiguous_format if norm == "instance" else torch.channels_last

    def settle(self, network: Network, norm: str) -> Network:
        """Move a network here, in the memory format that suits its normalisation."""
        network = network.to(self.device)
        for parameter in network.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=self.layout(norm))
        return network

    def share(self, network: nn.Module) -> nn.Module:
        """Wrap a network so that all processes of the run train it together."""
        if self.world == 1:
            return network
        here = [self.device.index] if self.device.type == "cuda" else None
        return DistributedDataParallel(network, device_ids=here)

    def agreed(self, value: T) -> T:
        """The leading process's value, in all of them: what they decide by must be the same."""
        if self.world == 1:
            return value
        held = [value]
        dist.broadcast_object_list(held, src=0, device=self.device)
        return held[0]

    def mean(self, value: float) -> float:
        """Mean of the processes' values, in all of them."""
        if self.world == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return total.item() / self.world


def choose(config: TrainConfig) -> Place:
    """Pick the device and precision, set the thread count, join the other processes if any.

    RANK, WORLD_SIZE and LOCAL_RANK in the environment (as set by torchrun) make this one process
    of several; RETICLE_ML_THREADS sets the threads where the config leaves them open.
    """
    threads = config.threads or int(os.environ.get("RETICLE_ML_THREADS", "0"))
    if threads:
        torch.set_num_threads(threads)
    cv2.setNumThreads(1)
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    name = config.device
    if name == "auto":
        mps = torch.backends.mps.is_available()
        name = "cuda" if torch.cuda.is_available() else "mps" if mps else "cpu"
    device = torch.device(name)
    if name == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    if world > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if name == "cuda" else "gloo")
    half = config.precision == "bf16" or (config.precision == "auto" and name == "cuda")
    return Place(device, half, rank, world)
