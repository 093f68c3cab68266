"""The life of an application: registered, finished, updated, rotated, uninstalled; each is one unit."""

from livefeed.durable.store import Tx
from livefeed.errors import LivefeedError
from livefeed.portal.apps import consents, registry
from livefeed.portal.apps.registry import App, Credentials, NewApp, Release
from livefeed.portal.events import handlers, outbox
from livefeed.portal.frames import openings, options, placements
from livefeed.portal.offline import bindings, queue
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


def finish(tx: Tx, portal: PortalRow, client_id: str, *, by_page: bool = False) -> App:
    """Finish an installation: nothing is withheld from here on. A second time changes nothing.

    Args:
        tx: The unit.
        portal: Where.
        client_id: Which application.
        by_page: Its own page has called ``installFinish``; else an administrator says so.

    Raises:
        Refused: There is no such application, or it was removed.
    """
    app = present(tx, portal, client_id)
    if app.state == "installed":
        return app
    registry.finish(tx, app)
    handlers.release(tx, app)
    outbox.announce_installation(tx, app, language=portal.language, by_page=by_page)
    return present(tx, portal, client_id)


def update(tx: Tx, portal: PortalRow, client_id: str, release: Release) -> App:
    """Another version: ONAPPUPDATE is queued first, then handlers and widgets are gone; it binds them anew.

    An application without an interface that has not bound ONAPPUPDATE is told of its installation instead,
    for nothing else would make it bind again.

    Source: api-reference/events/event-bind.md, api-reference/common/events/on-app-update.md

    Raises:
        Refused: There is no such application, it was removed, or it has this version already.
    """
    app = present(tx, portal, client_id)
    if release.name == app.release:
        raise Refused(f"the application {client_id!r} has the version {release.name} already")
    told = outbox.announce_update(tx, app, version=release.name, language=portal.language)
    _unbind(tx, app, keeping="ONAPPUPDATE", reason=f"the application was updated to {release.name}")
    _close(tx, app)
    registry.update(tx, app, release)
    updated = present(tx, portal, client_id)
    if not told and not updated.has_interface:
        outbox.announce_installation(tx, updated, language=portal.language)
    return updated


def reinstall(tx: Tx, portal: PortalRow, client_id: str) -> App:
    """Install the same version anew: handlers and widgets are gone, settings stay.

    One with an interface is withheld until its installer's page has finished again; another is told of its
    installation at once.

    Source: sdk/crest-php-sdk/index.md

    Raises:
        Refused: There is no such application, or it was removed.
    """
    app = present(tx, portal, client_id)
    if not app.has_interface:
        outbox.announce_installation(tx, app, language=portal.language)
    _unbind(tx, app, keeping="ONAPPINSTALL", reason="the application is installed anew")
    _close(tx, app)
    openings.forget_launches(tx, app.id)
    if app.has_interface:
        registry.withhold(tx, app)
    return present(tx, portal, client_id)


def uninstall(tx: Tx, portal: PortalRow, client_id: str, *, clean: bool) -> App:
    """Uninstall: ONAPPUNINSTALL is queued first, then handlers, widgets, settings and tokens are gone.

    Source: settings/app-uninstallation.md

    Raises:
        Refused: There is no such application, or it was removed before.
    """
    app = present(tx, portal, client_id)
    outbox.announce_removal(tx, app, language=portal.language, clean=clean)
    outbox.forget_installation(tx, app)
    _unbind(tx, app, keeping="ONAPPUNINSTALL", reason="the application was uninstalled")
    _close(tx, app)
    openings.forget_launches(tx, app.id)
    options.forget(tx, app.id)
    consents.forget(tx, app)
    queue.forget(tx, app)
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


def _unbind(tx: Tx, app: App, *, keeping: str, reason: str) -> None:
    """Unbind every handler; what this unit queued for those of the event ``keeping`` still goes out."""
    for handler in handlers.bound_of_app(tx, app.id):
        if handler.event == keeping:
            handlers.unbind_keeping_queue(tx, handler, reason=reason)
        else:
            handlers.unbind(tx, handler, reason=reason)
    bindings.forget(tx, app)
    tx.wake(handlers.TOPIC)


def _close(tx: Tx, app: App) -> None:
    """Its widgets are gone, and what it has open takes no more commands."""
    placements.forget(tx, app.id)
    openings.forget(tx, app.id)
