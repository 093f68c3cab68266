"""Consumers: who is handed entries, and how much of them at a time."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, NewType

import msgspec

from livefeed.durable import sql
from livefeed.durable.arrivals import route_all
from livefeed.durable.engines.unit import Tx

ConsumerId = NewType("ConsumerId", int)

State = Literal["active", "paused", "withheld", "gone"]
"""active: works · paused: its lanes wait · withheld: gets no lanes · gone: has none, its leases are lost."""

_SQL: Final = sql.load("livefeed.durable", "queries/consumers.sql")
_LANES: Final = sql.load("livefeed.durable", "queries/lanes.sql")


class Consumer(msgspec.Struct, frozen=True):
    """A bound handler, the inbox of one portal, or a channel of one portal.

    Attributes:
        id: Its number.
        portal: The portal's member_id.
        name: Unique within the portal.
        kind: It sees entries of this kind only; None: of any.
        state: See `State`.
        ready_at_ms: When a worker will look at it; None: not before something happens.
        fails: How often in a row it was down; 0: it is up.
        cap: How many of its lanes may be leased at a time.
        pace_ms: The least time between two of its leases.
        quiet_ms: How long a lane waits for more of the same.
        max_wait_ms: How long a lane waits at most.
        epoch: Raised when it is retired; leases of another epoch are lost.
    """

    id: ConsumerId
    portal: str
    name: str
    kind: str | None
    state: State
    ready_at_ms: int | None
    fails: int
    cap: int
    pace_ms: int
    quiet_ms: int
    max_wait_ms: int
    epoch: int


def register(
    tx: Tx,
    *,
    portal: str,
    name: str,
    kind: str | None = None,
    cap: int = 32,
    pace_ms: int = 0,
    quiet_ms: int = 0,
    max_wait_ms: int = 0,
    state: State = "active",
) -> ConsumerId:
    """Make a consumer, or give the one of this name new settings; its lanes and its epoch stay."""
    route_all(tx)
    longest_ms = max(max_wait_ms, quiet_ms) if quiet_ms else 0
    consumer: ConsumerId = _SQL.register(
        tx.conn,
        portal=portal,
        name=name,
        kind=kind,
        state=state,
        cap=cap,
        pace_ms=pace_ms,
        quiet_ms=quiet_ms,
        max_wait_ms=longest_ms,
    )
    refresh(tx, [consumer])
    return consumer


def set_state(tx: Tx, consumer: ConsumerId, state: State) -> None:
    """Start, pause, withhold or retire a consumer."""
    if state == "gone":
        retire(tx, consumer)
        return
    route_all(tx)
    _SQL.set_state(tx.conn, id=consumer, state=state)
    refresh(tx, [consumer])


def set_share(tx: Tx, consumer: ConsumerId, *, cap: int, pace_ms: int) -> None:
    """Let at most ``cap`` of its lanes be leased at a time, and ``pace_ms`` apart, from the next lease on."""
    hold(tx, [consumer])
    _SQL.set_share(tx.conn, id=consumer, cap=cap, pace_ms=pace_ms)
    refresh(tx, [consumer])


def retire(tx: Tx, consumer: ConsumerId) -> None:
    """End a consumer at once: its lanes are deleted, and what is leased cannot be settled any more."""
    route_all(tx)
    _SQL.retire(tx.conn, id=consumer)
    _SQL.drop_leases(tx.conn, id=consumer)
    _SQL.drop_lanes(tx.conn, id=consumer)
    _SQL.drop_done(tx.conn, id=consumer)


def hurry(tx: Tx, consumer: ConsumerId) -> None:
    """Try at once what waits for the next try after a failure; one that is down is probed now."""
    _SQL.end_pause(tx.conn, id=consumer)
    _SQL.hurry_lanes(tx.conn, id=consumer, now=tx.now_ms)
    refresh(tx, [consumer])


def get(tx: Tx, consumer: ConsumerId) -> Consumer | None:
    """The consumer with this id."""
    return _consumer(_SQL.get(tx.conn, id=consumer))


def get_many(tx: Tx, consumers: Iterable[ConsumerId]) -> dict[ConsumerId, Consumer]:
    """The consumers with these ids, as far as there are any, with one statement."""
    found = _SQL.get_many(tx.conn, consumers=msgspec.json.encode(list(consumers)).decode())
    return {one.id: one for one in (Consumer(*row) for row in msgspec.json.decode(found))}


def find(tx: Tx, *, portal: str, name: str) -> Consumer | None:
    """The consumer of this name."""
    return _consumer(_SQL.find(tx.conn, portal=portal, name=name))


def list_consumers(tx: Tx, *, portal: str | None = None) -> list[Consumer]:
    """All consumers, or those of one portal, by id."""
    rows = _SQL.list_all(tx.conn) if portal is None else _SQL.list_of_portal(tx.conn, portal=portal)
    return [Consumer(*row) for row in rows]


def hold(tx: Tx, consumers: Iterable[ConsumerId]) -> None:
    """Lock the rows of consumers whose lanes this unit is going to change, before anything is decided.

    Where units run one at a time there is nothing to lock.
    """
    if tx.is_shared and (ids := sorted(set(consumers))):
        _SQL.hold.send(tx.conn, consumers=msgspec.json.encode(ids).decode())


def refresh(tx: Tx, consumers: Sequence[ConsumerId]) -> None:
    """Work out anew when each is to be looked at, from its own row and its lanes."""
    asked = msgspec.json.encode(consumers).decode()
    if tx.is_shared:
        turns = _SQL.turns_of(tx.conn, consumers=asked)
        _LANES.write_turns.send(tx.conn, turns=turns, now=tx.now_ms, times=1)
    else:
        _LANES.look_when_due.send(tx.conn, consumers=asked, due_from=0, now=tx.now_ms)
    tx.wake("lanes")


def _consumer(row: Any) -> Consumer | None:  # noqa: ANN401 - the driver's row
    return None if row is None else Consumer(*row)
