"""``lanes`` and ``lanes retry``: what waits, and what failed tried at once, where nobody serves."""

import asyncio
import json
from pathlib import Path

from click.testing import CliRunner, Result
from tests import engines

from livefeed.app.runtime import ROOMS
from livefeed.cli.main import main
from livefeed.clock import SystemClock, iso
from livefeed.durable.consumers import register
from livefeed.durable.entries import append
from livefeed.durable.lanes import lease_due, settle
from livefeed.durable.outcomes import Again
from livefeed.durable.store import open_store

HOUR_MS = 3_600_000


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["lanes", *words, "--json"])


def states(url: str) -> dict[str, bool]:
    """Key → whether it is due."""
    rows = [json.loads(line) for line in run("--db", url).stdout.splitlines()]
    assert {row["state"] for row in rows} == {"backing_off"}
    now = iso(SystemClock().now_ms())
    return {row["key"]: row["due_at"] <= now for row in rows}


async def fail(url: str) -> None:
    """A lane for each of 30 posts that failed, and is to be tried again in an hour."""
    clock = SystemClock()
    store = open_store(url, ROOMS, clock)
    consumer = await store.write(lambda tx: register(tx, portal="m", name="inbox"))
    for post in range(1, 31):
        await store.write(
            lambda tx, post=post: append(
                tx, portal="m", key=f"post:{post}", kind="U", body=b"", source="x", consumers=[consumer]
            )
        )
    outcome = Again(at_ms=clock.now_ms() + HOUR_MS, reason="broken")
    while leases := await store.write(lambda tx: lease_due(tx, limit=50, lease_s=60)):
        for one in leases:
            await store.write(lambda tx, one=one: settle(tx, one, outcome))
    await store.close()


def test_what_failed_is_tried_at_once(tmp_path: Path) -> None:
    url = engines.database(tmp_path, "app", ROOMS)
    asyncio.run(fail(url))
    assert not any(states(url).values())

    assert {"retried": 1} == json.loads(run("retry", "--post", "7", "--db", url).stdout)
    assert ["post:7"] == [key for key, is_due in states(url).items() if is_due]
    assert {"retried": 0} == json.loads(run("retry", "--post", "31", "--portal", "m", "--db", url).stdout)
    refused = run("retry", "--portal", "nope", "--db", url)
    assert (2, 1) == (refused.exit_code, len(refused.stderr.splitlines()))
    assert "no portal 'nope'" in refused.stderr
    assert {"retried": 29} == json.loads(run("retry", "--db", url).stdout)
    assert all(states(url).values())


def test_mistakes_get_one_line(tmp_path: Path) -> None:
    url = engines.database(tmp_path, "app", ROOMS)
    portal = f"sqlite:///{tmp_path / 'portal.db'}"
    assert 0 == CliRunner().invoke(main, ["portal", "init", "--db", portal]).exit_code
    for words, told in (
        (["--db", url, "retry"], "after retry"),
        (["retry", "--post", "1", "--key", "post:1", "--db", url], "exclude"),
        (["retry", "--db", portal], ""),
        (["retry", "--db", f"sqlite:///{tmp_path / 'none.db'}"], "no database"),
    ):
        result = run(*words)
        assert (2, 1) == (result.exit_code, len(result.stderr.splitlines())), result.output
        assert told in result.stderr
