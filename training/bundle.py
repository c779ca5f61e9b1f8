"""STEP bundle: a model version as a zip of its folder, for `python -m training.ml` and others."""

import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from training.card import card_of
from training.jobs import model_write
from training.models import ModelVersion

CHUNK = 1 << 20


def bundle_of(model: ModelVersion) -> Iterator[bytes]:
    """Yield a zip of weights (safetensors), model.json and the card; an ensemble's of all members.

    On disk, not in memory: weights may be large. They are not packed again: they do not shrink.
    """
    with tempfile.TemporaryFile() as file:
        with tempfile.TemporaryDirectory() as scratch, zipfile.ZipFile(file, "w") as archive:
            folder = model_write(Path(scratch), model)
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(folder))
            archive.writestr("CARD.md", card_of(model))
        file.seek(0)
        while chunk := file.read(CHUNK):
            yield chunk
