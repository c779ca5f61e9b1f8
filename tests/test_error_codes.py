"""Every error code that the server can send has a text of the pages, in both languages."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotations.amend import _WORDS as HINDRANCES
from annotations.models import Campaign, Review
from reticle import errors
from reticle.web.handler import _CODES
from training.reasons import SENTENCES

BASE = Path(__file__).resolve().parents[1]
SOURCES = [
    path
    for folder in ("platform/reticle", "annotations", "training")
    for path in sorted((BASE / folder).rglob("*.py"))
    if not {"migrations", "pixels", "simulation", "ml"} & set(path.parts)
]
KINDS = {name for name, kind in vars(errors).items() if isinstance(kind, type)} - {"Mapping"}
BASES: list[type[errors.ReticleError]] = [
    errors.ReticleError,
    *errors.ReticleError.__subclasses__(),
]
GENERIC = {kind.default_code for kind in BASES}


def raised() -> Iterator[tuple[Path, ast.Call]]:
    """Yield every call that makes one of our errors."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in KINDS:
                yield path, node


def code_of(call: ast.Call) -> ast.expr | None:
    return next((word.value for word in call.keywords if word.arg == "code"), None)


def server_codes() -> set[str]:
    named = [code_of(call) for _, call in raised()]
    constants = {str(code.value) for code in named if isinstance(code, ast.Constant)}
    # DRF's own, by the handler, and a refused amendment, by its table.
    return (
        constants
        | GENERIC
        | set(_CODES.values())
        | {"too_many_requests", "too_large"}
        | set(HINDRANCES)
    )


def page_codes(language: str, of: str = "error") -> set[str]:
    text = (BASE / "frontend" / "src" / "i18n" / f"{language}.ts").read_text()
    return set(re.findall(rf'^  "{of}\.code\.(\w+)":', text, re.MULTILINE))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_code_of_the_server_has_a_text(language: str) -> None:
    found = server_codes()
    assert {"slug_taken", "lease_lost", "superseded", "not_found"} <= found
    assert page_codes(language) == found


def test_what_cannot_be_used_says_why_with_a_code_of_its_own() -> None:
    """A bare `invalid` is a form's own: its fields say what is wrong. A step knows more."""
    bare = [
        f"{path.relative_to(BASE)}:{call.lineno}"
        for path, call in raised()
        if getattr(call.func, "id", "") in {"Invalid", "Conflict"} and code_of(call) is None
    ]
    assert bare == []


def test_codes_that_are_worked_out_are_those_of_the_table() -> None:
    """A code that stands nowhere as a word would escape the list above."""
    worked_out = [
        ast.unparse(code)
        for _, call in raised()
        if (code := code_of(call)) is not None and not isinstance(code, ast.Constant)
    ]
    assert worked_out == ["hindrance"]


def import_codes() -> set[str]:
    """What can become of one file of an import: words in the calls that say so."""
    found: set[str] = set()
    places = {"Unreadable": 0, "Rejected": 0, "_ChildDied": 0, "_reject": 1, "_settle": 2}
    for path in (BASE / "platform" / "reticle").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in places:
                place = places[getattr(node.func, "id", "")]
                code = node.args[place] if len(node.args) > place else None
                if isinstance(code, ast.Constant) and code.value:
                    found.add(str(code.value))
    # The sandbox's child answers with these two by itself.
    return found | {"out_of_memory", "broken"}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_reason_of_a_decision_has_a_text_with_its_values(language: str) -> None:
    """A text shows what the server's sentence shows, and in English says it in the same words."""
    text = (BASE / "frontend" / "src" / "i18n" / f"{language}.ts").read_text()
    found = dict(re.findall(r'^  "reason\.code\.(\w+)":\s*"([^"]+)",', text, re.MULTILINE))
    said = {code: re.sub(r"({\w+):[^}]*}", r"\1}", words) for code, words in SENTENCES.items()}
    said["group_fell"] = said["group_fell"].replace("{attribute} {value}", "{group}")
    places = {code: sorted(re.findall(r"{\w+}", words)) for code, words in said.items()}
    assert {code: sorted(re.findall(r"{\w+}", words)) for code, words in found.items()} == places
    if language == "en":
        assert found == said


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_reason_of_an_import_has_a_text(language: str) -> None:
    found = import_codes()
    assert {"duplicate", "too_large", "crashed", "mask_mismatch"} <= found
    assert page_codes(language, "import") == found


VERDICTS = ("promote", "reject", "insufficient", "shadow")
WORKED_OUT = {
    "f'campaign.{state.value}'": [f"campaign.{state}" for state in Campaign.State.values],
    "f'review.{verdict.value}'": [f"review.{verdict}" for verdict in Review.Verdict.values],
    "f'model.{verdict}'": [f"model.{verdict}" for verdict in VERDICTS],
    # Passed on by a step that is told what to record.
    "action": [],
}


def audited() -> set[str]:
    """What the audit trail can say was done: words in the calls and steps that record it."""
    found: set[str] = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            found.update(word for told in _actions(node) for word in _words(told))
    return found


def _actions(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", "")
        given = [word.value for word in node.keywords if word.arg == "action" and name]
        return [*given, *(node.args[2:3] if name == "_log" else [])]
    if isinstance(node, ast.FunctionDef):
        pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        return [default for arg, default in pairs if arg.arg == "action" and default is not None]
    return []


def _words(told: ast.expr) -> list[str]:
    if isinstance(told, ast.IfExp):
        return [*_words(told.body), *_words(told.orelse)]
    return [str(told.value)] if isinstance(told, ast.Constant) else WORKED_OUT[ast.unparse(told)]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_everything_that_is_audited_has_a_text(language: str) -> None:
    text = (BASE / "frontend" / "src" / "i18n" / f"{language}.ts").read_text()
    found = set(re.findall(r'^  "audit\.action\.([\w.]+)":', text, re.MULTILINE))
    assert {"annotation.submit", "campaign.open", "model.promote"} <= found
    assert found == audited()
