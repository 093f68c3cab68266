"""The BBCode tree as HTML: built from the tree with everything escaped, then passed by a second wall.

The second wall, nh3, reads the HTML as a browser does and knows only the elements and attributes that the
first one writes. What is well made passes as it is; anything else comes out as nh3 leaves it.
"""

from functools import lru_cache
from typing import Final

import nh3
from markupsafe import Markup, escape

from livefeed.content.bbcode import Element, Node, Text, Tree

_INLINE: Final = {"b": "strong", "i": "em", "u": "u", "s": "del", "p": "p"}
_ALIGNED: Final = {"left": "left", "right": "right", "center": "center", "justify": "justify"}
_CELLS: Final = {"tr": "tr", "td": "td", "th": "th"}
_BLOCKS: Final = frozenset({"list", "table", "quote", "code", "spoiler", "p", *_ALIGNED})
_KEPT_CHARS: Final = 10_000  # what is longer is not kept: a text may be as long as a body
_SCHEMES: Final = ("http://", "https://", "mailto:")

_WALL: Final = nh3.Cleaner(
    tags={
        *("a", "blockquote", "br", "code", "del", "details", "div", "em", "li", "ol", "p", "pre", "span"),
        *("strong", "summary", "table", "td", "th", "tr", "u", "ul"),
    },
    attributes={"a": {"href", "rel"}, "span": {"aria-hidden"}},
    allowed_classes={"div": {"wide", *_ALIGNED}, "span": {"mention", "file"}},
    url_schemes={"http", "https", "mailto"},
    link_rel=None,
)


def as_html(tree: Tree) -> Markup:
    """HTML of ``tree`` for a page that keeps line breaks (``white-space: pre-line``).

    Links lead only to http, https and mail addresses; pictures and videos become links, so that no page calls
    a foreign host by itself.
    """
    html = _all(tree)
    return _walled_before(html) if len(html) <= _KEPT_CHARS else _walled(html)


@lru_cache(maxsize=2_048)
def _walled_before(html: Markup) -> Markup:
    return _walled(html)


def _walled(html: Markup) -> Markup:
    cleaned = _WALL.clean(html)
    is_same = cleaned.replace("&quot;", '"') == _as_browsers_write(str(html))
    return html if is_same else Markup(cleaned)  # noqa: S704 - cleaned one line above


def _as_browsers_write(html: str) -> str:
    """The same HTML, with the signs escaped that browsers escape when they write HTML."""
    return html.replace("&#39;", "'").replace("&#34;", '"').replace("\xa0", "&nbsp;")


def _all(nodes: Tree) -> Markup:
    return Markup("").join(_node(node, nodes, index) for index, node in enumerate(nodes))


def _node(node: Node, siblings: Tree, index: int) -> Markup:
    if isinstance(node, Element):
        return _element(node)
    text = node.text
    if index > 0 and _is_block(siblings[index - 1]):
        text = text.lstrip("\n")
    if index + 1 < len(siblings) and _is_block(siblings[index + 1]):
        text = text.rstrip("\n")
    return escape(text)


def _is_block(node: Node) -> bool:
    return isinstance(node, Element) and node.tag in _BLOCKS


def _element(node: Element) -> Markup:
    tag = node.tag
    if tag in _INLINE:
        return _wrapped(_INLINE[tag], _all(node.children))
    if tag in _ALIGNED:
        return Markup('<div class="{}">{}</div>').format(_ALIGNED[tag], _all(node.children))
    match tag:
        case "quote":
            return _wrapped("blockquote", _all(node.children))
        case "code":
            return Markup("<pre><code>{}</code></pre>").format(_plain(node.children))
        case "spoiler":
            title = node.argument or "…"
            return Markup("<details><summary>{}</summary>{}</details>").format(title, _all(node.children))
        case "url":
            return _link(node.argument or _plain(node.children), _all(node.children))
        case "img" | "video":
            address = _plain(node.children)
            return _link(address, escape(address))
        case "user" | "project" | "department":
            return Markup('<span class="mention">{}</span>').format(_all(node.children))
        case "list":
            return _list(node)
        case "table":
            return Markup('<div class="wide"><table>{}</table></div>').format(_parts(node, "tr"))
        case "br":
            return Markup("<br>")
        case "disk":
            return Markup('<span class="file" aria-hidden="true">▤</span>')
        case "*" | "timestamp":
            return Markup("")
        case _:
            return (
                Markup("<{0}>{1}</{0}>").format(_CELLS[tag], _all(node.children))
                if tag in _CELLS
                else _all(node.children)
            )


def _wrapped(name: str, inside: Markup) -> Markup:
    return Markup("<{0}>{1}</{0}>").format(name, inside)


def _link(address: str, inside: Markup) -> Markup:
    target = address.strip().strip("\"'")
    if not target.lower().startswith(_SCHEMES):
        return inside
    return Markup('<a href="{}" rel="nofollow noopener noreferrer">{}</a>').format(target, inside)


def _list(node: Element) -> Markup:
    """The items between the ``[*]``; what stands before the first one is layout."""
    items: list[list[Node]] = []
    for child in node.children:
        if isinstance(child, Element) and child.tag == "*":
            items.append([])
        elif items:
            items[-1].append(child)
    inside = Markup("").join(_wrapped("li", _trimmed(item)) for item in items)
    return _wrapped("ol" if node.argument else "ul", inside)


def _trimmed(nodes: list[Node]) -> Markup:
    return _all(tuple(nodes)).strip()


def _parts(node: Element, tag: str) -> Markup:
    """Only the rows of a table: text between them is layout."""
    rows = [child for child in node.children if isinstance(child, Element) and child.tag == tag]
    return Markup("").join(_row(row) for row in rows)


def _row(row: Element) -> Markup:
    cells = [child for child in row.children if isinstance(child, Element) and child.tag in ("td", "th")]
    return _wrapped("tr", Markup("").join(_wrapped(cell.tag, _all(cell.children)) for cell in cells))


def _plain(nodes: Tree) -> str:
    return "".join(node.text if isinstance(node, Text) else _plain(node.children) for node in nodes)
