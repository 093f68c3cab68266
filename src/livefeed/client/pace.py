"""A bucket for one process that has no database."""

from typing import Final

from livefeed.client.bucket import STANDARD, Bucket, Rate
from livefeed.client.ticking import LoopTime, Time

ON_THE_WAY_S: Final = 0.5
"""How much longer one call may be on its way to the portal than another."""


class OwnPace:
    """The bucket of one portal in the memory of one process.

    Where several processes call the same portal, `livefeed.client.buckets.Buckets` shares one.
    """

    def __init__(self, rate: Rate = STANDARD, time: Time | None = None) -> None:
        self._bucket = Bucket(rate=rate, hold_s=ON_THE_WAY_S)
        self._time = time or LoopTime()

    async def admit(self) -> None:
        """Wait for a place; places are given in the order of asking."""
        wait_s = self._bucket.reserve(self._time.now_s())
        if wait_s > 0:
            await self._time.sleep(wait_s)

    async def refused(self) -> None:
        """Others fill the portal's counter; go on as it drains."""
        self._bucket.fill(self._time.now_s())
