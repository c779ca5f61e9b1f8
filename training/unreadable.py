"""STEP unreadable: which images the champion could not read, so that they can be brought back."""

from collections.abc import Sequence

from annotations.join import import_numbers
from annotations.models import Campaign
from reticle.images.models import IntakeItem
from training import jobs
from training.figures import Row
from training.promote import champion_of

SHOWN = 100


def unreadable_of(campaign: Campaign) -> list[Row]:
    """Return the first of them: case, image, what is wrong with it now, and the file it came in.

    Raises OSError where the storage itself fails.
    """
    champion = champion_of(campaign)
    if champion is None:
        return []
    rows = campaign.tasks.filter(image_id__in=champion.unreadable).order_by("id")
    tasks = list(rows.select_related("image__series__study")[:SHOWN])
    files = _files(campaign, [task.image_id for task in tasks])
    return [
        {
            "case": task.pk,
            "image": task.image_id,
            "patient": task.image.series.study.patient_key,
            "slice": task.image.index,
            "problem": jobs.problem_of(task.image) or "none",
            **files.get(task.image_id, {"file": "", "import_id": None, "import_number": None}),
        }
        for task in tasks
    ]


def _files(campaign: Campaign, images: Sequence[int]) -> dict[int, Row]:
    """Return {image: {file, import_id, import_number}} by the first import that gave each."""
    items = IntakeItem.objects.filter(intake__joins__campaign=campaign, images__overlap=images)
    given = list(items.order_by("-id").values_list("images", "name", "intake__joins"))
    numbers = import_numbers(campaign)
    return {
        image: {"file": name, "import_id": key, "import_number": numbers[key]}
        for own, name, key in given
        for image in own
    }
