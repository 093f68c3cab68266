"""Methods about applications: ``app.info``."""

from typing import Final

from livefeed.clock import iso
from livefeed.durable.store import Tx
from livefeed.portal.apps import registry
from livefeed.portal.apps.registry import App
from livefeed.portal.call import Call, Method
from livefeed.wire.apps import AppInfo, Install
from livefeed.wire.calls import Answer
from livefeed.wire.faults import AppContextRequired

_DAY_MS: Final = 86_400_000


def calling_app(tx: Tx, call: Call) -> App:
    """The application in whose name a method is called.

    Raises:
        AppContextRequired: It is called by a webhook.
    """
    caller = call.principal.app
    app = None if caller is None else registry.find(tx, caller.id)
    if app is None:
        raise AppContextRequired
    return app


def app_info(tx: Tx, call: Call) -> Answer:
    """What is known of the calling application, in the portal's and in the authorization server's form.

    Source: api-reference/common/system/app-info.md
    """
    app, portal = calling_app(tx, call), call.portal
    is_installed = app.state == "installed"
    info = AppInfo(
        id=app.id,
        code=app.client_id,
        version=app.version,
        status=app.status,
        is_installed=is_installed,
        language=portal.language,
        payment_expired=not app.is_paid(call.now_ms),
        days=_days_left(app, call.now_ms),
        license=f"{portal.language}_selfhosted",
        client_id=app.client_id,
        scope=app.scope,
        expires=iso(call.principal.token_ends_at or call.now_ms),
        user_id=call.principal.user_id,
        install=Install(
            member_id=portal.member_id,
            domain=portal.domain,
            client_endpoint=portal.client_endpoint,
            status=app.status,
            scope=app.scope,
            version=app.version,
            is_installed=is_installed,
            uri=app.handler_url,
            member_type="selfhosted",
        ),
    )
    return Answer(result=info.to_wire())


def _days_left(app: App, now_ms: int) -> int | None:
    """Whole days of its paid or trial period; None if it has none."""
    return None if app.paid_until is None else max(0, (app.paid_until - now_ms) // _DAY_MS)


METHODS: Final = (Method(name="app.info", fn=app_info, needs_app=True),)
