"""Rows of one turn of the loop on their way to the writer."""

import pytest

from livefeed.durable.engines.tray import Tray
from livefeed.durable.engines.writer import Job
from livefeed.errors import StoreBusy


class Full:
    """A writer that takes nothing more."""

    def post(self, job: Job) -> None:
        raise StoreBusy("full")

    def check_open(self) -> None: ...

    def waiting(self) -> int:
        return 0


async def test_who_gives_up_leaves_the_others_their_refusal() -> None:
    tray = Tray(Full(), limit=9)
    gone, other = tray.put(list, "row"), tray.put(list, "row")
    gone.cancel()
    tray.flush()

    with pytest.raises(StoreBusy):
        await other
