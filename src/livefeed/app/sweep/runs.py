"""Runs: a sweep is the work of a lane that is due again and again; each page is committed before the next."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from livefeed import telemetry
from livefeed.app.application import Application
from livefeed.app.channels import Found, Sealed, append_found, seal
from livefeed.app.contexts.refusals import TOKEN_FAULTS
from livefeed.app.installs.portals import KnownPortal
from livefeed.app.rounds.lanes import KIND, first, next_round, pending_posts
from livefeed.app.runtime import Runtime
from livefeed.app.sweep import progress
from livefeed.app.sweep.progress import SQL, Scope, Sweep
from livefeed.app.sweep.readers import with_each
from livefeed.app.sweep.watching import Watch
from livefeed.app.sweep.windows import FIRST, LIMIT, Look, look_at
from livefeed.client.rest import Parameters, RestClient
from livefeed.clock import iso
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Done, Outcome
from livefeed.durable.store import Tx
from livefeed.errors import Fault, NotInstalled, TransportError
from livefeed.telemetry import logger
from livefeed.wire.calls import Answer
from livefeed.wire.events import PostDeleted
from livefeed.wire.feed.rows import PostRow
from livefeed.wire.ids import MemberId, PostId, UserId

_LOG: Final = logger("app.sweep")
_TRIES: Final = 5  # then the next sweep is waited for: one that was given up would be the last
_HOUR_MS: Final = 3_600_000
_POSTS_A_UNIT: Final = 200
_MISSED_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeper:
    """Sweeps one scope of portals.

    Attributes:
        watch: The archive that is compared with.
        scope: What is looked at.
        window_s: How long ago posts of the hot window were published at most; None: any time.
        every_ms: How long after a sweep the next one begins.
    """

    watch: Watch
    scope: Scope
    window_s: float | None
    every_ms: int

    @property
    def name(self) -> str:
        """Of its consumer."""
        return f"sweep:{self.scope}"

    async def run(self, lease: Lease, runtime: Runtime) -> Outcome:
        """Look at everything once, from where an interrupted sweep stood; then the next one is ordered.

        Whoever installed the application looks first, then at most ten others whose tokens are kept: each
        asks for all that he sees; what was seen before him in this sweep is not compared again.

        Raises:
            Fault: The portal refused; tried again later.
            TransportError: It gave no usable answer; likewise.
            NotInstalled: No token works; likewise.
        """
        portal = runtime.portals.get(MemberId(lease.consumer.portal))
        try:
            if portal.user_id is not None and portal.is_active:
                await self._sweep(runtime, portal)
        except (Fault, TransportError, NotInstalled) as exc:
            if lease.attempt < _TRIES:
                raise
            _LOG.warning("sweep_put_off", portal=portal.member_id, scope=self.scope, reason=str(exc))
        return Done(effects=lambda tx: next_round(tx, portal.member_id, self.name, lease.consumer.id))

    async def _sweep(self, runtime: Runtime, portal: KnownPortal) -> None:
        store, person = runtime.store, portal.user_id
        assert person is not None, "without a token there is nothing to look with"
        since = None if self.window_s is None else runtime.clock.now_ms() - round(self.window_s * 1000)
        sweep = await store.write(
            lambda tx: progress.begin(
                tx, portal.member_id, self.scope, person, since, longest_ms=max(self.every_ms, _HOUR_MS)
            )
        )

        async def look(one: UserId) -> None:
            nonlocal sweep
            sweep = await self._look_as(runtime, portal, sweep, one)

        for one in await with_each(runtime, portal.member_id, person, sweep.reader, look):
            client = runtime.client_of(portal.member_id, one)
            with suppress(NotInstalled, *TOKEN_FAULTS):
                await self._look_for_missed(runtime, client, portal, sweep, one)
        await store.write(partial(self._finish, sweep=sweep))

    async def _look_as(self, runtime: Runtime, portal: KnownPortal, sweep: Sweep, person: UserId) -> Sweep:
        """Look at everything with the token of one person, from where this stood."""
        if person != sweep.looker:
            before = sweep
            sweep = await runtime.store.write(lambda tx: progress.turn(tx, before, person))
        client = runtime.client_of(portal.member_id, person)
        is_over = False
        while not is_over:
            look, base = await _look(client, sweep)
            sweep = await self._compare(runtime, portal, sweep, look, base)
            is_over = look.place is None
        return sweep

    async def _compare(
        self, runtime: Runtime, portal: KnownPortal, sweep: Sweep, look: Look, base: int | None
    ) -> Sweep:
        """Append what differs, and remember that it was looked at, a unit for each 200 posts.

        Returns:
            The sweep as it stands then.
        """
        member, watch, looked = portal.member_id, self.watch, -look.again
        for start in range(0, len(look.rows), _POSTS_A_UNIT):
            some: Sequence[PostRow] = look.rows[start : start + _POSTS_A_UNIT]
            if sweep.reader is not None:
                # What another one's token has shown in this sweep stays his: he misses it when it is gone.
                some = await runtime.store.read(
                    lambda tx, some=some: watch.unlooked(tx, member, some, began_ms=sweep.began_at or 0)
                )
            looked += len(some)
            found = await runtime.store.read(
                lambda tx, some=some: watch.differing(tx, runtime.keys, member, some)
            )
            news = await self._news(runtime, portal, found)

            def keep(tx: Tx, some: Sequence[PostRow] = some, news: list[Sealed] = news) -> None:
                tx.serialize(member)
                append_found(tx, member, news, portal.inbox, "sweep")
                SQL.add_found(tx.conn, portal=member, scope=self.scope, found=len(news))
                watch.saw(tx, member, sweep.looker, some)

            await runtime.store.write(keep)
        return await runtime.store.write(lambda tx: progress.move(tx, sweep, look, base, looked=looked))

    async def _news(self, runtime: Runtime, portal: KnownPortal, found: Sequence[Found]) -> list[Sealed]:
        """What nobody expects yet: a post with something in its lane is looked at anyway."""
        if not found:
            return []
        expected = await runtime.store.read(
            lambda tx: pending_posts(tx, portal.inbox, [one.post for one in found])
        )
        return [
            seal(runtime.portal_keys, portal.member_id, one, "sweep")
            for one in found
            if one.post not in expected or one.event == PostDeleted.wire_name
        ]

    async def _look_for_missed(
        self, runtime: Runtime, client: RestClient, portal: KnownPortal, sweep: Sweep, person: UserId
    ) -> None:
        """Ask once more for posts that this token saw once and nobody's saw now: they may be deleted."""
        member, watch, began = portal.member_id, self.watch, sweep.began_at or 0
        while missed := await runtime.store.read(
            lambda tx: watch.unseen(
                tx, member, person, since_ms=sweep.since, began_ms=began, limit=_MISSED_AT_ONCE
            )
        ):
            answers = await client.batch(
                {f"p{one}": ("log.blogpost.get", {"POST_ID": one}) for one in missed}
            )
            rows = [row for one in missed for row in _rows(answers, f"p{one}") if row.id == one]
            seen = {row.id for row in rows}
            gone = [
                Found(post=one, event=PostDeleted.wire_name, since_ms=began)
                for one in missed
                if one not in seen
            ]
            news = await self._news(runtime, portal, gone)

            def keep(
                tx: Tx,
                missed: Sequence[PostId] = missed,
                rows: Sequence[PostRow] = rows,
                news: list[Sealed] = news,
            ) -> None:
                tx.serialize(member)
                append_found(tx, member, news, portal.inbox, "sweep")
                SQL.add_found(tx.conn, portal=member, scope=self.scope, found=len(news))
                watch.saw(tx, member, person, rows)
                watch.passed(tx, member, missed)

            await runtime.store.write(keep)

    def _finish(self, tx: Tx, *, sweep: Sweep) -> None:
        progress.finish(tx, sweep)
        tx.count(telemetry.sweeps.labels(self.scope))
        if self.scope == "all":
            self.watch.finished(tx, sweep.portal, sweep.looked)


def sweep_with(app: Application, watch: Watch) -> None:
    """Have all portals of ``app`` looked through again and again, as its settings say."""
    settings = app.settings
    scopes: list[tuple[Scope, float, float | None]] = [
        ("hot", settings.sweep_every_s, settings.hot_window_days * 86_400),
        ("all", settings.sweep_all_every_s, None),
    ]
    for scope, every_s, window_s in scopes:
        if every_s <= 0:
            continue
        pause_ms = round(every_s * 1000)
        sweeper = Sweeper(watch=watch, scope=scope, window_s=window_s, every_ms=pause_ms)
        app.consume(sweeper.name, sweeper.run, kind=KIND, cap=1, quiet_ms=pause_ms, max_wait_ms=pause_ms)
        app.when_installed(partial(first, name=sweeper.name))
    app.when_erased(progress.forget)


async def _look(client: RestClient, sweep: Sweep) -> tuple[Look, int | None]:
    """The next pages, and the feed entry before which there was nothing to see, as far as it is known now."""
    window = {} if sweep.since is None else {"LOG_DATE_FROM": iso(sweep.since)}
    cursors = sweep.place.cursors()
    commands: dict[str, tuple[str, Parameters]] = {
        f"c{number}": ("log.blogpost.get", {"FIRST_ID": cursor, "LIMIT": LIMIT, **window})
        for number, cursor in enumerate(cursors)
    }
    if sweep.cursor == FIRST:
        commands["zero"] = ("log.blogpost.get", {"LAST_ID": FIRST + 1, "LIMIT": 1, **window})
    answers = await client.batch(commands)
    pages = [_rows(answers, f"c{number}") for number in range(len(cursors))]
    look = look_at(sweep.place, pages)
    first = sweep.first_post or (pages[0][0].id if pages[0] else None)
    empty = [cursor for cursor, page in zip(cursors, pages, strict=True) if page and page[0].id == first]
    before = _rows(answers, "zero") if "zero" in commands else []
    # Where it goes on, the last page is asked for again; of another one's token it is known what was seen.
    is_again = sweep.looked > 0 and sweep.reader is None
    again = len({row.id for row in (*before, *pages[0])}) if is_again else 0
    return Look(rows=(*before, *look.rows), place=look.place, again=again), max(empty, default=None)


def _rows(answers: Mapping[str, Answer | Fault], name: str) -> list[PostRow]:
    """The posts of one command.

    Raises:
        Fault: It was refused.
    """
    answer = answers.get(name)
    if isinstance(answer, Fault):
        raise answer
    rows = answer.result if answer is not None and isinstance(answer.result, list) else []
    return [PostRow.from_wire(row) for row in rows]
