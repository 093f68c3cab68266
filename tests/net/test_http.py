"""The HTTP seam: what it sends, what it bounds, and that only our own errors leave it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pyreqwest.exceptions as theirs
import pytest
from tests.ports import free_port

from livefeed.errors import (
    AddressBlocked,
    AnswerTooLarge,
    ConnectFailed,
    ConnectionReset,
    TimedOut,
    TlsFailed,
    TransportError,
)
from livefeed.net.foreign import translate
from livefeed.net.http import HttpClient, is_http_url

from .conftest import Answering, TableResolver, answering

Serve = Callable[[Answering], Awaitable[int]]


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with HttpClient(allow_private=True, timeout_s=2.0, max_answer_bytes=100) as client:
        yield client


async def test_the_answer_is_read_whole_though_it_comes_in_pieces(http: HttpClient, serve: Serve) -> None:
    async def pieces(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 201 Created\r\nX-Thing: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in (b"one", b"two", b"six"):
            await writer.drain()
            await asyncio.sleep(0)
            writer.write(b"3\r\n" + piece + b"\r\n")
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        await reader.read()

    answer = await http.send("GET", f"http://127.0.0.1:{await serve(pieces)}/")
    assert (answer.status, answer.body, answer.headers["x-thing"]) == (201, b"onetwosix", "a")


async def test_a_redirect_is_an_answer_and_is_not_followed(http: HttpClient, serve: Serve) -> None:
    port = await serve(answering(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"))
    answer = await http.send("POST", f"http://127.0.0.1:{port}/", body=b"a=1")
    assert (answer.status, answer.headers["location"]) == (302, "/elsewhere")


async def test_body_and_headers_arrive_untouched(http: HttpClient, serve: Serve) -> None:
    seen: list[bytes] = []

    async def record(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        seen.append(await reader.readexactly(3))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    port = await serve(record)
    await http.deliver(
        f"http://127.0.0.1:{port}/a%20b?x=1&y=%zz", body=b"a=~", headers={"webhook-id": "msg_1"}
    )
    head, body = seen
    assert head.startswith(b"POST /a%20b?x=1&y=%zz HTTP/1.1\r\n")
    assert b"webhook-id: msg_1\r\n" in head.lower()
    assert body == b"a=~"


async def test_an_answer_beyond_the_bound_is_refused(http: HttpClient, serve: Serve) -> None:
    port = await serve(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" + b"x" * 101))
    with pytest.raises(AnswerTooLarge):
        await http.send("GET", f"http://127.0.0.1:{port}/")


async def test_an_endless_answer_to_a_delivery_is_cut(http: HttpClient, serve: Serve) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 4096)
            await writer.drain()

    answer = await http.deliver(f"http://127.0.0.1:{await serve(endless)}/", body=b"", headers={})
    assert (answer.status, answer.is_cut, len(answer.body)) == (200, True, 100)


async def test_nobody_there_is_connect(http: HttpClient) -> None:
    port = free_port()
    with pytest.raises(ConnectFailed, match="refused"):
        await http.send("GET", f"http://127.0.0.1:{port}/")


class Silent:
    """A resolver that says nothing."""

    async def resolve(self, host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []


async def test_a_name_that_is_not_resolved_in_time_is_timeout() -> None:
    async with HttpClient(allow_private=False, resolver=Silent()) as http:
        with pytest.raises(TimedOut):
            await asyncio.wait_for(http.send("GET", "http://slow.example/", timeout_s=0.05), 5)


async def test_no_answer_in_time_is_timeout(http: HttpClient, serve: Serve) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await asyncio.Event().wait()

    with pytest.raises(TimedOut):
        await http.send("GET", f"http://127.0.0.1:{await serve(silent)}/", timeout_s=0.1)


async def test_a_body_that_stalls_is_timeout(http: HttpClient, serve: Serve) -> None:
    async def stalls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        await writer.drain()
        await asyncio.Event().wait()

    with pytest.raises(TimedOut):
        await http.send("GET", f"http://127.0.0.1:{await serve(stalls)}/", timeout_s=0.1)


@pytest.mark.parametrize("raw", [b"", b"SSH-2.0\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"])
async def test_a_connection_that_ends_before_the_answer_is_reset(
    http: HttpClient, serve: Serve, raw: bytes
) -> None:
    with pytest.raises(ConnectionReset):
        await http.send("GET", f"http://127.0.0.1:{await serve(answering(raw))}/")


async def test_a_server_without_tls_is_tls(http: HttpClient, serve: Serve) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    with pytest.raises(TlsFailed):
        await http.send("GET", f"https://127.0.0.1:{await serve(plain)}/")


@pytest.mark.parametrize("url", ["", "/rel", "ftp://127.0.0.1/", "http://a b/", "http:///"])
@pytest.mark.parametrize("allow_private", [True, False])
async def test_what_is_not_an_http_url_is_a_transport_error(url: str, allow_private: bool) -> None:
    assert url == "http:///" or not is_http_url(url)
    async with HttpClient(allow_private=allow_private) as client:
        with pytest.raises(TransportError):
            await client.send("GET", url)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "private.example",
    ],
)
async def test_a_private_target_is_blocked_however_it_is_written(host: str) -> None:
    resolver = TableResolver({"private.example": ["192.168.0.1"]})
    async with HttpClient(allow_private=False, resolver=resolver) as client:
        with pytest.raises(AddressBlocked):
            await client.send("POST", f"http://{host}:9/", body=b"")


async def test_a_name_is_called_at_the_address_that_was_checked(serve: Serve) -> None:
    # No public address can be served here: the pinning itself is shown, with the check passed beforehand.
    port = await serve(answering(b"HTTP/1.1 204 No Content\r\n\r\n"))
    async with HttpClient(allow_private=False) as client:
        pinned = client._pinned_to("shop.example", "127.0.0.1", port)
        async with pinned.get(f"http://shop.example:{port}/").build_streamed() as response:
            assert response.status == 204


async def test_an_error_never_shows_the_url(http: HttpClient) -> None:
    port = free_port()
    for scheme in ("http", "https"):
        with pytest.raises(TransportError) as raised:
            await http.send("GET", f"{scheme}://127.0.0.1:{port}/rest/1/s3cret/")
        assert "s3cret" not in str(raised.value)


def test_every_error_of_the_library_becomes_one_of_ours() -> None:
    details = {"causes": [{"message": "inner"}], "status": 500, "doc": "", "pos": 0}
    kinds = [
        kind
        for kind in vars(theirs).values()
        if isinstance(kind, type)
        and issubclass(kind, theirs.PyreqwestError)
        and kind is not theirs.JSONDecodeError
    ]
    assert len(kinds) > 12
    for kind in kinds:
        error = kind("text") if kind is theirs.PyreqwestError else kind("text", details)
        assert isinstance(translate(error), TransportError)
