"""A model handed in as a file: what a run begins with, and everything that is refused."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django.fixtures import Settings
from safetensors.numpy import save

import learning
import make
from annotations.models import Campaign
from kept import Keeper
from reticle import storage
from reticle.accounts.models import User
from reticle.audit.models import AuditEvent
from reticle.errors import Invalid
from reticle.images.models import Image
from training import bundle, fit, trigger
from training.card import card_of
from training.models import ModelVersion, TrainingRun

pytestmark = pytest.mark.django_db
WEIGHTS = save({"head.weight": np.zeros((2, 8), np.float32)})
CARD: dict[str, Any] = {
    "classes": [{"index": 1, "name": "grey"}],
    "architecture": {"name": "unet", "kind": "unet", "widths": [8, 16, 32], "norm": "batch"},
    "preprocessing": {"channels": 1},
    "in_channels": 1,
    "weights_sha256": hashlib.sha256(WEIGHTS).hexdigest(),
}


def zipped(*entries: tuple[str, bytes], packed: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packed) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return file.getvalue()


def model_zip(card: object = None, weights: bytes = WEIGHTS, *more: tuple[str, bytes]) -> bytes:
    own = json.dumps(CARD if card is None else card).encode()
    return zipped(("model.json", own), ("model.safetensors", weights), *more)


def body_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_a_run_begins_with_the_model_that_another_one_was_downloaded_as(
    settings: Settings, keeper: Keeper
) -> None:
    settings.HEARTBEAT_SECONDS, settings.RUN_LEASE_SECONDS = 1, 5
    keeper.have(learning.trained_once)
    campaign, donor = Campaign.objects.get(), ModelVersion.objects.get()
    client = make.client(User.objects.get(username="manager"))
    downloaded = body_of(client.get(f"/api/v1/models/{donor.pk}/bundle"))
    Campaign.objects.filter(pk=campaign.pk).update(training={**campaign.training, "preset": "cpu"})
    asked = {"start": "file", "file": SimpleUploadedFile("../brain v1.zip", downloaded)}
    answer = client.post("/api/v1/campaigns/brain/runs", asked, format="multipart")
    assert answer.status_code == 201, answer.content
    row = answer.json()
    assert (row["start"], row["file"], row["donor"]) == ("file", "brain v1.zip", None)
    assert row["config"]["preset"] == "tiny", "the file's network comes with it"
    event = AuditEvent.objects.get(action="run.create", target_id=row["id"])
    assert event.detail["file"]["weights_sha256"] == donor.weights_sha256

    run = learning.executed(TrainingRun.objects.get(pk=row["id"]))
    assert (run.state, run.error, run.base) == (TrainingRun.State.SUCCEEDED, "", None)
    job = fit.run_folder(run) / "job"
    assert json.loads((job / "job.json").read_text())["transfer"] == "transfer/"
    assert json.loads((job / "transfer" / "model.json").read_text()) == donor.card
    lent = (job / "transfer" / "model.safetensors").read_bytes()
    assert hashlib.sha256(lent).hexdigest() == donor.weights_sha256
    model = ModelVersion.objects.get(run=run)
    assert "Started from: a file: brain v1.zip" in card_of(model)
    lineage = client.get(f"/api/v1/models/{model.pk}").json()["lineage"]
    assert (lineage["file"], lineage["donor"], lineage["base_number"]) == (
        "brain v1.zip", None, None,
    )  # fmt: skip


def test_a_file_is_read_whether_it_was_packed_again_or_not() -> None:
    entries = (("model.json", json.dumps(CARD).encode()), ("model.safetensors", WEIGHTS))
    for packed in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        content = zipped(*entries, ("CARD.md", b"# A card"), packed=packed)
        found = bundle.bundle_read(io.BytesIO(content), "a.zip")
        assert found == bundle.Handed("a.zip", json.dumps(CARD), CARD, WEIGHTS)


def encrypted() -> bytes:
    """The flag that says so, in both of an entry's headers."""
    content = bytearray(model_zip())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + place] |= 1
    return bytes(content)


def damaged() -> bytes:
    content = bytearray(model_zip())
    content[content.index(WEIGHTS) + 8] ^= 1
    return bytes(content)


def commented() -> bytes:
    file = io.BytesIO(model_zip())
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = b"a comment"
    return file.getvalue()


def other_weights(content: bytes) -> bytes:
    return model_zip({**CARD, "weights_sha256": hashlib.sha256(content).hexdigest()}, content)


LZMA = zipped(
    ("model.json", json.dumps(CARD).encode()), ("model.safetensors", WEIGHTS),
    packed=zipfile.ZIP_LZMA,
)  # fmt: skip
DEEP = zipped(("model.json", b"[" * 200_000), ("model.safetensors", WEIGHTS))
PICKLE = b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94."


@pytest.mark.parametrize(
    "make_file",
    [
        pytest.param(lambda: b"hello", id="no zip"),
        pytest.param(lambda: model_zip()[:-30], id="cut short"),
        pytest.param(lambda: model_zip()[200:], id="begun late"),
        pytest.param(commented, id="with a comment"),
        pytest.param(damaged, id="checksum"),
        pytest.param(encrypted, id="encrypted"),
        pytest.param(lambda: LZMA, id="packed otherwise"),
        pytest.param(lambda: zipped(("model.json", b"{}")), id="no weights"),
        pytest.param(lambda: model_zip(None, WEIGHTS, ("run.py", b"")), id="another file"),
        pytest.param(lambda: model_zip(None, WEIGHTS, ("../CARD.md", b"")), id="a path"),
        pytest.param(lambda: DEEP, id="nested"),
        pytest.param(lambda: model_zip([]), id="no card"),
        pytest.param(lambda: model_zip({**CARD, "weights_sha256": "0" * 64}), id="other weights"),
        pytest.param(lambda: other_weights(PICKLE), id="pickle"),
        pytest.param(lambda: other_weights(WEIGHTS[:-1]), id="weights cut short"),
        pytest.param(
            lambda: zipped(*((f"{number}", b"") for number in range(2000))), id="many entries"
        ),
    ],
)  # fmt: skip
def test_what_is_no_models_zip_is_refused_with_what_to_hand_in(
    make_file: Callable[[], bytes],
) -> None:
    with pytest.raises(Invalid) as refused:
        bundle.bundle_read(io.BytesIO(make_file()), "a.zip")
    assert refused.value.code == "bad_bundle"
    assert "Download the model" in refused.value.message
    assert list(storage.all_blobs()) == [], "nothing of it is kept"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name_are_refused() -> None:
    content = model_zip(None, WEIGHTS, ("model.json", b"{}"))
    with pytest.raises(Invalid) as refused:
        bundle.bundle_read(io.BytesIO(content), "a.zip")
    assert refused.value.code == "bad_bundle"


def test_a_file_is_bounded_before_and_after_it_is_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entries = (("model.json", json.dumps(CARD).encode()), ("model.safetensors", bytes(10_000)))
    small = zipped(*entries, packed=zipfile.ZIP_DEFLATED)
    monkeypatch.setitem(bundle.LARGEST, "model.safetensors", 9_999)
    monkeypatch.setitem(bundle.LARGEST, "CARD.md", 0)
    monkeypatch.setitem(bundle.LARGEST, "model.json", 1000)
    monkeypatch.setattr(bundle, "LISTING", 200)
    assert len(small) < 1000
    for content in (small, zipped(*entries), bytes(100_000)):
        with pytest.raises(Invalid) as refused:
            bundle.bundle_read(io.BytesIO(content), "a.zip")
        assert refused.value.code == "bundle_large"


def test_an_entry_gives_no_more_than_it_says_it_has() -> None:
    """A header that says too little does not make its content come unbounded."""
    entries = (("model.json", b"{}"), ("model.safetensors", bytes(100_000)))
    packed = bytearray(zipped(*entries, packed=zipfile.ZIP_DEFLATED))
    size = (100_000).to_bytes(4, "little")
    while size in packed:
        place = packed.index(size)
        packed[place : place + 4] = (10).to_bytes(4, "little")
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        entry = archive.getinfo("model.safetensors")
        with pytest.raises(zipfile.BadZipFile, match="CRC"):
            bundle._content(archive, entry)


@pytest.fixture
def manager() -> User:
    return make.user("manager")


def refusal(campaign: Campaign, actor: User, content: bytes, **asked: Any) -> Invalid:
    handed = bundle.bundle_read(io.BytesIO(content), "a.zip")
    with pytest.raises(Invalid) as refused:
        trigger.run_request(
            campaign=campaign, actor=actor, handed=handed, **{"start": "file", **asked}
        )
    return refused.value


def test_a_models_file_is_held_to_the_rules_of_a_donor(manager: User) -> None:
    own = make.campaign(manager, tasks=4)
    before = set(storage.all_blobs())
    found = refusal(own, manager, model_zip(), changes={"preset": "cpu"})
    assert found.code == "donor_network"
    assert "choose the network tiny" in found.message
    odd = {**CARD, "architecture": {"kind": "unet", "widths": [5, 10]}}
    assert "take another model" in refusal(own, manager, model_zip(odd)).message
    Image.objects.filter(tasks__campaign=own).update(channels=3)
    found = refusal(own, manager, model_zip())
    assert (found.code, "1 channel(s)" in found.message) == ("donor_channels", True)
    for start in ("auto", "scratch", "transfer", "pretrained"):
        assert refusal(own, manager, model_zip(), start=start).code == "bundle_start"
    with pytest.raises(Invalid) as missing:
        trigger.run_request(campaign=own, actor=manager, start="file")
    assert missing.value.code == "bundle_start"
    assert not TrainingRun.objects.exists()
    assert set(storage.all_blobs()) == before, "nothing of it is kept"


@pytest.mark.parametrize(
    "change",
    [
        {"architecture": []}, {"architecture": {"widths": "wide"}}, {"architecture": None},
        {"architecture": {"unknown": 1}}, {"preprocessing": {}}, {"preprocessing": []},
        {"preprocessing": {"channels": 3}}, {"architecture": {"widths": []}},
    ],
)  # fmt: skip
def test_a_card_that_says_too_little_is_refused(manager: User, change: dict[str, Any]) -> None:
    own = make.campaign(manager, tasks=4)
    assert refusal(own, manager, model_zip({**CARD, **change})).code == "bundle_card"


def test_the_zip_of_an_ensemble_is_no_single_model(manager: User) -> None:
    content = zipped(
        ("ensemble.json", b"{}"), ("fold-0/model.json", b"{}"),
        ("fold-0/model.safetensors", WEIGHTS),
    )  # fmt: skip
    with pytest.raises(Invalid) as refused:
        bundle.bundle_read(io.BytesIO(content), "a.zip")
    assert refused.value.code == "bundle_several"
    marked = {**CARD, "members": 3}
    assert refusal(make.campaign(manager, tasks=4), manager, model_zip(marked)).code == (
        "donor_network"
    )


def test_a_refused_file_is_answered_in_json_and_only_managers_hand_one_in(manager: User) -> None:
    reviewer = make.user("reviewer")
    make.campaign(manager, reviewers=[reviewer], tasks=4)
    for person, status, code in ((manager, 422, "bad_bundle"), (reviewer, 403, "forbidden")):
        asked = {"start": "file", "file": SimpleUploadedFile("m.zip", b"no zip")}
        answer = make.client(person).post("/api/v1/campaigns/brain/runs", asked, format="multipart")
        assert (answer.status_code, answer.json()["code"]) == (status, code)
