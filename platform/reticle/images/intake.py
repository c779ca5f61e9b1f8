"""STEP import: files become de-identified series and frames, each file parsed in a sandbox.

A bad file is rejected with its reason and the batch goes on. The same bytes twice are a
duplicate, which points to the frames they gave the first time, and so does another file of an
instance that is here. Samples of these frames that are lost are put back from the bytes.
"""

import hashlib
import re
import shutil
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

import numpy as np
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import BigIntegerField, Count, F, Func, Max, Q
from django.utils.timezone import now

from reticle import storage
from reticle.images.models import Image, Intake, IntakeItem, ReferenceMask, Series, Study
from reticle.pixels.mask import mask_hash, pack
from reticle.pixels.sandbox import ParsedMask, Rejected, Sandbox
from reticle.pixels.series import FrameData, SeriesData

CLAIM_SECONDS = 300  # longer than the sandbox gives any one file
ATTEMPTS = 3
ZIP_FILES, ZIP_RATIO = 20_000, 200
SIDECAR = ".json"
Owners = dict[tuple[Path, str], list[list[int]]]
# Only these are endings: DICOM files are often named by a UID, whose last number is none.
ENDING = re.compile(
    r"(\.nii\.gz|\.gz|\.nii|\.png|\.jpe?g|\.tiff?|\.dcm|\.dicom|\.dic|\.ima|\.json|\.zip)?\Z", re.I
)


def is_mask(name: str) -> bool:
    """Tell whether a file name marks a reference mask: `case.mask.png`, `case.mask.nii.gz`."""
    return ".mask." in name.lower()


def is_zip(name: str) -> bool:
    """Tell whether a file holds others."""
    return name.lower().endswith(".zip")


def image_name(name: str) -> str:
    """Return the name of the image a mask belongs to, without its ending."""
    return name.lower().split(".mask.")[0]


def stem(name: str) -> str:
    """Return a file's name in lower case, without its ending if that is a known one."""
    return ENDING.sub("", name.lower(), count=1)


def sidecar_of(path: Path) -> Path | None:
    """Return the file of the same stem that holds an image's attributes as JSON, if any."""
    found = path.with_name(ENDING.sub("", path.name, count=1) + SIDECAR)
    return found if found.is_file() else None


@transaction.atomic
def intake_create(
    *, created_by_id: int | None, source: str, files: Iterable[tuple[str, Path]]
) -> Intake:
    """Queue a batch of (shown name, path). Files below the intake folder are deleted when done."""
    intake = Intake.objects.create(created_by_id=created_by_id, source=source)
    rows = [
        IntakeItem(intake=intake, name=name[-255:], path=str(path))
        for name, path in files
        if not name.lower().endswith(SIDECAR)
    ]
    IntakeItem.objects.bulk_create(rows, batch_size=1000)
    return intake


def upload_folder() -> Path:
    """Return a new folder in which uploaded files wait for the worker."""
    settings.INTAKE_FOLDER.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=settings.INTAKE_FOLDER))


def intake_claim(only: int | None = None) -> Intake | None:
    """Claim the oldest batch that waits or whose worker went silent; None when there is none.

    `only` names one batch: a command that runs its own import in its own process.
    """
    free = Q(state=Intake.State.QUEUED) | Q(state=Intake.State.RUNNING, claimed_until__lt=now())
    waiting = Intake.objects.filter(free).order_by("id")
    for intake in (waiting if only is None else waiting.filter(pk=only))[:5]:
        until = now() + timedelta(seconds=CLAIM_SECONDS)
        changed = Intake.objects.filter(free, pk=intake.pk).update(
            state=Intake.State.RUNNING, claimed_until=until, attempt=F("attempt") + 1
        )
        if changed == 1:
            intake.refresh_from_db()
            return intake
    return None


def intake_run(intake: Intake) -> None:
    """Work through the waiting files; may be called again after a crash."""
    if intake.attempt > ATTEMPTS:
        _finish(intake, Intake.State.FAILED, "The worker ended three times during this import.")
        return
    if not settings.PSEUDONYM_KEY:
        raise ImproperlyConfigured("PSEUDONYM_KEY is not set: pseudonyms need a secret key.")
    owners: Owners | None = None
    with Sandbox(settings.PSEUDONYM_KEY) as sandbox:
        for item in _waiting(intake):
            Intake.objects.filter(pk=intake.pk).update(
                claimed_until=now() + timedelta(seconds=CLAIM_SECONDS)
            )
            if is_mask(item.name) and not is_zip(item.name):
                owners = _owners(intake) if owners is None else owners  # all images are in by now
                _take_masks(item, owners, sandbox)
            else:
                _item_run(item, sandbox)
    for series_id in _series_of(intake):
        series_renumber(series_id)
    _finish(intake, Intake.State.DONE, "")


def _series_of(intake: Intake) -> list[int]:
    """Return the series of all images of a batch, also those that a worker took in which died."""
    images = intake.items.values_list(
        Func(F("images"), function="unnest", output_field=BigIntegerField())
    )
    found = Image.objects.filter(pk__in=images).order_by("series_id")
    return list(found.values_list("series_id", flat=True).distinct())


def _waiting(intake: Intake) -> Iterable[IntakeItem]:
    """Yield zips first (they add files), then images, then masks (they need their images)."""
    while True:
        items = list(intake.items.filter(state=IntakeItem.State.WAITING).order_by("id"))
        if not items:
            return
        zips = [item for item in items if is_zip(item.name)]
        images = [item for item in items if not is_mask(item.name)]
        yield from zips or images or items


def _finish(intake: Intake, state: Intake.State, error: str) -> None:
    Intake.objects.filter(pk=intake.pk).update(state=state, error=error, finished_at=now())
    folders = {Path(path).parent for path in intake.items.values_list("path", flat=True) if path}
    for folder in folders:
        if settings.INTAKE_FOLDER in folder.parents:
            shutil.rmtree(folder, ignore_errors=True)
    intake.items.update(path="")


def _item_run(item: IntakeItem, sandbox: Sandbox) -> None:
    """Take in one file that is no mask."""
    path = Path(item.path)
    if not path.is_file():
        _missing(item)
        return
    if is_zip(item.name):
        _unzip(item, path)
        return
    item.sha256 = _file_hash(path)
    first = IntakeItem.objects.filter(sha256=item.sha256, state=IntakeItem.State.ACCEPTED).first()
    if first is not None:
        duplicate = IntakeItem.State.DUPLICATE
        if _mend(item, path, first.images, sandbox):
            words = "These bytes are here already; what was lost of their images has been put back."
            _settle(item, duplicate, "mended", words, first.images)
        else:
            _settle(item, duplicate, "duplicate", "These bytes are here already.", first.images)
        return
    parsed = sandbox.parse(path, item.name, sidecar=sidecar_of(path))
    if isinstance(parsed, Rejected):
        _reject(item, parsed.code, parsed.message)
        return
    _keep(item, parsed.series)


@transaction.atomic
def _keep(item: IntakeItem, parsed: Sequence[SeriesData]) -> None:
    """Store what a file gave and say so, both or neither."""
    images, grown = series_store(parsed)
    keys = [image.pk for image in images]
    if grown:
        _settle(item, IntakeItem.State.ACCEPTED, "", "", keys)
    else:
        words = "This instance is here already, in other bytes: the first ones are used."
        _settle(item, IntakeItem.State.DUPLICATE, "duplicate", words, keys)


def _mend(item: IntakeItem, path: Path, images: Sequence[int], sandbox: Sandbox) -> bool:
    """Put samples back that are missing or damaged; tell whether there were any.

    `images` are those that the same bytes gave before.
    """
    kept = Image.objects.filter(pk__in=images).values_list("sha256", flat=True)
    lost = {sha256 for sha256 in kept if not storage.is_whole(sha256)}
    parsed = sandbox.parse(path, item.name, sidecar=sidecar_of(path)) if lost else None
    if parsed is None or isinstance(parsed, Rejected):
        return False
    found = [_samples_of(frame) for data in parsed.series for frame in data.frames]
    mended = [each for each in found if hashlib.sha256(each).hexdigest() in lost]
    for each in mended:
        storage.put_anew(each)
    return bool(mended)


def _file_hash(path: Path) -> str:
    """Return the sha256 of a file's bytes, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(2**20):
            digest.update(chunk)
    return digest.hexdigest()


def _settle(item: IntakeItem, state: str, code: str, reason: str, images: Sequence[int]) -> None:
    item.state, item.code, item.reason, item.images = state, code, reason, list(images)
    item.save(update_fields=["state", "code", "reason", "images", "sha256"])


def _reject(item: IntakeItem, code: str, reason: str) -> None:
    _settle(item, IntakeItem.State.REJECTED, code, reason, [])


def _missing(item: IntakeItem) -> None:
    _reject(item, "missing", "The file is not there any more.")


def _unzip(item: IntakeItem, path: Path) -> None:
    """Turn a zip into waiting items beside it, bounded in number, size and ratio."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [entry for entry in archive.infolist() if not entry.is_dir()]
            size = sum(entry.file_size for entry in members)
            if len(members) > ZIP_FILES or size > settings.INTAKE_MAX_BYTES:
                _reject(item, "too_large", "The zip holds too many files or unpacks too large.")
                return
            if size > ZIP_RATIO * max(path.stat().st_size, 2**20):
                _reject(item, "too_large", "The zip unpacks to a suspicious size.")
                return
            _unpack(item, archive, members)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
        _reject(item, "broken", "The zip is damaged or encrypted.")
        return
    _settle(item, IntakeItem.State.ACCEPTED, "unpacked", "", [])


def _unpack(item: IntakeItem, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> None:
    """Write members into one folder each, named by number: a member's name is never a path."""
    folder, rows = upload_folder(), []
    taken: Counter[Path] = Counter()
    for entry in members:
        shown = Path(entry.filename).name
        within = hashlib.sha256(str(Path(entry.filename).parent).encode()).hexdigest()[:16]
        with archive.open(entry) as source, staged(folder / within, shown, taken) as output:
            shutil.copyfileobj(source, output, 2**20)
        if not shown.lower().endswith(SIDECAR):
            path = str(output.name)
            rows.append(IntakeItem(intake_id=item.intake_id, name=shown[-255:], path=path))
    IntakeItem.objects.bulk_create(rows, batch_size=1000)


def staged(folder: Path, shown: str, taken: Counter[Path]) -> BinaryIO:
    """Open a new file for what was sent as `shown`; its own name is never the sender's.

    It is called by the hash of its stem and by its ending, so that an image and its sidecar, which
    have one stem, stay neighbours. `taken` counts a batch's files of one name, which are numbered:
    the second image's neighbour is the second sidecar.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(stem(shown).encode()).hexdigest()[:16]
    ending = ENDING.search(shown.lower())
    path = folder / f"{key}{ending[0] if ending else ''}"
    taken[path] += 1
    if taken[path] > 1:
        path = path.with_name(path.name.replace(key, f"{key}-{taken[path]}", 1))
    return path.open("xb")


@transaction.atomic
def series_store(parsed: Sequence[SeriesData]) -> tuple[list[Image], set[int]]:
    """Store series and frames; return the images in order, and the series that got new ones.

    A frame whose instance is known gives the image that is there, if it is of the same patient.
    """
    images: list[Image] = []
    grown: set[int] = set()
    for data in parsed:
        study, _ = Study.objects.get_or_create(
            uid=data.study_uid, defaults={"patient_key": data.patient_key}
        )
        series, _ = Series.objects.get_or_create(
            uid=data.series_uid,
            defaults={
                "study": study,
                "modality": data.modality or "OT",
                "spacing_between": data.spacing_between,
                "affine": data.affine,
                "attributes": data.attributes,
                "warnings": data.warnings,
                "burned_in_suspect": data.burned_in_suspect,
            },
        )
        locked = Series.objects.select_for_update(of=("self",)).select_related("study")
        series = locked.get(pk=series.pk)
        named = [frame.sop_uid for frame in data.frames if frame.sop_uid]
        known = {image.uid: image for image in series.images.filter(uid__in=named)}
        new = [frame for frame in data.frames if frame.sop_uid not in known]
        stored = iter(_frames_store(series, new))
        if new:
            grown.add(series.pk)
        same = series.study.patient_key == data.patient_key
        for frame in data.frames:
            if frame.sop_uid not in known:
                images.append(next(stored))
            elif same:
                images.append(known[frame.sop_uid])
    return images, grown


def _frames_store(series: Series, frames: Sequence[FrameData]) -> list[Image]:
    last = series.images.aggregate(last=Max("index"))["last"]
    first = 0 if last is None else last + 1
    return [
        Image.objects.create(series=series, index=index, **_frame_fields(frame))
        for index, frame in enumerate(frames, start=first)
    ]


def _samples_of(frame: FrameData) -> bytes:
    """Return a frame's samples as they are kept: row by row, little-endian."""
    pixels = np.ascontiguousarray(frame.pixels)
    return pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()


def _frame_fields(frame: FrameData) -> dict[str, object]:
    pixels = frame.pixels
    return {
        "position": frame.position,
        "uid": frame.sop_uid,
        "sha256": storage.put(_samples_of(frame)),
        "rows": pixels.shape[0],
        "columns": pixels.shape[1],
        "channels": 1 if pixels.ndim == 2 else pixels.shape[2],
        "dtype": pixels.dtype.name,
        "bits": frame.bits,
        "slope": frame.slope,
        "intercept": frame.intercept,
        "photometric": frame.photometric,
        "window_center": frame.window_center,
        "window_width": frame.window_width,
        "spacing_row": frame.spacing_row,
        "spacing_column": frame.spacing_column,
    }


@transaction.atomic
def series_renumber(series_id: int) -> None:
    """Give the frames of a series their order along the slice normal."""
    Series.objects.select_for_update().get(pk=series_id)
    images = list(Image.objects.filter(series_id=series_id).order_by("index"))
    ordered = sorted(
        images, key=lambda image: (image.position is None, image.position or 0, image.index)
    )
    if [image.index for image in ordered] == list(range(len(ordered))):
        return
    # Two passes: an index is unique within its series at every moment.
    Image.objects.filter(series_id=series_id).update(index=F("index") + 1_000_000)
    for index, image in enumerate(ordered):
        image.index = index
    Image.objects.bulk_update(ordered, ["index"], batch_size=500)


def _owners(intake: Intake) -> Owners:
    """Return the images of a batch's files, by the folder and the stem of each."""
    owners: Owners = {}
    for item in intake.items.exclude(images=[]).order_by("id"):
        found = owners.setdefault((Path(item.path).parent, stem(item.name)), [])
        if item.images not in found:
            found.append(item.images)
    return owners


def _take_masks(item: IntakeItem, owners: Owners, sandbox: Sandbox) -> None:
    """Keep masks as hidden references of the frames of the file of the same name beside it."""
    path = Path(item.path)
    if not path.is_file():
        _missing(item)
        return
    item.sha256 = _file_hash(path)
    found = owners.get((path.parent, image_name(item.name)), [])
    if len(found) != 1:
        count = "Several images" if found else "No image"
        _reject(item, "mask_without_image", f"{count} of the same name came with this mask.")
        return
    parsed = sandbox.parse_mask(path, item.name)
    if isinstance(parsed, Rejected):
        _reject(item, parsed.code, parsed.message)
        return
    _masks_store(item, found[0], parsed)


@transaction.atomic
def _masks_store(item: IntakeItem, images: Sequence[int], parsed: ParsedMask) -> None:
    frames = {image.pk: image for image in Image.objects.filter(pk__in=images)}
    if len(parsed.masks) != len(images):
        _reject(item, "mask_mismatch", "The mask has another number of frames than its image.")
        return
    shapes = [(frames[pk].rows, frames[pk].columns) for pk in images]
    if any(mask.shape != shape for mask, shape in zip(parsed.masks, shapes, strict=True)):
        _reject(item, "mask_mismatch", "The mask has another size than its image.")
        return
    for pk, mask in zip(images, parsed.masks, strict=True):
        ReferenceMask.objects.update_or_create(
            image_id=pk, defaults={"packed": pack(mask), "sha256": mask_hash(mask)}
        )
    _settle(item, IntakeItem.State.ACCEPTED, "reference", "", [])


def item_counts(intake: Intake) -> dict[str, int]:
    """Return the number of files in each state."""
    found = dict(intake.items.values_list("state").annotate(count=Count("id")).order_by())
    return {state.value: found.get(state.value, 0) for state in IntakeItem.State}
