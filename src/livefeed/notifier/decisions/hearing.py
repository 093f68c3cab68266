"""Hearing: what everybody heard of the last edit of a post, and why not those who did not."""

from typing import Any, Final

import msgspec

from livefeed.durable import sql
from livefeed.durable.store import Tx
from livefeed.notifier.decisions.rulings import find
from livefeed.notifier.notices import State
from livefeed.notifier.participants import Participant, Reason
from livefeed.notifier.people import find_people
from livefeed.notifier.policy import Silence
from livefeed.wire.ids import MemberId, PostId, UserId

_SQL: Final = sql.load("livefeed.notifier", "queries/decisions.sql")


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
