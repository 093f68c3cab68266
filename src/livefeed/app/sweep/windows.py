"""Windows: how all posts are read though no answer tells a post's place in the feed; pure.

``log.blogpost.get`` with FIRST_ID gives the first posts behind a feed entry id, at most 200, in rising order;
the ids themselves it does not tell. So pages are asked for at regular distances. Between two of them nothing
is missed if they are at most 200 entries apart, or if the first post of the second is in the first page too.

Source: api-reference/log/log-blogpost-get.md; contract 6.4, A-60
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from livefeed.wire.feed.rows import PostRow
from livefeed.wire.ids import PostId

LIMIT: Final = 200
"""Posts a page; also the widest distance at which two pages need not overlap."""

PAGES: Final = 10
"""Pages a request."""

FIRST: Final = 1  # 0 might mean "none"; what comes before is asked for apart
_WIDEST: Final = 2**50


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sweep stands.

    Attributes:
        cursor: Everything up to this feed entry was seen.
        stride: How far apart the next pages are.
    """

    cursor: int = FIRST
    stride: int = LIMIT

    def cursors(self) -> list[int]:
        """Where the next pages begin."""
        return [min(self.cursor + number * self.stride, _WIDEST) for number in range(PAGES)]


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What one request has shown.

    Attributes:
        rows: The posts, each once.
        place: Where to go on; None: that was the end.
        again: How many of the posts the request before has shown already.
    """

    rows: tuple[PostRow, ...]
    place: Place | None
    again: int = 0


def look_at(place: Place, pages: Sequence[Sequence[PostRow]]) -> Look:
    """What ``pages``, asked for at ``place.cursors()``, have shown without a gap."""
    seen: dict[PostId, PostRow] = {}
    cursors = place.cursors()
    for number, page in enumerate(pages):
        seen.update((row.id, row) for row in page)
        rows = tuple(seen.values())
        if len(page) < LIMIT:
            return Look(rows=rows, place=None)
        if number + 1 == len(pages):
            break
        if place.stride > LIMIT and not _touch(page, pages[number + 1]):
            narrower = max(LIMIT, place.stride // 8)
            return Look(rows=rows, place=Place(cursor=cursors[number], stride=narrower))
    return Look(rows=tuple(seen.values()), place=Place(cursor=cursors[-1], stride=_next_stride(place, pages)))


def _touch(page: Sequence[PostRow], following: Sequence[PostRow]) -> bool:
    """Whether nothing lies between two pages."""
    return bool(following) and any(row.id == following[0].id for row in page)


def _next_stride(place: Place, pages: Sequence[Sequence[PostRow]]) -> int:
    """Wider steps where pages overlap much: posts are rare among the entries of the feed."""
    first, second = pages[0], pages[1]
    step = next((at for at, row in enumerate(first) if row.id == second[0].id), LIMIT)
    wider = 8 if step == 0 else 4 if step < LIMIT // 8 else 2 if step < LIMIT // 2 - LIMIT // 10 else 1
    return min(place.stride * wider, _WIDEST // PAGES)
