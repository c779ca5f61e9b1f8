"""A seeded cohort of made-up brain MRI patients with true labels, for the demo and the benchmarks.

    for patient in make_cohort(Path("cohort"), patients=12):
        patient.image       # 16-bit NIfTI, or the folder of a DICOM series
        patient.mask        # label NIfTI: 1 grey matter, 2 white matter, 3 lesion
        patient.sidecar     # {"patient", "sex", "age_band", "site", "scanner"}

No picture shows a person: every one is *derived* from the MNI152 average brain (source, terms and
copyright notice: ``reticle.demo.template``). Each patient is the template bent by an affine and an
elastic deformation, given the tissue contrast, gamma and sharpness of a site, the noise, bias field
and sample range of a scanner, and the ventricles and contrast of an age; lesions are implanted in
the white matter of about 15 % of the slices. Two intensity thresholds alone do badly on it, on
purpose (``reticle.demo.baseline``; figures in docs/data.md).
"""

import json
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from reticle.demo.anatomy import Anatomy, Field, Shape, bend, smooth_field
from reticle.demo.series import write_series
from reticle.demo.template import Template, load_template

GREY, WHITE, LESION = 1, 2, 3
CLASSES = {GREY: "grey", WHITE: "white", LESION: "lesion"}
LESION_SHARE = 0.15  # of the slices
MAX_SLICES = 40  # beyond, slices would be thinner than pixels are wide

Labels = npt.NDArray[np.uint8]
Samples = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Site:
    """Signal of each tissue (white of the reference is 1), gamma and blur in mm."""

    name: str
    fluid: float
    grey: float
    white: float
    gamma: float
    blur: float


@dataclass(frozen=True)
class Scanner:
    """Noise (of white matter's signal), log bias field and largest sample."""

    name: str
    noise: float
    bias: float
    full_scale: int


SITES = (
    Site("north", fluid=0.22, grey=0.66, white=1.00, gamma=1.00, blur=0.6),
    Site("harbour", fluid=0.34, grey=0.74, white=0.98, gamma=0.85, blur=1.2),
    Site("valley", fluid=0.16, grey=0.60, white=0.92, gamma=1.20, blur=0.9),
)
SCANNERS = (
    Scanner("Aster 1.5T", noise=0.055, bias=0.26, full_scale=4095),
    Scanner("Boreal 3T", noise=0.030, bias=0.38, full_scale=16383),
    Scanner("Cirrus 3T", noise=0.040, bias=0.32, full_scale=60000),
)
AGES = ("18-39", "40-59", "60-79", "80+")
SEXES = ("F", "M")


@dataclass(frozen=True)
class Person:
    """What the sidecar says; every field shifts the appearance."""

    patient: str
    sex: str
    age_band: str
    site: str
    scanner: str


@dataclass(frozen=True)
class PatientFiles:
    """The files of one patient; ``image`` is a folder when the cohort was written as DICOM."""

    person: Person
    image: Path
    mask: Path
    sidecar: Path


@dataclass(frozen=True)
class Scan:
    """Samples and labels (x, y, slice) in RAS order with the spacing in mm."""

    samples: Samples
    labels: Labels
    spacing: tuple[float, float, float]


def make_cohort(
    folder: Path,
    *,
    patients: int = 12,
    slices: int = 16,
    size: int = 128,
    seed: int = 0,
    dicom: bool = False,
) -> list[PatientFiles]:
    """Write the cohort into ``folder`` (made if missing) and list its files.

    The same arguments write the same bytes. Patient ``i`` of a seed is the same person however
    many patients are asked for. Raises ValueError for sizes that make no sense and
    TemplateMissing where nilearn is not installed.
    """
    if not (1 <= slices <= MAX_SLICES and 32 <= size <= 512 and 1 <= patients <= 9999):
        raise ValueError(f"ask for 1-{MAX_SLICES} slices of 32-512 pixels and 1-9999 patients")
    folder.mkdir(parents=True, exist_ok=True)
    template = load_template()
    return [
        _write(folder, *make_patient(template, number, slices, size, seed), seed, dicom)
        for number in range(1, patients + 1)
    ]


def make_patient(
    template: Template, number: int, slices: int, size: int, seed: int
) -> tuple[Person, Scan]:
    """Draw patient ``number`` (from 1) of the cohort ``seed``."""
    rng = np.random.default_rng([seed, number])
    site = SITES[(number - 1) % len(SITES)]
    scanner = SCANNERS[int(rng.integers(len(SCANNERS)))]
    age = int(rng.integers(len(AGES)))
    sex = SEXES[int(rng.integers(len(SEXES)))]
    shape = Shape(
        size=size,
        slices=slices,
        field_of_view=float(rng.uniform(205, 235)),
        head=float((1.03 if sex == "M" else 0.97) * rng.uniform(0.96, 1.04)),
        ventricles=0.05 + 0.12 * age,
        elastic=float(rng.uniform(2.5, 4.0)),
    )
    anatomy = bend(template, rng, shape)
    labels = _labels(anatomy)
    lesions = _implant(rng, labels, anatomy, shape.spacing)
    signal = _signal(rng, anatomy, lesions, site, age)
    samples = _acquire(rng, signal, site, scanner, shape.spacing)
    person = Person(f"demo-{seed}-{number:04d}", sex, AGES[age], site.name, scanner.name)
    return person, Scan(samples, labels, shape.spacing)


def _labels(anatomy: Anatomy) -> Labels:
    """The most probable of nothing, grey and white in every voxel."""
    nothing = 1 - anatomy.grey - anatomy.white
    likeliest = np.argmax(np.stack([nothing, anatomy.grey, anatomy.white]), axis=0)
    return np.asarray(likeliest, np.uint8)


def _implant(
    rng: np.random.Generator, labels: Labels, anatomy: Anatomy, spacing: tuple[float, float, float]
) -> Field:
    """Mark lesions in ``labels`` and return their signal relative to white matter, NaN elsewhere.

    One to three blobs of 3-9 mm radius with uneven borders in a slice, each running through one or
    two slices, most of them dark, some bright, some faint.
    """
    relative = np.full(labels.shape, np.nan, np.float32)
    slices = labels.shape[2]
    wanted = max(1, round(slices * LESION_SHARE * rng.uniform(0.4, 1.6)))
    roomy = [z for z in range(slices) if (labels[:, :, z] == WHITE).mean() > 0.03]
    x, y = np.meshgrid(*(np.arange(n) for n in labels.shape[:2]), indexing="ij")
    marked: set[int] = set()
    while len(marked) < min(wanted, len(roomy)):
        start = int(rng.choice([z for z in roomy if z not in marked]))
        run = {z for z in (start, start + int(rng.integers(2))) if z in roomy}
        if len(run - marked) > wanted - len(marked):
            run = {start}
        for _ in range(int(rng.integers(1, 4))):
            deep = ndimage.binary_erosion(anatomy.white[:, :, start] > 0.8, iterations=2)
            inside = np.argwhere(deep if deep.any() else labels[:, :, start] == WHITE)
            if not len(inside):
                continue
            centre = inside[int(rng.integers(len(inside)))]
            radii = rng.uniform(3, 9) * rng.uniform(0.7, 1.3, 2) / spacing[0]
            ragged = 0.18 * smooth_field(rng, (*labels.shape[:2], 1), (14, 14, 1))[:, :, 0]
            away = np.hypot((x - centre[0]) / radii[0], (y - centre[1]) / radii[1]) + ragged
            bright = rng.random() < 0.25
            level = rng.uniform(1.25, 1.5) if bright else rng.uniform(0.3, 0.7)
            for z in run:
                blob = (away < 1) & (labels[:, :, z] >= WHITE)
                relative[:, :, z][blob] = level
                labels[:, :, z][blob] = LESION
        marked.update(z for z in run if (labels[:, :, z] == LESION).any())
    return relative


def _signal(
    rng: np.random.Generator, anatomy: Anatomy, lesions: Field, site: Site, age: int
) -> Field:
    """Noise-free signal: tissue means of the site, the template's own detail, texture, lesions."""
    brain = np.clip(anatomy.t1 * 4, 0, 1)  # soft support: the template is black outside the brain
    fluid = np.clip(1 - anatomy.grey - anatomy.white, 0, 1)
    grey_level = site.grey + 0.03 * age * (site.white - site.grey)  # contrast fades with age
    tissue = fluid * site.fluid + anatomy.grey * grey_level + anatomy.white * site.white
    expected = fluid * 0.25 + anatomy.grey * 0.66 + anatomy.white * 0.85
    texture = 1 + 0.035 * smooth_field(rng, anatomy.t1.shape, (24, 24, 16))
    signal = brain * (tissue + 0.8 * (anatomy.t1 - expected)) * texture
    marked = ~np.isnan(lesions)
    signal[marked] = lesions[marked] * site.white * texture[marked]
    return np.asarray(np.clip(signal, 0, None) ** site.gamma, np.float32)


def _acquire(
    rng: np.random.Generator,
    signal: Field,
    site: Site,
    scanner: Scanner,
    spacing: tuple[float, float, float],
) -> Samples:
    """Blur in the slice, multiply by the bias field, add Rician noise, scale to the full range."""
    sigma = site.blur / spacing[0]
    sharp = ndimage.gaussian_filter(signal, (sigma, sigma, 0))
    field = np.exp(scanner.bias * smooth_field(rng, signal.shape, (3, 3, 2)))
    strength = scanner.noise * rng.uniform(0.8, 1.3)
    real, imaginary = rng.normal(0, strength, (2, *signal.shape))
    magnitude = np.hypot(sharp * field + real, imaginary)
    return np.asarray(np.rint(magnitude / magnitude.max() * scanner.full_scale), np.uint16)


def _write(folder: Path, person: Person, scan: Scan, seed: int, dicom: bool) -> PatientFiles:
    sidecar = folder / f"{person.patient}.json"
    told = {**asdict(person), "modality": "MR"}
    sidecar.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    mask = folder / f"{person.patient}.mask.nii.gz"
    affine = _affine(scan)
    _write_nifti(mask, scan.labels, affine)
    if dicom:
        image = folder / person.patient
        write_series(image, scan.samples, affine, asdict(person), seed)
    else:
        image = folder / f"{person.patient}.nii.gz"
        _write_nifti(image, scan.samples, affine)
    return PatientFiles(person, image, mask, sidecar)


def _affine(scan: Scan) -> npt.NDArray[np.float64]:
    """Voxel (x, y, slice) to RAS millimetres, the origin in the middle of the volume."""
    affine = np.diag([*scan.spacing, 1.0])
    affine[:3, 3] = [
        -(n - 1) / 2 * s for n, s in zip(scan.samples.shape, scan.spacing, strict=True)
    ]
    return affine


def _write_nifti(
    path: Path, array: npt.NDArray[np.generic], affine: npt.NDArray[np.float64]
) -> None:
    image = nibabel.Nifti1Image(array, affine)  # type: ignore[no-untyped-call]
    image.header.set_xyzt_units("mm")  # type: ignore[no-untyped-call]
    # No time stamp in the compressed file: the same cohort is the same bytes.
    compressor = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    path.write_bytes(compressor.compress(image.to_bytes()) + compressor.flush())
