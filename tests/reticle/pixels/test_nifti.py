import gzip
import itertools
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
import pytest
from nibabel.orientations import (
    apply_orientation,
    inv_ornt_aff,
)

from reticle.pixels.read import read_file, read_mask
from reticle.pixels.series import SeriesData, Unreadable

RNG = np.random.default_rng(1)
SPACING = (0.9, 1.1, 4.0)
VOXELS = RNG.integers(0, 65536, (6, 7, 5), np.uint16)  # (x, y, z) in RAS order
RAS = np.diag([*SPACING, 1.0])
RAS[:3, 3] = (-3, 5, 40)
STORED = [
    (order, flips)
    for order in itertools.permutations(range(3))
    for flips in itertools.product((1, -1), repeat=3)
]
Array = npt.NDArray[Any]


def save(path: Path, voxels: Array, affine: Array, two: bool = False) -> Path:
    kind = nibabel.Nifti2Image if two else nibabel.Nifti1Image
    image = kind(voxels, affine)  # type: ignore[no-untyped-call]
    image.header["descrip"] = b"Canary^Carla"
    image.header["aux_file"] = b"Canary^Carla"
    image.to_filename(path)
    return path


def read(path: Path) -> SeriesData:
    (series,) = read_file(path, name=path.name, key=b"k")
    return series


def stack(series: SeriesData) -> Array:
    return np.stack([frame.pixels for frame in series.frames])


def stored(order: tuple[int, ...], flips: tuple[int, ...]) -> tuple[Array, Array]:
    """VOXELS and RAS as a file would hold them with other axes."""
    turn = np.array(list(zip(order, flips, strict=True)))
    moved = apply_orientation(VOXELS, turn)  # type: ignore[no-untyped-call]
    inverse = inv_ornt_aff(turn, VOXELS.shape)  # type: ignore[no-untyped-call]
    return moved, RAS @ inverse


def test_axial_slices_are_shown_as_radiologists_expect(tmp_path: Path) -> None:
    series = read(save(tmp_path / "a.nii.gz", VOXELS, RAS))
    # Left of the picture is the patient's right (+x), its top the front (+y); feet first.
    assert np.array_equal(stack(series), VOXELS[::-1, ::-1].transpose(2, 1, 0))
    frame = series.frames[1]
    assert (frame.spacing_row, frame.spacing_column) == pytest.approx((1.1, 0.9))
    assert series.spacing_between == pytest.approx(4)
    assert frame.position == pytest.approx(44)
    assert frame.bits == 16


@pytest.mark.parametrize(("order", "flips"), STORED)
def test_any_storage_order_shows_the_same_and_masks_follow(
    tmp_path: Path, order: tuple[int, ...], flips: tuple[int, ...]
) -> None:
    voxels, affine = stored(order, flips)
    series = read(save(tmp_path / "a.nii.gz", voxels, affine))
    assert np.array_equal(stack(series), VOXELS[::-1, ::-1].transpose(2, 1, 0))
    assert np.allclose(np.array(series.affine)[:3, 3], RAS @ [5, 6, 0, 1] @ np.eye(4)[:, :3])
    labels = (voxels % 4).astype(np.uint8)
    masks = read_mask(save(tmp_path / "a.mask.nii.gz", labels, affine), name="a.mask.nii.gz")
    assert np.array_equal(np.stack(masks), stack(series) % 4)


def test_a_mask_stored_in_another_orientation_than_its_image_still_fits(tmp_path: Path) -> None:
    image = read(save(tmp_path / "a.nii", VOXELS, RAS))
    voxels, affine = stored((2, 0, 1), (-1, 1, -1))
    save(tmp_path / "a.mask.nii", (voxels % 3).astype(np.float32), affine)
    masks = read_mask(tmp_path / "a.mask.nii", name="a.mask.nii")
    assert np.array_equal(np.stack(masks), stack(image) % 3)


def test_a_tilted_volume_keeps_its_samples_and_places_every_voxel(tmp_path: Path) -> None:
    angle = np.radians(20)
    tilt = np.eye(4)
    tilt[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    affine = tilt @ RAS
    series = read(save(tmp_path / "a.nii", VOXELS, affine))
    frames = stack(series)
    for i, j, k in ((0, 0, 0), (5, 2, 1), (3, 6, 4)):
        (frame, row, column), *_ = np.argwhere(frames == VOXELS[i, j, k])
        world = np.array(series.affine) @ [column, row, frame, 1]
        assert np.allclose(world, affine @ [i, j, k, 1], atol=1e-4)


def test_coronal_and_sagittal_acquisitions_have_the_head_up(tmp_path: Path) -> None:
    coronal = np.diag([1.0, 5.0, 1.0, 1.0])
    found = stack(read(save(tmp_path / "c.nii", VOXELS, coronal)))
    assert np.array_equal(found, VOXELS[::-1, ::-1, ::-1].transpose(1, 2, 0))
    sagittal = np.diag([5.0, 1.0, 1.0, 1.0])
    found = stack(read(save(tmp_path / "s.nii", VOXELS, sagittal)))
    assert np.array_equal(found, VOXELS[:, ::-1, ::-1].transpose(0, 2, 1))


def test_equal_spacing_takes_the_last_axis_and_one_voxel_decides(tmp_path: Path) -> None:
    assert len(read(save(tmp_path / "a.nii", VOXELS, np.eye(4))).frames) == 5
    assert len(read(save(tmp_path / "b.nii", VOXELS[:, :1], np.eye(4))).frames) == 1
    assert len(read(save(tmp_path / "c.nii", VOXELS[:, :, 0], np.eye(4))).frames) == 1


@pytest.mark.parametrize("dtype", ["u1", "i1", "<i2", ">i2", ">u2", "<i4", "<u4", "<f4", ">f4"])
def test_every_kind_of_sample_comes_back_exactly(tmp_path: Path, dtype: str) -> None:
    voxels = RNG.integers(0, 100, (4, 5, 3)).astype(dtype)
    for two in (False, True):
        frames = stack(read(save(tmp_path / f"{two}.nii.gz", voxels, RAS, two)))
        assert frames.dtype.newbyteorder("=") == np.dtype(dtype).newbyteorder("=")
        assert np.array_equal(frames, voxels[::-1, ::-1].transpose(2, 1, 0))


def test_scaling_is_kept_beside_the_samples(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nii", VOXELS, RAS)
    raw = bytearray(path.read_bytes())
    raw[112:120] = np.array([0.5, -7], "<f4").tobytes()
    path.write_bytes(raw)
    frame = read(path).frames[0]
    assert (frame.slope, frame.intercept) == (0.5, -7)
    assert frame.pixels.dtype == np.uint16


def test_only_the_first_of_several_volumes_is_read_and_said_so(tmp_path: Path) -> None:
    series = read(save(tmp_path / "a.nii", np.stack([VOXELS, VOXELS + 1], 3), RAS))
    assert np.array_equal(stack(series), VOXELS[::-1, ::-1].transpose(2, 1, 0))
    assert series.warnings == ["only the first of 2 volumes was read"]


def test_wide_numbers_are_narrowed_with_a_warning_only_when_it_costs(tmp_path: Path) -> None:
    assert read(save(tmp_path / "f.nii", VOXELS.astype("f8"), RAS)).warnings
    voxels = np.full((3, 3, 3), np.nan, np.float32)
    series = read(save(tmp_path / "n.nii", voxels, RAS))
    assert not stack(series).any()
    assert series.warnings == ["samples that are not finite numbers were set to 0"]


def test_colour_voxels_become_colour_frames(tmp_path: Path) -> None:
    voxels = np.zeros((3, 4, 2), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    voxels["G"][0, 0, 0] = 77
    series = read(save(tmp_path / "a.nii", voxels, RAS))
    assert stack(series).shape == (2, 4, 3, 3)
    assert series.frames[0].pixels[3, 2].tolist() == [0, 77, 0]
    assert series.frames[0].photometric == "RGB"


def test_header_text_leaves_no_trace(tmp_path: Path) -> None:
    assert b"Canary" in save(tmp_path / "a.nii", VOXELS, RAS).read_bytes()
    assert "Canary" not in repr(read(tmp_path / "a.nii"))


def test_labels_that_are_no_labels_are_refused(tmp_path: Path) -> None:
    for name, voxels in (("w.nii", VOXELS), ("f.nii", VOXELS / np.float32(7))):
        with pytest.raises(Unreadable) as caught:
            read_mask(save(tmp_path / name, voxels, RAS), name=name)
        assert caught.value.code == "bad_mask"


def test_damage_is_told_by_code(tmp_path: Path) -> None:
    whole = save(tmp_path / "a.nii", VOXELS, RAS).read_bytes()
    header = bytearray(whole)
    header[40:56] = np.array([3, 30000, 30000, 5, 1, 1, 1, 1], "<i2").tobytes()
    far = bytearray(whole)
    far[108:112] = np.array([1e12], "<f4").tobytes()
    odd = bytearray(whole)
    odd[70:72] = np.array([32], "<i2").tobytes()  # complex
    for name, data, expected in (
        ("cut.nii", whole[:-10], "broken"),
        ("cut.nii.gz", gzip.compress(whole)[:-20], "broken"),
        ("large.nii", bytes(header), "too_large"),
        ("far.nii", bytes(far), "broken"),
        ("complex.nii", bytes(odd), "unsupported"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(Unreadable) as caught:
            read(tmp_path / name)
        assert caught.value.code == expected, name
