"""A handler that fails, in whatever way, and a portal with a burst of edits cost their neighbours nothing."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio.from_thread
import pytest
from tests.system.world import eventually, rows

from livefeed.cli.bench.house.calls import edit_each
from livefeed.cli.bench.house.isolation import House, bind, burst, house
from livefeed.cli.bench.house.processes import used_by

pytestmark = pytest.mark.system

BAD = ("silent", "slow", "reset", "flood", "drip")
POSTS = 100
CAP = 32
BURST = 1_000
MOST_MB = 250


class Block:
    """A house whose healthy handler has bad ones beside it, and what came of one edit of each post."""

    def __init__(self, here: House, portal: Any, database: str) -> None:
        self.here = here
        self.portal = portal
        self.database = database
        for kind in BAD:
            portal.call(bind, here, kind, kind)
        self.edited = set(self.edit())
        self.came: set[int] = set()
        eventually(self.has_all, what="the healthy handler has every event")

    def edit(self) -> dict[int, int]:
        posts = self.here.healthy.posts

        async def each() -> dict[int, int]:
            return await edit_each(self.here.client, self.here.healthy.webhook_url, posts, per_s=500)

        return self.portal.call(each)

    def has_all(self) -> bool:
        self.came |= self.here.receivers.starts().keys()
        return self.edited <= self.came

    def sockets_to_bad_ones(self) -> int:
        """Those that the portal still holds, in whatever state; one that was let go has no inode."""
        port = f":{urlsplit(self.here.bad.url).port:04X}"
        table = [line.split() for line in Path(f"/proc/{self.here.pid}/net/tcp").read_text().splitlines()[1:]]
        return sum(row[2].endswith(port) and row[9] != "0" for row in table)

    def calls(self, kind: str) -> int:
        return self.here.bad.counts().counts.get(kind, 0)

    def attempts(self, kind: str) -> list[dict[str, Any]]:
        """What the portal's own log says of attempts to call a bad handler; what waits is none."""
        handler = 3 + BAD.index(kind)  # each portal has bound one before them
        found = rows("portal", "deliveries", "--db", self.database, "--handler", str(handler))
        return [one for one in found if one["error"]]


@pytest.fixture(scope="module")
def block(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Block]:
    folder = tmp_path_factory.mktemp("isolation")
    with anyio.from_thread.start_blocking_portal("asyncio") as portal:
        stack = AsyncExitStack()
        try:
            here = portal.call(stack.enter_async_context, house(f"sqlite:///{folder}/portal.db", POSTS))
            (database,) = folder.glob("*.db")
            yield Block(here, portal, f"sqlite:///{database}")
        finally:
            portal.call(stack.aclose)


def test_a_healthy_handler_gets_every_event_beside_five_bad_ones(block: Block):
    assert len(block.here.healthy.posts) == len(block.edited)
    assert block.edited == block.came


@pytest.mark.parametrize(("kind", "error"), [("silent", "timeout"), ("slow", "timeout"), ("drip", "timeout")])
def test_a_handler_that_takes_too_long_backs_off(block: Block, kind: str, error: str):
    failed = eventually(
        lambda: [one for one in block.attempts(kind) if one["error"] == error], what=f"{kind} is given up"
    )

    assert {"backing_off"} == {one["state"] for one in failed}


def test_a_handler_that_breaks_connections_backs_off(block: Block):
    failed = eventually(lambda: block.attempts("reset"), what="reset is logged")

    assert {"reset"} <= {one["error"] for one in failed} <= {"reset", "connect"}
    assert {"backing_off"} == {one["state"] for one in failed}


@pytest.mark.parametrize("kind", ["silent", "slow", "reset", "drip"])
def test_a_handler_that_is_down_is_probed_and_not_hammered(block: Block, kind: str):
    assert 1 <= block.calls(kind) <= CAP + 20


def test_an_answer_of_a_gigabyte_is_cut_and_counts_as_its_status(block: Block):
    cut = eventually(lambda: block.attempts("flood"), what="flood is logged")

    assert {200} == {one["status"] for one in cut}
    assert {"too_large"} == {one["error"] for one in cut}


def test_memory_stays_bounded_beside_bad_handlers(block: Block):
    assert used_by(block.here.pid).rss_mb < MOST_MB


def test_no_connection_to_a_bad_handler_is_leaked(block: Block):
    async def unbind_all() -> None:
        for kind in BAD:
            await bind(block.here, kind, kind, method="event.unbind")

    block.portal.call(unbind_all)

    eventually(lambda: block.sockets_to_bad_ones() == 0, what="every socket is closed")


def test_a_burst_on_one_portal_keeps_no_event_from_another(block: Block):
    block.came.clear()
    block.portal.call(burst, block.here, BURST)
    block.edit()

    eventually(block.has_all, what="the healthy handler has every event")
    eventually(lambda: block.here.bad.counts().counts.get("quiet", 0) >= BURST, what="the burst is delivered")
