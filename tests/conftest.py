"""Real services for every test: PostgreSQL and Valkey from wheels, in a folder of this session."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connections
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django.fixtures import Settings

from kept import Keeper
from reticle.config import embedded, environment

# How long an example takes says how busy the machine is, and nothing of what is tested.
hypothesis_settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("any machine")


@pytest.fixture(scope="session")
def services_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("services")


@pytest.fixture(scope="session")
def postgres(services_folder: Path) -> Iterator[embedded.Service]:
    service = embedded.start_postgres(services_folder, durable=False)
    yield service
    embedded.stop(service.process)
    shutil.rmtree(embedded.data_folder(services_folder))


@pytest.fixture(scope="session")
def valkey(services_folder: Path) -> Iterator[embedded.Service]:
    service = embedded.start_valkey(services_folder)
    yield service
    embedded.stop(service.process)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(postgres: embedded.Service) -> None:
    """Point Django at the session's server before the test database is made."""
    found = environment.database(postgres.url)
    django_settings.DATABASES["default"].update(found)
    connections["default"].settings_dict.update(found)


@pytest.fixture(autouse=True)
def own_folders(settings: Settings, tmp_path: Path) -> None:
    """Give every test its own data folder and keys."""
    for name in ("BLOB", "INTAKE", "RUN", "EXPORT"):
        setattr(settings, f"{name}_FOLDER", tmp_path / name.lower())
    settings.PSEUDONYM_KEY = b"a key for tests only"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Keeper:
    return Keeper(tmp_path_factory.mktemp("kept"))
