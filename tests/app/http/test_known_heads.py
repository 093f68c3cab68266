"""A head that was read before is passed by the parser, and nothing but time tells."""

import asyncio
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from livefeed.app.exchange import ACCEPTED
from livefeed.app.http.hall import Hall
from livefeed.app.http.heads import Head, KnownHeads, read_head
from livefeed.app.http.limits import HttpLimits
from livefeed.app.http.line import Exchange, Line
from livefeed.app.http.reading import Reader

LIMITS = HttpLimits()
EVENT = b"POST /events HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\n"
WHOLE = EVENT + b"a=1"


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.written += b"<end>"

    abort = close

    def can_write_eof(self) -> bool:
        return False


class Taken(Exchange):
    """A request that is answered as soon as it is complete."""

    def __init__(self, line: Line, head: Head, taken: list[Any]) -> None:
        super().__init__(keeps_alive=head.keeps_alive)
        self.line, self.head, self.body, self.taken = line, head, b"", taken

    def feed(self, data: bytes) -> None:
        self.body += data

    def end(self) -> None:
        self.taken.append((self.head.target, tuple(self.head.headers), self.head.is_json, self.body))
        self.answer = ACCEPTED
        self.line.answered(self)


class Unknown(KnownHeads):
    """Knows nothing, ever."""

    def find(self, data: bytes) -> None:
        return None


def served(heads: KnownHeads, segments: list[bytes]) -> tuple[list[Any], bytes]:
    """What is taken of the segments of one connection, and what is answered."""
    hall = Hall(desk=None, asgi=cast("Any", None), limits=LIMITS, scheme="http")
    hall.heads, hall.accepted.lasting, hall.accepted.closing = heads, b"<kept>", b"<closed>"
    wire, taken = Wire(), list[Any]()
    line = Line(cast("asyncio.Transport", wire), hall.accepted)
    reader = Reader(line, hall, lambda head: Taken(line, head, taken))
    for segment in segments:
        if not (reader.is_deaf or line.is_closing):
            reader.take(segment)
    return taken, wire.written


requests = st.sampled_from(
    [
        EVENT + b"a=1",
        EVENT + b"{1}",
        EVENT.replace(b"3", b"4") + b"a=12",
        EVENT.replace(b"3", b"0"),
        EVENT.replace(b"\r\nhost", b"\r\nContent-Type: x/json\r\nhost") + b"a=1",
        EVENT.replace(b"/events", b"/other") + b"a=1",
        EVENT.replace(b"1.1", b"1.0") + b"a=1",
        EVENT.replace(b"host", b"connection: close\r\nhost") + b"a=1",
        EVENT.replace(b"host", b"expect: 100-continue\r\nhost") + b"a=1",
        EVENT.replace(b"content-length: 3", b"transfer-encoding: chunked") + b"3\r\na=1\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\n\r\n",
        b"\r\n" + EVENT + b"a=1",
        EVENT + b"a=1\r\n\r\n",
        b"\r\n\r\n",
        b"nonsense\r\n\r\n",
    ]
)


@given(
    before=st.lists(requests, max_size=6),
    stream=st.lists(requests, min_size=1, max_size=6),
    cuts=st.lists(st.integers(1, 400), max_size=6),
)
@example(
    before=[WHOLE], stream=[EVENT.replace(b"3", b"%d" % len(WHOLE)), WHOLE], cuts=[]
)  # the body is a request
def test_what_is_known_changes_nothing_of_what_is_read(
    before: list[bytes], stream: list[bytes], cuts: list[int]
):
    async def compare() -> None:
        heads = KnownHeads()
        for one in before:
            served(heads, [one])
        whole = b"".join(stream)
        places = [0, *sorted({cut for cut in cuts if cut < len(whole)}), len(whole)]
        for segments in (stream, [whole[start:end] for start, end in pairwise(places)]):
            assert served(heads, segments) == served(Unknown(), segments)

    asyncio.run(compare())


def test_a_whole_request_that_came_before_is_known_and_nothing_else_is():
    heads = KnownHeads()
    served(heads, [EVENT + b"a=1"])

    found = heads.find(EVENT + b"b=2")

    assert found is not None
    assert (found[0].target, found[1]) == (b"/events", b"b=2")
    assert heads.find(EVENT + b"b=") is None
    assert heads.find(EVENT + b"b=23") is None
    assert heads.find(EVENT.replace(b"host: a", b"host: b") + b"b=2") is None
    assert heads.find(b"") is None


@pytest.mark.parametrize(
    "head",
    [
        b"transfer-encoding: chunked\r\ncontent-length: 3",
        b"content-length: 3\r\ncontent-length: 3",
        b"connection: close\r\ncontent-length: 3",
        b"expect: 100-continue\r\ncontent-length: 3",
        b"upgrade: h2c\r\ncontent-length: 3",
        b"x: " + b"x" * 1_024 + b"\r\ncontent-length: 3",
        b"x: y",
    ],
)
def test_heads_after_which_more_than_a_body_may_come_are_not_kept(head: bytes):
    heads = KnownHeads()
    lines = [(name, value) for name, _, value in (line.partition(b": ") for line in head.split(b"\r\n"))]
    read = read_head(
        b"POST", b"/events", [(b"host", b"a"), *lines], "1.1", b"connection: close" not in head, LIMITS
    )
    assert isinstance(read, Head)
    data = b"POST /events HTTP/1.1\r\nhost: a\r\n%s\r\n\r\na=1" % head

    heads.learn(data, read)

    assert heads.find(data) is None


def test_only_so_many_heads_are_kept():
    heads = KnownHeads()
    for number in range(600):
        served(heads, [EVENT.replace(b"host: a", b"host: a%d" % number) + b"a=1"])

    assert heads.find(EVENT.replace(b"host: a", b"host: a0") + b"a=1") is None
    assert heads.find(EVENT.replace(b"host: a", b"host: a599") + b"a=1") is not None
