"""``dead replay`` on a database that no process uses."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from click.testing import CliRunner

from livefeed.cli.main import main
from livefeed.portal.events.outbox import Happening
from livefeed.wire.ids import UserId


def invoke(*words: str) -> dict[str, int]:
    done = CliRunner().invoke(main, [*words, "--json"])
    assert 0 == done.exit_code, done.output
    return json.loads(done.stdout)


def test_all_letters_of_a_portal_are_put_back_as_the_events_they_were(tmp_path: Path) -> None:
    path = tmp_path / "portal.db"
    url = f"sqlite:///{path}"
    invoke("portal", "init", "--db", url)
    body = Happening(UserId(1)).stored()
    with closing(sqlite3.connect(path)) as conn:
        conn.execute(
            "INSERT INTO consumer (id, portal, name, state, cap, pace_ms, quiet_ms, max_wait_ms, epoch) "
            "VALUES (900, 'm', 'h', 'active', 1, 0, 0, 0, 1)"
        )
        conn.executemany(
            "INSERT INTO dead (consumer, key, seq, kind, body, reason, at) "
            "VALUES (900, ?, ?, 'K', ?, 'r', 1)",
            [(f"post:{number}", number, body) for number in range(1, 502)],
        )
        conn.commit()

    assert invoke("dead", "replay", "--all", "--db", url) == {"replayed": 501}

    with closing(sqlite3.connect(path)) as conn:
        entries = conn.execute("SELECT body FROM entry WHERE source = 'replay' ORDER BY seq").fetchall()
    assert [Happening.read(stored).first for (stored,) in entries] == list(range(1, 502))
