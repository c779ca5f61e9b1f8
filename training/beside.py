"""STEP beside: a shadow and the champion side by side: on held-out cases, and in what they drew.

Drawings are judged by what readers settled afterwards, on cases that neither model learned from.
Readers saw the champion's suggestions and never the shadow's, which favours the champion: the
number of cases that were read from a suggestion is said.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from annotations.models import IGNORE_INDEX, Annotation, Campaign, Task
from reticle.pixels.agreement import Counts, counts
from reticle.pixels.mask import unpack
from training import figures, paired
from training.compare import compared, pool_tasks
from training.figures import Report, Row
from training.jobs import judged_truth
from training.models import ModelVersion, Prediction
from training.promote import champion_of, finite, shadow_of
from training.snapshot import learned_from

NEWEST = 100  # so many cases at most are looked at: those settled last, and those that wait
Mask = npt.NDArray[np.uint8]
PAIRS = ("between", "shadow", "champion")


def beside_of(campaign: Campaign) -> Row | None:
    """Return all that is known of the campaign's shadow beside its champion; None without one.

    {id, number, labels, champion, averaged, difference, held_out, drawings}; see
    `training.compare_forms`.
    """
    shadow, champion = shadow_of(campaign), champion_of(campaign)
    if shadow is None:
        return None
    snapshot = shadow.run.snapshot
    found = compared(shadow, champion) if champion else None
    return {
        "id": shadow.pk,
        "number": shadow.number,
        "created_at": shadow.created_at,
        "labels": snapshot.labels if snapshot else 0,
        "champion": champion.number if champion else None,
        "averaged": found["averaged"] if found else [],
        "difference": found["mean"] if found else None,
        "held_out": measured(shadow, champion),
        "drawings": drawings(shadow, champion),
    }


def measured(shadow: ModelVersion, champion: ModelVersion | None) -> list[Row]:
    """Return {at, cases, shadow, champion}: mean Dice, or accuracy, on each snapshot's held-out.

    Means over what the promotion rule compares on that list, of the same patients where both were
    measured (`training.paired`).
    """
    rivals = champion.evaluations.all() if champion else []
    theirs = {row.snapshot_id: row.report for row in rivals}
    return [
        {
            "at": row.snapshot.created_at, "cases": len(row.report.get("cases", [])),
            **dict(zip(
                ("shadow", "champion"), _means(row.report, theirs.get(row.snapshot_id)),
                strict=True,
            )),
        }
        for row in shadow.evaluations.select_related("snapshot").order_by("snapshot_id")
    ]  # fmt: skip


def _means(own: Report, rival: Report | None) -> tuple[float | None, float | None]:
    names = figures.averaged(own)
    if rival is None:
        return figures.mean_over(own, names), None
    known = [name for name in names if name in figures.parts_of(rival)]
    return paired.means(paired.pairs(own, rival, known)) or (None, None)


def drawings(shadow: ModelVersion, champion: ModelVersion | None) -> Row:
    """Return {drawn, settled, guided, classes: [{name, between, shadow, champion}]}.

    `between` is the Dice of the two drawings over the `drawn` cases both have drawn; the other two
    are against the label, over the `settled` ones, of which `guided` were read from a suggestion.
    Pixels of all cases are pooled; None where neither shows the class. Nothing of classifiers.
    """
    draws = bool(shadow.card.get("classes"))
    tasks = _tasks(shadow) if draws else []
    ours, theirs = _drawn(shadow, tasks), _drawn(champion, tasks) if champion else {}
    names = {int(str(row["index"])): str(row["name"]) for row in shadow.card.get("classes", [])}
    totals = {index: {pair: Counts(0, 0, 0) for pair in PAIRS} for index in names}
    known = learned_from(shadow) | (learned_from(champion) if champion else set())
    drawn = settled = guided = 0
    for task in tasks:
        pair = [ours[task.image_id], theirs.get(task.image_id)]
        masks = [None if row is None else _mask(row, task) for row in pair]
        assert masks[0] is not None
        if masks[1] is not None:
            drawn += 1
            _add(totals, "between", masks[0], masks[1])
        label = task.settled
        if label is None or task.image_id in known or not _before(pair, label, champion):
            continue
        settled += 1
        guided += label.started_from_id is not None
        truth = judged_truth(label, task.image)
        judged = truth != IGNORE_INDEX
        for name, mask in zip(("shadow", "champion"), masks, strict=True):
            if mask is not None:
                _add(totals, name, mask * judged, truth * judged)
    return {
        "drawn": drawn, "settled": settled, "guided": guided,
        "classes": [
            {"name": names[index], **{pair: finite(total.dice) for pair, total in found.items()}}
            for index, found in totals.items()
        ],
    }  # fmt: skip


def _tasks(shadow: ModelVersion) -> list[Task]:
    """Return the cases that it has drawn: those settled last, and the next ones that wait.

    Not those that its measurement drew to be looked at: it has learned from them.
    """
    rows = pool_tasks(shadow.campaign).filter(image__predictions__model=shadow)
    rows = rows.exclude(image_id__in=learned_from(shadow))
    rows = rows.select_related("image", "settled")
    last = rows.filter(state=Task.State.SETTLED).order_by("-settled_id")[:NEWEST]
    waiting = rows.filter(state=Task.State.OPEN).order_by("-priority", "id")[:NEWEST]
    return [*last, *waiting]


def _drawn(model: ModelVersion, tasks: Sequence[Task]) -> dict[int, Prediction]:
    """Return {image: drawing} of these cases, without what else is known of them."""
    images = [task.image_id for task in tasks]
    rows = Prediction.objects.filter(model=model, image_id__in=images)
    return {row.image_id: row for row in rows.only("image_id", "created_at", "packed")}


def _before(
    pair: Sequence[Prediction | None], label: Annotation, champion: ModelVersion | None
) -> bool:
    """Tell whether all models there are had drawn the case before it was settled."""
    wanted = pair if champion is not None else pair[:1]
    return all(row is not None and row.created_at < label.created_at for row in wanted)


def _mask(row: Prediction, task: Task) -> Mask:
    return unpack(bytes(row.packed), task.image.rows, task.image.columns)


def _add(totals: Mapping[int, dict[str, Counts]], pair: str, guess: Mask, truth: Mask) -> None:
    for index, found in totals.items():
        found[pair] += counts(guess, truth, index)
