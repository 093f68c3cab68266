"""Getting in: a token printed at the start becomes a cookie, and each form carries a token of that cookie.

Cookies are a MAC under the token, so every process that has the token lets in whom another one let in.
"""

import hmac
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import quote

from livefeed.clock import Clock
from livefeed.ui.cookies import cookie_name

COOKIE: Final = "livefeed_console"
COOKIE_LIFE_S: Final = 12 * 3_600
"""How long one is let in before the token is asked for again; it ends with the token in any case."""

_PATH: Final = "/console/"


def console_url(base_url: str, token: str) -> str:
    """The address that is printed at the start: ``http://127.0.0.1:8025/console/?token=…``."""
    return f"{base_url.rstrip('/')}{_PATH}?token={quote(token)}"


class Entry:
    """Who may look at the console: whoever has its token; without one it is closed."""

    def __init__(self, token: str, clock: Clock) -> None:
        self._clock = clock
        self._token = token
        self._key = blake2b(token.encode(), digest_size=32, person=b"livefeed.console").digest()

    @property
    def is_open(self) -> bool:
        """Whether there is a token at all."""
        return bool(self._token)

    def accepts(self, token: str) -> bool:
        """Whether this is the token that was printed."""
        return bool(self._token) and hmac.compare_digest(token.encode(), self._token.encode())

    def fresh_cookie(self) -> str:
        """The value of a cookie that lets one in from now on: when it ends, and a MAC."""
        ends_at = self._clock.now_ms() + COOKIE_LIFE_S * 1000
        return f"{ends_at}.{self._mac(f'cookie {ends_at}')}"

    def admits(self, cookie: str) -> bool:
        """Whether a cookie was given out for this token and is not over; it may have been given back."""
        ends_at, _, mac = cookie.partition(".")
        is_own = hmac.compare_digest(mac.encode(), self._mac(f"cookie {ends_at}").encode())
        return self.is_open and is_own and int(ends_at) > self._clock.now_ms()

    def mark(self, cookie: str) -> tuple[str, int]:
        """What is remembered of an admitted cookie that is given back, and until when, in ms."""
        return f"console {cookie}", int(cookie.partition(".")[0])

    def form_token(self, cookie: str) -> str:
        """The token of every form shown to whoever has this cookie."""
        return self._mac(f"form {cookie}")

    def is_own_form(self, cookie: str, token: str) -> bool:
        """Whether a form was shown by this console to whoever has this cookie."""
        return hmac.compare_digest(token.encode(), self.form_token(cookie).encode())

    def _mac(self, text: str) -> str:
        return blake2b(text.encode(), digest_size=16, key=self._key).hexdigest()


def _name(headers: Iterable[tuple[bytes, bytes]]) -> str:
    host = next((value.decode("latin-1") for name, value in headers if name == b"host"), "")
    return cookie_name(COOKIE, host)


def read_cookie(headers: Sequence[tuple[bytes, bytes]]) -> str:
    """The console's cookie of a request; empty: none."""
    for name, value in headers:
        if name == b"cookie":
            try:
                cookies = SimpleCookie(value.decode("latin-1"))
            except CookieError:
                continue
            found = cookies.get(_name(headers), cookies.get(COOKIE))
            if found is not None:
                return found.value
    return ""


def cookie_header(
    value: str, *, headers: Iterable[tuple[bytes, bytes]], is_secure: bool
) -> tuple[bytes, bytes]:
    """The header that gives whoever sent ``headers`` a cookie, or with an empty value takes it away."""
    life_s = COOKIE_LIFE_S if value else 0
    secure = "; Secure" if is_secure else ""
    # Strict would lose it on the way from the link that a terminal opens.
    text = f"{_name(headers)}={value}; Path={_PATH}; Max-Age={life_s}; HttpOnly; SameSite=Lax{secure}"
    return b"set-cookie", text.encode("ascii")
