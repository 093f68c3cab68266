"""The difference of two versions of a post: of its text, and of everything else that can change."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

from livefeed.portal.feed.comparing import Part, compare
from livefeed.portal.feed.versions import Version
from livefeed.portal.web.desk.showing import Look
from livefeed.ui import diff
from livefeed.ui.languages import Words, noted, told

PARTS: Final = {
    Part.TITLE: noted("title"),
    Part.RECIPIENTS: noted("recipients"),
    Part.IMPORTANCE: noted("importance"),
    Part.FILES: noted("files"),
    Part.TAGS: noted("tags"),
}
"""What can change besides the text, in the order in which it is told."""

_ORDINARY: Final = noted("not important")
_IMPORTANT: Final = noted("important")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What is shown of two versions.

    Attributes:
        others: What changed besides the text: its name, and the change.
        text: The difference of the texts; None: they are the same.
        is_markup_only: Whether a reader sees the same words in both.
    """

    others: list[tuple[Words, Markup]]
    text: Markup | None
    is_markup_only: bool


def difference(look: Look, old: Version, new: Version, view: str) -> Difference:
    """How ``new`` differs from ``old``, in one of `livefeed.ui.diff.VIEWS`."""
    comparison = compare(old, new)
    labels = diff.labels_in(
        look.language,
        before=noted("Version %(number)s", number=old.version),
        after=noted("Version %(number)s", number=new.version),
    )
    has_text, weight = Part.TEXT in comparison.parts, comparison.text
    return Difference(
        others=[
            (name, _swapped(_said(look, part, old), _said(look, part, new), labels))
            for part, name in PARTS.items()
            if part in comparison.parts
        ],
        text=diff.VIEWS[view](old.text, new.text, labels) if has_text else None,
        is_markup_only=has_text and weight is not None and not (weight.gone or weight.came),
    )


def _said(look: Look, part: Part, version: Version) -> list[str]:
    """What a version says of one part, piece by piece."""
    match part:
        case Part.TEXT:
            return [version.text]
        case Part.TITLE:
            return [version.title]
        case Part.RECIPIENTS:
            return [chip.name for chip in look.chips(version.audience)]
        case Part.IMPORTANCE:
            return [told(_importance(look, version), look.language)]
        case Part.FILES:
            return [file.name for file in look.files(version.files)]
        case Part.TAGS:
            return list(version.tags)


def _importance(look: Look, version: Version) -> Words:
    if not version.is_important:
        return _ORDINARY
    if version.important_until is None:
        return _IMPORTANT
    return noted("important until %(day)s", day=look.moment(version.important_until).text)


def _swapped(old: list[str], new: list[str], labels: diff.Labels) -> Markup:
    """What is only in ``old``, struck out, then what is only in ``new``."""
    gone = _marked("del", labels.removed, (one for one in old if one not in new))
    came = _marked("ins", labels.added, (one for one in new if one not in old))
    return Markup(" ").join([*gone, *came])


def _marked(tag: str, word: str, pieces: Iterable[str]) -> list[Markup]:
    return [
        Markup('<{0}><span class="hidden">{1} </span>{2}</{0}>').format(tag, word, escape(piece))
        for piece in pieces
    ]
