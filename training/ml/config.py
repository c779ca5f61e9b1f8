"""What can be chosen about a network and its training, in frozen dataclasses; imports no torch.

`TrainConfig.parse({"preset": "cpu", "epochs": 10})` starts from a preset and overrides single
fields; every value is checked when the object is made, and an error names the field.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, TypeVar, get_args

Norm = Literal["none", "batch", "group", "instance"]
Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "fp32", "bf16"]
Kind = Literal["unet", "classifier"]
Encoder = Literal["plain", "resnet18", "resnet34", "resnet50"]
Schedule = Literal["cosine", "plateau"]

T = TypeVar("T", bound="NetworkConfig | AugmentConfig | TrainConfig")

RESIDUAL_STRIDE = 32

FILTERS = ("denoise", "nonlocal_means", "clahe")
"""Fields that are a filter's strength, 0 for none; what is exported can hold no filter."""

IGNORE = 255
"""Mask value of pixels that nobody judged; they never enter a loss or a metric."""


class ConfigError(ValueError):
    """A value in the configuration cannot be used; the message names the field and the fix."""


def _require(good: bool, message: str) -> None:
    if not good:
        raise ConfigError(message)


@dataclass(frozen=True)
class NetworkConfig:
    """Shape of the network; channels in and out follow from the data."""

    kind: Kind = "unet"
    """A U-Net for regions, a classifier for questions about the whole image."""
    encoder: Encoder = "plain"
    """The way down: pairs of convolutions, or a residual network of the literature."""
    widths: tuple[int, ...] = (16, 32, 64, 128, 256)
    """Channels of each level, full resolution first; the last one is the bottleneck. Residual
    encoders bring widths of their own and leave this alone."""
    norm: Norm = "batch"
    """Normalisation after each convolution; "none" is the published network."""
    dropout: float = 0.0
    """Share of the bottleneck's channels that training sets to zero."""
    deep_supervision: bool = False
    """Train the lower levels of a U-Net's decoder by heads of their own, weights halving."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        _require(len(self.widths) >= 2, "network.widths: give at least two levels")
        _require(
            all(isinstance(w, int) and w > 0 for w in self.widths),
            "network.widths: every width is a positive whole number",
        )
        _require(
            self.norm in get_args(Norm), f"network.norm: choose one of {', '.join(get_args(Norm))}"
        )
        _require(0 <= self.dropout < 1, "network.dropout: choose a share from 0 to below 1")
        for name, kinds in (("kind", Kind), ("encoder", Encoder)):
            choices = get_args(kinds)
            _require(getattr(self, name) in choices, f"network.{name}: choose one of {choices}")
        _require(
            self.encoder == "plain" or self.norm != "none",
            "network.norm: a residual encoder needs a normalisation",
        )
        _require(
            self.kind == "unet" or not self.deep_supervision,
            "network.deep_supervision: only a U-Net has a decoder to supervise",
        )

    @property
    def stride(self) -> int:
        """How many pixels of the image make one pixel of the bottleneck, per axis."""
        return int(2 ** (len(self.widths) - 1)) if self.encoder == "plain" else RESIDUAL_STRIDE

    def lends_to(self, wanted: NetworkConfig) -> bool:
        """Whether a network of this shape may give its first weights to another one.

        A classifier may begin with the encoder of a U-Net; dropout and heads are its own affair.
        """
        free = ("kind", "dropout", "deep_supervision")
        return all(
            getattr(self, item.name) == getattr(wanted, item.name)
            for item in fields(self)
            if item.name not in free
        )

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> NetworkConfig:
        """Read a network from JSON values. Raises ConfigError for an unknown or wrong field."""
        return _build(cls(), raw, "network.")


@dataclass(frozen=True)
class AugmentConfig:
    """How far training images are changed; 0 switches a change off."""

    flip: bool = True
    """Mirror along either axis, each with probability one half."""
    rotate: float = 15.0
    """Largest rotation, degrees."""
    scale: float = 0.15
    """Largest relative change of size."""
    shift: float = 0.05
    """Largest shift, as a share of the patch."""
    elastic: float = 0.03
    """Largest standard deviation of a smooth displacement field, as a share of the patch."""
    gain: float = 0.2
    """Largest relative change of contrast."""
    gamma: float = 0.25
    """Largest exponent of the tone curve, as |log gamma|."""
    bias: float = 0.3
    """Largest coefficient of the log of a smooth multiplicative field (coil shading, lighting)."""
    noise: float = 0.04
    """Largest standard deviation of Gaussian noise, in units of the normalised range."""
    blur: float = 0.8
    """Largest standard deviation of Gaussian blur, pixels."""
    paste: float = 0.0
    """Share of the images, of those not drawn for a rare class, that get an area of one pasted in;
    for classes that may lie anywhere, as lesions do."""

    def __post_init__(self) -> None:
        for name in ("rotate", "scale", "shift", "elastic", "gain", "gamma", "bias", "noise"):
            _require(getattr(self, name) >= 0, f"augment.{name}: must not be negative")
        _require(0 <= self.paste <= 1, "augment.paste: a share from 0 to 1")
        _require(self.scale < 0.9, "augment.scale: must be below 0.9")

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> AugmentConfig:
        """Read from JSON values. Raises ConfigError for an unknown or wrong field."""
        return _build(cls(), raw, "augment.")


@dataclass(frozen=True)
class TrainConfig:
    """One training run. Times in seconds, sizes in pixels."""

    preset: str = "cpu"
    """Name of the preset the values started from; kept for the record."""
    network: NetworkConfig = field(default_factory=NetworkConfig)
    """The network; a fine-tuning run must ask for the network it starts from."""
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    """Changes applied to each training image."""
    longest: int = 256
    """Longest side of an image after size normalisation; larger images are scaled down."""
    patch: int = 128
    """Side of the square training patch; smaller when all images are smaller."""
    use_spacing: bool = True
    """Bring all images to the same pixel spacing when every image states one."""
    low_percentile: float = 0.5
    """Intensity percentile of an image that becomes 0."""
    high_percentile: float = 99.5
    """Intensity percentile of an image that becomes 1."""
    denoise: Literal[0, 3, 5] = 0
    """Side of a median filter applied before anything else; 0 for none."""
    nonlocal_means: float = 0.0
    """Strength of non-local-means denoising, in units of the normalised range; 0 for none."""
    clahe: float = 0.0
    """Clip limit of local histogram equalisation, in multiples of an even histogram; 0: none."""
    epochs: int = 20
    """Epochs of the whole run; a checkpoint is written after each."""
    minimum_steps: int = 200
    """Optimiser steps of the whole run at least, however few the labels are."""
    seconds: float | None = None
    """Time budget: the learning-rate cycle is shortened so that the run ends annealed in time."""
    batch: int = 8
    """Images per optimiser step and process."""
    learning_rate: float = 2e-3
    """Peak of the schedule."""
    schedule: Schedule = "cosine"
    """One cosine cycle over the run, or the peak halved whenever nothing improves any more."""
    plateau: int = 3
    """Epochs without improvement after which the plateau schedule halves the rate."""
    patience: int = 0
    """End after so many epochs without a better inner Dice, with the best weights; 0: never."""
    warm_factor: float = 0.5
    """The peak is multiplied by this when the run starts from an earlier model."""
    weight_decay: float = 1e-2
    """AdamW's decoupled weight decay."""
    clip: float = 5.0
    """Largest norm of the gradient."""
    cross_entropy: float = 1.0
    """Weight of the class-weighted cross-entropy."""
    dice: float = 1.0
    """Weight of the soft Dice loss."""
    focal: float = 0.0
    """Weight of the focal loss, for classes that drown among easy pixels."""
    focal_gamma: float = 2.0
    """How much the focal loss spares what is already right."""
    class_power: float = 0.5
    """Class weights are (1 / frequency) to this power; 0 weighs all classes alike."""
    foreground_share: float = 0.5
    """Share of each batch drawn class by class from images that show the class."""
    fresh_share: float = 0.5
    """Least share of each batch drawn from fresh examples when fine-tuning; the rest replays."""
    inner_share: float = 0.0
    """Share of patients put aside to measure Dice per epoch; 0 measures on the batches instead."""
    cache_megabytes: int = 4096
    """Disk for prepared images, memory-mapped; the others are prepared again when needed."""
    threads: int = 0
    """Torch threads; 0 takes RETICLE_ML_THREADS from the environment, else torch's own choice."""
    device: Device = "auto"
    """Where to compute; "auto" takes cuda, then mps, then cpu."""
    precision: Precision = "auto"
    """"auto" is bfloat16 autocast on cuda and float32 elsewhere."""
    mirror: bool = False
    """Average predictions over horizontal and vertical mirror images (four times the work)."""

    def __post_init__(self) -> None:
        stride = self.network.stride
        _require(
            self.patch >= stride and self.patch % stride == 0,
            f"patch: must be a multiple of {stride} for a network of this depth",
        )
        _require(self.longest >= stride, f"longest: must be at least {stride}")
        _require(
            0 <= self.low_percentile < self.high_percentile <= 100,
            "low_percentile, high_percentile: need 0 <= low < high <= 100",
        )
        _require(self.denoise in (0, 3, 5), "denoise: choose 0, 3 or 5")
        _require(self.schedule in get_args(Schedule), "schedule: cosine or plateau")
        _require(self.plateau >= 1, "plateau: at least 1 epoch")
        _require(
            self.patience == 0 or (self.patience > 0 and self.inner_share > 0),
            "patience: at least 0; above that it needs inner_share, to have what to measure on",
        )
        _require(
            self.network.kind == "unet" or self.augment.paste == 0,
            "augment.paste: only what is drawn can be pasted",
        )
        _require(self.epochs >= 1, "epochs: at least 1")
        _require(self.minimum_steps >= 1, "minimum_steps: at least 1")
        _require(self.seconds is None or self.seconds > 0, "seconds: positive, or null")
        _require(self.batch >= 1, "batch: at least 1")
        _require(
            self.network.norm != "batch" or self.batch >= 4,
            "batch: batch normalisation needs at least 4; use network.norm = group below that",
        )
        for name in ("learning_rate", "warm_factor", "clip"):
            _require(getattr(self, name) > 0, f"{name}: must be positive")
        for name in (
            "weight_decay", "cross_entropy", "dice", "focal", "focal_gamma", "class_power",
            "threads", "nonlocal_means", "clahe", "cache_megabytes",
        ):  # fmt: skip
            _require(getattr(self, name) >= 0, f"{name}: must not be negative")
        _require(
            self.cross_entropy + self.dice + self.focal > 0,
            "cross_entropy, dice, focal: one must be above 0",
        )
        for name in ("foreground_share", "fresh_share"):
            _require(0 <= getattr(self, name) <= 1, f"{name}: a share from 0 to 1")
        _require(0 <= self.inner_share < 1, "inner_share: a share from 0 to below 1")
        _require(self.device in get_args(Device), "device: auto, cpu, cuda or mps")
        _require(self.precision in get_args(Precision), "precision: auto, fp32 or bf16")

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> TrainConfig:
        """Start from `raw["preset"]` (default "cpu") and override the fields given.

        Raises ConfigError for an unknown preset or field, a wrong type or an impossible value.
        """
        name = raw.get("preset", "cpu")
        if name not in PRESETS:
            raise ConfigError(f"preset: choose one of {', '.join(PRESETS)}")
        return _build(PRESETS[name], raw, "")

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON values; `parse` reads them back."""
        return asdict(self)


def _fits(value: object, wanted: Any) -> bool:
    """Whether a JSON value fits a field's type; whole numbers pass as floats, bools never do."""
    origin = typing.get_origin(wanted)
    if origin is Literal:
        return any(value == choice and type(value) is type(choice) for choice in get_args(wanted))
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, part) for part in get_args(wanted))
    if origin is tuple:
        return isinstance(value, (list, tuple)) and all(type(part) is int for part in value)
    if wanted is float:
        return type(value) in (int, float)
    return type(value) is wanted


def _object(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{name}: give an object with its fields")
    return value


def _build(base: T, raw: Mapping[str, Any], prefix: str) -> T:
    known = {item.name for item in fields(base)}
    hints = typing.get_type_hints(type(base))
    changes: dict[str, Any] = {}
    for name, value in raw.items():
        if name not in known:
            raise ConfigError(
                f"{prefix}{name}: no such field; known are {', '.join(sorted(known))}"
            )
        part = getattr(base, name)
        if isinstance(part, (NetworkConfig, AugmentConfig)):
            changes[name] = _build(part, _object(value, prefix + name), f"{prefix}{name}.")
        elif not _fits(value, hints[name]):
            raise ConfigError(f"{prefix}{name}: {value!r} is not a {hints[name]}")
        else:
            changes[name] = value
    return replace(base, **changes)


PUBLISHED = NetworkConfig(widths=(64, 128, 256, 512, 1024), norm="none")
"""The network of the literature: 31,377,793 parameters with one channel in and one class out."""

PRESETS: Mapping[str, TrainConfig] = types.MappingProxyType(
    {
        "cpu": TrainConfig(),
        "small": TrainConfig(
            preset="small",
            network=NetworkConfig(widths=(8, 16, 32, 64, 128), norm="batch"),
            minimum_steps=800,
            batch=4,
            learning_rate=4e-3,
        ),
        "tiny": TrainConfig(
            preset="tiny",
            network=NetworkConfig(widths=(8, 16, 32), norm="batch"),
            longest=128,
            patch=64,
            epochs=4,
            minimum_steps=40,
            learning_rate=1e-2,
        ),
        "gpu": TrainConfig(
            preset="gpu",
            network=NetworkConfig(widths=(32, 64, 128, 256, 512), norm="batch"),
            longest=1024,
            patch=512,
            epochs=50,
            minimum_steps=1000,
            batch=16,
        ),
        "published": TrainConfig(
            preset="published",
            network=PUBLISHED,
            longest=1024,
            patch=256,
            epochs=50,
            minimum_steps=1000,
            batch=4,
            learning_rate=3e-4,
        ),
        "residual": TrainConfig(
            preset="residual",
            network=NetworkConfig(encoder="resnet18"),
            longest=1024,
            patch=256,
            epochs=50,
            minimum_steps=1000,
            learning_rate=1e-3,
        ),
        "classifier": TrainConfig(
            preset="classifier",
            network=NetworkConfig(kind="classifier", widths=(16, 32, 64, 128)),
            longest=128,
            minimum_steps=400,
            augment=AugmentConfig(elastic=0.0),
        ),
        "resnet": TrainConfig(
            preset="resnet",
            network=NetworkConfig(kind="classifier", encoder="resnet18"),
            longest=256,
            epochs=50,
            minimum_steps=1000,
            batch=16,
            learning_rate=1e-3,
            augment=AugmentConfig(elastic=0.0),
        ),
    }
)
"""Starting points by name: cpu, small (one core, two minutes), tiny (seconds), gpu, published,
residual (a U-Net on ResNet-18); for questions about the whole image: classifier (CPU), resnet.

Few labels are learned by many small steps: with 13 labels and 100 s on one core, small reached
Dice 0.87 where cpu, with a quarter of its steps, reached 0.82 (demo cohort, one seed)."""
