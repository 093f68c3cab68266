"""Callers: what a request says of who makes it, checked outside the unit and looked up inside."""

from typing import TypeAlias

from livefeed.durable.store import Tx
from livefeed.portal.apps import tokens, webhooks
from livefeed.portal.apps.tokens import Claims
from livefeed.portal.apps.webhooks import Credential
from livefeed.portal.call import Method, Principal
from livefeed.secrets import KeyRing
from livefeed.wire.calls import RestRequest
from livefeed.wire.faults import InsufficientScope, NoAuthFound
from livefeed.wire.ids import MemberId

Caller: TypeAlias = Credential | Claims
"""By an incoming webhook, or by an access token."""


def caller_in(keys: KeyRing, request: RestRequest) -> Caller:
    """Check what can be checked without the database, and hash what will be looked up.

    Raises:
        NoAuthFound: Nobody is named.
    """
    path = request.path
    if path.user_id is not None and path.code is not None:
        return webhooks.credential(keys, path.user_id, path.code)
    claims = tokens.open_access(keys, request.auth) if request.auth else None
    if claims is None:
        raise NoAuthFound
    return claims


def identify(tx: Tx, portal: MemberId, caller: Caller) -> Principal:
    """Who that is.

    Raises:
        Fault: Nobody, or nobody any more.
    """
    if isinstance(caller, Credential):
        return webhooks.principal_of(tx, portal=portal, credential=caller)
    return tokens.principal_of(tx, portal=portal, claims=caller, now_ms=tx.now_ms)


def permit(method: Method, principal: Principal) -> None:
    """Check the scope and the kind of caller.

    Source: api-reference/scopes/index.md

    Raises:
        InsufficientScope: The webhook or the application was not granted the method's scope.
        AppContextRequired: The method is for applications only; some methods say it in words of their own.
    """
    if method.scope is not None and not principal.is_granted(method.scope):
        raise InsufficientScope
    if method.needs_app and principal.app is None:
        raise method.webhook_fault
