"""``portal webhook`` on a database that nothing serves."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests import engines

from livefeed.cli.main import main

OUTGOING = "webhook outgoing add --url http://a.example/x --event OnLiveFeedPostAdd"


class Place:
    """A portal in a file, and the command beside it."""

    def __init__(self, folder: Path) -> None:
        self._db = engines.database(folder, "portal")
        self.json("init --seed demo")

    def run(self, line: str) -> Result:
        return CliRunner().invoke(main, ["portal", *shlex.split(line), "--db", self._db])

    def json(self, line: str) -> Any:
        done = self.run(f"{line} --json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    def rows(self, line: str = "") -> list[Any]:
        done = self.run(f"webhook list {line} --json")
        assert done.exit_code == 0, done.output
        return [json.loads(row) for row in done.stdout.splitlines()]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_webhook_is_made_and_its_url_comes_first(place: Place) -> None:
    made = place.json("webhook add --user 3 --scope user,log --name 'Phone book' --expires 2999-12-31")
    assert next(iter(made)) == "url"
    assert made["url"].endswith("/")
    assert (made["scope"], made["expires"], made["user"]) == ("log,user", "2999-12-31", 3)
    assert place.rows("--user 3")[-1]["name"] == "Phone book"


def test_the_list_shows_both_kinds_and_no_secret(place: Place) -> None:
    incoming = place.json("webhook add --user 3 --scope user")
    outgoing = place.json(f"{OUTGOING} --event onlivefeedpostupdate --user 3")
    seeded, first, second = place.rows("--user 3")
    assert (seeded["kind"], seeded["name"]) == ("incoming", "Made with the portal")
    assert (first["id"], first["kind"], first["scope"]) == (incoming["id"], "incoming", "user")
    assert (second["id"], second["kind"], second["url"]) == (outgoing["id"], "outgoing", "http://a.example/x")
    assert second["events"] == "ONLIVEFEEDPOSTADD,ONLIVEFEEDPOSTUPDATE"
    assert second["handlers"] == outgoing["handlers"]
    shown = place.run("webhook list").stdout
    assert incoming["url"].rstrip("/").rpartition("/")[2] not in shown
    assert outgoing["application_token"] not in shown
    assert len(place.rows()) > 3


def test_one_is_changed_regenerated_and_removed(place: Place) -> None:
    made = place.json("webhook add --user 1 --scope user --expires 2999-12-31")
    changed = place.json(f"webhook change {made['id']} --expires never --scope log")
    assert (changed["url"], changed["scope"], changed["expires"]) == (None, "log", None)
    assert place.json(f"webhook regenerate {made['id']}")["url"] != made["url"]
    assert place.json(f"webhook remove {made['id']}") == {"id": made["id"], "removed": True}
    assert made["id"] not in [row["id"] for row in place.rows()]


def test_an_outgoing_one_is_shown_changed_regenerated_and_removed(place: Place) -> None:
    made = place.json(f"{OUTGOING} --user 1")
    assert place.json(f"webhook outgoing show {made['id']}") == made
    changed = place.json(f"webhook outgoing change {made['id']} --url http://b.example/")
    assert (changed["url"], changed["handlers"]) == ("http://b.example/", made["handlers"])
    again = place.json(f"webhook regenerate {made['id']}")
    assert again["application_token"] != made["application_token"]
    assert place.json(f"webhook remove {made['id']}")["removed"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("add --user 1 --scope nosuch", "there is no scope nosuch"),
        ("add --user 99", "there is no active person 99"),
        ("add --user 1 --expires soon", "soon is not a day such as 2026-12-31"),
        ("add --user 1 --expires 2001-01-01", "is over already"),
        ("regenerate 999999", "there is no webhook 999999"),
        ("remove 1 --user 4", "there is no webhook 1"),
        ("change 999999 --name x", "there is no incoming webhook 999999"),
        ("outgoing add --user 1 --url http://a.example/", "choose at least one event"),
        ("outgoing add --user 1 --url a --event OnLiveFeedPostAdd", "is not an absolute http or https URL"),
        ("outgoing add --user 1 --url http://a/ --event OnX", "cannot be sent ONX"),
        ("outgoing show 1", "there is no outgoing webhook 1"),
        ("remove x", "'x' is not a valid integer"),
        ("add", "Missing option '--user'"),
        ("add --user 1 --portal nosuch", "there is no portal 'nosuch'"),
        ("list --portal nosuch", "there is no portal 'nosuch'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(place: Place, line: str, said: str) -> None:
    done = place.run(f"webhook {line}")
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
