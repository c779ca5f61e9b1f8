"""Settings refuse nonsense and read secrets from files."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from reticle.config import embedded, environment


def test_a_number_out_of_range_or_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("99999", "many", ""):
        monkeypatch.setenv("PORT", value)
        with pytest.raises(ImproperlyConfigured, match="PORT"):
            environment.number("PORT", 8000, low=1, high=65535)


def test_a_flag_is_yes_or_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS", "perhaps")
    with pytest.raises(ImproperlyConfigured, match="HTTPS"):
        environment.flag("HTTPS")


def test_a_secret_is_read_from_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hidden\n")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.delenv("SECRET_KEY", raising=False)
    assert environment.text("SECRET_KEY") == "hidden"


def test_only_postgresql_is_a_database() -> None:
    with pytest.raises(ImproperlyConfigured):
        environment.database("sqlite:///file.db")
    found = environment.database("postgresql://ann:p%40ss@db:5433/labels")
    assert (found["USER"], found["PASSWORD"], found["PORT"]) == ("ann", "p@ss", "5433")


def test_a_port_that_is_taken_is_noticed() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert not embedded.port_is_free(taken.getsockname()[1])
