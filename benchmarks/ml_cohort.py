"""Job folders from the made-up cohort, for the benchmarks of the learning core."""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from nibabel.nifti1 import Nifti1Image

from reticle.demo.cohort import CLASSES, make_cohort

LABELS = [{"index": index, "name": name} for index, name in CLASSES.items()]


@dataclass(frozen=True)
class Slice:
    """One slice of a made-up patient."""

    id: str
    patient: str
    samples: npt.NDArray[np.uint16]
    mask: npt.NDArray[np.uint8]
    spacing: tuple[float, float]


def slices_of(folder: Path, *, patients: int, slices: int, size: int, seed: int) -> list[Slice]:
    """All slices of a cohort, patient by patient."""
    found = []
    for patient in make_cohort(folder, patients=patients, slices=slices, size=size, seed=seed):
        image, mask = map(Nifti1Image.from_filename, (patient.image, patient.mask))
        samples, labels = np.asarray(image.dataobj), np.asarray(mask.dataobj)
        zooms = np.sqrt((image.affine[:3, :3] ** 2).sum(axis=0))
        for number in range(samples.shape[2]):
            found.append(
                Slice(
                    f"{patient.person.patient}-{number:02}",
                    patient.person.patient,
                    samples[:, :, number].astype(np.uint16),
                    labels[:, :, number].astype(np.uint8),
                    (float(zooms[0]), float(zooms[1])),
                )
            )
    return found


def write_job(
    folder: Path, chosen: Sequence[Slice], *, config: dict[str, Any], labelled: bool = True,
    **job: Any,
) -> Path:  # fmt: skip
    """Write a job folder of these slices."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    rows = []
    for item in chosen:
        np.save(folder / "images" / f"{item.id}.npy", item.samples)
        np.save(folder / "masks" / f"{item.id}.npy", item.mask)
        mask = f"masks/{item.id}.npy" if labelled else None
        rows.append(
            {
                "id": item.id, "patient": item.patient, "spacing": list(item.spacing),
                "mask": mask,
            }
        )  # fmt: skip
    content = {"config": config, "seed": 0, "classes": LABELS, **job}
    (folder / "job.json").write_text(json.dumps(content))
    (folder / "examples.json").write_text(json.dumps(rows))
    return folder


def machine() -> str:
    """One line about this machine and how busy it is."""
    try:
        text = Path("/proc/cpuinfo").read_text()
        name = next(
            line.split(":")[1].strip() for line in text.splitlines() if "model name" in line
        )
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return f"{name}, {cores} cores, load {load} (1, 5, 15 min), commit {commit}"
