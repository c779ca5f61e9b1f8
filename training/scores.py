"""What a model's child process said of images, kept as rows: drawings or answers, and scores."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reticle.pixels.mask import pack, unpack
from training import answers, pool
from training.ml.measures import disagreement
from training.models import ModelVersion, Prediction

SCORED = (
    "packed", "answers", "score", "class_scores", "measures", "foreground", "embedding", "gradient",
)  # fmt: skip


def scores_keep(model: ModelVersion, events: Sequence[dict[str, Any]], output: Path) -> None:
    """Store what was said of images, with how far each is from what the model before said."""
    earlier = pool.earlier(model, [int(event["id"]) for event in events])
    rows = [_prediction(model, event, output, earlier) for event in events]
    # Looked at before, for another strategy: what is known now takes its place.
    Prediction.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["model", "image"], update_fields=SCORED
    )


def _prediction(
    model: ModelVersion, event: dict[str, Any], output: Path, earlier: dict[int, Prediction]
) -> Prediction:
    with np.load(output / f"{event['id']}.npz", allow_pickle=False) as found:
        mask = np.ascontiguousarray(found["mask"]) if "mask" in found.files else None
        vectors = {
            name: found[name].astype("<f4").tobytes()
            for name in ("embedding", "gradient")
            if name in found.files
        }
    image, measures = int(event["id"]), dict(event.get("measures") or {})
    said = event.get("answers") or {}
    if image in earlier and mask is not None:
        before = unpack(bytes(earlier[image].packed), *mask.shape)
        measures["disagreement"] = disagreement(mask, before)
    elif image in earlier:
        measures["disagreement"] = answers.apart(model.questions, said, earlier[image].answers)
    return Prediction(
        model=model, image_id=image, packed=b"" if mask is None else pack(mask), answers=said,
        score=event["score"],
        class_scores=event.get("class_scores") or {}, measures=measures,
        foreground=event.get("foreground") or 0.0, **vectors,
    )  # fmt: skip
