"""A tree as the words a reader sees: tokens with their kind, the white space before them and their marks."""

import enum
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

import msgspec

from livefeed.content.bbcode import Element, Text, Tree, attachment_id


class Kind(enum.StrEnum):
    """What a token is."""

    WORD = "word"
    NUMBER = "number"  # 14, 14.06.2025, 10:30, 1,200.50; sign included
    SYMBOL = "symbol"  # currency, per cent, mathematics, emoji
    PUNCTUATION = "punctuation"
    URL = "url"  # an address or an e-mail address
    MENTION = "mention"  # [USER=5]Name[/USER]
    FILE = "file"  # an attachment, picture or video within the text


class Token(msgspec.Struct, frozen=True):
    """One thing a reader sees.

    Attributes:
        kind: What it is.
        text: As it is shown, in Unicode form NFC.
        before: White space in front of it: nothing, one space, or one line break.
        target: What it points to: id of a person, id of a file.
        marks: Tags around it, outermost first.
    """

    kind: Kind
    text: str
    before: str = ""
    target: str = ""
    marks: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two tokens the same to a reader: everything but white space and marks."""
        return (self.kind, self.text, self.target)


Tokens = tuple[Token, ...]

_ALIGNING: Final = {"left", "right", "center", "justify"}
_BREAKING: Final = frozenset(_ALIGNING | {"*", "br", "p", "quote", "code", "table", "tr", "list", "spoiler"})
_SPACING: Final = frozenset({"td", "th"})
_EMBEDDED: Final = frozenset({"img", "video", "disk"})
# Soft hyphens, zero-width and direction characters change nothing a reader sees; controls are white space.
_DIRECTIONS: Final = (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_INVISIBLE: Final[dict[int, str | None]] = {
    **dict.fromkeys((0xAD, 0x200B, 0x200C, 0x2060, 0xFEFF, *_DIRECTIONS)),
    **{code: " " for code in range(0x20) if chr(code) not in "\t\n\r"},
}
_LETTER: Final = r"(?:[^\W\d_\u3040-\u30FF\u3400-\u9FFF][\u0300-\u036F]*+)"
# No possessive groups: before 3.11.5 one that fails half-way keeps what it had taken (CPython gh-106052).
_PIECE: Final = re.compile(
    rf"""(?P<space>\s++)
    |(?P<url>(?:https?|ftp)://[^\s\[\]<>"]++|[\w.+-]{{1,64}}+@[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{1,8}})
    |(?P<number>(?:(?<![\w.)])[-+−])?\d++(?:[.,:/\-–\u00A0\u202F\u2009]\d++)*)
    |(?P<word>{_LETTER}+(?:['’ʼ‑-]{_LETTER}+)*)
    |(?P<other>.)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_URL_TAIL: Final = ".,;:!?…'’»”)"
_WEIGHTY_PUNCTUATION: Final = frozenset("%‰#@*/\\&§")


class _Run(msgspec.Struct):
    """Text of neighbouring elements, joined: markup in the middle of a word does not split it."""

    parts: list[str]
    starts: list[int]
    marks: list[tuple[str, ...]]
    length: int = 0

    def add(self, text: str, marks: tuple[str, ...]) -> None:
        if text:
            self.parts.append(text)
            self.starts.append(self.length)
            self.marks.append(marks)
            self.length += len(text)

    def marks_at(self, index: int) -> tuple[str, ...]:
        return self.marks[bisect_right(self.starts, index) - 1]


_Atom = tuple[Kind, str, str, tuple[str, ...]]


def tokenize(tree: Tree) -> Tokens:
    """The tokens of ``tree`` in reading order; takes time in proportion to its length."""
    tokens: list[Token] = []
    before = ""
    for piece in _pieces(tree):
        if isinstance(piece, _Run):
            for token, space in _split(piece):
                before = _stronger(before, space)
                if token is not None:
                    tokens.append(msgspec.structs.replace(token, before=before) if before else token)
                    before = ""
        else:
            kind, text, target, marks = piece
            tokens.append(Token(kind=kind, text=text, before=before, target=target, marks=marks))
            before = ""
    return tuple(tokens)


def text_of(tokens: Tokens) -> str:
    """What a reader sees of ``tokens``, as one string."""
    return "".join(token.before + token.text for token in tokens).strip()


def _pieces(tree: Tree) -> Iterator[_Run | _Atom]:
    """Runs of text, and the things between them that are one token each."""
    run = _Run(parts=[], starts=[], marks=[])
    for piece in _walk(tree, ()):
        if len(piece) == 2:
            run.add(*piece)
            continue
        if run.parts:
            yield run
            run = _Run(parts=[], starts=[], marks=[])
        yield piece
    if run.parts:
        yield run


def _walk(nodes: Tree, marks: tuple[str, ...]) -> "Iterator[tuple[str, tuple[str, ...]] | _Atom]":
    for node in nodes:
        if isinstance(node, Text):
            yield node.text.translate(_INVISIBLE), marks
        elif (atom := _atom(node, marks)) is not None:
            yield atom
        else:
            gap = "\n" if node.tag in _BREAKING else " " if node.tag in _SPACING else ""
            yield gap, marks
            yield from _walk(node.children, (*marks, node.tag))
            if node.tag == "url" and node.argument and node.argument != _flat(node.children).strip():
                yield " ", marks
                yield Kind.URL, f"({node.argument})", node.argument, marks
            yield gap, marks


def _atom(element: Element, marks: tuple[str, ...]) -> _Atom | None:
    if element.tag == "user" and element.argument:
        return Kind.MENTION, _flat(element.children).strip() or element.argument, element.argument, marks
    if element.tag in _EMBEDDED:
        target = attachment_id(element) or _flat(element.children).strip() or element.argument
        return Kind.FILE, f"({element.tag} {target})", target, marks
    if element.tag == "timestamp":
        return Kind.NUMBER, element.argument, "", marks
    return None


def _flat(nodes: Tree) -> str:
    parts = [node.text if isinstance(node, Text) else _flat(node.children) for node in nodes]
    return _normal(" ".join("".join(parts).translate(_INVISIBLE).split()))


def _normal(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _split(run: _Run) -> Iterator[tuple[Token | None, str]]:
    text = "".join(run.parts)
    at = 0
    while (match := _PIECE.match(text, at)) is not None:
        group, found = match.lastgroup or "other", match[0]
        at = match.end()
        if group == "space":
            yield None, "\n" if "\n" in found or "\r" in found else " "
            continue
        if group == "url":
            found = found.rstrip(_URL_TAIL)
            at = match.start() + len(found)
        kind = _kind_of(found) if group == "other" else Kind(group)
        yield Token(kind=kind, text=_normal(found), marks=run.marks_at(match.start())), ""


def _kind_of(char: str) -> Kind:
    category = unicodedata.category(char)
    if category[0] == "L":
        return Kind.WORD
    is_weightless = category[0] == "P" and char not in _WEIGHTY_PUNCTUATION
    return Kind.PUNCTUATION if is_weightless or char in "`^" else Kind.SYMBOL


def _stronger(one: str, other: str) -> str:
    return max(one, other, key=("", " ", "\n").index)
