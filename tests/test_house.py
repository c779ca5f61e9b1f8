"""The house rules that tools do not hold."""

import json
import platform
import re
import sysconfig
from pathlib import Path

from annotations.models import Campaign

BASE = Path(__file__).resolve().parents[1]


def test_platform_is_still_the_standard_library() -> None:
    assert Path(platform.__file__).parent == Path(sysconfig.get_paths()["stdlib"])


def test_platform_is_a_source_root_and_not_a_package() -> None:
    assert not list((BASE / "platform").glob("*.py"))
    below = (BASE / "platform").rglob("*.py")
    assert not [p for p in below if p.name.startswith("test_") or p.name == "conftest.py"]


def test_tests_have_no_packages() -> None:
    assert not list((BASE / "tests").rglob("__init__.py"))


def test_the_architecture_lists_every_door_and_no_other() -> None:
    """Spans of code are doors, those that begin with a stroke below the one before them."""
    text = (BASE / "docs/architecture.md").read_text()
    section = text.split("## REST, under /api/v1")[1].split("\n## ")[0]
    said, base = [], ""
    for span in re.findall("`([^`]+)`", section):
        if not span.startswith("/"):
            base = span
        said += [base + part if part[0] == "/" else part for part in span.split()]
    schema = json.loads((BASE / "frontend/openapi.json").read_text())
    doors = [path.removeprefix("/api/v1/") for path in schema["paths"]]
    assert sorted(said) == sorted([*doors, "schema"])


def test_a_new_campaign_begins_on_the_page_as_on_the_server() -> None:
    text = (BASE / "frontend/src/screens/campaign/policy.tsx").read_text()
    block = text.split("export const defaults = {")[1].split("}")[0]
    said = {name: json.loads(value) for name, value in re.findall(r"(\w+): (.+),", block)}
    assert "strategy" in said
    new = Campaign()
    assert said == {name: getattr(new, name) for name in said}


def test_importing_the_web_process_loads_no_torch() -> None:
    import subprocess
    import sys

    program = (
        "import django, sys; django.setup(); from django.urls import get_resolver; "
        "get_resolver().url_patterns; sys.exit('torch' in sys.modules)"
    )
    environment = {
        "DJANGO_SETTINGS_MODULE": "reticle.config.settings",
        "PYTHONPATH": f"{BASE}:{BASE / 'platform'}",
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=False)
    assert done.returncode == 0
