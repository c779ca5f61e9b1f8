"""A model as one file: what other programs read from it is what torch says."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from discs import command
from training.ml.checkpoint import Model, outputs_of, save_ensemble, save_model
from training.ml.config import NetworkConfig
from training.ml.device import Place
from training.ml.export import TOLERANCE
from training.ml.infer import predict
from training.ml.job import Example, JobError, LabelClass, Question
from training.ml.networks import build
from training.ml.preprocess import Plan

torch.set_num_threads(1)
CLASSES = (LabelClass(1, "grey"), LabelClass(7, "white"))
QUESTIONS = (
    Question("side", "single", ("left", "right", "both")),
    Question("signs", "multiple", ("blood", "oedema")),
)
PLAN = Plan(
    channels=1, patch=64, longest=128, spacing=0.8, low_percentile=0.5, high_percentile=99.5,
    denoise=0,
)  # fmt: skip


def untrained(
    network: NetworkConfig,
    classes: tuple[LabelClass, ...] = CLASSES,
    questions: tuple[Question, ...] = (),
    *,
    mirror: bool = False,
    **plan: object,
) -> Model:
    """A model with statistics of its own, as after some steps of training."""
    made = Plan(**{**vars(PLAN), **plan})
    torch.manual_seed(1)
    net = build(network, made.channels, outputs_of(classes, questions, made.channels))
    net.train()(torch.randn(4, made.channels, 64, 64))
    return Model(net.eval(), network, made, classes, 0, 4, mirror, questions)


SMALL = NetworkConfig(widths=(4, 8, 16))
WHOLE = NetworkConfig(kind="classifier", widths=(4, 8, 16))


def said_by(path: Path) -> str:
    """What an exported file says of itself."""
    if path.suffix == ".onnx":
        meta = onnxruntime.InferenceSession(str(path)).get_modelmeta()
        return str(meta.custom_metadata_map["reticle"])
    extra = {"reticle.json": b""}
    torch.jit.load(str(path), _extra_files=extra)  # type: ignore[no-untyped-call]
    return extra["reticle.json"].decode()


@pytest.mark.parametrize("form", ["onnx", "torchscript"])
@pytest.mark.parametrize(
    "model",
    [
        untrained(SMALL),
        untrained(SMALL, CLASSES[:1], spacing=None, channels=3),
        untrained(SMALL, mirror=True, longest=80),
        untrained(NetworkConfig(encoder="resnet18"), patch=64),
        untrained(WHOLE, (), QUESTIONS, patch=128),
        untrained(WHOLE, (), QUESTIONS, mirror=True, channels=3, patch=128, spacing=None),
    ],
    ids=["unet", "colour", "mirror", "residual", "answers", "answers in colour"],
)
def test_every_kind_of_model_is_exported_equal_to_torch(
    model: Model, form: str, tmp_path: Path
) -> None:
    save_model(tmp_path / "model", model)
    (done,) = command("export", tmp_path / "model", "--out", tmp_path / "out", "--format", form)
    assert done["largest_difference"] <= TOLERANCE
    card = json.loads((tmp_path / "out" / "export.json").read_text())
    assert (tmp_path / "out" / card["file"]).stat().st_size > 1000
    weights = json.loads((tmp_path / "model" / "model.json").read_text())["weights_sha256"]
    assert card["weights_sha256"] == weights
    own = {key: value for key, value in card.items() if key not in ("file", "largest_difference")}
    assert json.loads(said_by(tmp_path / "out" / card["file"])) == own, "it says what it answers"


def test_another_program_needs_the_file_and_the_raw_samples_alone(tmp_path: Path) -> None:
    model = untrained(SMALL)
    save_model(tmp_path / "model", model)
    command("export", tmp_path / "model", "--out", tmp_path / "out")
    samples = np.random.default_rng(5).integers(0, 4000, (150, 97, 1)).astype(np.uint16)
    np.save(tmp_path / "image.npy", samples)
    example = Example("one", tmp_path / "image.npy", None, "", (0.5, 0.6), 2.0, -1024.0)
    wanted = predict(model, example, Place(torch.device("cpu"), half=False))
    session = onnxruntime.InferenceSession(str(tmp_path / "out" / "model.onnx"))
    given = {
        "samples": samples.astype(np.float32),
        "rescale": np.array([2, -1024], np.float32),
        "spacing": np.array([0.5, 0.6]),
    }
    values, labels = session.run(["probabilities", "labels"], given)
    assert values.shape == (3, 150, 97)
    assert np.abs(values - wanted.values).max() < TOLERANCE
    assert (labels == wanted.mask(CLASSES)).mean() > 0.999
    flat = {**given, "samples": np.full((40, 30, 1), 7, np.float32)}
    assert np.isfinite(session.run(None, flat)[0]).all(), "an image of one value"


def test_what_no_graph_can_hold_is_refused(tmp_path: Path) -> None:
    save_model(tmp_path / "noisy", untrained(SMALL, denoise=3))
    save_ensemble(tmp_path, ["noisy"])
    for folder, words in ((tmp_path / "noisy", "denoise"), (tmp_path, "one by one")):
        with pytest.raises(JobError, match=words):
            command("export", folder, "--out", tmp_path / "out")
    assert not list((tmp_path / "out").glob("*")) if (tmp_path / "out").exists() else True
