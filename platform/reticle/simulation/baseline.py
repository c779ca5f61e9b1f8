"""What two intensity thresholds reach on the final held-out list, beside every champion."""

from collections import defaultdict
from typing import Any

import numpy as np

from annotations.models import Campaign, Task
from reticle.demo.baseline import two_thresholds
from reticle.images.render import samples
from reticle.pixels.agreement import counts
from reticle.pixels.mask import unpack


def baseline_report(campaign: Campaign) -> dict[str, Any]:
    """Return {classes: {name: {dice, sensitivity}}, mean_dice} pooled by patient, as models are.

    The thresholds give label 1 to middle and 2 to bright values: classes 1 and 2 of the demo
    cohort (grey, white). Other classes are beyond two thresholds and are left out.
    """
    pooled: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    tasks = campaign.tasks.filter(held_out=True, state=Task.State.SETTLED)
    classes = list(campaign.classes.filter(index__in=[1, 2]).order_by("index"))
    for task in tasks.select_related("settled", "image__series__study"):
        assert task.settled is not None  # a database constraint
        truth = unpack(bytes(task.settled.packed), task.image.rows, task.image.columns)
        guess = two_thresholds(samples(task.image))
        for label in classes:
            found = counts(guess, truth, label.index)
            key = (label.name, task.image.series.study.patient_key)
            for place, value in enumerate((found.tp, found.fp, found.fn)):
                pooled[key][place] += value
    rows: dict[str, dict[str, float]] = {}
    for label in classes:
        cells = [cell for (name, _), cell in pooled.items() if name == label.name and any(cell)]
        if cells:
            dice = [2 * tp / (2 * tp + fp + fn) for tp, fp, fn in cells]
            found_share = [tp / (tp + fn) for tp, _, fn in cells if tp + fn]
            rows[label.name] = {
                "dice": float(np.mean(dice)),
                "sensitivity": float(np.mean(found_share)),
            }
    scores = [row["dice"] for row in rows.values()]
    return {"classes": rows, "mean_dice": float(np.mean(scores)) if scores else None}
