"""The dispatcher: a leased event becomes one signed POST, and its answer an outcome for the clockwork."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
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
from livefeed.failpoints import hook
from livefeed.portal.apps.registry import App
from livefeed.portal.apps.tokens import Mint
from livefeed.portal.events import handlers
from livefeed.portal.events.blocked import BlockedHandlers
from livefeed.portal.events.bodies import Tokens
from livefeed.portal.events.cards import Card, CardIndex
from livefeed.portal.events.outbox import Happening, post_of
from livefeed.portal.events.sender import Postman, kept, plain_headers, send
from livefeed.portal.events.shares import Shares
from livefeed.portal.events.verdicts import DELIVERED, Policy, Reply, Try, Verdict, judge, next_pace_ms
from livefeed.secrets import KeyRing
from livefeed.wire.ids import AppId, PostId, UserId

_MINUTE_MS: Final = 60_000
_OPENING: Final = 2  # deliveries to a handler that has not answered one of them yet
_KEPT: Final = 10_000  # of what is remembered from one delivery to the next
_SHORT_BYTES: Final = 512  # what is stored of a post's event has less
_decode: Final = msgspec.json.Decoder(Happening).decode
_decode_short: Final = lru_cache(maxsize=256)(_decode)


class _Given(msgspec.Struct, frozen=True, eq=False):
    """What an application is given about one person for a minute."""

    app: App | None
    minute: int
    tokens: Tokens | None
    secrets: tuple[bytes, ...]


class _Filled(msgspec.Struct, frozen=True, eq=False):
    """What bodies to one handler about one person's deeds have in common for a minute."""

    card: Card
    given: _Given


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
        self._blocked = BlockedHandlers()
        self._attempts: list[Attempt] = []
        self._logging: set[asyncio.Future[None]] = set()
        self._given_last: dict[tuple[AppId, UserId | None], _Given] = {}
        self._filled_last: dict[tuple[ConsumerId, UserId | None], _Filled] = {}
        self.worker: Final = Worker(
            store,
            self.deliver,
            clock=clock,
            concurrency=concurrency,
            entries_limit=1,
            schedule=self._schedule,
            opening=_OPENING,
            ahead=self._index.prepare,
            on_leased=hook("portal.lease.taken"),
            on_finished=hook("portal.delivery.answered"),
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
        happening, post = self._happening(entry)
        now_ms = self._clock.now_ms()
        filled = self._known(lease, happening, now_ms) or await self._filled(lease, happening, now_ms)
        if filled is None:  # unbound or uninstalled since: the settle will find the lane gone
            return Done()
        card, given, ts = filled.card, filled.given, now_ms // 1000
        body = body_of(card, post, happening, ts, given.tokens)
        webhook_id = f"{card.webhook_id}{happening.first or entry.seq}" if self._policy == "durable" else ""
        headers = card.signer.headers(webhook_id, ts, body) if webhook_id else plain_headers()
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
                kept(reply, given.secrets),
            )
        )
        return self._with_effects(card, lease, reply, verdict, now_ms + reply.ms)

    def _happening(self, entry: Entry) -> tuple[Happening, PostId | None]:
        """What happened, and to which post; what one person does to posts is stored in the same words."""
        body = entry.body
        return (_decode_short if len(body) <= _SHORT_BYTES else _decode)(body), post_of(entry.key)

    def _known(self, lease: Lease, happening: Happening, now_ms: int) -> _Filled | None:
        """Card and tokens of the last time, if it was this minute and nothing has changed since."""
        consumer = lease.consumer
        filled = self._filled_last.get((consumer.id, happening.actor))
        if (
            filled is not None
            and filled.given.minute == now_ms // _MINUTE_MS
            and self._index.known_card(consumer.id, consumer.epoch) is filled.card
        ):
            return filled
        return None

    async def _filled(self, lease: Lease, happening: Happening, now_ms: int) -> _Filled | None:
        """Card and tokens as they are now."""
        consumer = lease.consumer
        while True:
            card = self._index.known_card(consumer.id, consumer.epoch)
            card = card or await self._index.card(consumer.id, consumer.epoch)
            if card is None:
                return None
            given = await self._given(card, happening, now_ms)
            if self._index.is_current(card):
                break
        if len(self._filled_last) >= _KEPT:
            self._filled_last.clear()
        filled = self._filled_last[consumer.id, happening.actor] = _Filled(card, given)
        return filled

    async def _given(self, card: Card, happening: Happening, now_ms: int) -> _Given:
        """Tokens of ``auth_type``'s user, else of who acted; none if he is no longer here (contract A-68).

        What one application was given this minute serves all its handlers: with a change of anything that
        tokens depend on, cards get another `App`.
        """
        app, person, minute = card.app, card.auth_type or happening.actor, now_ms // _MINUTE_MS
        if app is None or not person:
            return _Given(app, minute, None, card.bodies.secrets(None))
        given = self._given_last.get((app.id, person))
        if given is not None and given.app is app and given.minute == minute:
            return given
        epoch = await self._index.person_epoch(app.portal, person)
        tokens = None
        if epoch is not None:
            access, refresh = self._mint.pair(app.bearer(person, epoch), now_ms)
            tokens = Tokens(access=access, refresh=refresh, user=person)
        if len(self._given_last) >= _KEPT:
            self._given_last.clear()
        given = self._given_last[app.id, person] = _Given(app, minute, tokens, card.bodies.secrets(tokens))
        return given

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
            self._blocked.look(attempts)
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

    def _with_effects(self, card: Card, lease: Lease, reply: Reply, verdict: Verdict, now_ms: int) -> Outcome:
        if verdict.unbinds and card.handler is not None:
            handler = card.handler
            return Done(effects=lambda tx: handlers.unbind(tx, handler, reason="the handler answered 410"))
        if self._policy == "bitrix24":
            return self._paced(lease.consumer.id, reply, verdict.outcome)
        if card.handler is None:  # an install URL is called once
            return verdict.outcome
        is_cut = reply.error == "too_large"
        return self._shares.outcome(lease, reply.ms, now_ms, verdict.outcome, is_cut=is_cut)

    def _paced(self, consumer: ConsumerId, reply: Reply, outcome: Outcome) -> Outcome:
        """Give a slow handler growing pauses, as the real queue does."""
        before = self._paces.get(consumer, 0)
        pace_ms = next_pace_ms(before, reply)
        if pace_ms == before or not isinstance(outcome, Done):
            return outcome
        self._paces[consumer] = pace_ms
        return Done(effects=lambda tx: _set_pace(tx, consumer, pace_ms))


def body_of(card: Card, post: PostId | None, happening: Happening, ts: int, tokens: Tokens | None) -> bytes:
    """The body of one delivery, sent at ``ts`` (Unix seconds): always the same for the same words."""
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
