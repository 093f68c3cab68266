"""BBCode of feed posts as a tree that loses nothing: ``emit(parse(text)) == text`` for every text.

Source: https://apidocs.bitrix24.com/api-reference/chats/messages/index.html (the tags of messages);
posts use the same language with lists, tables and attachments besides.
"""

import re
from collections import Counter
from itertools import groupby
from typing import Final

import msgspec

MAX_DEPTH: Final = 48

_BRACKETED: Final = {"b", "i", "u", "s", "p", "left", "right", "center", "justify", "tr"}
_CELLS: Final = {"table", "td", "th"}
_MEDIA: Final = {"img", "video"}
PLAIN: Final = frozenset(_BRACKETED | _CELLS | _MEDIA | {"quote", "code", "url", "list", "spoiler"})
"""Tags that may stand without an argument and are closed by ``[/tag]``."""
WITH_ARGUMENT: Final = frozenset(
    {"url", "user", "project", "department", "color", "size", "font", "list", "quote", "spoiler", "td", "th"}
)
"""Tags that may take ``=argument``."""
WITH_ATTRIBUTES: Final = frozenset(_CELLS | _MEDIA | {"disk", "timestamp"})
"""Tags that may take ``NAME=value`` attributes after a space, or ``=argument NAME=value``."""
VOID: Final = frozenset({"*", "br", "disk", "timestamp"})
"""Tags that hold nothing and are never closed."""

_NAMES: Final = "|".join(re.escape(name) for name in sorted(PLAIN | WITH_ARGUMENT | WITH_ATTRIBUTES | VOID))
_TAG: Final = re.compile(rf"\[(/?)({_NAMES})((?:=|[ \t])[^\[\]\n]*)?\]", re.IGNORECASE)
_CODE_END: Final = re.compile(r"\[/code\]", re.IGNORECASE)
_ID: Final = re.compile(r"(?:^|\s)id=[\"']?([a-z]?\d{1,18})\b", re.IGNORECASE)


class Text(msgspec.Struct, frozen=True):
    """Characters that stand for themselves, brackets of unknown or unclosed tags included."""

    text: str


class Element(msgspec.Struct, frozen=True):
    """One tag with what it holds.

    Attributes:
        tag: Name in lower case: ``b``, ``url``, ``*``.
        argument: What follows the name, without ``=``: ``5`` of ``[USER=5]``,
            ``file id=n12`` of ``[DISK FILE ID=n12]``.
        opening: The opening tag as it was written.
        closing: The closing tag as it was written; empty if the tag holds nothing.
        children: What stands between the two.
    """

    tag: str
    argument: str = ""
    opening: str = ""
    closing: str = ""
    children: "tuple[Node, ...]" = ()


Node = Text | Element
Tree = tuple[Node, ...]


def parse(text: str) -> Tree:
    """Read ``text``; never raises, and takes time in proportion to its length.

    Tags that are unknown, unclosed, crossed or nested deeper than `MAX_DEPTH` stay literal text.
    """
    builder = _Builder()
    at, has_code_end = 0, True
    while (match := _TAG.search(text, at)) is not None:
        builder.text(text[at : match.start()])
        at = match.end()
        slash, tag, argument = match[1], match[2].lower(), match[3] or ""
        if slash:
            builder.close(tag, match[0], literal=bool(argument))
        elif tag == "code" and not argument:
            end = _CODE_END.search(text, at) if has_code_end else None
            has_code_end = end is not None
            if end is None:
                builder.text(match[0])
            else:
                builder.element(_code(match[0], text[at : end.start()], end[0]))
                at = end.end()
        else:
            builder.open(tag, argument, match[0])
    builder.text(text[at:])
    return builder.finish()


def emit(tree: Tree) -> str:
    """The text from which ``tree`` was parsed."""
    parts: list[str] = []
    _emit(tree, parts)
    return "".join(parts)


def attachment_id(element: Element) -> str:
    """The id of ``[DISK FILE ID=n12]`` or ``[IMG ID=12]``; empty if there is none."""
    match = _ID.search(element.argument)
    return match[1].lower() if match else ""


def _emit(nodes: Tree, parts: list[str]) -> None:
    for node in nodes:
        if isinstance(node, Text):
            parts.append(node.text)
        else:
            parts.append(node.opening)
            _emit(node.children, parts)
            parts.append(node.closing)


def _code(opening: str, inside: str, closing: str) -> Element:
    children = (Text(inside),) if inside else ()
    return Element(tag="code", opening=opening, closing=closing, children=children)


def _is_wellformed(tag: str, argument: str) -> bool:
    if not argument:
        return tag in PLAIN or tag in {"*", "br"}
    if argument[0] == "=":
        return tag in WITH_ARGUMENT or tag in WITH_ATTRIBUTES - {"disk", "table"}
    return tag in WITH_ATTRIBUTES


class _Open:
    """A tag whose end has not been seen yet."""

    __slots__ = ("argument", "children", "opening", "tag")

    def __init__(self, tag: str, argument: str, opening: str) -> None:
        self.tag = tag
        self.argument = argument
        self.opening = opening
        self.children: list[str | Element] = []


class _Builder:
    """Builds the tree from left to right; literal text is joined once, at the end."""

    def __init__(self) -> None:
        self._stack = [_Open("", "", "")]
        self._open: Counter[str] = Counter()

    def text(self, text: str) -> None:
        if text:
            self._stack[-1].children.append(text)

    def element(self, element: Element) -> None:
        self._stack[-1].children.append(element)

    def open(self, tag: str, argument: str, opening: str) -> None:
        if not _is_wellformed(tag, argument) or len(self._stack) > MAX_DEPTH:
            self.text(opening)
            return
        argument = argument[1:].strip()
        if tag in VOID or (tag == "img" and _ID.search(argument)):
            self.element(Element(tag=tag, argument=argument, opening=opening))
            return
        self._open[tag] += 1
        self._stack.append(_Open(tag, argument, opening))

    def close(self, tag: str, closing: str, *, literal: bool) -> None:
        if literal or not self._open[tag]:
            self.text(closing)
            return
        while self._stack[-1].tag != tag:
            self._unclosed()
        done = self._stack.pop()
        self._open[tag] -= 1
        self.element(
            Element(
                tag=tag,
                argument=done.argument,
                opening=done.opening,
                closing=closing,
                children=_joined(done.children),
            )
        )

    def finish(self) -> Tree:
        while len(self._stack) > 1:
            self._unclosed()
        return _joined(self._stack[0].children)

    def _unclosed(self) -> None:
        """Make the innermost open tag literal: its opening is text, its children move up."""
        left = self._stack.pop()
        self._open[left.tag] -= 1
        self._stack[-1].children.append(left.opening)
        self._stack[-1].children.extend(left.children)


def _joined(children: list[str | Element]) -> Tree:
    nodes: list[Node] = []
    for is_text, run in groupby(children, key=lambda child: isinstance(child, str)):
        if is_text:
            nodes.append(Text("".join(part for part in run if isinstance(part, str))))
        else:
            nodes.extend(part for part in run if isinstance(part, Element))
    return tuple(nodes)
