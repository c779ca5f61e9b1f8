"""DICOM files to frames: header through de-identification first, then pixels at full depth.

Everything that leaves is read from the de-identified header; the original serves only to decode
pixels and to derive keyed or coarse attributes (patient key, site, scanner, age band).
"""

import mmap
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

from pydicom.dataset import Dataset
from pydicom.filereader import _read_file_meta_info, dcmread, read_dataset, read_preamble
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import iter_pixels, pixel_array
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)

from reticle.pixels import deidentify as clean
from reticle.pixels.geometry import Geometry, number, text
from reticle.pixels.series import (
    MAX_BYTES,
    MODALITIES,
    PRONE_TO_BURNED_IN,
    FrameData,
    Pixels,
    SeriesData,
    Unreadable,
    check_size,
    plain_pixels,
)

_MAX_INFLATED = MAX_BYTES + 64 * 2**20
_PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_VENDORS = (
    *("siemens", "philips", "ge", "canon", "toshiba", "hitachi", "fujifilm", "hologic", "agfa"),
    *("carestream", "samsung", "mindray", "shimadzu", "konica", "esaote", "varian"),
)
_BODY_PARTS = frozenset(
    {"ABDOMEN", "ANKLE", "ARM", "BLADDER", "BRAIN", "BREAST", "CHEST", "ELBOW", "EYE", "FOOT"}
    | {"HAND", "HEAD", "HEART", "HIP", "KIDNEY", "KNEE", "LEG", "LIVER", "LUNG", "NECK", "PELVIS"}
    | {"PROSTATE", "SHOULDER", "SKULL", "SPINE", "CSPINE", "LSPINE", "TSPINE", "WRIST"}
)
_AGE_BANDS = ((18, "0-17"), (40, "18-39"), (60, "40-59"), (80, "60-79"), (1000, "80+"))


def looks_like_dicom(start: bytes, name: str) -> bool:
    """Whether to try the file as DICOM: by its magic, else by name or a plausible first tag."""
    if start[128:132] == b"DICM":
        return True
    first = start[:4] in (b"\x02\0\0\0", b"\x08\0\0\0", b"\x08\0\x05\0", b"\x08\0\x08\0")
    return first or start[:2] == b"\0\x08" or name.lower().endswith((".dcm", ".dicom"))


def read_dicom(path: Path, key: bytes) -> SeriesData:
    """Read one file. Raises Unreadable (broken, unsupported, too_large, too_deep, no_pixels)."""
    dataset = _load(path)
    _require_pixels(dataset)
    try:
        header = clean.deidentify(_without_pixels(dataset), key)
        left = clean.identifiers_left(header, clean.identifiers(_without_pixels(dataset)))
    except clean.TooDeep:
        raise Unreadable("too_deep", "sequences are nested too deeply") from None
    if left:
        raise Unreadable("identifiers_left", "identifiers could not be removed from the header")
    frames, photometric, notes = _decode(dataset)
    geometry = Geometry(header, len(frames))
    modality = text(header, "Modality")
    modality = modality if modality in MODALITIES else "OT"
    if "ModalityLUTSequence" in header:
        notes.append("the modality table was not applied; samples are as stored")
    return SeriesData(
        patient_key=clean.pseudonym(key, clean.patient_id_of(dataset)),
        study_uid=text(header, "StudyInstanceUID"),
        series_uid=text(header, "SeriesInstanceUID") or text(header, "SOPInstanceUID"),
        modality=modality,
        frames=[
            _frame(p, i, len(frames), header, geometry, photometric) for i, p in enumerate(frames)
        ],
        spacing_between=geometry.between,
        affine=geometry.affine(),
        attributes=_attributes(dataset, key),
        warnings=notes,
        burned_in_suspect=_burned_in(dataset, modality),
    )


def _load(path: Path) -> Dataset:
    """Parse the file; a deflated one is inflated here, with a bound, which pydicom has not."""
    try:
        with path.open("rb") as opened:
            # Reading past the end of a map gives what is there; a plain file would first reserve
            # the four gigabytes that a damaged length asks for.
            file = cast(BinaryIO, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
        preamble = read_preamble(file, force=True)
        meta = _read_file_meta_info(file)
        if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
            dataset = read_dataset(BytesIO(_inflate(file.read())), False, True)
            dataset.file_meta, dataset.preamble = meta, preamble
            meta.TransferSyntaxUID = ExplicitVRLittleEndian
            return dataset
        file.seek(0)
        dataset = dcmread(file, force=True)
    except (Unreadable, MemoryError, RecursionError):
        raise
    except Exception as error:  # pydicom raises anything on broken files
        raise Unreadable("broken", "the DICOM file cannot be parsed") from error
    if not dataset.file_meta.get("TransferSyntaxUID"):
        implicit, little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return dataset


def _inflate(deflated: bytes) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    data = inflater.decompress(deflated, _MAX_INFLATED)
    if not inflater.eof and inflater.decompress(inflater.unconsumed_tail, 1):
        raise Unreadable("too_large", f"the file unpacks to more than {_MAX_INFLATED // 2**20} MB")
    return data


def _require_pixels(dataset: Dataset) -> None:
    if dataset.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        raise Unreadable("no_pixels", "a DICOM directory holds no image")
    if not any(keyword in dataset for keyword in _PIXEL_KEYWORDS):
        if "SOPClassUID" in dataset:
            raise Unreadable("no_pixels", "the DICOM object holds no image")
        raise Unreadable("broken", "the file is no complete DICOM object")
    rows, columns = (int(number(dataset, k) or 0) for k in ("Rows", "Columns"))
    samples = int(number(dataset, "SamplesPerPixel") or 1)
    bits = int(number(dataset, "BitsAllocated") or 8)
    palette = text(dataset, "PhotometricInterpretation") == "PALETTE COLOR"
    frames = int(number(dataset, "NumberOfFrames") or 1)
    check_size(rows, columns, 3 if palette else samples, max(1, bits // 8), frames)
    if samples not in (1, 3):
        raise Unreadable("unsupported", f"{samples} samples per pixel are not supported")


def _without_pixels(dataset: Dataset) -> Dataset:
    """The same header in a new dataset, so that nothing copies or searches pixel data."""
    header = Dataset()
    for tag in list(dataset.keys()):
        if tag.group != 0x7FE0:
            header[tag] = dataset.get_item(tag)
    header.file_meta = dataset.file_meta
    implicit, little = dataset.original_encoding
    header.set_original_encoding(implicit, little, dataset.original_character_set)
    return header


def _decode(dataset: Dataset) -> tuple[list[Pixels], str, list[str]]:
    """Frames (rows, columns[, 3]), photometric interpretation and warnings."""
    try:
        get_decoder(dataset.file_meta.TransferSyntaxUID)
    except NotImplementedError:
        raise Unreadable(
            "unsupported", "this compression (transfer syntax) is unsupported"
        ) from None
    photometric = text(dataset, "PhotometricInterpretation")
    notes: set[str] = set()
    frames = []
    try:
        for frame in _decoded(dataset):
            if photometric == "PALETTE COLOR":
                frame = apply_color_lut(frame, dataset)
                notes.add("the palette was applied")
            pixels, remarks = plain_pixels(frame)
            notes.update(remarks)
            frames.append(pixels)
    except (Unreadable, MemoryError, RecursionError):
        raise
    except Exception as error:  # each decoder raises its own kinds
        raise Unreadable("broken", "the pixel data cannot be decoded") from error
    if not frames:
        raise Unreadable("broken", "the pixel data hold no frame")
    if frames[0].ndim == 3:
        return frames, "RGB", sorted(notes)
    return frames, "MONOCHROME1" if photometric == "MONOCHROME1" else "MONOCHROME2", sorted(notes)


def _decoded(dataset: Dataset) -> Iterator[Pixels]:
    if (number(dataset, "NumberOfFrames") or 1) > 1:
        yield from iter_pixels(dataset)
    else:
        # The iterator hands out read-only views, on which pydicom's own sign repair fails.
        yield pixel_array(dataset, index=0)


def _frame(
    pixels: Pixels, at: int, count: int, header: Dataset, geometry: Geometry, photometric: str
) -> FrameData:
    slope, intercept = geometry.rescale(at)
    center, width = geometry.window(at)
    row, column = geometry.spacing(at)
    uid = text(header, "SOPInstanceUID")
    stored = number(header, "BitsStored")
    depth = pixels.dtype.itemsize * 8
    return FrameData(
        pixels=pixels,
        index=at + 1 if count > 1 else int(number(header, "InstanceNumber") or 0),
        position=geometry.position(at),
        slope=slope,
        intercept=intercept,
        photometric=photometric,
        bits=int(stored) if stored and 1 <= stored <= depth and pixels.ndim == 2 else depth,
        window_center=center,
        window_width=width,
        spacing_row=row,
        spacing_column=column,
        sop_uid=f"{uid}.{at + 1}" if count > 1 and uid else uid,
    )


def _attributes(dataset: Dataset, key: bytes) -> dict[str, str]:
    """Coarse or keyed facts for subgroup reports; free text of the file never passes."""
    found = {}
    if text(dataset, "PatientSex") in ("F", "M", "O"):
        found["sex"] = text(dataset, "PatientSex")
    age = text(dataset, "PatientAge")
    if len(age) == 4 and age[:3].isdigit() and age[3] in "DWMY" and int(age[:3]) > 0:
        years = int(age[:3]) if age[3] == "Y" else 0
        found["age_band"] = next(band for below, band in _AGE_BANDS if years < below)
    if text(dataset, "InstitutionName"):
        found["site"] = clean.pseudonym(key, text(dataset, "InstitutionName"), "S")
    model = "/".join(text(dataset, k) for k in ("Manufacturer", "ManufacturerModelName"))
    if model != "/":
        vendor = next((v for v in _VENDORS if model.lower().startswith(v)), "")
        found["scanner"] = f"{vendor.upper()} {clean.pseudonym(key, model, 'D')}".strip()
    if text(dataset, "BodyPartExamined").upper() in _BODY_PARTS:
        found["body_part"] = text(dataset, "BodyPartExamined").upper()
    return found


def _burned_in(dataset: Dataset, modality: str) -> bool:
    declared = text(dataset, "BurnedInAnnotation")
    return declared == "YES" or (modality in PRONE_TO_BURNED_IN and declared != "NO")
