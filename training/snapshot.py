"""STEP snapshot: freeze exactly what a model may see.

Ground truth is `Task.settled` and nothing else: hidden reference masks are never read here.
"""

import hashlib
import json
from typing import Any

from django.db import transaction

from annotations.models import Campaign, Task
from reticle.images.models import Image
from training import answers
from training.models import ModelVersion, Snapshot

SUBGROUPS = ("sex", "age_band", "site", "scanner", "modality")
LOOKED_AT = 12


def classes_of(campaign: Campaign) -> list[dict[str, object]]:
    """Return the classes a model is trained on, in mask order."""
    rows = campaign.classes.filter(retired_at=None).order_by("index")
    return [{"index": row.index, "name": row.name} for row in rows]


def manifest_of(campaign: Campaign) -> dict[str, Any]:
    """Return {classes, training, held_out}: rows of task, image, mask by hash, and patient.

    Where questions are asked, {questions, training, held_out}: answers in place of the mask.
    """
    tasks = (
        campaign.tasks.filter(state=Task.State.SETTLED)
        .select_related("settled", "image__series__study")
        .order_by("image_id")
    )
    manifest: dict[str, Any] = {"training": [], "held_out": []}
    asks, questions = answers.asks(campaign), list(campaign.questions.all())
    asked = answers.questions_of(campaign) if asks else []
    if asks:
        manifest["questions"] = asked
    else:
        manifest["classes"] = classes_of(campaign)
    for task in tasks:
        assert task.settled is not None  # a database constraint
        row = {
            "task": task.pk,
            "image": task.image_id,
            "image_sha256": task.image.sha256,
            "annotation": task.settled.pk,
            "patient": task.image.series.study.patient_key,
        }
        if asks:
            row |= answers.manifest_row(asked, questions, task.settled)
        else:
            row["mask_sha256"] = task.settled.sha256
        manifest["held_out" if task.held_out else "training"].append(row)
    return manifest


@transaction.atomic
def snapshot_take(*, campaign: Campaign) -> Snapshot:
    """Store the manifest of all settled cases and its hash; an equal one is found again."""
    manifest = manifest_of(campaign)
    sha256 = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
    known = Snapshot.objects.filter(campaign=campaign, sha256=sha256).first()
    if known is not None:
        return known
    return Snapshot.objects.create(
        campaign=campaign,
        sha256=sha256,
        manifest=manifest,
        labels=len(manifest["training"]),
        held_out=len(manifest["held_out"]),
    )


def looked_at(snapshot: Snapshot) -> list[int]:
    """Return the images that every model measured on the snapshot also draws, or answers.

    At most `LOOKED_AT` of its training cases, so that versions can be laid side by side; never
    held-out ones, which nobody is to choose models by looking at. By hash: nobody picks them, and
    later snapshots have mostly the same. Each patient's first comes before anybody's second.
    """
    turns: dict[str, int] = {}
    places = []
    for row in sorted(snapshot.manifest["training"], key=lambda row: row["image_sha256"]):
        patient = row["patient"]
        turns[patient] = turns.get(patient, 0) + 1
        places.append((turns[patient], hashlib.sha256(patient.encode()).digest(), row["image"]))
    return [image for _, _, image in sorted(places)[:LOOKED_AT]]


def learned_from(model: ModelVersion) -> set[int]:
    """Return the images of the cases that the model's own run learned from."""
    snapshot = model.run.snapshot
    return {row["image"] for row in snapshot.manifest.get("training", [])} if snapshot else set()


def subgroups_of(snapshot: Snapshot) -> dict[str, set[str]]:
    """Return the held-out patients of each subgroup, e.g. {"site A": {"P-1", "P-2"}}.

    Modality, which is known of every image, makes subgroups only where there are several.
    """
    rows = snapshot.manifest["held_out"]
    images = Image.objects.select_related("series").in_bulk([row["image"] for row in rows])
    several = len({image.series.modality for image in images.values()}) > 1
    groups: dict[str, set[str]] = {}
    for row in rows:
        series = images[row["image"]].series
        attributes = {**series.attributes, **({"modality": series.modality} if several else {})}
        for name in SUBGROUPS:
            if name in attributes:
                groups.setdefault(f"{name} {attributes[name]}", set()).add(row["patient"])
    return groups
