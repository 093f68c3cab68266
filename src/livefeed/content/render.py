"""A tree as plain text, and as BBCode in which only allowed tags can be alive."""

import re
from typing import Final

from livefeed.content.bbcode import Element, Node, Text, Tree
from livefeed.content.tokens import text_of, tokenize

BELL_TAGS: Final = frozenset({"b", "i", "s", "u"})
"""Tags that may stand in a notice."""

_BRACKETS: Final = str.maketrans({"[": "［", "]": "］"})
_SPACES: Final = re.compile(r"\s+")


def plain_text(tree: Tree) -> str:
    """What a reader sees, without markup."""
    return text_of(tokenize(tree))


def safe_bbcode(tree: Tree, allowed: frozenset[str] = BELL_TAGS) -> str:
    """BBCode with nothing but bare ``allowed`` tags; every other bracket is made full-width.

    A post that holds ``[SEND=…]`` or ``[URL=…]`` can therefore not put a button or a link into a notice.
    """
    return "".join(_safe(node, allowed) for node in tree)


def excerpt(text: str, limit: int) -> str:
    """The beginning of ``text`` on one line, cut between words where that is possible."""
    line = _SPACES.sub(" ", text[: limit * 8]).strip()
    if len(line) <= limit:
        return line
    head, _, _ = line[:limit].rpartition(" ")
    return (head if len(head) * 2 > limit else line[: limit - 1]).rstrip(" ,;:.-") + "…"


def styled(tag: str, text: str) -> Node:
    """``text`` inside ``tag``."""
    return Element(tag=tag, opening=f"[{tag}]", closing=f"[/{tag}]", children=(Text(text),))


def _safe(node: Node, allowed: frozenset[str]) -> str:
    if isinstance(node, Text):
        return node.text.translate(_BRACKETS)
    inside = safe_bbcode(node.children, allowed)
    return f"[{node.tag}]{inside}[/{node.tag}]" if node.tag in allowed and inside else inside
