"""A portal that calls much lets those go first that call little; alone it never waits."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from livefeed.portal import portals
from livefeed.portal.calls.courtesy import Courtesy
from livefeed.portal.seed import seed_demo
from livefeed.wire.ids import MemberId

from .conftest import House

pytestmark = pytest.mark.anyio

QUIET, BUSY, BUSIER = MemberId("quiet"), MemberId("busy"), MemberId("busier")
MS = 0.001


class Hall:
    """Calls of portals, and who has been let in."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.courtesy = Courtesy(lambda: self.now_s)
        self.begun: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def call(self, portal: MemberId, name: str, *, writes: bool = True) -> None:
        """A call comes in, and is answered when `end` says so."""
        self._ends[name] = asyncio.Event()
        self._tasks[name] = asyncio.create_task(self._answer(portal, name, writes))
        await settled()

    async def end(self, name: str) -> None:
        self._ends[name].set()
        await self._tasks[name]
        await settled()

    async def go_away(self, name: str) -> None:
        self._tasks[name].cancel()
        await settled()

    async def pass_time(self, seconds: float) -> None:
        self.now_s += seconds
        self.courtesy.look()
        await settled()

    async def has_called(self, portal: MemberId, times: int) -> None:
        for _ in range(times):
            async with self.courtesy.turn(portal, writes=False):
                pass

    async def _answer(self, portal: MemberId, name: str, writes: bool) -> None:
        async with self.courtesy.turn(portal, writes=writes):
            self.begun.append(name)
            await self._ends[name].wait()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
async def hall() -> Hall:
    """One portal that has called a hundred times of late, one that has called once."""
    hall = Hall()
    await hall.has_called(QUIET, 1)
    await hall.has_called(BUSY, 100)
    return hall


async def test_a_portal_alone_never_waits():
    hall = Hall()
    async with AsyncExitStack() as stack:
        for _ in range(500):
            await stack.enter_async_context(hall.courtesy.turn(BUSY, writes=True))


async def test_a_busy_portal_waits_until_anothers_call_is_answered(hall: Hall):
    await hall.call(QUIET, "quiet", writes=False)
    await hall.call(BUSY, "busy")
    assert ["quiet"] == hall.begun

    await hall.end("quiet")

    assert ["quiet", "busy"] == hall.begun


async def test_it_waits_for_what_a_call_that_wrote_leads_to(hall: Hall):
    guest = hall.courtesy.turn(QUIET, writes=True)
    await guest.__aenter__()
    hall.now_s += 1 * MS
    await guest.__aexit__(None, None, None)
    await hall.call(BUSY, "busy")
    await hall.pass_time(1.4 * MS)
    assert [] == hall.begun

    await hall.pass_time(0.2 * MS)

    assert ["busy"] == hall.begun


async def test_it_has_few_calls_under_way_beside_others_and_the_rest_in_the_order_they_came(hall: Hall):
    for number in range(8):
        await hall.call(BUSY, f"busy {number}")
    assert [f"busy {number}" for number in range(4)] == hall.begun

    await hall.end("busy 2")

    assert [f"busy {number}" for number in range(5)] == hall.begun


async def test_a_quiet_portals_call_passes_all_that_wait_of_a_busy_one(hall: Hall):
    for number in range(64):
        await hall.call(BUSY, f"busy {number}")

    await hall.call(QUIET, "quiet")

    assert "quiet" == hall.begun[-1]


async def test_who_called_less_is_let_in_first(hall: Hall):
    await hall.has_called(BUSIER, 300)
    for number in range(20):
        await hall.has_called(MemberId(f"quiet {number}"), 1)
    await hall.call(QUIET, "quiet", writes=False)
    await hall.call(BUSIER, "busier")
    await hall.call(BUSY, "busy")

    await hall.end("quiet")

    assert ["quiet", "busy", "busier"] == hall.begun


async def test_it_waits_for_five_milliseconds_and_then_half_as_long_for_nobody(hall: Hall):
    await hall.call(QUIET, "quiet")
    await hall.call(BUSY, "first")
    await hall.pass_time(4.9 * MS)
    assert ["quiet"] == hall.begun

    await hall.pass_time(0.2 * MS)
    await hall.call(BUSY, "second")
    assert ["quiet", "first", "second"] == hall.begun

    await hall.pass_time(5.2 * MS)
    await hall.call(BUSY, "third")
    assert "third" not in hall.begun


async def test_two_that_call_alike_do_not_wait_for_each_other(hall: Hall):
    hall = Hall()
    await hall.has_called(BUSY, 100)
    await hall.has_called(BUSIER, 150)
    await hall.call(BUSY, "busy")

    await hall.call(BUSIER, "busier")

    assert ["busy", "busier"] == hall.begun


async def test_a_burst_is_known_after_its_first_few_calls():
    hall = Hall()
    await hall.has_called(BUSY, 6)
    await hall.call(QUIET, "quiet")

    await hall.call(BUSY, "busy")

    assert ["quiet"] == hall.begun


async def test_a_burst_is_forgotten_after_a_tenth_of_a_second(hall: Hall):
    await hall.pass_time(0.11)
    await hall.call(QUIET, "quiet")

    await hall.call(BUSY, "busy")

    assert ["quiet", "busy"] == hall.begun


async def test_whoever_goes_away_while_he_waits_keeps_nobodys_place(hall: Hall):
    for number in range(6):
        await hall.call(BUSY, f"busy {number}")

    await hall.go_away("busy 4")
    await hall.end("busy 0")
    await hall.end("busy 1")

    assert [f"busy {number}" for number in (0, 1, 2, 3, 5)] == hall.begun


async def test_an_edit_over_rest_passes_those_that_wait_of_a_burst(house: House):
    other = await house.store.write(
        lambda tx: portals.create(tx, public_url="http://other.example:8024", name="Other")
    )
    theirs = await house.store.write(lambda tx: seed_demo(tx, portal=other, keys=house.keys))
    await house.directory.refresh(house.store)
    answered: list[str] = []

    async def edit(host: str, code: str, number: int) -> None:
        body = f"POST_ID=1&POST_MESSAGE=Version+{number}".encode()
        form = "application/x-www-form-urlencoded"
        response = await house.post(f"/rest/1/{code}/log.blogpost.update", body, form, host=host)
        assert response.status == 200
        answered.append(host)

    mine = house.seeded.people[0].webhook_code
    await edit(house.portal.host, mine, 0)
    burst = [edit(other.host, theirs.people[0].webhook_code, number) for number in range(60)]
    await asyncio.gather(*burst, edit(house.portal.host, mine, 1))

    assert answered.index(house.portal.host, 1) < 30
    assert len(answered) == 62
