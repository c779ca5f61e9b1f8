"""Residual encoders (He et al., "Deep residual learning", 2016), by MONAI, and the U-Net on them.

The encoder has the names and shapes of the usual two-dimensional ResNet weights, so that weights
trained elsewhere can be read from a file (`load_encoder`). It begins at a quarter of the
resolution; the U-Net adds a pair of convolutions at full resolution, where thin structures live.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from monai.networks.nets.resnet import ResNet
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from training.ml.config import NetworkConfig
from training.ml.job import JobError
from training.ml.unet import Network, auxiliary_heads, pair, with_auxiliary

_SHAPES = {
    "resnet18": ("basic", (2, 2, 2, 2), 1),
    "resnet34": ("basic", (3, 4, 6, 3), 1),
    "resnet50": ("bottleneck", (3, 4, 6, 3), 4),
}
_INPLANES = (64, 128, 256, 512)
_DECODER = (32, 64, 64, 128, 256)  # full resolution first
_NORMS: Mapping[str, str | tuple[str, dict[str, object]]] = {
    "batch": "batch",
    "group": ("group", {"num_groups": 8}),
    "instance": ("instance", {"affine": True}),
}


class ResidualEncoder(nn.Module):
    """(B, in_channels, H, W) -> five levels, from half the resolution to a thirty-second."""

    def __init__(self, config: NetworkConfig, in_channels: int) -> None:
        super().__init__()
        block, layers, expansion = _SHAPES[config.encoder]
        inplanes = list(_INPLANES)
        self.widths = (inplanes[0], *(width * expansion for width in inplanes))
        """Channels of each level, finest first."""
        made = ResNet(
            block,
            list(layers),
            inplanes,
            spatial_dims=2,
            n_input_channels=in_channels,
            conv1_t_stride=2,
            feed_forward=False,
            bias_downsample=False,
            norm=_NORMS[config.norm],
        )
        # The parts alone: the whole would also carry a pooling that nobody asks.
        self.conv1, self.bn1 = made.conv1, made.bn1
        self.layer1, self.layer2 = made.layer1, made.layer2
        self.layer3, self.layer4 = made.layer3, made.layer4

    def forward(self, x: Tensor) -> list[Tensor]:
        """The levels (B, widths[i], ceil(H / 2 ** (i + 1)), ...), finest first."""
        levels = [functional.relu(self.bn1(self.conv1(x)))]
        x = functional.max_pool2d(levels[0], 3, stride=2, padding=1)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
            levels.append(x)
        return levels


class ResidualUNet(Network):
    """(B, in_channels, H, W) -> logits (B, outputs, H, W), as `UNet` with a residual encoder."""

    def __init__(self, config: NetworkConfig, in_channels: int, outputs: int) -> None:
        super().__init__()
        self.stem = pair(in_channels, _DECODER[0], config.norm)
        self.encoder = ResidualEncoder(config, in_channels)
        self.dropout = nn.Dropout2d(config.dropout)
        skips = (_DECODER[0], *self.encoder.widths[:-1])
        below = (*_DECODER[1:], self.encoder.widths[-1])
        self.decoder = nn.ModuleList(
            pair(deep + skip, width, config.norm)
            for deep, skip, width in zip(below[::-1], skips[::-1], _DECODER[::-1], strict=True)
        )
        self.head = nn.Conv2d(_DECODER[0], outputs, 1)
        self.auxiliary = auxiliary_heads(config, _DECODER[:0:-1], outputs)

    def with_features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, outputs, H, W) and the deepest level averaged over space (B, D)."""
        skips = [self.stem(x), *self.encoder(x)]
        x = skips.pop()
        features = x.mean(dim=(2, 3))
        x = self.dropout(x)
        levels: list[Tensor] = []
        for level, skip in zip(self.decoder, reversed(skips), strict=True):
            x = functional.interpolate(x, size=skip.shape[-2:], mode="nearest")
            x = level(torch.cat((skip, x), dim=1))
            levels.append(x)
        logits: Tensor = self.head(x)
        if self.training:
            logits = with_auxiliary(self.auxiliary, levels, logits)
        return logits, features


class ResidualClassifier(Network):
    """(B, in_channels, H, W) -> logits (B, outputs): an encoder, its mean, one linear layer."""

    def __init__(self, config: NetworkConfig, in_channels: int, outputs: int) -> None:
        super().__init__()
        self.encoder = ResidualEncoder(config, in_channels)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(self.encoder.widths[-1], outputs)

    def with_features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, outputs) and the pooled features (B, D)."""
        features = self.encoder(x)[-1].mean(dim=(2, 3))
        return self.head(self.dropout(features)), features


def load_encoder(encoder: ResidualEncoder, path: Path) -> None:
    """Read weights of the usual ResNet from .safetensors or .pth; tensors only, checked by shape.

    A first convolution of three channels is summed for grey images, which is what it would give
    for grey shown as colour. A classifier's `fc` is left. Raises JobError naming what is amiss.
    """
    found = _tensors(path)
    wanted = encoder.state_dict()
    first = found.get("conv1.weight")
    grey = wanted["conv1.weight"].shape[1] == 1
    if grey and first is not None and first.ndim == 4 and first.shape[1] == 3:
        found["conv1.weight"] = first.sum(dim=1, keepdim=True)
    wrong = [
        name
        for name, value in wanted.items()
        if not name.endswith("num_batches_tracked")
        and (name not in found or found[name].shape != value.shape)
    ]
    if wrong:
        raise JobError(
            "bad_weights",
            f"{path.name}: {len(wrong)} of {len(wanted)} tensors are missing or of another shape "
            f"({', '.join(wrong[:3])} ...): take weights of the encoder that config.network names",
        )
    encoder.load_state_dict({name: found.get(name, value) for name, value in wanted.items()})


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        raw = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, ValueError, RuntimeError, EOFError, SafetensorError) as error:
        raise JobError("bad_weights", f"{path.name} cannot be read as weights: {error}") from error
    except Exception as error:  # the unpickler's own error is no class of torch's interface
        raise JobError("bad_weights", f"{path.name} holds more than plain tensors") from error
    inner = raw.get("state_dict", raw) if isinstance(raw, dict) else raw
    if not isinstance(inner, dict) or not all(isinstance(v, Tensor) for v in inner.values()):
        raise JobError("bad_weights", f"{path.name}: need a table of tensors by name")
    return dict(inner)
