"""Failures counted in the database: nobody guesses secrets faster than a person could, at any process."""

import ipaddress
import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from livefeed.durable.sql import load
from livefeed.durable.store import Store, Tx
from livefeed.errors import StoreError
from livefeed.secrets import KeyRing

_DROPPED_AT_ONCE: Final = 4
_NETWORK_BITS: Final = 64

_sql = load("livefeed.portal", "throttle.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How many failures count as a person's, for each key of one kind.

    Attributes:
        name: Keeps its keys apart from those of other limits.
        burst: How many failures fit in a bucket.
        drain_s: Seconds in which one of them is forgotten.
    """

    name: str
    burst: int
    drain_s: float

    @property
    def drain_ms(self) -> int:
        """Milliseconds in which one failure is forgotten."""
        return round(self.drain_s * 1000)


Try = tuple[Limit, str]
"""A limit, and the key under which a failure would count: a login, an address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """A bucket of failures for each key; it drains with time, and when it is full one has to wait.

    Attributes:
        store: Where the buckets are, for every process of the portal.
        keys: Only keyed hashes of what is counted are stored: people type passwords where logins belong.
    """

    store: Store
    keys: KeyRing

    async def enter(self, *tries: Try) -> int:
        """Count one failure under each key before the outcome is known, as tries may run at once.

        Returns:
            0; or whole seconds until the next try is allowed, and then nothing is counted.

        Raises:
            StoreError: It cannot be counted now.
        """
        counted = self._hashed(tries)
        return await self.store.write(lambda tx: _enter(tx, counted))

    async def give_back(self, *tries: Try) -> None:
        """Take back what `enter` counted: it was no failure. If that cannot be stored, it drains like one."""
        counted = self._hashed(tries)
        with suppress(StoreError):
            await self.store.write(lambda tx: _give_back(tx, counted))

    def _hashed(self, tries: Iterable[Try]) -> list[tuple[bytes, Limit]]:
        """In one order everywhere, so that two units never wait for each other's rows."""
        hashed = [(self.keys.hash(f"throttle {limit.name} {key}"), limit) for limit, key in tries]
        return sorted(hashed, key=lambda one: one[0])


def address_of(request: Request) -> str:
    """Where a request comes from, as a key: an IPv4 address, or the /64 network of an IPv6 address."""
    host = "" if request.client is None else request.client.host
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if address.version == 4:
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _NETWORK_BITS), strict=False))


def _enter(tx: Tx, counted: list[tuple[bytes, Limit]]) -> int:
    wait_ms = max((_over_ms(tx, key, limit) for key, limit in counted), default=0)
    if wait_ms > 0:
        _give_back(tx, counted)
    _sql.drop_empty(tx.conn, now=tx.now_ms, most=_DROPPED_AT_ONCE)
    return math.ceil(max(0, wait_ms) / 1000)


def _over_ms(tx: Tx, key: bytes, limit: Limit) -> int:
    """Count one, and say by how much that is too many."""
    full_ms = limit.burst * limit.drain_ms
    empty_at: int = _sql.count(tx.conn, hash=key, now=tx.now_ms, drain=limit.drain_ms, full=full_ms)
    return empty_at - tx.now_ms - full_ms


def _give_back(tx: Tx, counted: list[tuple[bytes, Limit]]) -> None:
    for key, limit in counted:
        _sql.give_back(tx.conn, hash=key, drain=limit.drain_ms)
