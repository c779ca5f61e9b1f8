from collections.abc import Iterator

import pytest

from reticle.pixels.sandbox import Sandbox


@pytest.fixture(scope="session")
def key() -> bytes:
    return bytes(range(32))


@pytest.fixture(scope="session")
def sandbox(key: bytes) -> Iterator[Sandbox]:
    with Sandbox(key) as one:
        yield one
