"""Selection: a page of a queue that passes a filter, found by the database and never read as a whole."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from livefeed.durable.sql import Query, load
from livefeed.durable.store import Tx
from livefeed.portal.offline.bindings import Queue
from livefeed.portal.offline.filters import ANY, Filter, Order, next_number, next_text
from livefeed.wire.events import POST_EVENTS

OLDEST_FIRST: Final[Order] = (("TIMESTAMP_X", False),)
BY_NUMBER: Final[Order] = (("ID", False),)

_COLUMNS: Final[Mapping[str, str]] = {
    "ID": "id",
    "TIMESTAMP_X": "changed_at",
    "EVENT_NAME": "event",
    "MESSAGE_ID": "message",
    "PROCESS_ID": "process",
    "ERROR": "is_error",
}
_ERRORS: Final = (0, 1)
_FEW: Final = 1_000
_sql = load("livefeed.portal.offline", "offline.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in a queue records are looked for.

    Attributes:
        text: The condition.
        process: Whose records; None: it does not matter.
        is_failed: Whether only what failed is there.
    """

    text: str = ""
    process: str | None = None
    is_failed: bool = False


EVERYWHERE: Final = Place()
FREE: Final = Place(text=" AND process = ''")
"""What nobody has taken."""

FAILED: Final = Place(text=" AND process <> '' AND is_error = 1", is_failed=True)
"""What was taken and could not be dealt with."""


def taken(process: str, *, with_failed: bool) -> Place:
    """What a process has taken and not confirmed."""
    text = " AND process = :process"
    return Place(text=text if with_failed else f"{text} AND is_error = 0", process=process)


def choose(
    tx: Tx, queue: Queue, wanted: Filter, order: Order, *, place: Place, count: int, skip: int = 0
) -> list[Any]:
    """The rows of one page, at most ``count``."""
    text, values = _counting(tx, queue, wanted, place)
    page = f"{text.replace('count(*)', '*', 1)} ORDER BY {_columns(order)} LIMIT :count OFFSET :skip"
    return tx.execute(page, {**values, "count": count, "skip": skip}).fetchall()


def choose_free_and_failed(tx: Tx, queue: Queue, wanted: Filter, order: Order, *, count: int) -> list[Any]:
    """The rows of the first page of both."""
    rows = [
        row for place in (FREE, FAILED) for row in choose(tx, queue, wanted, order, place=place, count=count)
    ]
    for field, falls in reversed(_with_ties(order)):
        rows.sort(key=lambda row, column=_COLUMNS[field]: row[column], reverse=falls)
    return rows[:count]


def count_all(tx: Tx, queue: Queue, wanted: Filter) -> int:
    """How many records pass, wherever they are."""
    return int(tx.execute(*_counting(tx, queue, wanted, EVERYWHERE)).fetchone()[0])


def _counting(tx: Tx, queue: Queue, wanted: Filter, place: Place) -> tuple[str, Mapping[str, object]]:
    """The statement that counts, and its values; where few records are in question, of those alone."""
    text = _text(_sql.count_chosen, tx) + place.text
    values = {"app": queue.app, "connector": queue.connector, "process": place.process, **_values(wanted)}
    few = _few(tx, queue, wanted, place)
    if few is not None:
        text = text.replace("FROM offline_record", f"FROM ({_text(_sql.some, tx)}) AS offline_record", 1)
        values["few"] = _listed(few)
    return text, values


def _few(tx: Tx, queue: Queue, wanted: Filter, place: Place) -> Collection[int] | None:
    """The numbers of all records in question, if a condition with an index leaves few.

    The planners know too little of what is in a queue, and would go through the whole of it in its order.
    """
    if wanted.numbers.among is not None:
        return wanted.numbers.among
    for query, values in _narrowing(wanted, place):
        rows = query(tx.conn, app=queue.app, connector=queue.connector, most=_FEW + 1, **values)
        found = [row[0] for row in rows]
        if len(found) <= _FEW:
            return found
    return None


def _narrowing(wanted: Filter, place: Place) -> Iterator[tuple[Query, Mapping[str, object]]]:
    """The statements that may find few records; those that are most likely to come first."""
    if wanted.messages.among is not None:
        yield _sql.about_messages, {"messages": _listed(wanted.messages.among)}
    if place.process is not None:
        yield _sql.about_processes, {"first": place.process, "before": next_text(place.process)}
    if place.is_failed or _errors(wanted) == [1]:
        yield _sql.about_failures, {}
    if len(events := _events(wanted)) == 1:
        yield _sql.about_event, {"event": events[0]}
    if (names := wanted.processes.span(next_text)) != ANY.processes.span(next_text):
        yield _sql.about_processes, {"first": names[0], "before": names[1]}
    if (numbers := wanted.numbers.span(next_number)) != ANY.numbers.span(next_number):
        yield _sql.about_numbers, {"first": numbers[0], "before": numbers[1]}
    if (seconds := wanted.seconds.span(next_number)) != ANY.seconds.span(next_number):
        yield _sql.about_times, {"first": seconds[0] * 1000, "before": seconds[1] * 1000}


def _values(wanted: Filter) -> dict[str, object]:
    first, before = wanted.numbers.span(next_number)
    first_s, before_s = wanted.seconds.span(next_number)
    events, errors = _events(wanted), _errors(wanted)
    return {
        "id_from": first,
        "id_before": before,
        "changed_from": first_s * 1000,
        "changed_before": before_s * 1000,
        "message_from": wanted.messages.first,
        "message_before": wanted.messages.before,
        "process_from": wanted.processes.first,
        "process_before": wanted.processes.before,
        "not_ids": _listed(wanted.numbers.without or None),
        "seconds": _listed(wanted.seconds.among),
        "not_seconds": _listed(wanted.seconds.without or None),
        "messages": _listed(wanted.messages.among),
        "not_messages": _listed(wanted.messages.without or None),
        "processes": _listed(wanted.processes.among),
        "not_processes": _listed(wanted.processes.without or None),
        "events": None if len(events) == len(POST_EVENTS) else _listed(events),
        "errors": None if len(errors) == len(_ERRORS) else _listed(errors),
    }


def _events(wanted: Filter) -> list[str]:
    return [one for one in POST_EVENTS if wanted.events.holds(one)]


def _errors(wanted: Filter) -> list[int]:
    return [one for one in _ERRORS if wanted.errors.holds(one)]


def _columns(order: Order) -> str:
    return ", ".join(f"{_COLUMNS[field]} {'DESC' if falls else 'ASC'}" for field, falls in _with_ties(order))


def _with_ties(order: Order) -> Order:
    """An order in which no two are equal: then by time and by number, in its last direction."""
    falls = order[-1][1]
    fields = dict([("ID", falls), ("TIMESTAMP_X", falls), *order])
    names = list(dict.fromkeys([*(field for field, _ in order), "TIMESTAMP_X", "ID"]))
    return [(name, fields[name]) for name in names[: names.index("ID") + 1]]


def _listed(values: Collection[int | str] | None) -> str | None:
    return None if values is None else msgspec.json.encode(sorted(values, key=str)).decode()


def _text(query: Query, tx: Tx) -> str:
    return query.text(tx.conn.engine).rstrip(";")
