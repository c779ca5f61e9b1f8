"""STEP export: settled labels as PNG masks, COCO and a table of findings in one zip.

A manifest names every file with its hash.

Reader names are replaced by R1, R2 ... in the order of their accounts; images carry pseudonyms.
The same labels give the same bytes: members are sorted and carry a fixed time.
"""

import csv
import hashlib
import io
import json
import logging
import os
import time
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.timezone import now
from PIL import Image as Picture

from annotations.findings import findings_now
from annotations.models import IGNORE_INDEX, Campaign, Export, Question, Task
from reticle.accounts.models import User
from reticle.audit.record import record
from reticle.pixels.mask import unpack

logger = logging.getLogger(__name__)
CLAIM_SECONDS, ATTEMPTS = 300, 3  # longer than any one case or table takes
EPOCH = (1980, 1, 1, 0, 0, 0)  # a zip's earliest time: the same labels, the same bytes
NONE = "none of these"  # in the table, of several options
Mask = npt.NDArray[np.uint8]


class ClaimLost(Exception):
    """Another worker has taken the export over: nothing may be written any more."""


@transaction.atomic
def export_create(*, campaign: Campaign, actor: User | None) -> Export:
    """Queue an export of what is settled when the worker gets to it."""
    row = Export.objects.create(campaign=campaign, created_by=actor)
    record(
        actor_id=actor.pk if actor else None, action="export.create", target=row,
        campaign_id=campaign.pk,
    )  # fmt: skip
    return row


def export_claim(only: int | None = None) -> Export | None:
    """Claim the oldest export that waits or whose worker went silent; None if there is none.

    `only` names one export: a command that makes its own in its own process.
    """
    free = Q(state=Export.State.QUEUED) | Q(state=Export.State.RUNNING, claimed_until__lt=now())
    waiting = Export.objects.filter(free).order_by("id")
    for row in (waiting if only is None else waiting.filter(pk=only))[:5]:
        changed = Export.objects.filter(free, pk=row.pk).update(
            state=Export.State.RUNNING, claimed_until=_until(), attempt=F("attempt") + 1
        )
        if changed == 1:
            row.refresh_from_db()
            return row
    return None


def export_run(row: Export) -> Export:
    """Write a claimed export's zip (temporary file, then rename); it ends done, or failed and why.

    Nothing becomes of it when another worker has taken it over meanwhile.
    """
    if row.attempt > ATTEMPTS:
        _end(row, Export.State.FAILED, error="The worker ended three times during this export.")
        row.refresh_from_db()
        return row
    settings.EXPORT_FOLDER.mkdir(parents=True, exist_ok=True)
    name = f"{row.campaign.slug}-{row.pk}.zip"
    temporary = settings.EXPORT_FOLDER / f"{name}.{row.attempt}.part"
    try:
        cases = write_zip(row, temporary)
        with temporary.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        with transaction.atomic():
            done = {"file": name, "sha256": digest, "cases": cases, "error": ""}
            if not _end(row, Export.State.DONE, **done):
                raise ClaimLost
            os.replace(temporary, settings.EXPORT_FOLDER / name)
    except ClaimLost:
        logger.warning("%s was claimed by another worker: its file is dropped", row)
    except OSError as error:
        _end(row, Export.State.FAILED, error=str(error))
    finally:
        temporary.unlink(missing_ok=True)
    row.refresh_from_db()
    return row


def export_now(campaign: Campaign) -> Export:
    """Make an export in this process: no worker sees it before it is claimed."""
    with transaction.atomic():
        row = export_claim(only=export_create(campaign=campaign, actor=None).pk)
    assert row is not None
    return export_run(row)


def _own(row: Export) -> QuerySet[Export]:
    """Return the row as long as the claim of this attempt is held."""
    return Export.objects.filter(pk=row.pk, attempt=row.attempt, state=Export.State.RUNNING)


def _until() -> datetime:
    return now() + timedelta(seconds=CLAIM_SECONDS)


def _beat(row: Export) -> None:
    """Renew the claim. Raises ClaimLost."""
    if _own(row).update(claimed_until=_until()) != 1:
        raise ClaimLost


def _beating(row: Export, tasks: Iterable[Task]) -> Iterator[Task]:
    """Keep the claim while the cases are written. Raises ClaimLost."""
    due = time.monotonic()
    for task in tasks:
        if time.monotonic() >= due:
            _beat(row)
            due = time.monotonic() + settings.HEARTBEAT_SECONDS
        yield task


def _end(row: Export, state: Export.State, **fields: Any) -> bool:
    """End an attempt, unless another worker has taken it over."""
    return _own(row).update(state=state, finished_at=now(), **fields) == 1


def export_path(row: Export) -> Path:
    """Return where a finished export lies."""
    return Path(settings.EXPORT_FOLDER) / row.file


def write_zip(row: Export, path: Path) -> int:
    """Write masks, COCO, findings and manifest; return the number of cases. Raises ClaimLost."""
    coco, cases = _coco_frame(row.campaign), []
    questions = list(row.campaign.questions.order_by("position"))
    hashes: dict[str, str] = {}
    readers: dict[int, str] = {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for task in _beating(row, _settled(row.campaign)):
            answer, image = task.settled, task.image
            assert answer is not None  # a settled task has its answer: a database constraint
            name = None
            if row.campaign.kind == Campaign.Kind.SEGMENTATION:
                name = f"masks/{image.series.study.patient_key}_{image.pk:08d}.png"
                mask = unpack(bytes(answer.packed), image.rows, image.columns)
                hashes[name] = _add(archive, name, png(mask))
                coco["images"].append(
                    {
                        "id": image.pk,
                        "file_name": Path(name).name,
                        "height": image.rows,
                        "width": image.columns,
                    }
                )
                coco["annotations"] += _coco_rows(mask, image.pk, len(coco["annotations"]))
            reader = readers.setdefault(answer.author_id, f"R{len(readers) + 1}")
            cases.append(
                {
                    "image": image.pk, "image_sha256": image.sha256, "mask": name,
                    "mask_sha256": answer.sha256, "patient": image.series.study.patient_key,
                    "series": image.series.uid, "frame": image.index, "reader": reader,
                    "split": "held_out" if task.held_out else "training",
                    "findings": answer.findings, "unseen": answer.unseen,
                    "schema_version": answer.schema_version,
                }
            )  # fmt: skip
        _beat(row)
        if row.campaign.kind == Campaign.Kind.SEGMENTATION:
            hashes["coco.json"] = _add(archive, "coco.json", _json(coco))
        if questions:
            hashes["findings.csv"] = _add(archive, "findings.csv", _table(questions, cases))
        manifest = {
            "campaign": row.campaign.slug,
            "classes": [
                {"index": label.index, "name": label.name}
                for label in row.campaign.classes.order_by("index")
            ],
            "questions": [_question(question) for question in questions],
            "cases": cases,
            "files": hashes,
        }
        _add(archive, "manifest.json", _json(manifest))
    return len(cases)


def _question(question: Question) -> dict[str, object]:
    names = ("name", "text", "kind", "options", "low", "high", "required", "dropped", "renamed")
    fields = {name: getattr(question, name) for name in names}
    return {**fields, "retired": question.retired_at is not None}


def _table(questions: list[Question], cases: list[dict[str, Any]]) -> bytes:
    """Return one CSV line a case, one column a question; several options are joined by "; ".

    An answer that none of several options fits says so; a question without an answer is left blank.
    Options stand in their present words. The manifest has the answers as they were given, with the
    words that have changed since and what is no longer asked.
    """
    about = ("image", "image_sha256", "patient", "series", "frame", "reader", "split")
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*about, *(question.name for question in questions)])
    for case in cases:
        present = findings_now(questions, case["findings"])
        answers = [present.get(question.name, "") for question in questions]
        answers = [NONE if answer == [] else answer for answer in answers]
        writer.writerow([cell(value) for value in (*(case[key] for key in about), *answers)])
    return buffer.getvalue().encode()


def cell(value: object) -> str:
    """Return a value as a table cell that no spreadsheet takes for a formula."""
    text = "; ".join(map(str, value)) if isinstance(value, list) else str(value)
    risky = isinstance(value, str | list) and text.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{text}" if risky else text


def _settled(campaign: Campaign) -> Iterator[Task]:
    rows = campaign.tasks.filter(state=Task.State.SETTLED).order_by("image_id")
    return rows.select_related("settled", "image__series__study").iterator(chunk_size=200)


def png(mask: Mask) -> bytes:
    """Return a grey 8-bit PNG whose values are the class indexes."""
    buffer = io.BytesIO()
    Picture.fromarray(mask).save(buffer, "PNG", optimize=False)
    return buffer.getvalue()


def _json(content: object) -> bytes:
    return json.dumps(content, indent=1, sort_keys=True).encode()


def _add(archive: zipfile.ZipFile, name: str, body: bytes) -> str:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, body)
    return hashlib.sha256(body).hexdigest()


def _coco_frame(campaign: Campaign) -> dict[str, Any]:
    return {
        "info": {"description": f"{campaign.name} ({campaign.slug})"},
        "categories": [
            {"id": label.index, "name": label.name, "supercategory": campaign.kind}
            for label in campaign.classes.order_by("index")
        ],
        "images": [],
        "annotations": [],
    }


def _coco_rows(mask: Mask, image_id: int, count: int) -> list[dict[str, Any]]:
    """Return one COCO row a class present: run lengths, bounding box and area in pixels."""
    rows: list[dict[str, Any]] = []
    for index in np.unique(mask).tolist():
        if index in (0, IGNORE_INDEX):
            continue
        inside = mask == index
        ys, xs = np.nonzero(inside)
        left, top = int(xs.min()), int(ys.min())
        rows.append(
            {
                "id": count + len(rows) + 1,
                "image_id": image_id,
                "category_id": index,
                "iscrowd": 1,
                "area": int(inside.sum()),
                "bbox": [left, top, int(xs.max()) - left + 1, int(ys.max()) - top + 1],
                "segmentation": {"size": list(mask.shape), "counts": run_lengths(inside)},
            }
        )
    return rows


def run_lengths(inside: npt.NDArray[np.bool_]) -> list[int]:
    """Return COCO's uncompressed run lengths: column by column, beginning with the zeros."""
    counts: list[int] = []
    for number, (value, run) in enumerate(groupby(inside.ravel(order="F").tolist())):
        if number == 0 and value:
            counts.append(0)
        counts.append(sum(1 for _ in run))
    return counts
