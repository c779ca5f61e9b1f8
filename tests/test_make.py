"""What the Makefile says of the tools it needs, and what .ci/run installs where they lack."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BASE = Path(__file__).resolve().parents[1]
NEEDED = "Node 20 (from 20.19) or 22.12 or later is needed"


def program(folder: Path, name: str, script: str = "") -> None:
    """Put a program into a folder that says or does little."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/bash\n{script}\n")
    (folder / name).chmod(0o755)


def tools(path: Path) -> subprocess.CompletedProcess[str]:
    """Run the check of the tools with nothing but what lies in a folder."""
    make = shutil.which("make")
    assert make is not None
    return subprocess.run(
        [make, "tools", f"PYTHON={sys.executable}"],
        cwd=BASE, env={"PATH": str(path)}, check=False, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("version", ["v20.19.0", "v20.20.2", "v22.12.0", "v23.0.0", "v26.1.0"])
def test_a_node_that_builds_the_pages_will_do(version: str, tmp_path: Path) -> None:
    program(tmp_path, "node", f"echo {version}")
    program(tmp_path, "npm")
    done = tools(tmp_path)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("version", ["v18.20.4", "v20.18.3", "v21.7.3", "v22.11.0"])
def test_a_node_that_does_not_is_said_with_the_one_that_would(version: str, tmp_path: Path) -> None:
    program(tmp_path, "node", f"echo {version}")
    program(tmp_path, "npm")
    done = tools(tmp_path)
    assert done.returncode != 0
    assert done.stdout == f"{NEEDED}; this one is {version}.\n"


def test_a_lack_of_node_is_said(tmp_path: Path) -> None:
    done = tools(tmp_path)
    assert (done.returncode != 0, done.stdout) == (True, f"{NEEDED}: it builds the pages.\n")


def test_the_front_end_asks_for_the_same_node() -> None:
    for name in ("package.json", "package-lock.json"):
        found = json.loads((BASE / "frontend" / name).read_text())
        asked = found.get("packages", {"": found})[""]["engines"]["node"]
        assert asked == "^20.19.0 || >=22.12.0"


def installed_by_ci(tmp_path: Path, *there: str) -> list[str]:
    """Return what .ci/run asks apt-get to install where only some programs are there."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(BASE / ".ci" / "run", tmp_path / ".ci" / "run")
    path = tmp_path / "bin"
    program(path, "dirname", "echo ${1%/*}")
    program(path, "apt-get", 'echo "$@" >> said')
    for name in there:
        program(path, name)
    # Called at the end in any case: it is what the others are installed for.
    program(path, "make", "echo make $@ >> said")
    subprocess.run(
        ["/bin/bash", str(tmp_path / ".ci" / "run")], env={"PATH": str(path)}, check=True
    )
    said = (tmp_path / "said").read_text().splitlines()
    assert said[-2:] == ["make test", "make check"]
    return [word for line in said if line.startswith("install") for word in line.split()[1:]]


def test_ci_installs_what_a_clean_machine_lacks(tmp_path: Path) -> None:
    wanted = {"chromium", "docker-compose", "python3-venv", "nodejs", "npm"}
    assert wanted <= set(installed_by_ci(tmp_path))


def test_ci_puts_no_other_node_beside_one_that_is_there(tmp_path: Path) -> None:
    there = ("chromium", "docker-compose", "python3", "node")
    assert installed_by_ci(tmp_path, *there) == []
