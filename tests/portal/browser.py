"""A browser without a screen: it keeps cookies and fills in forms as they are shown."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

from starlette.types import ASGIApp

from livefeed.portal.people import sessions
from livefeed.portal.web.desk import session
from livefeed.wire.ids import UserId

from .asgi import HOST, Response, request
from .conftest import House

PORT_FOLLOWS = (session.SESSION_COOKIE, session.VISIT_COOKIE)
FORM = "application/x-www-form-urlencoded"


class Browser:
    """One browser with its cookies; nobody is signed in until `signed_in`.

    Attributes:
        cookies: Name → value; of one server only, so the port that it puts behind its names is left out.
        sent_along: What else is sent: cookies of another port of the host.
    """

    def __init__(self, app: ASGIApp, **options: Any) -> None:
        self._app = app
        self._options = options
        self.cookies: dict[str, str] = {}
        _, colon, port = options.get("host", HOST).rpartition(":")
        self._port = f"_{port}" if colon else ""
        self.sent_along: Callable[[], dict[str, str]] = dict

    async def get(self, url: str, **headers: str) -> Response:
        return self._kept(
            await request(self._app, "GET", url, headers=self._headers(headers), **self._options)
        )

    async def submit(self, url: str, *, seen_at: str = "/", **fields: str) -> Response:
        """Send a form that the page at ``seen_at`` shows."""
        return await self.send(url, token=await self.token(seen_at), **fields)

    async def send(self, url: str, *, headers: dict[str, str] | None = None, **fields: str) -> Response:
        """Send any form."""
        body = "&".join(f"{name}={quote_plus(value)}" for name, value in fields.items()).encode()
        return await self.send_body(url, body, headers=headers)

    async def send_body(self, url: str, body: bytes, *, headers: dict[str, str] | None = None) -> Response:
        """Send a form that is encoded already; names may come several times."""
        sent = self._headers({"content-type": FORM, **(headers or {})})
        return self._kept(await request(self._app, "POST", url, body=body, headers=sent, **self._options))

    async def token(self, seen_at: str = "/") -> str:
        """The form token of a page."""
        return re.findall(r'name="token" value="(\w+)"', (await self.get(seen_at)).text)[0]

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        cookies = {**self.sent_along(), **self.at_port()}
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return {**({"cookie": cookie} if cookie else {}), **more}

    def at_port(self) -> dict[str, str]:
        """The cookies as the server names them."""
        return {
            f"{name}{self._port}" if name in PORT_FOLLOWS else name: value
            for name, value in self.cookies.items()
        }

    def _kept(self, response: Response) -> Response:
        for line in response.headers.get("set-cookie", "").splitlines():
            name, _, rest = line.partition("=")
            name = name.removesuffix(self._port)
            value = rest.partition(";")[0].strip('"')
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return response


async def signed_in(house: House, person: int = 1, *, app: ASGIApp | None = None, **options: Any) -> Browser:
    """A browser in which ``person`` is signed in."""
    browser, visit = Browser(app or house.app, **options), session.fresh_session()
    member_id, code = house.portal.member_id, visit.hash(house.keys)
    assert await house.store.write(lambda tx: sessions.begin(tx, member_id, UserId(person), code))
    browser.cookies[session.SESSION_COOKIE] = visit.code
    return browser
