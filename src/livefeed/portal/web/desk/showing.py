"""What pages show: posts, comments, versions and notices as the words and marks a template puts down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from livefeed.content.bbcode import parse
from livefeed.durable.store import Tx
from livefeed.portal.feed import comments, files, versions
from livefeed.portal.feed.reading import Post
from livefeed.portal.im import notifications
from livefeed.portal.people import people, places
from livefeed.portal.people.people import Person
from livefeed.ui.bbcode import as_html
from livefeed.ui.languages import noted, told, weighed
from livefeed.ui.moments import Moment, exact, moment, zone_of
from livefeed.wire.ids import MemberId

_HUES: Final = 8
_AUTOMATION: Final = noted("an automation")
_SYSTEM: Final = noted("System")
_EVERYONE: Final = noted("Everyone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """A person on a page."""

    id: int
    name: str
    initials: str
    hue: int
    is_admin: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """Somebody, or some place, that a post is addressed to.

    Attributes:
        code: ``UA``, ``SG1``, ``DR2``, ``D3``, ``U5``.
    """

    code: str
    name: str

    @property
    def is_everyone(self) -> bool:
        """Whether nobody is left out."""
        return self.code == "UA"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLine:
    """A file that hangs under a post or a comment."""

    id: int
    name: str
    size: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A comment."""

    id: int
    author: Face
    at: Moment
    html: Markup
    files: list[FileLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """Who wrote the newest version, and when."""

    by: str
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A post with its comments."""

    id: int
    author: Face
    to: list[Chip]
    at: Moment
    edited: Edited | None
    title: str
    is_micro: bool
    is_important: bool
    html: Markup
    files: list[FileLine]
    may_change: bool
    comments: list[Line]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeLine:
    """One notification."""

    id: int
    author: str
    at: Moment
    html: Markup
    is_unread: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Bell:
    """The newest notifications of a person."""

    rows: list[NoticeLine]
    unread: int


class Look:
    """One person's look at his portal: everything is named and timed as he would say it."""

    def __init__(
        self, tx: Tx, portal: MemberId, me: Person, everyone: Sequence[Person], language: str
    ) -> None:
        self.me = me
        self.language = language
        self._tx = tx
        self._portal = portal
        self._people: Mapping[int, Person] = {person.id: person for person in everyone}
        self._places = places.names(tx, portal)
        self.zone = zone_of(me.time_zone)

    def card(self, post: Post) -> Card:
        """A post."""
        newest = versions.of_post(self._tx, self._portal, post.id)[0] if post.version > 1 else None
        return Card(
            id=post.id,
            author=self.face(post.author),
            to=self.chips(post.audience),
            at=self.moment(post.published_at),
            edited=None
            if newest is None
            else Edited(by=self.name(newest.editor), at=self.moment(newest.written_at)),
            title=post.title,
            is_micro=post.is_micro,
            is_important=post.is_important,
            html=as_html(parse(post.text)),
            files=self.files(post.files),
            may_change=self.me.viewer.may_change(post.author),
            comments=[
                Line(
                    id=row.id,
                    author=self.face(row.author),
                    at=self.moment(row.written_at),
                    html=as_html(parse(row.text)),
                    files=self.files(row.files),
                )
                for row in comments.of_post(self._tx, post)
            ],
        )

    def files(self, ids: Sequence[int]) -> list[FileLine]:
        """The files with these attachment ids, in their order."""
        found = files.find_many(self._tx, self._portal, ids) if ids else {}
        return [
            FileLine(id=one.id, name=one.name, size=weighed(one.size, self.language))
            for one in (found[number] for number in ids if number in found)
        ]

    def bell(self, count: int) -> Bell:
        """The person's newest notifications."""
        rows = notifications.newest(self._tx, self._portal, self.me.id, count=count)
        return Bell(
            rows=[
                NoticeLine(
                    id=row.id,
                    author=self.name(row.author) if row.author else told(_SYSTEM, self.language),
                    at=self.moment(row.created_at),
                    html=as_html(parse(row.text)),
                    is_unread=row.read_at is None,
                )
                for row in rows
            ],
            unread=notifications.counts(self._tx, self._portal, self.me.id).unread,
        )

    def face(self, user_id: int) -> Face:
        """A person; one that is no longer known is shown by his number."""
        person = self._people.get(user_id)
        name = self.name(user_id)
        parts = name.split()
        return Face(
            id=user_id,
            name=name,
            initials="".join(part[0] for part in (parts[0], parts[-1])[: len(parts)]).upper(),
            hue=user_id % _HUES,
            is_admin=person is not None and person.is_admin,
        )

    def name(self, user_id: int | None) -> str:
        """What a person is called; None is whatever is not a person."""
        if user_id is None:
            return told(_AUTOMATION, self.language)
        person = self._people.get(user_id)
        return f"#{user_id}" if person is None else person.display_name

    def chips(self, audience: Sequence[str]) -> list[Chip]:
        """Whom something is addressed to, by name."""
        return [Chip(code=code, name=self._place(code)) for code in audience]

    def _place(self, code: str) -> str:
        if code == "UA":
            return told(_EVERYONE, self.language)
        if code.startswith("U"):
            return self.name(int(code[1:]))
        return self._places.get(code, code)

    def moment(self, at_ms: int) -> Moment:
        """A time, told in the person's time zone and language."""
        return moment(at_ms, self.zone, self.language)

    def exact(self, at_ms: int) -> Moment:
        """A time to the second in the person's time zone."""
        return exact(at_ms, self.zone)


def everyone(tx: Tx, portal: MemberId) -> list[Person]:
    """The people one can be in the demo: all who work there."""
    return people.select(tx, portal, is_active=True)
