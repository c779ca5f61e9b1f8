"""Export: what leaves is exactly what was settled, read back by an independent reader."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.utils.timezone import now
from PIL import Image as Picture
from pycocotools import mask as coco_mask
from pytest_django.fixtures import Settings

import make
from annotations.export import (
    ClaimLost,
    _beating,
    export_claim,
    export_create,
    export_path,
    export_run,
    run_lengths,
)
from annotations.models import Campaign, Export, Task
from reticle.pixels.mask import unpack

pytestmark = pytest.mark.django_db
DIED = "The worker ended three times during this export."


@pytest.fixture
def campaign() -> Campaign:
    manager, reader = make.user("manager"), make.user("Zxreaderzx")
    made = make.campaign(manager, tasks=4, readers=[reader])
    rng = np.random.default_rng(0)
    for _ in range(3):
        drawn = rng.choice([0, 1, 2, 255], (make.ROWS, make.COLUMNS)).astype(np.uint8)
        make.submit(make.lease(made, reader), drawn)
    return made


def export(campaign: Campaign) -> zipfile.ZipFile:
    export_create(campaign=campaign, actor=None)
    row = export_claim()
    assert row is not None
    done = export_run(row)
    assert (done.state, done.cases) == (Export.State.DONE, 3)
    body = export_path(done).read_bytes()
    assert hashlib.sha256(body).hexdigest() == done.sha256
    return zipfile.ZipFile(io.BytesIO(body))


def test_png_masks_and_coco_equal_what_was_settled(campaign: Campaign) -> None:
    archive = export(campaign)
    manifest = json.loads(archive.read("manifest.json"))
    coco = json.loads(archive.read("coco.json"))
    assert len(manifest["cases"]) == 3
    for case in manifest["cases"]:
        task = Task.objects.select_related("settled").get(image_id=case["image"])
        assert task.settled is not None
        truth = unpack(bytes(task.settled.packed), make.ROWS, make.COLUMNS)
        picture = np.asarray(Picture.open(io.BytesIO(archive.read(case["mask"]))))
        assert np.array_equal(picture, truth)
        for row in (r for r in coco["annotations"] if r["image_id"] == case["image"]):
            packed = coco_mask.frPyObjects(row["segmentation"], make.ROWS, make.COLUMNS)
            decoded = coco_mask.decode(packed).astype(bool)
            assert np.array_equal(decoded, truth == row["category_id"])
            assert row["area"] == int(coco_mask.area(packed))
            assert row["bbox"] == coco_mask.toBbox(packed).tolist()
    assert sorted(row["id"] for row in coco["annotations"]) == list(range(1, 7))


def test_the_manifest_names_the_hash_of_every_file(campaign: Campaign) -> None:
    archive = export(campaign)
    hashes = json.loads(archive.read("manifest.json"))["files"]
    assert set(hashes) == set(archive.namelist()) - {"manifest.json"}
    for name, sha256 in hashes.items():
        assert hashlib.sha256(archive.read(name)).hexdigest() == sha256


def test_the_same_labels_give_the_same_bytes_and_no_reader_is_named(campaign: Campaign) -> None:
    first, second = export(campaign), export(campaign)
    for name in first.namelist():
        assert first.read(name) == second.read(name)
        assert b"Zxreaderzx" not in first.read(name)


def claimed() -> Export:
    """Claim the export anew, as a second worker does when the first one's claim has run out."""
    Export.objects.filter(state=Export.State.RUNNING).update(claimed_until=now())
    row = export_claim()
    assert row is not None
    return row


def files() -> set[str]:
    return {path.name for path in Path(django_settings.EXPORT_FOLDER).iterdir()}


def test_a_worker_that_writes_keeps_its_claim_and_one_that_lost_it_stops(
    campaign: Campaign, settings: Settings
) -> None:
    settings.HEARTBEAT_SECONDS = 0
    export_create(campaign=campaign, actor=None)
    row = claimed()
    tasks = _beating(row, campaign.tasks.all())
    for _ in range(2):
        Export.objects.update(claimed_until=now())
        next(tasks)
        assert export_claim() is None, "the claim was prolonged"
    assert claimed().attempt == 2
    with pytest.raises(ClaimLost):
        next(tasks)


def test_what_a_worker_makes_that_was_overtaken_is_dropped(campaign: Campaign) -> None:
    export_create(campaign=campaign, actor=None)
    slow, quick = claimed(), claimed()
    left = export_run(slow)
    assert (left.state, left.attempt, left.file) == (Export.State.RUNNING, 2, "")
    assert files() == set()
    Campaign.objects.update(name="Renamed meanwhile")  # the second one's file has other bytes
    done = export_run(quick)
    assert (done.state, done.error) == (Export.State.DONE, "")
    again = export_run(slow)
    assert (again.finished_at, again.sha256) == (done.finished_at, done.sha256)
    assert hashlib.sha256(export_path(done).read_bytes()).hexdigest() == done.sha256
    assert files() == {done.file}


def test_an_export_whose_worker_ended_three_times_has_failed_for_good(campaign: Campaign) -> None:
    export_create(campaign=campaign, actor=None)
    *_, third, fourth = (claimed() for _ in range(4))
    failed = export_run(fourth)
    assert (failed.state, failed.error) == (Export.State.FAILED, DIED)
    late = export_run(third)
    assert (late.state, late.error, late.file) == (Export.State.FAILED, DIED, "")
    assert export_claim() is None
    assert files() == set()


def test_the_command_makes_its_export_itself(campaign: Campaign, tmp_path: Path) -> None:
    call_command(
        "export_labels", str(tmp_path / "a.zip"), campaign=campaign.slug, stdout=io.StringIO()
    )
    row = Export.objects.get()
    assert (row.state, row.attempt, row.cases) == (Export.State.DONE, 1, 3)
    assert (tmp_path / "a.zip").read_bytes() == export_path(row).read_bytes()


@pytest.mark.parametrize("values", [[[1, 0], [1, 1]], [[0, 0], [0, 0]], [[1, 1], [1, 1]]])
def test_run_lengths_begin_with_the_zeros(values: list[list[int]]) -> None:
    inside = np.array(values, bool)
    packed = coco_mask.frPyObjects({"size": [2, 2], "counts": run_lengths(inside)}, 2, 2)
    assert np.array_equal(coco_mask.decode(packed).astype(bool), inside)


def test_an_export_in_the_making_is_not_downloaded(campaign: Campaign) -> None:
    row = export_create(campaign=campaign, actor=None)
    client = make.client(campaign.members.get(role="manager").user)
    assert client.get(f"/api/v1/exports/{row.pk}/file").status_code == 409
    claimed = export_claim()
    assert claimed is not None
    export_run(claimed)
    answer = client.get(f"/api/v1/exports/{row.pk}/file")
    body = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert body == export_path(Export.objects.get(pk=row.pk)).read_bytes()
