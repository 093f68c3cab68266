"""Topics: a change wakes exactly those who may see it, by the access codes they hold."""

from collections.abc import Iterable
from typing import Final

from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.portal.access import Viewer
from livefeed.wire.ids import MemberId, UserId

FEED: Final = "feed"
"""Any post or comment has changed, whoever may see it."""

BELL: Final = "bell"
"""Any bell has changed."""

SESSIONS: Final = "sessions"
"""Somebody was signed out."""

_ADMINISTRATORS: Final = "administrators"

_sql = load("livefeed.portal.live", "topics.sql")


def post_changed(tx: Tx, portal: MemberId, author: UserId, *audiences: Iterable[str]) -> None:
    """Wake those who may see a post: its author, administrators, and whoever it is or was addressed to."""
    tx.wake(FEED)
    codes = {code for audience in audiences for code in audience}
    for code in {*codes, f"U{author}", _ADMINISTRATORS}:
        tx.wake(_feed(portal, code))


def bell_changed(tx: Tx, portal: MemberId, person: UserId) -> None:
    """Wake the person whose bell it is."""
    tx.wake(BELL)
    tx.wake(bell_of(portal, person))


def bell_of(portal: MemberId, person: UserId) -> str:
    """The topic of one bell."""
    return f"{BELL}:{portal}:{person}"


def feeds_of(tx: Tx, portal: MemberId, viewer: Viewer) -> list[str]:
    """The topics of the posts that ``viewer`` may see: one for each access code he holds."""
    codes: list[str] = [code for (code,) in _sql.codes_of(tx.conn, portal=portal, person=viewer.user_id)]
    return [_feed(portal, code) for code in (*codes, *([_ADMINISTRATORS] if viewer.is_admin else ()))]


def _feed(portal: MemberId, code: str) -> str:
    return f"{FEED}:{portal}:{code}"
