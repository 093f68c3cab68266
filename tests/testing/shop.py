"""An application as a stranger would write it: WSGI, the standard library, one list of what came in."""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from livefeed.testing.company import InstalledApp
from livefeed.testing.portal import LocalPortal
from livefeed.wire.form import decode


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirects())


@dataclass
class Answer:
    status: int
    body: bytes
    headers: Any

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(url: str, **params: object) -> Answer:
    """POST a form; whatever the answer is, it is returned."""
    try:
        with OPENER.open(url, urllib.parse.urlencode(params).encode(), timeout=10) as answer:
            return Answer(answer.status, answer.read(), answer.headers)
    except urllib.error.HTTPError as exc:
        with exc:
            return Answer(exc.code, exc.read(), exc.headers)


def refresh(portal: LocalPortal, app: InstalledApp, refresh_token: str) -> Answer:
    return ask(
        f"{portal.url}/oauth/token/",
        grant_type="refresh_token",
        client_id=app.client_id,
        client_secret=app.client_secret,
        refresh_token=refresh_token,
    )


@dataclass
class Shop:
    """Takes every POST with 200, unless it was told otherwise."""

    status: str = "200 OK"
    got: list[Any] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    on_event: Callable[[Any], object] | None = None
    app: dict[str, Any] = field(default_factory=dict)

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        form = decode(body, strict=True)
        self.bodies.append(body)
        self.got.append(form)
        self.headers.append({key: str(value) for key, value in environ.items() if key.startswith("HTTP_")})
        if self.on_event is not None:
            self.on_event(form)
        start_response(self.status, [("Content-Length", "0")])
        return [b""]

    @property
    def posts(self) -> list[int]:
        return [int(form["data"]["FIELDS"]["POST_ID"]) for form in self.got]

    @property
    def auths(self) -> list[dict[str, str]]:
        return [form["auth"] for form in self.got]


@dataclass
class Installed:
    """A shop that hears of edits on a portal."""

    portal: LocalPortal
    shop: Shop
    app: InstalledApp
    url: str

    def read(self, form: Any) -> Answer:
        """What a handler does: read the post of an event with the event's token."""
        return ask(
            f"{self.portal.url}/rest/log.blogpost.get",
            POST_ID=form["data"]["FIELDS"]["POST_ID"],
            auth=form["auth"].get("access_token", ""),
        )


def installed(portal: LocalPortal, *events: str) -> Installed:
    shop = Shop()
    url = f"{portal.serve_wsgi(shop)}/events"
    app = portal.install(events=dict.fromkeys(events or ("OnLiveFeedPostUpdate",), url))
    return Installed(portal, shop, app, url)


def broken(url: str, **params: object) -> None:
    """The connection is reset before an answer came."""
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        ask(url, **params)
