"""``portal resend``: one JSON document, or one clear line for a mistake; rows are found among many."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests import engines

from livefeed.cli.main import main
from livefeed.clock import SystemClock
from livefeed.durable.store import Tx, open_store
from livefeed.portal import portals
from livefeed.portal.apps import registry
from livefeed.portal.events import handlers
from livefeed.portal.events.handlers import ACTING_USER, Binding
from livefeed.portal.server import ROOMS
from livefeed.wire.ids import UserId

UPDATE = "ONLIVEFEEDPOSTUPDATE"


def url(db: Path) -> str:
    return engines.database(db.parent, db.stem)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """A portal with an application whose handler 1 hears of edits, and one edit of post 1."""
    path = tmp_path / "portal.db"
    assert run(path, "init").exit_code == 0
    assert run(path, "app", "add", "--name", "Shop").exit_code == 0
    asyncio.run(bind(path))
    assert run(path, "edit", "1", "--text", "changed").exit_code == 0
    return path


async def bind(path: Path) -> None:
    store = open_store(url(path), ROOMS, SystemClock())

    def unit(tx: Tx) -> None:
        portal = portals.default(tx)
        assert portal is not None
        (app,) = registry.every(tx, portal.member_id)
        url = "http://127.0.0.1:9/h"
        handlers.bind(tx, app, Binding(event=UPDATE, url=url, auth_type=ACTING_USER, owner=UserId(1)))

    await store.write(unit)
    await store.close()


def run(db: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["portal", *words, "--db", url(db), "--json"])


def rows(result: Result) -> list[Any]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def drained(db: Path) -> None:
    """Everything that waits is dealt with, without a trace."""

    async def drain() -> None:
        store = open_store(url(db), ROOMS, SystemClock())
        await store.write(lambda tx: tx.execute("DELETE FROM lane"))
        await store.close()

    asyncio.run(drain())


def test_one_event_is_sent_again(db: Path):
    (event,) = [row for row in rows(run(db, "events")) if row["event"] == UPDATE]
    drained(db)

    (document,) = rows(run(db, "resend", "--seq", str(event["seq"]), "--handler", "1"))

    assert {"handler": 1, "resent": 1, "seq": event["seq"] + 1} == document
    waiting = rows(run(db, "deliveries", "--handler", "1"))
    assert [(document["seq"], "waiting")] == [(row["seq"], row["state"]) for row in waiting]
    assert "replay" == rows(run(db, "events"))[-1]["source"]


def test_every_event_since_a_moment_is_sent_again(db: Path):
    drained(db)

    (document,) = rows(run(db, "resend", "--since", "2026-01-01T00:00:00+00:00", "--handler", "1"))
    (nothing,) = rows(run(db, "resend", "--since", "2999-01-01", "--handler", "1"))

    assert {"handler": 1, "resent": 1, "seq": None} == document
    assert 0 == nothing["resent"]


def test_an_event_that_still_waits_is_not_sent_twice(db: Path):
    (event,) = [row for row in rows(run(db, "events")) if row["event"] == UPDATE]

    refused = run(db, "resend", "--seq", str(event["seq"]), "--handler", "1")

    assert "still waits" in refused.output + str(refused.exception)
    assert 0 == rows(run(db, "resend", "--since", "2026-01-01", "--handler", "1"))[0]["resent"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--handler", "1"), "either --seq or --since"),
        (("--handler", "1", "--seq", "1", "--since", "2026-01-01"), "either --seq or --since"),
        (("--seq", "1"), "--handler"),
        (("--handler", "0", "--seq", "1"), "not a number"),
        (("--handler", "1", "--seq", "9" * 30), "not a number"),
        (("--handler", "1", "--since", "yesterday"), "not a moment"),
        (("--handler", "1", "--seq", str(2**63 - 1)), "no event"),
        (("--handler", "9", "--seq", "1"), "no handler 9"),
    ],
)
def test_a_mistake_is_told_in_one_line(db: Path, words: tuple[str, ...], complaint: str):
    refused = run(db, "resend", *words)

    assert refused.exit_code != 0
    assert complaint in refused.output + str(refused.exception)
