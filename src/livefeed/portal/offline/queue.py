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


def free(tx: Tx, queue: Queue, count: int) -> list[Record]:
    """Up to ``count`` records that nobody has taken, those that changed first at the head."""
    return _records(_sql.free(tx.conn, app=queue.app, connector=queue.connector, count=count))


def all_free(tx: Tx, queue: Queue, *, with_failed: bool) -> list[Record]:
    """Every record that may be taken; with the failed ones if they are asked for (contract A-52)."""
    rows = _sql.free_and_failed(tx.conn, app=queue.app, connector=queue.connector)
    return [one for one in _records(rows) if with_failed or not one.is_error]


def of_process(tx: Tx, queue: Queue, process: str, *, with_failed: bool) -> list[Record]:
    """What a process has taken and not confirmed."""
    rows = _sql.of_process(tx.conn, app=queue.app, connector=queue.connector, process=process)
    return [one for one in _records(rows) if with_failed or not one.is_error]


def everything(tx: Tx, queue: Queue, *, count: int | None = None, skip: int = 0) -> list[Record]:
    """A page of the queue by number; without ``count`` the whole of it."""
    wanted = count_records(tx, queue) if count is None else count
    return _records(_sql.page(tx.conn, app=queue.app, connector=queue.connector, count=wanted, skip=skip))


def count_records(tx: Tx, queue: Queue) -> int:
    """How many records the queue holds, reserved and failed ones too."""
    return int(_sql.count_records(tx.conn, app=queue.app, connector=queue.connector))


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


def fail(tx: Tx, records: Collection[Record]) -> None:
    """They could not be dealt with: they stay, and are handed out again to those who ask for failed ones."""
    _sql.fail_records(tx.conn, ids=_ids(records))


def taken_by(tx: Tx, app: App, process: str) -> list[Record]:
    """What a process of an application has taken; nothing for an empty name, which free records have."""
    return _records(_sql.taken_by(tx.conn, app=app.id, process=process)) if process else []


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
