"""Notices: what one person is told of one post through one channel, planned → sending → sent."""

from typing import Any, Final, Literal, TypeAlias

import msgspec

from livefeed.durable import sql
from livefeed.durable.store import Tx
from livefeed.notifier.participants import Reason
from livefeed.notifier.policy import Editors, Recipient
from livefeed.wire.ids import MemberId, PostId, UserId

_SQL: Final = sql.load("livefeed.notifier", "queries/notices.sql")
_editors: Final = msgspec.json.Decoder(Editors)

State: TypeAlias = Literal["planned", "sending", "sent", "skipped", "failed"]
"""planned: no call was begun · sending: a call was begun, its answer is not known · sent: the channel took it
· skipped: there was nothing left to tell · failed: the channel refused."""

BELL: Final = "bell"


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One notice.

    Attributes:
        id: Its number.
        portal: Where.
        person: Who is told.
        post: Of which post.
        channel: ``bell``.
        from_version: The version the person knew.
        to_version: The version he is told of.
        reason: Why he.
        editors: Whose edits, without his own.
        state: See `State`.
        calls: Calls begun; more than one means that some were repeated under the same TAG.
    """

    id: int
    portal: MemberId
    person: UserId
    post: PostId
    channel: str
    from_version: int
    to_version: int
    reason: Reason
    editors: Editors
    state: State
    calls: int

    @property
    def tag(self) -> str:
        """The TAG of a living notice: one for each person and post, so that a newer one takes its place."""
        return f"livefeed-post-{self.post}-person-{self.person}"

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do."""
        return self.state in {"sent", "skipped"}


def plan(
    tx: Tx, portal: MemberId, post: PostId, recipient: Recipient, *, from_version: int, to_version: int
) -> int | None:
    """Plan to tell ``recipient``.

    A notice that waits to be sent is made to tell of the newer version too, from where the person stood.

    Returns:
        The number of a new notice, for which an entry is to be appended; None if a waiting one was extended.
    """
    row: Any = _SQL.unsent(tx.conn, portal=portal, post=post, person=recipient.person, channel=BELL)
    if row is not None:
        editors = _editors.decode(row[1]).joined(recipient.editors)
        _SQL.extend(
            tx.conn, id=row[0], to_version=to_version, reason=recipient.reason.value, editors=_encode(editors)
        )
        return None
    return _SQL.add(
        tx.conn,
        portal=portal,
        person=recipient.person,
        post=post,
        channel=BELL,
        from_version=from_version,
        to_version=to_version,
        reason=recipient.reason.value,
        editors=_encode(recipient.editors),
        now=tx.now_ms,
    )


def find(tx: Tx, number: int) -> Notice | None:
    """One notice."""
    row = _SQL.find(tx.conn, id=number)
    return None if row is None else _notice(row)


def mark_sending(tx: Tx, notice: Notice) -> bool:
    """Record that a call begins; False if the notice tells of more by now, or is settled."""
    return _SQL.mark_sending(tx.conn, id=notice.id, to_version=notice.to_version, now=tx.now_ms) == 1


def settle(tx: Tx, notice: Notice, state: State, detail: str = "") -> None:
    """Record how it ended."""
    _SQL.settle(tx.conn, id=notice.id, state=state, detail=detail, now=tx.now_ms)


def let_go(tx: Tx, portal: MemberId) -> None:
    """Give up what waited when the application left: a waiting notice would be extended, and never sent."""
    _SQL.let_go(tx.conn, portal=portal, now=tx.now_ms)


def list_notices(
    tx: Tx,
    *,
    portal: MemberId | None = None,
    post: PostId | None = None,
    person: UserId | None = None,
    limit: int = 100,
) -> list[Notice]:
    """The newest notices first; each argument that is given narrows."""
    return [_notice(row) for row in _SQL.every(tx.conn, portal=portal, post=post, person=person, limit=limit)]


def forget(tx: Tx, portal: MemberId) -> None:
    """Erase all notices of a portal."""
    _SQL.forget(tx.conn, portal=portal)


def _encode(editors: Editors) -> bytes:
    return msgspec.json.encode(editors)


def _notice(row: Any) -> Notice:  # noqa: ANN401 - a row of the driver, typed here
    return Notice(
        id=row[0],
        portal=MemberId(row[1]),
        person=UserId(row[2]),
        post=PostId(row[3]),
        channel=row[4],
        from_version=row[5],
        to_version=row[6],
        reason=Reason(row[7]),
        editors=_editors.decode(row[8]),
        state=row[9],
        calls=row[10],
    )
