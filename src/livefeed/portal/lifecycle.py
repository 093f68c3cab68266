"""The life of an application: registered, finished, rotated, uninstalled; each is one unit."""

from livefeed.durable.store import Tx
from livefeed.errors import LivefeedError
from livefeed.portal.apps import registry
from livefeed.portal.apps.registry import App, Credentials, NewApp
from livefeed.portal.events import handlers, outbox
from livefeed.portal.portals import PortalRow
from livefeed.wire.ids import UserId


class Refused(LivefeedError):
    """An administrator asked for what cannot be done; the message says why."""


def install(tx: Tx, portal: PortalRow, new: NewApp, credentials: Credentials, *, installer: UserId) -> App:
    """Register an application; one without an interface is installed, and told so, at once.

    Source: settings/app-installation/local-apps/serverside-local-app-with-no-ui.md
    """
    app = registry.add(tx, portal.member_id, new, credentials, installer=installer)
    if app.state == "installed":
        outbox.announce_installation(tx, app, language=portal.language)
    return app


def finish(tx: Tx, portal: PortalRow, client_id: str) -> App:
    """Finish an installation: nothing is withheld from here on. A second time changes nothing.

    Raises:
        Refused: There is no such application, or it was removed.
    """
    app = present(tx, portal, client_id)
    if app.state == "installed":
        return app
    registry.finish(tx, app)
    handlers.release(tx, app)
    outbox.announce_installation(tx, app, language=portal.language)
    return present(tx, portal, client_id)


def uninstall(tx: Tx, portal: PortalRow, client_id: str, *, clean: bool) -> App:
    """Uninstall: ONAPPUNINSTALL is queued first, then handlers and tokens are dead at once.

    Source: settings/app-uninstallation.md

    Raises:
        Refused: There is no such application, or it was removed before.
    """
    app = present(tx, portal, client_id)
    outbox.announce_removal(tx, app, language=portal.language, clean=clean)
    outbox.forget_installation(tx, app)
    for handler in handlers.bound_of_app(tx, app.id):
        if handler.event == "ONAPPUNINSTALL":
            handlers.unbind_keeping_queue(tx, handler, reason="the application was uninstalled")
        else:
            handlers.unbind(tx, handler, reason="the application was uninstalled")
    registry.remove(tx, app)
    return app


def rotate(tx: Tx, portal: PortalRow, client_id: str, secret_hash: bytes) -> App:
    """Give an application another secret: every token is dead at once, and it is told of its installation.

    Raises:
        Refused: There is no such application, or it was removed.
    """
    app = present(tx, portal, client_id)
    registry.rotate(tx, app, secret_hash)
    tx.wake(handlers.TOPIC)
    if app.state == "installed":
        outbox.announce_installation(tx, app, language=portal.language)
    return app


def present(tx: Tx, portal: PortalRow, client_id: str) -> App:
    """An application that is registered on this portal.

    Raises:
        Refused: There is none, or it was removed.
    """
    app = registry.find_by_client_id(tx, client_id)
    if app is None or app.portal != portal.member_id:
        raise Refused(f"there is no application {client_id!r} on this portal")
    if app.state == "removed":
        raise Refused(f"the application {client_id!r} was uninstalled; register it anew")
    return app
