"""Fill a fresh installation for `surface.py`: one campaign a size and bit depth."""

import json
import sys
import uuid

import django
import numpy as np
import numpy.typing as npt

django.setup()

from annotations import campaigns  # noqa: E402
from annotations.models import Campaign  # noqa: E402
from annotations.queue import order_publish  # noqa: E402
from reticle import storage  # noqa: E402
from reticle.accounts.models import User  # noqa: E402
from reticle.config.management.commands import demo  # noqa: E402
from reticle.images.models import Image, Series, Study  # noqa: E402


def picture(size: int, bits: int) -> npt.NDArray[np.unsignedinteger]:
    """Smooth tissue with noise over it; 12 of the 16 bits are used, as scanners do."""
    rng = np.random.default_rng(size + bits)
    y, x = np.mgrid[0:size, 0:size] / size
    smooth = 0.5 + 0.2 * np.sin(9 * x + 4 * y) + 0.2 * np.cos(7 * y - 5 * x * x)
    noisy: npt.NDArray[np.float64] = np.clip(smooth + rng.normal(0, 0.02, (size, size)), 0, 1)
    if bits == 8:
        return (255 * noisy).astype(np.uint8)
    return (4095 * noisy).astype(np.uint16)


def images(size: int, bits: int, count: int) -> list[Image]:
    """Make `count` different images of one patient each: one picture, rolled."""
    first = picture(size, bits)
    made = []
    for number in range(count):
        study = Study.objects.create(uid=uuid.uuid4().hex, patient_key=f"P-{size}-{bits}-{number}")
        series = Series.objects.create(study=study, uid=uuid.uuid4().hex, modality="MR")
        pixels = np.roll(first, 7 * number, axis=0)
        made.append(
            Image.objects.create(
                series=series, index=0, sha256=storage.put(pixels.tobytes()), rows=size,
                columns=size, dtype=str(pixels.dtype), bits=8 if bits == 8 else 12,
            )
        )  # fmt: skip
    return made


def fill(manager: User, reader: User, size: int, bits: int, count: int) -> None:
    made = campaigns.campaign_create(
        actor=manager, slug=f"s{size}-{bits}", name=f"{size} px, {bits} bit",
        training={"enabled": 0}, suggestions=False,
        classes=[{"name": "organ"}, {"name": "vessel"}, {"name": "lesion"}],
    )  # fmt: skip
    campaigns.member_set(
        actor=manager, campaign=made, user=reader, roles=demo.PEOPLE[reader.username]
    )
    campaigns.images_join(actor=manager, campaign=made, images=images(size, bits, count))
    order_publish(campaign=made, pool=[])
    campaigns.campaign_set_state(actor=manager, campaign=made, state=Campaign.State.OPEN)


def main(options: list[tuple[int, int, int]]) -> None:
    people = {name: demo.Command()._person(name) for name in demo.PEOPLE}
    for size, bits, count in options:
        fill(people["manager"], people["reader"], size, bits, count)


main(json.loads(sys.argv[1]))
