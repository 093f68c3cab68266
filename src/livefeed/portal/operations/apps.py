"""Operations on applications: registered, finished, updated, opened, rotated, removed."""

from typing import Annotated, Final

import msgspec

from livefeed.clock import fresh_hex
from livefeed.durable.store import Tx
from livefeed.net.http import is_http_url
from livefeed.portal import lifecycle
from livefeed.portal.apps import registry
from livefeed.portal.apps.redirects import is_redirect_uri
from livefeed.portal.apps.registry import AuthKeys, NewApp, Release
from livefeed.portal.events import handlers
from livefeed.portal.events.sender import signing_secret
from livefeed.portal.frames.handing import Address, Handing
from livefeed.portal.frames.places import DEFAULT
from livefeed.portal.lifecycle import Refused
from livefeed.portal.operations.office import (
    ADMINISTRATOR,
    Asked,
    Document,
    Number,
    Office,
    OperationSpec,
    Scopes,
    active_person,
)
from livefeed.portal.portals import PortalRow
from livefeed.wire.apps import scope_list
from livefeed.wire.ids import UserId
from livefeed.wire.scopes import unknown_scopes


class AppAdd(Asked, frozen=True, kw_only=True):
    """Register an application; what its words mean stands at `registry.NewApp`."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    handler_url: str = ""
    install_url: str = ""
    redirect_uri: str = ""
    scope: Scopes = "log,user,im"
    interface: bool = False
    auth_keys: AuthKeys = "documented"


class AppFinish(Asked, frozen=True, kw_only=True):
    """Finish the installation of an application with an interface."""

    client_id: str


class AppUpdate(Asked, frozen=True, kw_only=True):
    """Another version of an application; what is not given stays."""

    client_id: str
    version: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,6}(\.[0-9]{1,6}){0,3}\Z")]
    handler_url: str | None = None
    install_url: str | None = None
    scope: Scopes | None = None


class AppReinstall(Asked, frozen=True, kw_only=True):
    """Install the same version of an application anew."""

    client_id: str


class AppRemove(Asked, frozen=True, kw_only=True):
    """Uninstall an application; ``clean`` asks it to erase its data."""

    client_id: str
    clean: bool = False


class AppRotate(Asked, frozen=True, kw_only=True):
    """Give an application another secret."""

    client_id: str


class AppOpen(Asked, frozen=True, kw_only=True):
    """What the frame of an application would be handed if ``user`` opened it."""

    client_id: str
    user: Number = 1


async def add_app(office: Office, portal: PortalRow, asked: AppAdd) -> Document:
    """Register an application as user 1; its secrets are in the document."""
    _check_urls(asked.handler_url, asked.install_url)
    if asked.redirect_uri and not is_redirect_uri(asked.redirect_uri):
        raise Refused(f"{asked.redirect_uri!r} is not an http or https URL without fragment and user name")
    new = NewApp(
        name=asked.name,
        handler_url=asked.handler_url,
        install_url=asked.install_url,
        redirect_uri=asked.redirect_uri,
        scope=_scopes(asked.scope),
        has_interface=asked.interface,
        auth_keys=asked.auth_keys,
    )
    fresh = registry.fresh_credentials(office.keys)

    def unit(tx: Tx) -> bool:
        active_person(tx, portal, ADMINISTRATOR)
        return lifecycle.install(tx, portal, new, fresh, installer=ADMINISTRATOR).state == "installed"

    is_installed = await office.write(portal, unit)
    return {
        "client_id": fresh.client_id,
        "client_secret": fresh.client_secret.reveal(),
        "application_token": fresh.application_token.reveal(),
        "member_id": portal.member_id,
        "installed": is_installed,
        "signing_secret": signing_secret(office.keys, fresh.client_id),
    }


async def finish_app(office: Office, portal: PortalRow, asked: AppFinish) -> Document:
    """Finish an installation from outside the browser."""
    app = await office.write(portal, lambda tx: lifecycle.finish(tx, portal, asked.client_id))
    return {"client_id": app.client_id, "installed": app.state == "installed"}


async def update_app(office: Office, portal: PortalRow, asked: AppUpdate) -> Document:
    """Give an application another version."""
    _check_urls(asked.handler_url, asked.install_url)
    scopes = None if asked.scope is None else _scopes(asked.scope)

    def unit(tx: Tx) -> registry.App:
        app = lifecycle.present(tx, portal, asked.client_id)
        release = Release(
            name=asked.version,
            handler_url=app.handler_url if asked.handler_url is None else asked.handler_url,
            install_url=app.install_url if asked.install_url is None else asked.install_url,
            scope=tuple(app.scope.split(",")) if scopes is None else scopes,
        )
        return lifecycle.update(tx, portal, asked.client_id, release)

    app = await office.write(portal, unit)
    return {"client_id": app.client_id, "version": app.release, "installed": app.state == "installed"}


async def reinstall_app(office: Office, portal: PortalRow, asked: AppReinstall) -> Document:
    """Install an application anew."""
    app = await office.write(portal, lambda tx: lifecycle.reinstall(tx, portal, asked.client_id))
    return {"client_id": app.client_id, "installed": app.state == "installed"}


async def remove_app(office: Office, portal: PortalRow, asked: AppRemove) -> Document:
    """Uninstall an application."""
    app = await office.write(
        portal, lambda tx: lifecycle.uninstall(tx, portal, asked.client_id, clean=asked.clean)
    )
    return {"client_id": app.client_id, "removed": True}


async def rotate_app(office: Office, portal: PortalRow, asked: AppRotate) -> Document:
    """Give an application another secret; it is in the document."""
    fresh = registry.fresh_credentials(office.keys)
    app = await office.write(
        portal, lambda tx: lifecycle.rotate(tx, portal, asked.client_id, fresh.secret_hash)
    )
    return {"client_id": app.client_id, "client_secret": fresh.client_secret.reveal()}


async def open_app(office: Office, portal: PortalRow, asked: AppOpen) -> Document:
    """The values of the frame POST.

    Source: settings/oauth/simple-way.md
    """
    person = UserId(asked.user)

    def unit(tx: Tx) -> tuple[registry.App, int]:
        app = lifecycle.present(tx, portal, asked.client_id)
        epoch = handlers.person_epoch(tx, portal.member_id, person)
        if epoch is None:
            raise Refused(f"there is no active person {person} on this portal")
        return app, epoch

    app, epoch = await office.store.read(unit)
    handing = Handing(
        keys=office.keys,
        portal=portal,
        app=app,
        url=app.handler_url,
        bearer=app.bearer(person, epoch),
        address=Address(host=portal.domain, is_secure=portal.public_url.startswith("https:")),
        language=portal.language,
        sid=fresh_hex(32),
        place=DEFAULT,
        options={},
        now_ms=office.clock.now_ms(),
    )
    return {**handing.query(), **handing.body()}


def _scopes(asked: str) -> tuple[str, ...]:
    scopes = tuple(scope_list([asked]).split(","))
    unknown = unknown_scopes(scopes)
    if unknown:
        raise Refused(f"there is no scope {', '.join(unknown)}")
    return scopes


def _check_urls(*urls: str | None) -> None:
    for url in urls:
        if url and not is_http_url(url):
            raise Refused(f"{url!r} is not an absolute http or https URL")


OPERATIONS: Final = (
    OperationSpec(name="app_add", asked=AppAdd, run=add_app),
    OperationSpec(name="app_finish", asked=AppFinish, run=finish_app),
    OperationSpec(name="app_update", asked=AppUpdate, run=update_app),
    OperationSpec(name="app_reinstall", asked=AppReinstall, run=reinstall_app),
    OperationSpec(name="app_remove", asked=AppRemove, run=remove_app),
    OperationSpec(name="app_rotate", asked=AppRotate, run=rotate_app),
    OperationSpec(name="app_open", asked=AppOpen, run=open_app),
)
