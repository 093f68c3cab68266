"""The filters of ``user.get``: an operator before each field name, values compared as the field's kind asks.

Source: api-reference/user/user-get.md; contract 7.1
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from livefeed.wire.form import JsonValue
from livefeed.wire.form.values import as_text

Row = Mapping[str, JsonValue]

_OPERATORS: Final = ("!=%", "!%=", "!@", "!%", "!=", "=%", "%=", ">=", "<=", "@", "%", "=", "!", ">", "<")
_TOO_HIGH: Final = 2**63  # for a number of the database
_TRUE: Final = frozenset({"y", "1", "true"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One entry of FILTER: ``{"!%NAME": "an"}``."""

    operator: str
    field: str
    values: tuple[str, ...]

    def holds_for(self, row: Row) -> bool:
        """Whether ``row``, a person as the wire shows him, passes."""
        if self.field == "NAME_SEARCH":
            name = f"{row.get('NAME', '')} {row.get('LAST_NAME', '')}".lower()
            return any(value.lower() in name for value in self.values)
        present = _texts(row.get(self.field))
        operator = self.operator.removeprefix("!")
        compare = _COMPARE[operator]
        found = any(compare(one, value) for one in present for value in self.values)
        return found is not self.operator.startswith("!")


def read_conditions(wanted: Mapping[str, JsonValue], fields: Row) -> list[Condition]:
    """The conditions in ``wanted``; entries for fields a person does not have are left out."""
    found: list[Condition] = []
    for key, value in wanted.items():
        operator = next((one for one in _OPERATORS if key.startswith(one)), "")
        field = key[len(operator) :].upper()
        if field in fields or field == "NAME_SEARCH":
            found.append(Condition(operator=operator, field=field, values=tuple(_wanted(field, value))))
    return found


def only_after(conditions: Sequence[Condition]) -> int | None:
    """The id after which people are asked for, if nothing but ids is; 0 if nothing is asked, else None."""
    after = 0
    for one in conditions:
        text = one.values[0] if len(one.values) == 1 else ""
        if (one.operator, one.field) != (">", "ID") or not text.isdecimal():
            return None
        after = max(after, int(text))
    return after if after < _TOO_HIGH else None


def sort_key(field: str) -> Callable[[Row], tuple[int, int, str]]:
    """A key for sorting people by ``field``: numbers as numbers, texts without regard to case."""

    def key(row: Row) -> tuple[int, int, str]:
        text = next(iter(_texts(row.get(field))), "")
        return (0, int(text), "") if text.isdecimal() else (1, 0, text)

    return key


def _texts(value: JsonValue) -> list[str]:
    """What is compared: a list stands for any of its items, a boolean is ``y`` or ``n``."""
    if isinstance(value, bool):
        return ["y" if value else "n"]
    if isinstance(value, Mapping):
        return []
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [text for one in value for text in _texts(one)]
    return [as_text(value).lower()]


def _wanted(field: str, value: JsonValue) -> list[str]:
    items = list(value.values()) if isinstance(value, Mapping) else value
    texts = _texts(items)
    if field in ("ACTIVE", "IS_ONLINE"):
        return ["y" if text in _TRUE else "n" for text in texts]
    return texts


def _like(text: str, pattern: str) -> bool:
    """Whether ``text`` is ``pattern``, in which ``%`` stands for anything."""
    first, *rest = pattern.split("%")
    if not rest:
        return text == pattern
    if not text.startswith(first):
        return False
    at = len(first)
    for part in rest[:-1]:
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return len(text) - len(rest[-1]) >= at and text.endswith(rest[-1])


def _before(text: str, other: str) -> bool:
    return int(text) < int(other) if text.isdecimal() and other.isdecimal() else text < other


_COMPARE: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "": lambda text, value: text == value,
    "=": lambda text, value: text == value,
    "@": lambda text, value: text == value,
    "%": lambda text, value: value in text,
    "=%": _like,
    "%=": _like,
    "<": _before,
    ">": lambda text, value: _before(value, text),
    "<=": lambda text, value: not _before(value, text),
    ">=": lambda text, value: not _before(text, value),
}
