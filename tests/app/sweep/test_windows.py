"""Pages at regular distances miss nothing, however posts lie among the entries of the feed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livefeed.app.sweep.windows import LIMIT, Place, look_at
from livefeed.wire.feed.rows import PostRow
from livefeed.wire.ids import PostId, UserId


def swept(entries: list[int], *, stride: int = LIMIT) -> tuple[set[int], int]:
    """The entries that a whole sweep sees, and how many requests it makes."""
    seen: set[int] = set()
    place: Place | None = Place(stride=stride)
    requests = 0
    while place is not None:
        pages = [[entry for entry in entries if entry > cursor][:LIMIT] for cursor in place.cursors()]
        rows = [[PostRow(id=PostId(entry), author_id=UserId(1)) for entry in page] for page in pages]
        look = look_at(place, rows)
        seen |= {row.id for row in look.rows}
        place, requests = look.place, requests + 1
    return seen, requests


@st.composite
def feeds(draw: st.DrawFn) -> list[int]:
    """Runs of posts with gaps between them, from entry 2 on."""
    entries: list[int] = []
    at = 2
    for _ in range(draw(st.integers(0, 5))):
        at += draw(st.sampled_from([0, 1, 150, 199, 200, 201, 5_000, 1_000_000]))
        step = draw(st.sampled_from([1, 2, 7, 90]))
        run = range(at, at + step * draw(st.integers(1, 500)), step)
        entries += run
        at = run[-1] + 1
    return entries


@given(feeds(), st.sampled_from([LIMIT, 4 * LIMIT, 1_000 * LIMIT]))
@settings(max_examples=60, deadline=None)
def test_every_post_is_seen(entries: list[int], stride: int):
    assert set(entries) == swept(entries, stride=stride)[0]


@pytest.mark.parametrize(
    ("entries", "most"),
    [
        (list(range(2, 10_002)), 6),
        (list(range(1_000_000, 1_001_000)), 10),
        (list(range(1_000_000_000, 1_000_000_100)), 8),
        (list(range(10, 200_000, 40)), 12),
    ],
    ids=["many", "far", "very far", "rare"],
)
def test_it_takes_few_requests(entries: list[int], most: int):
    seen, requests = swept(entries)

    assert set(entries) == seen
    assert requests <= most
