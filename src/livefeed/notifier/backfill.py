"""The back-fill: people, posts and comments are read once at installation: the first edit has a before."""

import enum
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from livefeed.app.installs.portals import KnownPortal
from livefeed.app.runtime import Runtime
from livefeed.app.sweep.readers import with_each, with_one
from livefeed.client.rest import RestClient
from livefeed.durable import sql
from livefeed.durable.consumers import get
from livefeed.durable.entries import append
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Done, Outcome
from livefeed.durable.store import Tx
from livefeed.errors import Fault, NotInstalled
from livefeed.notifier import archive, notices
from livefeed.notifier.comments import archive_some_comments
from livefeed.notifier.gaps import count_readable
from livefeed.notifier.people import archive_people, rows_of
from livefeed.notifier.privacy.screen import Screen
from livefeed.wire.calls import PAGE_SIZE, Answer
from livefeed.wire.feed.rows import PostRow
from livefeed.wire.ids import MemberId, UserId

T = TypeVar("T")

CONSUMER: Final = "backfill"
KIND: Final = "archive.fill"
_KEY: Final = "archive"
_PAGES_A_BATCH: Final = 10
_POSTS_A_UNIT: Final = 50
_SQL: Final = sql.load("livefeed.notifier", "queries/backfill.sql")


class Phase(enum.StrEnum):
    """What is read next."""

    PEOPLE = "people"
    POSTS = "posts"
    COMMENTS = "comments"
    DONE = "done"


class _Progress(msgspec.Struct, frozen=True):
    """How far it has come.

    Attributes:
        phase: What is read next.
        page: The ``start`` of the next page of posts, or whose comments were read last.
        reader: With whose token posts are read; None: of whoever installed.
    """

    phase: Phase
    page: int = 0
    reader: UserId | None = None


def order(tx: Tx, portal: KnownPortal) -> None:
    """Append the work of the back-fill, unless it is done for this installation; runs at each start too."""
    consumer = get(tx, portal.consumers[CONSUMER])
    if portal.user_id is None or consumer is None:
        return
    row: Any = _SQL.progress(tx.conn, portal=portal.member_id)
    if row is None or row[2] != consumer.epoch:
        _SQL.begin(tx.conn, portal=portal.member_id, epoch=consumer.epoch)
        notices.let_go(tx, portal.member_id)
    elif row[0] == Phase.DONE:
        return
    append(
        tx,
        portal=portal.member_id,
        key=_KEY,
        kind=KIND,
        body=b"",
        source="notifier",
        consumers=[consumer.id],
        only=consumer.id,
    )


async def fill(lease: Lease, runtime: Runtime) -> Outcome:
    """Go on where the back-fill stands; each page that is committed is not read again.

    Posts are read with every token that is kept, since each shows what its owner sees; people, and who has
    commented, with the first one that works.

    Raises:
        Fault: The portal refused; tried again later.
        TransportError: It gave no usable answer; likewise.
        NotInstalled: No token works; likewise.
    """
    portal = MemberId(lease.consumer.portal)
    installer = runtime.portals.get(portal).user_id
    if installer is None:
        raise NotInstalled(f"no tokens are stored for portal {portal}; install the application there")
    filling = _Filling(runtime, portal, installer)
    while (progress := await runtime.store.read(lambda tx: _progress(tx, portal))).phase is not Phase.DONE:
        await filling.advance(progress)
    return Done()


def forget(tx: Tx, portal: MemberId) -> None:
    """Erase what is known of a portal itself."""
    _SQL.forget(tx.conn, portal=portal)


@dataclass(frozen=True, slots=True)
class _Filling:
    """The back-fill of one portal, at work."""

    runtime: Runtime
    portal: MemberId
    installer: UserId

    async def advance(self, progress: _Progress) -> None:
        """Read what is next, and remember it."""
        store, portal = self.runtime.store, self.portal
        match progress.phase:
            case Phase.PEOPLE:
                await self._with_one(lambda client: archive_people(store, self.runtime.keys, client, portal))
                await self._move(_Progress(Phase.POSTS))
            case Phase.POSTS:
                await self._archive_posts(progress)
            case Phase.COMMENTS:
                last = await self._with_one(
                    lambda client: archive_some_comments(store, client, portal, progress.page)
                )
                following = _Progress(Phase.DONE) if last is None else _Progress(Phase.COMMENTS, last)
                await self._move(following)
            case Phase.DONE:
                pass

    async def _archive_posts(self, progress: _Progress) -> None:
        """Archive what each sees of whom a token is kept."""

        async def read(one: UserId) -> None:
            place = progress
            if one != (progress.reader or self.installer):
                place = _Progress(Phase.POSTS, 0, one)
            await self._archive_as(one, place)

        done = await with_each(self.runtime, self.portal, self.installer, progress.reader, read)
        await self.runtime.store.write(lambda tx: self._end_posts(tx, is_of_many=len(done) > 1))

    async def _archive_as(self, person: UserId, place: _Progress) -> None:
        """Archive pages of posts, ten at a time, from ``place`` to the last that this person sees.

        Pages are counted by offset: the cursors of the method are feed entry ids, which it does not return.
        """
        client, store = self.runtime.client_of(self.portal, person), self.runtime.store
        while True:
            starts = [place.page + PAGE_SIZE * page for page in range(_PAGES_A_BATCH)]
            answers = await client.batch({f"p{at}": ("log.blogpost.get", {"start": at}) for at in starts})
            pages = [_posts(answers, f"p{at}") for at in starts]
            posts = [row for page in pages for row in page]
            # Others see other posts: theirs are counted at the end.
            readable = max(_total(answers, f"p{at}") for at in starts) if place.reader is None else None
            for at in range(0, len(posts), _POSTS_A_UNIT):
                some = posts[at : at + _POSTS_A_UNIT]
                await store.write(lambda tx, some=some, readable=readable: self._keep(tx, some, readable))
            if any(len(page) < PAGE_SIZE for page in pages):
                return
            place = _Progress(Phase.POSTS, starts[-1] + PAGE_SIZE, place.reader)
            await self._move(place)

    async def _with_one(self, read: Callable[[RestClient], Awaitable[T]]) -> T:
        return await with_one(self.runtime, self.portal, self.installer, read)

    async def _move(self, progress: _Progress) -> None:
        await self.runtime.store.write(lambda tx: _move(tx, self.portal, progress))

    def _keep(self, tx: Tx, posts: Sequence[PostRow], readable: int | None) -> None:
        tx.serialize(self.portal)
        screen = Screen.read(tx, self.runtime.keys, self.portal, [row.id for row in posts])
        for row in posts:
            author, content = screen.author(row), screen.version(row)
            archive.add(tx, self.portal, row.id, author, content, archive.Source.BACKFILL)
        if readable is not None:
            count_readable(tx, self.portal, readable)

    def _end_posts(self, tx: Tx, *, is_of_many: bool) -> None:
        tx.serialize(self.portal)
        if is_of_many:
            _SQL.raise_readable(tx.conn, portal=self.portal)
        _move(tx, self.portal, _Progress(Phase.COMMENTS))


def _posts(answers: Mapping[str, Answer | Fault], name: str) -> list[PostRow]:
    answer = answers.get(name)
    if isinstance(answer, Fault):
        raise answer
    return [PostRow.from_wire(row) for row in rows_of(answer.result)] if answer is not None else []


def _total(answers: Mapping[str, Answer | Fault], name: str) -> int:
    """How many posts there are, as the portal counts them."""
    answer = answers.get(name)
    return 0 if answer is None or isinstance(answer, Fault) else answer.total or 0


def _progress(tx: Tx, portal: MemberId) -> _Progress:
    row: Any = _SQL.progress(tx.conn, portal=portal)
    return _Progress(Phase.DONE) if row is None else _Progress(Phase(row[0]), row[1], row[3])


def _move(tx: Tx, portal: MemberId, progress: _Progress) -> None:
    _SQL.move(tx.conn, portal=portal, phase=progress.phase.value, page=progress.page, reader=progress.reader)
