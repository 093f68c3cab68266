"""Which addresses may be called: a host is resolved, each address is checked, a checked one is used."""

import asyncio
import ipaddress
import socket
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Protocol

from livefeed.clock import Clock
from livefeed.errors import AddressBlocked, ConnectFailed

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_KEPT: Final = 1024  # resolved names remembered
_FRESH_MS: Final = 10_000  # how long an answer of the resolver is believed


def is_public(address: str) -> bool:
    """Whether ``address`` is public, also where an IPv6 form hides an IPv4 address."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour
        if inner is None and parsed.teredo is not None:
            inner = parsed.teredo[1]
        if inner is None and parsed in _NAT64:
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner is not None:
            parsed = inner
    return parsed.is_global and not parsed.is_multicast


def literal_address(host: str) -> str | None:
    """The address a URL's host is written as, without brackets; None if it is a name."""
    bare = host[1:-1] if host.startswith("[") else host
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return None


class Resolver(Protocol):
    """Turns a name into addresses."""

    async def resolve(self, host: str, port: int) -> list[str]:
        """All addresses of ``host``, preferred first; raises OSError when there is none."""
        ...


class SystemResolver:
    """The machine's own resolver, asked in a thread."""

    async def resolve(self, host: str, port: int) -> list[str]:
        """All addresses of ``host``, in the order of RFC 6724."""
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
        return list(dict.fromkeys(str(row[4][0]) for row in found))


@dataclass(frozen=True, slots=True)
class _Known:
    addresses: tuple[str, ...]
    until_ms: int


class AddressBook:
    """Answers of the resolver, checked at each use and believed for ten seconds."""

    def __init__(self, resolver: Resolver, clock: Clock) -> None:
        self._resolver = resolver
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def public_address(self, host: str, port: int) -> str:
        """A public address of ``host``; the host is refused if any of its addresses is not public.

        Raises:
            AddressBlocked: One of the addresses is not public.
            ConnectFailed: The name has no address.
        """
        literal = literal_address(host)
        addresses = (literal,) if literal is not None else await self._addresses(host, port)
        for address in addresses:
            if not is_public(address):
                raise AddressBlocked(
                    f"{host} is {address}, not a public address; allow it with --allow-private"
                )
        return addresses[0]

    async def _addresses(self, host: str, port: int) -> tuple[str, ...]:
        known = self._known.get(host)
        now_ms = self._clock.now_ms()
        if known is not None and now_ms < known.until_ms:
            return known.addresses
        try:
            addresses = tuple(await self._resolver.resolve(host, port))
        except (OSError, UnicodeError) as exc:  # no name has such labels: empty ones, or of 64 letters
            raise ConnectFailed(f"{host} has no address: {exc}") from exc
        if not addresses:
            raise ConnectFailed(f"{host} has no address")
        self._known[host] = _Known(addresses, now_ms + _FRESH_MS)
        self._known.move_to_end(host)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return addresses
