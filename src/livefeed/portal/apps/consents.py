"""Consents: who allowed which application to act in his name, and how far."""

from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.portal.apps.registry import App
from livefeed.wire.apps import scopes_of
from livefeed.wire.ids import UserId

_sql = load("livefeed.portal.apps", "grants.sql")


def is_allowed(tx: Tx, app: App, person: UserId) -> bool:
    """Whether ``person`` allowed all that ``app`` may do by now; if it may do more, he is asked again."""
    allowed = _sql.consent(tx.conn, app=app.id, person=person)
    return allowed is not None and app.scopes <= scopes_of(allowed)


def was_asked(tx: Tx, app: App, person: UserId) -> bool:
    """Whether ``person`` allowed ``app`` something before, be it less than it may do by now."""
    return _sql.consent(tx.conn, app=app.id, person=person) is not None


def allow(tx: Tx, app: App, person: UserId) -> None:
    """Remember that ``person`` allowed what ``app`` may do."""
    _sql.allow(tx.conn, app=app.id, person=person, scope=app.scope, now=tx.now_ms)


def forget(tx: Tx, app: App) -> None:
    """Forget everybody's consent: the application is gone, and its next installation asks anew."""
    _sql.forget_consents(tx.conn, app=app.id)
