"""Deliveries: one entry for one consumer, told by its lane, its attempts and its dead letter, in pages."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, TypeAlias

import msgspec

from livefeed.durable import sql
from livefeed.durable.attempts import Attempt
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.dead import DeadLetter
from livefeed.durable.engines.unit import Tx
from livefeed.durable.entries import get_entry

Attempted: TypeAlias = Literal["delivered", "backing_off", "dead", "withheld"]
Pending: TypeAlias = Literal["waiting", "leased", "backing_off"]

ATTEMPTED: Final[tuple[Attempted, ...]] = ("delivered", "backing_off", "dead", "withheld")
PENDING: Final[tuple[Pending, ...]] = ("waiting", "leased", "backing_off")
EXPIRED: Final = "expired"
"""The reason of a dead letter that became too old."""

_SQL: Final = sql.load("livefeed.durable", "queries/deliveries.sql")
_MOST: Final = 2**62


class Place(msgspec.Struct, frozen=True, order=True):
    """Which entry, for which consumer; the order of pages is that of places, backwards."""

    seq: int
    consumer: ConsumerId


BEYOND: Final = Place(_MOST, ConsumerId(_MOST))
"""A place after every other."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which deliveries of one portal.

    Attributes:
        portal: The portal's member_id.
        consumers: Of whom.
        key: About what; None: anything.
        attempted: Those with an attempt in one of these states.
        pending: Those that are still to be dealt with, in one of these states.
        with_expired: Those that became too old as well.
        after: Only of entries beyond this seq.
        before: Only those before this place.
    """

    portal: str
    consumers: Sequence[ConsumerId]
    key: str | None = None
    attempted: Sequence[Attempted] = ATTEMPTED
    pending: Sequence[Pending] = PENDING
    with_expired: bool = True
    after: int = 0
    before: Place = BEYOND


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a delivery that is pending stands in its lane.

    Attributes:
        state: See `Pending`.
        due_at_ms: When it is tried, at the earliest; while it is leased, when the lease ends.
        attempt: The number of the attempt under way, or of the last one.
        is_behind: Another entry of its lane goes first.
    """

    state: Pending
    due_at_ms: int
    attempt: int
    is_behind: bool


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one delivery.

    Attributes:
        place: Which.
        key: What it is about.
        attempts: In order.
        standing: None: it is not pending.
        letter: None: it was not given up, or put back since.
    """

    place: Place
    key: str
    attempts: tuple[Attempt, ...]
    standing: Standing | None
    letter: DeadLetter | None


def places(tx: Tx, wanted: Wanted, *, limit: int) -> list[Place]:
    """The newest ``limit`` deliveries, the newest first."""
    if not wanted.consumers:
        return []
    bounds = {
        "consumers": _json(wanted.consumers),
        "after": wanted.after,
        "before": wanted.before.seq,
        "consumer": wanted.before.consumer,
        "limit": limit,
    }
    found = {Place(*row) for row in (*_attempted(tx, wanted, bounds), *_pending(tx, wanted, bounds))}
    found.update(Place(*row) for row in _expired(tx, wanted, bounds))
    return sorted(found, reverse=True)[:limit]


def find(tx: Tx, place: Place) -> Delivery | None:
    """One delivery; None if there is no trace of it."""
    attempts = [Attempt(*row) for row in _SQL.attempts_of(tx.conn, consumer=place.consumer, seq=place.seq)]
    attempts.sort(key=lambda one: (one.attempt, one.sent_at_ms))
    row = _SQL.letter_of(tx.conn, consumer=place.consumer, seq=place.seq)
    letter = None if row is None else DeadLetter(*row)
    key = attempts[0].key if attempts else None if letter is None else letter.key
    if key is None:
        entry = get_entry(tx, place.seq)
        key = None if entry is None else entry.key
    standing = None if key is None else standing_of(tx, place, key)
    if key is None or not (attempts or letter or standing):
        return None
    return Delivery(place=place, key=key, attempts=tuple(attempts), standing=standing, letter=letter)


def standing_of(tx: Tx, place: Place, key: str) -> Standing | None:
    """Where an entry stands in its lane; None: it is not pending for this consumer."""
    row = _SQL.lane_of(tx.conn, consumer=place.consumer, key=key, seq=place.seq)
    if row is None:
        return None
    is_behind = bool(row["is_behind"])
    state: Pending = "waiting"
    if not is_behind and (row["leased"] or row["attempt"]):
        state = "leased" if row["leased"] else "backing_off"
    return Standing(
        state=state,
        due_at_ms=row["due_at"],
        attempt=0 if is_behind else row["attempt"],
        is_behind=is_behind,
    )


def newest_attempts(tx: Tx, consumer: ConsumerId, *, limit: int) -> list[Attempt]:
    """The newest attempts to reach one consumer, the newest first; those withheld are no attempts."""
    states = _json([state for state in ATTEMPTED if state != "withheld"])
    return [
        Attempt(*row) for row in _SQL.newest_attempts(tx.conn, consumer=consumer, states=states, limit=limit)
    ]


def _attempted(tx: Tx, wanted: Wanted, bounds: dict[str, Any]) -> Iterable[Any]:
    states = _json(wanted.attempted)
    if wanted.key is None:
        return _SQL.attempted(tx.conn, states=states, **bounds)
    return _SQL.attempted_of_key(tx.conn, portal=wanted.portal, key=wanted.key, states=states, **bounds)


def _pending(tx: Tx, wanted: Wanted, bounds: dict[str, Any]) -> Iterable[Any]:
    states = _json(wanted.pending)
    # The row with seq 0 is the lane itself.
    if wanted.key is None:
        is_any = int(set(wanted.pending) == set(PENDING))
        return _SQL.pending(tx.conn, states=states, is_any=is_any, **bounds)
    return _SQL.pending_of_key(tx.conn, key=wanted.key, states=states, **bounds)


def _expired(tx: Tx, wanted: Wanted, bounds: dict[str, Any]) -> Iterable[Any]:
    if not wanted.with_expired:
        return []
    if wanted.key is None:
        return _SQL.expired(tx.conn, **bounds)
    return _SQL.expired_of_key(tx.conn, key=wanted.key, **bounds)


def _json(values: Sequence[object]) -> str:
    return msgspec.json.encode(values).decode()
