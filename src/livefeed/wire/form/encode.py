"""Values → the bytes that PHP's ``http_build_query`` makes of them."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote_plus

from livefeed.wire.form.values import FormValue, as_text

_plain = re.compile(r"[A-Za-z0-9_.-]*").fullmatch
_escaped = re.compile(r"[A-Za-z0-9_.%-]*").fullmatch
_KNOWN_KEYS_MAX: Final = 1024
_known_keys: dict[str, str] = {}


def encode(value: Mapping[str, FormValue]) -> bytes:
    """Encode ``value`` as a form body, its keys in their own order.

    Space → ``+``; everything but ``A-Z a-z 0-9 - _ .`` → ``%XX`` in upper case, brackets and ``~`` too.
    Lists get numeric indexes, booleans are ``1`` and ``0``, None is empty text (contract A-02), an empty
    list or mapping leaves nothing behind.

    Source: api-reference/events/index.md; contract 1.1.1
    """
    pairs: list[str] = []
    for key, item in value.items():
        _append(pairs, _quoted_key(key), item)
    return "&".join(pairs).encode("ascii")


def _append(pairs: list[str], key: str, value: FormValue) -> None:
    if isinstance(value, str):
        pairs.append(f"{key}={_quoted(value)}")
    elif value is None or isinstance(value, int):
        pairs.append(f"{key}={as_text(value)}")
    elif isinstance(value, Mapping):
        for name, item in value.items():
            _append(pairs, f"{key}%5B{_quoted_key(name)}%5D", item)
    else:
        for index, item in enumerate(value):
            _append(pairs, f"{key}%5B{index}%5D", item)


def _quoted(text: str) -> str:
    if _plain(text):
        return text
    if "%" not in text:
        # Addresses are most of what needs escapes in events.
        address = text.replace("/", "%2F").replace(":", "%3A")
        if _escaped(address):
            return address
    # A lone surrogate has no UTF-8 form; it becomes a question mark, as an unknown letter does in PHP.
    return quote_plus(text, errors="replace").replace("~", "%7E")


def _quoted_key(key: str) -> str:
    known = _known_keys.get(key)
    if known is not None:
        return known
    quoted = _quoted(key)
    if len(key) <= 64:
        if len(_known_keys) >= _KNOWN_KEYS_MAX:
            _known_keys.clear()
        _known_keys[key] = quoted
    return quoted
