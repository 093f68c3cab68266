"""Comparing versions: in which ways two versions of a post differ, and how much their texts do."""

import enum
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from livefeed.content.bbcode import parse
from livefeed.content.diff import diff
from livefeed.content.materiality import Materiality, weigh
from livefeed.content.tokens import tokenize
from livefeed.portal.feed import titles
from livefeed.portal.feed.versions import Version

_LARGE_CHARS: Final = 20_000  # of both texts together; below that a pair is weighed in some ten milliseconds


class Part(enum.StrEnum):
    """A part of a post that a version can change."""

    TEXT = "text"
    TITLE = "title"
    RECIPIENTS = "recipients"
    IMPORTANCE = "importance"
    FILES = "files"
    TAGS = "tags"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """How much two texts differ.

    Attributes:
        gone: Words and signs that are only in the older one.
        came: Words and signs that are only in the newer one.
    """

    materiality: Materiality = Materiality.NONE
    gone: int = 0
    came: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How a version differs from an older one; ``text`` is None for texts too long to be weighed."""

    parts: frozenset[Part]
    text: Weight | None


def compare(old: Version, new: Version) -> Comparison:
    """How ``new`` differs from ``old``; a text differs as soon as one sign of its source does."""
    differs = {
        Part.TEXT: old.text != new.text,
        Part.TITLE: old.title != new.title and not (is_derived(old) and is_derived(new)),
        Part.RECIPIENTS: set(old.audience) != set(new.audience),
        Part.IMPORTANCE: (old.is_important, old.important_until) != (new.is_important, new.important_until),
        Part.FILES: set(old.files) != set(new.files),
        Part.TAGS: set(old.tags) != set(new.tags),
    }
    parts = frozenset(part for part, is_so in differs.items() if is_so)
    is_large = len(old.text) + len(new.text) > _LARGE_CHARS
    return Comparison(parts=parts, text=None if is_large else _weighed(old.text, new.text))


def is_derived(version: Version) -> bool:
    """Whether the title is nothing but the first words of the text."""
    return version.title == titles.from_text(version.text)


@lru_cache(maxsize=1024)
def _weighed(old: str, new: str) -> Weight:
    """Versions never change, so that each pair is weighed once."""
    if old == new:
        return Weight()
    left, right = tokenize(parse(old)), tokenize(parse(new))
    changes = diff(left, right)
    return Weight(
        materiality=weigh(left, right),
        gone=sum(len(change.gone) for change in changes),
        came=sum(len(change.came) for change in changes),
    )
