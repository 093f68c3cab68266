"""The postman: makes the portal's POSTs in place of its HTTP client, as the faults in force have it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from livefeed.clock import fresh_hex
from livefeed.errors import ConnectionReset, TransportError
from livefeed.net.http import HttpAnswer
from livefeed.portal.events.sender import Postman
from livefeed.testing.faults.guests import Guests
from livefeed.testing.faults.scene import Occasion, Scene
from livefeed.testing.seen import Delivery
from livefeed.wire.form import Form, decode, encode

Uninstall = Callable[[str, bool], Awaitable[None]]
"""Uninstalls the application with this client_id; the second word asks it to erase its data."""

_TAKEN: Final = HttpAnswer(status=200, headers={}, body=b"")
_TOKENS: Final = ("access_token", "expires_in", "refresh_token", "user_id", "expires")
_SIGNED: Final = "webhook-signature"


class _Held(msgspec.Struct, kw_only=True):
    """A delivery that comes later: when the clock has passed ``due_ms``, in the order of ``rank``.

    One that ``is_late`` is only late; others come after all that is due.
    """

    letter: Delivery
    occasion: Occasion
    due_ms: int
    rank: float
    is_burst: bool
    is_late: bool


class FaultyPostman:
    """Sends through another postman, and keeps what became of each delivery in the scene.

    Attributes:
        under_way: How many POSTs are being made at this moment.
    """

    def __init__(self, postman: Postman, scene: Scene, *, guests: Guests, uninstall: Uninstall) -> None:
        self._postman = postman
        self._scene = scene
        self._guests = guests
        self._uninstall = uninstall
        self._held: list[_Held] = []
        self.under_way = 0

    async def deliver(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """Make one POST, unless a fault has it otherwise.

        Raises:
            TransportError: As the postman behind it; or a fault lost the delivery, or its answer.
        """
        self.under_way += 1
        try:
            return await self._deliver(url, body, headers)
        finally:
            self.under_way -= 1

    async def _deliver(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        letter = await self._letter(url, body, headers)
        path = url.partition("://")[2].partition("/")[2]
        occasion = self._scene.occasion(f"/{path} {letter.event} {letter.post}")
        if (rule := occasion.strikes("uninstall")) is not None and letter.client_id:
            await self._uninstall(letter.client_id, rule.clean)
        letter = await self._rewritten(letter, occasion)
        if occasion.strikes("drop before") is not None:
            self._keep(letter, occasion, error="reset", was_received=False)
            raise ConnectionReset("a fault dropped the delivery before it was processed")
        if (held := self._hold(letter, occasion)) is not None:
            self._held.append(held)
            return _TAKEN
        is_lost = occasion.strikes("drop after") is not None
        answer = await self._send(letter, occasion, is_lost=is_lost)
        if occasion.strikes("duplicate") is not None:
            await self._send_again(letter, occasion)
        if is_lost:
            raise ConnectionReset("a fault dropped the answer after the delivery was processed")
        return answer

    async def release(self) -> int:
        """Send what was held back and is due now; how many that were."""
        return await self._release(lambda _: True)

    async def release_late(self) -> int:
        """Send what was only late and is due now; what is to be overtaken waits for `release`."""
        return await self._release(lambda one: one.is_late)

    async def _release(self, is_meant: Callable[[_Held], bool]) -> int:
        now_ms = self._scene.clock.now_ms()
        held = sorted(self._held, key=lambda one: one.rank)
        due = [one for one in held if one.due_ms <= now_ms and is_meant(one)]
        self._held = [one for one in self._held if one not in due]
        await asyncio.gather(*(self._send_again(one.letter, one.occasion) for one in due if one.is_burst))
        for one in due:
            if not one.is_burst:
                await self._send_again(one.letter, one.occasion)
        return len(due)

    def next_due_ms(self) -> int | None:
        """When the next delivery that is held back is due; None: nothing is held back."""
        return min((one.due_ms for one in self._held), default=None)

    def _hold(self, letter: Delivery, occasion: Occasion) -> _Held | None:
        wait_s, is_burst = 0.0, False
        if (rule := occasion.strikes("delay")) is not None:
            wait_s = rule.seconds
        elif occasion.strikes("burst") is not None:
            is_burst = True
        elif occasion.strikes("reorder") is None:
            return None
        due_ms = self._scene.clock.now_ms() + round(wait_s * 1000)
        return _Held(
            letter=letter,
            occasion=occasion,
            due_ms=due_ms,
            rank=occasion.rank(),
            is_burst=is_burst,
            is_late=rule is not None,
        )

    async def _send_again(self, letter: Delivery, occasion: Occasion) -> None:
        """Send what the portal takes for delivered already; what becomes of it is in the scene."""
        try:
            await self._send(letter, occasion)
        except TransportError:
            return

    async def _send(self, letter: Delivery, occasion: Occasion, *, is_lost: bool = False) -> HttpAnswer:
        try:
            answer = await self._postman.deliver(letter.url, body=letter.body, headers=letter.headers)
        except TransportError as exc:
            self._keep(letter, occasion, error=exc.kind, was_received=exc.kind in {"timeout", "reset"})
            raise
        if is_lost:
            self._keep(letter, occasion, error="reset")
        else:
            self._keep(letter, occasion, status=answer.status)
        return answer

    def _keep(
        self,
        letter: Delivery,
        occasion: Occasion,
        *,
        status: int | None = None,
        error: str | None = None,
        was_received: bool = True,
    ) -> None:
        told = msgspec.structs.replace(
            letter,
            at_ms=self._scene.clock.now_ms(),
            status=status,
            error=error,
            was_received=was_received,
            faults=tuple(occasion.struck),
        )
        self._scene.see(told)

    async def _letter(self, url: str, body: bytes, headers: Mapping[str, str]) -> Delivery:
        form: Any = decode(body, strict=True)
        sender = await self._guests.sender(form["auth"].get("application_token", ""))
        data: Any = form.get("data", {})
        fields: Any = data.get("FIELDS", {})
        post: Any = fields.get("POST_ID") if hasattr(fields, "get") else None
        return Delivery(
            event=form["event"].upper(),
            post=None if post is None else int(post),
            url=url,
            client_id="" if sender is None else sender.client_id,
            webhook_id=headers.get("webhook-id", ""),
            at_ms=self._scene.clock.now_ms(),
            body=body,
            headers=dict(headers),
        )

    async def _rewritten(self, letter: Delivery, occasion: Occasion) -> Delivery:
        """The body with other credentials where a fault wants them; tokens that it carries are given out."""
        form: Any = letter.form
        auth: Form = form["auth"]
        if "access_token" in auth:
            if occasion.strikes("no tokens") is not None:
                kept: Form = {key: value for key, value in auth.items() if key not in _TOKENS}
                letter = await self._resigned(letter, form, kept)
            else:
                self._scene.give(letter.client_id, str(auth["access_token"]))
        if occasion.strikes("expired token") is not None:
            self._scene.expire(letter.client_id)
        if occasion.strikes("wrong application_token") is not None:
            forged: Form = {**letter.auth, "application_token": fresh_hex(32)}
            headers = {name: value for name, value in letter.headers.items() if name != _SIGNED}
            body = encode({**form, "auth": forged})
            letter = msgspec.structs.replace(letter, body=body, headers=headers)
        return letter

    async def _resigned(self, letter: Delivery, form: Form, auth: Form) -> Delivery:
        """The same delivery with another ``auth`` block, signed as the portal would sign it."""
        body, headers = encode({**form, "auth": auth}), letter.headers
        sender = await self._guests.sender(str(auth["application_token"]))
        if _SIGNED in headers and sender is not None:
            ts = int(headers["webhook-timestamp"])
            headers = sender.signer.headers(letter.webhook_id, ts, body)
        return msgspec.structs.replace(letter, body=body, headers=headers)
