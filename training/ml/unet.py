"""The U-Net: pairs of 3x3 same convolutions, max-pooling, nearest up-sampling joined to the skip.

Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation", 2015, in the
variant with same padding and no convolution after up-sampling. With widths 64-128-256-512-1024, no
normalisation, one channel in and one class out it has 31,377,793 parameters.

Deep supervision (Lee et al., "Deeply-supervised nets", 2015) gives each lower level of the decoder
a head of its own, in training only: logits of all heads, the network's own first, come stacked
along the channels, so that one tensor passes through every wrapper of the network.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.ml.config import NetworkConfig


def norm_layers(kind: str, width: int) -> list[nn.Module]:
    """The normalisation of so many channels, as no layer or one."""
    if kind == "batch":
        return [nn.BatchNorm2d(width)]
    if kind == "instance":
        return [nn.InstanceNorm2d(width, affine=True)]
    if kind == "group":
        groups = next(count for count in (8, 4, 2, 1) if width % count == 0)
        return [nn.GroupNorm(groups, width)]
    return []


def pair(width_in: int, width_out: int, norm: str) -> nn.Sequential:
    """Two 3x3 convolutions, each normalised and rectified; sizes stay."""
    return nn.Sequential(
        nn.Conv2d(width_in, width_out, 3, padding=1),
        *norm_layers(norm, width_out),
        nn.ReLU(inplace=True),
        nn.Conv2d(width_out, width_out, 3, padding=1),
        *norm_layers(norm, width_out),
        nn.ReLU(inplace=True),
    )


class Network(nn.Module):
    """What every network here offers."""

    dropout: nn.Module
    """Of the deepest level; does nothing outside training, unless asked to."""
    head: nn.Module
    """The last layer, from features to logits."""

    def with_features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, outputs, ...) and the deepest level averaged over space (B, D)."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Logits for images x (B, C, H, W); in training, of auxiliary heads as well."""
        return self.with_features(x)[0]


class UNet(Network):
    """(B, in_channels, H, W) -> logits (B, outputs, H, W), for any H, W of at least the stride."""

    def __init__(self, config: NetworkConfig, in_channels: int, outputs: int) -> None:
        super().__init__()
        widths = config.widths
        self.encoder = nn.ModuleList(
            pair(before, width, config.norm)
            for before, width in zip((in_channels, *widths[:-2]), widths[:-1], strict=True)
        )
        self.bottleneck = pair(widths[-2], widths[-1], config.norm)
        self.dropout = nn.Dropout2d(config.dropout)
        self.decoder = nn.ModuleList(
            pair(below + width, width, config.norm)
            for below, width in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(widths[0], outputs, 1)
        self.auxiliary = auxiliary_heads(config, widths[-2:0:-1], outputs)
        heads = {self.head, *self.auxiliary}
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module not in heads:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    def with_features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, outputs, H, W) and the bottleneck averaged over space (B, widths[-1])."""
        skips: list[Tensor] = []
        for level in self.encoder:
            x = level(x)
            skips.append(x)
            x = functional.max_pool2d(x, 2)
        x = self.bottleneck(x)
        features = x.mean(dim=(2, 3))
        return self._decode(self.dropout(x), skips), features

    def _decode(self, x: Tensor, skips: Sequence[Tensor]) -> Tensor:
        """From the bottleneck (B, widths[-1], h, w) and the levels above to logits."""
        levels: list[Tensor] = []
        for level, skip in zip(self.decoder, reversed(skips), strict=True):
            # Sizing by the skip instead of doubling lets odd heights and widths through.
            x = functional.interpolate(x, size=skip.shape[-2:], mode="nearest")
            x = level(torch.cat((skip, x), dim=1))
            levels.append(x)
        logits: Tensor = self.head(x)
        return with_auxiliary(self.auxiliary, levels, logits) if self.training else logits


def auxiliary_heads(config: NetworkConfig, widths: Sequence[int], outputs: int) -> nn.ModuleList:
    """Heads for decoder levels of these widths, deepest first; none without deep supervision."""
    wanted = widths if config.deep_supervision else ()
    return nn.ModuleList(nn.Conv2d(width, outputs, 1) for width in wanted)


def with_auxiliary(heads: nn.ModuleList, levels: Sequence[Tensor], logits: Tensor) -> Tensor:
    """Stack (B, outputs, H, W) with the logits of lower levels, enlarged, finest first."""
    lower = [
        functional.interpolate(head(level), size=logits.shape[-2:], mode="bilinear")
        for head, level in zip(heads, levels, strict=False)
    ]
    return torch.cat((logits, *reversed(lower)), dim=1)


def outputs_for(classes: int) -> int:
    """Channels out: one (sigmoid) for a single class, else background and classes (softmax)."""
    return 1 if classes == 1 else classes + 1


def probabilities(logits: Tensor) -> Tensor:
    """(B, outputs, H, W) logits -> (B, 1 + classes, H, W) probabilities, background first."""
    if logits.shape[1] == 1:
        positive = torch.sigmoid(logits.float())
        return torch.cat((1 - positive, positive), dim=1)
    return torch.softmax(logits.float(), dim=1)
