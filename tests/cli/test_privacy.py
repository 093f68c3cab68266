"""``person``, ``hold`` and ``redact`` where nobody serves; `docs/how-to` runs them where somebody does."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests import engines

from livefeed.app.runtime import ROOMS
from livefeed.cli.main import main
from livefeed.clock import SystemClock
from livefeed.durable.consumers import register
from livefeed.durable.store import Tx, open_store
from livefeed.notifier import archive
from livefeed.notifier.archive import Source
from livefeed.notifier.changes import Version
from livefeed.secrets import read_or_create_key_file

PORTAL = "a" * 32


@pytest.fixture
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A notifier's database with two posts of person 17, the second of which was edited."""
    rooms = [*ROOMS, "livefeed.notifier"]
    url = engines.database(tmp_path, "notifier", rooms)
    keys = engines.key_file(tmp_path, "notifier")
    monkeypatch.setenv("LIVEFEED_KEY_FILE", keys)
    read_or_create_key_file(Path(keys))

    def fill(tx: Tx) -> None:
        register(tx, portal=PORTAL, name="inbox")
        for post in (5, 6):
            archive.add(tx, PORTAL, post, 17, Version(title="Boilers", text="it leaks"), Source.ADDED)
        known = archive.find(tx, PORTAL, 6)
        assert known is not None
        archive.see(tx, PORTAL, known, Version(title="Boilers", text="it is mended"), Source.UPDATED)

    async def make() -> None:
        store = open_store(url, rooms, SystemClock())
        await store.write(fill)
        await store.close()

    asyncio.run(make())
    return url


def run(db: str, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--db", db])


def done(db: str, *words: str) -> Any:
    result = run(db, *words, "--json")
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    return rows[0] if words[:2] != ("hold", "list") else rows


def test_a_person_is_exported_held_and_erased(db: str, tmp_path: Path):
    assert 3 == len(done(db, "person", "export", "17")["kept"]["versions"])
    out = tmp_path / "of-17.json"
    assert "versions" in run(db, "person", "export", "17", "--out", str(out)).stdout
    assert [0o600, 17] == [out.stat().st_mode & 0o777, json.loads(out.read_text())["person"]]

    assert done(db, "hold", "add", "--person", "17", "--reason", "case 9", "--by", "Legal")["set"]
    refused = run(db, "person", "erase", "17")
    assert [2, "livefeed: person 17 is held by Legal (case 9); see: livefeed hold list\n"] == [
        refused.exit_code,
        refused.stderr,
    ]
    assert ["Legal"] == [one["set_by"] for one in done(db, "hold", "list")]
    assert done(db, "hold", "remove", "--person", "17")["ended"]
    assert [] == done(db, "hold", "list")
    assert ["case 9"] == [one["reason"] for one in done(db, "hold", "list", "--all")]

    assert [2] == done(db, "redact", "6", "2")["redacted"]
    erased = done(db, "person", "erase", "17")
    assert [True, 0, 0] == [erased["erased"] > 3, erased["held"], erased["left"]]
    assert not any(done(db, "person", "export", "17")["kept"].values())
    assert done(db, "person", "admit", "17")["admitted"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("person erase 17 --portal nope", "there is no portal 'nope'"),
        ("person erase none", "Invalid value for 'ID'"),
        ("person export 17 --out /none/of-17.json", "cannot be made"),
        ("hold add --post 5", "Missing option '--reason'"),
        ("hold add --reason x", "name one --post, or one --person"),
        ("hold add --post 5 --reason=", "write from 1 to 2000 characters"),
        ("redact 7 1", "nothing is archived of post 7"),
        ("redact 6 9", "post 6 has versions 1 to 2, not 9"),
    ],
)
def test_a_mistake_gets_one_line(db: str, words: str, told: str):
    result = run(db, *words.split())

    assert (2, 1) == (result.exit_code, len(result.stderr.splitlines())), result.output
    assert told in result.stderr
