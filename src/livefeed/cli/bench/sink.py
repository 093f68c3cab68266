"""A receiver that answers at once, or after a fixed time, and counts; for `bench deliver`."""

import asyncio
import os
import socket
import sys
from typing import cast

import uvloop

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
_LENGTH = b"content-length:"


class Sink(asyncio.Protocol):
    """Reads requests with a Content-Length and answers 200 after ``delay_s``."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._left = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer every complete request in what has come so far."""
        self._left += data
        while (end := self._left.find(b"\r\n\r\n")) >= 0:
            head = self._left[:end].lower()
            place = head.find(_LENGTH)
            length = 0 if place < 0 else int(head[place + len(_LENGTH) :].split(b"\r\n", 1)[0])
            if len(self._left) < end + 4 + length:
                return
            self._left = self._left[end + 4 + length :]
            self._answer()

    def _answer(self) -> None:
        if self._delay_s:
            asyncio.get_running_loop().call_later(self._delay_s, self._write)
        else:
            self._write()

    def _write(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(_ANSWER)


async def _main(listener: socket.socket, delay_s: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Sink(delay_s), sock=listener)
    await server.serve_forever()


if __name__ == "__main__":
    # argv: the inherited listening descriptor, milliseconds to wait, the core to run on
    os.sched_setaffinity(0, {int(sys.argv[3])})
    uvloop.run(_main(socket.socket(fileno=int(sys.argv[1])), float(sys.argv[2]) / 1000))
