"""Masks: secrets in a body replaced by others of the same length, the same one always by the same."""

import hashlib
import json
from collections.abc import Callable
from typing import Any, Final, cast
from urllib.parse import quote_plus, unquote_plus

SECRET_KEYS: Final = frozenset(
    (
        *("access_token", "refresh_token", "application_token", "client_secret", "code", "auth"),
        *("auth_id", "refresh_id", "app_sid", "password", "authtoken", "refreshtoken"),
    )
)
"""The keys of events, frames and the token endpoint whose values are secrets, in lower case."""

Rewrite = Callable[[str, str], str]
"""Gets the last part of a key, in lower case, and a value; returns the value that takes its place."""


class Masks:
    """Remembers what each secret was replaced by, over all requests of one recording."""

    def __init__(self) -> None:
        self._masks: dict[str, str] = {}

    def masked(self, key: str, value: str) -> str:
        """What stands for ``value``: hex digits, as many as it had characters; what is no secret stays."""
        if key not in SECRET_KEYS or not value:
            return value
        if value not in self._masks:
            name = f"{key} {len(self._masks)} ".encode()
            digits = "".join(
                hashlib.sha256(name + bytes([part])).hexdigest() for part in range(len(value) // 64 + 1)
            )
            self._masks[value] = digits[: len(value)]
        return self._masks[value]

    def body(self, content: bytes, content_type: str) -> bytes:
        """A form or JSON with masks for secrets; the rest of a form stays as it is, byte for byte."""
        return rewritten(content, content_type, self.masked)

    def text(self, text: str) -> str:
        """A text in which secrets that were seen before are replaced."""
        for value, mask in self._masks.items():
            text = text.replace(value, mask)
        return text


def rewritten(content: bytes, content_type: str, rewrite: Rewrite) -> bytes:
    """A body with other values: a form keeps its encoding where a value stays, JSON is written anew."""
    if "json" in content_type.lower():
        try:
            document: Any = json.loads(content)
        except ValueError:
            return content
        return json.dumps(_walked(document, rewrite), ensure_ascii=False).encode()
    return b"&".join(_pair(pair, rewrite) for pair in content.split(b"&"))


def _pair(pair: bytes, rewrite: Rewrite) -> bytes:
    raw_key, is_given, raw_value = pair.partition(b"=")
    if not is_given:
        return pair
    key = unquote_plus(raw_key.decode("latin-1")).rstrip("]").rpartition("[")[2].lower()
    value = unquote_plus(raw_value.decode("latin-1"))
    other = rewrite(key, value)
    return pair if other == value else raw_key + b"=" + quote_plus(other).encode()


def _walked(value: Any, rewrite: Rewrite, key: str = "") -> Any:
    match value:
        case dict():
            fields = cast("dict[str, Any]", value)
            return {name: _walked(item, rewrite, name.lower()) for name, item in fields.items()}
        case list():
            return [_walked(item, rewrite, key) for item in cast("list[Any]", value)]
        case str():
            return rewrite(key, value)
        case _:
            return value
