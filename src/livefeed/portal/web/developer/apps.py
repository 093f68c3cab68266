"""Applications: the list, one of them, the form for a new one, and a page to confirm before each change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from livefeed.durable.store import Tx
from livefeed.portal import lifecycle
from livefeed.portal.apps import registry
from livefeed.portal.apps.registry import App, Credentials
from livefeed.portal.events.sender import signing_secret
from livefeed.portal.frames import placements
from livefeed.portal.lifecycle import Refused
from livefeed.portal.web.desk import Go, Guest, Result, Shown, Sorry
from livefeed.portal.web.developer import wishes
from livefeed.portal.web.developer.standing import app_card
from livefeed.portal.web.developer.wishes import OFFERED, Unusable
from livefeed.secrets import KeyRing
from livefeed.ui.languages import Words, noted
from livefeed.wire.ids import AppId

NO_APP: Final = Sorry(
    status=404,
    heading=noted("No such application"),
    text=noted("There is none with this number on this portal."),
    back="/developer/",
)

_SAID: Final = {
    "finished": noted("The installation is finished; nothing is withheld from here on."),
    "updated": noted("The application has another version. It binds its handlers anew."),
    "reinstalled": noted("The application is being installed anew."),
    "removed": noted("The application is uninstalled."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What can be done to an application, after a page that asks whether it is meant.

    Attributes:
        title: What it is called on its button.
        text: What comes of it.
        button: The last word.
        is_grave: It cannot be undone.
    """

    title: Words
    text: Words
    button: Words
    is_grave: bool = False


CHANGES: Final[Mapping[str, Change]] = {
    "finish": Change(
        title=noted("Finish the installation"),
        text=noted(
            "From here on its events are sent, its pages are open to everybody, and it is told that it is "
            "installed. What was withheld until now is not sent later."
        ),
        button=noted("Finish the installation"),
    ),
    "update": Change(
        title=noted("Update"),
        text=noted(
            "An update removes all handlers and widgets of the application, as Bitrix24 does; it is told of "
            "the update and binds them anew. Settings and tokens stay."
        ),
        button=noted("Update"),
    ),
    "reinstall": Change(
        title=noted("Reinstall"),
        text=noted(
            "Handlers and widgets are removed, and the application is installed anew. One with an interface "
            "is withheld until its installer has finished."
        ),
        button=noted("Reinstall"),
    ),
    "rotate": Change(
        title=noted("New secret"),
        text=noted(
            "The client_secret and every token of the application are dead at once. It works again when it "
            "is started with the new secret, which is shown once."
        ),
        button=noted("Make a new secret"),
        is_grave=True,
    ),
    "uninstall": Change(
        title=noted("Uninstall"),
        text=noted(
            "Handlers, widgets, settings and tokens are gone at once. This cannot be undone: registered "
            "anew, the application has another client_id."
        ),
        button=noted("Uninstall"),
        is_grave=True,
    ),
}


def shown_list(tx: Tx, guest: Guest) -> Shown:
    """Every application, those that were uninstalled last."""
    cards = [app_card(tx, guest, app) for app in registry.every(tx, guest.portal.member_id)]
    cards.sort(key=lambda card: card.is_removed)
    said = _SAID.get(guest.query.get("said", ""))
    return Shown(template="developer.html", values={"cards": cards, "said": said})


def shown_app(tx: Tx, guest: Guest) -> Result:
    """One application with its handlers and widgets."""
    app = found(tx, guest)
    if app is None:
        return NO_APP
    values = {
        "card": app_card(tx, guest, app),
        "widgets": placements.of_app(tx, app.id),
        "changes": {name: CHANGES[name] for name in offered(app)},
        "said": _SAID.get(guest.query.get("said", "")),
    }
    return Shown(template="app_page.html", values=values)


def shown_new(_tx: Tx, _guest: Guest) -> Shown:
    """The empty form."""
    given = {"scope": ["log", "user", "im"], "auth_keys": "documented"}
    return _new_form(given, {}, 200)


def made(keys: KeyRing, fresh: Credentials) -> Callable[[Tx, Guest], Result]:
    """The unit that registers what the form describes and shows its secrets this once."""
    signing = signing_secret(keys, fresh.client_id)

    def unit(tx: Tx, guest: Guest) -> Result:
        try:
            new = wishes.read_app(guest.form)
        except Unusable as exc:
            return _new_form(_given(guest), exc.problems, 400)
        app = lifecycle.install(tx, guest.portal, new, fresh, installer=guest.me.id)
        return _secrets(guest, app, fresh, signing, is_new=True)

    return unit


def shown_change(tx: Tx, guest: Guest) -> Result:
    """The page that asks whether a change is meant."""
    app, name = found(tx, guest), guest.path["change"]
    if app is None or name not in offered(app):
        return NO_APP
    given: dict[str, object] = {
        "version": "",
        "handler_url": app.handler_url,
        "install_url": app.install_url,
        "scope": sorted(app.scopes),
    }
    return _change_form(app, name, given, {}, 200)


def changed(fresh: Credentials) -> Callable[[Tx, Guest], Result]:
    """The unit that makes the change named in the address."""

    def unit(tx: Tx, guest: Guest) -> Result:
        app, name = found(tx, guest), guest.path["change"]
        if app is None or name not in offered(app):
            return NO_APP
        try:
            return _apply(tx, guest, app, name)
        except Unusable as exc:
            return _change_form(app, name, _given(guest), exc.problems, 400)
        except Refused as exc:
            return _refused(app, exc)

    def _apply(tx: Tx, guest: Guest, app: App, name: str) -> Result:
        page = f"/developer/apps/{app.id}"
        match name:
            case "finish":
                lifecycle.finish(tx, guest.portal, app.client_id)
                return Go(location=f"{page}?said=finished")
            case "update":
                lifecycle.update(tx, guest.portal, app.client_id, wishes.read_release(guest.form, app))
                return Go(location=f"{page}?said=updated")
            case "reinstall":
                lifecycle.reinstall(tx, guest.portal, app.client_id)
                return Go(location=f"{page}?said=reinstalled")
            case "rotate":
                rotated = lifecycle.rotate(tx, guest.portal, app.client_id, fresh.secret_hash)
                return _secrets(guest, rotated, fresh, "", is_new=False)
            case _:
                clean = guest.form.flag("clean")
                lifecycle.uninstall(tx, guest.portal, app.client_id, clean=clean)
                return Go(location="/developer/?said=removed")

    return unit


def found(tx: Tx, guest: Guest) -> App | None:
    """The application in the address, if it is of this portal."""
    app = registry.find(tx, AppId(guest.number("app")))
    return app if app is not None and app.portal == guest.portal.member_id else None


def offered(app: App) -> list[str]:
    """The changes that can be made to an application as it is."""
    if app.state == "removed":
        return []
    return [name for name in CHANGES if name != "finish" or app.state == "withheld"]


def _new_form(given: Mapping[str, object], problems: Mapping[str, Words], status: int) -> Shown:
    values = {"given": given, "problems": problems, "offered": OFFERED}
    return Shown(template="app_new.html", values=values, status=status)


def _change_form(
    app: App, name: str, given: Mapping[str, object], problems: Mapping[str, Words], status: int
) -> Shown:
    values = {
        "app": app,
        "name": name,
        "change": CHANGES[name],
        "given": given,
        "problems": problems,
        "offered": OFFERED,
    }
    return Shown(template="app_change.html", values=values, status=status)


def _given(guest: Guest) -> dict[str, object]:
    fields = ("name", "handler_url", "install_url", "redirect_uri", "more_scopes", "auth_keys", "version")
    given: dict[str, object] = {field: guest.form.text(field) for field in fields}
    return {**given, "scope": guest.form.texts("scope"), "has_interface": guest.form.flag("has_interface")}


def _secrets(guest: Guest, app: App, fresh: Credentials, signing: str, *, is_new: bool) -> Shown:
    values = {
        "app": app,
        "portal": guest.portal,
        "client_secret": fresh.client_secret.reveal(),
        "application_token": fresh.application_token.reveal() if is_new else "",
        "signing_secret": signing,
    }
    return Shown(template="app_secrets.html", values=values)


def _refused(app: App, exc: Refused) -> Sorry:
    return Sorry(
        status=409,
        heading=noted("This cannot be done"),
        text=Words(text=str(exc)),
        back=f"/developer/apps/{app.id}",
    )
