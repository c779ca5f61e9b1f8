"""Import: real files through the sandbox into rows, tasks and blobs."""

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import IntegrityError, connection
from django.test import Client
from django.test.client import encode_multipart
from django.test.utils import CaptureQueriesContext
from PIL import Image as Picture
from pydicom.data import get_testdata_file
from pydicom.uid import UID
from pytest_django.fixtures import Settings

import make
from annotations.join import import_create, import_join, import_now, imports_join
from annotations.models import Campaign, Import
from reticle.accounts.models import User
from reticle.images.intake import intake_claim, intake_run, series_store
from reticle.images.models import Image, IntakeItem, ReferenceMask, Series
from reticle.images.render import samples
from reticle.pixels.mask import unpack
from reticle.pixels.sandbox import Parsed, Sandbox
from reticle.pixels.series import SeriesData

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return make.campaign(make.user("manager"))


def bring(campaign: Campaign, *paths: Path) -> Import:
    files = [(path.name, path) for path in paths]
    row = import_create(campaign=campaign, actor=None, source="command", files=files)
    return import_now(row)


def states(row: Import) -> dict[str, str]:
    return dict(row.intake.items.values_list("name", "state"))


def png16(path: Path, seed: int = 0) -> np.ndarray[tuple[int, int], np.dtype[np.uint16]]:
    pixels = np.random.default_rng(seed).integers(0, 65536, (20, 30), dtype=np.uint16)
    Picture.fromarray(pixels).save(path)
    return pixels


def _nifti(array: npt.NDArray[Any], affine: npt.NDArray[np.float64]) -> Any:
    return nibabel.Nifti1Image(array, affine)  # type: ignore[no-untyped-call]


def test_sixteen_bits_stay_sixteen_bits(campaign: Campaign, tmp_path: Path) -> None:
    pixels = png16(tmp_path / "a.png")
    bring(campaign, tmp_path / "a.png")
    image = Image.objects.get()
    assert image.dtype == "uint16"
    assert np.array_equal(samples(image), pixels)


def test_a_volume_becomes_a_series_with_its_hidden_masks(
    campaign: Campaign, tmp_path: Path
) -> None:
    rng = np.random.default_rng(1)
    volume = rng.integers(0, 4000, (16, 18, 5)).astype(np.int16)
    labels = (volume > 2000).astype(np.uint8)
    affine = np.diag([1.0, 1.0, 4.0, 1.0])
    nibabel.save(_nifti(volume, affine), tmp_path / "case.nii.gz")
    nibabel.save(_nifti(labels, affine), tmp_path / "case.mask.nii.gz")
    (tmp_path / "case.json").write_text(json.dumps({"patient": "Ann Example", "sex": "F"}))
    bring(campaign, *sorted(tmp_path.glob("case*")))
    series = Series.objects.get()
    assert series.images.count() == campaign.tasks.count() == 5
    assert series.attributes["sex"] == "F"
    assert "Ann" not in series.study.patient_key
    for image in series.images.all():
        mask = unpack(bytes(image.reference.packed), image.rows, image.columns)
        assert np.array_equal(mask, (samples(image) > 2000).astype(np.uint8))


def test_the_same_bytes_twice_are_a_duplicate_that_joins_another_campaign(
    campaign: Campaign, tmp_path: Path
) -> None:
    png16(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    row = bring(campaign, tmp_path / "a.png", tmp_path / "b.png")
    assert states(row) == {"a.png": "accepted", "b.png": "duplicate"}
    other = make.campaign(User.objects.get(username="manager"), slug="other")
    bring(other, tmp_path / "a.png")
    assert Image.objects.count() == other.tasks.count() == 1


@pytest.mark.parametrize("left", [None, b"", b"\x1f\x8b damaged"])
def test_samples_that_were_lost_are_put_back_by_the_same_file(
    campaign: Campaign, tmp_path: Path, settings: Settings, left: bytes | None
) -> None:
    pixels = png16(tmp_path / "a.png")
    bring(campaign, tmp_path / "a.png")
    image = Image.objects.get()
    blob = Path(settings.BLOB_FOLDER) / image.sha256[:2] / f"{image.sha256}.gz"
    if left is None:
        blob.unlink()
    else:
        blob.write_bytes(left)
    item = bring(campaign, tmp_path / "a.png").intake.items.get()
    assert (item.state, item.code, item.images) == ("duplicate", "mended", [image.pk])
    assert np.array_equal(samples(image), pixels)
    assert bring(campaign, tmp_path / "a.png").intake.items.get().code == "duplicate"


def test_a_known_instance_in_other_bytes_joins_another_campaign_as_it_is(
    campaign: Campaign, tmp_path: Path
) -> None:
    upload(campaign, ("a.dcm", dicom(tmp_path, "1.2.3", value=1)))
    other = make.campaign(User.objects.get(username="manager"), slug="other")
    row = upload(other, ("a.dcm", dicom(tmp_path, "1.2.3", value=2)))
    item = row.intake.items.get()
    assert (item.state, item.code, "other bytes" in item.reason) == ("duplicate", "duplicate", True)
    image = Image.objects.get()
    assert other.tasks.get().image == image
    assert set(samples(image).flat) == {1}

    third = make.campaign(User.objects.get(username="manager"), slug="third")
    row = upload(third, ("a.dcm", dicom(tmp_path, "1.2.3", value=2, patient="B")))
    assert row.intake.items.get().state == "duplicate"
    assert not third.tasks.exists(), "nothing of another patient is given away"


def parsed(path: Path) -> list[SeriesData]:
    with Sandbox(b"a key for tests only") as sandbox:
        found = sandbox.parse(path, path.name)
    assert isinstance(found, Parsed)
    return found.series


@pytest.mark.django_db(transaction=True)
def test_a_file_that_two_imports_take_in_at_once_gives_its_frames_once(
    campaign: Campaign, tmp_path: Path
) -> None:
    png16(tmp_path / "a.png")
    volume = np.arange(4 * 5 * 3, dtype=np.int16).reshape(4, 5, 3)
    nibabel.save(_nifti(volume, np.eye(4)), tmp_path / "b.nii.gz")
    for path in (tmp_path / "a.png", tmp_path / "b.nii.gz"):
        both = parsed(path), parsed(path)
        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(stored, both))
        assert sorted(grown for _, grown in found) == [False, True]
        assert found[0][0] == found[1][0]
    assert Image.objects.count() == 1 + 3
    image = Image.objects.order_by("id")[0]
    image.pk, image.index = None, 7
    with pytest.raises(IntegrityError):
        image.save(force_insert=True)


def stored(parts: list[SeriesData]) -> tuple[list[int], bool]:
    try:
        images, grown = series_store(parts)
        return [image.pk for image in images], bool(grown)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_dies_before_it_says_what_a_file_gave_has_stored_nothing(
    campaign: Campaign, tmp_path: Path
) -> None:
    png16(tmp_path / "a.png")
    files = [("a.png", tmp_path / "a.png")]
    row = import_create(campaign=campaign, actor=None, source="command", files=files)
    claimed = intake_claim()
    assert claimed is not None
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE images_intakeitem ADD CONSTRAINT no CHECK (state = 'waiting')")
    with pytest.raises(IntegrityError):
        intake_run(claimed)
    assert not Series.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE images_intakeitem DROP CONSTRAINT no")
    type(claimed).objects.update(claimed_until="2001-01-01T00:00Z")
    import_now(row)
    assert states(row) == {"a.png": "accepted"}
    assert Image.objects.count() == campaign.tasks.count() == 1


def test_a_bad_file_is_rejected_with_its_reason_and_the_batch_goes_on(
    campaign: Campaign, tmp_path: Path
) -> None:
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nonsense")
    (tmp_path / "notes.txt").write_text("no image")
    png16(tmp_path / "good.png")
    row = bring(campaign, *sorted(tmp_path.glob("*.*")))
    assert states(row) == {"bad.png": "rejected", "good.png": "accepted", "notes.txt": "rejected"}
    rejected = row.intake.items.filter(state="rejected")
    assert all(item.code and item.reason for item in rejected)


def test_dicom_frames_of_many_files_become_one_series_in_order(
    campaign: Campaign, tmp_path: Path
) -> None:
    from reticle.demo.cohort import make_cohort

    make_cohort(tmp_path, patients=1, slices=4, size=64, dicom=True)
    files = sorted(path for path in tmp_path.rglob("*.dcm"))
    assert len(files) == 4
    bring(campaign, *reversed(files))
    series = Series.objects.get()
    found = series.images.order_by("index").values_list("position", flat=True)
    positions = [position for position in found if position is not None]
    assert len(positions) == 4
    assert positions == sorted(positions)
    assert list(series.images.order_by("index").values_list("index", flat=True)) == [0, 1, 2, 3]


def test_a_ct_keeps_its_signed_samples_and_its_scale(campaign: Campaign) -> None:
    bring(campaign, Path(str(get_testdata_file("CT_small.dcm"))))
    image = Image.objects.select_related("series").get()
    assert (image.series.modality, image.dtype, image.intercept) == ("CT", "int16", -1024.0)


def test_a_worker_that_died_in_the_middle_is_continued_by_another(
    campaign: Campaign, tmp_path: Path
) -> None:
    png16(tmp_path / "a.png", 1)
    png16(tmp_path / "b.png", 2)
    files = [(path.name, path) for path in sorted(tmp_path.glob("*.png"))]
    row = import_create(campaign=campaign, actor=None, source="command", files=files)
    claimed = intake_claim()
    assert claimed is not None
    assert intake_claim() is None, "a claimed batch belongs to one worker"
    row.intake.items.filter(name="a.png").update(state=IntakeItem.State.REJECTED)
    type(claimed).objects.update(claimed_until="2001-01-01T00:00Z")
    again = intake_claim()
    assert again is not None
    intake_run(again)
    assert states(row) == {"a.png": "rejected", "b.png": "accepted"}
    assert (imports_join(), imports_join()) == (1, 0)
    assert import_join(row) == 0


@pytest.mark.django_db(transaction=True)
def test_series_that_were_in_before_a_worker_died_are_in_order_too(
    campaign: Campaign, tmp_path: Path
) -> None:
    from reticle.demo.cohort import make_cohort

    make_cohort(tmp_path, patients=2, slices=4, size=64, dicom=True)
    files = sorted(tmp_path.rglob("*.dcm"), reverse=True)
    assert len(files) == 8
    sent = [(f"{number}.dcm", path) for number, path in enumerate(files)]
    row = import_create(campaign=campaign, actor=None, source="command", files=sent)
    claimed = intake_claim()
    assert claimed is not None
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE images_intakeitem ADD CONSTRAINT no"
            " CHECK (name <> '6.dcm' OR state = 'waiting')"
        )
    with pytest.raises(IntegrityError):
        intake_run(claimed)
    assert Series.objects.count() == 2
    assert Image.objects.count() == 6, "it died in the middle of the second series"
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE images_intakeitem DROP CONSTRAINT no")
    type(claimed).objects.update(claimed_until="2001-01-01T00:00Z")
    import_now(row)
    assert set(states(row).values()) == {"accepted"}
    for series in Series.objects.all():
        found = series.images.order_by("index").values_list("index", "position")
        positions = [position for _, position in found if position is not None]
        assert [index for index, _ in found] == list(range(4))
        assert positions == sorted(set(positions))


def test_an_upload_of_a_zip_is_unpacked_and_its_bytes_are_erased(
    campaign: Campaign, tmp_path: Path
) -> None:
    png16(tmp_path / "a.png")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.write(tmp_path / "a.png", "../../Doe^Jane/a.png")
    buffer.seek(0)
    buffer.name = "all.zip"
    client = Client()
    client.force_login(User.objects.get(username="manager"))
    answer = client.post(f"/api/v1/campaigns/{campaign.slug}/imports", {"files": buffer})
    assert answer.status_code == 201, answer.content
    row = Import.objects.get(pk=answer.json()["id"])
    import_now(row)
    detail = client.get(f"/api/v1/imports/{row.pk}").json()
    assert detail["state"] == "joined"
    assert [item["state"] for item in detail["items"]] == ["accepted", "accepted"]
    assert campaign.tasks.count() == 1
    from django.conf import settings

    assert not [path for path in settings.INTAKE_FOLDER.rglob("*") if path.is_file()]


def upload(campaign: Campaign, *files: tuple[str, bytes]) -> Import:
    client = make.client(User.objects.get(username="manager"))
    sent = {"files": [SimpleUploadedFile(name, body) for name, body in files]}
    path = f"/api/v1/campaigns/{campaign.slug}/imports"
    answer = client.post(path, sent, format="multipart")
    assert answer.status_code == 201, answer.content
    return import_now(Import.objects.get(pk=answer.json()["id"]))


def test_imports_are_numbered_by_their_campaign(campaign: Campaign) -> None:
    manager = User.objects.get(username="manager")
    other = make.campaign(manager, slug="other")
    rows = [upload(each, ("a.png", b"no picture")) for each in (other, campaign, campaign)]
    client = make.client(manager)
    listed = client.get(f"/api/v1/campaigns/{campaign.slug}/imports").json()
    assert [(row["id"], row["number"]) for row in listed] == [(rows[2].pk, 2), (rows[1].pk, 1)]
    assert client.get(f"/api/v1/imports/{rows[2].pk}").json()["number"] == 2
    assert client.get(f"/api/v1/imports/{rows[0].pk}").json()["number"] == 1


def test_of_an_upload_that_was_cut_short_nothing_is_taken(
    campaign: Campaign, tmp_path: Path
) -> None:
    """As when it is cancelled: what had come until then would be half of it."""
    bodies: list[bytes] = []
    for name in ("a.png", "b.png"):
        png16(tmp_path / name, seed=len(bodies))
        bodies.append((tmp_path / name).read_bytes())
    sent = {
        "size": sum(map(len, bodies)),
        "files": [SimpleUploadedFile(f"{n}.png", body) for n, body in enumerate(bodies)],
    }
    whole = encode_multipart("edge", sent)
    client = Client()
    client.force_login(User.objects.get(username="manager"))
    path = f"/api/v1/campaigns/{campaign.slug}/imports"
    told = []
    for part in (whole[: len(whole) * 2 // 3], whole):
        answer = client.generic("POST", path, part, "multipart/form-data; boundary=edge")
        told.append((answer.status_code, answer.json().get("code")))
    assert told == [(422, "cut_short"), (201, None)]
    assert Import.objects.count() == 1


def dicom(tmp_path: Path, uid: str, *, value: int = 0, patient: str = "A") -> bytes:
    dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm")))
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(uid)
    dataset.PatientID = patient
    dataset.PixelData = np.full((128, 128), value, np.int16).tobytes()
    dataset.save_as(tmp_path / "made.dcm")
    return (tmp_path / "made.dcm").read_bytes()


def test_files_whose_names_differ_by_little_or_nothing_all_come_in(
    campaign: Campaign, tmp_path: Path
) -> None:
    uids = [f"1.2.826.0.1.{number}" for number in (20240501101, 20240501102, 20240501103)]
    named = [(uid, dicom(tmp_path, uid, value=at)) for at, uid in enumerate(uids)]
    cases = [(name, dicom(tmp_path, f"1.2.9.{at}")) for at, name in enumerate(("IM.dcm", "im.dcm"))]
    row = upload(campaign, *named, *cases)
    assert set(states(row).values()) == {"accepted"}
    assert campaign.tasks.count() == 5

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for at, name in enumerate(("a/7.1.1", "a/7.1.2", "b/IM1", "b/im1")):
            archive.writestr(name, dicom(tmp_path, f"1.2.10.{at}"))
    row = upload(campaign, ("all.zip", buffer.getvalue()))
    assert set(states(row).values()) == {"accepted"}
    assert campaign.tasks.count() == 9


def test_of_files_of_one_name_each_keeps_what_stands_beside_it(
    campaign: Campaign, tmp_path: Path
) -> None:
    files = []
    for number, sex in enumerate("FM"):
        png16(tmp_path / "a.png", number)
        files.append(("a.png", (tmp_path / "a.png").read_bytes()))
        told = {"patient": f"P {number}", "sex": sex}
        files.append(("a.json", json.dumps(told).encode()))
    upload(campaign, *files)
    series = Series.objects.order_by("id")
    assert [each.attributes["sex"] for each in series] == ["F", "M"]


def test_a_zip_that_unpacks_to_too_much_is_refused(campaign: Campaign, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(300 * 2**20))
    row = bring(campaign, tmp_path / "bomb.zip")
    assert row.intake.items.get().code == "too_large"


def test_a_mask_without_its_image_is_rejected(campaign: Campaign, tmp_path: Path) -> None:
    Picture.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "lost.mask.png")
    row = bring(campaign, tmp_path / "lost.mask.png")
    assert row.intake.items.get().code == "mask_without_image"
    assert not ReferenceMask.objects.exists()


def test_a_mask_belongs_to_the_image_of_its_own_folder(campaign: Campaign, tmp_path: Path) -> None:
    for number, name in enumerate(("one", "two")):
        (tmp_path / name).mkdir()
        png16(tmp_path / name / "a.png", number)
        drawn = np.full((20, 30), number + 1, np.uint8)
        Picture.fromarray(drawn).save(tmp_path / name / "a.mask.png")
    bring(campaign, *sorted(tmp_path.glob("*/*")))
    for image in Image.objects.order_by("id"):
        mask = unpack(bytes(image.reference.packed), image.rows, image.columns)
        number = image.series_id - Image.objects.order_by("id")[0].series_id
        assert set(mask.flat) == {number + 1}


def test_a_mask_whose_image_cannot_be_told_is_rejected(campaign: Campaign, tmp_path: Path) -> None:
    files = []
    for number in range(2):
        png16(tmp_path / "a.png", number)
        files.append(("a.png", (tmp_path / "a.png").read_bytes()))
    Picture.fromarray(np.zeros((20, 30), np.uint8)).save(tmp_path / "a.mask.png")
    row = upload(campaign, *files, ("a.mask.png", (tmp_path / "a.mask.png").read_bytes()))
    assert states(row) == {"a.png": "accepted", "a.mask.png": "rejected"}
    assert not ReferenceMask.objects.exists()


def test_pairing_masks_takes_as_many_statements_for_each_of_them(
    campaign: Campaign, tmp_path: Path
) -> None:
    counted = []
    for count in (1, 3):
        folder = tmp_path / str(count)
        folder.mkdir()
        for number in range(count):
            png16(folder / f"{number}.png", 10 * count + number)
            Picture.fromarray(np.zeros((20, 30), np.uint8)).save(folder / f"{number}.mask.png")
        with CaptureQueriesContext(connection) as statements:
            bring(campaign, *sorted(folder.iterdir()))
        listed = 'FROM "images_intakeitem" WHERE'
        counted.append(sum(listed in row["sql"] and "SELECT" in row["sql"] for row in statements))
    assert counted[1] - counted[0] == 2, "the look for the same bytes, once for each image"


def test_the_command_imports_a_folder(campaign: Campaign, tmp_path: Path) -> None:
    png16(tmp_path / "a.png", 1)
    png16(tmp_path / "b.png", 2)
    output = io.StringIO()
    call_command("import_images", str(tmp_path), campaign=campaign.slug, stdout=output)
    assert "2 accepted" in output.getvalue()
    assert campaign.tasks.count() == 2


CANARY = "Zxcanaryzx"


def test_no_planted_identifier_is_kept_anywhere(campaign: Campaign, tmp_path: Path) -> None:
    """A canary in names, tags and headers is found in no row and no blob."""
    from django.apps import apps

    from reticle import storage

    dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm")))
    dataset.PatientName = dataset.PatientID = dataset.InstitutionName = CANARY
    dataset.StudyDescription = dataset.SeriesDescription = CANARY
    dataset.add_new((0x0009, 0x0010), "LO", CANARY)
    dataset.save_as(tmp_path / f"{CANARY}.dcm")
    bring(campaign, tmp_path / f"{CANARY}.dcm")
    assert campaign.tasks.count() == 1
    for model in apps.get_models():
        for row in model._default_manager.all().values():
            if model is IntakeItem:
                row.pop("name")  # shown to the sender, who gave it
            assert CANARY not in repr(row), model
    for sha256 in storage.all_blobs():
        assert CANARY.encode() not in storage.read(sha256)
