"""STEP bundle: a model version as a zip of its folder, given out and taken in again.

What is handed in is not trusted: its size is bounded before anything is unpacked, only the files
that are expected are read, into memory and under no name of the sender's, and weights are
safetensors, whose hash the card names. Whether such a model fits is for `training.origins` to say.
"""

import hashlib
import json
import os
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from safetensors import SafetensorError
from safetensors.numpy import load

from reticle import storage
from reticle.errors import Invalid
from training.card import card_of
from training.ensemble import CARD, MANIFEST, WEIGHTS
from training.jobs import model_write
from training.models import ModelVersion

CHUNK = 1 << 20
PAGE = "CARD.md"
LARGEST = {WEIGHTS: 256 * 2**20, CARD: 2**20, PAGE: 2**20}  # bytes, unpacked
LISTING = 2**16  # bytes of the list of entries, which zipfile reads whole
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what is unpacked no further than asked for
_END = struct.Struct("<4s4H2LH")  # the record that ends a zip
_NAME = 200  # characters kept of the sender's name


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
            archive.writestr(PAGE, card_of(model))
        file.seek(0)
        while chunk := file.read(CHUNK):
            yield chunk


@dataclass(frozen=True)
class Handed:
    """A model that somebody handed in as a file: well-formed, and no more than that is known."""

    name: str
    """The file's name, to be shown."""
    text: str
    """Its model.json."""
    card: dict[str, Any]
    """The same, read."""
    weights: bytes


def bundle_read(file: IO[bytes], name: str) -> Handed:
    """Read a zip as `bundle_of` gives it. Raises Invalid, with what to hand in instead."""
    if file.seek(0, os.SEEK_END) > sum(LARGEST.values()) + LISTING:
        raise _too_large()
    if not _listed_shortly(file):
        raise _unusable("it is no zip, or not the one that was downloaded")
    try:
        with zipfile.ZipFile(file) as archive:
            found = _entries(archive)
            text = _content(archive, found[CARD]).decode()
            card = json.loads(text)
            weights = _content(archive, found[WEIGHTS])
    except (
        zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, OverflowError, struct.error,
        RuntimeError,  # encrypted, packed in a way unknown here, or nested without end
    ) as error:  # fmt: skip
        raise _unusable("it is damaged") from error
    if not isinstance(card, dict):
        raise _unusable(f"{CARD} is no model's")
    if hashlib.sha256(weights).hexdigest() != card.get("weights_sha256"):
        raise _unusable(f"the weights are not those that {CARD} names")
    try:
        load(weights)
    except (SafetensorError, KeyError, ValueError) as error:
        raise _unusable(f"{WEIGHTS} holds no safetensors") from error
    return Handed(name[-_NAME:], text, card, weights)


def bundle_keep(handed: Handed) -> dict[str, str]:
    """Keep card and weights as blobs; return {name, card_sha256, weights_sha256}."""
    return {
        "name": handed.name,
        "card_sha256": storage.put(handed.text.encode()),
        "weights_sha256": storage.put(handed.weights),
    }


def kept_write(folder: Path, kept: dict[str, str]) -> Path:
    """Lay out a model that `bundle_keep` has kept; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS).write_bytes(storage.read(kept["weights_sha256"]))
    (folder / CARD).write_bytes(storage.read(kept["card_sha256"]))
    return folder


def _listed_shortly(file: IO[bytes]) -> bool:
    """Tell whether a zip ends plainly, with a list of entries of bounded length.

    zipfile would read a list of any length. Neither a comment nor a zip64 record is expected.
    """
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - _END.size - 20))
    tail = file.read()
    if len(tail) < _END.size:
        return False
    signature, *_, size, _, comment = _END.unpack(tail[-_END.size :])
    plain = signature == b"PK\x05\x06" and comment == 0 and tail[:4] != b"PK\x06\x07"
    return plain and size <= LISTING


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the entries by name. Raises Invalid unless they are those of a single model."""
    entries = archive.infolist()
    found = {entry.filename: entry for entry in entries}
    if MANIFEST in found:
        words = "The file holds several networks: hand in a model that is a single one."
        raise Invalid(words, code="bundle_several", detail={"file": words})
    if len(entries) != len(found) or not {CARD, WEIGHTS} <= set(found) <= set(LARGEST):
        raise _unusable(f"it holds other files than {', '.join(sorted(LARGEST))}")
    if any(entry.compress_type not in PACKED for entry in entries):
        raise _unusable("it is packed in a way that is not known here")
    if any(entry.file_size > LARGEST[name] for name, entry in found.items()):
        raise _too_large()
    return found


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Return the bytes of an entry, never more than it says it has."""
    with archive.open(entry) as part:
        return part.read(entry.file_size)


def _unusable(why: str) -> Invalid:
    words = f"The file cannot be used: {why}. Hand in the zip of Download the model, unchanged."
    return Invalid(words, code="bad_bundle", detail={"file": words})


def _too_large() -> Invalid:
    words = f"The file is too large: weights may take {LARGEST[WEIGHTS] >> 20} MiB."
    return Invalid(words, code="bundle_large", detail={"file": words})
