"""Any supported file to series of frames without identifiers; and label files to masks.

    for series in read_file(path, name="scan.nii.gz", key=key):
        series.frames[0].pixels

Runs on untrusted bytes: files from outside are read through ``reticle.pixels.sandbox`` only.
Kinds are told by content, not by name. The sender's name serves only to derive keyed values.
"""

import hashlib
import json
import logging
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from reticle.pixels.deidentify import pseudonym, remap_uid
from reticle.pixels.dicom import looks_like_dicom, read_dicom
from reticle.pixels.nifti import is_nifti, peek, read_volume
from reticle.pixels.raster import read_pages
from reticle.pixels.series import (
    MAX_BYTES,
    MODALITIES,
    PRONE_TO_BURNED_IN,
    FrameData,
    SeriesData,
    Unreadable,
    clean_attributes,
)

MAX_FILE = MAX_BYTES + 64 * 2**20
_MAX_SIDECAR = 64 * 1024
_SUFFIX = re.compile(r"(\.mask)?(\.nii\.gz|\.nii|\.png|\.jpe?g|\.tiff?|\.dcm|\.json)?\Z", re.I)
_RASTER = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

Mask = npt.NDArray[np.uint8]


def read_file(
    path: Path, *, name: str, key: bytes, sidecar: Path | None = None
) -> list[SeriesData]:
    """Read one file, sent as ``name``, to de-identified series (at present always one).

    ``sidecar`` is the JSON file of attributes beside it; when not given, ``NAME.json`` next to
    ``path`` counts if it exists. DICOM files need none and ignore it. Raises Unreadable.
    """
    with _guarded():
        kind = _kind(path, name)
        if kind == "dicom":
            return [read_dicom(path, key)]
        told, notes = _sidecar(sidecar or path.with_name(f"{stem(path.name)}.json"))
        reader: Callable[[Path], tuple[list[FrameData], dict[str, Any], list[str]]]
        reader = _volume if kind == "nifti" else _pages
        frames, geometry, remarks = reader(path)
        return [_assemble(path, name, key, told, frames, geometry, notes + remarks)]


def read_mask(path: Path, *, name: str) -> list[Mask]:
    """Label maps (rows, columns) uint8 in the frame order and orientation ``read_file`` gives.

    Takes label NIfTI, PNG (grey values, palette indices) and TIFF. Raises Unreadable, with code
    bad_mask where values are not whole numbers from 0 to 255.
    """
    with _guarded():
        kind = _kind(path, name)
        if kind == "dicom":
            raise Unreadable("unsupported", "masks are read from NIfTI, PNG and TIFF")
        if kind == "nifti":
            volume = read_volume(path)
            scaled = volume.frames.astype(np.float64) * volume.slope + volume.intercept
            planes = list(scaled)
        else:
            planes = list(read_pages(path, labels=True)[0])
        return [_labels(plane) for plane in planes]


def stem(name: str) -> str:
    """The name without folders, its extension and a ``.mask`` before it: what pairs files."""
    return _SUFFIX.sub("", re.split(r"[/\\]", name)[-1], count=1)


@contextmanager
def _guarded() -> Iterator[None]:
    """Turn what any parser may raise into Unreadable, and keep its words out of the log."""
    log = logging.getLogger("pydicom")
    before, log.disabled = log.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except RecursionError:
        raise Unreadable("too_deep", "the file is nested too deeply") from None
    except MemoryError:
        raise Unreadable("out_of_memory", "the file needs too much memory") from None
    finally:
        log.disabled = before


def _kind(path: Path, name: str) -> str:
    """Tell raster, nifti and dicom by content; refuse the rest."""
    if path.stat().st_size > MAX_FILE:
        raise Unreadable("too_large", f"a file may have {MAX_FILE // 2**20} MB")
    with path.open("rb") as file:
        start = file.read(1024)
    if not start:
        raise Unreadable("broken", "the file is empty")
    magic = start[128:132] == b"DICM"  # whose preamble may be that of a TIFF
    if start.startswith(_RASTER) and not magic:
        return "raster"
    if not magic and is_nifti(peek(path)):
        return "nifti"
    if not start.startswith(b"\x1f\x8b") and looks_like_dicom(start, name):
        return "dicom"
    raise Unreadable("unsupported", "send DICOM, NIfTI (.nii, .nii.gz), PNG, JPEG or TIFF")


def _volume(path: Path) -> tuple[list[FrameData], dict[str, Any], list[str]]:
    volume = read_volume(path)
    column, row, between = volume.spacing
    frames = [
        FrameData(
            pixels=plane,
            index=number,
            position=volume.position(number),
            slope=volume.slope,
            intercept=volume.intercept,
            photometric="RGB" if plane.ndim == 3 else "MONOCHROME2",
            bits=plane.dtype.itemsize * 8,
            spacing_row=row,
            spacing_column=column,
        )
        for number, plane in enumerate(volume.frames)
    ]
    affine = [[float(v) for v in line] for line in volume.affine]
    return frames, {"spacing_between": between, "affine": affine}, volume.warnings


def _pages(path: Path) -> tuple[list[FrameData], dict[str, Any], list[str]]:
    pages, notes = read_pages(path)
    if len({page.shape for page in pages}) > 1:
        raise Unreadable("not_single_image", "pages of different sizes are no series")
    frames = [
        FrameData(
            pixels=page,
            index=number,
            photometric="RGB" if page.ndim == 3 else "MONOCHROME2",
            bits=page.dtype.itemsize * 8,
        )
        for number, page in enumerate(pages)
    ]
    return frames, {}, notes


def _assemble(
    path: Path,
    name: str,
    key: bytes,
    told: dict[str, Any],
    frames: list[FrameData],
    geometry: dict[str, Any],
    notes: list[str],
) -> SeriesData:
    patient = told.get("patient")
    patient = patient if isinstance(patient, str) and patient.strip() else stem(name)
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    modality = told.get("modality")
    modality = modality if modality in MODALITIES else "OT"
    series_uid = remap_uid(key, f"series {content}")
    # Named by the file's content too, so that the same file taken in twice gives the same frames.
    frames = [replace(frame, sop_uid=f"{series_uid}.{at}") for at, frame in enumerate(frames, 1)]
    return SeriesData(
        patient_key=pseudonym(key, patient),
        study_uid=remap_uid(key, f"study of {patient}"),
        series_uid=series_uid,
        modality=modality,
        frames=frames,
        attributes=clean_attributes(told),
        warnings=notes,
        burned_in_suspect="modality" in told and modality in PRONE_TO_BURNED_IN,
        **geometry,
    )


def _sidecar(path: Path) -> tuple[dict[str, Any], list[str]]:
    if not path.is_file():
        return {}, []
    try:
        if path.stat().st_size > _MAX_SIDECAR:
            raise ValueError
        found = json.loads(path.read_bytes())
        if not isinstance(found, dict):
            raise TypeError
    except (ValueError, TypeError):
        return {}, ["the attributes beside the file could not be read"]
    return found, []


def _labels(plane: npt.NDArray[Any]) -> Mask:
    if plane.ndim == 3 and np.array_equal(plane[..., 0], plane[..., 1]):
        plane = plane[..., 0]  # a grey mask that was saved as colour
    if plane.ndim != 2:
        raise Unreadable("bad_mask", "a mask has one label per pixel, not colours")
    labels = plane.astype(np.uint8)
    if not np.array_equal(labels, plane):
        raise Unreadable("bad_mask", "labels must be whole numbers from 0 to 255")
    return labels
