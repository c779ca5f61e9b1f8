"""Which code made a model: the installed version, and a fingerprint of the learning code itself."""

import hashlib
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import reticle.pixels
import training.ml

CORE = tuple(Path(str(package.__file__)).parent for package in (training.ml, reticle.pixels))
"""All code that a training's own process is made of."""


def code_version() -> str:
    """Return for example `0.1.0+3fa9c21b04`: two models with the same one were made alike.

    The part after the plus is read from the files anew, so it tells apart changed code of one
    version, with git and without. Only the fingerprint where the program was never installed.
    """
    try:
        number = version("reticle")
    except PackageNotFoundError:
        number = "0"
    return f"{number}+{fingerprint(CORE)}"


def fingerprint(folders: Sequence[Path]) -> str:
    """Return ten hexadecimal digits of the SHA-256 of all Python files in these folders."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            source = path.read_bytes()
            digest.update(f"{path.relative_to(folder).as_posix()}\0{len(source)}\0".encode())
            digest.update(source)
    return digest.hexdigest()[:10]
