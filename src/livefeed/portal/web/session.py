"""Who looks at a page: a person chosen in the demo, and the token that proves a form is our own."""

import hmac
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from livefeed.clock import fresh_code
from livefeed.secrets import KeyRing
from livefeed.wire.form import Limits, decode
from livefeed.wire.ids import UserId, decimal
from livefeed.wire.params import Params

_PERSON: Final = "livefeed_person"
_VISIT: Final = "livefeed_visit"
_VISIT_CHARS: Final = 32
_FORM_LIMITS: Final = Limits(max_bytes=1_000_000, max_keys=100, max_depth=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One browser.

    Attributes:
        code: What its cookie holds; the form token hangs on it.
        person: Whom it has chosen to be; None: nobody yet.
    """

    code: str
    person: UserId | None

    def token(self, keys: KeyRing) -> str:
        """The token of every form shown to this browser."""
        return blake2b(self.code.encode(), digest_size=16, key=keys.derive("form.token")).hexdigest()


def visit_of(request: Request) -> Visit:
    """The browser that sent ``request``; a new one gets a new code."""
    code = request.cookies.get(_VISIT, "")
    chosen = decimal(request.cookies.get(_PERSON, ""))
    return Visit(
        code=code if len(code) == _VISIT_CHARS and code.isalnum() else fresh_code(_VISIT_CHARS),
        person=UserId(chosen) if chosen else None,
    )


def remember(response: Response, request: Request, visit: Visit) -> None:
    """Let the browser keep its code and its person; no script can read them, no other site can send them."""
    is_secure = request.url.scheme == "https"
    response.set_cookie(_VISIT, visit.code, httponly=True, samesite="lax", secure=is_secure)
    if visit.person is not None:
        response.set_cookie(_PERSON, str(visit.person), httponly=True, samesite="lax", secure=is_secure)


async def read_form(request: Request) -> Params:
    """The fields of a form.

    Raises:
        TooLarge: The form is longer than 1 MB.
        WireError: There is a NUL in it.
    """
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        chunks.append(chunk)
        if size > _FORM_LIMITS.max_bytes:
            break
    return Params(decode(b"".join(chunks), limits=_FORM_LIMITS, strict=False))


def is_own(form: Params, visit: Visit, keys: KeyRing) -> bool:
    """Whether a form was shown by this server to this browser."""
    return hmac.compare_digest(form.text("token").encode(), visit.token(keys).encode())
