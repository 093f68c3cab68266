"""Who may see and who may change: viewers, access codes, and whom a post can be addressed to."""

from collections.abc import Sequence
from typing import Final

import msgspec

from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.wire.ids import MemberId, UserId

PEOPLE: Final = "people"
"""Woken by every unit after which somebody works here no more, or holds other access codes."""

_sql = load("livefeed.portal", "access.sql")


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """The person through whose eyes something is read or changed.

    An administrator sees every post of his portal and may change it (docs/adr/0031).
    """

    user_id: UserId
    is_admin: bool

    def may_change(self, author: UserId) -> bool:
        """Whether he may edit or delete what ``author`` wrote: the author himself, or an administrator.

        Source: api-reference/log/log-blogpost-update.md, log-blogpost-delete.md
        """
        return self.is_admin or self.user_id == author


def rebuild(tx: Tx, portal: MemberId) -> None:
    """Grant everyone his access codes anew, after people, departments or groups changed."""
    _sql.forget_codes(tx.conn, portal=portal)
    _sql.grant_codes(tx.conn, portal=portal)
    tx.wake(PEOPLE)


def addressable(tx: Tx, portal: MemberId, codes: Sequence[str], author: Viewer) -> tuple[str, ...]:
    """Those of ``codes`` to which ``author`` may address a post, each once, in their order."""
    if tuple(codes) == ("UA",):
        return ("UA",)
    wanted = msgspec.json.encode(list(dict.fromkeys(codes))).decode()
    rows = _sql.addressable(
        tx.conn, portal=portal, codes=wanted, author=author.user_id, is_admin=int(author.is_admin)
    )
    return tuple(code for (code,) in rows)
