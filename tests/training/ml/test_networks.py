"""What every network must do, whatever its shape; and weights that come from elsewhere."""

import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from training.ml.config import PRESETS, ConfigError, NetworkConfig
from training.ml.job import JobError
from training.ml.networks import build
from training.ml.resnet import ResidualUNet, load_encoder
from training.ml.unet import UNet

NETWORKS = {
    "unet": NetworkConfig(widths=(4, 8, 16)),
    "unet without norm": NetworkConfig(widths=(4, 8, 16), norm="none", dropout=0.2),
    "unet, group norm": NetworkConfig(widths=(8, 16), norm="group"),
    "unet, deep supervision": NetworkConfig(widths=(4, 8, 16, 32), deep_supervision=True),
    "residual unet 18": NetworkConfig(encoder="resnet18"),
    "residual unet 34, instance norm": NetworkConfig(encoder="resnet34", norm="instance"),
    "residual unet 50, deep supervision": NetworkConfig(encoder="resnet50", deep_supervision=True),
    "classifier": NetworkConfig(kind="classifier", widths=(4, 8, 16)),
    "resnet 18": NetworkConfig(kind="classifier", encoder="resnet18"),
    "resnet 34, group norm": NetworkConfig(kind="classifier", encoder="resnet34", norm="group"),
    "resnet 50": NetworkConfig(kind="classifier", encoder="resnet50", dropout=0.5),
}
OUTPUTS = 3
every_network = pytest.mark.parametrize("config", NETWORKS.values(), ids=NETWORKS.keys())
torch.set_num_threads(1)  # on busy cores the threads of so small networks wait for each other


def expected(config: NetworkConfig, x: Tensor) -> tuple[int, ...]:
    whole = config.kind == "classifier"
    return (len(x), OUTPUTS) if whole else (len(x), OUTPUTS, *x.shape[2:])


@every_network
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("half", [False, True])
def test_odd_sizes_and_colours_are_answered_in_full_and_half_precision(
    config: NetworkConfig, channels: int, half: bool
) -> None:
    torch.manual_seed(0)
    network = build(config, channels, OUTPUTS).eval()
    for rows, columns in ((37, 53), (64, 41)):
        x = torch.randn(2, channels, rows, columns)
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            logits, features = network.with_features(x)
            assert torch.equal(logits, network(x))
        assert logits.shape == expected(config, x)
        assert features.ndim == 2
        assert bool(torch.isfinite(logits).all())


@every_network
def test_gradient_reaches_every_parameter(config: NetworkConfig) -> None:
    torch.manual_seed(0)
    network = build(config, 1, OUTPUTS).train()
    network(torch.randn(4, 1, 64, 64)).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert bool(torch.isfinite(parameter.grad).all()), name
        if name.endswith("weight"):
            assert bool((parameter.grad != 0).any()), name


@every_network
@pytest.mark.parametrize("channels", [1, 3])
def test_exported_networks_answer_like_torch(
    config: NetworkConfig, channels: int, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    network = build(config, channels, OUTPUTS)
    network(torch.randn(4, channels, 64, 64))  # statistics that differ from the initial ones
    network.eval()
    x, other = torch.randn(1, channels, 64, 64), torch.randn(2, channels, 37, 53)
    path = tmp_path / "network.onnx"
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(network, x)  # type: ignore[no-untyped-call]
        axes = {0: "batch", 2: "rows", 3: "columns"}
        torch.onnx.export(
            traced, (x,), str(path), dynamo=False, input_names=["x"], output_names=["y"],
            dynamic_axes={"x": axes, "y": axes if config.kind == "unet" else {0: "batch"}},
        )  # fmt: skip
        session = onnxruntime.InferenceSession(str(path))
        for picture in (x, other):
            wanted = network(picture)
            assert torch.allclose(traced(picture), wanted, atol=1e-4)
            (found,) = session.run(None, {"x": picture.numpy()})
            assert np.allclose(found, wanted.numpy(), atol=1e-4)


def test_the_published_shape_has_its_published_number_of_parameters() -> None:
    network = build(PRESETS["published"].network, 1, 1)
    assert sum(parameter.numel() for parameter in network.parameters()) == 31_377_793


def test_deep_supervision_adds_heads_in_training_and_changes_no_answer() -> None:
    torch.manual_seed(0)
    deep = build(NetworkConfig(widths=(4, 8, 16, 32), deep_supervision=True), 1, OUTPUTS)
    x = torch.randn(4, 1, 32, 32)
    assert deep.train()(x).shape == (4, OUTPUTS * 3, 32, 32)
    assert deep.eval()(x).shape == (4, OUTPUTS, 32, 32)
    plain = build(NetworkConfig(widths=(4, 8, 16, 32)), 1, OUTPUTS).eval()
    plain.load_state_dict({k: v for k, v in deep.state_dict().items() if "auxiliary" not in k})
    assert torch.equal(plain(x), deep(x))


def test_a_u_net_is_built_as_before_new_networks_came() -> None:
    """The same draws in the same order: a seed names the same network as in earlier releases."""
    torch.manual_seed(3)
    network = build(NetworkConfig(widths=(4, 8, 16)), 1, 2)
    assert isinstance(network, UNet)
    assert {name.split(".")[0] for name in network.state_dict()} == {
        "encoder", "bottleneck", "decoder", "head",
    }  # fmt: skip
    total = float(sum(value.double().abs().sum() for value in network.state_dict().values()))
    assert total == pytest.approx(SUM_BEFORE, rel=1e-9)


SUM_BEFORE = 992.804592458233  # taken from the release before


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("channels", [1, 3])
def test_residual_encoders_take_weights_from_a_file(
    tmp_path: Path, suffix: str, channels: int
) -> None:
    donor = build(NetworkConfig(kind="classifier", encoder="resnet18"), 3, 10)
    weights = {
        name.removeprefix("encoder.").replace("head.", "fc."): value.contiguous()
        for name, value in donor.state_dict().items()
    }
    path = tmp_path / f"weights{suffix}"
    save_file(weights, path) if suffix == ".safetensors" else torch.save(weights, path)
    network = build(NetworkConfig(encoder="resnet18"), channels, OUTPUTS)
    assert isinstance(network, ResidualUNet)
    load_encoder(network.encoder, path)
    grey = torch.randn(1, 1, 64, 64)
    network.eval(), donor.eval()
    with torch.no_grad():
        found = network.with_features(grey.expand(1, channels, 64, 64))[1]
        wanted = donor.with_features(grey.expand(1, 3, 64, 64))[1]
    assert torch.allclose(found, wanted, atol=1e-4)


class NotATensor:
    """Something an old weights file could run on loading."""


def test_weights_of_another_shape_and_files_that_hold_more_than_tensors_are_refused(
    tmp_path: Path,
) -> None:
    network = build(NetworkConfig(encoder="resnet34"), 1, OUTPUTS)
    assert isinstance(network, ResidualUNet)
    smaller = build(NetworkConfig(encoder="resnet18"), 1, OUTPUTS)
    assert isinstance(smaller, ResidualUNet)
    torch.save(smaller.encoder.state_dict(), tmp_path / "smaller.pth")
    torch.save({"conv1.weight": NotATensor()}, tmp_path / "evil.pth")
    (tmp_path / "cut.safetensors").write_bytes(b"short")
    for name, words in (
        ("smaller.pth", "layer1.2"), ("evil.pth", "plain tensors"), ("cut.safetensors", "cannot"),
        ("absent.pth", "cannot"),
    ):  # fmt: skip
        with pytest.raises(JobError, match=words):
            load_encoder(network.encoder, tmp_path / name)


def test_a_network_that_makes_no_sense_is_refused_by_the_field_at_fault() -> None:
    for raw, field in (
        ({"encoder": "resnet18", "norm": "none"}, "norm"),
        ({"kind": "classifier", "deep_supervision": True}, "deep_supervision"),
        ({"encoder": "resnet19"}, "encoder"),
    ):
        with pytest.raises(ConfigError, match=field):
            NetworkConfig.parse(raw)
