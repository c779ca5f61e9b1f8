"""What takes long to make is made once a session, and given to every test anew: rows and files."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import serializers

FOLDERS = ("BLOB_FOLDER", "RUN_FOLDER")
Made = Callable[[], None]
MADE_BY_MIGRATIONS = ("auth.Permission", "contenttypes.ContentType")


@dataclass(frozen=True)
class Kept:
    """All rows of the database, and the folder that holds a copy of the data folders."""

    rows: list[dict[str, Any]]
    folder: Path

    def give(self) -> None:
        """Lay rows and files into a database and data folders that hold nothing yet."""
        for row in serializers.deserialize("python", self.rows):
            row.save()
        for name in FOLDERS:
            if (self.folder / name).exists():
                shutil.copytree(self.folder / name, getattr(settings, name), dirs_exist_ok=True)


class Keeper:
    """Makes what it is asked for the first time, and gives the same from then on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[str, Kept] = {}

    def have(self, make: Made, *, after: Made | None = None) -> None:
        """Have database and data folders as `make` leaves them. They hold nothing before.

        `after` is what `make` goes on from; it is kept by itself.
        """
        name = f"{make.__module__}.{make.__qualname__}"
        if name in self._kept:
            self._kept[name].give()
            return
        if after is not None:
            self.have(after)
        make()
        folder = self._folder / name
        for part in FOLDERS:
            if Path(getattr(settings, part)).exists():
                shutil.copytree(getattr(settings, part), folder / part)
        self._kept[name] = Kept(list(_rows()), folder)


def _rows() -> Iterator[dict[str, Any]]:
    for model in apps.get_models():
        if model._meta.managed and model._meta.label not in MADE_BY_MIGRATIONS:
            yield from serializers.serialize("python", model._default_manager.order_by("pk"))
