"""Bytes of a JSON body → an object, bounded like a form in bytes, values and depth."""

import re
from collections.abc import Mapping
from typing import Final, cast

import msgspec

from livefeed.errors import TooLarge, WireError
from livefeed.wire.form.decode import Limits
from livefeed.wire.form.values import JsonValue

_VALUES_A_KEY: Final = 10
"""A form spends a key on each value; a list in JSON spends a comma, so more of them are common."""

_DIGITS_MAX: Final = 300
_long_number = re.compile(rb"(?<!\d)\d{%d}" % _DIGITS_MAX)
# A text without an end is taken as one: who looked for the next beginning in it would read it once for each.
_token = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[,\[{]|(?<!\d)\d{%d}' % _DIGITS_MAX, re.DOTALL)


def decode_object(body: bytes, *, limits: Limits) -> dict[str, JsonValue]:
    """Decode a JSON object; an empty body and PHP's ``[]`` for an empty array are empty objects.

    Raises:
        TooLarge: A bound is passed.
        WireError: It is no JSON object, or holds a NUL.
    """
    if len(body) > limits.max_bytes:
        raise TooLarge("body", f"at most {limits.max_bytes} bytes", f"{len(body)}")
    if body.strip() in (b"", b"[]"):
        return {}
    _check_size(body, limits)
    value = _decode(body, limits)
    if not isinstance(value, Mapping):
        raise WireError("body", "a JSON object", "another value")
    brackets = body.count(b"{") + body.count(b"[")
    if brackets > limits.max_depth or b"\\u0000" in body:
        _check(value, limits, depth=1)
    return dict(value)


def _check_size(body: bytes, limits: Limits) -> None:
    """Refuse before decoding what would take seconds: very many values, and numbers as long as texts."""
    most = limits.max_keys * _VALUES_A_KEY
    if body.count(b",") + body.count(b"[") + body.count(b"{") <= most and not _long_number.search(body):
        return
    values = texts = 0  # the signs may all stand in texts
    for token in _token.finditer(body):
        sign = body[token.start()]
        values += sign in b",[{"
        texts += sign == b'"'[0]
        if values > most or texts > 2 * most:
            raise TooLarge("body", f"at most {most} values", "more")
        if b"0"[0] <= sign <= b"9"[0]:
            raise TooLarge("body", f"numbers of less than {_DIGITS_MAX} digits", "a longer one")


def _decode(body: bytes, limits: Limits) -> JsonValue:
    try:
        return cast("JsonValue", msgspec.json.decode(body))
    except RecursionError as exc:
        raise TooLarge("body", f"at most {limits.max_depth} levels", "more") from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise WireError("body", "JSON", "something else") from exc


def _check(value: JsonValue, limits: Limits, *, depth: int) -> None:
    """Refuse what is nested too deep, and a NUL in any text."""
    if isinstance(value, str):
        if "\0" in value:
            raise WireError("body", "text without NUL", "a NUL")
    elif value is not None and not isinstance(value, (int, float)):
        if depth > limits.max_depth:
            raise TooLarge("body", f"at most {limits.max_depth} levels", "more")
        items = (*value, *value.values()) if isinstance(value, Mapping) else value
        for item in items:
            _check(item, limits, depth=depth + 1)
