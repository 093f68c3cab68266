import pytest

from livefeed.testing.portal import LocalPortal

from .shop import Installed, installed


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def edits(portal: LocalPortal) -> Installed:
    """An application that hears of edits."""
    return installed(portal)
