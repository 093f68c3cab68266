"""Posts: what they hold, and how one is written, changed and deleted together with its event."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from livefeed.durable.sql import load, run_rows
from livefeed.durable.store import Tx
from livefeed.portal.events.outbox import News, announce, announce_many
from livefeed.portal.feed import titles, versions
from livefeed.portal.feed.reading import Post, as_json
from livefeed.portal.live.topics import post_changed
from livefeed.portal.offline.bindings import Origin
from livefeed.portal.portals import next_id
from livefeed.wire.ids import LogId, MemberId, PostId, UserId

ADDED: Final = "ONLIVEFEEDPOSTADD"
UPDATED: Final = "ONLIVEFEEDPOSTUPDATE"
DELETED: Final = "ONLIVEFEEDPOSTDELETE"

_sql = load("livefeed.portal.feed", "feed.sql")


class Draft(Struct, frozen=True, kw_only=True):
    """What a new post is made of.

    Attributes:
        title: If empty it is taken from the text.
        audience: Destination codes, at least one.
        important_until: In ms; None: for ever.
        published_at: In ms; None: now.
    """

    author: UserId
    text: str
    audience: tuple[str, ...]
    title: str = ""
    is_important: bool = False
    important_until: int | None = None
    tags: tuple[str, ...] = ()
    files: tuple[int, ...] = ()
    background_code: str = ""
    published_at: int | None = None


class Change(Struct, frozen=True, kw_only=True):
    """What of a post changes; None keeps what was, an empty title is taken from the text."""

    text: str | None = None
    title: str | None = None
    audience: tuple[str, ...] | None = None
    is_important: bool | None = None
    important_until: int | None = None
    files: tuple[int, ...] | None = None


def add(
    tx: Tx,
    portal: MemberId,
    draft: Draft,
    *,
    actor: UserId | None,
    source: str,
    origin: Origin | None = None,
) -> PostId:
    """Publish a post and announce it; ``actor`` is None when no person did it."""
    post = write(tx, portal, draft, editor=actor, source=source)
    post_changed(tx, portal, post.author, post.audience)
    announce(tx, portal=portal, event=ADDED, post_id=post.id, actor=actor, source=source, origin=origin)
    return post.id


def write(tx: Tx, portal: MemberId, draft: Draft, *, editor: UserId | None, source: str) -> Post:
    """Store a new post and its first version, without an event: for seeds and imports."""
    at = tx.now_ms if draft.published_at is None else draft.published_at
    post = Post(
        portal=portal,
        id=PostId(next_id(tx, portal, "post")),
        log_id=LogId(next_id(tx, portal, "log")),
        author=draft.author,
        title=draft.title or titles.from_text(draft.text),
        text=draft.text,
        is_micro=not draft.title,
        version=1,
        audience=draft.audience,
        is_important=draft.is_important,
        important_until=draft.important_until,
        tags=draft.tags,
        tag_ids=_tag_ids(tx, portal, draft.tags),
        files=draft.files,
        background_code=draft.background_code,
        comment_count=0,
        published_at=at,
        changed_at=at,
    )
    _sql.add_post(
        tx.conn,
        portal=portal,
        id=post.id,
        log_id=post.log_id,
        author=post.author,
        title=post.title,
        text=post.text,
        is_micro=int(post.is_micro),
        audience=",".join(post.audience),
        is_important=int(post.is_important),
        important_until=post.important_until,
        tags=",".join(post.tags),
        tag_ids=_joined(post.tag_ids),
        files=_joined(post.files),
        background_code=post.background_code,
        now=at,
    )
    _sql.add_audience(tx.conn, portal=portal, post=post.id, codes=as_json(post.audience))
    versions.record_many(tx, [(post, editor, source)])
    return post


class Edit(Struct, frozen=True, kw_only=True):
    """An edit that is to be written.

    Attributes:
        post: As it was read in the same unit.
        change: What of it changes.
        actor: Who does it; None: no person.
        source: The way it came: ``rest``, ``web`` or ``command``.
        origin: The exchange channel over which it came.
    """

    post: Post
    change: Change
    actor: UserId | None
    source: str
    origin: Origin | None = None


def edit(
    tx: Tx,
    post: Post,
    change: Change,
    *,
    actor: UserId | None,
    source: str,
    origin: Origin | None = None,
) -> Post:
    """Write the next version of a post and announce it; `Edit` says what the words mean."""
    return edit_many(tx, [Edit(post=post, change=change, actor=actor, source=source, origin=origin)])[0]


def edit_many(tx: Tx, edits: Sequence[Edit]) -> list[Post]:
    """Write the next versions of posts, each another one, and announce them in their order.

    A version is written and announced even if it says the same as before, as the real feed does.
    """
    edited = [_edited(tx, one.post, one.change) for one in edits]
    _write_changes(tx, edited)
    for one, after in zip(edits, edited, strict=True):
        if after.audience != one.post.audience:
            _address(tx, after)
        post_changed(tx, after.portal, after.author, one.post.audience, after.audience)
    versions.record_many(
        tx, [(after, one.actor, one.source) for one, after in zip(edits, edited, strict=True)]
    )
    announce_many(
        tx,
        [
            News(
                portal=one.post.portal,
                event=UPDATED,
                post_id=one.post.id,
                actor=one.actor,
                source=one.source,
                origin=one.origin,
            )
            for one in edits
        ],
    )
    return edited


def _edited(tx: Tx, post: Post, change: Change) -> Post:
    text = post.text if change.text is None else change.text
    title = post.title if change.title is None else change.title
    return replace(
        post,
        text=text,
        title=title or titles.from_text(text),
        is_micro=post.is_micro if change.title is None else not title,
        version=post.version + 1,
        audience=post.audience if change.audience is None else change.audience,
        is_important=post.is_important if change.is_important is None else change.is_important,
        important_until=post.important_until if change.important_until is None else change.important_until,
        files=post.files if change.files is None else change.files,
        changed_at=tx.now_ms,
    )


def _write_changes(tx: Tx, posts: Sequence[Post]) -> None:
    """With one statement where each is a round trip; in a file several are quicker than one for all."""
    changes = [
        {
            "portal": post.portal,
            "id": post.id,
            "version": post.version,
            "title": post.title,
            "text": post.text,
            "is_micro": int(post.is_micro),
            "audience": ",".join(post.audience),
            "is_important": int(post.is_important),
            "important_until": post.important_until,
            "files": _joined(post.files),
            "now": post.changed_at,
        }
        for post in posts
    ]
    if tx.is_shared:
        run_rows(tx, _sql.change_posts, [tuple(change.values()) for change in changes])
        return
    for change in changes:
        _sql.change_post.send(tx.conn, **change)


def _address(tx: Tx, post: Post) -> None:
    """Address a post anew."""
    _sql.clear_audience(tx.conn, portal=post.portal, post=post.id)
    _sql.add_audience(tx.conn, portal=post.portal, post=post.id, codes=as_json(post.audience))


def delete(tx: Tx, post: Post, *, actor: UserId | None, source: str, origin: Origin | None = None) -> None:
    """Take a post out of the feed and announce it; its versions stay."""
    _sql.delete_post(tx.conn, portal=post.portal, id=post.id, now=tx.now_ms)
    post_changed(tx, post.portal, post.author, post.audience)
    announce(
        tx, portal=post.portal, event=DELETED, post_id=post.id, actor=actor, source=source, origin=origin
    )


def _tag_ids(tx: Tx, portal: MemberId, names: Sequence[str]) -> tuple[int, ...]:
    if not names:
        return ()
    known: dict[str, int] = dict(_sql.tag_ids(tx.conn, portal=portal, names=as_json(names)))
    for name in names:
        if name not in known:
            known[name] = next_id(tx, portal, "tag")
            _sql.add_tag(tx.conn, portal=portal, name=name, id=known[name])
    return tuple(known[name] for name in names)


def _joined(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))
