"""One call of a REST method: who calls, what is called, and how a method is declared."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from livefeed.durable.store import Tx
from livefeed.errors import Fault
from livefeed.portal.access import Viewer
from livefeed.portal.portals import PortalRow
from livefeed.secrets import KeyRing
from livefeed.wire.calls import Answer
from livefeed.wire.faults import AppContextRequired
from livefeed.wire.ids import AppId, UserId
from livefeed.wire.params import Params

_ALSO_GRANTED_BY: Final[Mapping[str, frozenset[str]]] = {
    "user": frozenset({"user_basic", "user_brief"}),
    "sonet_group": frozenset({"sonet", "socialnetwork"}),
}
"""Scopes that open the methods of another one (contract 7.1, A-26)."""


class AppRef(msgspec.Struct, frozen=True, kw_only=True):
    """The application in whose name a call is made: all that rooms outside ``apps`` need of it."""

    id: AppId
    client_id: str


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls.

    Attributes:
        user_id: The person whose rights the call has.
        is_admin: Whether that person administers the portal.
        scopes: What the webhook or the application was granted.
        app: The application, for calls with an access token.
        webhook_id: The incoming webhook, for calls with its code.
        token_ends_at: When the access token is over, for calls with one.
    """

    user_id: UserId
    is_admin: bool
    scopes: frozenset[str]
    app: AppRef | None = None
    webhook_id: int | None = None
    token_ends_at: int | None = None

    @property
    def viewer(self) -> Viewer:
        """The person as somebody who reads and changes."""
        return Viewer(user_id=self.user_id, is_admin=self.is_admin)

    def is_granted(self, scope: str) -> bool:
        """Whether the caller was granted ``scope``, or one that opens the same methods."""
        return scope in self.scopes or not self.scopes.isdisjoint(_ALSO_GRANTED_BY.get(scope, ()))


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call, after it is known who calls; what a method function gets."""

    portal: PortalRow
    method: str
    params: Params
    principal: Principal
    keys: KeyRing
    now_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A REST method.

    Attributes:
        name: On the wire, lower case: ``log.blogpost.update``.
        fn: The unit that answers; raises Faults.
        many: The same for many calls at once, whose refusals it returns; None: each has a unit of its own.
        scope: What the caller must have been granted; None: nothing (the basic methods).
        writes: Whether the unit writes.
        needs_app: Whether only applications may call it, not webhooks.
        webhook_fault: What a webhook is told where an application is needed.
    """

    name: str
    fn: Callable[[Tx, Call], Answer]
    many: Callable[[Tx, Sequence[Call]], Sequence[Answer | Fault]] | None = None
    scope: str | None = None
    writes: bool = False
    needs_app: bool = False
    webhook_fault: type[Fault] = AppContextRequired
