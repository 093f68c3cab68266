"""Filling: consumers, old entries and due lanes, by the database itself: millions take minutes."""

from collections.abc import Callable
from typing import Final

import click

from livefeed.durable import sql
from livefeed.durable.arrivals import route_arrivals
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.entries import index_entries
from livefeed.durable.store import Store, Tx

_SLICE: Final = 50_000
_SAID_EVERY: Final = 500_000
_RUN: Final = 2_000  # old entries in a row of one portal

_SQL: Final = sql.load("livefeed.cli.bench", "filling.sql")


def portal_of(place: int) -> str:
    """The name of the portal with this place."""
    return f"{place:032x}"


async def add_consumers(store: Store, count: int, *, cap: int) -> None:
    """Make an inbox for each of so many portals."""
    await store.write(lambda tx: _SQL.add_consumers(tx.conn, count=count, cap=cap))


def consumers(tx: Tx) -> list[ConsumerId]:
    """The ids of the inboxes, by place."""
    return [row["id"] for row in _SQL.consumers(tx.conn)]


async def add_old_entries(
    store: Store, count: int, consumers: int, *, kind: str, body: bytes, at_ms: int
) -> None:
    """Append entries that nobody has to do anything about any more, known to the indexes."""

    def add(tx: Tx, _: int, some: int) -> None:
        first = tx.take_many("entry", some)[0]
        given = {"first": first, "count": some, "consumers": consumers, "run": _RUN}
        _SQL.add_old(tx.conn, **given, kind=kind, body=body, at=at_ms)
        route_arrivals(tx, limit=some)
        index_entries(tx, limit=some)

    await _in_slices(store, count, add, "old entries")


async def add_due_lanes(
    store: Store, count: int, consumers: int, *, kind: str, body: bytes, at_ms: int
) -> None:
    """Append entries of random consumers with random keys until ``at_ms``, and give each its lane."""
    began_ms = at_ms - count

    def add(tx: Tx, done: int, some: int) -> None:
        first = tx.take_many("entry", some)[0]
        given = {"first": first, "count": some, "consumers": consumers}
        _SQL.add_due(tx.conn, **given, kind=kind, body=body, at=began_ms + done)
        route_arrivals(tx, limit=some)
        index_entries(tx, limit=some)

    await _in_slices(store, count, add, "due lanes")


async def _in_slices(store: Store, count: int, add: Callable[[Tx, int, int], None], what: str) -> None:
    for done in range(0, count, _SLICE):
        some = min(_SLICE, count - done)
        await store.write(lambda tx, done=done, some=some: add(tx, done, some))
        if (done + some) % _SAID_EVERY == 0:
            click.echo(f"livefeed: bench: {done + some:,} of {count:,} {what}", err=True)
