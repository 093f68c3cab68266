"""What is read: requests in pieces, in a row, in chunks, and what is refused."""

import asyncio
import json
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.app.bodies import event_body, install_body
from tests.app.conftest import House

from .conftest import Served, Serving, split

HOST = b"host: app.example\r\n"


def post(body: bytes, *headers: bytes, target: bytes = b"/events") -> bytes:
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"POST %s HTTP/1.1\r\n%s%scontent-length: %d\r\n\r\n%s" % (target, HOST, lines, len(body), body)


async def stored(house: House) -> list[str]:
    return [
        row["key"] for row in await house.rows("SELECT key FROM entry WHERE source = 'door' ORDER BY seq")
    ]


def statuses(answers: bytes) -> list[int]:
    return [status for status, _, _ in split(answers)]


async def test_pipelined_requests_are_answered_in_their_order(own: Served, house: House):
    answers = await own.say(
        post(event_body(post=1))
        + post(b"no event")
        + post(event_body(post=2, application_token="wrong"))
        + b"GET /healthz HTTP/1.1\r\n%s\r\n" % HOST
        + post(event_body(post=3))
    )

    assert statuses(answers) == [200, 400, 403, 200, 200]
    assert [body for _, _, body in split(answers)][3] == b"alive\n"
    assert await stored(house) == ["post:1", "post:3"]


async def test_many_pipelined_requests_come_through_one_after_the_other(own: Served, house: House):
    requests = [post(event_body(post=1 + number)) for number in range(500)]

    answers = await own.say(*requests)

    assert statuses(answers) == [200] * 500
    assert await stored(house) == [f"post:{1 + number}" for number in range(500)]


async def test_a_request_may_come_byte_by_byte(own: Served, house: House):
    request = post(event_body())

    answers = await own.say(*(request[place : place + 1] for place in range(len(request))))

    assert statuses(answers) == [200]
    assert await stored(house) == ["post:205"]


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(cuts=st.lists(st.integers(1, 1_500), max_size=6))
async def test_it_does_not_matter_where_requests_are_cut(own: Served, cuts: list[int]):
    requests = post(event_body(post=1)) + post(event_body(post=2))
    places = [0, *sorted(cuts), len(requests)]
    parts = [requests[start:end] for start, end in pairwise(places)]

    assert statuses(await own.say(*parts)) == [200, 200]


async def test_a_chunked_body_is_put_together_and_trailers_are_forgotten(own: Served, house: House):
    body = event_body()
    chunks = b"".join(b"1;x=y\r\n" + body[place : place + 1] + b"\r\n" for place in range(len(body)))

    answers = await own.say(
        b"POST /events HTTP/1.1\r\n%stransfer-encoding: chunked\r\n\r\n%s0\r\ncontent-type: x/json\r\n\r\n"
        % (HOST, chunks),
        post(event_body(post=7)),
    )

    assert statuses(answers) == [200, 200]
    assert await stored(house) == ["post:205", "post:7"]


async def test_who_expects_to_be_told_to_go_on_is_told_before_the_body(own: Served, house: House):
    body = event_body()
    request = post(body, b"expect: 100-continue")
    head, _, _ = request.partition(b"\r\n\r\n")
    reader, writer = await own.connect()
    writer.write(head + b"\r\n\r\n")

    told = await reader.readuntil(b"\r\n\r\n")
    writer.write(body)
    writer.write_eof()

    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert statuses(await reader.read()) == [200]
    writer.close()


async def test_who_expects_to_go_on_with_too_much_is_told_to_stop(own: Served):
    answers = await own.say(
        b"POST /events HTTP/1.1\r\n%sexpect: 100-continue\r\ncontent-length: 70000\r\n\r\n" % HOST
    )

    assert statuses(answers) == [413]


async def test_an_application_that_reads_a_body_has_the_sender_told_to_go_on(own: Served):
    answers = await _in_two(own, install_body())

    assert answers[0] == 100
    assert len(answers) == 2


async def _in_two(own: Served, body: bytes) -> list[int]:
    reader, writer = await own.connect()
    writer.write(
        b"POST /install HTTP/1.1\r\n%sexpect: 100-continue\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        % (HOST, len(body))
    )
    told = await reader.readuntil(b"\r\n\r\n")
    writer.write(body)
    answers = told + await reader.read()
    writer.close()
    return statuses(answers)


async def test_an_event_goes_to_its_door_whatever_its_query_says(own: Served, house: House):
    answers = await own.say(
        post(event_body(), target=b"/events?a=b") + post(event_body(), target=b"/%65vents")
    )

    assert statuses(answers) == [200, 200]
    assert await stored(house) == ["post:205", "post:205"]


async def test_head_gets_the_headers_alone(own: Served):
    answers = await own.say(b"HEAD /healthz HTTP/1.1\r\n%sconnection: close\r\n\r\n" % HOST)

    head, _, body = answers.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert b"content-length: 6" in head
    assert body == b""


async def test_who_says_no_more_is_still_answered(own: Served, house: House):
    reader, writer = await own.connect()
    writer.write(post(event_body()) + b"GET /healthz HTTP/1.1\r\n%s\r\n" % HOST)
    writer.write_eof()

    assert statuses(await reader.read()) == [200, 200]
    writer.close()


async def test_half_a_request_is_no_request(own: Served, house: House):
    answers = await own.say(post(event_body(post=1)) + post(event_body(post=2))[:-1])

    assert statuses(answers) == [200]
    assert await stored(house) == ["post:1"]


async def test_http_1_0_gets_one_answer(own: Served):
    answers = await own.say(b"GET /healthz HTTP/1.0\r\n\r\nGET /healthz HTTP/1.0\r\n\r\n")

    ((status, headers, body),) = split(answers)
    assert (status, headers["connection"], body) == (200, "close", b"alive\n")


async def test_a_wish_for_another_protocol_is_passed_over(own: Served):
    answers = await own.say(
        b"GET /healthz HTTP/1.1\r\n%sconnection: upgrade\r\nupgrade: h2c\r\n\r\n" % HOST, b"PRI * HTTP/2.0"
    )

    assert statuses(answers) == [200]


@pytest.mark.parametrize(
    ("request_bytes", "status", "error"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "bad_request"),
        (b"hello\r\n\r\n", 400, "bad_request"),
        (b"GET /healthz HTTP/1.1\r\n\r\n", 400, "bad_request"),
        (b"GET /healthz HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400, "bad_request"),
        (b"GET healthz HTTP/1.1\r\nhost: a\r\n\r\n", 400, "bad_request"),
        (b"POST /events HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n", 400, "bad_request"),
        (
            b"POST /events HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            400,
            "bad_request",
        ),
        (
            b"POST /events HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n"
            b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "bad_request",
        ),
        (
            b"POST /events HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
            400,
            "bad_request",
        ),
        (b"POST /events HTTP/1.1\r\nhost: a\r\ncontent-length: 65537\r\n\r\n", 413, "too_large"),
        (b"POST /events HTTP/1.1\r\nhost: a\r\nexpect: tea\r\n\r\n", 417, "expectation_failed"),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n", 414, "target_too_long"),
        (b"GET / HTTP/1.1\r\nhost: a\r\n" + b"a: b\r\n" * 101 + b"\r\n", 431, "head_too_large"),
        (b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"a" * 33_000 + b"\r\n\r\n", 431, "head_too_large"),
        (b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"a" * 200_000, 431, "head_too_large"),
        (b"GET /" + b"a" * 200_000, 431, "head_too_large"),
        (
            b"POST /events HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: "
            + b"a" * 200_000,
            431,
            "head_too_large",
        ),
    ],
)
async def test_a_bad_request_gets_one_clear_error_and_the_end(
    own: Served, request_bytes: bytes, status: int, error: str
):
    answers = await own.say(request_bytes, ends=False)

    ((got, headers, body),) = split(answers)
    assert (got, json.loads(body)["error"], json.loads(body)["status"]) == (status, error, "error")
    assert headers["connection"] == "close"


async def test_what_came_before_a_bad_request_is_answered_first(own: Served, house: House):
    answers = await own.say(
        post(event_body(post=1)) + b"nonsense\r\n\r\n" + post(event_body(post=2)), ends=False
    )

    assert statuses(answers) == [200, 400]
    assert await stored(house) == ["post:1"]


async def test_a_body_of_ten_megabytes_is_refused_and_its_sender_gets_to_know(own: Served):
    answers = await own.say(post(b"x" * (10 * 1024 * 1024)), ends=False)

    assert statuses(answers) == [413]


async def test_chunks_without_end_are_refused_at_64_kb(own: Served):
    chunk = b"8000\r\n" + b"a" * 0x8000 + b"\r\n"

    answers = await own.say(
        b"POST /events HTTP/1.1\r\n%stransfer-encoding: chunked\r\n\r\n" % HOST, *[chunk] * 20, ends=False
    )

    assert statuses(answers) == [413]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    garbage=st.binary(max_size=300)
    | st.lists(
        st.sampled_from(
            [
                b"GET / HTTP/1.1\r\n",
                b"POST /events HTTP/1.1\r\n",
                b"POST /events?x HTTP/1.0\r\n",
                b"host: a\r\n",
                b"content-length: 5\r\n",
                b"transfer-encoding: chunked\r\n",
                b"expect: 100-continue\r\n",
                b"connection: close\r\n",
                b"\r\n",
                b"5\r\nevent\r\n",
                b"0\r\n\r\n",
                b"\xff\x00",
            ]
        ),
        max_size=12,
    ).map(b"".join)
)
async def test_nothing_that_is_sent_brings_the_server_down_or_is_stored(
    own: Served, house: House, garbage: bytes
):
    before = await stored(house)

    await own.say(garbage)

    assert await stored(house) == before
    assert statuses(await own.say(b"GET /healthz HTTP/1.1\r\n%sconnection: close\r\n\r\n" % HOST)) == [200]


async def test_one_connection_too_many_is_told_so(house: House, serve_http: Serving):
    served = await serve_http(house.server, house.server.events, connections=2)
    first, second = await served.connect(), await served.connect()
    for reader, writer in (first, second):
        writer.write(b"GET /healthz HTTP/1.1\r\n%s\r\n" % HOST)
        await reader.readuntil(b"alive\n")

    assert statuses(await served.say(b"GET /healthz HTTP/1.1\r\n%s\r\n" % HOST, ends=False)) == [503]

    first[1].close()
    await first[1].wait_closed()
    while statuses(await served.say(b"GET /healthz HTTP/1.1\r\n%s\r\n" % HOST)) == [503]:
        await asyncio.sleep(0)
    second[1].close()
