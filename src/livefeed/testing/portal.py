"""The portal that a test is given: one for plain functions, one for coroutines."""

import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import Final

from livefeed.testing.desk import Desk
from livefeed.testing.seen import Delivery
from livefeed.testing.stand import StandOptions

_HOURS: Final = 96.0  # a day more than the portal tries for


class LocalPortal(Desk):
    """A portal for tests that are plain functions, whatever their application is written in.

    Example:
        >>> def test_an_edit_is_told(portal):
        ...     app = portal.install(events={"OnLiveFeedPostUpdate": f"{portal.serve_wsgi(shop)}/events"})
        ...     portal.posts[0].edit("Now on Friday")
        ...     portal.deliver()
        ...     portal.assert_delivered("OnLiveFeedPostUpdate", to=app)
    """

    def deliver(self) -> list[Delivery]:
        """Deliver what is due at this moment, and what becomes due by it.

        Returns:
            The deliveries that were made, each try of its own.
        """
        before = len(self.deliveries)
        self._loop.run(self.stand.deliver())
        return self.deliveries[before:]

    def settle(self, *, hours: float = _HOURS) -> list[Delivery]:
        """Deliver, and turn the clock to each moment at which more is due, until nothing is.

        Args:
            hours: No further than this.

        Returns:
            The deliveries that were made, each try of its own.

        Raises:
            AssertionError: More was due after ``hours``.
        """
        before = len(self.deliveries)
        self._check_settled(self._loop.run(self.stand.settle(hours)), hours, before)
        return self.deliveries[before:]


class AsyncPortal(Desk):
    """A portal for async tests whose application runs in the test's own loop: what delivers is awaited."""

    async def deliver(self) -> list[Delivery]:
        """As `LocalPortal.deliver`."""
        before = len(self.deliveries)
        await self._loop.wait(self.stand.deliver())
        return self.deliveries[before:]

    async def settle(self, *, hours: float = _HOURS) -> list[Delivery]:
        """As `LocalPortal.settle`."""
        before = len(self.deliveries)
        self._check_settled(await self._loop.wait(self.stand.settle(hours)), hours, before)
        return self.deliveries[before:]


@contextlib.contextmanager
def local_portal(folder: Path, options: StandOptions | None = None) -> Generator[LocalPortal]:
    """A portal while the block lasts, for tests without pytest."""
    with LocalPortal(folder, options) as portal:
        yield portal
