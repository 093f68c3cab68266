"""The application's half is small, and works where nothing of the portal's is installed."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
MOST_PACKAGES = 25
OF_THE_PORTAL = {"argon2", "multipart", "python_multipart", "starlette", "trustme"}
OF_THE_NOTIFIER = {"nh3"}
OF_POSTGRESQL = {"psycopg", "psycopg_binary"}

# Runs with some packages out of reach, as on a machine where they are not installed.
WITHOUT = """
import runpy, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

absent = set(sys.argv.pop(1).split(","))
sys.meta_path.insert(0, Absent())
"""
IMPORTING = f"{WITHOUT}\nfor name in sys.argv[1:]: __import__(name)"
COMMAND = f"{WITHOUT}\nrunpy.run_module('livefeed', run_name='__main__')"


def brought_by(package: str, extras: frozenset[str] = frozenset()) -> Iterator[str]:
    """What installing it brings here, read from what is installed: its requirements, theirs, and so on."""
    left, seen = [(package, extras)], set[tuple[str, frozenset[str]]]()
    while left:
        one = left.pop()
        if one in seen:
            continue
        seen.add(one)
        yield canonicalize_name(one[0])
        for line in requires(one[0]) or []:
            wanted = Requirement(line)
            marker = wanted.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *one[1]}):
                left.append((canonicalize_name(wanted.name), frozenset(wanted.extras)))


def test_the_application_half_brings_at_most_25_packages():
    brought = {*brought_by("livefeed")} - {"livefeed"}

    assert {"msgspec", "uvicorn", "h11", "cffi"} <= brought, "what is wanted, and what that wants in turn"
    assert len(brought) <= MOST_PACKAGES, sorted(brought)
    assert not {"starlette", "argon2-cffi", "nh3", "trustme", "psycopg"} & brought
    assert {"starlette", "argon2-cffi", "argon2-cffi-bindings"} <= {
        *brought_by("livefeed", frozenset({"portal"}))
    }


def test_what_is_installed_wants_what_the_project_file_says():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    said = {Requirement(line).name for line in project["dependencies"]}
    installed = [Requirement(line) for line in distribution("livefeed").requires or []]

    assert said == {one.name for one in installed if one.marker is None}


def test_each_package_of_the_application_half_is_pinned_for_running():
    lock = (ROOT / "requirements" / "run.txt").read_text()
    pinned = {line.partition("==")[0] for line in lock.splitlines() if "==" in line and line[0].isalpha()}

    assert {*brought_by("livefeed")} - {"livefeed"} <= pinned


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        (["livefeed.app", "livefeed.client"], OF_THE_PORTAL | OF_THE_NOTIFIER | OF_POSTGRESQL),
        (["livefeed.notifier", "livefeed.notifier.application"], OF_THE_PORTAL | OF_POSTGRESQL),
    ],
    ids=["app", "notifier"],
)
def test_a_half_is_imported_without_what_only_the_others_need(modules: list[str], absent: set[str]):
    done = run(IMPORTING, absent, *modules)

    assert 0 == done.returncode, done.stderr


@pytest.mark.parametrize(
    ("modules", "unneeded"),
    [
        (
            ["livefeed.cli.portal.command", "livefeed.cli.portal.composition"],
            ["livefeed.app", "livefeed.notifier", "livefeed.client", "cryptography.x509", "trustme"],
        ),
        (["livefeed.cli.app.serving"], ["livefeed.portal", "livefeed.notifier", "cryptography.x509"]),
    ],
    ids=["portal", "app"],
)
def test_what_is_served_imports_nothing_of_another_half(modules: list[str], unneeded: list[str]):
    done = run(f"{IMPORTING}\nprint(*sys.modules)", {"nothing"}, *modules)

    assert 0 == done.returncode, done.stderr
    assert [] == [name for name in unneeded if name in done.stdout.split()], "memory that is never used"


def test_what_is_made_absent_is_absent():
    done = run(IMPORTING, OF_THE_PORTAL, "livefeed.portal.server")

    assert "ModuleNotFoundError" in done.stderr


@pytest.mark.parametrize("words", ["inbox --json", "lanes --json", "dead list --json", "app serve --help"])
def test_commands_of_an_application_need_nothing_of_the_portal(words: str, tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'app.db'}"
    made = run(f"{WITHOUT}\n{MAKE}", OF_THE_PORTAL | OF_THE_NOTIFIER | OF_POSTGRESQL, url)
    assert 0 == made.returncode, made.stderr
    flags = [] if "--help" in words else ["--db", url]

    done = run(COMMAND, OF_THE_PORTAL | OF_THE_NOTIFIER | OF_POSTGRESQL, *words.split(), *flags)

    assert 0 == done.returncode, done.stderr
    assert "--help" in words or [] == [json.loads(line) for line in done.stdout.splitlines()]


MAKE = """
import asyncio
from livefeed.app.runtime import ROOMS
from livefeed.clock import SystemClock
from livefeed.durable.store import open_store

asyncio.run(open_store(sys.argv[1], ROOMS, SystemClock()).close())
"""


@pytest.mark.parametrize(
    ("words", "extra"), [("portal init", "portal"), ("demo", "portal"), ("notifier serve", "notifier")]
)
def test_a_command_says_in_one_line_what_to_install_for_it(words: str, extra: str, tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'any.db'}"
    flags = ["--data", str(tmp_path)] if words == "demo" else ["--db", url]

    done = run(COMMAND, OF_THE_PORTAL | OF_THE_NOTIFIER, *words.split(), *flags)

    assert 2 == done.returncode
    assert 1 == len(done.stderr.splitlines())
    assert f"pip install 'livefeed[{extra}]'" in done.stderr


def run(program: str, absent: set[str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", program, ",".join(sorted(absent)), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)
