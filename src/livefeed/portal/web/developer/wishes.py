"""What the forms of the developer area ask for, read and checked: each problem is a sentence for people."""

import re
from collections.abc import Mapping
from typing import Final, cast, get_args

from livefeed.errors import LivefeedError
from livefeed.net.http import is_http_url
from livefeed.portal.apps.redirects import is_redirect_uri
from livefeed.portal.apps.registry import App, AuthKeys, NewApp, Release
from livefeed.ui.languages import Words, noted
from livefeed.wire.params import Params
from livefeed.wire.scopes import unknown_scopes

OFFERED: Final = ("log", "user", "im", "department", "sonet_group", "placement")
"""Scopes of methods that this portal has; others can be written beside them."""

_MOST_CHARS: Final = 200
_VERSION: Final = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6}){0,3}")
_NOT_A_URL: Final = noted("This is not an absolute http or https URL.")


class Unusable(LivefeedError):
    """A form cannot be used; ``problems`` say why, by field."""

    def __init__(self, problems: Mapping[str, Words]) -> None:
        super().__init__(", ".join(problems))
        self.problems = problems


def read_app(form: Params) -> NewApp:
    """The application that a form describes.

    Raises:
        Unusable: Fields are missing or cannot be read.
    """
    name, scopes = form.text("name").strip(), read_scopes(form)
    problems = _url_problems(form)
    if not name or len(name) > _MOST_CHARS:
        problems["name"] = noted("Give it a name of at most %(most)s characters.", most=_MOST_CHARS)
    redirect_uri = form.text("redirect_uri").strip()
    if redirect_uri and not is_redirect_uri(redirect_uri):
        problems["redirect_uri"] = noted("This is not an http or https URL without fragment and user name.")
    problems.update(_scope_problems(scopes))
    auth_keys = form.text("auth_keys", "documented")
    if auth_keys not in get_args(AuthKeys):
        problems["auth_keys"] = noted("Choose one of these.")
    if problems:
        raise Unusable(problems)
    return NewApp(
        name=name,
        handler_url=form.text("handler_url").strip(),
        install_url=form.text("install_url").strip(),
        redirect_uri=redirect_uri,
        scope=tuple(scopes),
        has_interface=form.flag("has_interface"),
        auth_keys=cast("AuthKeys", auth_keys),
    )


def read_release(form: Params, app: App) -> Release:
    """The next version of ``app`` that a form describes.

    Raises:
        Unusable: Fields are missing or cannot be read.
    """
    version, scopes = form.text("version").strip(), read_scopes(form)
    problems = _url_problems(form)
    if not _VERSION.fullmatch(version):
        problems["version"] = noted("A version is numbers between points, such as 2.0.0.")
    elif version == app.release:
        problems["version"] = noted("It has this version already.")
    problems.update(_scope_problems(scopes))
    if problems:
        raise Unusable(problems)
    return Release(
        name=version,
        handler_url=form.text("handler_url").strip(),
        install_url=form.text("install_url").strip(),
        scope=tuple(scopes),
    )


def read_scopes(form: Params) -> list[str]:
    """The scopes that are ticked, then those that are written, each once."""
    written = form.text("more_scopes").replace(",", " ").lower().split()
    return list(dict.fromkeys([*form.texts("scope"), *written]))


def _url_problems(form: Params) -> dict[str, Words]:
    return {
        field: _NOT_A_URL
        for field in ("handler_url", "install_url")
        if (url := form.text(field).strip()) and not is_http_url(url)
    }


def _scope_problems(scopes: list[str]) -> dict[str, Words]:
    if not scopes:
        return {"scope": noted("Choose at least one scope.")}
    unknown = unknown_scopes(scopes)
    if unknown:
        return {"scope": noted("There is no scope %(scopes)s.", scopes=", ".join(unknown))}
    return {}
