"""Bytes of a JSON body → an object, bounded like a form in bytes and depth."""

from collections.abc import Mapping
from typing import cast

import msgspec

from livefeed.errors import TooLarge, WireError
from livefeed.wire.form.decode import Limits
from livefeed.wire.form.values import JsonValue


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
    value = _decode(body, limits)
    if not isinstance(value, Mapping):
        raise WireError("body", "a JSON object", "another value")
    brackets = body.count(b"{") + body.count(b"[")
    if brackets > limits.max_depth or b"\\u0000" in body:
        _check(value, limits, depth=1)
    return dict(value)


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
