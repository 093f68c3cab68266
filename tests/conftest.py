"""Fixtures that several folders of tests share."""

from pathlib import Path

import pytest
from tests.clients import sdk_js


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The ``node_modules`` folder with the vendor's JavaScript SDK, unmodified."""
    return sdk_js.installed()
