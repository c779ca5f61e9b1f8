"""NIfTI-1 and -2 volumes to frames in a fixed radiological orientation.

A volume becomes frames along its acquisition axis (the axis with one voxel, else the one with the
clearly largest spacing, else the last). Frames are shown as radiologists expect: the patient's
right on the left of the picture, the front (axial) or the top of the head (coronal, sagittal) up;
frames run along the slice normal as in DICOM: axial from the feet to the head, coronal from front
to back, sagittal from the patient's left to the right. Header text (`descrip`, `aux_file`,
extensions) is never looked at: it may hold names.
"""

import gzip
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.orientations import io_orientation

from reticle.pixels.series import Pixels, Unreadable, check_size, plain_pixels

_HEADER = 540  # bytes of the longer of the two headers
_MAX_OFFSET = 64 * 2**20  # of the first voxel: extensions are skipped, not read
# World axis of the slices: sign of frames, then (world axis, sign) of rows and columns, in RAS.
_DISPLAY = {
    0: (1, (2, -1), (1, -1)),
    1: (-1, (2, -1), (0, -1)),
    2: (1, (1, -1), (0, -1)),
}

Affine = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Volume:
    """Frames (frame, row, column[, 3]) with affine (column, row, frame) -> RAS mm."""

    frames: Pixels
    affine: Affine
    slope: float
    intercept: float
    warnings: list[str]

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Between columns, rows and frames, mm."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(x), float(y), float(z)

    def position(self, frame: int) -> float:
        """Place of a frame along the slice normal, mm."""
        normal = np.cross(self.affine[:3, 0], self.affine[:3, 1])
        normal /= np.linalg.norm(normal)
        if normal @ self.affine[:3, 2] < 0:
            normal = -normal
        return float(normal @ (self.affine[:3, 3] + frame * self.affine[:3, 2]))


def is_nifti(start: bytes) -> bool:
    """Whether the first bytes (unpacked) are those of a single-file NIfTI-1 or -2."""
    return start[344:348] == b"n+1\0" or start[4:8] == b"n+2\0"


def peek(path: Path) -> bytes:
    """The first bytes of a file, unpacked if it is gzip; b"" when that fails."""
    try:
        with _open(path) as file:
            return file.read(_HEADER)
    except (OSError, EOFError, zlib.error):
        return b""


def read_volume(path: Path) -> Volume:
    """Read one volume. Raises Unreadable (broken, too_large, unsupported)."""
    try:
        with _open(path) as file:
            header = _header(file.read(_HEADER))
            shape, notes = _shape(header)
            dtype = header.get_data_dtype()
            _check_kind(dtype)
            check_size(shape[0], shape[1], 1, dtype.itemsize, shape[2])
            voxels = _voxels(file, int(header["vox_offset"]), shape, dtype)
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable("broken", "the compressed file is damaged") from error
    if dtype.names:
        voxels = np.stack([voxels[name] for name in dtype.names[:3]], axis=-1)
    affine, remarks = _affine(header)
    frames, turned = _orient(voxels, affine)
    pixels, losses = plain_pixels(frames)
    slope, intercept = _scaling(header)
    return Volume(pixels, turned, slope, intercept, notes + remarks + losses)


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if packed else path.open("rb")  # type: ignore[return-value]


def _header(block: bytes) -> Any:
    for kind, size in ((Nifti1Header, 348), (Nifti2Header, 540)):
        if is_nifti(block) and (block[344:348] == b"n+1\0") == (size == 348):
            try:
                return kind(block[:size], check=False)  # type: ignore[no-untyped-call]
            except Exception as error:  # nibabel raises several kinds
                raise Unreadable("broken", "the NIfTI header is damaged") from error
    raise Unreadable("unsupported", "only single-file NIfTI (.nii, .nii.gz) is supported")


def _shape(header: Any) -> tuple[tuple[int, int, int], list[str]]:
    dim = [int(n) for n in header["dim"]]
    if not 2 <= dim[0] <= 7 or min(dim[1 : dim[0] + 1]) < 1:
        raise Unreadable("broken", "the NIfTI header declares no volume")
    sizes = [*dim[1 : dim[0] + 1], 1][:3]
    more = math.prod(dim[4 : dim[0] + 1])
    notes = [f"only the first of {more} volumes was read"] if more > 1 else []
    return (sizes[0], sizes[1], sizes[2]), notes


def _check_kind(dtype: np.dtype[Any]) -> None:
    if dtype.names and len(dtype.names) not in (3, 4):
        raise Unreadable("unsupported", "this kind of voxel is not supported")
    if not dtype.names and (dtype.kind not in "iuf" or dtype.itemsize > 8):
        raise Unreadable("unsupported", "this kind of voxel is not supported")


def _voxels(
    file: BinaryIO, offset: int, shape: tuple[int, int, int], dtype: np.dtype[Any]
) -> Pixels:
    """Exactly the declared bytes, in Fortran order as NIfTI stores them."""
    if not 0 <= offset <= _MAX_OFFSET:
        raise Unreadable("broken", "the NIfTI header points outside of the file")
    file.seek(max(offset, 348))
    size = math.prod(shape) * dtype.itemsize
    raw = file.read(size)
    if len(raw) != size:
        raise Unreadable("broken", "the file holds fewer voxels than its header says")
    return np.frombuffer(raw, dtype).reshape(shape, order="F")


def _scaling(header: Any) -> tuple[float, float]:
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if not math.isfinite(slope) or slope == 0:
        return 1.0, 0.0  # the standard: a slope of 0 means "not scaled"
    return slope, intercept if math.isfinite(intercept) else 0.0


def _affine(header: Any) -> tuple[Affine, list[str]]:
    """Voxel (i, j, k) to RAS mm; the plain grid, with a warning, when the file states none."""
    notes = []
    if not int(header["sform_code"]) and not int(header["qform_code"]):
        notes.append("the file states no orientation; left and right may be swapped")
    try:
        affine = np.asarray(header.get_best_affine(), np.float64)
    except Exception:  # a broken quaternion
        affine = np.full((4, 4), np.nan)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        notes.append("the orientation in the file is unusable; the plain grid was taken")
        steps = np.abs(np.nan_to_num(np.asarray(header["pixdim"][1:4], np.float64)))
        affine = np.diag([*np.where(steps > 0, steps, 1.0), 1.0])
    return affine, notes


def _acquisition_axis(shape: tuple[int, ...], spacing: npt.NDArray[np.float64]) -> int:
    single = [axis for axis in range(3) if shape[axis] == 1]
    if len(single) == 1:
        return single[0]
    order = np.argsort(spacing)
    clear = spacing[order[2]] > 1.01 * spacing[order[1]]
    return int(order[2]) if clear else 2


def _orient(voxels: Pixels, affine: Affine) -> tuple[Pixels, Affine]:
    """Transpose and flip (i, j, k[, c]) to (frame, row, column[, c]); the affine follows."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    # (3, 2): world axis and sign of each voxel axis
    towards = np.asarray(io_orientation(affine))  # type: ignore[no-untyped-call]
    if np.isnan(towards).any():
        raise Unreadable("broken", "the orientation in the file is unusable")
    slices = _acquisition_axis(voxels.shape, spacing)
    frame_sign, (row_axis, row_sign), (column_axis, column_sign) = _DISPLAY[int(towards[slices, 0])]
    world = [int(axis) for axis in towards[:, 0]]
    rows, columns = world.index(row_axis), world.index(column_axis)
    turned = affine.copy()
    signs = ((slices, frame_sign), (rows, row_sign), (columns, column_sign))
    for axis, sign in signs:
        if towards[axis, 1] != sign:
            voxels = np.flip(voxels, axis)
            turned[:3, 3] += turned[:3, axis] * (voxels.shape[axis] - 1)
            turned[:3, axis] *= -1
    display = turned.copy()
    display[:3, :3] = turned[:3, [columns, rows, slices]]
    return np.transpose(voxels, (slices, rows, columns, *range(3, voxels.ndim))), display
