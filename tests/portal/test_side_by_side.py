"""Two processes of a portal on PostgreSQL, asked at the same time: what is good once is done once."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from starlette.applications import Starlette
from tests import engines

from livefeed.clock import ManualClock
from livefeed.durable.entries import list_entries
from livefeed.durable.store import Store, Tx, open_store
from livefeed.portal.admin import Admin
from livefeed.portal.apps.oauth import TokenEndpoint
from livefeed.portal.events.outbox import Happening
from livefeed.portal.http import rest_routes
from livefeed.portal.lifecycle import Refused
from livefeed.portal.methods import MethodTable
from livefeed.portal.people.staff import NotPossible
from livefeed.portal.rest import Door
from livefeed.wire.faults import InvalidGrant
from livefeed.wire.ids import UserId
from livefeed.wire.oauth import CodeExchange, Refresh

from .apps.asking import FORM, first_pair, given_code, lives
from .asgi import request
from .conftest import METHODS, ROOMS, House
from .site import App, Site, standing

T = TypeVar("T")
AtOnce = Callable[[Callable[[int], Awaitable[Any]]], Awaitable[tuple[list[Any], list[BaseException]]]]
TIMES = 8
_WAITING = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"
EDIT = "ONLIVEFEEDPOSTUPDATE"

pytestmark = pytest.mark.skipif("postgresql" not in engines.both(), reason="units of SQLite never overlap")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return engines.database(tmp_path, "portal", ROOMS, engine="postgresql")


@pytest.fixture
async def store(url: str, clock: ManualClock) -> AsyncIterator[Any]:
    opened = open_store(url, ROOMS, clock)
    yield opened
    await opened.close()


@pytest.fixture
async def stores(url: str, store: Store, clock: ManualClock) -> AsyncIterator[Iterator[Any]]:
    """That of each process in turn, which has four threads; behind the gate."""
    other = open_store(url, ROOMS, clock)
    yield itertools.cycle((Gated(store), Gated(other)))
    await other.close()


@pytest.fixture
async def site(house: House) -> AsyncIterator[Site]:
    async with standing(house) as found:
        yield found


@pytest.fixture
async def app(site: Site) -> App:
    return await site.add_app()


class Gated:
    """A store whose units stop before their commit until the gate is opened."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def write(self, unit: Callable[[Tx], T]) -> T:
        def stopping(tx: Tx) -> T:
            result = unit(tx)
            tx.execute("SELECT pg_advisory_xact_lock_shared(1, 7)")
            return result

        return await self._store.write(stopping)


@pytest.fixture
def at_once(url: str) -> AtOnce:
    """Asks eight times; nobody commits before all eight wait, at the gate or for each other.

    Gives the answers, and the refusals.
    """

    async def ask_all(ask: Callable[[int], Awaitable[Any]]) -> tuple[list[Any], list[BaseException]]:
        with psycopg.connect(url, autocommit=True) as gate:
            gate.execute("SELECT pg_advisory_lock(1, 7)")
            asking = asyncio.gather(*(ask(number) for number in range(TIMES)), return_exceptions=True)
            while gate.execute(_WAITING).fetchone() != (TIMES,):
                assert not asking.done(), await asking
                await asyncio.sleep(0)
        done = await asking
        refused = [one for one in done if isinstance(one, BaseException)]
        return [one for one in done if not isinstance(one, BaseException)], refused

    return ask_all


def admins(house: House, stores: Iterator[Any]) -> Iterator[Admin]:
    for store in stores:
        yield Admin(store=store, keys=house.keys, clock=house.clock, directory=house.directory)


def endpoints(house: House, stores: Iterator[Any]) -> Iterator[TokenEndpoint]:
    for store in stores:
        yield TokenEndpoint(store=store, keys=house.keys, directory=house.directory)


async def test_a_code_is_exchanged_once_and_what_it_gave_is_ended(
    site: Site, app: App, stores: Iterator[Any], at_once: AtOnce
) -> None:
    asked = CodeExchange(
        client_id=app.client_id, client_secret=app.client_secret, code=await given_code(site, app)
    )
    doors = endpoints(site.house, stores)
    pairs, refused = await at_once(lambda _: next(doors).answer(None, asked))
    assert len(pairs) == 1
    assert [type(one) for one in refused] == [InvalidGrant] * (TIMES - 1)
    assert not await lives(site, pairs[0].access_token)


async def test_a_refresh_token_that_is_exchanged_in_a_race_makes_one_generation(
    site: Site, app: App, stores: Iterator[Any], at_once: AtOnce
) -> None:
    pair = await first_pair(site, app)
    asked = Refresh(
        client_id=app.client_id, client_secret=app.client_secret, refresh_token=pair["refresh_token"]
    )
    doors = endpoints(site.house, stores)
    pairs, refused = await at_once(lambda _: next(doors).answer(None, asked))
    assert (len(pairs), refused) == (TIMES, [])
    rows = await site.house.store.read(
        lambda tx: [tuple(row) for row in tx.execute("SELECT family, parent FROM refresh_token")]
    )
    assert len({family for family, _ in rows}) == 1
    assert len({parent for _, parent in rows if parent is not None}) == 1


async def test_a_token_that_is_reused_in_a_race_leaves_nothing_of_its_family(
    site: Site, app: App, stores: Iterator[Any], at_once: AtOnce
) -> None:
    """Whatever comes first: no pair that is given out beside the discovery outlives it."""
    pair = await first_pair(site, app)
    endpoint = next(endpoints(site.house, stores))
    asked = Refresh(
        client_id=app.client_id, client_secret=app.client_secret, refresh_token=pair["refresh_token"]
    )
    second = await endpoint.answer(None, asked)
    site.house.clock.advance(11)
    newest = Refresh(
        client_id=app.client_id, client_secret=app.client_secret, refresh_token=second.refresh_token
    )
    doors = endpoints(site.house, stores)
    pairs, _ = await at_once(lambda number: next(doors).answer(None, newest if number % 2 else asked))
    assert [await lives(site, one.access_token) for one in pairs] == [False] * len(pairs)


async def test_edits_of_one_post_are_versions_in_order_and_are_told_of_in_that_order(
    site: Site, app: App, stores: Iterator[Any], at_once: AtOnce
) -> None:
    await site.call(await site.token(app), "event.bind", event=EDIT, handler=site.receiver.url + "/h")
    house, desks = site.house, admins(site.house, stores)
    post = house.seeded.posts[0]

    async def edit(number: int) -> Any:
        asked = {"post": post, "text": f"by {number + 1}", "user": number + 1}
        return (await next(desks).run("edit_post", asked))["version"]

    versions, refused = await at_once(edit)
    assert (sorted(versions), refused) == ([*range(2, TIMES + 2)], [])
    written = await house.store.read(
        lambda tx: list(
            tx.execute(
                "SELECT version, editor FROM post_version WHERE post = ? ORDER BY version DESC", (post,)
            )
        )
    )
    entries = await house.store.read(
        lambda tx: list_entries(tx, portal=house.portal.member_id, key=f"post:{post}")
    )
    told = [Happening.read(one.body).actor for one in entries if one.kind == EDIT]
    assert told == [row["editor"] for row in written if row["version"] > 1]

    sent = await site.send_due()
    numbers = [int(one.headers["webhook-id"].rsplit("_", 1)[1]) for one in sent if one.event == EDIT]
    assert numbers == [one.seq for one in reversed(entries) if one.kind == EDIT]


async def test_comments_are_counted_and_numbered(
    house: House, stores: Iterator[Any], at_once: AtOnce
) -> None:
    post = house.seeded.posts[0]
    doors = (
        Starlette(routes=rest_routes(door, clock=house.clock, directory=house.directory))
        for store in stores
        for door in [Door(store=store, clock=house.clock, keys=house.keys, methods=MethodTable(METHODS))]
    )

    async def comment(number: int) -> int:
        body = f"POST_ID={post}&TEXT=Yes".encode()
        url = house.webhook(1 + number, "log.blogcomment.add")
        answer = await request(next(doors), "POST", url, body=body, headers=FORM)
        return int(answer.json()["result"])

    counting = "SELECT comment_count FROM post WHERE id = ?"
    before = await house.store.read(lambda tx: tx.execute(counting, (post,)).fetchone()[0])
    made, refused = await at_once(comment)
    after = await house.store.read(lambda tx: tx.execute(counting, (post,)).fetchone()[0])
    assert (len(set(made)), refused) == (TIMES, [])
    assert after == before + TIMES


async def test_a_login_is_taken_once(site: Site, stores: Iterator[Any], at_once: AtOnce) -> None:
    desks = admins(site.house, stores)
    asked = {"login": "vera", "first_name": "Vera", "password": "a long and quiet evening"}
    made, refused = await at_once(lambda _: next(desks).run("user_add", asked))
    assert len(made) == 1
    assert [type(one) for one in refused] == [NotPossible] * (TIMES - 1)


async def test_an_application_leaves_once(
    site: Site, app: App, stores: Iterator[Any], at_once: AtOnce
) -> None:
    token = await site.token(app)
    await site.call(token, "event.bind", event="OnAppUninstall", handler=site.receiver.url + "/bye")
    desks = admins(site.house, stores)
    gone, refused = await at_once(lambda _: next(desks).run("app_remove", {"client_id": app.client_id}))
    assert len(gone) == 1
    assert [type(one) for one in refused] == [Refused] * (TIMES - 1)
    member = site.house.portal.member_id
    entries = await site.house.store.read(lambda tx: list_entries(tx, portal=member))
    assert [one.kind for one in entries].count("ONAPPUNINSTALL") == 1


async def test_a_dead_letter_is_put_back_once(
    site: Site, app: App, stores: Iterator[Any], at_once: AtOnce
) -> None:
    house = site.house
    await site.call(await site.token(app), "event.bind", event=EDIT, handler=site.receiver.url + "/h")
    await house.store.write(
        lambda tx: tx.execute(
            "INSERT INTO dead (consumer, key, seq, kind, body, reason, at)"
            " SELECT id, 'post:1', 1, ?, ?, 'refused', 1 FROM consumer ORDER BY id DESC LIMIT 1",
            (EDIT, Happening(UserId(1)).stored()),
        )
    )
    letter = await house.store.read(lambda tx: tx.execute("SELECT id FROM dead").fetchone()[0])
    desks = admins(house, stores)
    put_back, refused = await at_once(lambda _: next(desks).run("dead_replay", {"id": letter}))
    assert (len(put_back), len(refused)) == (1, TIMES - 1)
    entries = await house.store.read(lambda tx: list_entries(tx, portal=house.portal.member_id))
    assert [one.source for one in entries].count("replay") == 1
