"""The dispatcher: a leased event becomes one signed POST, and its answer an outcome for the clockwork."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import msgspec

from livefeed.clock import Clock
from livefeed.durable import consumers
from livefeed.durable.attempts import Attempt, record_batches
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.entries import Entry
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Done, Outcome
from livefeed.durable.schedule import Schedule
from livefeed.durable.store import Store, Tx
from livefeed.durable.worker import Worker
from livefeed.errors import StoreError
from livefeed.failpoints import failpoint
from livefeed.portal.apps.tokens import Mint
from livefeed.portal.events import handlers
from livefeed.portal.events.bodies import Tokens
from livefeed.portal.events.cards import Card, CardIndex
from livefeed.portal.events.outbox import Happening, post_of
from livefeed.portal.events.sender import Postman, kept, plain_headers, send
from livefeed.portal.events.shares import Shares
from livefeed.portal.events.verdicts import DELIVERED, Policy, Reply, Try, Verdict, judge, next_pace_ms
from livefeed.secrets import KeyRing
from livefeed.wire.ids import UserId

_MINUTE_MS: Final = 60_000
_OPENING: Final = 8  # deliveries to a handler that has not answered one of them yet
_KEPT: Final = 10_000  # of what is remembered from one delivery to the next
_decode: Final = msgspec.json.Decoder(Happening).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filled:
    """What bodies to one handler about one person's deeds have in common for a minute."""

    card: Card
    minute: int
    tokens: Tokens | None
    secrets: tuple[bytes, ...]


class Dispatcher:
    """Sends what is due, as many at a time as ``concurrency`` says."""

    def __init__(
        self,
        *,
        store: Store,
        keys: KeyRing,
        clock: Clock,
        postman: Postman,
        policy: Policy = "durable",
        schedule: Schedule | None = None,
        concurrency: int = 128,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """Put the parts together; `start` begins to send.

        Args:
            store: Where the lanes are.
            keys: Mint tokens and sign.
            clock: Tells the time.
            postman: Makes the POST.
            policy: ``durable`` repeats for days, ``bitrix24`` tries once.
            schedule: When a failure is repeated.
            concurrency: Deliveries at a time, of all handlers together.
            draw: Random numbers from 0 to 1, for the jitter.
        """
        self._store = store
        self._clock = clock
        self._postman = postman
        self._policy: Policy = policy
        self._schedule = schedule or Schedule()
        self._draw = draw
        self._mint = Mint(keys)
        self._index = CardIndex(store, keys)
        self._paces: dict[ConsumerId, int] = {}
        self._shares = Shares()
        self._attempts: list[Attempt] = []
        self._logging: set[asyncio.Future[None]] = set()
        self._happenings: dict[int, Happening] = {}
        self._filled_last: dict[tuple[ConsumerId, UserId | None], _Filled] = {}
        self.worker: Final = Worker(
            store,
            self.deliver,
            clock=clock,
            concurrency=concurrency,
            entries_limit=1,
            schedule=self._schedule,
            opening=_OPENING,
            on_leased=lambda _: failpoint("portal.lease.taken"),
            on_finished=lambda _: failpoint("portal.delivery.answered"),
            on_turn=self._log_attempts,
        )

    async def start(self, *, with_worker: bool = True) -> None:
        """Begin to send; without the worker only what `run_due` is told to."""
        self._index.start()
        if with_worker:
            await self.worker.start()

    async def stop(self) -> None:
        """Let what is under way end, then stop."""
        await self.worker.stop()
        await self._logged()
        self._index.stop()

    async def run_due(self) -> int:
        """Send whatever is due at this moment, until nothing is and all of it is logged; for tests.

        Returns:
            How many deliveries that were.
        """
        runs = await self.worker.run_due()
        await self._logged()
        return runs

    async def deliver(self, lease: Lease) -> Outcome:
        """Send the one entry of a lease and say what became of it."""
        entry = lease.entries[0]
        happening = self._happening(entry)
        now_ms = self._clock.now_ms()
        filled = await self._filled(lease, happening, now_ms)
        if filled is None:  # unbound or uninstalled since: the settle will find the lane gone
            return Done()
        card, tokens, secrets = filled.card, filled.tokens, filled.secrets
        body = body_of(card, entry, happening, now_ms // 1000, tokens)
        webhook_id = f"{card.webhook_id}{happening.first or entry.seq}" if self._policy == "durable" else ""
        headers = card.signer.headers(webhook_id, now_ms // 1000, body) if webhook_id else plain_headers()
        reply = await send(self._postman, card.url, body=body, headers=headers, now_ms=now_ms)
        verdict = self._judge(lease, reply)
        self._attempts.append(
            Attempt(
                entry.seq,
                lease.consumer.id,
                lease.key,
                lease.attempt,
                webhook_id,
                now_ms,
                reply.status,
                reply.error,
                reply.ms,
                verdict.state,
                len(body),
                kept(reply, secrets),
            )
        )
        return self._with_effects(card, lease, reply, verdict)

    def _happening(self, entry: Entry) -> Happening:
        """What happened; one entry goes to many handlers, one after the other."""
        happening = self._happenings.get(entry.seq)
        if happening is None:
            if len(self._happenings) >= _KEPT:
                self._happenings.clear()
            happening = self._happenings[entry.seq] = _decode(entry.body)
        return happening

    async def _filled(self, lease: Lease, happening: Happening, now_ms: int) -> _Filled | None:
        """Card and tokens; those of the last time, if it was this minute and nothing has changed since."""
        consumer = lease.consumer
        minute = now_ms // _MINUTE_MS
        name = consumer.id, happening.actor
        filled = self._filled_last.get(name)
        if (
            filled is not None
            and filled.minute == minute
            and self._index.known_card(consumer.id, consumer.epoch) is filled.card
        ):
            return filled
        while True:
            card = await self._index.card(consumer.id, consumer.epoch)
            if card is None:
                return None
            tokens = await self._tokens(card, happening, now_ms)
            if self._index.is_current(card):
                break
        filled = _Filled(card=card, minute=minute, tokens=tokens, secrets=card.bodies.secrets(tokens))
        if len(self._filled_last) >= _KEPT:
            self._filled_last.clear()
        self._filled_last[name] = filled
        return filled

    async def _tokens(self, card: Card, happening: Happening, now_ms: int) -> Tokens | None:
        """Those of ``auth_type``'s user, else of who acted; none if he is no longer here (contract A-68)."""
        app, person = card.app, card.auth_type or happening.actor
        if app is None or not person:
            return None
        epoch = await self._index.person_epoch(app.portal, person)
        if epoch is None:
            return None
        access, refresh = self._mint.pair(app.bearer(person, epoch), now_ms)
        return Tokens(access=access, refresh=refresh, user=person)

    def _judge(self, lease: Lease, reply: Reply) -> Verdict:
        if reply.error is None:
            return DELIVERED
        tried = Try(
            attempt=lease.attempt,
            fails=lease.consumer.fails,
            first_at_ms=lease.first_at_ms,
            now_ms=self._clock.now_ms(),
            draw=self._draw(),
        )
        return judge(self._policy, self._schedule, tried, reply)

    def _log_attempts(self) -> None:
        """Log what was tried, beside its settles; that it fails never causes a second delivery."""
        attempts, self._attempts = self._attempts, []
        if attempts:
            with suppress(StoreError):
                written = self._store.write_row(record_batches, attempts)
                self._logging.add(written)
                written.add_done_callback(self._is_logged)

    def _is_logged(self, written: "asyncio.Future[None]") -> None:
        self._logging.discard(written)
        if not written.cancelled():
            written.exception()

    async def _logged(self) -> None:
        """Wait until the log is written; on PostgreSQL its commit is another than that of the settles."""
        if self._logging:
            await asyncio.wait(self._logging)

    def _with_effects(self, card: Card, lease: Lease, reply: Reply, verdict: Verdict) -> Outcome:
        if verdict.unbinds and card.handler is not None:
            handler = card.handler
            return Done(effects=lambda tx: handlers.unbind(tx, handler, reason="the handler answered 410"))
        if self._policy == "bitrix24":
            return self._paced(lease.consumer.id, reply, verdict.outcome)
        if card.handler is None:  # an install URL is called once
            return verdict.outcome
        is_cut = reply.error == "too_large"
        return self._shares.outcome(lease, reply.ms, self._clock.now_ms(), verdict.outcome, is_cut=is_cut)

    def _paced(self, consumer: ConsumerId, reply: Reply, outcome: Outcome) -> Outcome:
        """Give a slow handler growing pauses, as the real queue does."""
        before = self._paces.get(consumer, 0)
        pace_ms = next_pace_ms(before, reply)
        if pace_ms == before or not isinstance(outcome, Done):
            return outcome
        self._paces[consumer] = pace_ms
        return Done(effects=lambda tx: _set_pace(tx, consumer, pace_ms))


def body_of(card: Card, entry: Entry, happening: Happening, ts: int, tokens: Tokens | None) -> bytes:
    """The body of one delivery, sent at ``ts`` (Unix seconds): always the same for the same words."""
    post = post_of(entry.key)
    if post is not None:
        return card.bodies.of_post(post, ts, tokens)
    return card.bodies.of_app(happening.form(), ts, tokens)


def _set_pace(tx: Tx, consumer_id: ConsumerId, pace_ms: int) -> None:
    consumer = consumers.get(tx, consumer_id)
    if consumer is not None and consumer.state != "gone":
        consumers.register(
            tx,
            portal=consumer.portal,
            name=consumer.name,
            kind=consumer.kind,
            cap=consumer.cap,
            pace_ms=pace_ms,
            state=consumer.state,
        )
