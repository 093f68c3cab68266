"""Sessions: who is signed in, in which browser; the database knows a keyed hash of each browser's code."""

from typing import Final

from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.portal.live.topics import SESSIONS
from livefeed.wire.ids import MemberId, UserId

SESSION_LIFE_S: Final = 14 * 86_400
"""How long one stays signed in."""

_sql = load("livefeed.portal.people", "sessions.sql")


def begin(tx: Tx, portal: MemberId, person: UserId, session_hash: bytes) -> bool:
    """Sign a person in.

    Returns:
        Whether there is such a person, who works there.
    """
    epoch = _sql.person_epoch(tx.conn, portal=portal, person=person)
    if epoch is None:
        return False
    _sql.add_session(
        tx.conn,
        hash=session_hash,
        portal=portal,
        person=person,
        person_epoch=epoch,
        now=tx.now_ms,
        expires_at=tx.now_ms + SESSION_LIFE_S * 1000,
    )
    _sql.forget_sessions(tx.conn, now=tx.now_ms)
    return True


def person_of(tx: Tx, portal: MemberId, session_hash: bytes) -> UserId | None:
    """Who is signed in with this session; None: nobody, or no longer."""
    person: int | None = _sql.session_person(tx.conn, hash=session_hash, portal=portal, now=tx.now_ms)
    return None if person is None else UserId(person)


def end(tx: Tx, portal: MemberId, session_hash: bytes) -> None:
    """Sign out of this portal; a session of another one stands."""
    _sql.end_session(tx.conn, portal=portal, hash=session_hash)
    tx.wake(SESSIONS)


def end_all(tx: Tx, portal: MemberId, person: UserId) -> None:
    """Sign a person out of every browser."""
    _sql.end_sessions(tx.conn, portal=portal, person=person)
    tx.wake(SESSIONS)
