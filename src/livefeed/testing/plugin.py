"""The pytest plugin: a portal as a fixture. It imports nothing until it is used."""

import contextlib
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from livefeed.testing.portal import AsyncPortal, LocalPortal
    from livefeed.testing.process import ProcessPortal
    from livefeed.testing.serving.network import Certificate
    from livefeed.testing.stand import StandOptions

_MARKER = (
    "livefeed(seed='demo'|'empty', policy='durable'|'bitrix24', limits='off'|'standard'|'enterprise', "
    "language='en'|'ru', concurrency=1, tls=False, sdk=False): how the fixture `portal` of this test is"
)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture(scope="session")
def livefeed_certificate(tmp_path_factory: pytest.TempPathFactory) -> "Certificate":
    """A development authority, and a certificate of it for 127.0.0.1; made once a run."""
    with _extra():
        from livefeed.testing.serving.network import certify

        return certify(tmp_path_factory.mktemp("livefeed"))


@pytest.fixture
def portal(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> "Generator[LocalPortal]":
    """A Bitrix24 portal with a News Feed, on a free port of 127.0.0.1, for tests that are plain functions.

    It has people, posts, a clock that stands still until it is turned, and an event queue that works when the
    test says so:

        def test_an_edit_is_told(portal):
            app = portal.install(events={"OnLiveFeedPostUpdate": my_url})
            portal.posts[0].edit("Now on Friday")
            portal.deliver()
            portal.assert_delivered("OnLiveFeedPostUpdate", to=app)

    `portal.faults(seed=7).drop(before=0.2)` lets things go wrong, `portal.clock.advance(hours=1)` lets tokens
    expire, `portal.settle()` repeats what failed until nothing is due. The marker `livefeed` sets it up;
    `sdk=True` is for SDKs that want https and a host like the cloud's, in a block of `portal.as_network()`.
    """
    with _extra():
        from livefeed.testing.portal import LocalPortal

    with LocalPortal(tmp_path_factory.mktemp("portal"), _options(request)) as made:
        yield made


@pytest.fixture
def async_portal(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> "Generator[AsyncPortal]":
    """The same portal for async tests whose application runs in the test's own loop.

    Whatever calls an application is awaited, under pytest-asyncio and anyio alike:

        async def test_an_edit_is_told(async_portal):
            ...
            await async_portal.deliver()
    """
    with _extra():
        from livefeed.testing.portal import AsyncPortal

    with AsyncPortal(tmp_path_factory.mktemp("portal"), _options(request)) as made:
        yield made


@pytest.fixture
def make_portal(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> "Generator[Callable[..., LocalPortal]]":
    """Makes portals, for applications that are installed on several: `make_portal(policy="bitrix24")`."""
    with _extra():
        from livefeed.testing.portal import LocalPortal

    with contextlib.ExitStack() as stack:

        def make(**given: Any) -> "LocalPortal":
            folder = tmp_path_factory.mktemp("portal")
            return stack.enter_context(LocalPortal(folder, _read(request, given)))

        yield make


@pytest.fixture
def portal_process(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> "Generator[ProcessPortal]":
    """A portal as a process of its own with a URL: it works by itself, and can be killed and started.

    For applications that run as processes too. It has the clock, the faults and the checks of `portal`; the
    clock goes on by itself, and `wait_delivered` waits for what is delivered without being told to:

        def test_what_was_promised_is_delivered(portal_process):
            portal_process.install(events={"OnLiveFeedPostUpdate": my_url})
            with portal_process.faults(seed=7).drop(before=0.5):
                portal_process.edit(1, "Now on Friday")
                portal_process.kill()
                portal_process.start()
                portal_process.settle()
            portal_process.assert_delivered("OnLiveFeedPostUpdate", post=1)

    Of the marker `livefeed` it takes `seed`, `policy` and `limits`.
    """
    with _extra():
        from livefeed.testing.process import ProcessPortal

    given = _marked(request)
    others = sorted(given.keys() - {"seed", "policy", "limits"})
    if others:
        raise pytest.UsageError(f"the marker livefeed: a portal in a process of its own has no {others[0]}")
    options = _read(request, given)
    flags = ("--allow-private", "--policy", options.policy, "--limits", options.limits)
    with ProcessPortal(tmp_path_factory.mktemp("portal"), seed=options.seed, flags=flags) as made:
        yield made


@contextlib.contextmanager
def _extra() -> Generator[None]:
    """Say what is to be installed where a package is missing."""
    try:
        yield
    except ImportError as exc:
        raise pytest.UsageError(f"{exc.name} is not installed; install livefeed[testing]") from exc


def _options(request: pytest.FixtureRequest) -> "StandOptions":
    return _read(request, _marked(request))


def _marked(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the test's own mark says; of its class and module what that leaves open."""
    given: dict[str, Any] = {}
    for mark in request.node.iter_markers("livefeed"):
        if mark.args:
            raise pytest.UsageError("the marker livefeed takes names only: @pytest.mark.livefeed(tls=True)")
        given = {**mark.kwargs, **given}
    return given


def _read(request: pytest.FixtureRequest, given: dict[str, Any]) -> "StandOptions":
    from livefeed.testing.stand import StandOptions

    given = dict(given)
    is_cloud, has_tls = bool(given.pop("sdk", False)), bool(given.pop("tls", False))
    if is_cloud or has_tls:
        given |= {"tls": request.getfixturevalue("livefeed_certificate"), "is_cloud": is_cloud}
    try:
        return StandOptions(**given)
    except (TypeError, ValueError) as exc:
        raise pytest.UsageError(f"the marker livefeed: {exc}") from exc
