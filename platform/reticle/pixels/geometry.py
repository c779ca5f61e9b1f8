"""Where the frames of a DICOM object lie and how samples scale; every value may be missing."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

Vector = npt.NDArray[np.float64]
_GROUPS = {
    "ImagePositionPatient": "PlanePositionSequence",
    "ImageOrientationPatient": "PlaneOrientationSequence",
    "PixelSpacing": "PixelMeasuresSequence",
    "SpacingBetweenSlices": "PixelMeasuresSequence",
    "RescaleSlope": "PixelValueTransformationSequence",
    "RescaleIntercept": "PixelValueTransformationSequence",
    "WindowCenter": "FrameVOILUTSequence",
    "WindowWidth": "FrameVOILUTSequence",
}


def text(dataset: Dataset, keyword: str) -> str:
    """The value as text without padding; "" when missing or unreadable."""
    try:
        value = dataset.get(keyword)
    except Exception:  # pydicom raises several kinds on a bad value
        return ""
    return "" if value is None else str(value).strip("\0 ")


def number(dataset: Dataset, keyword: Any) -> float | None:
    """The first value as a finite number, or None; ``keyword`` may be a tag."""
    found = numbers(dataset, keyword)
    return found[0] if found else None


def numbers(dataset: Dataset, keyword: Any) -> list[float]:
    """All values as finite numbers; [] when missing, unreadable or not finite."""
    try:
        value = dataset.get(keyword)
        value = getattr(value, "value", value)
        if value is None or value == "":
            return []
        found = [float(v) for v in (value if hasattr(value, "__iter__") else [value])]
    except Exception:  # pydicom raises several kinds on a bad value
        return []
    return found if all(math.isfinite(v) for v in found) else []


class Geometry:
    """Geometry and scaling of each frame, from functional groups where the object has them."""

    def __init__(self, header: Dataset, count: int) -> None:
        self._header = header
        self._count = count
        self.between = self._between()

    def spacing(self, frame: int) -> tuple[float | None, float | None]:
        """Distance between rows and between columns, mm; (None, None) where it is not stated."""
        for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
            found = self._numbers(frame, keyword)
            if len(found) == 2 and min(found) > 0:
                return found[0], found[1]
        return None, None

    def rescale(self, frame: int) -> tuple[float, float]:
        """Slope and intercept; (1, 0) where they are missing or the slope is 0."""
        slope = self._numbers(frame, "RescaleSlope")
        intercept = self._numbers(frame, "RescaleIntercept")
        return (slope[0] if slope and slope[0] else 1.0), (intercept[0] if intercept else 0.0)

    def window(self, frame: int) -> tuple[float | None, float | None]:
        """Center and width in modality values, the first where the file offers several."""
        center = self._numbers(frame, "WindowCenter")
        width = self._numbers(frame, "WindowWidth")
        if not center or not width or width[0] <= 0:
            return None, None
        return center[0], width[0]

    def position(self, frame: int) -> float | None:
        """Distance of the frame along the slice normal (row direction x column direction), mm."""
        origin, directions = self._origin(frame), self._directions(frame)
        if origin is None or directions is None:
            offsets = numbers(self._header, "GridFrameOffsetVector")
            return offsets[frame] if len(offsets) == self._count else None
        return float(np.cross(*directions) @ origin)

    def affine(self) -> list[list[float]] | None:
        """(column, row, frame) to RAS mm; None when position, orientation or spacing is missing."""
        origin, directions = self._origin(0), self._directions(0)
        row_mm, column_mm = self.spacing(0)
        if origin is None or directions is None or row_mm is None or column_mm is None:
            return None
        along_row, along_column = directions
        step = np.cross(along_row, along_column) * (self.between or 1.0)
        last = self._origin(self._count - 1)
        if self._count > 1 and last is not None and np.linalg.norm(last - origin) > 0:
            step = (last - origin) / (self._count - 1)
        affine = np.eye(4)
        affine[:3] = np.stack([along_row * column_mm, along_column * row_mm, step, origin], axis=1)
        affine[:2] *= -1  # DICOM's axes point left and back, RAS right and front
        return [[float(v) for v in line] for line in affine]

    def _between(self) -> float | None:
        places = [self.position(i) for i in (0, 1)] if self._count > 1 else [None]
        if places[0] is not None and places[-1] is not None and places[0] != places[-1]:
            return abs(places[-1] - places[0])
        found = self._numbers(0, "SpacingBetweenSlices")
        return abs(found[0]) if found and found[0] else None

    def _origin(self, frame: int) -> Vector | None:
        found = self._numbers(frame, "ImagePositionPatient")
        return np.array(found) if len(found) == 3 else None

    def _directions(self, frame: int) -> tuple[Vector, Vector] | None:
        found = self._numbers(frame, "ImageOrientationPatient")
        if len(found) != 6:
            return None
        row, column = np.array(found[:3]), np.array(found[3:])
        if np.linalg.norm(np.cross(row, column)) < 0.5:  # not two directions at right angles
            return None
        return row, column

    def _numbers(self, frame: int, keyword: str) -> list[float]:
        for groups, at in (
            ("PerFrameFunctionalGroupsSequence", frame),
            ("SharedFunctionalGroupsSequence", 0),
        ):
            item = self._item(self._header, groups, at)
            part = self._item(item, _GROUPS.get(keyword, ""), 0) if item is not None else None
            found = numbers(part, keyword) if part is not None else []
            if found:
                return found
        return numbers(self._header, keyword)

    @staticmethod
    def _item(dataset: Dataset, sequence: str, at: int) -> Dataset | None:
        items = dataset.get(sequence) if sequence else None
        return items[at] if items is not None and at < len(items) else None
