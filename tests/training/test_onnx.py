"""A model as an ONNX file: asked for on its page, made by a worker, checked, kept, downloaded."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from django.conf import settings as django_settings
from django.db.models.functions import Now
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient
from safetensors.numpy import load, save

import learning
import make
from annotations.models import Campaign
from kept import Keeper
from reticle import storage
from reticle.accounts.models import User
from reticle.audit.models import AuditEvent
from reticle.images.render import samples
from reticle.pixels.mask import unpack
from training import onnx, tasks
from training.ml.export import TOLERANCE
from training.models import ModelVersion, OnnxFile, Prediction, TrainingRun
from training.reasons import reason
from training.snapshot import snapshot_take

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.HEARTBEAT_SECONDS, settings.RUN_LEASE_SECONDS = 1, 5


@pytest.fixture
def trained(keeper: Keeper) -> ModelVersion:
    keeper.have(learning.scored_once, after=learning.trained_once)
    return ModelVersion.objects.select_related("campaign").get()


@pytest.fixture
def manager(trained: ModelVersion) -> APIClient:
    return make.client(User.objects.get(username="manager"))


def door(model: ModelVersion) -> str:
    return f"/api/v1/models/{model.pk}/onnx"


def actions() -> list[str]:
    events = AuditEvent.objects.filter(target="onnxfile").order_by("id")
    return list(events.values_list("action", flat=True))


def body_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def run_session(content: bytes, given: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """Return what the file says of itself, and its labels."""
    session = onnxruntime.InferenceSession(content)
    about = json.loads(session.get_modelmeta().custom_metadata_map["reticle"])
    wanted = {each.name for each in session.get_inputs()}
    assert wanted == set(about["inputs"])
    (labels,) = session.run(["labels"], {name: given[name] for name in wanted})
    return about, labels


def test_it_is_made_once_and_draws_what_the_model_draws(
    trained: ModelVersion, manager: APIClient
) -> None:
    assert manager.get(door(trained)).json() == {"hindrance": None, "file": None}
    early = manager.get(f"{door(trained)}/file")
    assert (early.status_code, early.json()["code"]) == (409, "not_ready")
    for _ in range(2):
        answer = manager.post(door(trained))
        assert (answer.status_code, answer.json()["file"]["state"]) == (202, "queued")
    assert actions() == ["onnx.create"], "one wish of two posts"

    tasks.explain()
    shown = manager.get(door(trained)).json()["file"]
    assert (shown["state"], shown["reason"]) == ("done", None)
    assert 0 <= shown["difference"] <= TOLERANCE
    assert actions() == ["onnx.create", "onnx.keep"]
    assert AuditEvent.objects.get(action="onnx.keep").detail["sha256"] == shown["sha256"]
    assert not list(Path(django_settings.RUN_FOLDER).glob("onnx-*"))

    answer = manager.get(shown["file_url"])
    content = body_of(answer)
    assert answer["Content-Disposition"] == 'attachment; filename="brain-v1.onnx"'
    assert int(answer["Content-Length"]) == shown["size"] == len(content)
    assert hashlib.sha256(content).hexdigest() == shown["sha256"]
    row = Prediction.objects.select_related("image__series").first()
    assert row is not None
    image = row.image
    drawn = unpack(bytes(row.packed), image.rows, image.columns)
    given = {
        "samples": samples(image).reshape(image.rows, image.columns, 1).astype(np.float32),
        "rescale": np.array([image.slope, image.intercept], np.float32),
        "spacing": np.zeros(2),
    }
    about, labels = run_session(content, given)
    assert drawn.any()
    assert (labels == drawn).mean() > 0.999
    assert about["classes"] == trained.card["classes"]
    assert about["weights_sha256"] == trained.weights_sha256

    assert manager.post(door(trained)).json()["file"] == shown, "what is there stays"
    assert onnx.onnx_claim() is None


def weights_with(model: ModelVersion, value: float) -> None:
    """Give the model weights of one value only."""
    tensors = load(storage.read(model.weights_sha256))
    changed = {
        name: np.full_like(tensor, value) if tensor.dtype.kind == "f" else tensor
        for name, tensor in tensors.items()
    }
    sha256 = storage.put(save(changed))
    card = {**model.card, "weights_sha256": sha256}
    ModelVersion.objects.filter(pk=model.pk).update(weights_sha256=sha256, card=card)


def test_what_differs_from_the_model_is_not_given_out_and_says_how_much(
    trained: ModelVersion, manager: APIClient
) -> None:
    weights_with(trained, float("nan"))
    manager.post(door(trained))
    before = set(storage.all_blobs())
    tasks.explain()
    shown = manager.get(door(trained)).json()["file"]
    assert (shown["state"], shown["file_url"]) == ("failed", None)
    assert shown["reason"]["code"] == "export_differs"
    assert shown["reason"]["values"] == {"difference": "inf", "most": "0.0001"}
    assert manager.get(f"{door(trained)}/file").status_code == 409
    assert set(storage.all_blobs()) == before


def test_what_fails_says_why_and_can_be_asked_for_again(
    trained: ModelVersion, manager: APIClient
) -> None:
    ModelVersion.objects.update(card={**trained.card, "weights_sha256": "0" * 64})
    manager.post(door(trained))
    tasks.explain()
    shown = manager.get(door(trained)).json()["file"]
    assert shown["state"] == "failed"
    assert "does not match the sha256" in shown["reason"]["text"]
    assert onnx.onnx_claim() is None, "a failure waits for a person"
    shown = manager.post(door(trained)).json()["file"]
    assert (shown["state"], shown["reason"]) == ("queued", None)
    assert actions() == ["onnx.create", "onnx.create"]
    assert onnx.onnx_claim() is not None


def test_a_worker_that_was_overtaken_keeps_nothing(trained: ModelVersion) -> None:
    onnx.onnx_ask(model=trained, actor=User.objects.get(username="manager"))
    first = onnx.onnx_claim()
    assert first is not None
    OnnxFile.objects.update(claimed_until=Now())
    second = onnx.onnx_claim()
    assert second is not None
    assert second.attempt == 2
    found = onnx.onnx_run(first)
    assert (found.state, found.attempt, found.sha256) == ("running", 2, "")
    assert actions() == ["onnx.create"]


def test_a_worker_of_an_earlier_wish_has_no_part_in_the_next_one(trained: ModelVersion) -> None:
    manager = User.objects.get(username="manager")
    onnx.onnx_ask(model=trained, actor=manager)
    first = onnx.onnx_claim()
    assert first is not None
    onnx._failed(first, reason("export_died", times=3))
    onnx.onnx_ask(model=trained, actor=manager)
    second = onnx.onnx_claim()
    assert second is not None
    assert second.attempt == first.attempt
    assert not onnx._own(first).exists()
    assert onnx._own(second).exists()


# --- without a trained model ---------------------------------------------------------------


@pytest.fixture
def campaign() -> Campaign:
    return make.campaign(make.user("manager"), tasks=4)


def version(campaign: Campaign, number: int, **card: object) -> ModelVersion:
    run = TrainingRun.objects.create(
        campaign=campaign, state="succeeded", snapshot=snapshot_take(campaign=campaign)
    )
    return ModelVersion.objects.create(
        campaign=campaign, number=number, run=run, weights_sha256="0" * 64, card=card
    )


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ({"members": 3, "preprocessing": {}}, "export_ensemble"),
        ({"preprocessing": {"denoise": 3, "clahe": 0.0}}, "export_filters"),
    ],
)
def test_a_model_that_no_file_can_hold_says_so(
    campaign: Campaign, card: dict[str, Any], code: str
) -> None:
    model = version(campaign, 1, **card)
    client = make.client(User.objects.get(username="manager"))
    shown = client.get(door(model)).json()
    assert (shown["hindrance"]["code"], shown["file"]) == (code, None)
    refused = client.post(door(model))
    assert (refused.status_code, refused.json()["code"]) == (409, "not_exportable")
    assert shown["hindrance"]["text"] in refused.json()["message"]
    assert not OnnxFile.objects.exists()


def test_one_file_at_a_time_and_none_for_ever(campaign: Campaign) -> None:
    manager = User.objects.get(username="manager")
    for number in (1, 2):
        onnx.onnx_ask(model=version(campaign, number), actor=manager)
    first = onnx.onnx_claim()
    assert first is not None
    assert first.model.number == 1
    assert onnx.onnx_claim() is None, "readers' short work needs the other worker"
    OnnxFile.objects.filter(pk=first.pk).update(claimed_until=Now(), attempt=onnx.ATTEMPTS)
    again = onnx.onnx_claim()
    assert again == first
    done = onnx.onnx_run(again)
    assert (done.state, done.reason["code"]) == ("failed", "export_died")
    other = onnx.onnx_claim()
    assert other is not None
    assert other.model.number == 2
