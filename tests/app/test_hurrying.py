"""Whoever has mended a handler need not wait for its next try."""

import pytest

from livefeed.app import App
from livefeed.durable.schedule import Schedule
from livefeed.wire.events import PostUpdated

from .conftest import House, Opening

LONG = Schedule(first_s=3600.0, longest_s=3600.0)
CALM = {"coalesce": True, "quiet_s": 1}


class Crew:
    """Handlers of one application that work once they are mended."""

    def __init__(self, app: App, *options: dict) -> None:
        self.is_mended = False
        self.seen: list[str] = []
        for place, given in enumerate(options):
            app.on(PostUpdated, name=f"h{place}", retry=LONG, **given)(self.handler(f"h{place}"))

    def handler(self, name: str):
        async def handle(event: PostUpdated) -> None:
            if not self.is_mended:
                raise RuntimeError("broken")
            self.seen.append(name)

        return handle


async def failed(house: House) -> None:
    assert (await house.install()).status == 200
    await house.work()
    await house.event()
    await house.work()
    house.clock.advance(2)
    await house.work()


@pytest.mark.parametrize("options", [[{}], [{}, {}], [CALM, CALM]], ids=["one", "two", "quiet"])
async def test_what_failed_is_tried_at_once_where_it_is_asked_for(serve: Opening, options: list[dict]):
    app = App.from_settings({})
    crew = Crew(app, *options)
    house = await serve(app)
    await failed(house)
    crew.is_mended = True
    await house.work()
    assert crew.seen == [], "they wait for their next try"

    for elsewhere in ({"key": "post:1"}, {"portal": "f" * 32}):
        assert await house.operate("lanes_retry", **elsewhere) == (200, {"retried": 0})
    status, document = await house.operate("lanes_retry", key="post:205", portal=house.portal.member_id)
    assert (status, document["retried"] > 0) == (200, True)
    await house.work()

    assert sorted(crew.seen) == [f"h{place}" for place in range(len(options))]
    assert await house.operate("lanes_retry") == (200, {"retried": 0})


async def test_what_fails_again_waits_as_before(serve: Opening):
    app = App.from_settings({})
    crew = Crew(app, {})
    house = await serve(app)
    await failed(house)
    assert await house.operate("lanes_retry") == (200, {"retried": 1})
    await house.work()
    (row,) = await house.inbox(post=205)
    assert (row.state, row.attempts) == ("backing_off", 2)
    crew.is_mended = True
    house.clock.advance(60)
    await house.work()
    assert crew.seen == []
