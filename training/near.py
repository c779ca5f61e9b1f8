"""STEP near: the labelled cases that the model holds to be most like the one at hand.

By the distance of its bottleneck features, each divided by its spread among the labelled cases, so
that no feature of large numbers decides alone; one without spread tells none from another. One case
a patient, and never the case's own patient: the slice beside it would say nothing.
"""

import numpy as np
import numpy.typing as npt

from annotations.models import Assignment, Task
from reticle.errors import NotFound
from reticle.images.models import Image
from reticle.images.render import shown
from reticle.pixels.mask import unpack
from training.models import ModelVersion, Prediction
from training.picture import colours_of, png

COUNT = 4
SPREAD = 1e-6  # of a feature's largest value, or of the widest spread: below it there is none
LABELLED = 2000  # so many labelled cases at most are looked through, the newest


def neighbours(assignment: Assignment) -> list[Image]:
    """Return up to `COUNT` images, the nearest first; none where the case shows no suggestion.

    A blind case is to be read without the model, and so without what it holds to be alike.
    """
    if assignment.suggestion is None:
        return []
    task = Task.objects.select_related("image__series__study").get(pk=assignment.task_id)
    number = assignment.suggestion.model_number
    model = ModelVersion.objects.get(campaign=task.campaign_id, number=number)
    own = Prediction.objects.filter(model=model, image=task.image).exclude(embedding=None)
    mine = own.values_list("embedding", flat=True).first()
    found = labelled(model, task.image.series.study.patient_key)
    if mine is None or not found:
        return []
    vectors = np.stack([vector for _, vector in found])
    away = distances(vectors, np.frombuffer(bytes(mine), "<f4"))
    nearest: dict[str, Image] = {}
    for place in np.argsort(away, kind="stable"):
        image = found[int(place)][0]
        nearest.setdefault(image.series.study.patient_key, image)
        if len(nearest) == COUNT:
            break
    return list(nearest.values())


def distances(
    vectors: npt.NDArray[np.float32], mine: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Return the distance of each of (N, D) features to (D,), by those that have any spread."""
    known = vectors.astype(np.float64)
    spread = known.std(axis=0)
    floor = SPREAD * np.maximum(np.abs(known).max(axis=0), spread.max())
    tell = spread > floor
    return np.asarray(np.linalg.norm((known - mine)[:, tell] / spread[tell], axis=1))


def labelled(model: ModelVersion, without: str) -> list[tuple[Image, npt.NDArray[np.float32]]]:
    """Return (image, features) of settled cases of other patients; never held-out ones."""
    settled = model.campaign.tasks.filter(state=Task.State.SETTLED, held_out=False)
    rows = (
        Prediction.objects.filter(model=model, image_id__in=settled.values("image_id"))
        .exclude(embedding=None)
        .exclude(image__series__study__patient_key=without)
        .select_related("image__series__study")
        .only("embedding", "image__series__study__patient_key", "image__index")
        .order_by("-image_id")[:LABELLED]
    )
    return [(row.image, np.frombuffer(bytes(row.embedding or b""), "<f4")) for row in rows]


def neighbour_picture(assignment: Assignment, image_id: int) -> bytes:
    """Return a PNG of a neighbour with what people drew on it.

    Raises NotFound for every image that is not one of the case's neighbours.
    """
    if image_id not in {image.pk for image in neighbours(assignment)}:
        raise NotFound("This is no neighbour of the case.")
    campaign = assignment.campaign
    task = campaign.tasks.select_related("image", "settled").get(image_id=image_id)
    assert task.settled is not None  # only settled cases are neighbours
    mask = unpack(bytes(task.settled.packed), task.image.rows, task.image.columns)
    return png(shown(task.image), mask, colours_of(campaign))
