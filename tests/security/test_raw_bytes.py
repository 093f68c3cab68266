"""Bytes that no browser sends, on real sockets, to both halves: one answer below 500 each; both work on."""

import asyncio

from tests.scenario.conftest import Town, anyio_backend, town

__all__ = ["anyio_backend", "town"]

HEAD = b"host: 127.0.0.1\r\nconnection: close\r\n"
FORM = b"content-type: application/x-www-form-urlencoded\r\n"
REQUESTS = {
    "a query of any bytes": b"GET %s?post=\xff&x=\xc3\x28&next=\xff HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a path of any bytes": b"GET %s/\xff\xfe HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a path with NUL and broken percent": b"GET %s/%%00/%%ff/%%zz/%% HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a path that climbs": b"GET %s/../../../../etc/passwd HTTP/1.1\r\n" + HEAD + b"\r\n",
    "two slashes": b"GET //evil.example%s HTTP/1.1\r\n" + HEAD + b"\r\n",
    "an absolute address": b"GET http://evil.example%s HTTP/1.1\r\n" + HEAD + b"\r\n",
    "cookies of any bytes": b"GET %s HTTP/1.1\r\ncookie: livefeed_session=\xff; \x80=\x81; =;\r\n"
    + HEAD
    + b"\r\n",
    "languages of any bytes": b"GET %s HTTP/1.1\r\naccept-language: \xff,*;q=\xff\r\n" + HEAD + b"\r\n",
    "no host": b"GET %s HTTP/1.1\r\nconnection: close\r\n\r\n",
    "two hosts": b"GET %s HTTP/1.1\r\nhost: evil.example\r\n" + HEAD + b"\r\n",
    "a long heading": b"GET %s HTTP/1.1\r\nx-long: " + b"a" * 200_000 + b"\r\n" + HEAD + b"\r\n",
    "a long address": b"GET %s?x=" + b"a" * 200_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n",
    "many headings": b"GET %s HTTP/1.1\r\n" + b"x: y\r\n" * 5_000 + HEAD + b"\r\n",
    "an unknown method": b"VANISH %s HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a form without its length": b"POST %s HTTP/1.1\r\n" + HEAD + FORM + b"\r\ntoken=x",
    "a length below zero": b"POST %s HTTP/1.1\r\ncontent-length: -1\r\n" + HEAD + b"\r\n",
    "two lengths": b"POST %s HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n" + HEAD + b"\r\nab",
    "length and chunks": b"POST %s HTTP/1.1\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n"
    + HEAD
    + b"\r\n0\r\n\r\n",
    "broken chunks": b"POST %s HTTP/1.1\r\ntransfer-encoding: chunked\r\n" + HEAD + b"\r\nzz\r\n\r\n",
    "a large form": b"POST %s HTTP/1.1\r\ncontent-length: 3000000\r\n"
    + HEAD
    + FORM
    + b"\r\n"
    + b"a" * 3_000_000,
    "no HTTP": b"\x16\x03\x01\x00\xa5%s\r\n\r\n",
    "an upgrade": b"GET %s HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\nhost: x\r\n\r\n",
}
OF_PORTAL = (
    b"/login",
    b"/posts/1",
    b"/oauth/authorize/",
    b"/oauth/token/",
    b"/apps/1/",
    b"/live",
    b"/rest/x",
    b"/",
)
OF_APP = (
    b"/console/",
    b"/frame",
    b"/frame/x/",
    b"/oauth/start",
    b"/oauth/callback",
    b"/events",
    b"/install",
    b"/",
)


async def raw(url: str, request: bytes) -> bytes:
    """The head of the answer; empty if the connection just ends."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    answer = b""
    try:
        writer.write(request)
        async with asyncio.timeout(5):
            answer = await reader.readuntil(b"\r\n\r\n")
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.transport.abort()
    return answer


async def test_odd_bytes_get_one_answer_and_break_nothing(town: Town):
    doors = [(town.url, path) for path in OF_PORTAL] + [(town.door_url, path) for path in OF_APP]
    for what, request in REQUESTS.items():
        for url, path in doors:
            answer = await raw(url, request.replace(b"%s", path, 1).replace(b"%%", b"%"))
            line = answer.partition(b"\r\n")[0]
            assert not answer or line.startswith(b"HTTP/1.1 "), (what, path, line)
            assert not answer or int(line.split()[1]) < 500, (what, path, line)

    assert (await town.call(1, "user.current"))["ID"] == "1"
    assert (await raw(town.url, b"GET /login HTTP/1.1\r\n" + HEAD + b"\r\n")).startswith(b"HTTP/1.1 200")
    assert (await raw(town.door_url, b"GET /healthz HTTP/1.1\r\n" + HEAD + b"\r\n")).startswith(
        b"HTTP/1.1 200"
    )
