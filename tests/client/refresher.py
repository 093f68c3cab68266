"""A process of an application: its callers find their token expired at once. Run by test_processes.py."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from livefeed.client.oauth import TokenEndpoint
from livefeed.client.safes.keys import PortalKeys
from livefeed.client.vault import Vault
from livefeed.clock import SystemClock
from livefeed.durable.store import open_store
from livefeed.net.http import HttpClient
from livefeed.secrets import Secret, read_or_create_key_file
from livefeed.wire.ids import MemberId, UserId


class Later(SystemClock):
    """The machine's clock, some time later."""

    def __init__(self, by_ms: int) -> None:
        self.by_ms = by_ms

    def now_ms(self) -> int:
        return super().now_ms() + self.by_ms


class Asked:
    """Says once when the process has been told whether it is the one that refreshes."""

    def __init__(self, write: Callable[..., Awaitable[Any]]) -> None:
        self._write = write
        self._is_said = False

    async def __call__(self, unit: Any) -> Any:
        result = await self._write(unit)
        if not self._is_said:
            self._is_said = True
            print("first" if result else "waits", flush=True)
        return result


async def main(given: dict[str, str], callers: int, later_ms: int) -> None:
    print("ready", flush=True)
    given |= json.loads(sys.stdin.readline())
    clock = Later(later_ms)
    store = open_store(given["db"], ["livefeed.client"], clock)
    async with HttpClient(allow_private=True) as http:
        secret = Secret(given["client_secret"])
        endpoint = TokenEndpoint(http, url=given["url"], client_id=given["client_id"], client_secret=secret)
        keys = PortalKeys(store, read_or_create_key_file(Path(given["keys"])))
        vault = Vault(store, keys, clock, endpoint)
        member, user, refused = MemberId(given["member_id"]), UserId(1), Secret(given["refused"])
        store.write = Asked(store.write)
        got = await asyncio.gather(*(vault.renew(member, user, refused) for _ in range(callers)))
        print(json.dumps(sorted({one.reveal() for one in got})), flush=True)
    await store.close()


asyncio.run(main(json.loads(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
