"""Campaigns of discs on noise that are read and really trained, in seconds.

In some the discs are drawn, in others it is asked whether there is one.
"""

import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import make
from annotations.campaigns import images_join
from annotations.models import Campaign, Task
from annotations.queue import order_publish
from annotations.submit import Said, Submission, annotation_submit
from reticle import storage
from reticle.accounts.models import User
from reticle.images.models import Image
from reticle.pixels.mask import pack
from training import fit, predict, trigger
from training.models import ModelVersion, TrainingRun

SIZE = 64
TINY = {
    "preset": "tiny", "epochs": 3, "minimum_steps": 60, "minimum_total": 6, "minimum_new": 6,
    "minimum_held_out": 2, "cooldown_seconds": 0,
}  # fmt: skip
SMALL = 32  # where only questions are asked
NOTHING_DRAWN = np.zeros((SMALL, SMALL), np.uint8)
ANSWERS = {
    "epochs": 4, "minimum_steps": 120, "minimum_total": 8, "minimum_new": 8,
    "minimum_held_out": 3, "cooldown_seconds": 0,
}  # fmt: skip


def disc(image: Image) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Give an image bright grey and brighter white discs on noise; return the true mask."""
    # By what it is of, and not by its key: keys go on from test to test, and the picture is to be
    # the same one in whatever order they run.
    rng = np.random.default_rng([image.index, *image.series.study.patient_key.encode()])
    ys, xs = np.mgrid[0:SIZE, 0:SIZE]
    drawn = np.zeros((SIZE, SIZE), np.uint8)
    for value, radius in ((1, 14), (2, 8)):
        cy, cx = rng.integers(18, SIZE - 18, 2)
        drawn[(ys - cy) ** 2 + (xs - cx) ** 2 < radius**2] = value
    pixels = rng.normal(200, 40, (SIZE, SIZE)) + drawn * 500.0
    image.sha256 = storage.put(pixels.clip(0, 4095).astype("<u2").tobytes())
    image.save()
    return drawn


def campaign(
    manager: User, reader: User, slug: str = "brain", *, patients: int = 9, read: int = 12,
    **training: object,
) -> Campaign:  # fmt: skip
    """A campaign of three images a patient, of which `read` are settled, each as it truly is."""
    made = make.campaign(
        manager, slug=slug, readers=[reader], training={**TINY, **training}, blind_share=0.0,
        suggestion_dice=0.2,
    )  # fmt: skip
    for number in range(patients):
        images = make.images(3, patient=f"{slug}-{number}", rows=SIZE, columns=SIZE)
        images_join(actor=manager, campaign=made, images=images)
    order_publish(campaign=made, pool=[])
    settle(made, reader, read)
    for task in made.tasks.filter(state=Task.State.OPEN).select_related("image"):
        disc(task.image)
    made.refresh_from_db()
    return made


def settle(made: Campaign, reader: User, count: int) -> None:
    """Read the next cases as they truly are."""
    for _ in range(count):
        row = make.lease(made, reader)
        make.submit(row, disc(row.task.image))


def has_disc(image: Image) -> bool:
    """Whether an image was given a disc: every second one of a patient."""
    return image.index % 2 == 0


def disc_or_none(image: Image) -> None:
    """Give an image noise, and a bright disc or none."""
    # Not by its key: keys go on from test to test.
    rng = np.random.default_rng([image.index, *image.series.study.patient_key.encode()])
    pixels = rng.normal(200, 30, (SMALL, SMALL))
    if has_disc(image):
        ys, xs = np.mgrid[0:SMALL, 0:SMALL]
        cy, cx = rng.integers(10, SMALL - 10, 2)
        pixels[(ys - cy) ** 2 + (xs - cx) ** 2 < 49] += 900
    image.sha256 = storage.put(pixels.clip(0, 4095).astype("<u2").tobytes())
    image.save()


def asking(
    manager: User, reader: User, slug: str = "brain", *, questions: Sequence[Mapping[str, object]],
    training: Mapping[str, object],
) -> Campaign:  # fmt: skip
    """Nine patients of four images, three of them held out; nothing is answered yet."""
    made = make.campaign(
        manager, slug=slug, readers=[reader], kind="classification", questions=questions,
        training=training, blind_share=0.0, suggestion_dice=0.6, random_share=0.0,
        strategy="entropy",
    )  # fmt: skip
    for number in range(9):
        images = make.images(4, patient=f"P-{number}", rows=SMALL, columns=SMALL)
        for image in images:
            disc_or_none(image)
        images_join(actor=manager, campaign=made, images=images)
    order_publish(campaign=made, pool=[])
    made.refresh_from_db()
    return made


def hand_in(made: Campaign, reader: User, findings: dict[str, object] | None = None) -> Submission:
    """Answer the next case: as it truly is, to a first question that is called "Disc"."""
    row = make.lease(made, reader)
    truth = {"disc": "seen" if has_disc(row.task.image) else "none"}
    return annotation_submit(
        assignment=row, token=row.token, key=uuid.uuid4(), packed=pack(NOTHING_DRAWN), seconds=2,
        said=Said(truth if findings is None else findings),
    )  # fmt: skip


def executed(run: TrainingRun | None) -> TrainingRun:
    """Claim the run and take it to its end."""
    assert run is not None
    claimed = fit.run_claim()
    assert claimed is not None
    assert claimed.pk == run.pk
    return fit.run_execute(claimed)


def trained(made: Campaign, actor: User, **asked: object) -> ModelVersion:
    """Train now; return the model."""
    run = executed(trigger.run_request(campaign=made, actor=actor, **asked))  # type: ignore[arg-type]
    assert (run.state, run.error) == (TrainingRun.State.SUCCEEDED, "")
    return ModelVersion.objects.get(run=run)


def trained_once() -> None:
    """A campaign with a champion, for the keeper."""
    manager = make.user("manager")
    trained(campaign(manager, make.user("reader")), manager)


def scored_once() -> None:
    """Its scores and suggestions, for the keeper to add."""
    scored = predict.scoring_claim()
    assert scored is not None
    predict.scoring_run(scored)


@contextmanager
def killed_after(checkpoint: Path, output: Path | None = None) -> Iterator[None]:
    """Kill the training child by signal as soon as the checkpoint is there.

    `output` is the folder that the child was called with, if not the checkpoint's.
    """
    killer = threading.Thread(target=_kill_after, args=(checkpoint, output or checkpoint.parent))
    killer.start()
    yield
    killer.join()


def _kill_after(checkpoint: Path, folder: Path) -> None:
    deadline = time.monotonic() + 300  # a machine under load trains slowly
    while time.monotonic() < deadline:
        if checkpoint.exists() and _killed(folder):
            return
        time.sleep(0.02)


def _killed(folder: Path) -> bool:
    """Kill a process that trains into this folder; False when there is none (yet)."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        trains = b"training.ml" in command and b"torch.distributed.run" not in command
        if trains and str(folder).encode() in command:
            os.kill(int(entry.parent.name), signal.SIGKILL)
            return True
    return False
