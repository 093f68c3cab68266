"""What the notifier does when a post was published, edited or deleted."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from livefeed.app import Context
from livefeed.app.channels import Channel, channel_of
from livefeed.client.rest import RestClient
from livefeed.durable.store import Tx
from livefeed.errors import Fault, StoreConflict
from livefeed.notifier import archive, decisions, notices
from livefeed.notifier.archive import ArchivedPost, Source
from livefeed.notifier.changes import Comparison, Version, compare, mentioned
from livefeed.notifier.channels import bell
from livefeed.notifier.comments import find_commenters
from livefeed.notifier.decisions import Ruling, ruling_of
from livefeed.notifier.pages.versions import CLASSES
from livefeed.notifier.participants import Participant, take_part
from livefeed.notifier.people import ensure_people
from livefeed.notifier.policy import Decision, Editors, Silence, Silent, Tell, Unknown, decide, passed_over
from livefeed.notifier.privacy.screen import Screen
from livefeed.notifier.showing import REASONS
from livefeed.secrets import Secret
from livefeed.ui.languages import Words, listed, noted
from livefeed.wire.events import AppInstalled, Event, PostAdded, PostDeleted, PostUpdated
from livefeed.wire.feed.rows import PostRow
from livefeed.wire.ids import PostId, UserId, decimal
from livefeed.wire.params import Params

_LARGE_CHARS: Final = 20_000
_SOURCES: Final[Mapping[Channel, Source]] = {
    "event": Source.UPDATED,
    "offline": Source.OFFLINE,
    "sweep": Source.SWEPT,
}
_UNREADABLE: Final = noted("no token that is held can read it")
_TOKENS_ASKED: Final = 20  # of a storm of edits only the newest are asked whose they are


async def note_language(event: AppInstalled, ctx: Context) -> None:
    """Remember the language of a portal that installed the application."""
    if event.language:
        ctx.on_settle(lambda tx: archive.set_language(tx, ctx.portal, event.language))


async def archive_added(event: PostAdded, ctx: Context) -> None:
    """Archive a new post, so that its first edit has a before."""
    post = await ctx.find_post(event.post_id)
    if post is None:
        ctx.step("fetched", _UNREADABLE)
        return
    ctx.step("fetched", noted("archived"))
    heard = channel_of(ctx.events)
    source, late_ms = (Source.ADDED, None) if heard == "event" else (_SOURCES[heard], _late_ms(ctx))
    _archive(ctx, post.row, source, late_ms)


async def bury_deleted(event: PostDeleted, ctx: Context) -> None:
    """Mark a post as deleted, if it cannot be read any more; its versions stay."""
    if await ctx.find_post(event.post_id) is None:
        ctx.step("fetched", noted("gone"))
        ctx.on_settle(lambda tx: archive.bury(tx, ctx.portal, event.post_id))
    else:
        ctx.step("fetched", noted("still there"))


async def tell_participants(event: PostUpdated, ctx: Context) -> None:
    """Compare an edited post with what people were last told of, and plan the notices."""
    post = await ctx.find_post(event.post_id)
    if post is None:
        ctx.step("fetched", _UNREADABLE)
        return
    ctx.step("fetched")
    known, screen = await ctx.read(lambda tx: _before(tx, ctx, event.post_id))
    if known is None:
        ctx.step("compared", noted("first seen now: nothing to compare it with"))
        _archive(ctx, post.row, Source.UPDATED)
        return
    content = screen.version(post.row)
    comparison = await _compare(known.told, content)
    ctx.step("compared", _differing(comparison))
    is_news = comparison.is_worth_telling or content != known.seen
    editors = screen.editors(await _editors(ctx)) if is_news else Editors()
    circle = (
        await _circle(ctx, screen, post.row, known, content) if comparison.is_worth_telling else _Circle()
    )
    decision = decide(comparison, circle.present, editors)
    ctx.step("told", _summary(decision))
    ruling = ruling_of(
        decision,
        comparison,
        seq=ctx.seq,
        events=len(ctx.events),
        from_version=known.told_version,
        to_version=known.seen_version,
        editors=editors if comparison.is_worth_telling else Editors(),
        passed_over=passed_over(circle.everyone, circle.dismissed, editors),
    )
    ctx.on_settle(lambda tx: _check_screen(tx, ctx, screen, event.post_id))
    ctx.on_settle(_settlement(ctx, known, content, decision, ruling, editors, post.row.num_comments))


def _before(tx: Tx, ctx: Context, post: PostId) -> tuple[ArchivedPost | None, Screen]:
    return archive.find(tx, ctx.portal, post), Screen.read(tx, ctx.runtime.keys, ctx.portal, [post])


def _archive(ctx: Context, row: PostRow, source: Source, late_ms: int | None = None) -> None:
    """Archive the first version that is seen, as far as it may be kept when it is settled."""

    def add(tx: Tx) -> None:
        screen = Screen.read(tx, ctx.runtime.keys, ctx.portal, [row.id])
        archive.add(tx, ctx.portal, row.id, screen.author(row), screen.version(row), source, late_ms)

    ctx.on_settle(add)


def _check_screen(tx: Tx, ctx: Context, screen: Screen, post: PostId) -> None:
    """What was decided with the words and names of before must not be kept.

    Raises:
        StoreConflict: Somebody was erased, or something redacted, meanwhile: it is decided again.
    """
    tx.serialize(ctx.portal)
    if Screen.read(tx, ctx.runtime.keys, ctx.portal, [post]) != screen:
        raise StoreConflict("a person was erased or words were redacted meanwhile; it is looked at again")


def _late_ms(ctx: Context) -> int | None:
    """How long ago the first of these changes was made, at most; None if no event says when."""
    moments = [event.envelope.ts for event in ctx.events if event.envelope.ts is not None]
    return max(0, ctx.runtime.clock.now_ms() - min(moments) * 1000) if moments else None


async def _compare(old: Version, new: Version) -> Comparison:
    if len(old.text) + len(new.text) > _LARGE_CHARS:
        return await asyncio.to_thread(compare, old, new)
    return compare(old, new)


def _settlement(
    ctx: Context,
    known: ArchivedPost,
    content: Version,
    decision: Decision,
    ruling: Ruling,
    editors: Editors,
    num_comments: int,
) -> Callable[[Tx], None]:
    """What commits with the settle of the inbox lane: version, decision, and the notices with their lanes."""
    consumer = ctx.consumer_of(notices.BELL)
    source, late_ms = _SOURCES[channel_of(ctx.events)], _late_ms(ctx)

    def settle(tx: Tx) -> None:
        number = archive.see(tx, ctx.portal, known, content, source, editors, late_ms)
        decisions.record(tx, ctx.portal, known.post, replace(ruling, to_version=number))
        match decision:
            case Silent(why=Silence.NOBODY):
                archive.tell(tx, ctx.portal, known.post, number)
            case Silent():
                return
            case Tell(recipients=recipients):
                archive.tell(tx, ctx.portal, known.post, number)
                archive.mark_checked(tx, ctx.portal, known.post, num_comments)
                for one in recipients:
                    planned = notices.plan(
                        tx,
                        ctx.portal,
                        known.post,
                        one,
                        from_version=known.told_version,
                        to_version=number,
                    )
                    if planned is not None:
                        bell.order(tx, ctx.portal, one.person, planned, consumer)

    return settle


def _differing(comparison: Comparison) -> Words:
    classes = sorted(comparison.classes)
    return listed(CLASSES[one] for one in classes) if classes else noted("nothing")


def _summary(decision: Decision) -> Words:
    match decision:
        case Silent(why=why):
            return noted("nobody: %(why)s", why=Words(text=why))
        case Tell(recipients=recipients):
            return listed(
                noted("%(person)s (%(reason)s)", person=one.person, reason=REASONS[one.reason])
                for one in recipients
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Circle:
    """Who takes part in a discussion, and who of them works there no more."""

    everyone: tuple[Participant, ...] = ()
    dismissed: frozenset[UserId] = frozenset()

    @property
    def present(self) -> tuple[Participant, ...]:
        return tuple(one for one in self.everyone if one.person not in self.dismissed)


async def _circle(
    ctx: Context, screen: Screen, row: PostRow, known: ArchivedPost, content: Version
) -> _Circle:
    store, keys, client = ctx.runtime.store, ctx.runtime.keys, ctx.client
    commenters = await find_commenters(store, keys, client, ctx.portal, known, row.num_comments)
    named = mentioned(known.told, content, Version.of(row))  # of words that are not kept, too
    people = await ensure_people(store, keys, client, ctx.portal, {row.author_id, *named, *commenters})
    everyone = take_part(author=row.author_id, mentioned=named, commenters=commenters)
    return _Circle(
        everyone=tuple(one for one in everyone if not screen.is_erased(one.person)),
        dismissed=frozenset(person.id for person in people.values() if not person.is_active),
    )


async def _editors(ctx: Context) -> Editors:
    """Who edited: named by the event, or by its token; an event without a token is an automation's.

    What was found otherwise does not say who made it.
    """
    found: set[UserId] = set()
    unknown: Unknown | None = None
    heard = channel_of(ctx.events)
    # What was found beside an event is the edit that the event told of.
    newest_first = [event for event in reversed(ctx.events) if channel_of([event]) == heard]
    for asked, event in enumerate(newest_first):
        editor = await _editor(ctx, event, may_ask=asked < _TOKENS_ASKED)
        if isinstance(editor, Unknown):
            unknown = unknown or editor
        else:
            found.add(editor)
    editors = Editors(people=tuple(sorted(found)), unknown=unknown)
    await ensure_people(ctx.runtime.store, ctx.runtime.keys, ctx.client, ctx.portal, found)
    return editors


async def _editor(ctx: Context, event: Event, *, may_ask: bool) -> UserId | Unknown:
    auth = event.envelope.auth
    if auth.user_id is not None:
        return auth.user_id
    if not auth.access_token:
        return Unknown.AUTOMATION if channel_of([event]) == "event" else Unknown.SOMEONE
    if not may_ask:
        return Unknown.SOMEONE
    return await _owner(ctx.runtime.client_with(ctx.portal, Secret(auth.access_token)))


async def _owner(client: RestClient) -> UserId | Unknown:
    """Whose token it is; an expired or withdrawn one does not say.

    Source: https://apidocs.bitrix24.com/api-reference/user/user-current.html
    """
    try:
        result = (await client.call("user.current")).result
    except Fault as fault:
        if fault.retryable:
            raise
        return Unknown.SOMEONE
    number = decimal(Params(result).text("ID")) if isinstance(result, dict) else None
    return UserId(number) if number else Unknown.SOMEONE
