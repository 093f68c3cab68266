"""Calls whose units are run together leave and answer what they would have, run one after the other."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests import engines

from livefeed.clock import ManualClock
from livefeed.durable.store import Store, Tx, open_store
from livefeed.errors import Fault
from livefeed.portal.apps import registry, tokens, webhooks
from livefeed.portal.apps.registry import NewApp
from livefeed.portal.calls.callers import Caller
from livefeed.portal.calls.units import Asked, together, unit_of
from livefeed.portal.events import handlers
from livefeed.portal.events.handlers import Binding
from livefeed.portal.feed import methods as feed_methods
from livefeed.portal.feed.posts import UPDATED
from livefeed.portal.offline import bells, bindings
from livefeed.portal.people import people
from livefeed.wire.calls import Answer
from livefeed.wire.ids import UserId
from livefeed.wire.params import Params

from .conftest import NOW_MS, ROOMS, House, founded

pytestmark = pytest.mark.anyio

[UPDATE] = [one for one in feed_methods.METHODS if one.name == "log.blogpost.update"]
TABLES = {
    "post": "id, title, text, is_micro, version, audience, is_important, important_until, files, changed_at",
    "post_version": "post, version, editor, source, written_at, title, text, audience, is_important, files",
    "post_audience": "post, code",
    "entry": "seq, key, kind, body, at, source",
    "lane": "consumer, key, seq, head, first_at, calm_at, due_at, attempt",
    "consumer": "id, state, ready_at, in_flight",
    "attempt": "seq, consumer, state",
    "offline_record": "id, app, connector, event, object, changed_at, process",
    "offline_bell": "handler, told_at",
    "drive_file": "id, owner, name, size",
    "attachment": "id, drive_file",
}
FILE = {"FILES": {"0": ["a.txt", "aGVsbG8="]}}


async def bind(house: House) -> str:
    """Two handlers, one of an application that is not installed yet, a queue and its bell; a token."""
    member_id = house.portal.member_id

    def unit(tx: Tx) -> Any:
        made: list[Any] = []
        for name, interface in (("Ready", False), ("Withheld", True)):
            new = NewApp(name=name, scope=("log",), has_interface=interface)
            app = registry.add(
                tx, member_id, new, registry.fresh_credentials(house.keys), installer=UserId(1)
            )
            url = f"https://{name.lower()}.example/events"
            handlers.bind(tx, app, Binding(event=UPDATED, url=url, auth_type=UserId(0), owner=UserId(1)))
            made.append(app)
        bindings.bind(tx, made[0], UPDATED, "", auth_type=UserId(0), owner=UserId(1))
        bindings.bind(tx, made[0], UPDATED, "1C", auth_type=UserId(0), owner=UserId(1))
        rung = Binding(
            event=bells.EVENT, url="https://ready.example/bell", auth_type=UserId(0), owner=UserId(1)
        )
        bells.set_pause(tx, handlers.bind(tx, made[0], rung), 0)
        return made[0]

    app = await house.store.write(unit)
    return tokens.codec_of(house.keys).mint("access", app.bearer(UserId(1), 1), house.clock.now_ms())


def wanted(house: House, token: str) -> list[Asked]:
    """Edits of all kinds, many of them of one post, some of them refused."""

    def hook(user: int) -> Caller:
        code = house.seeded.people[user - 1].webhook_code
        return webhooks.credential(house.keys, UserId(user), code)

    claims = tokens.open_access(house.keys, token)
    assert claims is not None
    asked: list[tuple[Caller, dict[str, Any]]] = [
        (hook(1), {"POST_ID": 3, "POST_MESSAGE": "first"}),
        (hook(1), {"POST_ID": 1, "POST_MESSAGE": "a title is taken from this"}),
        (hook(2), {"POST_ID": 3, "POST_TITLE": "second"}),
        (hook(4), {"POST_ID": 3, "POST_MESSAGE": "not mine"}),
        (hook(1), {"POST_ID": 999, "POST_MESSAGE": "no such post"}),
        (hook(1), {"POST_ID": 4}),
        (webhooks.credential(house.keys, UserId(1), "x" * 16), {"POST_ID": 4, "POST_MESSAGE": "nobody"}),
        (hook(5), {"POST_ID": 8, "POST_MESSAGE": "not to be seen by me"}),
        (hook(4), {"POST_ID": 8, "POST_MESSAGE": "now it is", "DEST": ["U5"]}),
        (hook(5), {"POST_ID": 8, "POST_MESSAGE": "seen, but not mine"}),
        (claims, {"POST_ID": 1, "POST_MESSAGE": "over a channel", "auth_connector": "1C"}),
        (claims, {"POST_ID": 2, "POST_MESSAGE": "with a file", **FILE}),
        (claims, {"POST_ID": 6, "POST_MESSAGE": "refused", "auth_connector": "x" * 300, **FILE}),
        (hook(1), {"POST_ID": 3, "POST_MESSAGE": "third", "IMPORTANT": "Y"}),
        (hook(1), {"POST_ID": 5, "POST_MESSAGE": "when?", "IMPORTANT_DATE_END": "soon"}),
        *((hook(1), {"POST_ID": 7, "POST_MESSAGE": f"again {number}"}) for number in range(3)),
    ]
    return [
        Asked(portal=house.portal, caller=caller, params=Params(params), keys=house.keys)
        for caller, params in asked
    ]


async def left(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    def query(tx: Tx) -> dict[str, list[tuple[Any, ...]]]:
        return {
            table: sorted((tuple(row) for row in tx.execute(f"SELECT {columns} FROM {table}")), key=repr)
            for table, columns in TABLES.items()
        }

    return await store.read(query)


async def one_by_one(house: House, asked: list[Asked]) -> list[Answer | Fault]:
    told: list[Answer | Fault] = []
    for one in asked:
        try:
            told.append(await house.store.write(unit_of(one, UPDATE, UPDATE.fn)))
        except Fault as fault:
            told.append(fault)
    return told


def shown(told: list[Answer | Fault]) -> list[object]:
    return [one.result if isinstance(one, Answer) else (one.code, one.description) for one in told]


async def test_edits_that_are_written_together_leave_what_each_would_have_left(tmp_path: Path):
    clock = ManualClock(NOW_MS)
    stores = [
        open_store(engines.database(tmp_path, name, ROOMS), ROOMS, clock) for name in ("apart", "together")
    ]
    apart, beside = [await founded(store, clock) for store in stores]
    told = shown(await one_by_one(apart, wanted(apart, await bind(apart))))
    assert UPDATE.many is not None
    bulk = together(UPDATE, UPDATE.many)
    asked = wanted(beside, await bind(beside))

    assert told == shown(await beside.store.write(lambda tx: list(bulk(tx, asked))))
    assert 10 == len([one for one in told if isinstance(one, int)]), "the others are refused"
    assert told[7] != told[9], "what the edit between them has shown him"
    rows = await left(apart.store)
    assert rows == await left(beside.store)
    assert all(rows.values()), "each table has something to compare"
    for store in stores:
        await store.close()


async def test_edits_that_come_at_once_are_answered_each(house: House):
    told = await asyncio.gather(
        *(house.send(1, "log.blogpost.update", POST_ID=3, POST_MESSAGE=f"{number}") for number in range(8)),
        house.send(1, "log.blogpost.update", POST_ID=999, POST_MESSAGE="no such post"),
    )

    assert [200] * 8 + [400] == [one.status for one in told]
    [version] = await house.store.read(
        lambda tx: [row[0] for row in tx.execute("SELECT version FROM post WHERE id = 3")]
    )
    assert 9 == version


async def test_who_is_dismissed_edits_nothing_even_beside_others(house: House):
    await house.store.write(lambda tx: people.dismiss(tx, house.portal.member_id, UserId(2)))

    good, bad = await asyncio.gather(
        house.send(1, "log.blogpost.update", POST_ID=3, POST_MESSAGE="mine"),
        house.send(2, "log.blogpost.update", POST_ID=3, POST_MESSAGE="his"),
    )

    assert (200, 401) == (good.status, bad.status)
