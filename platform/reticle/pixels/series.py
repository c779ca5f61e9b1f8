"""What a readable file becomes (frames without identifiers), and what an unreadable one says.

The limits stand here too. They are checked against the size a file *declares*, before any decoder
sees a byte of its pixels.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

MAX_BYTES = 512 * 2**20  # unpacked pixels of one file
MAX_SIDE = 20_000  # rows or columns
MAX_FRAME_PIXELS = 100_000_000  # of one frame; also the largest mask
MAX_FRAMES = 10_000
DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32")
MODALITIES = frozenset(
    {"AR", "BI", "CR", "CT", "DG", "DX", "ES", "GM", "IO", "IVOCT", "IVUS", "LS", "MG", "MR", "NM"}
    | {"OAM", "OCT", "OP", "OPM", "OPT", "OT", "PT", "PX", "RF", "RG", "RTDOSE", "RTIMAGE", "SC"}
    | {"SEG", "SM", "TG", "US", "XA", "XC"}
)
PRONE_TO_BURNED_IN = frozenset({"US", "SC", "XA", "RF", "ES", "OT"})
_AGE_BAND = re.compile(r"\d{1,3}(-\d{1,3}|\+)\Z")
_PLAIN = re.compile(r"[\w .+-]{1,40}\Z")

Pixels = npt.NDArray[Any]


class Unreadable(Exception):
    """A file that gives no image; ``code`` is stable, ``message`` is for people.

    Codes: unsupported, broken, too_large, too_deep, no_pixels, not_single_image, bad_mask,
    identifiers_left; the sandbox adds too_slow, out_of_memory, crashed. Messages are
    fixed text and numbers, never words from the file, which may be a patient's name.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class FrameData:
    """One image. ``pixels`` is (rows, columns) or (rows, columns, 3), C order, little-endian."""

    pixels: Pixels
    index: int  # sort key within the series: instance number, frame or page
    position: float | None = None  # mm along the slice normal
    slope: float = 1.0
    intercept: float = 0.0  # modality value = sample * slope + intercept
    photometric: str = "MONOCHROME2"  # or MONOCHROME1 (samples as stored, dark is high), RGB
    bits: int = 8  # significant bits of a sample
    window_center: float | None = None
    window_width: float | None = None
    spacing_row: float | None = None  # mm between rows
    spacing_column: float | None = None  # mm between columns
    sop_uid: str = ""  # remapped; of other files than DICOM the series' with the frame's number


@dataclass(frozen=True)
class SeriesData:
    """An ordered stack of frames of one patient; a lone picture is a stack of one."""

    patient_key: str  # keyed pseudonym
    study_uid: str  # remapped
    series_uid: str  # remapped
    modality: str
    frames: list[FrameData]
    spacing_between: float | None = None  # mm between slices
    affine: list[list[float]] | None = None  # (column, row, frame) of the stack to RAS mm, 4 x 4
    attributes: dict[str, str] = field(default_factory=dict)  # sex, age_band, site, scanner, ...
    warnings: list[str] = field(default_factory=list)
    burned_in_suspect: bool = False


def check_size(rows: int, columns: int, channels: int, itemsize: int, frames: int = 1) -> None:
    """Raise Unreadable (broken, too_large) unless a stack of this declared size may be decoded."""
    if min(rows, columns, channels, itemsize, frames) < 1:
        raise Unreadable("broken", "the file declares an image without pixels")
    if max(rows, columns) > MAX_SIDE:
        raise Unreadable("too_large", f"{rows} x {columns}: a side may have {MAX_SIDE} pixels")
    if rows * columns > MAX_FRAME_PIXELS:
        raise Unreadable(
            "too_large", f"{rows} x {columns}: an image may have {MAX_FRAME_PIXELS} pixels"
        )
    if frames > MAX_FRAMES:
        raise Unreadable("too_large", f"{frames} frames: a file may have {MAX_FRAMES}")
    if rows * columns * channels * itemsize * frames > MAX_BYTES:
        raise Unreadable(
            "too_large",
            f"{frames} x {rows} x {columns} x {channels} samples unpack to more than "
            f"{MAX_BYTES // 2**20} MB",
        )


def plain_pixels(array: Pixels) -> tuple[Pixels, list[str]]:
    """Bring samples to one of ``DTYPES``, C order and little-endian, with remarks on losses.

    64-bit integers that fit become int32, other 64-bit numbers float32, bool uint8. Raises
    Unreadable (unsupported) for complex and structured samples.
    """
    notes: list[str] = []
    kind, itemsize = array.dtype.kind, array.dtype.itemsize
    target: np.dtype[Any]
    if kind == "b":
        target = np.dtype("uint8")
    elif kind in "iu" and itemsize == 8:
        limits = np.iinfo(np.int32)
        fits = array.size == 0 or (array.min() >= limits.min and array.max() <= limits.max)
        target = np.dtype("int32" if fits else "float32")
        notes += [] if fits else ["64-bit integers were rounded to 32-bit floating point"]
    elif kind == "f":
        target = np.dtype("float32")
        notes += ["64-bit samples were rounded to 32-bit"] if itemsize > 4 else []
    elif kind in "iu":
        target = array.dtype.newbyteorder("=")
    else:
        raise Unreadable("unsupported", "complex or structured samples cannot be shown")
    if kind == "f" and not np.isfinite(array).all():
        array = np.nan_to_num(array, nan=0.0, posinf=0.0, neginf=0.0)
        notes.append("samples that are not finite numbers were set to 0")
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, dtype=target.newbyteorder("<")), notes


def clean_attributes(found: dict[str, Any]) -> dict[str, str]:
    """Keep the attributes of a sidecar that are on the list and have a harmless form."""
    kept = {}
    for name in ("sex", "age_band", "site", "scanner"):
        value = found.get(name)
        if not isinstance(value, str):
            continue
        harmless = {"sex": value in ("F", "M", "O"), "age_band": bool(_AGE_BAND.match(value))}
        if harmless.get(name, bool(_PLAIN.match(value))):
            kept[name] = value
    return kept
