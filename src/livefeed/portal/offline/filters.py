"""``filter`` and ``order`` of the offline methods: an operator before each field's name, read into bounds.

Source: api-reference/events/event-offline-get.md, event-offline-list.md
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Generic, TypeAlias, TypeVar

from livefeed.wire.events import POST_EVENTS
from livefeed.wire.faults import ArgumentError
from livefeed.wire.ids import decimal
from livefeed.wire.params import Params

FIELDS: Final = ("ID", "TIMESTAMP_X", "EVENT_NAME", "MESSAGE_ID")
LIST_FIELDS: Final = (*FIELDS, "PROCESS_ID", "ERROR")

Order: TypeAlias = Sequence[tuple[str, bool]]
"""Fields, each with whether it falls."""

_Value = TypeVar("_Value", int, str)

_OPERATORS: Final = (">=", "<=", "!=", "!@", "!", ">", "<", "=", "@", "%")
_MOST_VALUES: Final = 1_000
_MOST_ORDERED: Final = 2
_PAST_NUMBERS: Final = 2**53  # no number that is stored is greater; as seconds it still fits as milliseconds
_PAST_TEXTS: Final = "\U0010ffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds(Generic[_Value]):
    """What one field may hold.

    Attributes:
        first: The least value.
        before: The first that is too great.
        among: Only these; None: any.
        without: None of these.
    """

    first: _Value
    before: _Value
    among: frozenset[_Value] | None = None
    without: frozenset[_Value] = frozenset()

    def narrowed(
        self, operator: str, values: Collection[_Value], after: Callable[[_Value], _Value]
    ) -> "Bounds[_Value]":
        """With one condition more, which holds for what any of ``values`` lets pass.

        Args:
            operator: As it stands before the field's name.
            values: At least one.
            after: The value that follows another one.
        """
        match operator:
            case ">" | ">=":
                least = min(values)
                return replace(self, first=max(self.first, least if operator == ">=" else after(least)))
            case "<" | "<=":
                most = max(values)
                return replace(self, before=min(self.before, most if operator == "<" else after(most)))
            case "!" | "!=" | "!@":
                return replace(self, without=self.without | frozenset(values))
            case _:
                among = frozenset(values)
                return replace(self, among=among if self.among is None else self.among & among)

    def holds(self, value: _Value) -> bool:
        """Whether the field may hold ``value``."""
        is_listed = self.among is None or value in self.among
        return self.first <= value < self.before and is_listed and value not in self.without

    def span(self, after: Callable[[_Value], _Value]) -> tuple[_Value, _Value]:
        """The least value that may be held, and the first that is too great."""
        if not self.among:
            return self.first, self.before
        return max(self.first, min(self.among)), min(self.before, after(max(self.among)))


_ANY_NUMBER: Final["Bounds[int]"] = Bounds(first=-_PAST_NUMBERS, before=_PAST_NUMBERS)
_ANY_TEXT: Final["Bounds[str]"] = Bounds(first="", before=_PAST_TEXTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a record has to meet.

    Attributes:
        numbers: ``ID``.
        seconds: ``TIMESTAMP_X``, in Unix seconds: it is shown without fractions.
        events: ``EVENT_NAME``.
        messages: ``MESSAGE_ID``.
        processes: ``PROCESS_ID``.
        errors: ``ERROR``, 0 or 1.
    """

    numbers: Bounds[int] = _ANY_NUMBER
    seconds: Bounds[int] = _ANY_NUMBER
    events: Bounds[str] = _ANY_TEXT
    messages: Bounds[int] = _ANY_NUMBER
    processes: Bounds[str] = _ANY_TEXT
    errors: Bounds[int] = _ANY_NUMBER


ANY: Final = Filter()
"""Every record passes."""


def read_filter(params: Params, fields: Collection[str]) -> Filter:
    """The conditions of ``filter``; a record has to pass all.

    Raises:
        ArgumentError: A field that the queue does not have, a value that it cannot have, or too many of them.
    """
    found, count = Filter(), 0
    for key, value in params.mapping("filter").items():
        operator = next((one for one in _OPERATORS if key.startswith(one)), "")
        field = key[len(operator) :].strip().upper()
        if field not in fields:
            raise ArgumentError(f"filter: there is no field {key!r}; there are {', '.join(fields)}")
        texts = [one.strip() for one in Params({"wanted": value}).texts("wanted") or [""]]
        count += len(texts)
        if count > _MOST_VALUES:
            raise ArgumentError(f"filter: at most {_MOST_VALUES} values; ask in parts")
        found = _narrowed(found, field, operator, texts)
    return found


def read_order(params: Params, fields: Collection[str]) -> Order:
    """The fields of ``order``; empty if none is given.

    Raises:
        ArgumentError: A field that the queue does not have, no direction, or more than two fields.
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
    if len(found) > _MOST_ORDERED:
        raise ArgumentError(f"order: at most {_MOST_ORDERED} fields")
    return found


def _narrowed(found: Filter, field: str, operator: str, texts: Sequence[str]) -> Filter:
    match field:
        case "EVENT_NAME":
            names = [one.upper() for one in texts]
            if operator == "%":
                operator, names = "@", [one for one in POST_EVENTS if any(part in one for part in names)]
            return replace(found, events=found.events.narrowed(operator, names, next_text))
        case "PROCESS_ID":
            _refuse_part(field, operator)
            return replace(found, processes=found.processes.narrowed(operator, texts, next_text))
        case "TIMESTAMP_X":
            seconds = _read(field, operator, texts, _second)
            return replace(found, seconds=found.seconds.narrowed(operator, seconds, next_number))
        case _:
            name = {"ID": "numbers", "MESSAGE_ID": "messages", "ERROR": "errors"}[field]
            numbers = _read(field, operator, texts, _number)
            narrowed: Bounds[int] = getattr(found, name).narrowed(operator, numbers, next_number)
            return replace(found, **{name: narrowed})


def _read(field: str, operator: str, texts: Sequence[str], read: Callable[[str], int | None]) -> list[int]:
    _refuse_part(field, operator)
    values = [value for text in texts if (value := read(text)) is not None]
    if len(values) < len(texts):
        kind = "a date of ISO 8601" if field == "TIMESTAMP_X" else "a number"
        raise ArgumentError(f"filter: {field} is compared with {kind}")
    return values


def _refuse_part(field: str, operator: str) -> None:
    if operator == "%":
        raise ArgumentError(f"filter: % looks for a part of EVENT_NAME, not of {field}")


def _number(text: str) -> int | None:
    return decimal(text.lstrip("0") or text[:1])


def _second(text: str) -> int | None:
    try:
        at = datetime.fromisoformat(text)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def next_number(value: int) -> int:
    """The number after another one."""
    return value + 1


def next_text(value: str) -> str:
    """The text after another one."""
    # What stands between would have a zero character, which is never stored.
    return f"{value}\x01"
