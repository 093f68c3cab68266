"""The difference of two versions as HTML: in one column, side by side, or of the bare BBCode."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

from livefeed.content.bbcode import parse
from livefeed.content.lines import Pieces, Row, in_one_column, side_by_side
from livefeed.content.short import Piece, Side
from livefeed.content.tokens import Kind, Token, Tokens, tokenize
from livefeed.ui.languages import Words, noted, told

_REMOVED: Final = noted("removed:")
_ADDED: Final = noted("added:")
_BEFORE: Final = noted("Before")
_AFTER: Final = noted("After")
_RAW: Final = re.compile(r"\n|[^\S\n]+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What is said to those who see no colour, in the reader's language.

    Attributes:
        removed: In front of what is gone.
        added: In front of what came.
        before: Heading of the old side.
        after: Heading of the new side.
    """

    removed: str = _REMOVED.text
    added: str = _ADDED.text
    before: str = _BEFORE.text
    after: str = _AFTER.text


_ENGLISH: Final = Labels()


def labels_in(language: str, *, before: Words = _BEFORE, after: Words = _AFTER) -> Labels:
    """The labels in one of the languages of pages."""
    return Labels(
        removed=told(_REMOVED, language),
        added=told(_ADDED, language),
        before=told(before, language),
        after=told(after, language),
    )


def inline(old: str, new: str, labels: Labels = _ENGLISH) -> Markup:
    """Both texts (BBCode) in one column: ``<div class="diff inline">`` with ``<del>`` and ``<ins>``."""
    pieces = in_one_column(tokenize(parse(old)), tokenize(parse(new)))
    return Markup('<div class="diff inline">{}</div>').format(_all(pieces, labels))


def beside(old: str, new: str, labels: Labels = _ENGLISH) -> Markup:
    """Both texts (BBCode) line beside line: ``<table class="diff beside">``, the old one on the left."""
    rows = side_by_side(tokenize(parse(old)), tokenize(parse(new)))
    head = Markup('<thead><tr><th scope="col">{}</th><th scope="col">{}</th></tr></thead>').format(
        labels.before, labels.after
    )
    body = Markup("").join(_row(row, labels) for row in rows)
    return Markup('<table class="diff beside">{}<tbody>{}</tbody></table>').format(head, body)


def raw(old: str, new: str, labels: Labels = _ENGLISH) -> Markup:
    """Both texts as they were written, markup and white space included: ``<pre class="diff raw">``."""
    pieces = in_one_column(_source(old), _source(new))
    shown = (_visible(piece) for piece in pieces)
    return Markup('<pre class="diff raw">{}</pre>').format(_all(shown, labels))


VIEWS: Final[Mapping[str, Callable[[str, str, Labels], Markup]]] = {
    "inline": inline,
    "side": beside,
    "raw": raw,
}
"""How a difference can be looked at, by the names that pages use in their addresses."""


def _source(text: str) -> Tokens:
    """Each word, each run of blanks, each line break and each other character as one token."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    return tuple(Token(Kind.WORD, found) for found in _RAW.findall(unified))


def _visible(piece: Piece) -> Piece:
    """In the bare text nothing stands between pieces, and a line break that differs is seen."""
    text = piece.text if piece.side is Side.SAME else piece.text.replace("\n", "↵\n")
    return Piece(piece.side, text)


def _all(pieces: Iterable[Piece], labels: Labels) -> Markup:
    return Markup("").join(_piece(piece, labels) for piece in pieces)


def _piece(piece: Piece, labels: Labels) -> Markup:
    match piece.side:
        case Side.SAME:
            return escape(piece.before + piece.text)
        case Side.GONE:
            return _marked(piece, "del", labels.removed)
        case Side.CAME:
            return _marked(piece, "ins", labels.added)


def _marked(piece: Piece, tag: str, word: str) -> Markup:
    return Markup('{0}<{1}><span class="hidden">{2} </span>{3}</{1}>').format(
        piece.before, tag, word, piece.text
    )


def _row(row: Row, labels: Labels) -> Markup:
    kind = Markup("") if row.is_same else Markup(' class="differs"')
    return Markup("<tr{}>{}{}</tr>").format(kind, _cell(row.left, labels), _cell(row.right, labels))


def _cell(pieces: Pieces | None, labels: Labels) -> Markup:
    return (
        Markup('<td class="none"></td>')
        if pieces is None
        else Markup("<td>{}</td>").format(_all(pieces, labels))
    )
