"""Failures counted in bounded memory, so that nobody guesses secrets faster than a person could."""

import ipaddress
import math
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request

from livefeed.clock import Clock

_KEYS: Final = 10_000
_NETWORK_BITS: Final = 64


@dataclass(slots=True)
class _Bucket:
    level: float
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """A bucket of failures for each key; it drains with time, and when it is full one has to wait.

    Attributes:
        clock: Tells the time.
        burst: How many failures fit in a bucket.
        drain_s: Seconds in which one of them is forgotten.
        keys: How many buckets are kept; the one least lately filled goes first.
    """

    clock: Clock
    burst: int
    drain_s: float
    keys: int = _KEYS
    _buckets: OrderedDict[str, _Bucket] = field(default_factory=OrderedDict[str, _Bucket], repr=False)

    def wait_s(self, *keys: str) -> int:
        """Whole seconds until the next try is allowed under each of ``keys``; 0: now."""
        return max((self._wait_s(key) for key in keys), default=0)

    def count(self, *keys: str) -> None:
        """Count one failure under each of ``keys``; count it before it is known, as tries may run at once."""
        now_ms = self.clock.now_ms()
        for key in keys:
            self._buckets[key] = _Bucket(self._level(key, now_ms) + 1, now_ms)
            self._buckets.move_to_end(key)
        while len(self._buckets) > self.keys:
            self._buckets.popitem(last=False)

    def give_back(self, *keys: str) -> None:
        """Take back what was counted before the outcome was known: it was no failure."""
        for key in keys:
            bucket = self._buckets.get(key)
            if bucket is not None:
                bucket.level = max(0.0, bucket.level - 1)

    def _wait_s(self, key: str) -> int:
        over = self._level(key, self.clock.now_ms()) - (self.burst - 1)
        return math.ceil(round(over * self.drain_s, 3)) if over > 0 else 0

    def _level(self, key: str, now_ms: int) -> float:
        bucket = self._buckets.get(key)
        if bucket is None:
            return 0.0
        return max(0.0, bucket.level - max(0, now_ms - bucket.at_ms) / 1000 / self.drain_s)


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
