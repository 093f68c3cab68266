"""``GET /oauth/start`` sends a browser to its portal, ``GET /oauth/callback`` takes it back with a code."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Final, assert_never
from urllib.parse import parse_qsl, urlencode

from livefeed.app.doors.crowds import Crowd
from livefeed.app.exchange import DoorAnswer, Scope, header_of
from livefeed.app.frames import telling
from livefeed.app.frames.door import FrameDoor
from livefeed.app.installs.ladder import Quarantined, Refused
from livefeed.app.installs.openings import NeedsAdministrator, Opened, Opening, Openings
from livefeed.app.runtime import Runtime
from livefeed.app.signin.portals import find_origin
from livefeed.app.signin.states import LIFE_S, State, States
from livefeed.errors import Fault, StoreError, TransportError
from livefeed.secrets import Secret
from livefeed.telemetry import logger
from livefeed.ui.languages import Words, chosen, noted
from livefeed.ui.pages import Page, page

PREFIX: Final = "/oauth/"
_LOG: Final = logger("app")
_COOKIE: Final = "livefeed_oauth"
_CODE: Final = re.compile(r"[A-Za-z0-9._-]{1,300}")
_AT_ONCE: Final = 8
_LONGEST_QUERY: Final = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInDoor:
    """Signs people in at their portal, without a page of that portal around.

    Attributes:
        runtime: What runs.
        openings: Keeps the pair that a code is exchanged for.
        frames: Shows the application's own page afterwards.
        states: Ties departure and return together.
    """

    runtime: Runtime
    openings: Openings
    frames: FrameDoor
    states: States
    crowd: Crowd = field(default_factory=lambda: Crowd(_AT_ONCE))

    async def answer(self, scope: Scope) -> Page | DoorAnswer:
        """Answer one request of a path that begins with `PREFIX`."""
        if scope["method"] != "GET":
            return DoorAnswer(405, "method_not_allowed", "signing in is asked for by GET")
        query = _query(scope["query_string"])
        language = chosen(accepted=header_of(scope, b"accept-language"))
        match scope["path"]:
            case "/oauth/start":
                return self._start(query, language)
            case "/oauth/callback":
                return await self._callback(query, _cookie(scope), language)
            case _:
                return telling.nothing_here(language, "")

    def _start(self, query: Mapping[str, str], language: str) -> Page:
        origin = find_origin(query.get("portal", ""), self.runtime.portals, self.runtime.settings)
        if origin is None:
            text = noted("Ask whoever runs the application to name your portal in its settings.")
            return telling.told_page(400, noted("This portal is not known here"), text, language=language)
        state, browser = self.states.write(origin)
        asked = urlencode({"client_id": self.openings.ladder.endpoint.client_id, "state": state})
        headers = {
            "location": f"{origin}/oauth/authorize/?{asked}",
            "set-cookie": self._set_cookie(browser, LIFE_S),
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
        }
        return Page(status=303, headers=headers, body=b"")

    async def _callback(self, query: Mapping[str, str], browser: str, language: str) -> Page:
        try:
            state = await self.states.take(query.get("state", ""), browser)
        except StoreError:
            return telling.not_now(language, "")
        if state is None:
            text = noted("It was begun in another browser, more than ten minutes ago, or is over already.")
            return self._over(telling.told_page(403, _AGAIN, text, language=language))
        code = query.get("code", "")
        if _CODE.fullmatch(code) is None:
            text = noted("Your portal has sent no code back.")
            return self._over(telling.told_page(400, _AGAIN, text, language=language))
        return self._over(await self._signed_in(Secret(code), state, query.get("member_id", ""), language))

    async def _signed_in(self, code: Secret, state: State, member_id: str, language: str) -> Page:
        if self.crowd.is_full:
            return telling.not_now(language, "")
        try:
            with self.crowd.entered():
                opening = await self.openings.sign_in(
                    code, origin=state.origin, member_id=member_id, language=language
                )
        except (TransportError, Fault, StoreError) as exc:
            _LOG.warning("sign_in_postponed", origin=state.origin, error=str(exc))
            return telling.not_now(language, "")
        return self._told(opening, language)

    def _told(self, opening: Opening, language: str) -> Page:
        match opening:
            case Opened(member_id=member_id, user_id=user_id):
                link = self.frames.ticket_for(member_id, user_id, language=language)
                return page(
                    "inside_told.html",
                    language=language,
                    heading=noted("You have signed in"),
                    text=noted("The application may now act for you. You can close this page."),
                    link=link,
                    label=noted("To the application"),
                )
            case NeedsAdministrator():
                return telling.needs_administrator(language, "")
            case Quarantined():
                return telling.waits(language, "")
            case Refused():
                text = noted("Your portal did not confirm the code: it counts for half a minute, and once.")
                return telling.told_page(403, _AGAIN, text, language=language)
            case _:
                assert_never(opening)

    def _over(self, shown: Page) -> Page:
        """The page without the cookie: what has come back once does not come back again."""
        headers = {**shown.headers, "set-cookie": self._set_cookie("", 0), "referrer-policy": "no-referrer"}
        return Page(status=shown.status, headers=headers, body=shown.body)

    def _set_cookie(self, value: str, life_s: int) -> str:
        secure = "; Secure" if self.runtime.settings.public_url.startswith("https://") else ""
        return f"{_COOKIE}={value}; Path=/; Max-Age={life_s}; HttpOnly; SameSite=Lax{secure}"


_AGAIN: Final[Words] = noted("Sign in again")


def _query(text: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(text[:_LONGEST_QUERY].decode("ascii"), max_num_fields=20))
    except ValueError:
        return {}


def _cookie(scope: Scope) -> str:
    try:
        cookies = SimpleCookie(header_of(scope, b"cookie"))
    except CookieError:
        return ""
    return cookies[_COOKIE].value if _COOKIE in cookies else ""
