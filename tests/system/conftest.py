"""One demo for the tests that only look, and processes of their own for those that kill."""

from collections.abc import Iterator

import pytest
from tests.system.demo import Demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    running = Demo(tmp_path_factory.mktemp("demo"), "--quiet-s", "0.5")
    yield running
    assert 0 == running.process.stop(), running.process.log.read_text()[-4000:]
