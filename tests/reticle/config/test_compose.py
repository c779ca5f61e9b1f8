"""What operators are told they can set reaches the containers, with the defaults of the code."""

import ast
import re
from pathlib import Path
from typing import Any

import yaml

BASE = Path(__file__).resolve().parents[3]
TOLD = (BASE / "docs/operators.md").read_text()
OWN = {"DATABASE_URL", "BROKER_URL", "RETICLE_DATA"}
APPS = ("web", "worker", "trainer", "trainer-gpu", "beat")
READERS = {"text", "flag", "number", "words"}


def names(text: str) -> set[str]:
    return set(re.findall(r"`([A-Z_]+)`", text))


def table() -> set[str]:
    rows = re.findall(r"^\| (`[A-Z_`, ]+) \|", TOLD, re.MULTILINE)
    return set().union(*map(names, rows))


def not_passed() -> set[str]:
    found = re.search(r"Not passed are ([^:.]+)", TOLD)
    assert found is not None
    return names(found[1])


def containers() -> dict[str, dict[str, str]]:
    """Return the environment of each container of ours, as it stands in the file."""
    services = yaml.safe_load((BASE / "docker-compose.yml").read_text())["services"]
    return {name: services[name]["environment"] for name in APPS}


def read_by_settings() -> dict[str, Any]:
    """Return the variables that the settings read; with their default, where it is a constant."""
    source = BASE / "platform/reticle/config/settings.py"
    found: dict[str, Any] = {}
    for node in ast.walk(ast.parse(source.read_text())):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr not in READERS or ast.unparse(node.func.value) != "env":
            continue
        name, *rest = node.args
        assert isinstance(name, ast.Constant)
        default = rest[0] if rest else ast.Constant("0" if node.func.attr == "flag" else "")
        found[str(name.value)] = default.value if isinstance(default, ast.Constant) else None
    return found


def test_the_table_lists_every_variable_that_is_read() -> None:
    assert table() == set(read_by_settings())


def test_every_variable_of_the_table_reaches_every_container_or_is_said_not_to() -> None:
    assert not_passed() <= table()
    for name, environment in containers().items():
        passed = {key for key, value in environment.items() if f"${{{key}:" in str(value)}
        assert passed | not_passed() | OWN >= table(), name
        assert set(environment) >= OWN, name


def test_the_defaults_of_the_containers_are_those_of_the_code() -> None:
    defaults = {key: value for key, value in read_by_settings().items() if value is not None}
    for name, environment in containers().items():
        given = {
            key: found[1]
            for key, value in environment.items()
            if (found := re.fullmatch(rf"\$\{{{key}:-(.*)\}}", str(value)))
        }
        if name == "trainer-gpu":
            assert given.pop("TRAINING_THREADS") == "4"
        assert given == {key: str(defaults[key]) for key in given}, name
        assert len(given) > 8


def test_the_example_names_what_must_or_should_be_filled_in() -> None:
    lines = (BASE / ".env.example").read_text().splitlines()
    given = {line.partition("=")[0] for line in lines if not line.startswith("#")}
    compose = (BASE / "docker-compose.yml").read_text()
    assert given >= set(re.findall(r"\$\{([A-Z_]+):\?", compose)) | {"NUM_PROXIES"}
