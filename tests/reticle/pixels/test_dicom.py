from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from reticle.demo.cohort import make_cohort
from reticle.pixels.read import read_file, read_mask
from reticle.pixels.series import SeriesData, Unreadable

RNG = np.random.default_rng(2)
Array = npt.NDArray[Any]


def ct(pixels: Array, **elements: Any) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = CTImageStorage
    for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        setattr(dataset, keyword, generate_uid(entropy_srcs=[keyword]))
    dataset.PatientID, dataset.PatientName, dataset.Modality = "4711-A", "Doe^Jane", "CT"
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = pixels.dtype.itemsize * 8
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    if pixels.ndim == 3:
        dataset.NumberOfFrames = len(pixels)
    dataset.PixelData = pixels.tobytes()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def read(path: Path, dataset: Dataset) -> SeriesData:
    dataset.save_as(path, enforce_file_format=True)
    (series,) = read_file(path, name="x.dcm", key=b"k")
    return series


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.uint32, np.int32])
def test_samples_come_back_exactly(tmp_path: Path, dtype: type[np.integer[Any]]) -> None:
    limits = np.iinfo(dtype)
    pixels = RNG.integers(limits.min, int(limits.max) + 1, (12, 10), dtype)
    frame = read(tmp_path / "a.dcm", ct(pixels)).frames[0]
    assert frame.pixels.dtype == dtype
    assert np.array_equal(frame.pixels, pixels)


def test_rescale_window_spacing_and_place_are_kept(tmp_path: Path) -> None:
    dataset = ct(
        np.zeros((4, 6), np.int16),
        RescaleSlope=2,
        RescaleIntercept=-1024,
        WindowCenter=[40, 400],
        WindowWidth=[80, 2000],
        PixelSpacing=[0.7, 0.5],
        ImagePositionPatient=[10, 20, -30],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        SpacingBetweenSlices=3,
        InstanceNumber=9,
    )
    series = read(tmp_path / "a.dcm", dataset)
    frame = series.frames[0]
    assert (frame.slope, frame.intercept) == (2, -1024)
    assert (frame.window_center, frame.window_width) == (40, 80)
    assert (frame.spacing_row, frame.spacing_column) == (0.7, 0.5)
    assert (frame.index, frame.position, series.spacing_between) == (9, -30, 3)
    world = np.array(series.affine) @ [2, 3, 0, 1]
    assert np.allclose(world[:3], [-(10 + 2 * 0.5), -(20 + 3 * 0.7), -30])


def test_monochrome1_stays_as_stored_and_is_said(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 4096, (5, 5), np.uint16)
    dataset = ct(pixels, PhotometricInterpretation="MONOCHROME1", BitsStored=12, HighBit=11)
    frame = read(tmp_path / "a.dcm", dataset).frames[0]
    assert frame.photometric == "MONOCHROME1"
    assert frame.bits == 12
    assert np.array_equal(frame.pixels, pixels)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_text_in_the_spare_bits_of_an_overlay_is_cleared(tmp_path: Path, dtype: Any) -> None:
    pixels = RNG.integers(0, 2048, (5, 5)).astype(dtype)
    drawn = pixels | np.array(1 << 13, dtype)
    series = read(tmp_path / "a.dcm", ct(drawn, BitsStored=12, HighBit=11))
    assert np.array_equal(series.frames[0].pixels, pixels)


def test_a_multi_frame_object_is_one_series_with_its_functional_groups(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 999, (3, 4, 6), np.uint16)
    dataset = ct(pixels)
    shared, measures, orientation = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = [0.7, 0.5]
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.PixelMeasuresSequence = [measures]
    shared.PlaneOrientationSequence = [orientation]
    dataset.SharedFunctionalGroupsSequence = [shared]
    groups = []
    for number in range(3):
        group, place, scale = Dataset(), Dataset(), Dataset()
        place.ImagePositionPatient = [0, 0, 2.5 * number]
        scale.RescaleSlope, scale.RescaleIntercept = number + 1, -number
        group.PlanePositionSequence = [place]
        group.PixelValueTransformationSequence = [scale]
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = groups
    series = read(tmp_path / "a.dcm", dataset)
    assert np.array_equal(np.stack([f.pixels for f in series.frames]), pixels)
    assert [f.position for f in series.frames] == [0, 2.5, 5]
    assert [(f.slope, f.intercept) for f in series.frames] == [(1, 0), (2, -1), (3, -2)]
    assert [f.index for f in series.frames] == [1, 2, 3]
    assert len({f.sop_uid for f in series.frames}) == 3
    assert series.spacing_between == 2.5
    assert series.frames[2].spacing_row == 0.7


def test_a_dicom_series_fits_the_label_nifti_of_the_same_patient(tmp_path: Path) -> None:
    (nifti,) = make_cohort(tmp_path / "n", patients=1, slices=5, size=48)
    (dicom,) = make_cohort(tmp_path / "d", patients=1, slices=5, size=48, dicom=True)
    (volume,) = read_file(nifti.image, name=nifti.image.name, key=b"k")
    slices = [read_file(p, name=p.name, key=b"k")[0] for p in dicom.image.iterdir()]
    frames = sorted((s.frames[0] for s in slices), key=lambda f: f.position or 0.0)
    for mine, other in zip(frames, volume.frames, strict=True):
        assert np.array_equal(mine.pixels, other.pixels)
        assert mine.position == pytest.approx(other.position, abs=1e-3)
        assert mine.spacing_row == pytest.approx(other.spacing_row, rel=1e-4)
    masks = read_mask(nifti.mask, name=nifti.mask.name)
    assert all(
        (f.pixels[m == 2]).mean() > f.pixels.mean() for f, m in zip(frames, masks, strict=True)
    )
    assert {s.patient_key for s in slices} == {volume.patient_key}
    assert len({s.series_uid for s in slices}) == 1
    assert slices[0].attributes["body_part"] == "BRAIN"


def test_a_palette_and_ybr_become_rgb() -> None:
    for name, shape in (("examples_palette.dcm", (350, 800, 3)), ("examples_ybr_color.dcm", None)):
        path = Path(str(get_testdata_file(name)))
        frame = read_file(path, name=name, key=b"k")[0].frames[0]
        assert frame.photometric == "RGB"
        assert shape is None or frame.pixels.shape == shape


def test_deflated_files_are_read(tmp_path: Path) -> None:
    path = Path(str(get_testdata_file("image_dfl.dcm")))
    frame = read_file(path, name="x", key=b"k")[0].frames[0]
    assert np.array_equal(frame.pixels, pydicom.dcmread(path).pixel_array)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Rows": 60000}, "too_large"),
        ({"Rows": 20000, "Columns": 20000}, "too_large"),
        ({"NumberOfFrames": 2_000_000}, "too_large"),
        ({"Rows": 0}, "broken"),
        ({"Rows": 500}, "broken"),
        ({"SamplesPerPixel": 2}, "unsupported"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_before_decoding(
    tmp_path: Path, changes: dict[str, int], expected: str
) -> None:
    with pytest.raises(Unreadable) as caught:
        read(tmp_path / "a.dcm", ct(np.zeros((8, 8), np.uint16), **changes))
    assert caught.value.code == expected


def test_objects_without_an_image_are_told_apart_from_broken_ones(tmp_path: Path) -> None:
    dataset = ct(np.zeros((8, 8), np.uint16))
    del dataset.PixelData
    with pytest.raises(Unreadable) as caught:
        read(tmp_path / "a.dcm", dataset)
    assert caught.value.code == "no_pixels"


def test_burned_in_text_is_suspected_by_rule(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8), np.uint8)
    for modality, declared, expected in (
        ("CT", None, False),
        ("CT", "YES", True),
        ("US", None, True),
        ("US", "NO", False),
        ("NONSENSE", None, True),
    ):
        dataset = ct(pixels, Modality=modality)
        if declared:
            dataset.BurnedInAnnotation = declared
        assert read(tmp_path / "a.dcm", dataset).burned_in_suspect is expected
