"""The versions of a post as rows of a page: who, when, what kind of change, how large."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final

import msgspec

from livefeed.clock import iso
from livefeed.content.bbcode import parse
from livefeed.content.diff import diff
from livefeed.content.tokens import tokenize
from livefeed.durable import sql
from livefeed.durable.store import Tx
from livefeed.notifier.archive import Source
from livefeed.notifier.changes import ChangeClass, Version, compare
from livefeed.notifier.people import Person, find_people
from livefeed.notifier.policy import Editors, Unknown
from livefeed.notifier.privacy.screen import NOBODY
from livefeed.ui.languages import Words, noted, spoken, told
from livefeed.wire.ids import MemberId, PostId, UserId

_SQL: Final = sql.load("livefeed.notifier", "queries/history.sql")
_LARGE_CHARS: Final = 20_000
_version: Final = msgspec.json.Decoder(Version)
_editors: Final = msgspec.json.Decoder(Editors)

CLASSES: Final[Mapping[ChangeClass, Words]] = {
    ChangeClass.TEXT: noted("text"),
    ChangeClass.TITLE: noted("title"),
    ChangeClass.RECIPIENTS: noted("recipients"),
    ChangeClass.FILES: noted("files"),
    ChangeClass.IMPORTANCE: noted("importance"),
    ChangeClass.TAGS: noted("tags"),
}
"""What a change is called, by its class."""

_SOURCES: Final[Mapping[Source, Words]] = {
    Source.BACKFILL: noted("found when the application was installed"),
    Source.ADDED: noted("published"),
    Source.UPDATED: noted("edited"),
    Source.OFFLINE: noted("fetched from the queue of offline events"),
    Source.SWEPT: noted("found by sweep"),
}
_UNKNOWN: Final[Mapping[Unknown, Words]] = {
    Unknown.SOMEONE: noted("somebody"),
    Unknown.AUTOMATION: noted("an automation"),
}


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One version as it lies in the archive.

    Attributes:
        number: 1 is the first that was seen.
        source: How it came.
        at_ms: When it was seen.
        editors: Who made it; nobody if nothing told.
        content: What the post was.
    """

    number: int
    source: Source
    at_ms: int
    editors: Editors
    content: Version


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list; ``came`` and ``gone`` count words, None where it is too long to count."""

    number: int
    by: str
    how: Words
    iso: str
    at: str
    kinds: tuple[Words, ...]
    came: int | None = None
    gone: int | None = None


def kept(tx: Tx, portal: MemberId, post: PostId, *, until: int, most: int) -> list[Kept]:
    """At most ``most`` versions from number ``until`` down, the newest first."""
    return [
        Kept(
            number=number,
            source=Source(source),
            at_ms=at,
            editors=_editors.decode(editors) if editors else Editors(),
            content=_version.decode(content),
        )
        for number, source, at, editors, content in _SQL.versions(
            tx.conn, portal=portal, post=post, until=until, most=most
        )
    ]


def lately_edited(tx: Tx, portal: MemberId, *, most: int) -> list[tuple[PostId, int, int]]:
    """Post, when it was edited last, and how many versions there are; the last edited first."""
    found: Any = _SQL.edited(tx.conn, portal=portal, most=most)
    return [(PostId(post), edited_at, versions) for post, edited_at, versions in found]


def named(tx: Tx, portal: MemberId, versions: Sequence[Kept], author: UserId) -> dict[UserId, Person]:
    """Everybody who is named in ``versions``, and the author."""
    return find_people(tx, portal, {author, *(one for kept in versions for one in kept.editors.people)})


def as_row(
    one: Kept,
    before: Kept | None,
    *,
    people: Mapping[UserId, Person],
    author: UserId,
    zone: tzinfo,
    language: str,
) -> Row:
    """``one`` beside the version before it; None: the first that is known."""
    came, gone = _size(before.content, one.content) if before else (None, None)
    return Row(
        number=one.number,
        by=_by(one, people, author, language),
        how=_SOURCES[one.source],
        iso=iso(one.at_ms),
        at=spoken(one.at_ms, zone, language),
        kinds=(*_taken_out(one.content), *(_kinds(before.content, one.content) if before else ())),
        came=came,
        gone=gone,
    )


def _taken_out(content: Version) -> tuple[Words, ...]:
    if content.withheld is None:
        return ()
    return (noted("redacted"),) if content.withheld.why == "redacted" else (noted("erased"),)


def _by(one: Kept, people: Mapping[UserId, Person], author: UserId, language: str) -> str:
    is_edit = one.source is Source.UPDATED or one.number > 1
    ids = one.editors.people or (() if is_edit or author == NOBODY else (author,))
    names = [people[number].name if number in people else f"#{number}" for number in ids]
    if one.editors.unknown is not None or not names:
        names.append(told(_UNKNOWN[one.editors.unknown or Unknown.SOMEONE], language))
    return ", ".join(names)


def _kinds(old: Version, new: Version) -> tuple[Words, ...]:
    if old.withheld != new.withheld:
        return (CLASSES[ChangeClass.TEXT],)
    if len(old.text) + len(new.text) > _LARGE_CHARS:
        # Too long to be weighed word by word for a list: a text that differs counts as changed.
        rest = compare(msgspec.structs.replace(old, text=""), msgspec.structs.replace(new, text=""))
        text = (noted("text"),) if old.text != new.text else ()
        return (*text, *(CLASSES[kind] for kind in ChangeClass if kind in rest.classes))
    comparison = compare(old, new)
    if comparison.is_cosmetic or (not comparison.classes and old.text != new.text):
        return (noted("cosmetic"),)
    return tuple(CLASSES[kind] for kind in ChangeClass if kind in comparison.classes)


def _size(old: Version, new: Version) -> tuple[int, int] | tuple[None, None]:
    if len(old.text) + len(new.text) > _LARGE_CHARS or old.withheld or new.withheld:
        return None, None
    changes = diff(tokenize(parse(old.text)), tokenize(parse(new.text)))
    return sum(len(change.came) for change in changes), sum(len(change.gone) for change in changes)
