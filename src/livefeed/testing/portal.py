"""The portal that a test is given: one for plain functions, one for coroutines."""

import asyncio
from typing import Final

from livefeed.testing.desk import Desk
from livefeed.testing.seen import Delivery

_HOURS: Final = 96.0  # a day more than the portal tries for


class LocalPortal(Desk):
    """A portal for tests that are plain functions, whatever their application is written in.

    Without pytest: ``with LocalPortal(folder) as portal: …``.

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

        Raises:
            RuntimeError: It would block the loop of an async test.
        """
        _check_blocking()
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
            RuntimeError: It would block the loop of an async test.
        """
        _check_blocking()
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


def _check_blocking() -> None:
    """An application in the loop of the test could not answer."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "this would block the loop of an async test; take the fixture async_portal and await it"
    )
