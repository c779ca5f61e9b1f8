"""STEP picture: examples for a campaign's guideline, read in the sandbox and encoded anew."""

import io
import tempfile
from pathlib import Path

import numpy as np
from django.conf import settings
from django.db import transaction
from PIL import Image as Drawn

from annotations.models import Campaign, Picture
from reticle import storage
from reticle.accounts.models import User
from reticle.audit.record import record
from reticle.errors import Conflict, Invalid
from reticle.pixels.sandbox import Rejected, Sandbox
from reticle.pixels.series import Pixels
from reticle.pixels.window import percentile_window, to_8bit

MAX_BYTES = 10 * 2**20
MAX_SIDE = 1600  # pixels; larger pictures are made smaller
MAX_PICTURES = 100  # of one campaign
WALL_SECONDS, CPU_SECONDS, MEMORY_BYTES = 30.0, 20, 2**30
_KINDS = {b"\x89PNG\r\n\x1a\n": ("PNG", "image/png"), b"\xff\xd8\xff": ("JPEG", "image/jpeg")}


def picture_add(*, actor: User, campaign: Campaign, sent: bytes) -> Picture:
    """Keep a PNG or JPEG for the guideline; the same picture twice is one row.

    It is decoded in a child process with limits and encoded from its pixels, so that names, places
    and comments in the file are gone. Raises Invalid (no such picture, too large) and Conflict (the
    campaign has too many).
    """
    if len(sent) > MAX_BYTES:
        raise Invalid(
            f"A picture may have {MAX_BYTES // 2**20} MB.", code="picture_large",
            detail={"file": "too large"},
        )  # fmt: skip
    kinds = [kind for start, kind in _KINDS.items() if sent.startswith(start)]
    if not kinds:
        raise Invalid(
            "A picture is a PNG or JPEG file.", code="bad_picture", detail={"file": "kind"}
        )
    form, media_type = kinds[0]
    drawn = _drawn(_pixels(sent))
    buffer = io.BytesIO()
    drawn.save(buffer, form)
    return _keep(actor, campaign, buffer.getvalue(), media_type, drawn.size)


@transaction.atomic
def _keep(
    actor: User, campaign: Campaign, body: bytes, media_type: str, size: tuple[int, int]
) -> Picture:
    Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    sha256 = storage.put(body)
    known = campaign.pictures.filter(sha256=sha256).first()
    if known is not None:
        return known
    if campaign.pictures.count() >= MAX_PICTURES:
        raise Conflict(
            f"A guideline may have {MAX_PICTURES} pictures. Remove one first.",
            code="many_pictures",
        )
    row = Picture.objects.create(
        campaign=campaign, sha256=sha256, media_type=media_type, width=size[0], height=size[1]
    )
    record(actor_id=actor.pk, action="picture.add", target=row, campaign_id=campaign.pk)
    return row


@transaction.atomic
def picture_remove(*, actor: User, picture: Picture) -> None:
    """Take a picture out of the guideline: nobody is shown it any more.

    Its bytes stay in the store, as those of all blobs do.
    """
    record(
        actor_id=actor.pk, action="picture.remove", target=picture,
        campaign_id=picture.campaign_id, sha256=picture.sha256,
    )  # fmt: skip
    picture.delete()


def _pixels(sent: bytes) -> Pixels:
    """Decode in the sandbox: (rows, columns[, 3]). Raises Invalid."""
    sandbox = Sandbox(
        settings.PSEUDONYM_KEY, memory_bytes=MEMORY_BYTES, cpu_seconds=CPU_SECONDS,
        wall_seconds=WALL_SECONDS,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, sandbox:
        path = Path(folder) / "picture"
        path.write_bytes(sent)
        answer = sandbox.parse(path, "picture")
    if isinstance(answer, Rejected):
        raise Invalid(
            f"This picture cannot be read: {answer.message}.", code="bad_picture",
            detail={"file": answer.code},
        )  # fmt: skip
    return answer.series[0].frames[0].pixels


def _drawn(pixels: Pixels) -> Drawn.Image:
    """Return an 8-bit picture of at most MAX_SIDE a side; deeper grey is windowed."""
    if pixels.dtype != np.uint8:
        pixels = to_8bit(pixels, *percentile_window(pixels))
    picture = Drawn.fromarray(np.ascontiguousarray(pixels))
    picture.thumbnail((MAX_SIDE, MAX_SIDE))
    return picture
