"""Our REST client beside fast-bitrix24 and b24pysdk, at the same portal: seconds, requests, refusals.

    python tools/bench_clients.py [--limits standard] [--task list|ids|cursor] [--items 10000] [--runs 3]
        [--within SECONDS] [--clients livefeed,…]

The portal is a process of the installed command on one core, with TLS, for b24pysdk speaks nothing else; each
client is a process of its own on another, and they take turns. ``list`` reads every post with
``log.blogpost.get``, which pages by ``start``; ``ids`` reads posts one by one by their id; ``cursor`` reads
every person with ``user.get`` by rising id, which fast-bitrix24 does not know: it pages by ``start``. Each
run is a line of JSON on stderr, the table of the medians stands on stdout. With ``--data`` the portal is kept
for the next time, which saves the minutes in which it is made.
"""

import argparse
import asyncio
import contextlib
import importlib
import json
import os
import sqlite3
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tools.circumstances import circumstances, commit  # noqa: E402 - the path is set above

CLIENTS = ("livefeed", "fast-bitrix24", "b24pysdk")
PATIENCE_S = 150.0
PEOPLE_A_UNIT = 500
HEAD = ("task", "limits", "client", "runs", "seconds (each run)", "requests", "refused", "rows", "")


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
            if task == "cursor":
                return len({row["ID"] async for row in portal.rows_by_id("user.get")})
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
            if task == "cursor":
                return len({row["ID"] for row in await portal.get_all("user.get")})
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
    if task == "cursor":
        return len({row["ID"] for row in client.user.get().as_list_fast().result})
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


def prepare(folder: Path, posts: int, people: int) -> None:
    """A portal with so many posts and people, and what has to be known of it."""
    from livefeed.cli.bench.house.founding import found, fresh_keys, opened
    from livefeed.cli.bench.house.processes import free_port

    certify(folder)
    port = free_port()

    async def run() -> None:
        keys, key_file = fresh_keys(folder)
        async with opened(f"sqlite:///{folder}/portal.db") as store:
            founded = await found(store, keys, f"https://127.0.0.1:{port}", post_count=posts)
            for first in range(2, people + 1, PEOPLE_A_UNIT):
                ids = range(first, min(first + PEOPLE_A_UNIT, people + 1))
                await store.write(hiring(founded.portal.member_id, ids))
        known = {"port": port, "hook": founded.webhook_url, "key": str(key_file), "posts": founded.posts}
        (folder / "portal.json").write_text(json.dumps(known))

    asyncio.run(run())


def hiring(portal: Any, ids: Sequence[int]) -> Any:  # noqa: ANN401 - a unit of work
    from livefeed.portal.people import people

    def unit(tx: Any) -> None:  # noqa: ANN401 - of the store
        for number in ids:
            name = f"person{number}"
            new = people.NewPerson(
                login=name, email=f"{name}@example.com", first_name="Anna", last_name=f"Number {number}"
            )
            people.add(tx, portal, number, new)

    return unit


def forget(folder: Path) -> None:
    """Empty the buckets: each client begins with a portal that nobody has called."""
    with contextlib.closing(sqlite3.connect(folder / "portal.db")) as database, database:
        database.execute("DELETE FROM rest_bucket")
        database.execute("DELETE FROM operating")


def run_one(given: argparse.Namespace, folder: Path, name: str, within_s: float) -> dict[str, Any]:
    """One client at a portal that was just started."""
    from livefeed.cli.bench.house.processes import cores, pinned
    from livefeed.cli.demo.processes import Child

    known = json.loads((folder / "portal.json").read_text())
    ours, around = cores()
    arguments = ["portal", "serve", "--db", f"sqlite:///{folder}/portal.db", "--key-file", known["key"]]
    arguments += ["--port", str(known["port"]), "--limits", given.limits, "--allow-private"]
    arguments += ["--tls-cert", str(folder / "cert.pem"), "--tls-key", str(folder / "key.pem")]
    forget(folder)
    with pinned(ours):
        portal = Child("portal", arguments, {})
    try:
        portal.wait_ready(f"https://127.0.0.1:{known['port']}", folder / "ca.pem")
        one = [sys.executable, __file__, "--one", name, "--task", given.task, "--items", str(given.items)]
        with pinned(around):
            done = subprocess.run(
                [*one, "--limits", given.limits, "--data", str(folder)],
                capture_output=True,
                text=True,
                timeout=within_s,
                check=False,
            )
    except subprocess.TimeoutExpired:
        return {"client": name, "error": f"not done after {within_s:.0f} s"}
    finally:
        portal.stop()
    return json.loads(done.stdout.strip() or json.dumps({"client": name, "error": done.stderr[-200:]}))


def compare(given: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """All runs, the clients in turns; none begins when the time is over."""
    found: list[dict[str, Any]] = []
    end = time.monotonic() + given.within
    clients = given.clients.split(",")
    turns = [(number, name) for number in range(1, given.runs + 1) for name in clients]
    for place, (number, name) in enumerate(turns, 1):
        left_s = end - time.monotonic()
        if left_s <= 0:
            print(
                f"bench_clients: {given.within:g} s are over: {len(turns) - place + 1} runs are left out",
                file=sys.stderr,
            )
            break
        one = {"run": number, "limits": given.limits, **run_one(given, folder, name, min(PATIENCE_S, left_s))}
        print(json.dumps(one), file=sys.stderr, flush=True)
        found.append(one)
    return found


def table(given: argparse.Namespace, found: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The medians, with each run beside them."""
    words = f"--task {given.task} --limits {given.limits} --items {given.items} --runs {given.runs}"
    about = circumstances(f"python tools/bench_clients.py {words}")
    yield f"`{about['command']}`, commit `{commit()}`, {about['day']}, {about['machine']}:"
    yield ""
    yield f"| {' | '.join(HEAD)} |"
    yield "|" + " --- |" * len(HEAD)
    for name in given.clients.split(","):
        runs = [one for one in found if one["client"] == name]
        done = [one for one in runs if not one["error"]]
        if not runs:
            continue
        cells = [given.task, given.limits, f"`{name}`", str(len(runs)), *figures(done)]
        errors = sorted({one["error"] for one in runs if one["error"]})
        yield f"| {' | '.join([*cells, '; '.join(errors)])} |"


def figures(done: Sequence[dict[str, Any]]) -> list[str]:
    """Medians of the runs that ended well."""
    if not done:
        return ["–"] * 4
    seconds = [one["seconds"] for one in done]
    each = ", ".join(f"{one:.2f}" for one in seconds)
    counts = [
        f"{statistics.median_low([one[key] for one in done]):,}" for key in ("requests", "refused", "rows")
    ]
    return [f"{statistics.median(seconds):.2f} ({each})", *counts]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--limits", default="off", choices=["off", "standard", "enterprise"])
    parser.add_argument("--task", default="list", choices=["list", "ids", "cursor"])
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--within", type=float, default=900.0, help="seconds for all runs together")
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
            print("bench_clients: making a portal", file=sys.stderr)
            prepare(folder, given.items, given.items)
        if not given.prepare:
            print("\n".join(table(given, compare(given, folder))))


if __name__ == "__main__":
    main()
