"""Statements and rows in the driver's form: parameters by name or by place, rows with names and places."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final, cast

_TOKEN: Final = re.compile(r"'(?:[^']|'')*'|--[^\n]*|::\w+|:(?P<name>\w+)|(?P<place>\?)|%")


@cache
def translated(statement: str) -> str:
    """``:name`` and ``?`` in the driver's own form; literals, comments and casts stay as they are."""
    return _TOKEN.sub(_token, statement)


def _token(match: re.Match[str]) -> str:
    if name := match.group("name"):
        return f"%({name})s"
    return "%s" if match.group("place") else match.group().replace("%", "%%")


def without_zeros(value: Any) -> Any:  # noqa: ANN401 - parameters, or one of them
    """The same parameters with U+FFFD for each zero character, which the server cannot hold."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    if isinstance(value, Mapping):
        named = cast("Mapping[str, Any]", value)
        return {name: without_zeros(one) for name, one in named.items()}
    if isinstance(value, list | tuple):
        return [without_zeros(one) for one in cast("Sequence[Any]", value)]
    return value


_item: Final[Callable[..., Any]] = tuple[Any, ...].__getitem__


class Row(tuple[Any, ...]):
    """A row whose values have names as well as places, like those of the other engine."""

    __slots__ = ()
    places: dict[str, int] = {}  # noqa: RUF012 - each shape of a row has its own

    def __getitem__(self, key: Any) -> Any:  # noqa: ANN401 - a name, a place or a slice
        return _item(self, self.places[key] if key.__class__ is str else key)

    def keys(self) -> list[str]:
        """The names, in order."""
        return list(self.places)


@cache
def _shape(names: tuple[str, ...]) -> type[Row]:
    places = {name: place for place, name in enumerate(names)}
    return type("Row", (Row,), {"__slots__": (), "places": places})


def row_maker(cursor: Any) -> type[Row]:  # noqa: ANN401 - the driver's cursor
    """The driver's row factory."""
    columns: Sequence[Any] = cursor.description or ()
    return _shape(tuple(column.name for column in columns))
