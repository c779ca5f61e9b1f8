"""Every champion, and two thresholds, on all held-out images: what a simulation ends with.

A campaign knows only those held-out cases that were read: a dozen or two, of which few show a rare
class, or none. A simulation knows the reference of all of them, and learning curves are honest only
on the same cases: the list that models are judged by grows while a campaign is read.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from annotations.models import Campaign
from reticle.demo.baseline import two_thresholds
from reticle.images.render import samples
from reticle.pixels.agreement import counts
from reticle.pixels.mask import Mask
from training.fit import measured
from training.jobs import Example


def held_out(campaign: Campaign, reference: Callable[[int], Mask]) -> list[Example]:
    """Return all held-out images with their reference, read by anybody or not."""
    tasks = campaign.tasks.filter(held_out=True).exclude(state="excluded").order_by("id")
    return [
        Example(
            image=task.image, patient=task.image.series.study.patient_key,
            mask=reference(task.image_id),
        )
        for task in tasks.select_related("image__series__study")
    ]  # fmt: skip


def champions_measured(campaign: Campaign, cases: list[Example]) -> list[dict[str, Any]]:
    """Measure every model that was ever champion, oldest first."""
    crowned = campaign.models.filter(champion_since__isnull=False).order_by("number")
    rows = []
    for model in crowned.select_related("run__snapshot"):
        report = measured(model, cases, beat=lambda: True)
        rows.append(
            {
                "number": model.number,
                "labels": model.run.snapshot.labels if model.run.snapshot else 0,
                "cases": len(report["cases"]),
                "mean_dice": report.get("mean_dice"),
                "classes": report.get("classes", {}),
            }
        )
    return rows


def baseline_report(campaign: Campaign, cases: list[Example]) -> dict[str, Any]:
    """Return {classes: {name: {dice, sensitivity}}, mean_dice} pooled by patient, as models are.

    The thresholds give label 1 to middle and 2 to bright values: classes 1 and 2 of the demo
    cohort (grey, white). Other classes are beyond two thresholds and are left out.
    """
    pooled: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    classes = list(campaign.classes.filter(index__in=[1, 2]).order_by("index"))
    for case in cases:
        assert case.mask is not None  # `held_out` gives each its own
        guess = two_thresholds(samples(case.image))
        for label in classes:
            found = counts(guess, case.mask, label.index)
            for place, value in enumerate((found.tp, found.fp, found.fn)):
                pooled[label.name, case.patient][place] += value
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
