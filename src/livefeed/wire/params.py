"""The parameters of one call, from a form, a query string or a JSON body, read without regard to case.

Names differ in case from page to page (``event``/``EVENT``, ``start``/``START``), so the top level is found
in any case; keys further inside are kept as they came (contract 5.1).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeVar

from livefeed.errors import Fault
from livefeed.wire.form import FormValue, JsonValue
from livefeed.wire.form.values import as_text
from livefeed.wire.ids import MAX_DIGITS, decimal

_T = TypeVar("_T")
_TRUE: Final = frozenset({"1", "y", "yes", "true", "on"})
_FALSE: Final = frozenset({"0", "n", "no", "false", "off"})


class Params:
    """The parameters of one call.

    Every reader takes ``fault``: what to raise if the parameter is missing or cannot be read. Without one
    the default is returned.
    """

    __slots__ = ("_names", "_values")

    def __init__(self, values: Mapping[str, JsonValue] | None = None) -> None:
        self._values: Mapping[str, JsonValue] = values or {}
        self._names = {name.upper(): name for name in self._values}

    def has(self, name: str) -> bool:
        """Whether the parameter was given, however empty."""
        return name.upper() in self._names

    def has_only(self, names: frozenset[str]) -> bool:
        """Whether nothing but some of ``names``, in upper case, was given."""
        return self._names.keys() <= names

    def names(self) -> Iterator[str]:
        """The names in upper case, in the order they came."""
        return iter(self._names)

    def value(self, name: str) -> JsonValue:
        """The parameter as it came; None if it was not given."""
        found = self._names.get(name) or self._names.get(name.upper())
        return None if found is None else self._values[found]

    def text(self, name: str, default: str = "", *, fault: Fault | None = None) -> str:
        """A text; numbers and booleans count as their text, lists and mappings do not count."""
        value = self.value(name)
        if value is None or not isinstance(value, (str, int, float)):
            return _default(default, fault)
        return _storable(as_text(value))

    def integer(self, name: str, default: int = 0, *, fault: Fault | None = None) -> int:
        """A whole number, at most 18 digits, a sign before it allowed."""
        number = self.maybe_integer(name)
        return _default(default, fault) if number is None else number

    def maybe_integer(self, name: str) -> int | None:
        """A whole number, or None if there is none."""
        return as_integer(self.value(name))

    def flag(self, name: str, default: bool = False, *, fault: Fault | None = None) -> bool:
        """``Y``/``N``, ``1``/``0``, ``true``/``false`` (contract 5.5)."""
        text = self.text(name).strip().lower()
        if text in _TRUE:
            return True
        return False if text in _FALSE else _default(default, fault)

    def items(self, name: str) -> list[JsonValue]:
        """A list, whether it came as JSON, as ``name[0]``, as ``name[]`` or as one value."""
        value = self.value(name)
        if value is None or value == "":
            return []
        if isinstance(value, Mapping):
            return list(value.values())
        return [value] if isinstance(value, (str, int, float)) else list(value)

    def texts(self, name: str, *, fault: Fault | None = None) -> list[str]:
        """A list of texts; what is not one is left out."""
        texts = [_storable(as_text(one)) for one in self.items(name) if isinstance(one, (str, int, float))]
        return texts or _default(texts, fault)

    def integers(self, name: str, *, fault: Fault | None = None) -> list[int]:
        """A list of whole numbers; what is not one is left out."""
        numbers = [number for one in self.items(name) if (number := as_integer(one)) is not None]
        return numbers or _default(numbers, fault)

    def mapping(self, name: str) -> Mapping[str, JsonValue]:
        """A mapping; a list counts as one with the keys ``"0"``, ``"1"``, …; empty if it is neither."""
        value = self.value(name)
        if isinstance(value, Mapping):
            return value
        if isinstance(value, Sequence) and not isinstance(value, str):
            return {str(index): one for index, one in enumerate(value)}
        return {}

    def without(self, *names: str) -> "Params":
        """These parameters but for ``names``."""
        dropped = {name.upper() for name in names}
        return Params({name: value for name, value in self._values.items() if name.upper() not in dropped})

    def to_wire(self) -> dict[str, JsonValue]:
        """The parameters as they came."""
        return dict(self._values)

    def __repr__(self) -> str:
        # Values may be secrets.
        return f"Params({', '.join(self._names)})"


def _storable(text: str) -> str:
    """A zero character becomes U+FFFD, as in HTML: no page shows one, and not every database holds one."""
    return text.replace("\x00", "\ufffd") if "\x00" in text else text


def as_integer(value: JsonValue) -> int | None:
    """The whole number in ``value``: an int, or its decimal text with at most 18 digits."""
    if value is None or isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS:
        return int(value)
    text = str(value).strip() if isinstance(value, str) or abs(value) < 10**MAX_DIGITS else ""
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    number = decimal(digits.lstrip("0") or digits[:1])
    return None if number is None else sign * number


def as_form_values(params: Mapping[str, JsonValue]) -> dict[str, FormValue]:
    """``params`` as values that a form can carry: a fraction becomes its text."""
    return {name: _form_value(value) for name, value in params.items()}


def _form_value(value: JsonValue) -> FormValue:
    if isinstance(value, str) or value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        return str(value)
    if isinstance(value, Mapping):
        return as_form_values(value)
    return [_form_value(one) for one in value]


def _default(default: _T, fault: Fault | None) -> _T:
    if fault is not None:
        raise fault
    return default
