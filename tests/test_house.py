"""The house rules that tools do not hold."""

import platform
import sysconfig
from pathlib import Path

BASE = Path(__file__).resolve().parents[1]


def test_platform_is_still_the_standard_library() -> None:
    assert Path(platform.__file__).parent == Path(sysconfig.get_paths()["stdlib"])


def test_platform_is_a_source_root_and_not_a_package() -> None:
    assert not list((BASE / "platform").glob("*.py"))
    below = (BASE / "platform").rglob("*.py")
    assert not [p for p in below if p.name.startswith("test_") or p.name == "conftest.py"]


def test_tests_have_no_packages() -> None:
    assert not list((BASE / "tests").rglob("__init__.py"))


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
