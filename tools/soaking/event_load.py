"""Sends events to the door of an application, and records what was answered; uses nothing of livefeed.

    python event_load.py PORT FILE MEMBER_ID TOKEN --connections 32 --posts 320 --rate 4000

Each connection has posts of its own and numbers the changes of each in ``ts``. A change that was not answered
with 200 is sent again until it is, and only then comes the next one of its post; so the order is known. Ends
on SIGTERM or after ``--most``, with one line of JSON on stdout.
"""

import argparse
import asyncio
import json
import signal
import time
from collections import Counter
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlencode

ANSWER_S = 30.0
BUFFER_BYTES = 1 << 20
FIRST_POST = 1_000_000


class Load:
    """What all connections share."""

    def __init__(self, given: argparse.Namespace, file: BinaryIO) -> None:
        self.given = given
        self.file = file
        self.is_over = False
        self.acked = 0
        self.outcomes: Counter[str] = Counter()
        self.began = time.monotonic()
        self.longest_gap_s = 0.0
        self.last_ack = self.began

    def body(self, post: int, number: int) -> bytes:
        """The documented ten keys."""
        pairs = {
            "event": "ONLIVEFEEDPOSTUPDATE",
            "event_handler_id": 731,
            "data[FIELDS][POST_ID]": post,
            "ts": number,
            "auth[access_token]": f"s6p6eclrvim6da22ft9ch94{post:09d}",
            "auth[expires_in]": 3600,
            "auth[scope]": "log",
            "auth[domain]": "some-domain.bitrix24.com",
            "auth[server_endpoint]": "https://oauth.bitrix.info/rest/",
            "auth[status]": "L",
            "auth[client_endpoint]": "https://some-domain.bitrix24.com/rest/",
            "auth[member_id]": self.given.member_id,
            "auth[refresh_token]": f"4s386p3q0tr8dy89xvmt962{post:09d}",
            "auth[application_token]": self.given.token,
        }
        return urlencode(pairs).encode()

    def ack(self, post: int, number: int) -> None:
        """Write down that a change was acknowledged."""
        now = time.monotonic()
        self.longest_gap_s = max(self.longest_gap_s, now - self.last_ack)
        self.last_ack = now
        self.acked += 1
        self.is_over = self.is_over or self.acked == self.given.most
        self.file.write(
            b'{"kind":"acked","portal":"%s","post":%d,"seq":%d,"at_ms":%d}\n'
            % (self.given.member_id.encode(), post, number, time.time_ns() // 1_000_000)
        )

    async def pace(self) -> None:
        """Wait while more was sent than the rate allows."""
        ahead_s = self.acked / self.given.rate - (time.monotonic() - self.began)
        if ahead_s > 0:
            await asyncio.sleep(ahead_s)


class Connection:
    """One connection after the other, one request at a time."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self, posts: list[int]) -> None:
        """Send changes of ``posts`` in turn until the load is over."""
        number = 0
        while not self.load.is_over:
            number += 1
            for post in posts:
                body = self.load.body(post, number)
                while not await self.is_acked(body):
                    if self.load.is_over:
                        return
                    await asyncio.sleep(0.02)
                self.load.ack(post, number)
                if self.load.is_over:
                    return
                await self.load.pace()

    async def is_acked(self, body: bytes) -> bool:
        """Send one event; False: it may or may not be stored."""
        try:
            async with asyncio.timeout(ANSWER_S):
                status = await self.status_of(body)
        except ConnectionRefusedError:
            self.load.outcomes["refused"] += 1
        except (OSError, EOFError, ValueError) as exc:
            name = "timeout" if isinstance(exc, TimeoutError) else "cut"
            self.load.outcomes[name] += 1
        else:
            self.load.outcomes[str(status)] += 1
            return status == 200
        self.close()
        return False

    async def status_of(self, body: bytes) -> int:
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.load.given.port)
        reader, writer = self.streams
        writer.write(
            b"POST /events HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/x-www-form-urlencoded\r\n"
            b"content-length: %d\r\n\r\n%s" % (len(body), body)
        )
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
        if b"connection: close" in head:
            self.close()
        return int(head[9:12])

    def close(self) -> None:
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None


async def main(given: argparse.Namespace) -> None:
    with Path(given.file).open("ab", buffering=BUFFER_BYTES) as file:
        load = Load(given, file)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, setattr, load, "is_over", True)
        connections = [Connection(load) for _ in range(given.connections)]
        shares = [
            list(range(FIRST_POST + number, FIRST_POST + given.posts, given.connections))
            for number in range(given.connections)
        ]
        await asyncio.gather(*(one.run(share) for one, share in zip(connections, shares, strict=True)))
        for one in connections:
            one.close()
    seconds = time.monotonic() - load.began
    document = {
        "acked": load.acked,
        "seconds": round(seconds, 1),
        "longest_gap_s": round(load.longest_gap_s, 2),
        "outcomes": load.outcomes,
    }
    print(json.dumps(document), flush=True)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Load at the door of an application.")
    parser.add_argument("port", type=int)
    parser.add_argument("file")
    parser.add_argument("member_id")
    parser.add_argument("token")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--posts", type=int, default=320)
    parser.add_argument("--rate", type=float, default=4000.0, help="events a second at most, on average")
    parser.add_argument("--most", type=int, default=0, help="end after so many events; 0: on SIGTERM")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(read_arguments()))
