"""The back-fill: people, posts and comments are read once at installation: the first edit has a before."""

import enum
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from livefeed.app.installs.portals import KnownPortal
from livefeed.app.runtime import Runtime
from livefeed.client.rest import RestClient
from livefeed.durable import sql
from livefeed.durable.consumers import get
from livefeed.durable.entries import append
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Done, Outcome
from livefeed.durable.store import Store, Tx
from livefeed.errors import Fault
from livefeed.notifier import archive
from livefeed.notifier.comments import archive_some_comments
from livefeed.notifier.gaps import count_readable
from livefeed.notifier.people import archive_people, rows_of
from livefeed.notifier.privacy.screen import Screen
from livefeed.secrets import KeyRing
from livefeed.wire.calls import PAGE_SIZE, Answer
from livefeed.wire.feed.rows import PostRow
from livefeed.wire.ids import MemberId

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


_Progress: TypeAlias = tuple[Phase, int]
"""Phase, and where it stands: the ``start`` of the next page of posts, or whose comments were read last."""


def order(tx: Tx, portal: KnownPortal) -> None:
    """Append the work of the back-fill, unless it is done for this installation; runs at each start too."""
    consumer = get(tx, portal.consumers[CONSUMER])
    if portal.user_id is None or consumer is None:
        return
    row: Any = _SQL.progress(tx.conn, portal=portal.member_id)
    if row is None or row[2] != consumer.epoch:
        _SQL.begin(tx.conn, portal=portal.member_id, epoch=consumer.epoch)
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
    """Go on where the back-fill stands; each page that is committed is not read again."""
    portal = MemberId(lease.consumer.portal)
    client, store, keys = runtime.client(portal), runtime.store, runtime.keys
    while (progress := await store.read(lambda tx: _progress(tx, portal)))[0] is not Phase.DONE:
        await _advance(store, keys, client, portal, progress)
    return Done()


def forget(tx: Tx, portal: MemberId) -> None:
    """Erase what is known of a portal itself."""
    _SQL.forget(tx.conn, portal=portal)


async def _advance(
    store: Store, keys: KeyRing, client: RestClient, portal: MemberId, progress: _Progress
) -> None:
    match progress:
        case Phase.PEOPLE, _:
            await archive_people(store, keys, client, portal)
            await store.write(lambda tx: _move(tx, portal, (Phase.POSTS, 0)))
        case Phase.POSTS, start:
            await _archive_pages(store, keys, client, portal, start)
        case Phase.COMMENTS, person:
            last = await archive_some_comments(store, client, portal, person)
            following: _Progress = (Phase.DONE, 0) if last is None else (Phase.COMMENTS, last)
            await store.write(lambda tx: _move(tx, portal, following))
        case _:
            pass


async def _archive_pages(
    store: Store, keys: KeyRing, client: RestClient, portal: MemberId, start: int
) -> None:
    """Archive ten pages of posts.

    Pages are counted by offset: the cursors of the method are feed entry ids, which it does not return.
    """
    starts = [start + PAGE_SIZE * page for page in range(_PAGES_A_BATCH)]
    answers = await client.batch({f"p{at}": ("log.blogpost.get", {"start": at}) for at in starts})
    pages = [_posts(answers, f"p{at}") for at in starts]
    posts = [row for page in pages for row in page]
    readable = max(_total(answers, f"p{at}") for at in starts)
    is_last = any(len(page) < PAGE_SIZE for page in pages)
    following: _Progress = (Phase.COMMENTS, 0) if is_last else (Phase.POSTS, starts[-1] + PAGE_SIZE)
    for at in range(0, len(posts), _POSTS_A_UNIT):
        some = posts[at : at + _POSTS_A_UNIT]
        await store.write(lambda tx, some=some: _keep(tx, keys, portal, some, readable))
    await store.write(lambda tx: _move(tx, portal, following))


def _posts(answers: Mapping[str, Answer | Fault], name: str) -> list[PostRow]:
    answer = answers.get(name)
    if isinstance(answer, Fault):
        raise answer
    return [PostRow.from_wire(row) for row in rows_of(answer.result)] if answer is not None else []


def _total(answers: Mapping[str, Answer | Fault], name: str) -> int:
    """How many posts there are, as the portal counts them."""
    answer = answers.get(name)
    return 0 if answer is None or isinstance(answer, Fault) else answer.total or 0


def _keep(tx: Tx, keys: KeyRing, portal: MemberId, posts: list[PostRow], readable: int) -> None:
    tx.serialize(portal)
    screen = Screen.read(tx, keys, portal, [row.id for row in posts])
    for row in posts:
        content = screen.version(row)
        archive.add(tx, portal, row.id, screen.author(row), content, archive.Source.BACKFILL)
    count_readable(tx, portal, readable)


def _progress(tx: Tx, portal: MemberId) -> _Progress:
    row: Any = _SQL.progress(tx.conn, portal=portal)
    return (Phase.DONE, 0) if row is None else (Phase(row[0]), row[1])


def _move(tx: Tx, portal: MemberId, progress: _Progress) -> None:
    phase, page = progress
    _SQL.move(tx.conn, portal=portal, phase=phase.value, page=page)
