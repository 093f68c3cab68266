"""Rulings: what was decided about the last edit of each post; kept with the settle."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from livefeed.durable import sql
from livefeed.durable.store import Tx
from livefeed.notifier.changes import ChangeClass, Comparison
from livefeed.notifier.participants import Participant
from livefeed.notifier.policy import Decision, Editors, PassedOver, Silence, Silent, Tell
from livefeed.wire.ids import MemberId, PostId

_SQL: Final = sql.load("livefeed.notifier", "queries/decisions.sql")


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided when an edit was looked at.

    Attributes:
        seq: The newest event of the inbox that it answers.
        events: How many events it answers.
        from_version: The version that people knew.
        to_version: The version they are told of.
        classes: What differs, in a way that matters.
        editors: Whose edit it was; nobody if nothing was worth telling.
        silence: Why nobody is told; None: somebody is.
        told: Who is.
        passed_over: Who takes part and is not.
    """

    seq: int
    events: int
    from_version: int
    to_version: int
    classes: tuple[ChangeClass, ...] = ()
    editors: Editors = Editors()
    silence: Silence | None = None
    told: tuple[Participant, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()


_ruling: Final = msgspec.json.Decoder(Ruling)


def ruling_of(
    decision: Decision,
    comparison: Comparison,
    *,
    seq: int,
    events: int,
    from_version: int,
    to_version: int,
    editors: Editors,
    passed_over: Sequence[PassedOver],
) -> Ruling:
    """A decision with all that explains it."""
    told = decision.recipients if isinstance(decision, Tell) else ()
    return Ruling(
        seq=seq,
        events=events,
        from_version=from_version,
        to_version=to_version,
        classes=tuple(sorted(comparison.classes)),
        editors=editors,
        silence=decision.why if isinstance(decision, Silent) else None,
        told=tuple(Participant(person=one.person, reason=one.reason) for one in told),
        passed_over=tuple(passed_over),
    )


def record(tx: Tx, portal: MemberId, post: PostId, ruling: Ruling) -> None:
    """Keep the newest decision about a post; the one before is forgotten."""
    _SQL.record(tx.conn, portal=portal, post=post, at=tx.now_ms, ruling=msgspec.json.encode(ruling))


def find(tx: Tx, portal: MemberId, post: PostId) -> Ruling | None:
    """The newest decision about a post; None before its first edit."""
    row: Any = _SQL.find(tx.conn, portal=portal, post=post)
    return None if row is None else _ruling.decode(row[1])


def portals_with(tx: Tx, post: PostId) -> list[MemberId]:
    """The portals in which a post of this number was decided about."""
    return [MemberId(row[0]) for row in _SQL.portals_of(tx.conn, post=post)]


def forget(tx: Tx, portal: MemberId) -> None:
    """Erase the decisions of a portal."""
    _SQL.forget(tx.conn, portal=portal)
