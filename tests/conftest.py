"""Fixtures that several folders of tests share."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog
from tests import engines
from tests.clients import sdk_js
from tests.scratch import in_memory

# A test holds at any speed: on a machine that is busy an example may take a second.
hypothesis.settings.register_profile(
    "any speed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any speed")


def pytest_configure(config: pytest.Config) -> None:
    """Temporary folders are in memory, unless somebody has said where."""
    if config.option.basetemp is None and (memory := in_memory()):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))


def pytest_collection_finish() -> None:
    """What was imported and collected stays until the end: no collection of garbage looks at it again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Which of several processes runs which tests."""
    from tests.scheduling import Files  # needs pytest-xdist

    return Files(config, log)


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The ``node_modules`` folder with the vendor's JavaScript SDK, unmodified."""
    return sdk_js.installed()


@pytest.fixture(autouse=True)
def _databases_of_a_test(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test makes on a server goes with it; the keys of such a database are in the test's folder."""
    if engines.chosen() == "postgresql":
        monkeypatch.setenv("LIVEFEED_KEY_FILE", str(request.getfixturevalue("tmp_path") / "keys"))
    with engines.dropping():
        yield


@pytest.fixture(params=engines.both())
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine in turn, for what is promised on both."""
    return str(request.param)


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """A command that a test runs configures the logs of this process; the next test has them as they were."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
