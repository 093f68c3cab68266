"""A real database file for each test, on each engine, and a clock that is turned by hand."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests import engines

from livefeed.clock import ManualClock
from livefeed.durable.store import Store, open_store


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def url(engine: str, tmp_path: Path) -> str:
    return engines.database(tmp_path, "store", engine=engine)


@pytest.fixture
async def store(url: str, clock: ManualClock, anyio_backend: str) -> AsyncIterator[Store]:
    opened = open_store(url, [], clock)
    yield opened
    await opened.close()
