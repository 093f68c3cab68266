"""The offline queue: the latest state of what has changed, handed out so that no two callers get the same."""

import hashlib
from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from livefeed.clock import fresh_code
from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.portal.apps.registry import App
from livefeed.portal.offline import bindings
from livefeed.portal.offline.bindings import Origin, Queue
from livefeed.portal.offline.filters import ANY, Filter, Order
from livefeed.portal.offline.selection import (
    EVERYWHERE,
    FREE,
    OLDEST_FIRST,
    choose,
    choose_free_and_failed,
    taken,
)
from livefeed.wire.ids import AppId, MemberId, PostId

RESERVED_DAYS: Final = 30
"""What was reserved, and never confirmed, is dropped after so long."""

FREE_DAYS: Final = 90
"""What nobody has fetched is dropped after so long."""

_DAY_MS: Final = 86_400_000
_SLICE: Final = 500
_PROCESS_CHARS: Final = 32
_MESSAGE_BYTES: Final = 6  # less than 2 ** 53: a number that every language holds

_sql = load("livefeed.portal.offline", "offline.sql")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One record of a queue.

    Attributes:
        id: ``ID``.
        event: ``EVENT_NAME``.
        object: The post it is about.
        message: ``MESSAGE_ID``, one for each event and object (contract 2.5).
        process: ``PROCESS_ID``; empty: free.
        is_error: ``ERROR``.
        changed_at: ``TIMESTAMP_X`` in ms.
    """

    id: int
    event: str
    object: PostId
    message: int
    process: str
    is_error: bool
    changed_at: int


def note(
    tx: Tx, *, portal: MemberId, event: str, scope: str | None, post: PostId, origin: Origin | None
) -> frozenset[AppId]:
    """Keep a change, in the unit of the change, for everyone who fetches it.

    A free record of the same event and object stays, with a later time; a change that comes while the record
    is reserved makes another one (contract A-14).

    Returns:
        The applications in whose queues it is.
    """
    concerned = [
        queue
        for queue in bindings.queues_of(tx, portal, event, scope)
        if origin is None or not origin.excludes(queue)
    ]
    for queue in concerned:
        _sql.note(
            tx.conn,
            app=queue.app,
            connector=queue.connector,
            event=event,
            object=post,
            message=message_of(event, post),
            now=tx.now_ms,
        )
    return frozenset(queue.app for queue in concerned)


def free(
    tx: Tx,
    queue: Queue,
    count: int,
    *,
    wanted: Filter = ANY,
    order: Order = OLDEST_FIRST,
    with_failed: bool = False,
) -> list[Record]:
    """Up to ``count`` records that may be taken; failed ones too if they are asked for (contract A-52)."""
    if with_failed:
        return _records(choose_free_and_failed(tx, queue, wanted, order, count=count))
    return _records(choose(tx, queue, wanted, order, place=FREE, count=count))


def of_process(
    tx: Tx, queue: Queue, process: str, wanted: Filter, order: Order, *, count: int, with_failed: bool
) -> list[Record]:
    """Up to ``count`` of those that a process has taken and not confirmed."""
    place = taken(process, with_failed=with_failed)
    return _records(choose(tx, queue, wanted, order, place=place, count=count))


def page(tx: Tx, queue: Queue, wanted: Filter, order: Order, *, count: int, skip: int) -> list[Record]:
    """A page of the queue, reserved and failed records too."""
    return _records(choose(tx, queue, wanted, order, place=EVERYWHERE, count=count, skip=skip))


def reserve(tx: Tx, records: Collection[Record], process: str = "") -> str:
    """Hide ``records`` from everyone else.

    Returns:
        The ``process_id`` under which they are confirmed: ``process``, or a new one.
    """
    named = process or fresh_code(_PROCESS_CHARS)
    _sql.reserve(tx.conn, ids=_ids(records), process=named, now=tx.now_ms)
    return named


def drop(tx: Tx, records: Collection[Record]) -> None:
    """They are done with."""
    _sql.drop_records(tx.conn, ids=_ids(records))


def confirm(
    tx: Tx, app: App, process: str, *, ids: Collection[int] | None, messages: Collection[int] | None
) -> None:
    """What a process of an application has taken is done with: those of ``ids``, of ``messages``, or all."""
    _sql.drop_taken(tx.conn, app=app.id, process=process, ids=_listed(ids), messages=_listed(messages))


def fail(tx: Tx, app: App, process: str, *, messages: Collection[int] | None) -> None:
    """It could not be dealt with: it stays, and is handed out again to those who ask for what failed."""
    _sql.fail_taken(tx.conn, app=app.id, process=process, messages=_listed(messages))


def forget(tx: Tx, app: App) -> None:
    """The application has left: its queues are gone, as its bindings are."""
    _sql.drop_queue(tx.conn, app=app.id)


def purge(tx: Tx, now_ms: int) -> int:
    """Drop a slice of what lay too long; call again until it is 0.

    Source: api-reference/events/offline-events.md
    """
    return _sql.drop_old(
        tx.conn,
        reserved_before=now_ms - RESERVED_DAYS * _DAY_MS,
        changed_before=now_ms - FREE_DAYS * _DAY_MS,
        count=_SLICE,
    )


def message_of(event: str, post: PostId) -> int:
    """The identifier of what a record is about: always the same for one event and post."""
    digest = hashlib.blake2b(f"{event}:{post}".encode(), digest_size=_MESSAGE_BYTES).digest()
    return int.from_bytes(digest, "big")


def _ids(records: Collection[Record]) -> str:
    return msgspec.json.encode([one.id for one in records]).decode()


def _listed(numbers: Collection[int] | None) -> str | None:
    return None if numbers is None else msgspec.json.encode(sorted(numbers)).decode()


def _records(rows: Sequence[Any]) -> list[Record]:
    return [
        Record(
            id=row["id"],
            event=row["event"],
            object=PostId(row["object"]),
            message=row["message"],
            process=row["process"],
            is_error=bool(row["is_error"]),
            changed_at=row["changed_at"],
        )
        for row in rows
    ]
