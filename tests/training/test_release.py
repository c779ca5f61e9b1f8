"""Models tell by which code they were made."""

from importlib.metadata import version
from pathlib import Path

from training.release import code_version, fingerprint


def written(folder: Path, **files: str) -> Path:
    """Write Python files into a new folder."""
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def test_the_fingerprint_is_of_the_code_and_of_nothing_else(tmp_path: Path) -> None:
    one = written(tmp_path / "one", loop="a = 1\n", loss="b = 2\n")
    same = written(tmp_path / "same", loop="a = 1\n", loss="b = 2\n")
    (same / "notes.txt").write_text("no code")
    assert fingerprint([one]) == fingerprint([same])
    changed = written(tmp_path / "changed", loop="a = 3\n", loss="b = 2\n")
    renamed = written(tmp_path / "renamed", loop="a = 1\n", lost="b = 2\n")
    moved = written(tmp_path / "moved", loop="a = 1\nb = 2\n", loss="")
    assert len({fingerprint([each]) for each in (one, changed, renamed, moved)}) == 4


def test_the_version_names_the_release_and_the_code() -> None:
    number, code = code_version().split("+")
    assert number == version("reticle")
    assert len(code) == 10
    int(code, 16)
