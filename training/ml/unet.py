"""The U-Net: pairs of 3x3 same convolutions, max-pooling, nearest up-sampling joined to the skip.

Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation", 2015, in the
variant with same padding and no convolution after up-sampling. With widths 64-128-256-512-1024, no
normalisation, one channel in and one class out it has 31,377,793 parameters.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.ml.config import NetworkConfig


def _norm(kind: str, width: int) -> list[nn.Module]:
    if kind == "batch":
        return [nn.BatchNorm2d(width)]
    if kind == "instance":
        return [nn.InstanceNorm2d(width, affine=True)]
    if kind == "group":
        groups = next(count for count in (8, 4, 2, 1) if width % count == 0)
        return [nn.GroupNorm(groups, width)]
    return []


def _pair(width_in: int, width_out: int, norm: str) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width_in, width_out, 3, padding=1),
        *_norm(norm, width_out),
        nn.ReLU(inplace=True),
        nn.Conv2d(width_out, width_out, 3, padding=1),
        *_norm(norm, width_out),
        nn.ReLU(inplace=True),
    )


class UNet(nn.Module):
    """(B, in_channels, H, W) -> logits (B, outputs, H, W), for any H, W of at least the stride."""

    def __init__(self, config: NetworkConfig, in_channels: int, outputs: int) -> None:
        super().__init__()
        widths = config.widths
        self.encoder = nn.ModuleList(
            _pair(before, width, config.norm)
            for before, width in zip((in_channels, *widths[:-2]), widths[:-1], strict=True)
        )
        self.bottleneck = _pair(widths[-2], widths[-1], config.norm)
        self.dropout = nn.Dropout2d(config.dropout)
        self.decoder = nn.ModuleList(
            _pair(below + width, width, config.norm)
            for below, width in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(widths[0], outputs, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module is not self.head:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Logits for images x (B, C, H, W)."""
        return self.with_features(x)[0]

    def with_features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, outputs, H, W) and the bottleneck averaged over space (B, widths[-1])."""
        skips: list[Tensor] = []
        for level in self.encoder:
            x = level(x)
            skips.append(x)
            x = functional.max_pool2d(x, 2)
        x = self.bottleneck(x)
        features = x.mean(dim=(2, 3))
        x = self.dropout(x)
        for level, skip in zip(self.decoder, reversed(skips), strict=True):
            # Sizing by the skip instead of doubling lets odd heights and widths through.
            x = functional.interpolate(x, size=skip.shape[-2:], mode="nearest")
            x = level(torch.cat((skip, x), dim=1))
        return self.head(x), features


def outputs_for(classes: int) -> int:
    """Channels out: one (sigmoid) for a single class, else background and classes (softmax)."""
    return 1 if classes == 1 else classes + 1


def probabilities(logits: Tensor) -> Tensor:
    """(B, outputs, H, W) logits -> (B, 1 + classes, H, W) probabilities, background first."""
    if logits.shape[1] == 1:
        positive = torch.sigmoid(logits.float())
        return torch.cat((1 - positive, positive), dim=1)
    return torch.softmax(logits.float(), dim=1)
