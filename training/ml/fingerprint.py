"""What a set of images is like, for the record in model.json: sizes, spacings, intensities.

Computed per modality, since Hounsfield units and MRI signal say nothing about each other. Whoever
meets a model can tell by it whether an image is of the kind the model was trained on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from training.ml.job import Example

_MOST = 64  # images looked at per modality; more change the percentiles little
_PERCENTILES = (0.5, 5, 50, 95, 99.5)


def fingerprint(examples: Sequence[Example]) -> dict[str, Any]:
    """By modality ("" where unknown): images, rows, columns, spacing, intensity percentiles.

    Medians over images; sizes in pixels, spacing in mm (None where no image states one),
    intensities in modality values. Raises JobError for an unreadable image.
    """
    groups: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        groups[example.modality].append(example)
    return {name: _group(groups[name]) for name in sorted(groups)}


def _group(examples: Sequence[Example]) -> dict[str, Any]:
    step = -(-len(examples) // _MOST)
    some = examples[::step]
    sizes = np.array([example.size() for example in some])
    spacings = np.array([e.spacing for e in some if e.spacing is not None]).reshape(-1, 2)
    levels = np.array([np.percentile(example.pixels(), _PERCENTILES) for example in some])
    return {
        "images": len(examples),
        "rows": float(np.median(sizes[:, 0])),
        "columns": float(np.median(sizes[:, 1])),
        "spacing": np.median(spacings, axis=0).tolist() if len(spacings) else None,
        "intensity": dict(
            zip(map(str, _PERCENTILES), np.median(levels, axis=0).tolist(), strict=True)
        ),
    }
