"""``portal user`` and ``portal app payment``: one JSON document, or one clear line for a mistake."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests import engines

from livefeed.cli.main import main
from livefeed.clock import SystemClock
from livefeed.durable.store import open_store
from livefeed.portal import portals
from livefeed.portal.people import passwords
from livefeed.portal.server import ROOMS
from livefeed.secrets import Secret


def url(db: Path) -> str:
    return engines.database(db.parent, db.stem)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "portal.db"
    assert run(path, "init", "--seed", "empty").exit_code == 0
    return path


def run(db: Path, *words: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, ["portal", *words, "--db", url(db), "--json"], input=typed)


def document(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    (line,) = result.stdout.splitlines()
    return json.loads(line)


def is_password(db: Path, login: str, password: str) -> bool:
    async def check() -> bool:
        store = open_store(url(db), ROOMS, SystemClock())
        try:
            portal = await store.read(portals.default)
            assert portal is not None
            found = await store.read(lambda tx: passwords.find(tx, portal.member_id, login))
            return await passwords.is_right(found, Secret(password))
        finally:
            await store.close()

    return asyncio.run(check())


def test_the_administrator_of_a_new_portal_can_sign_in(tmp_path: Path):
    founded = document(run(tmp_path / "p.db", "init", "--seed", "empty"))

    assert ["member_id", "admin_webhook_url", "admin_login", "admin_password"] == list(founded)
    assert is_password(tmp_path / "p.db", founded["admin_login"], founded["admin_password"])


def test_a_person_is_taken_in_given_a_password_and_dismissed(db: Path):
    added = document(run(db, "user", "add", "vera", "--first-name", "Vera", "--language", "ru"))
    assert ["id", "login", "password"] == list(added)
    assert is_password(db, "vera", added["password"])

    changed = document(run(db, "user", "password", "vera", "--password-stdin", typed="correct horse\n"))
    assert {"id": added["id"], "login": "vera", "password": "correct horse"} == changed
    assert is_password(db, "vera", "correct horse")

    gone = document(run(db, "user", "dismiss", str(added["id"])))
    assert {"id": added["id"], "login": "vera", "dismissed": True} == gone
    assert not is_password(db, "vera", "correct horse")


def test_people_are_listed_dismissed_ones_too(db: Path):
    run(db, "user", "add", "vera", "--first-name", "Vera")
    run(db, "user", "dismiss", "vera")

    rows = [json.loads(line) for line in run(db, "user", "list").stdout.splitlines()]

    assert [("admin", True, True), ("vera", False, False)] == [
        (row["login"], row["admin"], row["active"]) for row in rows
    ]
    assert ["id", "login", "name", "position", "admin", "active"] == list(rows[0])


@pytest.mark.parametrize(
    ("words", "typed", "said"),
    [
        (["user", "add", "Vera"], "", "small letters"),
        (["user", "add", "admin"], "", "taken"),
        (["user", "add", "vera", "--department", "0"], "", "is not a number from 1"),
        (["user", "add", "vera", "--language", "de"], "", "de"),
        (["user", "password", "nobody"], "", "nobody works here"),
        (["user", "password", "admin", "--password-stdin"], "short\n", "has 10 to 200 characters"),
        (["user", "password", "admin", "--password-stdin"], "", "password"),
        (["user", "dismiss", "admin"], "", "last administrator"),
        (["app", "payment", "local.0.0"], "", "no application"),
        (["app", "payment", "local.0.0", "--until", "soon"], "", "is not a moment"),
        (["app", "add", "--name", "X", "--redirect-uri", "//evil.example"], "", "not an http or https URL"),
    ],
)
def test_a_mistake_is_one_clear_line(db: Path, words: list[str], typed: str, said: str):
    result = run(db, *words, typed=typed)

    assert 2 == result.exit_code
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert "" == result.stdout


def test_an_application_is_registered_with_its_address_and_paid_for(db: Path):
    added = document(run(db, "app", "add", "--name", "X", "--redirect-uri", "https://app.example/cb"))
    paid = document(
        run(db, "app", "payment", added["client_id"], "--status", "T", "--until", "2026-12-31T00:00:00+00:00")
    )

    assert {
        "client_id": added["client_id"],
        "status": "T",
        "until": "2026-12-31T00:00:00+00:00",
    } == paid
    assert document(run(db, "app", "payment", added["client_id"]))["until"] is None
