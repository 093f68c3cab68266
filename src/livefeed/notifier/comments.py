"""Who commented on which post.

No method lists the comments of a post. Each person's own list is read, and its feed entry ids are turned
into post ids with the cursors of ``log.blogpost.get``: if the first post at or after an entry is also the
last one at or before it, the entry is that post's.

Source: https://apidocs.bitrix24.com/api-reference/log/blogcomment/log-blogcomment-user-get.html
(contract 7.5)
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from livefeed.client.rest import Parameters, RestClient
from livefeed.durable import sql
from livefeed.durable.store import Store, Tx
from livefeed.errors import Fault
from livefeed.notifier.archive import ArchivedPost
from livefeed.notifier.people import archive_people, rows_of
from livefeed.notifier.privacy.screen import NOBODY
from livefeed.secrets import KeyRing
from livefeed.wire.batch import MAX_COMMANDS
from livefeed.wire.calls import Answer
from livefeed.wire.feed.comments import MAX_LIMIT, CommentRow, CommentsAnswer
from livefeed.wire.feed.rows import PostRow
from livefeed.wire.ids import LogId, MemberId, PostId, UserId

_SQL: Final = sql.load("livefeed.notifier", "queries/people.sql")
_ENTRIES_A_BATCH: Final = 25  # two commands each
_FRESH_MS: Final = 4 * 3_600_000  # whoever was put off comes again within three hours


class _Window(msgspec.Struct, frozen=True, kw_only=True):
    """The comment ids of one person that are still to be read, both ends excluded; ``high`` 0 is open."""

    low: int
    high: int = 0
    newest: int = 0

    @property
    def params(self) -> dict[str, int]:
        low = {"FIRST_ID": self.low} if self.low else {}
        high = {"LAST_ID": self.high} if self.high else {}
        return {**low, **high, "LIMIT": MAX_LIMIT}

    def after(self, rows: tuple[CommentRow, ...]) -> "_Window | None":
        """What is left after a page; None if it was the last. The order of pages is not documented."""
        if len(rows) < MAX_LIMIT:
            return None
        newest = self.newest_with(rows)
        if rows[0].id > rows[-1].id:
            return _Window(low=self.low, high=rows[-1].id, newest=newest)
        return _Window(low=rows[-1].id, high=self.high, newest=newest)

    def newest_with(self, rows: tuple[CommentRow, ...]) -> int:
        return max([self.newest, *(row.id for row in rows)])


def commenters(tx: Tx, portal: MemberId, post: PostId) -> dict[UserId, int]:
    """Who commented on a post, and how often, as far as is known."""
    rows: Any = _SQL.comments_of(tx.conn, portal=portal, post=post)
    return {UserId(person): count for person, count in rows}


class _Round(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody is asked what he has commented, for the sake of one post.

    Attributes:
        version: The version of the post that people were told of last.
        is_again: Whether it is the second time.
        after: Who was asked last.
    """

    version: int
    is_again: bool = False
    after: int = 0


async def find_commenters(
    store: Store, keys: KeyRing, client: RestClient, portal: MemberId, known: ArchivedPost, num_comments: int
) -> tuple[UserId, ...]:
    """Who commented on a post; people are asked again if the portal counts comments that are not known.

    In a large company that takes longer than a method may run: whoever is interrupted goes on, when he comes
    again, with those who were not asked yet.

    Args:
        store: The archive.
        keys: Of its database.
        client: Sees as many comments as can be.
        portal: Where.
        known: The post. For the number of comments that were looked for last nobody is asked twice.
        num_comments: NUM_COMMENTS as the portal has it now.

    Raises:
        TransportError: The portal gave no usable answer.
        Fault: It refused; tried again later.
        NotYet: There is no time left for it; likewise.
    """
    post = known.post
    found, stands = await store.read(lambda tx: (commenters(tx, portal, post), _round(tx, portal, known)))
    if num_comments not in {sum(found.values()), known.comments_checked}:
        found = await _search(store, keys, client, portal, post, num_comments, stands)
    elif not stands.after and not stands.is_again:
        return _present(found)
    await store.write(lambda tx: _SQL.end_round(tx.conn, portal=portal, post=post))
    return _present(found)


def _present(found: Iterable[UserId]) -> tuple[UserId, ...]:
    """Without people who were erased: their comments count, and that is all."""
    return tuple(one for one in found if one != NOBODY)


async def _search(
    store: Store,
    keys: KeyRing,
    client: RestClient,
    portal: MemberId,
    post: PostId,
    num_comments: int,
    stands: _Round,
) -> dict[UserId, int]:
    """Ask everybody, and once more if that does not explain the number of comments."""
    if not stands.is_again:
        await _ask_all(store, client, portal, post, stands)
        found = await store.read(lambda tx: commenters(tx, portal, post))
        if sum(found.values()) >= num_comments:
            return found
        # Somebody who is new here may have written the rest.
        await archive_people(store, keys, client, portal)
        stands = _Round(version=stands.version, is_again=True)
    await _ask_all(store, client, portal, post, stands)
    return await store.read(lambda tx: commenters(tx, portal, post))


async def _ask_all(store: Store, client: RestClient, portal: MemberId, post: PostId, stands: _Round) -> None:
    """Ask everybody behind ``stands.after``; how far that has come is remembered."""
    last: int | None = stands.after
    while last is not None:
        reached = msgspec.structs.replace(stands, after=last)
        await store.write(lambda tx, reached=reached: _put_round(tx, portal, post, reached))
        last = await archive_some_comments(store, client, portal, last)


def _round(tx: Tx, portal: MemberId, known: ArchivedPost) -> _Round:
    """Where the round for a post stands; one that was left long ago begins anew."""
    row: Any = _SQL.comment_round(tx.conn, portal=portal, post=known.post, since=tx.now_ms - _FRESH_MS)
    if row is None or row["version"] != known.told_version:
        return _Round(version=known.told_version)
    return _Round(version=row["version"], is_again=bool(row["is_again"]), after=row["after"])


def _put_round(tx: Tx, portal: MemberId, post: PostId, stands: _Round) -> None:
    _SQL.put_round(
        tx.conn,
        portal=portal,
        post=post,
        version=stands.version,
        is_again=int(stands.is_again),
        after=stands.after,
        at=tx.now_ms,
    )


async def archive_some_comments(store: Store, client: RestClient, portal: MemberId, after: int) -> int | None:
    """Read what the next fifty people behind ``after`` have commented; who comes last, or None if nobody did.

    Nobody is left when the posts are found, too.

    Raises:
        TransportError: The portal gave no usable answer.
        Fault: It refused; tried again later.
        NotYet: There is no time left for it; likewise.
    """
    cursors: list[Any] = await store.read(
        lambda tx: list(_SQL.cursors(tx.conn, portal=portal, after=after, count=MAX_COMMANDS))
    )
    windows = {UserId(person): _Window(low=cursor) for person, cursor in cursors}
    last = max(windows, default=None)
    while windows:
        answers = await client.batch(
            {f"u{person}": _call(person, window) for person, window in windows.items()}
        )
        pages = {person: _comments(answers.get(f"u{person}")) for person in windows}
        read = windows
        await store.write(lambda tx, read=read, pages=pages: _keep(tx, portal, read, pages))
        left = {person: window.after(pages[person]) for person, window in windows.items()}
        windows = {person: window for person, window in left.items() if window is not None}
    if last is None:
        await _resolve(store, client, portal)
    return last


def forget(tx: Tx, portal: MemberId) -> None:
    """Erase the comments of a portal."""
    _SQL.forget_comments(tx.conn, portal=portal)
    _SQL.forget_entries(tx.conn, portal=portal)
    _SQL.forget_rounds(tx.conn, portal=portal)


def _call(person: UserId, window: _Window) -> tuple[str, Parameters]:
    return "log.blogcomment.user.get", {"USER_ID": person, **window.params}


def _comments(answer: Answer | Fault | None) -> tuple[CommentRow, ...]:
    match answer:
        case Answer():
            return CommentsAnswer.from_wire(answer.result).comments
        case Fault() if answer.retryable:
            raise answer
        case _:
            return ()


def _keep(
    tx: Tx, portal: MemberId, windows: dict[UserId, _Window], pages: dict[UserId, tuple[CommentRow, ...]]
) -> None:
    tx.serialize(portal)
    for person, rows in pages.items():
        for row in rows:
            _SQL.add_comment(tx.conn, portal=portal, comment=row.id, log_id=row.log_id, person=person)
        window = windows[person]
        if window.after(rows) is None:
            # Only now: pages may run from new to old, and none may be missed after a crash.
            _SQL.move_cursor(tx.conn, portal=portal, person=person, comment=window.newest_with(rows))


async def _resolve(store: Store, client: RestClient, portal: MemberId) -> None:
    """Find the posts of all feed entries that were commented and are not resolved yet."""
    rows: list[Any] = await store.read(lambda tx: list(_SQL.unresolved(tx.conn, portal=portal)))
    entries = [LogId(row[0]) for row in rows]
    for start in range(0, len(entries), _ENTRIES_A_BATCH):
        some = entries[start : start + _ENTRIES_A_BATCH]
        answers = await client.batch(dict(command for entry in some for command in _bridge(entry)))
        posts = {entry: _agreed(answers, entry) for entry in some}
        await store.write(lambda tx, posts=posts: _keep_entries(tx, portal, posts))


def _bridge(entry: LogId) -> list[tuple[str, tuple[str, Parameters]]]:
    at_or_before = (f"b{entry}", ("log.blogpost.get", {"LAST_ID": entry + 1, "LIMIT": 1}))
    at_or_after = (f"a{entry}", ("log.blogpost.get", {"FIRST_ID": entry - 1, "LIMIT": 1}))
    # Nothing comes before entry 1: what is at or before it is it, and FIRST_ID 0 might mean "none".
    return [at_or_before] if entry == 1 else [at_or_before, at_or_after]


def _agreed(answers: dict[str, Answer | Fault], entry: LogId) -> PostId:
    """The post on which both cursors agree; 0 if they do not: the entry is no post that we may see."""
    found = {_only_post(answers.get(name)) for name, _ in _bridge(entry)}
    return found.pop() if len(found) == 1 else PostId(0)


def _only_post(answer: Answer | Fault | None) -> PostId:
    if isinstance(answer, Fault) and answer.retryable:
        raise answer
    rows = rows_of(answer.result) if isinstance(answer, Answer) else ()
    return PostRow.from_wire(rows[0]).id if len(rows) == 1 else PostId(0)


def _keep_entries(tx: Tx, portal: MemberId, posts: dict[LogId, PostId]) -> None:
    tx.serialize(portal)
    for entry, post in posts.items():
        _SQL.add_entry(tx.conn, portal=portal, log_id=entry, post=post)
