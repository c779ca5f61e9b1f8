"""Typed readers of environment variables that refuse nonsense, and the embedded services' file.

A setting is taken from the variable NAME, else from the file named by NAME_FILE (for secrets),
else from `services.json` in the data folder (written by `manage.py up`), else from the default.
"""

import json
import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def services(data_folder: Path) -> dict[str, str]:
    """Return what a running `manage.py up` wrote about its services; empty when there is none."""
    try:
        content = json.loads((data_folder / "services.json").read_text())
    except FileNotFoundError:
        return {}
    return {str(key): str(value) for key, value in content.items()}


def text(name: str, default: str = "") -> str:
    """Return the value of NAME, or the content of the file that NAME_FILE names."""
    if name in os.environ:
        return os.environ[name]
    if file := os.environ.get(f"{name}_FILE"):
        return Path(file).read_text().strip()
    return default


def flag(name: str, default: bool = False) -> bool:
    """Return a yes/no variable. Raises ImproperlyConfigured on anything else."""
    value = text(name, str(default)).strip().lower()
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={value!r}: use 1 or 0")


def number(name: str, default: int, *, low: int, high: int) -> int:
    """Return a whole number within [low, high]. Raises ImproperlyConfigured."""
    value = text(name, str(default))
    try:
        result = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value!r}: use a whole number") from None
    if not low <= result <= high:
        raise ImproperlyConfigured(f"{name}={result}: must lie between {low} and {high}")
    return result


def words(name: str, default: str = "") -> list[str]:
    """Return a comma-separated list."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def database(url: str) -> dict[str, object]:
    """Turn `postgresql://user:password@host:port/name` into Django's settings.

    Raises ImproperlyConfigured for any other scheme: PostgreSQL is the one database.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
        raise ImproperlyConfigured(
            "DATABASE_URL must look like postgresql://user:password@host:5432/name"
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or 5432),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        # A lost server must become an error in seconds, not a hung request.
        "OPTIONS": {
            "connect_timeout": 5,
            "options": "-c statement_timeout=60000",
            # The server plans a statement once a connection: an eighth less time per request.
            # A pooler between the two must keep prepared statements (PgBouncer 1.21 or later).
            "server_side_binding": True,
            "prepare_threshold": 2,
        },
    }
