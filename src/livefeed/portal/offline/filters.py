"""``filter`` and ``order`` of the offline methods: an operator before each field's name.

Source: api-reference/events/event-offline-get.md, event-offline-list.md
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias

from livefeed.portal.offline.queue import Record
from livefeed.wire.faults import ArgumentError
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import decimal
from livefeed.wire.params import Params

Value: TypeAlias = int | str
Test: TypeAlias = Callable[[Record], bool]

FIELDS: Final[Mapping[str, Callable[[Record], Value]]] = {
    "ID": lambda one: one.id,
    "TIMESTAMP_X": lambda one: one.changed_at // 1000,
    "EVENT_NAME": lambda one: one.event,
    "MESSAGE_ID": lambda one: one.message,
}
LIST_FIELDS: Final[Mapping[str, Callable[[Record], Value]]] = {
    **FIELDS,
    "PROCESS_ID": lambda one: one.process,
    "ERROR": lambda one: int(one.is_error),
}

_COMPARE: Final[Mapping[str, Callable[[Value, Collection[Value]], bool]]] = {
    ">=": lambda value, wanted: any(_order(value, one) >= 0 for one in wanted),
    "<=": lambda value, wanted: any(_order(value, one) <= 0 for one in wanted),
    "!=": lambda value, wanted: value not in wanted,
    "!@": lambda value, wanted: value not in wanted,
    "!": lambda value, wanted: value not in wanted,
    ">": lambda value, wanted: any(_order(value, one) > 0 for one in wanted),
    "<": lambda value, wanted: any(_order(value, one) < 0 for one in wanted),
    "=": lambda value, wanted: value in wanted,
    "@": lambda value, wanted: value in wanted,
    "%": lambda value, wanted: any(str(one).lower() in str(value).lower() for one in wanted),
    "": lambda value, wanted: value in wanted,
}


def read_filter(params: Params, fields: Mapping[str, Callable[[Record], Value]]) -> list[Test]:
    """The conditions of ``filter``; a record has to pass all.

    Raises:
        ArgumentError: A field that the queue does not have, or a value that it cannot have.
    """
    return [_test(key, value, fields) for key, value in params.mapping("filter").items()]


def read_order(params: Params, fields: Mapping[str, Callable[[Record], Value]]) -> list[tuple[str, bool]]:
    """The fields of ``order``, each with whether it falls; empty if none is given.

    Raises:
        ArgumentError: A field that the queue does not have, or a direction that is none.
    """
    found: list[tuple[str, bool]] = []
    wanted = Params(params.mapping("order"))
    for name in wanted.names():
        field, direction = name.strip(), wanted.text(name).strip().upper()
        if field not in fields:
            raise ArgumentError(f"order: there is no field {name!r}; there are {', '.join(fields)}")
        if direction not in ("ASC", "DESC"):
            raise ArgumentError(f"order: {name} is ASC or DESC")
        found.append((field, direction == "DESC"))
    return found


def sorted_by(records: Sequence[Record], order: Sequence[tuple[str, bool]]) -> list[Record]:
    """``records`` in that order; those that are equal in it stay as they are."""
    found = list(records)
    for field, falls in reversed(order):
        found.sort(key=LIST_FIELDS[field], reverse=falls)  # pyright: ignore[reportArgumentType] - one type a field
    return found


def _test(key: str, value: JsonValue, fields: Mapping[str, Callable[[Record], Value]]) -> Test:
    operator = next(one for one in _COMPARE if key.startswith(one))
    field = key[len(operator) :].strip().upper()
    if field not in fields:
        raise ArgumentError(f"filter: there is no field {key!r}; there are {', '.join(fields)}")
    texts = Params({"wanted": value}).texts("wanted") or [""]
    wanted = [_value(field, text.strip()) for text in texts]
    read, compare = fields[field], _COMPARE[operator]
    return lambda record: compare(read(record), wanted)


def _value(field: str, text: str) -> Value:
    if field == "EVENT_NAME":
        return text.upper()
    if field == "PROCESS_ID":
        return text
    if field == "TIMESTAMP_X":
        return _second(text)
    number = decimal(text.lstrip("0") or text[:1])
    if number is None:
        raise ArgumentError(f"filter: {field} is compared with a number")
    return number


def _second(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError) as exc:
        raise ArgumentError("filter: TIMESTAMP_X is a date of ISO 8601") from exc


def _order(value: Value, other: Value) -> int:
    if isinstance(value, int) and isinstance(other, int):
        return (value > other) - (value < other)
    return (str(value) > str(other)) - (str(value) < str(other))
