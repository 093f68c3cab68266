"""Our REST client beside fast-bitrix24 and b24pysdk, at the same portal: seconds, requests, refusals.

    python tools/bench_clients.py [--limits standard] [--task list|ids] [--items 10000] [--clients livefeed,…]

The portal is a process of the installed command on one core, with TLS, for b24pysdk speaks nothing else; each
client is a process of its own on another. ``list`` reads every post with ``log.blogpost.get``, which pages by
``start``; ``ids`` reads posts one by one by their id. With ``--data`` the portal is kept for the next time.
"""

import argparse
import asyncio
import contextlib
import importlib
import json
import os
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

CLIENTS = ("livefeed", "fast-bitrix24", "b24pysdk")
PATIENCE_S = 120.0


class Count:
    """What one client has sent, by status."""

    def __init__(self, *, has_limits: bool) -> None:
        self.has_limits = has_limits
        self.statuses: list[int] = []


def by_livefeed(hook: str, authority: Path, task: str, ids: list[int], count: Count) -> int:
    """Whoever knows that a portal has no limits says so; the others have no word for it."""
    from livefeed.client import STANDARD, Manners, RestClient
    from livefeed.net.http import HttpClient

    class Counting(HttpClient):
        async def send(self, *args: Any, **named: Any) -> Any:  # noqa: ANN401 - as the one it counts
            answer = await super().send(*args, **named)
            count.statuses.append(answer.status)
            return answer

    async def run() -> int:
        trusted = authority.read_bytes()
        manners = Manners(rate=STANDARD if count.has_limits else None)
        async with (
            Counting(allow_private=True, trusted_pem=trusted) as http,
            RestClient.from_webhook(hook, manners, http=http) as portal,
        ):
            if task == "list":
                return len({row["ID"] async for row in portal.rows("log.blogpost.get")})
            found = await portal.many(("log.blogpost.get", {"POST_ID": number}) for number in ids)
            return len({answer.result[0]["ID"] for answer in found})

    return asyncio.run(run())


def by_fast_bitrix24(hook: str, authority: Path, task: str, ids: list[int], count: Count) -> int:
    import aiohttp
    from fast_bitrix24 import BitrixAsync

    async def ended(_session: object, _context: object, params: aiohttp.TraceRequestEndParams) -> None:
        count.statuses.append(params.response.status)

    async def failed(_session: object, _context: object, params: aiohttp.TraceRequestExceptionParams) -> None:
        count.statuses.append(getattr(params.exception, "status", 0))

    async def run() -> int:
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(ended)
        trace.on_request_exception.append(failed)
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=str(authority)))
        async with aiohttp.ClientSession(
            connector=connector, raise_for_status=True, trace_configs=[trace]
        ) as session:
            portal = BitrixAsync(hook, verbose=False, client=session)
            if task == "list":
                return len({row["ID"] for row in await portal.get_all("log.blogpost.get")})
            found = await portal.get_by_ID("log.blogpost.get", ids, ID_field_name="POST_ID")
            return len({rows[0]["ID"] for rows in found.values()})

    return asyncio.run(run())


def by_b24pysdk(hook: str, authority: Path, task: str, ids: list[int], count: Count) -> int:
    import requests
    from b24pysdk.credentials import BitrixWebhook

    send = requests.Session.send

    def counted(self: Any, *args: Any, **named: Any) -> Any:  # noqa: ANN401 - as the one it counts
        answer = send(self, *args, **named)
        count.statuses.append(answer.status_code)
        return answer

    requests.Session.send = counted
    os.environ["REQUESTS_CA_BUNDLE"] = str(authority)
    host, _, token = hook.removeprefix("https://").rstrip("/").partition("/rest/")
    client = BitrixWebhook(domain=host, webhook_token=token).get_client()
    if task == "list":
        return len({row["ID"] for row in client.log.blogpost.get().as_list().result})
    calls = [client.log.blogpost.get(post_id=number) for number in ids]
    results = client.call_batches(calls).result.result
    return len({rows[0]["ID"] for rows in (results.values() if isinstance(results, dict) else results)})


NEEDS = {
    "livefeed": ["livefeed.client"],
    "fast-bitrix24": ["aiohttp", "fast_bitrix24"],
    "b24pysdk": ["requests", "b24pysdk.credentials"],
}
BY = dict(zip(CLIENTS, (by_livefeed, by_fast_bitrix24, by_b24pysdk), strict=True))


def measured(given: argparse.Namespace, hook: str, ids: list[int]) -> dict[str, Any]:
    """One run in this process."""
    name, authority, task = given.one, given.data / "ca.pem", given.task
    count, rows, error = Count(has_limits=given.limits != "off"), 0, ""
    for module in NEEDS[name]:
        importlib.import_module(module)
    began_s = time.perf_counter()
    try:
        rows = BY[name](hook, authority, task, ids, count)
    except Exception as exc:  # noqa: BLE001 - a client that gives up is a result
        error = f"{type(exc).__name__}: {exc}"[:120]
    return {
        "client": name,
        "task": task,
        "seconds": round(time.perf_counter() - began_s, 2),
        "rows": rows,
        "requests": len(count.statuses),
        "refused": sum(status in {429, 503} for status in count.statuses),
        "error": error,
    }


def certify(folder: Path) -> None:
    import trustme

    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))


def prepare(folder: Path, posts: int) -> None:
    """A portal with so many posts, and what has to be known of it."""
    from livefeed.cli.bench.house.founding import found, fresh_keys, opened
    from livefeed.cli.bench.house.processes import free_port

    certify(folder)
    port = free_port()

    async def run() -> None:
        keys, key_file = fresh_keys(folder)
        async with opened(f"sqlite:///{folder}/portal.db") as store:
            founded = await found(store, keys, f"https://127.0.0.1:{port}", post_count=posts)
        known = {"port": port, "hook": founded.webhook_url, "key": str(key_file), "posts": founded.posts}
        (folder / "portal.json").write_text(json.dumps(known))

    asyncio.run(run())


def forget(folder: Path) -> None:
    """Empty the buckets: each client begins with a portal that nobody has called."""
    with contextlib.closing(sqlite3.connect(folder / "portal.db")) as database, database:
        database.execute("DELETE FROM rest_bucket")
        database.execute("DELETE FROM operating")


def compare(folder: Path, limits: str, task: str, items: int, clients: list[str]) -> None:
    from livefeed.cli.bench.house.processes import cores, pinned
    from livefeed.cli.demo.processes import Child

    known = json.loads((folder / "portal.json").read_text())
    ours, around = cores()
    for name in clients:
        arguments = ["portal", "serve", "--db", f"sqlite:///{folder}/portal.db", "--key-file", known["key"]]
        arguments += ["--port", str(known["port"]), "--limits", limits, "--allow-private"]
        arguments += ["--tls-cert", str(folder / "cert.pem"), "--tls-key", str(folder / "key.pem")]
        forget(folder)
        with pinned(ours):
            portal = Child("portal", arguments, {})
        try:
            portal.wait_ready(f"https://127.0.0.1:{known['port']}", folder / "ca.pem")
            one = [sys.executable, __file__, "--one", name, "--task", task, "--items", str(items)]
            with pinned(around):
                done = subprocess.run(
                    [*one, "--limits", limits, "--data", str(folder)],
                    capture_output=True,
                    text=True,
                    timeout=PATIENCE_S,
                    check=False,
                )
            told = done.stdout.strip() or json.dumps({"client": name, "error": done.stderr[-200:]})
            print(json.dumps({"limits": limits, **json.loads(told)}), flush=True)
        finally:
            portal.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--limits", default="off", choices=["off", "standard", "enterprise"])
    parser.add_argument("--task", default="list", choices=["list", "ids"])
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--clients", default=",".join(CLIENTS))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--prepare", action="store_true", help="only make the portal in --data")
    parser.add_argument("--one", choices=CLIENTS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        known = json.loads((given.data / "portal.json").read_text())
        ids = known["posts"][: given.items]
        print(json.dumps(measured(given, known["hook"], ids)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.data or Path(temporary)
        folder.mkdir(exist_ok=True, parents=True)
        if not (folder / "portal.json").exists():
            prepare(folder, given.items)
        if not given.prepare:
            compare(folder, given.limits, given.task, given.items, given.clients.split(","))


if __name__ == "__main__":
    main()
