"""The whole difference of two texts as pieces: in one column, or line beside line."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import msgspec

from livefeed.content.diff import Change, diff, diff_keys
from livefeed.content.short import Piece, Side
from livefeed.content.tokens import Tokens

Pieces: TypeAlias = tuple[Piece, ...]

_MOST_PAIRS: Final = 2_500
_ALIKE: Final = 0.35


class Row(msgspec.Struct, frozen=True):
    """One line of both sides; None where the other side has no counterpart.

    Attributes:
        left: SAME and GONE pieces of the old line.
        right: SAME and CAME pieces of the new line.
    """

    left: Pieces | None
    right: Pieces | None

    @property
    def is_same(self) -> bool:
        """Whether the line reads alike on both sides."""
        return self.left == self.right


def in_one_column(old: Tokens, new: Tokens) -> Pieces:
    """Everything of both texts in reading order, what is gone in front of what came in its place."""
    pieces: list[Piece] = []
    left = right = 0
    for change in (*diff(old, new), Change(len(old), len(new), (), ())):
        _append(
            pieces, Side.SAME, new[right : change.new_at], "".join(one.before for one in old[left : left + 1])
        )
        _append(pieces, Side.GONE, change.gone)
        _append(pieces, Side.CAME, change.came, " " if change.gone else "")
        left, right = change.old_at + len(change.gone), change.new_at + len(change.came)
    return tuple(pieces)


def side_by_side(old: Tokens, new: Tokens) -> tuple[Row, ...]:
    """The lines of both texts in rows; in a block of changed lines those that are alike stand together."""
    left, right = _lines(old), _lines(new)
    rows: list[Row] = []
    at_left = at_right = 0
    end = (len(left), len(left), len(right), len(right))
    for a, b, c, d in (*diff_keys([_keys(line) for line in left], [_keys(line) for line in right]), end):
        rows.extend(_same(one, other) for one, other in zip(left[at_left:a], right[at_right:c], strict=True))
        rows.extend(_row(one, other) for one, other in _paired(left[a:b], right[c:d]))
        at_left, at_right = b, d
    return tuple(rows)


def _append(pieces: list[Piece], side: Side, tokens: Tokens, otherwise: str = "") -> None:
    """Add ``tokens`` as one piece; where no white space stands in front of them, ``otherwise`` does."""
    if tokens:
        pieces.append(Piece(side, _text(tokens), tokens[0].before or (otherwise if pieces else "")))


def _text(tokens: Tokens) -> str:
    return tokens[0].text + "".join(token.before + token.text for token in tokens[1:])


def _lines(tokens: Tokens) -> list[Tokens]:
    starts = [at for at, token in enumerate(tokens) if at == 0 or "\n" in token.before]
    ends = [*starts[1:], len(tokens)] if starts else []
    return [tokens[start:end] for start, end in zip(starts, ends, strict=True)]


def _keys(line: Tokens) -> tuple[tuple[str, str, str], ...]:
    return tuple(token.key for token in line)


def _same(old: Tokens, new: Tokens) -> Row:
    """Lines that differ in nothing a reader sees are shown as they are now, on both sides."""
    pieces = (Piece(Side.SAME, _text(new)),) if old and new else ()
    return Row(pieces, pieces)


def _row(old: Tokens | None, new: Tokens | None) -> Row:
    if old is None or new is None:
        return Row(
            None if old is None else (Piece(Side.GONE, _text(old)),),
            None if new is None else (Piece(Side.CAME, _text(new)),),
        )
    changes = diff(old, new)
    gone = [(change.old_at, change.old_at + len(change.gone)) for change in changes]
    came = [(change.new_at, change.new_at + len(change.came)) for change in changes]
    return Row(_one_side(old, gone, Side.GONE), _one_side(new, came, Side.CAME))


def _one_side(line: Tokens, spans: Sequence[tuple[int, int]], side: Side) -> Pieces:
    pieces: list[Piece] = []
    at = 0
    for start, end in (*spans, (len(line), len(line))):
        for which, part in ((Side.SAME, line[at:start]), (side, line[start:end])):
            if part:
                pieces.append(Piece(which, _text(part), part[0].before if pieces else ""))
        at = end
    return tuple(pieces)


def _paired(old: list[Tokens], new: list[Tokens]) -> Iterator[tuple[Tokens | None, Tokens | None]]:
    """The lines of one changed block in order, each with the line it most likely was or became."""
    at_old = at_new = 0
    for one, other in (*_alike(old, new), (len(old), len(new))):
        yield from ((line, None) for line in old[at_old:one])
        yield from ((None, line) for line in new[at_new:other])
        if one < len(old):
            yield old[one], new[other]
        at_old, at_new = one + 1, other + 1


def _alike(old: list[Tokens], new: list[Tokens]) -> list[tuple[int, int]]:
    """Pairs in rising order with the greatest likeness in all; of too many lines those at equal places."""
    if len(old) * len(new) > _MOST_PAIRS:
        return [(at, at) for at in range(min(len(old), len(new)))]
    likeness = [[_likeness(one, other) for other in new] for one in old]
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for one in reversed(range(len(old))):
        for other in reversed(range(len(new))):
            paired = best[one + 1][other + 1] + likeness[one][other]
            best[one][other] = max(best[one + 1][other], best[one][other + 1], paired)
    return _walked(best, likeness)


def _walked(best: list[list[float]], likeness: list[list[float]]) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    one = other = 0
    while one < len(likeness) and other < len(likeness[0]):
        if best[one][other] == best[one + 1][other]:
            one += 1
        elif best[one][other] == best[one][other + 1]:
            other += 1
        else:
            pairs.append((one, other))
            one, other = one + 1, other + 1
    return pairs


def _likeness(one: Tokens, other: Tokens) -> float:
    """The share of tokens that both lines have; 0 for lines that have too little in common."""
    shared = sum((Counter(_keys(one)) & Counter(_keys(other))).values())
    share = 2 * shared / (len(one) + len(other))
    return share if share >= _ALIKE else 0.0
