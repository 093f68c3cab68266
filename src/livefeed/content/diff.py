"""The difference of two sequences: common ends, then anchors that are unique in both, then Myers in the gaps.

Every step is bounded, so that two texts of 100 KB that have nothing in common cost what two equal ones
do within a small factor; a gap that is too costly to align is reported as replaced as a whole.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Final, NamedTuple

from livefeed.content.tokens import Token, Tokens

_MOST_LEVELS: Final = 24
_MOST_STEPS: Final = 400_000
_MOST_EDITS: Final = 160


class Change(NamedTuple):
    """One place where new differs from old: ``gone`` at ``old_at`` became ``came`` at ``new_at``."""

    old_at: int
    new_at: int
    gone: Tokens
    came: Tokens


class _Gap(NamedTuple):
    """Old[a:b] against new[c:d], found at ``level`` of the search for anchors."""

    a: int
    b: int
    c: int
    d: int
    level: int


def diff(old: Tokens, new: Tokens) -> tuple[Change, ...]:
    """Changes that turn ``old`` into ``new``, in order; white space and marks count as equal."""
    spans = diff_keys([token.key for token in old], [token.key for token in new])
    return tuple(Change(a, c, old[a:b], new[c:d]) for a, b, c, d in spans)


def patch(old: Tokens, changes: Sequence[Change]) -> Tokens:
    """Apply ``changes`` to the tokens from which they were made."""
    result: list[Token] = []
    at = 0
    for change in changes:
        result.extend(old[at : change.old_at])
        result.extend(change.came)
        at = change.old_at + len(change.gone)
    result.extend(old[at:])
    return tuple(result)


def diff_keys(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[tuple[int, int, int, int]]:
    """Spans ``(a, b, c, d)``: old[a:b] was replaced by new[c:d]; one of the two may be empty."""
    numbers: dict[Hashable, int] = {}
    left = [numbers.setdefault(key, len(numbers)) for key in old]
    right = [numbers.setdefault(key, len(numbers)) for key in new]
    spans: list[tuple[int, int, int, int]] = []
    gaps = [_Gap(0, len(left), 0, len(right), 0)]
    while gaps:
        gap = _trimmed(left, right, gaps.pop())
        if gap.a == gap.b or gap.c == gap.d:
            if gap.a != gap.b or gap.c != gap.d:
                spans.append((gap.a, gap.b, gap.c, gap.d))
            continue
        parts = _between_anchors(left, right, gap) if gap.level < _MOST_LEVELS else []
        if parts:
            gaps.extend(reversed(parts))
        else:
            spans.extend(_aligned(left, right, gap))
    return _merged(spans)


def _trimmed(left: list[int], right: list[int], gap: _Gap) -> _Gap:
    """The gap without its common beginning and end."""
    a, b, c, d, level = gap
    while a < b and c < d and left[a] == right[c]:
        a, c = a + 1, c + 1
    while a < b and c < d and left[b - 1] == right[d - 1]:
        b, d = b - 1, d - 1
    return _Gap(a, b, c, d, level)


def _between_anchors(left: list[int], right: list[int], gap: _Gap) -> list[_Gap]:
    """The gaps that remain between tokens that occur once on each side and in the same order."""
    once_left = _unique(left, gap.a, gap.b)
    once_right = _unique(right, gap.c, gap.d)
    pairs = [(at, once_right[key]) for key, at in once_left.items() if key in once_right]
    anchors = _longest_rise(sorted(pairs))
    if not anchors:
        return []
    gaps: list[_Gap] = []
    a, c = gap.a, gap.c
    for at_left, at_right in anchors:
        gaps.append(_Gap(a, at_left, c, at_right, gap.level + 1))
        a, c = at_left + 1, at_right + 1
    gaps.append(_Gap(a, gap.b, c, gap.d, gap.level + 1))
    return gaps


def _unique(keys: list[int], start: int, end: int) -> dict[int, int]:
    counts = Counter(keys[start:end])
    return {keys[at]: at for at in range(start, end) if counts[keys[at]] == 1}


def _longest_rise(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest run of pairs, taken in order of the first number, in which the second rises too."""
    tails: list[int] = []
    tail_of: list[int] = []
    previous: list[int] = []
    for index, (_, second) in enumerate(pairs):
        at = bisect_left(tails, second)
        previous.append(tail_of[at - 1] if at else -1)
        tails[at : at + 1] = [second]
        tail_of[at : at + 1] = [index]
    chain: list[tuple[int, int]] = []
    index = tail_of[-1] if tail_of else -1
    while index >= 0:
        chain.append(pairs[index])
        index = previous[index]
    return chain[::-1]


def _aligned(left: list[int], right: list[int], gap: _Gap) -> list[tuple[int, int, int, int]]:
    """The shortest edit of one gap by Myers' greedy search, or the whole gap if that takes too long."""
    whole = [(gap.a, gap.b, gap.c, gap.d)]
    rows, columns = gap.b - gap.a, gap.d - gap.c
    most_edits = min(rows + columns, _MOST_EDITS, max(1, _MOST_STEPS // (rows + columns)))
    if abs(rows - columns) > most_edits:
        return whole
    trace = _search(left[gap.a : gap.b], right[gap.c : gap.d], most_edits)
    return _walked_back(trace, rows, columns, gap) if trace else whole


def _search(left: list[int], right: list[int], most_edits: int) -> list[dict[int, int]]:
    """For each number of edits, how far each diagonal was reached; empty if the end was not."""
    rows, columns = len(left), len(right)
    reached: dict[int, int] = {1: 0}
    trace: list[dict[int, int]] = []
    for edits in range(most_edits + 1):
        trace.append(reached.copy())
        for diagonal in range(-edits, edits + 1, 2):
            down = diagonal == -edits or (diagonal != edits and reached[diagonal - 1] < reached[diagonal + 1])
            x = reached[diagonal + 1] if down else reached[diagonal - 1] + 1
            y = x - diagonal
            while x < rows and y < columns and left[x] == right[y]:
                x, y = x + 1, y + 1
            reached[diagonal] = x
            if x >= rows and y >= columns:
                return trace
    return []


def _walked_back(trace: list[dict[int, int]], x: int, y: int, gap: _Gap) -> list[tuple[int, int, int, int]]:
    spans: list[tuple[int, int, int, int]] = []
    for edits in range(len(trace) - 1, 0, -1):
        reached, diagonal = trace[edits], x - y
        down = diagonal == -edits or (diagonal != edits and reached[diagonal - 1] < reached[diagonal + 1])
        before = diagonal + 1 if down else diagonal - 1
        x = reached[before]
        y = x - before
        a, c = gap.a + x, gap.c + y
        spans.append((a, a, c, c + 1) if down else (a, a + 1, c, c))
    return spans[::-1]


def _merged(spans: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """Spans in order, neighbours that touch made one."""
    merged: list[tuple[int, int, int, int]] = []
    for a, b, c, d in sorted(spans):
        if merged and merged[-1][1] == a and merged[-1][3] == c:
            merged[-1] = (merged[-1][0], b, merged[-1][2], d)
        else:
            merged.append((a, b, c, d))
    return merged
