"""The bell and the tidying: when a worker wakes up, and what it does with a free moment."""

import asyncio
import math

import pytest

from livefeed.durable.worker.bell import Bell
from livefeed.durable.worker.tidying import Tidying
from livefeed.errors import StoreUnavailable

LONG_S = 60.0


async def turns_of_the_loop() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_whoever_rests_is_woken_by_anything() -> None:
    for ring in (Bell.ring, Bell.ring_new):
        bell = Bell()
        resting = asyncio.create_task(bell.wait(LONG_S))
        await turns_of_the_loop()
        ring(bell)
        await asyncio.wait_for(resting, LONG_S)


async def test_a_head_start_is_ended_by_something_new_and_not_by_what_is_over() -> None:
    bell = Bell()
    bell.ring_new()
    bell.clear_new()
    waiting = asyncio.create_task(bell.wait_new(LONG_S))
    bell.ring()
    await turns_of_the_loop()
    assert not waiting.done()
    bell.ring_new()
    await asyncio.wait_for(waiting, LONG_S)


async def test_a_head_start_ends_by_itself_and_what_was_rung_for_is_kept() -> None:
    bell = Bell()
    bell.ring()
    await bell.wait_new(0.001)
    assert bell.is_rung
    bell.clear()
    assert not bell.is_rung


def test_what_is_over_can_be_told_to_wait_and_what_is_new_cannot() -> None:
    bell = Bell()
    bell.ring()
    bell.calm()
    assert not bell.is_rung
    bell.ring_new()
    bell.calm()
    assert bell.is_rung


class Index:
    """A store in which so many slices are to be indexed."""

    def __init__(self, slices: int) -> None:
        self.slices = slices
        self.units = 0
        self.is_gone = False

    async def write(self, _unit: object) -> int:
        if self.is_gone:
            raise StoreUnavailable("gone")
        self.units += 1
        self.slices -= 1
        return max(0, self.slices + 1)


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


async def tidied(tidying: Tidying) -> None:
    while await tidying.tidy():
        pass


async def test_everything_is_indexed_in_the_first_free_moment() -> None:
    index = Index(3)
    tidying = Tidying(index, Clock())
    assert tidying.until_s() == 0
    await tidied(tidying)
    assert (index.units, tidying.until_s()) == (4, math.inf)


async def test_events_that_come_one_by_one_are_indexed_together_once_a_second() -> None:
    index, clock = Index(0), Clock()
    tidying = Tidying(index, clock)
    await tidied(tidying)
    for _ in range(9):
        index.slices = 1
        tidying.came()
        clock.now_s += 0.1
        await tidied(tidying)
    assert index.units == 1
    assert tidying.until_s() == pytest.approx(0.1)
    clock.now_s += 0.2
    await tidied(tidying)
    assert (index.units, tidying.until_s()) == (3, math.inf)


async def test_a_store_that_cannot_be_written_is_asked_again_a_second_later() -> None:
    index, clock = Index(1), Clock()
    index.is_gone = True
    tidying = Tidying(index, clock)
    await tidied(tidying)
    assert tidying.until_s() == 1
    index.is_gone = False
    clock.now_s += 1
    await tidied(tidying)
    assert tidying.until_s() == math.inf
