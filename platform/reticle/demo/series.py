"""Writes a volume as a DICOM MR series, with invented identifiers for an import to remove."""

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

_NAMES = ("Sample^Ada", "Sample^Bela", "Sample^Chidi", "Sample^Dalia", "Sample^Emre", "Sample^Fen")
_AGE = {"18-39": 30, "40-59": 50, "60-79": 70, "80+": 85}


def write_series(
    folder: Path,
    samples: npt.NDArray[np.uint16],
    affine: npt.NDArray[np.float64],
    person: dict[str, str],
    seed: int,
) -> list[Path]:
    """Write ``samples`` (x, y, slice; RAS order) as one file per slice, feet to head.

    ``affine`` maps voxels to RAS mm and must be diagonal. The name, birth date, institution and so
    on are invented; nothing of them may survive an import.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(samples.shape[2]):
        dataset = _slice(samples, affine, person, f"{seed}/{person['patient']}", number)
        path = folder / f"IM{number + 1:04d}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def _slice(
    samples: npt.NDArray[np.uint16],
    affine: npt.NDArray[np.float64],
    person: dict[str, str],
    salt: str,
    number: int,
) -> Dataset:
    dataset = Dataset()
    _identify(dataset, person, salt)
    dataset.SOPClassUID = MRImageStorage
    dataset.SOPInstanceUID = _uid(salt, "image", str(number))
    dataset.StudyInstanceUID = _uid(salt, "study")
    dataset.SeriesInstanceUID = _uid(salt, "series")
    dataset.FrameOfReferenceUID = _uid(salt, "frame")
    dataset.Modality = "MR"
    dataset.BodyPartExamined = "BRAIN"
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.ScanningSequence, dataset.SequenceVariant = "GR", "SP"
    dataset.ScanOptions, dataset.MRAcquisitionType = "", "2D"
    dataset.EchoTime, dataset.RepetitionTime, dataset.EchoTrainLength = 3.0, 2000.0, 1
    dataset.SeriesNumber, dataset.InstanceNumber = 1, number + 1
    _place(dataset, samples.shape, affine, number)
    _fill(dataset, samples[:, :, number])
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = MRImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def _identify(dataset: Dataset, person: dict[str, str], salt: str) -> None:
    pick = hashlib.sha256(salt.encode()).digest()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName = _NAMES[pick[0] % len(_NAMES)]
    dataset.PatientID = person["patient"]
    dataset.PatientBirthDate = f"19{30 + pick[1] % 60}{1 + pick[2] % 12:02d}{1 + pick[3] % 28:02d}"
    dataset.PatientSex = person["sex"]
    dataset.PatientAge = f"{_AGE[person['age_band']]:03d}Y"
    dataset.InstitutionName = f"{person['site'].title()} Hospital"
    dataset.ReferringPhysicianName = "Doctor^Invented"
    dataset.Manufacturer = "Reticle Demo"
    dataset.ManufacturerModelName = person["scanner"]
    dataset.StudyID = f"ST{pick[4]:03d}"
    dataset.AccessionNumber = f"AC{pick[5]:03d}{pick[6]:03d}"
    dataset.StudyDate = f"2024{1 + pick[7] % 12:02d}{1 + pick[8] % 28:02d}"
    dataset.StudyTime = "101500"
    dataset.PositionReferenceIndicator = ""


def _place(
    dataset: Dataset, shape: tuple[int, ...], affine: npt.NDArray[np.float64], number: int
) -> None:
    """Geometry of the slice: rows run from front to back, columns from the right to the left."""
    # RAS to DICOM's LPS: x and y change sign, so the last voxel in x and y is the first pixel.
    corner = affine @ np.array([shape[0] - 1, shape[1] - 1, number, 1.0])
    dataset.ImagePositionPatient = [_ds(-corner[0]), _ds(-corner[1]), _ds(corner[2])]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing = [_ds(affine[1, 1]), _ds(affine[0, 0])]
    dataset.SliceThickness = dataset.SpacingBetweenSlices = _ds(affine[2, 2])


def _fill(dataset: Dataset, plane: npt.NDArray[np.uint16]) -> None:
    """Pixels of one slice (x, y), turned to (rows, columns)."""
    pixels = np.ascontiguousarray(plane[::-1, ::-1].T)
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    low, high = np.percentile(pixels, (1, 99.5))
    dataset.WindowCenter, dataset.WindowWidth = _ds((low + high) / 2), _ds(max(high - low, 1))
    dataset.PixelData = pixels.astype("<u2").tobytes()


def _ds(value: float) -> str:
    return f"{value:.6g}"


def _uid(*parts: str) -> str:
    """Stable UID of the 2.25 root from a hash of ``parts``."""
    digest = hashlib.sha256("/".join(("reticle-demo", *parts)).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"
