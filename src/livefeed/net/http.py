"""The one HTTP client: no redirect, no proxy, bounded time and bytes; only our own errors leave it."""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.http import Url

from livefeed.clock import Clock, SystemClock
from livefeed.errors import AnswerTooLarge, ConnectFailed, TimedOut, TransportError
from livefeed.net.addresses import AddressBook, Resolver, SystemResolver, literal_address
from livefeed.net.foreign import translate
from livefeed.net.rush import Rush

_CLIENTS: Final = 256  # pinned clients kept, one for each (host, address, port)
_IDLE_CONNECTIONS: Final = 128  # kept open for each host
_IDLE_S: Final = 30.0
_HOST: Final = re.compile(r"[a-z0-9._-]+|\[?[0-9a-f:.]+\]?", re.ASCII)
_NOTHING: Final[Mapping[str, str]] = {}


class HttpAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a server answered.

    Attributes:
        status: The HTTP status, of any class.
        headers: Names in lower case; of a repeated header the last value.
        body: At most as many bytes as were asked for.
        is_cut: There was more than that, and it was not read.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool = False


class HttpClient:
    """Sends requests; targets that are not public addresses are refused unless ``allow_private``."""

    def __init__(
        self,
        *,
        allow_private: bool,
        timeout_s: float = 10.0,
        max_answer_bytes: int = 65_536,
        user_agent: str = "livefeed",
        resolver: Resolver | None = None,
        clock: Clock | None = None,
        trusted_pem: bytes = b"",
    ) -> None:
        """Open nothing yet.

        Args:
            allow_private: Connect to any address, without a check.
            timeout_s: From the first byte sent to the last byte read, connecting included.
            max_answer_bytes: How much of an answer is read.
            user_agent: The User-Agent header.
            resolver: Other than the machine's own.
            clock: Ages what the resolver answered.
            trusted_pem: A certificate authority to trust beside the machine's, in PEM.
        """
        self._allow_private = allow_private
        self._timeout_s = timeout_s
        self._max_answer_bytes = max_answer_bytes
        self._user_agent = user_agent
        self._trusted_pem = trusted_pem
        self._book = AddressBook(resolver or SystemResolver(), clock or SystemClock())
        self._rush = Rush()
        self._shared: Client | None = None
        self._pinned: OrderedDict[tuple[str, str, int], Client] = OrderedDict()

    async def send(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] = _NOTHING,
        timeout_s: float | None = None,
        max_answer_bytes: int | None = None,
    ) -> HttpAnswer:
        """Send one request and read the whole answer.

        Raises:
            TransportError: One of its classes: no connection, no answer in time, a certificate that is not
                accepted, an address that is not public, an answer beyond ``max_answer_bytes``.
        """
        limit = self._max_answer_bytes if max_answer_bytes is None else max_answer_bytes
        answer = await self._exchange(method, url, body, headers, timeout_s, limit)
        if answer.is_cut:
            raise AnswerTooLarge(f"the answer ({answer.status}) is longer than {limit} bytes")
        return answer

    def deliver(
        self, url: str, *, body: bytes, headers: Mapping[str, str]
    ) -> Coroutine[Any, Any, HttpAnswer]:
        """POST ``body`` and read no more of the answer than the bound; the rest is dropped.

        Raises:
            TransportError: As `send`, but never for the length of the answer.
        """
        return self._exchange("POST", url, body, headers, None, self._max_answer_bytes)

    async def close(self) -> None:
        """Close every connection."""
        self._rush.end()
        clients = [*self._pinned.values(), *([self._shared] if self._shared is not None else [])]
        self._pinned.clear()
        self._shared = None
        for client in clients:
            await client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _exchange(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout_s: float | None,
        limit: int,
    ) -> HttpAnswer:
        client = self._unpinned() if self._allow_private else await self._checked(url, timeout_s)
        try:
            request = client.request(method, url)
            if headers:
                request = request.headers(headers)
            if body is not None:
                request = request.body_bytes(body)
            if timeout_s is not None:
                request = request.timeout(timedelta(seconds=timeout_s))
            async with request.build_streamed() as response:
                data = await response.body_reader.read(limit + 1)
                status, received = response.status, dict(response.headers.items())
        except (PyreqwestError, ValueError) as exc:
            raise translate(exc) from exc
        rush = self._rush
        rush.answers += 1
        if rush.answers >= rush.look_at:
            rush.look()
        content = b"" if data is None else data.to_bytes()
        return HttpAnswer(status=status, headers=received, body=content[:limit], is_cut=len(content) > limit)

    async def _checked(self, url: str, timeout_s: float | None) -> Client:
        target = _parsed(url)
        host, port = target.host_str, target.port_or_known_default
        if not host or port is None or target.scheme not in {"http", "https"}:
            raise ConnectFailed("the address is not an http or https URL")
        try:
            async with asyncio.timeout(self._timeout_s if timeout_s is None else timeout_s):
                address = await self._book.public_address(host, port)
        except TimeoutError as exc:
            raise TimedOut(f"the address of {host} was not found in time") from exc
        if literal_address(host) is not None:
            return self._unpinned()
        return self._pinned_to(host, address, port)

    def _unpinned(self) -> Client:
        if self._shared is None:
            self._shared = self._builder().build()
        return self._shared

    def _pinned_to(self, host: str, address: str, port: int) -> Client:
        key = (host, address, port)
        client = self._pinned.get(key)
        if client is None:
            client = self._pinned[key] = self._builder().resolve(host, address, port).build()
            if len(self._pinned) > _CLIENTS:
                self._pinned.popitem(last=False)  # its requests under way still hold it
        self._pinned.move_to_end(key)
        return client

    def _builder(self) -> ClientBuilder:
        builder = (
            ClientBuilder()
            .follow_redirects(False)
            .no_proxy()
            .referer(False)
            .gzip(False)
            .brotli(False)
            .zstd(False)
            .deflate(False)
            .user_agent(self._user_agent)
            .timeout(timedelta(seconds=self._timeout_s))
            .pool_max_idle_per_host(_IDLE_CONNECTIONS)
            .pool_idle_timeout(timedelta(seconds=_IDLE_S))
        )
        return builder.add_root_certificate_pem(self._trusted_pem) if self._trusted_pem else builder


def is_http_url(url: str) -> bool:
    """Whether ``url`` is an absolute http or https URL with a host, as the client will read it.

    A host has letters, digits, ``.``, ``-`` and ``_``, or is an IPv6 address: hosts are written into security
    policies, where ``;``, ``,`` and ``*`` mean something else.
    """
    if not url.isprintable():
        return False
    try:
        parsed = _parsed(url)
    except TransportError:
        return False
    return parsed.scheme in {"http", "https"} and _HOST.fullmatch(parsed.host_str or "") is not None


def _parsed(url: str) -> Url:
    try:
        return Url(url)
    except ValueError as exc:
        raise ConnectFailed(f"the address is not a URL: {exc}") from exc
