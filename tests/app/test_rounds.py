"""What comes again and again, when it is asked to come more often, or when nothing ran for a while."""

from typing import Any

import msgspec
from tests.client.fake_portal import FakePortal

from livefeed.app import App, opened
from livefeed.app.installs.portals import KnownPortal
from livefeed.app.rounds import again
from livefeed.clock import ManualClock
from livefeed.durable.store import Tx
from livefeed.settings import AppSettings

from .test_leaving import installed_runtime

YEAR_S = 31_536_000.0


def ticking(settings: AppSettings, every_s: float, ticks: list[int]) -> App:
    app = App(settings)

    def unit(tx: Tx, _portal: KnownPortal) -> None:
        ticks.append(tx.now_ms)

    again(app, "tick", every_s, unit)
    return app


async def test_a_shorter_pause_counts_from_the_next_start_on(
    settings: AppSettings, portal: FakePortal, clock: ManualClock
):
    ticks: list[int] = []
    async with installed_runtime(settings, portal, clock, ticking(settings, YEAR_S, ticks)) as running:
        await running.worker.run_due()
    app = ticking(settings, 60.0, ticks)
    async with opened(app, settings=settings, clock=clock, works=False) as running:
        await running.worker.run_due()
        assert ticks == []
        for count in (1, 2):
            clock.advance(61)
            await running.worker.run_due()
            assert len(ticks) == count


async def test_a_start_does_not_put_off_what_is_due_sooner(
    settings: AppSettings, portal: FakePortal, clock: ManualClock
):
    ticks: list[int] = []
    async with installed_runtime(settings, portal, clock, ticking(settings, 60.0, ticks)) as running:
        await running.worker.run_due()
    clock.advance(50)
    app = ticking(settings, 60.0, ticks)
    async with opened(app, settings=settings, clock=clock, works=False) as running:
        clock.advance(11)
        await running.worker.run_due()
    assert len(ticks) == 1


async def test_the_queue_of_offline_events_is_asked_at_the_start(
    settings: AppSettings, portal: FakePortal, clock: ManualClock
):
    def queued(params: dict[str, str]) -> Any:
        return {"process_id": "", "events": []}

    portal.methods["event.offline.get"] = queued
    portal.methods["event.offline.list"] = lambda params: []
    portal.methods["event.bind"] = lambda params: True

    asked = msgspec.structs.replace(settings, offline_events=True)

    def make() -> App:
        app = App(asked)
        app.on("ONLIVEFEEDPOSTUPDATE")(lambda event: None)
        return app

    async with installed_runtime(asked, portal, clock, make()) as running:
        await running.worker.run_due()
    before = len(portal.called("event.offline.get"))
    async with opened(make(), settings=asked, clock=clock, works=False) as running:
        await running.worker.run_due()
    assert len(portal.called("event.offline.get")) == before + 1
