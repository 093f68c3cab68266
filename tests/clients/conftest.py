"""One portal and one set of SDKs for all tests of this folder."""

from collections.abc import Iterator

import pytest
from tests.clients import sdk_js
from tests.clients.sdks import Sdks
from tests.clients.world import World
from tests.required import require_package


def require_sdks() -> None:
    """Go on only if the Python SDKs are installed."""
    for package in ("b24pysdk", "fast_bitrix24", "trustme", "fastapi"):
        require_package(package)


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    require_sdks()
    opened = World(tmp_path_factory.mktemp("world"))
    with opened.as_network():
        yield opened
    opened.close()


@pytest.fixture(scope="package")
def sdks(world: World) -> Iterator[Sdks]:
    made = Sdks(world, sdk_js.installed)
    yield made
    made.close()
