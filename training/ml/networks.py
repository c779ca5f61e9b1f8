"""All networks by their configuration: `build` is the one place that knows which class is which."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from training.ml.config import NetworkConfig
from training.ml.unet import Network, UNet, pair


class Classifier(Network):
    """(B, in_channels, H, W) -> logits (B, outputs): an encoder, its mean over space, one layer.

    The plain encoder bears the names of the U-Net's, so that one can start from the other.
    """

    def __init__(self, config: NetworkConfig, in_channels: int, outputs: int) -> None:
        super().__init__()
        widths = config.widths
        self.encoder = nn.ModuleList(
            pair(before, width, config.norm)
            for before, width in zip((in_channels, *widths[:-2]), widths[:-1], strict=True)
        )
        self.bottleneck = pair(widths[-2], widths[-1], config.norm)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(widths[-1], outputs)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def with_features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, outputs) and the pooled features (B, widths[-1])."""
        for level in self.encoder:
            x = functional.max_pool2d(level(x), 2)
        features = self.bottleneck(x).mean(dim=(2, 3))
        return self.head(self.dropout(features)), features


def build(config: NetworkConfig, in_channels: int, outputs: int) -> Network:
    """The network of a configuration, with fresh weights from torch's generator."""
    if config.encoder == "plain":
        plain = UNet if config.kind == "unet" else Classifier
        return plain(config, in_channels, outputs)
    # MONAI takes seconds to load: only those who ask for its network wait for it.
    from training.ml.resnet import ResidualClassifier, ResidualUNet

    residual = ResidualUNet if config.kind == "unet" else ResidualClassifier
    return residual(config, in_channels, outputs)
