"""The shortest telling of a change: at most three fragments with a little context."""

import enum
from collections.abc import Sequence
from typing import Final

import msgspec

from livefeed.content.bbcode import Node, Text, Tree
from livefeed.content.diff import Change
from livefeed.content.materiality import is_cosmetic, is_weighty
from livefeed.content.render import styled
from livefeed.content.tokens import Token, Tokens, text_of

MOST_FRAGMENTS: Final = 3
_CONTEXT: Final = 3
_LONGEST: Final = 14
_LONGEST_TOKEN: Final = 80
_BETWEEN: Final = " … "


class Side(enum.StrEnum):
    """Where a piece stands."""

    SAME = "same"  # in both texts
    GONE = "gone"  # only in the old one
    CAME = "came"  # only in the new one


class Piece(msgspec.Struct, frozen=True):
    """A few words of one side; ``before`` is the white space in front of them."""

    side: Side
    text: str
    before: str = ""


class Short(msgspec.Struct, frozen=True):
    """A change as fragments.

    Attributes:
        fragments: Each is a row of pieces in reading order.
        more: How many changes are not among the fragments.
    """

    fragments: tuple[tuple[Piece, ...], ...] = ()
    more: int = 0


def shorten(new: Tokens, changes: Sequence[Change]) -> Short:
    """Tell ``changes`` (of `diff`, whose new side is ``new``) in at most `MOST_FRAGMENTS` fragments.

    Changes whose context would touch share a fragment. What counts, dates, points or negates is told before
    other words, and those before punctuation and case; within the line the order is that of the text.
    """
    groups = _grouped(changes, new)
    chosen = sorted(sorted(range(len(groups)), key=lambda at: _rank(groups[at]))[:MOST_FRAGMENTS])
    more = sum(len(group) for at, group in enumerate(groups) if at not in chosen)
    return Short(fragments=tuple(_fragment(new, groups[at]) for at in chosen), more=more)


def plain(short: Short) -> str:
    """``from [-1-]{+3+} to 14 June``: readable without colour or markup."""
    return _BETWEEN.join("".join(_plain(piece) for piece in fragment).strip() for fragment in short.fragments)


def as_tree(short: Short) -> Tree:
    """The fragments with old words struck through and new ones bold; print it with `render.safe_bbcode`."""
    nodes: list[Node] = []
    for fragment in short.fragments:
        if nodes:
            nodes.append(Text(_BETWEEN))
        previous = None
        for piece in fragment:
            is_replacing = previous is Side.GONE and piece.side is Side.CAME
            nodes.extend(_marked(piece, " " if is_replacing else piece.before if previous else ""))
            previous = piece.side
    return tuple(nodes)


def _plain(piece: Piece) -> str:
    match piece.side:
        case Side.SAME:
            return piece.before + piece.text
        case Side.GONE:
            return f"{piece.before}[-{piece.text}-]"
        case Side.CAME:
            return f"{piece.before}{{+{piece.text}+}}"


def _marked(piece: Piece, before: str) -> list[Node]:
    match piece.side:
        case Side.SAME:
            return [Text(before + piece.text)]
        case Side.GONE:
            return [Text(before), styled("s", piece.text)]
        case Side.CAME:
            return [Text(before), styled("b", piece.text)]


def _grouped(changes: Sequence[Change], new: Tokens) -> list[list[Change]]:
    """Changes so close on one line that their context would overlap stand together."""
    groups: list[list[Change]] = []
    for change in changes:
        if groups:
            last = groups[-1][-1]
            between = new[last.new_at + len(last.came) : change.new_at]
            is_near = len(between) <= 2 * _CONTEXT and not any("\n" in token.before for token in between)
            if is_near and len(groups[-1]) < MOST_FRAGMENTS:
                groups[-1].append(change)
                continue
        groups.append([change])
    return groups


def _rank(group: list[Change]) -> int:
    if any(is_weighty(token) for change in group for token in (*change.gone, *change.came)):
        return 0
    return 2 if all(is_cosmetic(change.gone, change.came) for change in group) else 1


def _fragment(new: Tokens, group: list[Change]) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    at = group[0].new_at
    lead = _same_line_before(new[max(0, at - _CONTEXT) : at])
    _append(pieces, Side.SAME, lead)
    for change in group:
        _append(pieces, Side.SAME, new[at : change.new_at])
        _append(pieces, Side.GONE, change.gone)
        _append(pieces, Side.CAME, change.came, glued=bool(change.gone))
        at = change.new_at + len(change.came)
    _append(pieces, Side.SAME, _same_line_after(new[at : at + _CONTEXT]))
    return tuple(pieces)


def _append(pieces: list[Piece], side: Side, tokens: Tokens, *, glued: bool = False) -> None:
    """Add ``tokens`` as one piece; new words ``glued`` to the old ones they replace take no space."""
    if not tokens:
        return
    before = "" if glued else tokens[0].before and " "
    pieces.append(Piece(side, _cut(tokens), before))


def _cut(tokens: Tokens) -> str:
    """The words on one line; of many words only the first ones."""
    kept = tokens if len(tokens) <= _LONGEST else tokens[: _LONGEST - 2]
    line = " ".join(text_of(tuple(_limited(token) for token in kept)).split())
    return line if len(kept) == len(tokens) else f"{line} … (+{len(tokens) - len(kept)})"


def _limited(token: Token) -> Token:
    if len(token.text) <= _LONGEST_TOKEN:
        return token
    return msgspec.structs.replace(token, text=token.text[:_LONGEST_TOKEN] + "…")


def _same_line_before(tokens: Tokens) -> Tokens:
    starts = [at for at, token in enumerate(tokens) if "\n" in token.before]
    return tokens[starts[-1] :] if starts else tokens


def _same_line_after(tokens: Tokens) -> Tokens:
    starts = [at for at, token in enumerate(tokens) if "\n" in token.before]
    return tokens[: starts[0]] if starts else tokens
