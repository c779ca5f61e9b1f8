"""The MNI152 template as it ships inside the nilearn package: T1, grey- and white-matter maps.

Source: ICBM 2009a nonlinear symmetric template (197 x 233 x 189 voxels of 1 mm, brain only),
V. Fonov et al., "Unbiased average age-appropriate atlases for pediatric studies", NeuroImage 54
(2011) 313-327; McConnell Brain Imaging Centre, Montreal Neurological Institute. Its terms permit
use, copying, modification and distribution for any purpose without fee as long as this notice
appears in all copies:

    Copyright (C) 1993-2004 Louis Collins, McConnell Brain Imaging Centre, Montreal Neurological
    Institute, McGill University. Permission to use, copy, modify, and distribute this software
    and its documentation for any purpose and without fee is hereby granted, provided that the
    above copyright notice appear in all copies. The authors and McGill University make no
    representations about the suitability of this software for any purpose. It is provided "as is"
    without express or implied warranty. The authors are not responsible for any data loss,
    equipment damage, property loss, or injury to subjects or patients resulting from the use or
    misuse of this software package.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt

Volume = npt.NDArray[np.uint8]


class TemplateMissing(RuntimeError):
    """The package that carries the template is not installed."""


@dataclass(frozen=True)
class Template:
    """Three uint8 volumes (x, y, z) of 1 mm in RAS order; maps are probabilities times 255."""

    t1: Volume
    grey: Volume
    white: Volume


def load_template() -> Template:
    """Read the three volumes from the installed nilearn without importing it (which takes seconds).

    Raises TemplateMissing when nilearn is not installed or no longer carries the files.
    """
    spec = find_spec("nilearn")
    if spec is None or not spec.submodule_search_locations:
        raise TemplateMissing("install the `demo` extra: the MNI152 template ships in nilearn")
    data = Path(spec.submodule_search_locations[0]) / "datasets" / "data"
    t1, grey, white = (_read(data, part) for part in ("t1", "gm", "wm"))
    return Template(t1=t1, grey=grey, white=white)


def _read(data: Path, part: str) -> Volume:
    path = data / f"mni_icbm152_{part}_tal_nlin_sym_09a_converted.nii.gz"
    if not path.is_file():
        raise TemplateMissing(f"this version of nilearn has no {path.name}; use nilearn 0.13-0.14")
    return np.asarray(nibabel.Nifti1Image.from_filename(path).dataobj, dtype=np.uint8)
