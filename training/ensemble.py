"""STEP ensemble: several networks kept as one, and laid out again for a child.

They are the models of a cross-validation, or a champion with others of its recipe.

Each member's weights are a blob; a manifest that names them with their cards is one too, and its
hash is the `weights_sha256` of the model version: equal members are an equal ensemble.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reticle import storage
from training.models import ModelVersion

MANIFEST, CARD, WEIGHTS = "ensemble.json", "model.json", "model.safetensors"


def is_ensemble(card: Mapping[str, Any]) -> bool:
    """Tell by a model's card whether it is several networks that are asked together."""
    return "members" in card


def model_keep(folder: Path) -> tuple[str, dict[str, Any]]:
    """Keep what a child has trained, one model or an ensemble; return its hash and its card.

    An ensemble's card is that of the first member, with their number; members differ in weights
    alone. Raises ValueError when weights do not have the hash their card names.
    """
    if not (folder / MANIFEST).exists():
        card = _keep(folder)
        return card["weights_sha256"], card
    names = json.loads((folder / MANIFEST).read_text())["members"]
    members = [{"name": name, "card": _keep(folder / name)} for name in names]
    sha256 = _manifest_keep(members)
    own = ("trained_on", "fingerprint")  # of one member's patients alone
    card = {key: value for key, value in members[0]["card"].items() if key not in own}
    return sha256, {**card, "weights_sha256": sha256, "members": len(members)}


def committee_keep(model: ModelVersion, folders: Sequence[Path]) -> str:
    """Keep a model together with what children have trained; return the hash of all, itself first.

    Raises ValueError as `model_keep` does.
    """
    others = [{"name": folder.name, "card": _keep(folder)} for folder in folders]
    return _manifest_keep([{"name": "own", "card": model.card}, *others])


def _manifest_keep(members: Sequence[Mapping[str, Any]]) -> str:
    return storage.put(json.dumps({"members": members}, sort_keys=True).encode())


def _keep(folder: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((folder / CARD).read_text())
    if storage.put((folder / WEIGHTS).read_bytes()) != card["weights_sha256"]:
        raise ValueError("The weights do not have the hash their card names.")
    return card


def ensemble_write(folder: Path, sha256: str) -> None:
    """Lay the members of a manifest out as `training.ml.checkpoint.load_any` reads them."""
    members = json.loads(storage.read(sha256))["members"]
    for member in members:
        part = folder / member["name"]
        part.mkdir(parents=True, exist_ok=True)
        (part / WEIGHTS).write_bytes(storage.read(member["card"]["weights_sha256"]))
        (part / CARD).write_text(json.dumps(member["card"]))
    names = [member["name"] for member in members]
    # Written last: without it the folder is no ensemble.
    (folder / MANIFEST).write_text(json.dumps({"format": 1, "members": names}))
