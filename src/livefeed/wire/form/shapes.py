"""Shapes: keys of a form in their order, seen before, so that one pattern reads all of the next such body.

What a shape reads, the strict `decode` takes as well, with the same values; of what no shape reads, `decode`
tells whether it is a form.
"""

import re
from collections.abc import Sequence
from typing import Final, TypeAlias

from livefeed.wire.form.decode import DOOR_LIMITS
from livefeed.wire.form.paths import Path, strict_path
from livefeed.wire.form.percent import strict_unquote

_SHAPES_MAX: Final = 8
_KEYS_MAX: Final = 64
_GLIMPSES_MAX: Final = 32
_READABLE_MAX: Final = 256
_READABLE_CHARS_MAX: Final = 200
# ASCII but NUL, and no broken escape. There is never more than one way on, so a value that does not match is
# found out in one pass.
_PLAIN: Final = r"[\x01-$'-\x7f]*"
_is_readable: Final = re.compile(_PLAIN + r"(?:%(?:0[1-9A-Fa-f]|[1-7][0-9A-Fa-f])" + _PLAIN + r")*").fullmatch

_Pair: TypeAlias = tuple[str, str]


class _Shape:
    """One order of keys. Values that had no escapes when it was learned have none, or it does not fit.

    Of an ASCII text without NUL, that is all there is to see to: a value ends at the next ``&``.
    """

    __slots__ = ("_groups", "_is_open", "_match", "_open", "keys")

    def __init__(self, pairs: Sequence[_Pair], wanted: Sequence[Path], *, expects_escapes: bool) -> None:
        self.keys = tuple([key for key, _ in pairs])
        groups: dict[Path, int] = {}
        checked: list[int] = []
        parts: list[str] = []
        count = 0
        for key, value in pairs:
            path = strict_path(strict_unquote(key, ""))
            is_open = expects_escapes or "%" in value or (path in wanted and "+" in value)
            pattern = "[^&]*" if is_open else "[^%&]*"
            if path in wanted and not is_open:
                pattern = "[^%&+]*"
            if path in wanted or is_open:
                count += 1
                pattern = f"({pattern})"
            if path in wanted:
                groups[path] = count
            if is_open:
                checked.append(count)
            parts.append(f"{re.escape(key)}={pattern}")
        # What is not in this shape reads as the empty group at the end.
        self._match = re.compile("&".join(parts) + "()").fullmatch
        self._groups = [groups.get(path, count + 1) for path in wanted]
        self._open = checked
        self._is_open = any(group in checked for group in self._groups)

    def read(self, text: str, readable: dict[str, None]) -> tuple[str, ...] | None:
        """The wanted values; what is found to be unbroken is added to ``readable``."""
        match = self._match(text)
        if match is None:
            return None
        for group in self._open:
            value = match[group]
            if value not in readable and "%" in value and not _is_unbroken(value, readable):
                return None
        values: tuple[str, ...] = match.group(*self._groups)
        if self._is_open:
            return tuple([_plain(value) if "%" in value or "+" in value else value for value in values])
        return values


def _is_unbroken(value: str, readable: dict[str, None]) -> bool:
    """Whether the escapes of ``value`` are; those of a portal say the same in each of its events."""
    if not _is_readable(value):
        return False
    if len(value) <= _READABLE_CHARS_MAX:
        if len(readable) >= _READABLE_MAX:
            readable.clear()
        readable[value] = None
    return True


class Shapes:
    """The last few shapes that were worth learning, and what is wanted of a body: at least two values."""

    def __init__(self, *wanted: Path) -> None:
        self._wanted = wanted
        self._shapes: list[_Shape] = []
        self._glimpses: dict[tuple[str, ...], None] = {}
        self._readable: dict[str, None] = {}

    def read(self, body: bytes) -> tuple[str, ...] | None:
        """The wanted values, empty where there is none; None if no known shape fits."""
        if len(body) > DOOR_LIMITS.max_bytes or b"\0" in body or not body.isascii():
            return None
        text = body.decode("ascii")
        for place, shape in enumerate(self._shapes):
            values = shape.read(text, self._readable)
            if values is not None:
                if place:
                    self._shapes.insert(0, self._shapes.pop(place))
                return values
        return None

    def learn(self, body: bytes) -> None:
        """Know the shape of ``body`` once it comes again; `decode` has taken it, and no shape has read it.

        Making a pattern costs as much as a hundred readings, so keys that are never the same make none.
        Learn from those who have proved who they are: a stranger must not be able to crowd the others out.
        """
        if not body.isascii():
            return
        parts = [pair.partition("=") for pair in body.decode("ascii").split("&")]
        if len(parts) > _KEYS_MAX or not all(
            key and sign and _is_readable(text) for key, sign, text in parts
        ):
            return
        pairs = [(key, value) for key, _, value in parts]
        keys = tuple([key for key, _ in pairs])
        if keys not in self._glimpses:
            if len(self._glimpses) >= _GLIMPSES_MAX:
                self._glimpses.clear()
            self._glimpses[keys] = None
            return
        del self._glimpses[keys]
        others = [shape for shape in self._shapes if shape.keys != keys]
        shape = _Shape(pairs, self._wanted, expects_escapes=len(others) < len(self._shapes))
        self._shapes = [shape, *others][:_SHAPES_MAX]


def _plain(value: str) -> str:
    return strict_unquote(value, "")
