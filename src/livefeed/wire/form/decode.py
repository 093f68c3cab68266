"""Bytes of a form body → nested dicts, bounded in bytes, keys, depth and digits.

The strict reading belongs to the event door, where a body that ``http_build_query`` cannot have written
is not an event. The other belongs to REST, which takes odd input as PHP does.
"""

from collections.abc import Iterable
from typing import Final, TypeAlias, TypeVar

import msgspec

from livefeed.errors import TooLarge, WireError
from livefeed.wire.form.paths import Path, check_path, php_path, shown, strict_path
from livefeed.wire.form.percent import lax_unquote, strict_unquote
from livefeed.wire.form.tree import FreeIndexes, place_as_php
from livefeed.wire.form.values import Form
from livefeed.wire.ids import MAX_DIGITS


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds of one body.

    Attributes:
        max_bytes: Length of the body.
        max_keys: Pairs of key and value.
        max_depth: Levels of brackets, the name before them counted.
        max_digits: Digits of a numeric index.
    """

    max_bytes: int
    max_keys: int
    max_depth: int
    max_digits: int = MAX_DIGITS


DOOR_LIMITS: Final = Limits(max_bytes=65_536, max_keys=1_000, max_depth=16)
"""What an app takes at its event door; a documented event has about 600 bytes, 14 keys, 3 levels."""

REST_LIMITS: Final = Limits(max_bytes=32 * 1024 * 1024, max_keys=10_000, max_depth=64)
"""What a portal takes in a call; 64 levels is PHP's own ``max_input_nesting_level``."""

_Raw = TypeVar("_Raw", str, bytes)
_Found = TypeVar("_Found")
_Place: TypeAlias = tuple[Path, str | None]
"""A path, its last part apart."""

_KNOWN_PATHS_MAX: Final = 4_096
_KNOWN_KEY_MAX: Final = 128
# The keys of events repeat for ever, so their paths are worked out and checked once for the limits in use.
# A flood of new keys empties the table instead of growing it.
_known_paths: dict[Limits, dict[str, _Place]] = {}
_known_php_paths: dict[Limits, dict[bytes, Path]] = {}


def decode(body: bytes, *, limits: Limits = DOOR_LIMITS, strict: bool) -> Form:
    """Decode a form body.

    Args:
        body: ``event=ONLIVEFEEDPOSTUPDATE&data%5BFIELDS%5D%5BPOST_ID%5D=205``; brackets may be raw.
        limits: What is still read.
        strict: True refuses broken percent-encoding, text that is not UTF-8, a key given twice, and
            ``a=1&a[x]=2``. False takes them as PHP does: literal, U+FFFD, the last one wins.

    Raises:
        TooLarge: A bound is passed.
        WireError: A NUL byte; with ``strict`` also what is listed above.
    """
    if len(body) > limits.max_bytes:
        raise TooLarge("body", f"at most {limits.max_bytes} bytes", f"{len(body)}")
    pairs = body.count(b"&") + 1
    if pairs > limits.max_keys:
        raise TooLarge("body", f"at most {limits.max_keys} keys", f"{pairs}")
    if b"\0" in body or b"%00" in body:
        raise WireError("body", "text without NUL bytes", "a NUL byte")
    return _decode_strictly(body, limits) if strict else _decode_as_php(body, limits)


def nest(pairs: Iterable[tuple[str, str]], *, limits: Limits = REST_LIMITS) -> Form:
    """The form of ``pairs`` whose encoding is already undone (multipart), read as PHP does.

    Raises:
        TooLarge: A bound is passed.
        WireError: A NUL in a key or a value.
    """
    root: Form = {}
    free = FreeIndexes()
    for count, (key, value) in enumerate(pairs, 1):
        if count > limits.max_keys:
            raise TooLarge("body", f"at most {limits.max_keys} keys", "more")
        if "\0" in key or "\0" in value:
            raise WireError(shown(key), "text without NUL bytes", "a NUL byte")
        place_as_php(root, _checked_php_path(key, limits), value, free)
    return root


def _decode_as_php(body: bytes, limits: Limits) -> Form:
    known = _known_php_paths.setdefault(limits, {})
    root: Form = {}
    free = FreeIndexes()
    for pair in body.split(b"&"):
        raw, _, value = pair.partition(b"=")
        path = known.get(raw)
        if path is None:
            path = _checked_php_path(lax_unquote(raw), limits)
            _remember(known, raw, path)
        place_as_php(root, path, lax_unquote(value), free)
    return root


def _checked_php_path(key: str, limits: Limits) -> Path:
    path = php_path(key)
    check_path(path, key, max_depth=limits.max_depth, max_digits=limits.max_digits)
    return path


def _decode_strictly(body: bytes, limits: Limits) -> Form:
    """The hot path of the event door: one dict lookup a key, no call for a plain value."""
    try:
        text = body.decode()
    except UnicodeDecodeError as exc:
        raise WireError("body", "UTF-8", "other bytes") from exc
    known = _known_paths.setdefault(limits, {})
    root: Form = {}
    free = FreeIndexes()
    for pair in text.split("&"):
        raw, _, value = pair.partition("=")
        path = known.get(raw)
        if path is None:
            if not pair:
                continue
            path = _learn(raw, limits, known)
        if "%" in value or "+" in value:
            value = strict_unquote(value, raw)
        parents, last = path
        node = root
        for part in parents:
            child = node.get(part) if part is not None else None
            node = child if isinstance(child, dict) else _open(node, part, free, raw)
        if last is None or last in node:
            last = _last_key(node, last, free, raw)
        node[last] = value
        if free:
            free.note(node, last)
    return root


def _learn(raw: str, limits: Limits, known: dict[str, _Place]) -> _Place:
    key = strict_unquote(raw, raw)
    path = strict_path(key)
    check_path(path, key, max_depth=limits.max_depth, max_digits=limits.max_digits)
    place = (path[:-1], path[-1])
    _remember(known, raw, place)
    return place


def _remember(known: dict[_Raw, _Found], raw: _Raw, found: _Found) -> None:
    if len(raw) <= _KNOWN_KEY_MAX:
        if len(known) >= _KNOWN_PATHS_MAX:
            known.clear()
        known[raw] = found


def _open(node: Form, part: str | None, free: FreeIndexes, raw: str) -> Form:
    """The dict at ``part``, made now; text may not stand there."""
    key = free.take(node) if part is None else part
    if key in node:
        raise WireError(shown(raw), "one shape for one name", "text and brackets")
    child: Form = {}
    node[key] = child
    if free:
        free.note(node, key)
    return child


def _last_key(node: Form, part: str | None, free: FreeIndexes, raw: str) -> str:
    """The next free index of ``a[]``; any other key reaches this only when it is given twice."""
    if part is not None:
        raise WireError(shown(raw), "each key once", "it twice")
    return free.take(node)
