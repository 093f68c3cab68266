"""What changed between two versions of a post, as a value; pure."""

import enum
from typing import Final, Literal

import msgspec

from livefeed.content.bbcode import parse
from livefeed.content.materiality import Materiality, weigh
from livefeed.content.mentions import mentions
from livefeed.content.render import plain_text
from livefeed.content.tokens import tokenize
from livefeed.wire.feed.rows import PostRow
from livefeed.wire.ids import UserId


class ChangeClass(enum.StrEnum):
    """What was changed. One edit may be of several classes, or of none."""

    TEXT = "text"
    TITLE = "title"
    RECIPIENTS = "recipients"
    FILES = "files"
    IMPORTANCE = "importance"
    TAGS = "tags"


class Withheld(msgspec.Struct, frozen=True, kw_only=True):
    """Why the words of a version are not kept, and which they were.

    Attributes:
        why: Somebody has redacted them, or their author was erased.
        digest: Keyed hash of the words: the same words are no edit.
    """

    why: Literal["redacted", "erased"]
    digest: str


class Version(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The content of a post at one time, as far as ``log.blogpost.get`` shows it.

    Attributes:
        title: As shown; may be derived from the text.
        is_derived: Whether nobody gave the title.
        text: BBCode.
        is_important: Marked as important.
        is_for_everyone: Addressed to all authorized users; the only recipient a read shows.
        files: Ids of attachments, ascending.
        tags: ``CATEGORY_ID``.
        withheld: Why there are neither title nor text; None: they are as they were.
    """

    title: str = ""
    is_derived: bool = False
    text: str = ""
    is_important: bool = False
    is_for_everyone: bool = False
    files: tuple[int, ...] = ()
    tags: str = ""
    withheld: Withheld | None = None

    def without_words(self, withheld: Withheld) -> "Version":
        """The same without title and text."""
        return msgspec.structs.replace(self, title="", is_derived=True, text="", withheld=withheld)

    @classmethod
    def of(cls, row: PostRow) -> "Version":
        """The content of ``row``."""
        return cls(
            title=row.title,
            is_derived=row.is_micro or not row.title.strip(),
            text=row.text,
            is_important=row.is_important,
            is_for_everyone=row.for_everyone,
            files=tuple(sorted(row.files)),
            tags=row.category_id,
        )


_TOLD: Final = frozenset({ChangeClass.TEXT, ChangeClass.TITLE, ChangeClass.FILES, ChangeClass.IMPORTANCE})


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """How two versions differ.

    Attributes:
        classes: What differs in a way that matters; a text or title only if the words do.
        text: How much the text differs.
        title: How much the title differs; a title derived from the text does not count.
    """

    classes: frozenset[ChangeClass] = frozenset()
    text: Materiality = Materiality.NONE
    title: Materiality = Materiality.NONE

    @property
    def is_cosmetic(self) -> bool:
        """Whether only markup, white space, punctuation or case differs."""
        return not self.classes and Materiality.COSMETIC in {self.text, self.title}

    @property
    def is_worth_telling(self) -> bool:
        """Whether people hear of it: of tags they do not, of recipients only those who were added would."""
        return bool(self.classes & _TOLD)


def compare(old: Version, new: Version) -> Comparison:
    """How ``new`` differs from ``old``."""
    is_same = old.withheld == new.withheld
    text = weigh_texts(old.text, new.text) if is_same else Materiality.MATERIAL
    title = Materiality.NONE if new.is_derived or not is_same else weigh_texts(old.title, new.title)
    differs = {
        ChangeClass.TEXT: text in {Materiality.MINOR, Materiality.MATERIAL},
        ChangeClass.TITLE: title in {Materiality.MINOR, Materiality.MATERIAL},
        ChangeClass.RECIPIENTS: old.is_for_everyone != new.is_for_everyone,
        ChangeClass.FILES: old.files != new.files,
        ChangeClass.IMPORTANCE: old.is_important != new.is_important,
        ChangeClass.TAGS: old.tags != new.tags,
    }
    return Comparison(
        classes=frozenset(name for name, is_so in differs.items() if is_so), text=text, title=title
    )


def weigh_texts(old: str, new: str) -> Materiality:
    """How much two BBCode texts differ."""
    return Materiality.NONE if old == new else weigh(tokenize(parse(old)), tokenize(parse(new)))


def mentioned(*versions: Version) -> frozenset[UserId]:
    """Everybody who is mentioned in the text of any of ``versions``."""
    return frozenset(UserId(person) for version in versions for person in mentions(parse(version.text)))


def known_as(old: Version, new: Version) -> str:
    """The title under which people know the post: one that somebody gave it, the newest if there are two."""
    given = [version.title for version in (new, old) if not version.is_derived]
    return given[0] if given else new.title or plain_text(parse(new.text))
