"""What is answered: by applications, in time, to slow receivers, and at the end."""

import asyncio
import contextlib
import json
import ssl
from typing import Any

import pytest
import trustme
from tests.app.bodies import event_body
from tests.app.conftest import House

from .conftest import Served, Serving, split

HOST = b"host: app.example\r\n"
GET = b"GET /%s HTTP/1.1\r\n" + HOST + b"\r\n"
START = {"type": "http.response.start", "status": 200, "headers": []}


async def collect(receive: Any) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return body
        body += message["body"]
        if not message["more_body"]:
            return body


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the scope and the length of the body."""
    body = await collect(receive)
    told = {
        "method": scope["method"],
        "path": scope["path"],
        "raw_path": scope["raw_path"].decode(),
        "query": scope["query_string"].decode(),
        "scheme": scope["scheme"],
        "client": scope["client"][0],
        "headers": [name.decode() for name, _ in scope["headers"]],
        "length": len(body),
    }
    document = json.dumps(told).encode()
    await send({**START, "headers": [(b"content-length", b"%d" % len(document))]})
    await send({"type": "http.response.body", "body": document})


async def told(served: Served, request: bytes) -> dict[str, Any]:
    ((_, _, body),) = split(await served.say(request))
    return json.loads(body)


async def test_an_application_gets_the_request_as_it_came(serve_http: Serving):
    served = await serve_http(echo)

    found = await told(
        served, b"PUT /a%20b%2Fc?x=%20 HTTP/1.1\r\n" + HOST + b"X-One: 1\r\ncontent-length: 3\r\n\r\nabc"
    )

    assert found == {
        "method": "PUT",
        "path": "/a b/c",
        "raw_path": "/a%20b%2Fc",
        "query": "x=%20",
        "scheme": "http",
        "client": "127.0.0.1",
        "headers": ["host", "x-one", "content-length"],
        "length": 3,
    }


async def test_a_proxy_on_this_machine_says_for_whom_it_asks(serve_http: Serving):
    served = await serve_http(echo)

    found = await told(
        served,
        b"GET / HTTP/1.1\r\n"
        + HOST
        + b"x-forwarded-proto: https\r\nx-forwarded-for: 10.0.0.1, 192.0.2.7\r\n\r\n",
    )

    assert (found["scheme"], found["client"]) == ("https", "192.0.2.7")


async def test_a_body_longer_than_what_is_held_reaches_the_application_whole(serve_http: Serving):
    served = await serve_http(echo, waiting_bytes=1_000)
    body = b"x" * 3_000_000

    found = await told(served, b"POST / HTTP/1.1\r\n%scontent-length: %d\r\n\r\n%s" % (HOST, len(body), body))

    assert found["length"] == len(body)


async def test_an_answer_without_a_length_comes_in_chunks(serve_http: Serving):
    async def parts(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        await send({"type": "http.response.body", "body": b"three"})

    served = await serve_http(parts)

    answers = await served.say(GET % b"", GET % b"")

    assert answers.count(b"3\r\none\r\n5\r\nthree\r\n0\r\n\r\n") == 2


async def test_an_application_that_fails_is_answered_for(serve_http: Serving):
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("secret detail")

    served = await serve_http(failing)

    answers = split(await served.say(GET % b"", GET % b""))

    assert [status for status, _, _ in answers] == [500, 500]
    assert b"secret" not in answers[0][2]


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"type": "http.response.body", "body": b"x"}],
        [START],
        [{**START, "headers": [(b"x", b"a\r\nset-cookie: b")]}, {"type": "http.response.body"}],
    ],
    ids=["nothing", "no start", "no end", "a line break in a header"],
)
async def test_an_application_that_makes_no_answer_is_answered_for(serve_http: Serving, messages: list[Any]):
    async def odd(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    served = await serve_http(odd)

    ((status, _, _),) = split(await served.say(GET % b""))

    assert status == 500


async def test_an_answer_shorter_than_it_says_ends_the_connection(serve_http: Serving):
    async def short(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "headers": [(b"content-length", b"10")]})
        await send({"type": "http.response.body", "body": b"x"})

    served = await serve_http(short)

    assert not (await served.say(GET % b"", GET % b"")).endswith(b"x" * 10)


async def test_who_leaves_is_known_to_the_application(serve_http: Serving):
    gone = asyncio.Event()

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"hello", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        gone.set()

    served = await serve_http(endless)
    reader, writer = await served.connect()
    writer.write(GET % b"")
    await reader.readuntil(b"hello")
    writer.close()

    await asyncio.wait_for(gone.wait(), 5)


async def test_a_receiver_that_takes_nothing_is_waited_for_and_then_left(serve_http: Serving):
    sent = 0
    over = asyncio.Event()

    async def flood(scope: Any, receive: Any, send: Any) -> None:
        nonlocal sent
        await send(START)
        while sent < 2_000:
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
            sent += 1
            if (await asyncio.wait({asyncio.create_task(receive())}, timeout=0))[0]:
                break
        over.set()

    served = await serve_http(flood, write_s=0.2)
    _, writer = await served.connect()
    writer.transport.pause_reading()
    writer.write(GET % b"")

    await asyncio.wait_for(over.wait(), 10)
    writer.transport.abort()

    assert sent < 1_000


@pytest.mark.parametrize(
    ("request_bytes", "error"),
    [
        (b"POST /ev", "head_too_slow"),
        (b"POST /events HTTP/1.1\r\nhost: a\r\ncontent-le", "head_too_slow"),
        (b"POST /events HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc", "body_too_slow"),
        (b"POST /other HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc", "body_too_slow"),
        (
            b"POST /events HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n",
            "body_too_slow",
        ),
    ],
)
async def test_who_is_slow_is_told_so(house: House, serve_http: Serving, request_bytes: bytes, error: str):
    served = await serve_http(echo, house.server.events, head_s=0.1, body_s=0.1)

    ((status, _, body),) = split(await served.say(request_bytes, ends=False))

    assert (status, json.loads(body)["error"]) == (408, error)


async def test_a_head_that_drips_is_not_waited_for_longer(house: House, serve_http: Serving):
    served = await serve_http(house.server, house.server.events, head_s=0.2)
    reader, writer = await served.connect()

    async def drip() -> None:
        writer.write(b"GET / HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"x: y\r\n")
                await writer.drain()
                await asyncio.sleep(0.02)

    dripping = asyncio.create_task(drip())
    answers = await asyncio.wait_for(reader.read(), 10)
    dripping.cancel()
    writer.close()

    assert answers.startswith(b"HTTP/1.1 408")


async def test_a_connection_on_which_nothing_happens_ends_without_a_word(serve_http: Serving):
    served = await serve_http(echo, idle_s=0.1)

    assert await served.say(ends=False) == b""
    assert [status for status, _, _ in split(await served.say(GET % b"", ends=False))] == [200]


async def test_a_server_that_stops_finishes_what_is_being_answered(serve_http: Serving):
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        asked.set()
        await may_answer.wait()
        await echo(scope, receive, send)

    served = await serve_http(slow)
    idle_reader, idle_writer = await served.connect()
    reader, writer = await served.connect()
    writer.write(GET % b"")
    await asked.wait()

    stopping = asyncio.create_task(served.stop())
    assert await idle_reader.read() == b""
    with pytest.raises(OSError):
        await served.connect()
    may_answer.set()
    ((status, headers, _),) = split(await reader.read())
    await stopping

    assert (status, headers["connection"]) == (200, "close")
    writer.close()
    idle_writer.close()


async def test_an_event_on_its_way_is_stored_and_answered_while_the_server_stops(
    house: House, serve_http: Serving
):
    served = await serve_http(house.server, house.server.events)
    body = event_body()
    head = b"POST /events HTTP/1.1\r\n%scontent-length: %d\r\n\r\n" % (HOST, len(body))
    idle_reader, idle_writer = await served.connect()
    reader, writer = await served.connect()
    writer.write(head + body + head + body[:50])
    await reader.readuntil(b'accepted"}')

    stopping = asyncio.create_task(served.stop())
    await idle_reader.read()
    writer.write(body[50:])
    ((status, headers, _),) = split(await reader.read())
    await stopping

    assert (status, headers["connection"]) == (200, "close")
    assert len(await house.rows("SELECT seq FROM entry WHERE source = 'door'")) == 2
    writer.close()
    idle_writer.close()


async def test_what_does_not_end_is_cut_off_when_the_server_stops(serve_http: Serving):
    async def endless(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"hello", "more_body": True})
        await collect(receive)
        await asyncio.Event().wait()

    served = await serve_http(endless, grace_s=0.1)
    reader, writer = await served.connect()
    writer.write(GET % b"")
    await reader.readuntil(b"hello")

    await asyncio.wait_for(served.stop(), 5)

    with contextlib.suppress(ConnectionError):
        assert not (await reader.read()).endswith(b"0\r\n\r\n")
    writer.close()


async def test_it_speaks_tls(house: House, serve_http: Serving):
    authority = trustme.CA()
    own, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(own)
    authority.configure_trust(theirs)
    served = await serve_http(house.server, house.server.events, tls=own)
    reader, writer = await asyncio.open_connection(
        served.host, served.port, ssl=theirs, server_hostname="localhost"
    )
    body = event_body()

    writer.write(b"POST /events HTTP/1.1\r\n%scontent-length: %d\r\n\r\n%s" % (HOST, len(body), body))
    writer.write(b"GET /healthz HTTP/1.1\r\n%sconnection: close\r\n\r\n" % HOST)
    answers = split(await reader.read())
    writer.close()

    assert [status for status, _, _ in answers] == [200, 200]
