"""Requests in a leaky bucket, one for each portal and address."""

from collections.abc import Sequence
from typing import Final

import msgspec

from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.portal.limits.plans import Plan
from livefeed.wire.ids import MemberId

_CLOCK_WAS_SET_S: Final = 60
_SQL: Final = load("livefeed.portal.limits", "limits.sql")


class Knock(msgspec.Struct, frozen=True, kw_only=True):
    """One request that has come in."""

    portal: MemberId
    address: str
    plan: Plan


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """What is in a bucket.

    Attributes:
        level: Requests that are not forgotten yet.
        second: Unix second up to which it was drained.
    """

    level: int
    second: int

    def drained(self, second: int, plan: Plan) -> "Bucket":
        """The bucket at ``second``.

        Clocks of several machines may be a little apart: time never goes back here. One that is far behind
        was set, and the bucket goes on from there.
        """
        if second < self.second - _CLOCK_WAS_SET_S:
            return Bucket(level=self.level, second=second)
        passed = max(0, second - self.second)
        return Bucket(level=max(0, self.level - passed * plan.drain_per_s), second=self.second + passed)

    def filled(self, plan: Plan) -> "Bucket | None":
        """The bucket with one request more; None if that is too many. What overflows is not counted."""
        if self.level >= plan.threshold:
            return None
        return Bucket(level=self.level + 1, second=self.second)


def knock(tx: Tx, knocks: Sequence[Knock]) -> list[bool]:
    """Count requests, in the order they came; whether each may pass."""
    places: dict[tuple[MemberId, str], list[int]] = {}
    for number, one in enumerate(knocks):
        places.setdefault((one.portal, one.address), []).append(number)
    passed = [False] * len(knocks)
    for (portal, address), numbers in sorted(places.items()):
        found = bucket = _locked(tx, portal, address).drained(tx.now_ms // 1000, knocks[numbers[0]].plan)
        for number in numbers:
            filled = bucket.filled(knocks[number].plan)
            passed[number] = filled is not None
            bucket = filled or bucket
        if bucket != found:
            _SQL.keep_bucket(
                tx.conn, portal=portal, address=address, level=bucket.level, second=bucket.second
            )
    return passed


def drop_unused(tx: Tx, *, before_ms: int, most: int) -> int:
    """Drop buckets that were not used since; how many that were."""
    dropped: int = _SQL.drop_buckets(tx.conn, before=before_ms // 1000, most=most)
    return dropped


def _locked(tx: Tx, portal: MemberId, address: str) -> Bucket:
    row = _SQL.bucket(tx.conn, portal=portal, address=address)
    if row is None:
        _SQL.add_bucket(tx.conn, portal=portal, address=address, second=tx.now_ms // 1000)
        row = _SQL.bucket(tx.conn, portal=portal, address=address)
    return Bucket(level=row[0], second=row[1])
