"""``portal app update`` and ``portal app reinstall`` on a database that nothing serves."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests import engines

from livefeed.cli.main import main


class Place:
    """A portal in a file, and the commands on its applications."""

    def __init__(self, folder: Path) -> None:
        self._db = engines.database(folder, "portal")
        assert self.run("init --seed demo").exit_code == 0

    def run(self, line: str) -> Result:
        return CliRunner().invoke(main, ["portal", *shlex.split(line), "--db", self._db])

    def json(self, line: str) -> Any:
        done = self.run(f"app {line} --json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_another_version_keeps_what_is_not_given(place: Place):
    app = place.json("add --name Shop --handler-url https://a.example/home --scope log,placement")
    updated = place.json(f"update {app['client_id']} --version 2.0.0 --scope log")

    assert updated == {"client_id": app["client_id"], "version": "2.0.0", "installed": True}
    assert place.json(f"open {app['client_id']}")["APPLICATION_SCOPE"] == "log"


def test_one_with_an_installer_is_withheld_after_an_update_and_when_it_is_installed_anew(place: Place):
    urls = "--handler-url https://a.example/home --install-url https://a.example/install"
    app = place.json(f"add --name Shop --interface {urls}")
    place.json(f"finish {app['client_id']}")

    assert place.json(f"update {app['client_id']} --version 1.1")["installed"] is False
    place.json(f"finish {app['client_id']}")
    assert place.json(f"reinstall {app['client_id']}") == {"client_id": app["client_id"], "installed": False}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("update local.none --version 2.0.0", "there is no application"),
        ("reinstall local.none", "there is no application"),
        ("update {client_id} --version 1.0.0", "has the version 1.0.0 already"),
        ("update {client_id} --version two", "version"),
        ("update {client_id} --version 2.0.0 --install-url ftp://a.example/", "not an absolute http"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_exit_code_2(place: Place, line: str, complaint: str):
    app = place.json("add --name Shop")
    done = place.run("app " + line.format(client_id=app["client_id"]))

    assert done.exit_code == 2
    assert complaint in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
