"""The lane of a round: its entry is due after a pause, and who has dealt with it appends the next one.

The next round is ordered in the settle of the one before, so that no crash comes between them.
"""

from collections.abc import Callable, Collection
from functools import partial
from typing import Final

import msgspec

from livefeed.app.application import Application
from livefeed.app.inbox import post_key
from livefeed.app.installs.portals import KnownPortal
from livefeed.app.runtime import Runtime
from livefeed.durable import sql
from livefeed.durable.consumers import ConsumerId, get, hold, refresh
from livefeed.durable.entries import append
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Done, Outcome
from livefeed.durable.store import Tx
from livefeed.wire.ids import MemberId, PostId

SQL: Final = sql.load("livefeed.app.rounds", "rounds.sql")

KIND: Final = "app.round"
_PREFIX: Final = "round:"
_FRESH_MS: Final = 14 * 86_400_000  # well before an entry is too old to be kept


def again(app: Application, name: str, every_s: float, unit: Callable[[Tx, KnownPortal], None]) -> None:
    """Run ``unit`` for each portal every ``every_s`` seconds; the first time after so long."""

    async def run(lease: Lease, runtime: Runtime) -> Outcome:
        portal = runtime.portals.get(MemberId(lease.consumer.portal))

        def effects(tx: Tx) -> None:
            unit(tx, portal)
            next_round(tx, portal.member_id, name, lease.consumer.id)

        return Done(effects=effects)

    pause_ms = round(every_s * 1000)
    app.consume(name, run, kind=KIND, cap=1, quiet_ms=pause_ms, max_wait_ms=pause_ms)
    app.when_installed(partial(first, name=name))


def first(tx: Tx, portal: KnownPortal, name: str) -> None:
    """Order the first round of a portal, at each start; one that is ordered comes after today's pause."""
    consumer = portal.consumers.get(name)
    if consumer is None or portal.user_id is None:
        return
    if SQL.is_ordered(tx.conn, consumer=consumer, since=tx.now_ms - _FRESH_MS) is None:
        next_round(tx, portal.member_id, name, consumer)
        return
    hold(tx, [consumer])
    known = get(tx, consumer)
    assert known is not None, "a known portal has its consumers"
    if SQL.bring_forward(tx.conn, consumer=consumer, due=tx.now_ms + known.quiet_ms):
        refresh(tx, [consumer])


def next_round(tx: Tx, portal: MemberId, name: str, consumer: ConsumerId) -> None:
    """Order the next round; it is due after the pause of its consumer."""
    append(
        tx,
        portal=portal,
        key=f"{_PREFIX}{name}",
        kind=KIND,
        body=b"",
        source="app",
        consumers=[consumer],
        only=consumer,
    )


def is_round(key: str) -> bool:
    """Whether a lane is that of a round: it always waits, and nothing is pending because of it."""
    return key.startswith(_PREFIX)


def pending_posts(tx: Tx, inbox: ConsumerId, posts: Collection[PostId]) -> frozenset[PostId]:
    """Which of ``posts`` have something in the inbox that is not dealt with yet."""
    return frozenset(_pending(tx, inbox, posts))


def waiting_posts(tx: Tx, inbox: ConsumerId, posts: Collection[PostId]) -> frozenset[PostId]:
    """Which of ``posts`` will be fetched from now on, because something of theirs waits in the inbox.

    One that is being dealt with does not count: it may have been fetched a moment too early.
    """
    return frozenset(post for post, is_leased in _pending(tx, inbox, posts).items() if not is_leased)


def _pending(tx: Tx, inbox: ConsumerId, posts: Collection[PostId]) -> dict[PostId, bool]:
    keys = {post_key(post): post for post in posts}
    rows = SQL.pending(tx.conn, consumer=inbox, keys=msgspec.json.encode(list(keys)).decode())
    return {keys[row["key"]]: bool(row["is_leased"]) for row in rows}
