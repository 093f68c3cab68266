"""ASGI scopes: a request's head and the two ends of its connection, as applications read them."""

import asyncio
from typing import Any, Final
from urllib.parse import unquote

import httptools
import msgspec

from livefeed.app.exchange import Scope
from livefeed.app.http.heads import Head

_PROXIES: Final = frozenset({"127.0.0.1", "::1"})
"""Whoever connects from this machine may say for whom he does, as a reverse proxy."""

_VERSIONS: Final = {"version": "3.0", "spec_version": "2.4"}
_SCHEMES: Final = frozenset({"http", "https"})


class Ends(msgspec.Struct, frozen=True, kw_only=True):
    """Both ends of a connection, with their ports.

    Attributes:
        client: None where it is not known.
        server: None where it is not known.
        scheme: ``http`` or ``https``.
    """

    client: tuple[str, int] | None
    server: tuple[str, int] | None
    scheme: str

    @classmethod
    def of(cls, transport: asyncio.Transport, scheme: str) -> "Ends":
        """Those of ``transport``."""
        return cls(
            client=_address(transport.get_extra_info("peername")),
            server=_address(transport.get_extra_info("sockname")),
            scheme=scheme,
        )


def scope_of(head: Head, ends: Ends) -> Scope | None:
    """The scope of one request; None if its target is none."""
    target = _split(head.target)
    if target is None:
        return None
    raw_path, query = target
    path = raw_path.decode("ascii")
    client, scheme = ends.client, ends.scheme
    if client is not None and client[0] in _PROXIES:
        client, scheme = _forwarded(head, client, scheme)
    return {
        "type": "http",
        "asgi": _VERSIONS,
        "http_version": head.version,
        "method": head.method,
        "scheme": scheme,
        "path": unquote(path) if "%" in path else path,
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": list(head.headers),
        "client": client,
        "server": ends.server,
    }


def _split(target: bytes) -> tuple[bytes, bytes] | None:
    """Path and query; the target may also be a whole URL, as proxies send it."""
    if not target.isascii():
        return None
    if not target.startswith(b"/"):
        try:
            url = httptools.parse_url(target)
        except httptools.HttpParserInvalidURLError:
            return None
        return (url.path or b"/", url.query or b"") if url.schema else None
    path, _, query = target.partition(b"#")[0].partition(b"?")
    return path, query


def _forwarded(head: Head, client: tuple[str, int], scheme: str) -> tuple[tuple[str, int], str]:
    for name, value in head.headers:
        if name == b"x-forwarded-proto":
            said = value.decode("latin-1").strip().lower()
            scheme = said if said in _SCHEMES else scheme
        elif name == b"x-forwarded-for":
            nearest = value.decode("latin-1").rpartition(",")[2].strip()
            client = (nearest, 0) if nearest else client
    return client, scheme


def _address(name: Any) -> tuple[str, int] | None:  # noqa: ANN401 - what a transport calls an address
    match name:
        case (str(host), int(port), *_):
            return host, port
        case _:
            return None
