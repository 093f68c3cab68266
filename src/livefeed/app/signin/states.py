"""``state``: ties the answer of a portal to the browser that was sent there, for ten minutes and one use."""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hmac import compare_digest
from typing import Final

import msgspec

from livefeed.app.doors.spent import spend
from livefeed.clock import Clock
from livefeed.durable.store import Store
from livefeed.errors import SettingsError
from livefeed.secrets import KeyRing

LIFE_S: Final = 600
_CONTEXT: Final = b"oauth-state"
_LONGEST: Final = 1_000


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a departure.

    Attributes:
        origin: Of the portal that the browser was sent to.
        browser: What its cookie holds.
        until_ms: When it ends.
    """

    origin: str
    browser: str
    until_ms: int


_decode: Final = msgspec.json.Decoder(State)


@dataclass(frozen=True, slots=True, kw_only=True)
class States:
    """Writes states, and takes each back once.

    Attributes:
        keys: Seal them.
        clock: Ends them.
        store: Remembers for every process which have come back.
    """

    keys: KeyRing
    clock: Clock
    store: Store

    def write(self, origin: str) -> tuple[str, str]:
        """A new state, and what the cookie of its browser holds."""
        browser = secrets.token_urlsafe(24)
        state = State(origin=origin, browser=browser, until_ms=self.clock.now_ms() + LIFE_S * 1000)
        sealed = self.keys.seal(msgspec.json.encode(state), context=_CONTEXT)
        return urlsafe_b64encode(sealed).decode().rstrip("="), browser

    async def take(self, text: str, browser: str) -> State | None:
        """The state; None if it is none of ours, has ended or come back already, or is another browser's.

        Raises:
            StoreError: It cannot be remembered now that it has come back.
        """
        state = self._read(text)
        now_ms = self.clock.now_ms()
        if state is None or now_ms >= state.until_ms or not browser:
            return None
        if not compare_digest(state.browser.encode(), browser.encode()):
            return None
        mark = self.keys.hash(f"state {state.browser}")
        is_first = await self.store.write(lambda tx: spend(tx, mark, until_ms=state.until_ms))
        return state if is_first else None

    def _read(self, text: str) -> State | None:
        if not text or len(text) > _LONGEST or not text.isascii():
            return None
        try:
            sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            return _decode.decode(self.keys.open(sealed, context=_CONTEXT))
        except (SettingsError, msgspec.DecodeError, ValueError):
            return None
