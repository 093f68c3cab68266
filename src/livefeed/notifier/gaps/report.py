"""The gap report: which edits were heard of how, when, how late; and how much of the feed is known."""

from collections.abc import Sequence
from typing import Final

import msgspec

from livefeed.app.channels import Channel
from livefeed.app.sweep import progress
from livefeed.app.sweep.progress import Sweep
from livefeed.durable.store import Tx
from livefeed.notifier.archive import Source
from livefeed.notifier.gaps.watching import SQL
from livefeed.wire.ids import MemberId, PostId

CHANNELS: Final[dict[str, Channel]] = {
    one.value: one.channel for one in (Source.UPDATED, Source.OFFLINE, Source.SWEPT)
}


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a post, and how it was heard of.

    Attributes:
        portal: Where.
        post: Of which post.
        version: Its number; 1 is a post that was new.
        how: At the door, from the offline queue, or by a sweep.
        at_ms: When it was seen.
        late_ms: How long after the change at most; None: nobody knows.
    """

    portal: MemberId
    post: PostId
    version: int
    how: Channel
    at_ms: int
    late_ms: int | None


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a portal's feed is known.

    Attributes:
        phase: Of the back-fill: ``people posts comments done``.
        readable: How many posts the portal showed when they were counted last; None: not counted yet.
        archived: How many of them are known with their text.
    """

    phase: str
    readable: int | None
    archived: int

    @property
    def percent(self) -> int | None:
        """Baseline coverage: of how many posts the first edit has a before; None: not counted yet."""
        if self.readable is None:
            return None
        return 100 if not self.readable else min(100, 100 * self.archived // self.readable)


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How many edits were heard of in one way, and how late the latest of them was at most."""

    edits: int = 0
    latest_ms: int | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The report of one portal."""

    portal: MemberId
    coverage: Coverage
    sweeps: Sequence[Sweep]
    counts: dict[Channel, Count]
    edits: Sequence[Edit]


def portals(tx: Tx) -> list[MemberId]:
    """Those that something is known of."""
    return [MemberId(row[0]) for row in SQL.portals(tx.conn)]


def report(
    tx: Tx,
    *,
    portal: MemberId | None = None,
    since_ms: int = 0,
    how: Channel | None = None,
    limit: int = 100,
) -> list[Report]:
    """What is known of each portal, or of one."""
    return [_report(tx, one, since_ms, how, limit) for one in portals(tx) if portal in (None, one)]


def coverage(tx: Tx, portal: MemberId) -> Coverage:
    """How much of a portal's feed is known."""
    row = SQL.coverage(tx.conn, portal=portal)
    if row is None:
        return Coverage(phase="people", readable=None, archived=0)
    readable, archived = row["readable"], row["archived"]
    # Posts that came after the last count, or can be read no more, are known too; they are not of those.
    known = archived if readable is None else min(archived, readable)
    return Coverage(phase=row["phase"], readable=readable, archived=known)


def _report(tx: Tx, portal: MemberId, since_ms: int, how: Channel | None, limit: int) -> Report:
    source = next((source for source, channel in CHANNELS.items() if channel == how), None)
    counts = {
        CHANNELS[row["source"]]: Count(edits=row["edits"], latest_ms=row["latest"])
        for row in SQL.counts(tx.conn, portal=portal, since=since_ms)
    }
    rows = SQL.edits(tx.conn, portal=portal, since=since_ms, how=source, count=limit)
    return Report(
        portal=portal,
        coverage=coverage(tx, portal),
        sweeps=progress.every(tx, portal),
        counts={channel: counts.get(channel, Count()) for channel in CHANNELS.values()},
        edits=[
            Edit(
                portal=portal,
                post=PostId(row["post"]),
                version=row["version"],
                how=CHANNELS[row["source"]],
                at_ms=row["at"],
                late_ms=row["late_ms"],
            )
            for row in rows
        ],
    )
