"""Offline events: binding, the latest state, reserving, confirming, errors, sources, and the bell."""

import asyncio
from datetime import datetime
from typing import Any

import pytest
from tests import engines

from livefeed.durable.store import Tx
from livefeed.portal.offline import bindings, queue
from livefeed.portal.upkeep import purge
from livefeed.wire.ids import PostId

from ..site import App, Site

UPDATED = "ONLIVEFEEDPOSTUPDATE"
DENIED = (403, "ACCESS_DENIED", "Access denied!")


class Fetching:
    """An application whose updates of posts are queued."""

    def __init__(self, site: Site, app: App, token: str) -> None:
        self.site, self.app, self.token = site, app, token

    async def ask(self, name: str, **params: Any) -> Any:
        return await self.site.call(self.token, f"event.offline.{name}", **params)

    async def take(self, **params: Any) -> tuple[str, list[Any]]:
        """Reserve records; the process and what it got."""
        answer = await self.ask("get", clear=0, **params)
        return answer["process_id"], answer["events"]

    async def posts(self, **params: Any) -> list[int]:
        """The posts of what is free now, in order; they stay free."""
        rows = await self.ask("list", filter={"=PROCESS_ID": ""}, order={"TIMESTAMP_X": "ASC"}, **params)
        return [post_of(row) for row in rows]

    async def edit(self, post: int, **params: Any) -> None:
        await self.site.call(
            self.token,
            "log.blogpost.update",
            POST_ID=post,
            POST_MESSAGE=f"at {self.site.house.clock.now_ms()}",
            **params,
        )
        self.site.house.clock.advance(1)


def post_of(row: Any) -> int:
    return int(row["EVENT_DATA"]["FIELDS"]["POST_ID"])


@pytest.fixture
async def fetching(site: Site) -> Fetching:
    app = await site.add_app()
    token = await site.token(app)
    await site.call(token, "event.bind", event="OnLiveFeedPostUpdate", event_type="offline")
    return Fetching(site, app, token)


async def test_binding_is_shown_once_and_undone(fetching: Fetching) -> None:
    site, token = fetching.site, fetching.token
    row = {"event": UPDATED, "handler": "", "auth_type": "0", "offline": 1, "connector_id": ""}
    assert [row] == await site.call(token, "event.get")
    assert (400, "ERROR_CORE") == (
        await site.fault(token, "event.bind", event=UPDATED, event_type="offline")
    )[:2]
    assert {"count": 0} == await site.call(token, "event.unbind", event=UPDATED), "online ones only"
    assert {"count": 1} == await site.call(token, "event.unbind", event=UPDATED, event_type="offline")
    assert [] == await site.call(token, "event.get")


async def test_who_is_no_administrator_is_refused_everything(fetching: Fetching) -> None:
    site, token = fetching.site, await fetching.site.token(fetching.app, 2)
    assert [] == await site.call(token, "event.get")
    for name in ("get", "list", "clear", "error"):
        assert DENIED == await site.fault(token, f"event.offline.{name}", process_id="x")


async def test_a_record_is_the_latest_state_in_the_documented_form(fetching: Fetching) -> None:
    await fetching.edit(2)
    await fetching.edit(1)
    (two, _) = await fetching.ask("list")
    await fetching.edit(2)

    events = (await fetching.ask("get", clear=0))["events"]

    assert [1, 2] == [post_of(row) for row in events], "the one that changed first at the head"
    assert two["ID"] == events[1]["ID"], "the record stays, its time moves (A-14)"
    assert two["TIMESTAMP_X"] < events[1]["TIMESTAMP_X"]
    assert {"ID", "TIMESTAMP_X", "EVENT_NAME", "EVENT_DATA", "EVENT_ADDITIONAL", "MESSAGE_ID"} == events[
        0
    ].keys()
    assert (UPDATED, False) == (events[0]["EVENT_NAME"], events[0]["EVENT_ADDITIONAL"])
    assert datetime.fromisoformat(events[0]["TIMESTAMP_X"]).tzinfo is not None


async def test_without_clear_0_records_are_gone_at_once(fetching: Fetching) -> None:
    await fetching.edit(1)
    answer = await fetching.ask("get")
    assert (None, 1) == (answer["process_id"], len(answer["events"]))
    assert [] == await fetching.ask("list")


async def test_what_is_reserved_is_hidden_until_it_is_confirmed_and_a_later_change_is_another_record(
    fetching: Fetching,
) -> None:
    for post in (1, 2, 3):
        await fetching.edit(post)
    process, events = await fetching.take(limit=2)
    await fetching.edit(1)

    assert [3, 1] == await fetching.posts()
    assert 32 == len(process)
    await fetching.ask("clear", process_id=process, id=[int(events[0]["ID"])])
    assert [2] == [post_of(row) for row in (await fetching.take(process_id=process))[1]]
    await fetching.ask("clear", process_id=process, message_id=[events[1]["MESSAGE_ID"]])
    assert [] == (await fetching.take(process_id=process))[1]
    assert [3, 1] == await fetching.posts(), "another process confirms nothing of these"


async def test_what_failed_comes_again_to_who_asks_for_it_and_only_once(fetching: Fetching) -> None:
    for post in (1, 2):
        await fetching.edit(post)
    process, events = await fetching.take()
    await fetching.ask("error", process_id=process, message_id=[events[0]["MESSAGE_ID"]])

    assert ["1", "0"] == [row["ERROR"] for row in await fetching.ask("list")]
    assert [] == (await fetching.take())[1]
    assert [] == (await fetching.take(filter={">ID": 0}))[1], "nor to who asks for some"
    again, failed = await fetching.take(error=1)
    assert [1] == [post_of(row) for row in failed]
    assert [] == (await fetching.take(error=1))[1]
    await fetching.ask("clear", process_id=again)
    assert [2] == [post_of(row) for row in await fetching.ask("list")]


async def test_filter_and_order(fetching: Fetching) -> None:
    for post in (1, 2, 3):
        await fetching.edit(post)
    rows = await fetching.ask("list", order={"ID": "DESC"})
    assert [3, 2, 1] == [post_of(row) for row in rows]
    between = {">ID": rows[2]["ID"], "<TIMESTAMP_X": rows[0]["TIMESTAMP_X"], "=EVENT_NAME": UPDATED}
    assert [2] == [post_of(row) for row in (await fetching.take(filter=between))[1]]
    either = {"MESSAGE_ID": [rows[0]["MESSAGE_ID"], rows[1]["MESSAGE_ID"]], "ERROR": 0}
    assert [2, 3] == [post_of(row) for row in await fetching.ask("list", filter=either)]
    refused = await fetching.site.fault(fetching.token, "event.offline.get", filter={"COLOUR": 1})
    assert (400, "ERROR_ARGUMENT") == refused[:2]


async def test_a_source_is_not_told_of_its_own_changes(fetching: Fetching) -> None:
    site = fetching.site
    await site.call(fetching.token, "event.bind", event=UPDATED, event_type="offline", auth_connector="mine")
    other = await site.add_app()
    foreign = Fetching(site, other, await site.token(other))
    await site.call(foreign.token, "event.bind", event=UPDATED, event_type="offline", auth_connector="mine")

    await fetching.edit(1, auth_connector="mine")
    await fetching.edit(2)

    assert [1, 2] == await fetching.posts(), "the queue without a source has all"
    assert [2] == await fetching.posts(auth_connector="mine")
    assert [1, 2] == await foreign.posts(auth_connector="mine"), "of the same name, but somebody else's"


async def test_an_application_has_an_event_queued_for_a_bounded_number_of_sources(fetching: Fetching) -> None:
    """Each of them makes every edit on the portal write one record more."""
    binding = {"event": UPDATED, "event_type": "offline"}
    for number in range(bindings.MOST_SOURCES - 1):  # one has no name
        await fetching.site.call(fetching.token, "event.bind", auth_connector=f"s{number}", **binding)

    refused = await fetching.site.fault(fetching.token, "event.bind", auth_connector="more", **binding)

    assert (400, "ERROR_CORE") == refused[:2]
    added = {"event": "ONLIVEFEEDPOSTADD", "event_type": "offline", "auth_connector": "more"}
    assert await fetching.site.call(fetching.token, "event.bind", **added), "another event has its own"


async def test_the_bell_rings_at_once_and_then_leaves_alone_for_its_time(fetching: Fetching) -> None:
    site = fetching.site
    await site.bind(fetching.app, "/calm", event="OnOfflineEvent", options={"minTimeout": 10})
    await site.bind(fetching.app, "/each", event="OnOfflineEvent", options={"minTimeout": 0})

    await fetching.edit(1)
    first = await site.send_due()
    await fetching.edit(2)
    second = await site.send_due()
    site.house.clock.advance(10)
    await fetching.edit(3)
    third = await site.send_due()

    assert ["/calm", "/each"] == sorted(one.path for one in first)
    assert ["/each"] == [one.path for one in second]
    assert ["/calm", "/each"] == sorted(one.path for one in third)
    assert "data" not in first[0].form
    assert {"access_token", "refresh_token", "application_token", "member_id", "scope"} <= first[
        0
    ].auth.keys()


async def test_a_change_that_is_rolled_back_leaves_no_record(fetching: Fetching) -> None:
    def unit(tx: Tx) -> None:
        queue.note(
            tx,
            portal=fetching.site.house.portal.member_id,
            event=UPDATED,
            scope="log",
            post=PostId(1),
            origin=None,
        )
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await fetching.site.run(unit)
    assert [] == await fetching.ask("list")


async def test_nothing_is_kept_before_installation_nor_after_uninstallation(site: Site) -> None:
    app = await site.add_app(interface=True, handler_url="https://shop.example/")
    fetching = Fetching(site, app, await site.token(app))
    await site.call(fetching.token, "event.bind", event=UPDATED, event_type="offline")
    await site.edit(1)
    assert [] == await fetching.ask("list")
    await site.do("app_finish", client_id=app.client_id)
    await site.edit(1)
    assert [1] == await fetching.posts()
    await site.do("app_remove", client_id=app.client_id)
    assert (0,) == tuple(
        await site.run(lambda tx: tx.execute("SELECT count(*) FROM offline_record").fetchone())
    )


async def test_what_lies_too_long_is_dropped(fetching: Fetching) -> None:
    house = fetching.site.house

    async def left() -> list[int]:
        rows = await fetching.site.run(lambda tx: tx.execute("SELECT object FROM offline_record").fetchall())
        return [row[0] for row in rows]

    await fetching.edit(1)
    await fetching.take()
    await fetching.edit(2)
    house.clock.advance(queue.RESERVED_DAYS * 86_400)
    await purge(house.store, house.clock)
    assert [2] == await left()
    house.clock.advance((queue.FREE_DAYS - queue.RESERVED_DAYS) * 86_400)
    await purge(house.store, house.clock)
    assert [] == await left()


@pytest.mark.parametrize("store", engines.both(), indirect=True)
async def test_eight_callers_get_every_post_in_its_latest_state_and_no_record_twice(
    fetching: Fetching,
) -> None:
    site, posts, callers = fetching.site, 1_000, 8
    changed_at: dict[int, int] = {}
    handed: list[Any] = []

    async def change(start: int, count: int) -> None:
        """Change posts one after the other, in units of 250."""
        for at in range(start, start + count, 250):
            site.house.clock.advance(1)
            some = [at_one % posts + 1 for at_one in range(at, at + 250)]
            await site.run(lambda tx, some=some: note_all(tx, some))
            changed_at.update(dict.fromkeys(some, site.house.clock.now_ms() // 1000))

    def note_all(tx: Tx, some: list[int]) -> None:
        for post in some:
            queue.note(
                tx,
                portal=site.house.portal.member_id,
                event=UPDATED,
                scope="log",
                post=PostId(post),
                origin=None,
            )

    async def fetch(until_quiet: asyncio.Event) -> None:
        while True:
            is_over = until_quiet.is_set()
            process, events = await fetching.take(limit=100)
            handed.extend(events)
            await fetching.ask("clear", process_id=process)
            if not events and is_over:
                return

    await change(0, 8_000)
    before = await fetching.site.run(
        lambda tx: tx.execute("SELECT count(*) FROM offline_record").fetchone()[0]
    )
    quiet = asyncio.Event()
    fetchers = [asyncio.create_task(fetch(quiet)) for _ in range(callers)]
    await change(8_000, 2_000)
    quiet.set()
    await asyncio.gather(*fetchers)

    assert posts == before, "a thousand posts, a thousand records"
    assert len(handed) == len({row["ID"] for row in handed}), "no record twice"
    latest = {post_of(row): datetime.fromisoformat(row["TIMESTAMP_X"]).timestamp() for row in handed}
    assert changed_at == latest, "none lost, and the last one handed out has the last time"
    assert [] == await fetching.ask("list")
