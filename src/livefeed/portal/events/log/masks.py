"""Masks: bytes that were sent, cut so that no secret is among them, and addresses without what may be one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import urlsplit

DOT: Final = "•"

_PLAIN_WORDS: Final = frozenset(
    (
        "",
        *("api", "app", "apps", "bitrix", "bitrix24", "bot", "callback", "callbacks", "event", "events"),
        *("frame", "handler", "handlers", "hook", "hooks", "in", "inbox", "install", "installer", "livefeed"),
        *("notifier", "notify", "oauth", "portal", "public", "receive", "receiver", "rest", "test", "update"),
        *("v1", "v2", "v3", "webhook", "webhooks"),
    )
)
"""Parts of a path that are no secret: the address of a handler may be its password."""

_KNOWN_ENDING: Final = re.compile(r"\.(php|json|aspx?|cgi)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """A secret that is not told: ``name`` as which shell variable, and how long it was."""

    name: str
    length: int


Piece: TypeAlias = str | Hole


def dotted(pieces: Sequence[Piece]) -> str:
    """The text with dots for secrets, one a character."""
    return "".join(piece if isinstance(piece, str) else DOT * piece.length for piece in pieces)


def cut(text: str, secrets: Sequence[tuple[str, str]]) -> tuple[Piece, ...]:
    """``text`` cut at each of ``secrets``, which are names and values."""
    pieces: list[Piece] = [text]
    for name, value in secrets:
        if value:
            pieces = [part for piece in pieces for part in _cut(piece, name, value)]
    return tuple(piece for piece in pieces if piece != "")


def masked_path(url: str) -> str:
    """Path and query of an address; whatever is no plain word is dots."""
    parts = urlsplit(url)
    path = "/".join(_plain(part) for part in parts.path.split("/")) or "/"
    return f"{path}?{_masked_query(parts.query)}" if parts.query else path


def masked_url(url: str) -> str:
    """An address for people: host and plain words of the path, the rest dots."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{host_of(url)}{masked_path(url) if parts.path or parts.query else ''}"


def host_of(url: str) -> str:
    """Host and port, without a user's name and password."""
    return urlsplit(url).netloc.rpartition("@")[2]


def is_plain(url: str) -> bool:
    """Whether nothing in an address is masked."""
    return masked_url(url) == url


def _plain(part: str) -> str:
    return part if _KNOWN_ENDING.sub("", part.lower()) in _PLAIN_WORDS else DOT * len(part)


def _masked_query(query: str) -> str:
    return "&".join(DOT * len(pair) for pair in query.split("&"))


def _cut(piece: Piece, name: str, value: str) -> list[Piece]:
    if isinstance(piece, Hole) or value not in piece:
        return [piece]
    parts: list[Piece] = []
    for part in piece.split(value):
        parts += [Hole(name=name, length=len(value)), part]
    return parts[1:]
