"""Decisions: who was told of the last edit of each post, who was not, and why; kept with the settle."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from livefeed.durable import sql
from livefeed.durable.store import Tx
from livefeed.notifier.changes import ChangeClass, Comparison
from livefeed.notifier.notices import State
from livefeed.notifier.participants import Participant, Reason
from livefeed.notifier.people import find_people
from livefeed.notifier.policy import Decision, Editors, PassedOver, Silence, Silent, Tell
from livefeed.wire.ids import MemberId, PostId, UserId

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


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What one person heard of the last edit of a post.

    Attributes:
        person: His number.
        name: His name, as far as it is known.
        is_told: Whether he is told.
        reason: Why he takes part; None: he does not.
        why: Why he is not told; empty if he is.
        state: Of his notice; None if there is none.
        calls: Calls begun.
        detail: How it ended, if that needs words.
        planned_at_ms: When the notice was planned.
        settled_at_ms: When it was sent, skipped or given up; None: not yet.
    """

    person: UserId
    name: str
    is_told: bool
    reason: Reason | None = None
    why: str = ""
    state: State | None = None
    calls: int = 0
    detail: str = ""
    planned_at_ms: int | None = None
    settled_at_ms: int | None = None


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


def who(tx: Tx, portal: MemberId, post: PostId) -> list[Line]:
    """What everybody heard of the last edit: who was told first, then who takes part, then all others."""
    ruling = find(tx, portal, post)
    if ruling is None:
        return []
    concerned = {one.person for one in (*ruling.told, *ruling.passed_over)}
    names = {one.id: one.name for one in find_people(tx, portal, concerned).values()}
    sent = _sent(tx, portal, post, ruling.to_version) if ruling.told else {}
    told = [_told(one, names, sent.get(one.person)) for one in ruling.told]
    spared = [
        Line(
            person=one.person,
            name=_name(names, one.person),
            is_told=False,
            reason=one.reason,
            why=str(one.why),
        )
        for one in ruling.passed_over
    ]
    return [*told, *spared, *_others(tx, portal, concerned, ruling.silence)]


def forget(tx: Tx, portal: MemberId) -> None:
    """Erase the decisions of a portal."""
    _SQL.forget(tx.conn, portal=portal)


def _sent(tx: Tx, portal: MemberId, post: PostId, to_version: int) -> dict[UserId, Any]:
    rows = _SQL.notices(tx.conn, portal=portal, post=post, to_version=to_version)
    return {UserId(row[0]): row for row in rows}


def _told(one: Participant, names: dict[UserId, str], row: Any) -> Line:  # noqa: ANN401 - a row of the driver
    line = Line(person=one.person, name=_name(names, one.person), is_told=True, reason=one.reason)
    if row is None:
        return line
    _, state, calls, detail, planned_at, settled_at = row
    return msgspec.structs.replace(
        line, state=state, calls=calls, detail=detail, planned_at_ms=planned_at, settled_at_ms=settled_at
    )


def _others(tx: Tx, portal: MemberId, concerned: set[UserId], silence: Silence | None) -> list[Line]:
    why = "takes no part in the discussion" if silence in {None, Silence.NOBODY} else str(silence)
    return [
        Line(person=UserId(number), name=name, is_told=False, why=why)
        for number, name in _SQL.people(tx.conn, portal=portal)
        if number not in concerned
    ]


def _name(names: dict[UserId, str], person: UserId) -> str:
    return names.get(person) or f"#{person}"
