"""Who looks at a page: the cookies that carry sessions, and the token that proves a form is our own."""

import asyncio
import hmac
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from livefeed.clock import fresh_code
from livefeed.errors import WireError
from livefeed.portal.people.sessions import SESSION_LIFE_S
from livefeed.secrets import KeyRing
from livefeed.ui import cookies
from livefeed.wire.form import Limits, decode
from livefeed.wire.params import Params

SESSION_COOKIE: Final = "livefeed_session"
VISIT_COOKIE: Final = "livefeed_visit"
LANGUAGE_COOKIE: Final = "livefeed_language"
"""The first two are followed by the port, if it is named; see `cookie_name`."""

_CODE_CHARS: Final = 32
BODY_TIMEOUT_S: Final = 30.0
"""How long a browser may take for a form."""

_FORM_LIMITS: Final = Limits(max_bytes=1_000_000, max_keys=300, max_depth=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One browser, signed in or not.

    Attributes:
        code: What its cookie holds; the form token hangs on it.
        is_session: Whether it claims to be signed in; the database knows whether that is so.
    """

    code: str
    is_session: bool

    def hash(self, keys: KeyRing) -> bytes:
        """As which the session is stored."""
        return keys.hash(self.code)

    def token(self, keys: KeyRing) -> str:
        """The token of every form shown to this browser; another one after signing in or out."""
        return blake2b(self.code.encode(), digest_size=16, key=keys.derive("form.token")).hexdigest()


def cookie_name(request: Request, kind: str) -> str:
    """What a cookie of this kind is called at the port that was asked."""
    return cookies.cookie_name(kind, request.headers.get("host", ""))


def visit_of(request: Request) -> Visit:
    """The browser that sent ``request``; a new one gets a new code."""
    session = request.cookies.get(cookie_name(request, SESSION_COOKIE), "")
    if _is_code(session):
        return Visit(code=session, is_session=True)
    code = request.cookies.get(cookie_name(request, VISIT_COOKIE), "")
    return Visit(code=code if _is_code(code) else fresh_code(_CODE_CHARS), is_session=False)


def fresh_session() -> Visit:
    """The session that somebody gets who signs in: never one that the browser brought."""
    return Visit(code=fresh_code(_CODE_CHARS), is_session=True)


def remember(response: Response, request: Request, visit: Visit) -> None:
    """Let the browser keep its code; no script can read it, no other site can send it."""
    kinds = (SESSION_COOKIE, VISIT_COOKIE) if visit.is_session else (VISIT_COOKIE, SESSION_COOKIE)
    name, over = (cookie_name(request, kind) for kind in kinds)
    is_secure = request.url.scheme == "https"
    max_age = SESSION_LIFE_S if visit.is_session else None
    response.set_cookie(
        name, visit.code, httponly=True, samesite="lax", secure=is_secure, max_age=max_age, path="/"
    )
    if over in request.cookies:
        response.delete_cookie(over, httponly=True, samesite="lax", secure=is_secure, path="/")


async def read_form(request: Request) -> Params:
    """The fields of a form.

    Raises:
        TooLarge: The form is longer than 1 MB.
        WireError: There is a NUL in it, it does not come in time, or the browser has left.
    """
    body = await read_body(request, most_bytes=_FORM_LIMITS.max_bytes)
    return Params(decode(body, limits=_FORM_LIMITS, strict=False))


async def read_body(request: Request, *, most_bytes: int) -> bytes:
    """The body of a request; of one that is longer than ``most_bytes``, as much as shows that it is.

    Raises:
        WireError: It does not come in `BODY_TIMEOUT_S`, or the browser has left.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most_bytes:
                    break
    except TimeoutError as exc:
        raise WireError("body", "all of it in time", "a part") from exc
    except ClientDisconnect as exc:
        raise WireError("body", "all of it", "the end of the connection") from exc
    return bytes(body)


def is_own(request: Request, form: Params, visit: Visit, keys: KeyRing) -> bool:
    """Whether a form was shown by this server to this browser, and is sent from one of its pages."""
    origin = request.headers.get("origin")
    if origin is not None and _host_of(origin) != request.headers.get("host", "").lower():
        return False
    try:
        given = form.text("token") or request.headers.get("x-livefeed-token", "")
    except WireError:
        return False
    return hmac.compare_digest(given.encode(), visit.token(keys).encode())


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _is_code(text: str) -> bool:
    return len(text) == _CODE_CHARS and text.isascii() and text.isalnum()
