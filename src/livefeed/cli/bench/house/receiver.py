"""A receiver with good and bad addresses; it counts what comes, and says when it came.

``/ok/…`` answers at once and notes the post, ``/quiet/…`` answers at once; ``/silent/…`` never answers,
``/slow/…`` after 30 s, ``/reset/…`` breaks the connection, ``/flood/…`` sends 1 GB, ``/drip/…`` one byte a
second. ``GET /counts`` tells how often each was called and how many connections are open; ``GET /starts``
sends the records of ``/ok/…`` and forgets them.
"""

import asyncio
import json
import os
import re
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Final, cast

import uvloop

RECORD: Final = struct.Struct("<qq")
BAD: Final = ("silent", "slow", "reset", "flood", "drip")
"""The bad addresses."""

_OK: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
_GIGABYTE: Final = 1 << 30
_CHUNK: Final = b"x" * 65_536
_SLOW_S: Final = 30.0
_LENGTH: Final = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_POST: Final = re.compile(rb"POST_ID(?:%5D|\])=(\d+)")

_counts: Counter[str] = Counter()
_starts = bytearray()
_open: set[object] = set()


class Receiver(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._left = b""
        self._transport: asyncio.Transport | None = None
        self._to_send = 0
        self._timer: asyncio.TimerHandle | None = None
        self._is_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are none by inheritance
        _open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what was still to be sent."""
        _open.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Answer every complete request in what has come so far."""
        self._left += data
        while (end := self._left.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self._left, 0, end)
            size = end + 4 + (int(found.group(1)) if found else 0)
            if len(self._left) < size:
                return
            request, self._left = self._left[:size], self._left[size:]
            self._answer(request[request.find(b"/") + 1 : end].split(b" ", 1)[0].decode("latin-1"), request)

    def _answer(self, target: str, request: bytes) -> None:
        kind = target.split("/", 1)[0].split("?", 1)[0]
        if kind == "counts":
            self._send(json.dumps({"counts": _counts, "open": len(_open)}).encode())
            return
        if kind == "starts":
            self._send(bytes(_starts))
            _starts.clear()
            return
        _counts[kind] += 1
        match kind:
            case "ok":
                if found := _POST.search(request):
                    _starts.extend(RECORD.pack(int(found.group(1)), time.time_ns()))
                self._write(_OK)
            case "quiet":
                self._write(_OK)
            case "slow":
                self._later(_SLOW_S, lambda: self._write(_OK))
            case "reset":
                self._reset()
            case "flood":
                self._to_send = _GIGABYTE
                self._write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % _GIGABYTE)
                self._pour()
            case "drip":
                self._write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
                self._drip()
            case _:  # silent
                pass

    def pause_writing(self) -> None:
        """The other side does not read so fast."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """It reads again."""
        self._is_paused = False
        self._pour()

    def _pour(self) -> None:
        while self._to_send > 0 and not self._is_paused and self._transport is not None:
            self._write(_CHUNK)
            self._to_send -= len(_CHUNK)

    def _drip(self) -> None:
        self._write(b"x")
        self._later(1.0, self._drip)

    def _reset(self) -> None:
        if self._transport is not None:
            connection = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()

    def _later(self, delay_s: float, what: Callable[[], None]) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay_s, what)

    def _send(self, body: bytes) -> None:
        self._write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)


async def _main(listener: socket.socket) -> None:
    server = await asyncio.get_running_loop().create_server(Receiver, sock=listener)
    await server.serve_forever()


if __name__ == "__main__":
    # argv: the inherited listening descriptor, the core to run on (-1: any), how nice to be
    if int(sys.argv[2]) >= 0:
        os.sched_setaffinity(0, {int(sys.argv[2])})
    os.nice(int(sys.argv[3]))
    uvloop.run(_main(socket.socket(fileno=int(sys.argv[1]))))
