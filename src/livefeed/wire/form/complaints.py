"""Complaints about an argument in plain words: what msgspec says is for programmers."""

import re
from collections.abc import Callable
from typing import Final

_COMPLAINT: Final = re.compile(r"(?s)(?P<what>.*?)(?: - at `(?:key in )?\$\.?(?P<where>.*)`)?")
_TYPES: Final = {
    "array": "a list",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "null": "nothing",
    "object": "an object",
    "str": "a text",
}
_SAID: Final[tuple[tuple[str, Callable[[str, re.Match[str]], str]], ...]] = (
    (r"Object missing required field `(.*)`", lambda _, m: f"{m[1]} is missing"),
    (r"Object contains unknown field `(.*)`", lambda _, m: f"there is no argument {m[1]!r}"),
    (r"Invalid enum value (.*)", lambda where, m: f"{where} cannot be {m[1]}"),
    (r"Expected `(?:str|array)` of length >= 1", lambda where, _: f"{where} is empty"),
    (r"Expected `str` of length (>=|<=) (\d+)", lambda where, m: f"{where} has {_most(m)} characters"),
    (r"Expected `array` of length (>=|<=) (\d+)", lambda where, m: f"{where} has {_most(m)} entries"),
    (r"Expected `str` matching regex .*", lambda where, _: f"{where} has characters that cannot be used"),
    (r"Expected `(?:int|float)` >= (\S+)", lambda where, m: f"{where} must be at least {m[1]}"),
    (r"Expected `(?:int|float)` <= (\S+)", lambda where, m: f"{where} must be at most {m[1]}"),
    (r"Expected `(.*)`, got `(.*)`", lambda where, m: f"{where} must be {_types(m[1])}, not {_types(m[2])}"),
)


def plain(complaint: str) -> str:
    """What a ``ValidationError`` of msgspec says: ``name is empty``, ``id must be at least 1``."""
    parts = _COMPLAINT.fullmatch(complaint)
    assert parts is not None, "it matches anything"
    where = parts["where"] or "what was sent"
    for pattern, told in _SAID:
        if match := re.fullmatch(pattern, parts["what"], re.DOTALL):
            return told(where, match)
    return f"{where} cannot be used"


def _most(match: re.Match[str]) -> str:
    return f"fewer than {match[2]}" if match[1] == ">=" else f"more than {match[2]}"


def _types(names: str) -> str:
    return " or ".join(_TYPES.get(one, one) for one in names.split(" | ") if one != "null") or "nothing"
