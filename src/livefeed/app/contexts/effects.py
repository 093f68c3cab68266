"""Effects: what happens outside our database, recorded before it begins and after it has happened.

After a crash between the two nobody knows whether it happened: then it is repeated or skipped, as was asked.
"""

import asyncio
import inspect
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Literal, TypeAlias

from livefeed import telemetry
from livefeed.app.contexts.refusals import is_refusal
from livefeed.app.contexts.verdicts import Drop, Retry
from livefeed.durable import sql
from livefeed.durable.store import Store, Tx
from livefeed.errors import SettingsError
from livefeed.failpoints import failpoint
from livefeed.telemetry import logger
from livefeed.ui.languages import Words, noted
from livefeed.wire.ids import MemberId

_SQL: Final = sql.load("livefeed.app.contexts", "effects.sql")
_LOG: Final = logger("app")
_SLICE: Final = 500
EFFECT: Final = "effect "
"""What the name of its step begins with; its key follows."""

_UNKNOWN: Final = noted("nobody knows whether the call before went through")

OnUnknown: TypeAlias = Literal["resend", "skip"]
"""What is done where nobody knows whether an effect happened: once more, or not again."""

_Step: TypeAlias = Literal["begin", "repeat", "known", "skip", "wait"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks for an effect.

    Attributes:
        store: Where it is recorded.
        portal: Of which portal.
        place: The event and the handler: ``51 shop.feed.tell``.
        lane: The lane whose lease is held; nobody else works on it.
        token: Of that lease.
        longest_ms: How long the call may last.
        tell: Shows a step in the inbox.
    """

    store: Store
    portal: MemberId
    place: str
    lane: str
    token: int
    longest_ms: int
    tell: Callable[[str, Words], None]
    locks: dict[str, asyncio.Lock] = field(default_factory=dict[str, asyncio.Lock])


class Once:
    """One effect that is to happen once: awaited with a function, or as a block.

    Example:
        >>> await ctx.once("mail", send_mail, on_unknown="skip")
        >>> async with ctx.once("mail") as is_due:
        ...     if is_due:
        ...         await send_mail()
    """

    def __init__(
        self,
        caller: Caller,
        key: str,
        effect: Callable[[], object] | None,
        on_unknown: OnUnknown,
        is_of_portal: bool,
    ) -> None:
        if not key or len(key) > 200 or on_unknown not in {"resend", "skip"}:
            raise SettingsError("an effect has a key of 1 to 200 signs, and on_unknown is 'resend' or 'skip'")
        self._caller = caller
        self._key = key
        self._effect = effect
        self._on_unknown: OnUnknown = on_unknown
        self._place = "" if is_of_portal else caller.place
        self._is_due = False
        self._is_asked = False

    def __del__(self) -> None:
        if not getattr(self, "_is_asked", True):
            words = f"effect {self._key!r} was never awaited: await ctx.once(...), or use it as a block"
            warnings.warn(words, RuntimeWarning, stacklevel=2)

    def __await__(self) -> Generator[Any, None, bool]:
        return self._run().__await__()

    async def _run(self) -> bool:
        """Whether it happened now; False: it had happened, or was skipped."""
        self._is_asked = True
        if self._effect is None:
            raise SettingsError(f"effect {self._key!r}: await it with a function, or use it as a block")
        async with self as is_due:
            if is_due:
                answer = self._effect()
                if inspect.isawaitable(answer):
                    await answer
        return is_due

    async def __aenter__(self) -> bool:
        """Claim it; whether it is to happen now.

        Raises:
            Retry: Another lane's call is sending it.
            StoreError: It could not be recorded; nothing has begun.
        """
        self._is_asked = True
        lock = self._caller.locks.setdefault(f"{self._place}\n{self._key}", asyncio.Lock())
        await lock.acquire()
        try:
            self._is_due = await self._claimed()
        finally:
            if not self._is_due:
                lock.release()
        return self._is_due

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Record that it happened; or that it did not, if what was raised says so."""
        if not self._is_due:
            return
        self._is_due = False
        try:
            if exc is None:
                failpoint("app.effect.made")
                await self._end("done")
            elif isinstance(exc, Retry | Drop) or is_refusal(exc):
                await self._end("planned")
        finally:
            self._caller.locks[f"{self._place}\n{self._key}"].release()

    async def _claimed(self) -> bool:
        step, calls, wait_ms = await self._caller.store.write(self._claim)
        name, tell = f"{EFFECT}{self._key}", self._caller.tell
        match step:
            case "begin":
                tell(name, noted("made"))
                failpoint("app.effect.sending")
                return True
            case "repeat":
                tell(name, noted("made again, call %(calls)s: %(why)s", calls=calls, why=_UNKNOWN))
                telemetry.effects.labels("repeated").inc()
                _LOG.warning("effect_repeated", portal=self._caller.portal, key=self._key, calls=calls)
                failpoint("app.effect.sending")
                return True
            case "known":
                tell(name, noted("had been made before"))
                return False
            case "skip":
                tell(name, noted("skipped: %(why)s", why=_UNKNOWN))
                telemetry.effects.labels("skipped").inc()
                _LOG.warning("effect_skipped", portal=self._caller.portal, key=self._key)
                return False
            case "wait":
                raise Retry(wait_ms / 1000, f"effect {self._key!r} is being made by another call")

    def _claim(self, tx: Tx) -> tuple[_Step, int, int]:
        caller = self._caller
        tx.serialize(caller.portal)
        name = {"portal": caller.portal, "place": self._place, "key": self._key}
        _SQL.plan_effect(tx.conn, **name, at=tx.now_ms)
        row = _SQL.effect(tx.conn, **name)
        step = self._next(row, tx.now_ms)
        if step in {"begin", "repeat"}:
            until = tx.now_ms + caller.longest_ms
            _SQL.begin_effect(
                tx.conn, **name, lane=caller.lane, token=caller.token, until=until, at=tx.now_ms
            )
        elif step == "skip" and row["state"] == "sending":
            _SQL.end_effect(tx.conn, **name, token=row["token"], state="skipped", at=tx.now_ms)
        return step, row["calls"] + 1, max(0, row["until"] - tx.now_ms)

    def _next(self, row: Any, now_ms: int) -> _Step:  # noqa: ANN401 - a row of the driver
        match row["state"]:
            case "planned":
                return "begin"
            case "done":
                return "known"
            case "skipped":
                return "skip"
            case _:
                # One lane has one lease: who held it before sends no more.
                if row["lane"] != self._caller.lane and row["until"] > now_ms:
                    return "wait"
                return "repeat" if self._on_unknown == "resend" else "skip"

    async def _end(self, state: str) -> None:
        caller = self._caller

        def end(tx: Tx) -> None:
            _SQL.end_effect(
                tx.conn,
                portal=caller.portal,
                place=self._place,
                key=self._key,
                token=caller.token,
                state=state,
                at=tx.now_ms,
            )
            if state == "done":
                tx.count(telemetry.effects.labels("done"))

        await caller.store.write(end)


def purge(tx: Tx, *, before_ms: int) -> int:
    """Forget a slice of those that are older than ``before_ms``; returns how many."""
    count: int = _SQL.purge_effects(tx.conn, before=before_ms, limit=_SLICE)
    return count


def forget(tx: Tx, portal: MemberId) -> None:
    """Erase those of a portal."""
    _SQL.forget_effects(tx.conn, portal=portal)
