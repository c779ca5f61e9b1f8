"""Example pictures of a guideline: encoded anew, limited in size, seen by members only."""

import io
import struct
import zlib

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image as Drawn
from PIL.PngImagePlugin import PngInfo

import make
from annotations.models import Campaign, Picture
from annotations.pictures import MAX_BYTES, MAX_SIDE, picture_add
from reticle import storage
from reticle.accounts.models import User
from reticle.audit.models import AuditEvent
from reticle.errors import Invalid

pytestmark = pytest.mark.django_db
NAME = b"Jane Doe 1970-01-01"


@pytest.fixture
def manager() -> User:
    return make.user("manager")


@pytest.fixture
def reader() -> User:
    return make.user("reader")


@pytest.fixture
def campaign(manager: User, reader: User) -> Campaign:
    return make.campaign(manager, tasks=1, readers=[reader])


def png(pixels: np.ndarray, words: bytes = b"") -> bytes:
    buffer, told = io.BytesIO(), PngInfo()
    if words:
        told.add_text("Comment", words.decode())
    Drawn.fromarray(pixels).save(buffer, "PNG", pnginfo=told)
    return buffer.getvalue()


def jpeg(words: bytes) -> bytes:
    buffer, exif = io.BytesIO(), Drawn.Exif()
    exif[0x010E] = words.decode()  # the description
    Drawn.fromarray(np.full((40, 60, 3), 90, np.uint8)).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def opened(row: Picture) -> Drawn.Image:
    return Drawn.open(io.BytesIO(storage.read(row.sha256)))


def test_what_a_file_says_beside_its_pixels_is_gone(manager: User, campaign: Campaign) -> None:
    colours = np.random.default_rng(1).integers(0, 255, (30, 20, 3), np.uint8)
    sent = [png(colours, NAME) + b"trailing " + NAME, jpeg(NAME)]
    for body, kind in zip(sent, ("image/png", "image/jpeg"), strict=True):
        assert NAME in body
        row = picture_add(actor=manager, campaign=campaign, sent=body)
        kept = storage.read(row.sha256)
        assert NAME not in kept
        assert (row.media_type, opened(row).size) == (kind, (row.width, row.height))
    first = campaign.pictures.get(media_type="image/png")
    assert np.array_equal(np.asarray(opened(first)), colours)
    assert picture_add(actor=manager, campaign=campaign, sent=sent[0]).pk == first.pk
    assert AuditEvent.objects.filter(action="picture.add").count() == 2


def test_deep_grey_is_windowed_and_a_large_picture_made_smaller(
    manager: User, campaign: Campaign
) -> None:
    ramp = np.tile(np.linspace(1000, 5000, 2 * MAX_SIDE).astype(np.uint16), (50, 1))
    row = picture_add(actor=manager, campaign=campaign, sent=png(ramp))
    assert (row.width, row.height) == (MAX_SIDE, 25)
    grey = np.asarray(opened(row))
    assert grey.dtype == np.uint8
    assert grey.min() < 5
    assert grey.max() > 250


def bomb() -> bytes:
    """A PNG of a few bytes that says it is enormous."""

    def chunk(name: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + check

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 10_000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "wrong",
    [
        b"GIF89a" + b"x" * 50,
        b"<svg onload='alert(1)'/>",
        b"\x89PNG\r\n\x1a\n broken",
        bomb(),
        b"\xff\xd8\xff" + b"x" * MAX_BYTES,
    ],
    ids=["gif", "svg", "broken", "bomb", "large"],
)
def test_what_is_no_sound_picture_is_refused(
    manager: User, campaign: Campaign, wrong: bytes
) -> None:
    with pytest.raises(Invalid):
        picture_add(actor=manager, campaign=campaign, sent=wrong)
    assert not Picture.objects.exists()


def test_a_manager_adds_a_picture_and_members_alone_see_it(
    manager: User, reader: User, campaign: Campaign
) -> None:
    path = f"/api/v1/campaigns/{campaign.slug}/pictures"
    pixels = np.full((8, 8), 7, np.uint8)

    def send(person: User) -> int:
        file = SimpleUploadedFile("scan.png", png(pixels), "image/png")
        return int(make.client(person).post(path, {"file": file}, format="multipart").status_code)

    assert (send(reader), send(manager)) == (403, 201)
    (told,) = make.client(reader).get(path).json()
    answer = make.client(reader).get(told["url"])
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert "private" in answer["Cache-Control"]
    assert make.client(make.user("stranger")).get(told["url"]).status_code == 404
    assert make.client(reader).delete(told["url"]).status_code == 403
    assert make.client(manager).delete(told["url"]).status_code == 204
    assert make.client(reader).get(told["url"]).status_code == 404


def test_the_guideline_is_a_field_of_its_own(
    manager: User, reader: User, campaign: Campaign
) -> None:
    path = f"/api/v1/campaigns/{campaign.slug}"
    change = {"guideline": "# Grey\n\n![so](picture:1)"}
    assert make.client(manager).patch(path, change, format="json").status_code == 200
    told = make.client(reader).get(path).json()["settings"]["guideline"]
    assert told == change["guideline"]
    long = make.client(manager).patch(path, {"guideline": "x" * 50_001}, format="json")
    assert long.status_code == 422
