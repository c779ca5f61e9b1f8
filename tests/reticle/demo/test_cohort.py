import json
from hashlib import sha256
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest

from reticle.demo.baseline import two_thresholds
from reticle.demo.cohort import (
    GREY,
    LESION,
    WHITE,
    Person,
    Scan,
    make_cohort,
    make_patient,
)
from reticle.demo.template import load_template
from reticle.pixels.agreement import dice

Cohort = list[tuple[Person, Scan]]


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    template = load_template()
    return [make_patient(template, number, 16, 128, 0) for number in range(1, 13)]


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        make_cohort(tmp_path / name, patients=2, slices=4, size=48, seed=seed)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert not set(digests(tmp_path / "a").values()) & set(digests(tmp_path / "c").values())


def test_a_patient_is_the_same_in_a_larger_cohort(tmp_path: Path) -> None:
    make_cohort(tmp_path / "one", patients=1, slices=4, size=48)
    make_cohort(tmp_path / "two", patients=2, slices=4, size=48)
    assert digests(tmp_path / "one").items() <= digests(tmp_path / "two").items()


def test_nifti_files_hold_16_bit_samples_true_spacing_and_aligned_labels(tmp_path: Path) -> None:
    files = make_cohort(tmp_path, patients=3, slices=6, size=64)
    for patient in files:
        image = nibabel.Nifti1Image.from_filename(patient.image)
        mask = nibabel.Nifti1Image.from_filename(patient.mask)
        assert image.shape == mask.shape == (64, 64, 6)
        assert np.asarray(image.dataobj).dtype == np.uint16
        assert np.asarray(image.dataobj).max() >= 4095
        assert np.array_equal(image.affine, mask.affine)
        column, row, between = np.diag(image.affine)[:3]
        assert 205 / 64 <= column == row <= 235 / 64
        assert between > 10
        assert set(np.unique(np.asarray(mask.dataobj))) <= {0, GREY, WHITE, LESION}
        sidecar = json.loads(patient.sidecar.read_text())
        assert list(sidecar)[:5] == ["patient", "sex", "age_band", "site", "scanner"]
        assert sidecar["patient"] == patient.person.patient
    assert len({patient.person.site for patient in files}) == 3


def test_a_dicom_series_holds_the_same_samples_and_places_them_alike(tmp_path: Path) -> None:
    (nifti,) = make_cohort(tmp_path / "n", patients=1, slices=4, size=48)
    (dicom,) = make_cohort(tmp_path / "d", patients=1, slices=4, size=48, dicom=True)
    volume = nibabel.Nifti1Image.from_filename(nifti.image)
    voxels = np.asarray(volume.dataobj)
    slices = [pydicom.dcmread(path) for path in sorted(dicom.image.iterdir())]
    assert len(slices) == 4
    for number, dataset in enumerate(slices):
        assert np.array_equal(dataset.pixel_array, voxels[::-1, ::-1, number].T)
        assert dataset.BitsStored == 16
        first = volume.affine @ [47, 47, number, 1]
        expected = [-first[0], -first[1], first[2]]
        assert np.allclose(dataset.ImagePositionPatient, expected, atol=1e-3)
        assert str(dataset.PatientName).startswith("Sample^")
    assert len({dataset.SeriesInstanceUID for dataset in slices}) == 1
    assert len({dataset.SOPInstanceUID for dataset in slices}) == 4


@pytest.mark.parametrize("seed", [1, 2])
def test_about_15_percent_of_slices_hold_a_lesion_and_every_patient_has_one(seed: int) -> None:
    template = load_template()
    people = [make_patient(template, number, 16, 64, seed) for number in range(1, 25)]
    affected = [(scan.labels == LESION).any(axis=(0, 1)).sum() for _, scan in people]
    assert min(affected) >= 1
    assert 0.12 <= sum(affected) / (24 * 16) <= 0.19


def test_lesions_vary_in_size_and_lie_among_white_matter(cohort: Cohort) -> None:
    sizes = [int((scan.labels == LESION).sum()) for _, scan in cohort]
    assert max(sizes) > 5 * min(sizes)


def test_two_thresholds_are_not_enough_and_not_useless(cohort: Cohort) -> None:
    scores = []
    for _, scan in cohort:
        frames = range(scan.samples.shape[2])
        guess = np.stack([two_thresholds(scan.samples[:, :, z]) for z in frames], axis=2)
        scores += [dice(guess, scan.labels, GREY), dice(guess, scan.labels, WHITE)]
    assert 0.60 <= float(np.mean(scores)) <= 0.75


def test_thresholds_find_three_clear_levels() -> None:
    levels = np.repeat(np.array([0, 500, 1000], np.uint16), 100).reshape(10, 30)
    assert np.array_equal(two_thresholds(levels), np.repeat([0, 1, 2], 100).reshape(10, 30))
    assert not two_thresholds(np.full((4, 4), 7)).any()


def test_sizes_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="slices"):
        make_cohort(tmp_path, slices=400)
