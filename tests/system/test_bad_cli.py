"""A mistake on the command line is one clear line on stderr and exit code 2, and leaves no mess."""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from tests.system.world import Process, eventually, free_port, is_ready, livefeed

from livefeed.cli import main

pytestmark = pytest.mark.system

HUGE = "9" * 30
SECRET = "very-secret-word"


class Place:
    """A folder with a founded portal, its key, and files that are something else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.portal = self.url("portal.db")
        livefeed("portal", "init", "--db", self.portal, "--seed", "empty")
        (self.folder / "text.db").write_text("this is no database\n")
        (self.folder / "other.key").write_text("ab" * 32 + "\n")
        (self.folder / "bad.key").write_text(f"{SECRET}\n")

    def url(self, name: str) -> str:
        return f"sqlite:///{self.folder / name}"

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def names(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("place"))


@pytest.fixture
def taken_port() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as held:
        yield str(held.getsockname()[1])


@pytest.fixture
def unwritable(tmp_path: Path) -> Path:
    """A folder in which nothing can be made; an administrator is stopped by the kernel's own alone."""
    folder = tmp_path / "unwritable"
    folder.mkdir(mode=0o500)
    chosen = Path("/sys/kernel") if os.access(folder, os.W_OK) else folder
    if os.access(chosen, os.W_OK) and chosen == folder:
        pytest.skip("every folder can be written here")
    return chosen


def refusal(*arguments: str, env: dict[str, str] | None = None) -> str:
    """The one line with which a command is refused."""
    done = livefeed(*arguments, env=env, check=False)
    assert 2 == done.returncode, f"{arguments}: {done.stderr}"
    assert "" == done.stdout, arguments
    lines = done.stderr.splitlines()
    assert 1 == len(lines), f"{arguments}: {done.stderr}"
    assert lines[0].startswith("livefeed: "), lines
    for word in ("Traceback", SECRET, "[Errno"):
        assert word not in lines[0]
    return lines[0]


def refusals_here(*commands: tuple[str, ...]) -> list[str]:
    """Those of commands that are refused before they start anything, run in this process."""
    return [refusal_here(*command) for command in commands]


def refusal_here(*arguments: str) -> str:
    done = CliRunner().invoke(main, arguments, prog_name="livefeed")
    assert (2, "") == (done.exit_code, done.stdout), f"{arguments}: {done.exception!r} {done.output}"
    assert 1 == len(done.stderr.splitlines()), done.stderr
    assert done.stderr.startswith("livefeed: "), done.stderr
    assert SECRET not in done.stderr
    return done.stderr


def refusals(*commands: tuple[str, ...], side_by_side: int = 3) -> list[str]:
    """Those of several commands; of those that write one file only one runs at a time."""
    with ThreadPoolExecutor(side_by_side) as pool:
        return list(pool.map(lambda command: refusal(*command), commands))


def test_a_port_in_use_is_named(place: Place, taken_port: str):
    for said in refusals(
        ("portal", "serve", "--db", place.portal, "--port", taken_port),
        ("notifier", "serve", "--db", place.url("new.db"), "--port", taken_port),
        ("demo", "--data", place.path("demo"), "--no-browser", "--app-port", taken_port),
    ):
        assert f"127.0.0.1:{taken_port}: Address already in use" in said
        assert "choose another --" in said
    assert "new.db.key" not in place.names()


def test_a_port_or_host_that_is_none_is_refused(place: Place):
    serve = ("portal", "serve", "--db", place.portal)
    said = refusals(
        (*serve, "--port", "99999"),
        (*serve, "--host", "999.1.1.1"),
        (*serve, "--host", f"{'a' * 70}.example"),
    )
    assert [] == [line for line in said if "port" not in line and "choose another --host" not in line]


def test_a_folder_that_cannot_be_written_is_named(unwritable: Path, tmp_path: Path):
    (tmp_path / "file").touch()
    for said in refusals(
        ("portal", "init", "--db", f"sqlite:///{unwritable / 'x.db'}", "--key-file", str(tmp_path / "k")),
        ("notifier", "serve", "--port", "0", "--db", f"sqlite:///{unwritable / 'x.db'}"),
        ("demo", "--data", str(unwritable / "data"), "--no-browser"),
    ):
        assert str(unwritable) in said
    missing, file = refusals_here(
        ("portal", "init", "--db", f"sqlite:///{tmp_path / 'none' / 'x.db'}"),
        ("demo", "--data", str(tmp_path / "file"), "--no-browser"),
    )
    assert f"there is no folder {tmp_path / 'none'}; make it first" in missing
    assert "is a file" in file


def test_a_database_of_a_newer_version_is_left_alone(place: Place):
    newer = place.folder / "newer.db"
    shutil.copy(place.folder / "portal.db", newer)
    shutil.copy(place.folder / "portal.db.key", place.folder / "newer.db.key")
    with sqlite3.connect(newer) as conn:
        columns = "migration_hash, migration_id, applied_at_utc"
        conn.execute(f"INSERT INTO _yoyo_migration ({columns}) VALUES ('x', '0199.later', '2030-01-01')")
    conn.close()
    before = newer.read_bytes()

    for said in refusals(
        ("portal", "serve", "--db", place.url("newer.db"), "--port", "0"),
        ("lanes", "--db", place.url("newer.db")),
    ):
        assert "newer.db was written by a newer livefeed (it has 0199.later); update this one" in said
    assert before == newer.read_bytes()


def test_another_key_file_is_noticed_before_anything_is_done(place: Place):
    with_other_key = ("--db", place.portal, "--key-file", place.path("other.key"))
    for said in refusals(
        ("portal", "serve", "--port", "0", *with_other_key),
        ("portal", "init", "--public-url", "http://second.example", *with_other_key),
        ("portal", "app", "add", "--name", "x", *with_other_key, "--json"),
        ("keys", "list", *with_other_key),
        ("keys", "rotate", *with_other_key),
        ("keys", "retire", *with_other_key),
        side_by_side=1,
    ):
        assert "sealed with another key; set LIVEFEED_KEY_FILE to the right one" in said
    assert 1 == len((place.folder / "other.key").read_text().split()), "no key was added"


def test_a_notifier_with_another_key_does_not_start(place: Place, tmp_path: Path):
    database, port = f"sqlite:///{tmp_path / 'notifier.db'}", free_port()
    first = Process(tmp_path / "log", "notifier", "serve", "--db", database, "--port", str(port))
    first.wait_ready(f"http://127.0.0.1:{port}")
    assert 0 == first.stop()

    said = refusal(
        "notifier", "serve", "--db", database, "--port", "0", "--key-file", place.path("other.key")
    )

    assert "sealed with another key" in said


def test_a_key_file_that_holds_something_else_is_not_shown(place: Place, tmp_path: Path):
    bad, folder = refusals(
        ("portal", "serve", "--db", place.portal, "--port", "0", "--key-file", place.path("bad.key")),
        ("portal", "serve", "--db", place.portal, "--port", "0", "--key-file", str(tmp_path)),
    )
    assert "bad.key is not usable" in bad
    assert "64-digit hex key" in bad
    assert "is a directory" in folder


def test_a_database_whose_key_is_gone_gets_no_new_one(place: Place, tmp_path: Path):
    shutil.copy(place.folder / "portal.db", tmp_path / "moved.db")

    said = refusal("portal", "serve", "--port", "0", "--db", f"sqlite:///{tmp_path / 'moved.db'}")

    assert "moved.db.key" in said
    assert "LIVEFEED_KEY_FILE" in said
    assert not (tmp_path / "moved.db.key").exists()


def test_a_file_that_is_no_database_is_left_as_it_is(place: Place):
    text = ("--db", place.url("text.db"))
    for said in refusals(
        ("portal", "init", *text),
        ("portal", "serve", "--port", "0", *text),
        ("notifier", "serve", "--port", "0", *text),
        ("inbox", *text, "--json"),
    ):
        assert "text.db is not an SQLite database; choose another --db" in said
    assert "this is no database\n" == (place.folder / "text.db").read_text()
    assert not place.names() & {"text.db.key", "text.db.lock"}
    assert "Is a directory" in refusal("lanes", "--db", f"sqlite:///{place.folder}")


def test_a_database_of_the_other_half_is_told_apart(place: Place):
    for said in refusals_here(("inbox", "--db", place.portal), ("notices", "--db", place.portal)):
        assert "portal.db is a database of another part of livefeed; check --db" in said


def test_a_database_that_does_not_exist_is_not_made_by_looking(place: Place):
    for said in refusals_here(
        ("inbox", "--db", place.url("none.db")),
        ("portal", "serve", "--db", place.url("none.db")),
        ("portal", "why", "--post", "1", "--handler", "1", "--db", place.url("none.db")),
        ("portal", "edit", "1", "--text", "x", "--db", place.url("none.db")),
    ):
        assert "there is no database" in said
    assert not [name for name in place.names() if name.startswith("none.db")]


def test_a_database_url_that_is_none_is_refused(place: Place):
    for said in refusals_here(
        *(("lanes", "--db", url) for url in ("nonsense", "sqlite:///", "mysql://h/x", ""))
    ):
        assert "sqlite:///file.db" in said


def test_a_server_that_does_not_answer_is_told_without_its_password_and_no_key_is_made(place: Place):
    said = refusal_here("portal", "serve", "--db", f"postgresql://me:{SECRET}@127.0.0.1:1/feed")
    assert "the database cannot be used" in said
    assert SECRET not in said
    assert "livefeed-feed.key" not in place.names()
    assert not Path("livefeed-feed.key").exists()


def test_more_than_one_worker_on_sqlite_names_postgresql(place: Place, tmp_path: Path):
    (tmp_path / "shop.py").write_text("from livefeed.app import App\napp = App.from_settings()\n")
    env = {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    said = refusals(
        ("portal", "serve", "--db", place.portal, "--workers", "2"),
        ("notifier", "serve", "--db", place.url("new.db"), "--workers", "2"),
    )
    said.append(refusal("app", "serve", "shop:app", "--db", place.url("new.db"), "--workers", "2", env=env))
    for line in said:
        assert "--workers above 1 needs PostgreSQL" in line


def test_a_role_on_sqlite_names_postgresql(place: Place, tmp_path: Path):
    (tmp_path / "shop.py").write_text("from livefeed.app import App\napp = App.from_settings()\n")
    env = {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    said = refusals(
        *(("portal", "serve", "--db", place.portal, "--role", role) for role in ("web", "dispatcher")),
        *(("notifier", "serve", "--db", place.url("new.db"), "--role", role) for role in ("door", "worker")),
    )
    said.append(refusal("app", "serve", "shop:app", "--db", place.url("new.db"), "--role", "door", env=env))
    for line in said:
        assert "needs PostgreSQL (--db postgresql://user@host/database)" in line


@pytest.mark.parametrize(
    ("target", "source", "told"),
    [
        ("nosuch:app", "", "there is no module nosuch"),
        (":app", "", "names no module"),
        ("../shop.py", "", "names no module"),
        ("shop:nothing", "app = 1", "'shop:nothing' is not an App"),
        ("shop", "app = 1", "'shop' is not an App"),
        ("shop:app", "def (", "SyntaxError"),
        ("shop:app", "import nosuchthing", "it needs nosuchthing, which is not installed"),
        ("shop:app", "\n1 / 0", "ZeroDivisionError: division by zero (shop.py, line 2)"),
    ],
)
def test_an_application_that_cannot_be_loaded_is_told_in_one_line(
    tmp_path: Path, target: str, source: str, told: str
):
    (tmp_path / "shop.py").write_text(source)
    env = {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}

    said = refusal("app", "serve", target, "--db", f"sqlite:///{tmp_path / 'x.db'}", "--port", "0", env=env)

    assert told in said
    assert {"shop.py"} >= {path.name for path in tmp_path.iterdir()} - {"__pycache__"}


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("LIVEFEED_MAX_WAIT_S", "soon", "LIVEFEED_MAX_WAIT_S is a number of seconds"),
        ("LIVEFEED_QUIET_S", "nan", "LIVEFEED_QUIET_S is a number of seconds"),
        ("LIVEFEED_RATE_LIMIT", "perhaps", "LIVEFEED_RATE_LIMIT is on or off"),
        ("LIVEFEED_PORTAL_URL", "feed.example", "LIVEFEED_PORTAL_URL is an http or https URL"),
        ("LIVEFEED_FAILPOINT", "notice.called:x", "LIVEFEED_FAILPOINT"),
        ("LIVEFEED_FAILPOINT", "nonsense", "LIVEFEED_FAILPOINT"),
        ("LIVEFEED_MUTATE", "nonsense", "LIVEFEED_MUTATE"),
    ],
)
def test_a_variable_that_cannot_be_read_is_named(tmp_path: Path, name: str, value: str, told: str):
    (tmp_path / "shop.py").write_text("from livefeed.app import App\napp = App.from_settings()\n")
    path = f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"
    env = {"PYTHONPATH": path, name: value, "LIVEFEED_CLIENT_SECRET": SECRET}

    at = ("--db", f"sqlite:///{tmp_path / 'x.db'}", "--port", "0")
    assert told in refusal("app", "serve", "shop:app", *at, env=env)


def test_numbers_and_moments_out_of_bounds_are_refused(place: Place):
    at = ("--db", place.portal)
    refusals_here(
        ("portal", "edit", HUGE, "--text", "x", *at),
        ("portal", "edit", "1", "--text", "x", "--user", HUGE, *at),
        ("portal", "why", "--post", "1", "--handler", HUGE, *at),
        ("portal", "deliveries", "--post", HUGE, *at),
        ("portal", "events", "--since", "9999-12-31T23:59:59-23:00", *at),
        ("portal", "events", "--since", "yesterday", *at),
        ("lanes", "--limit", HUGE, *at),
        ("dead", "list", "--limit", "-3", *at),
        ("dead", "replay", HUGE, *at),
        ("notifier", "serve", "--quiet-s", "nan"),
        ("demo", "--quiet-s", "-1", "--no-browser"),
        ("demo", "--port", "8024", "--app-port", "8024", "--no-browser"),
        ("portal", "serve", "--port", "-1", *at),
        ("portal", "serve", "--port", "http", *at),
        ("portal", "serve", "--max-body", "0", *at),
    )


def test_what_the_portal_does_not_have_is_told_by_name(place: Place):
    at = ("--db", place.portal)
    said = refusals_here(
        ("portal", "edit", "999", "--text", "x", *at),
        ("portal", "webhook", "add", "--user", "99", *at),
        ("portal", "webhook", "add", "--user", "1", "--scope", "no such!", *at),
        ("portal", "app", "finish", "local.none", *at),
        ("portal", "app", "add", "--name", "x", "--install-url", "nonsense", *at),
        ("portal", "app", "add", "--name", "x", "--portal", "f" * 32, *at),
        ("portal", "events", "--portal", "f" * 32, *at),
        ("portal", "init", *at),
        ("portal", "init", "--public-url", "feed.example", *at),
        ("dead", "replay", "77", *at),
    )
    named = (
        "999",
        "99",
        "scope",
        "local.none",
        "nonsense",
        "f" * 32,
        "f" * 32,
        "exists already",
        "feed.example",
        "77",
    )
    assert [] == [(word, line) for word, line in zip(named, said, strict=True) if word not in line]


def test_wrong_arguments_name_the_help_that_explains_them(place: Place, tmp_path: Path):
    (tmp_path / "history").write_bytes(b"\xff\xfe\n")
    said = refusals_here(
        ("nonsense",),
        ("--nonsense",),
        ("portal", "serve", "--nonsense"),
        ("portal", "edit"),
        ("dead", "replay"),
        ("trigger", "ONLIVEFEEDPOSTUPDATE", "--url", "nonsense", "--post", "1"),
    )
    assert [] == [line for line in said if "; see: livefeed" not in line]
    history, refused = refusals_here(
        ("check-history", str(tmp_path / "history")),
        ("trigger", "X", "--post", "1", "--application-token", SECRET, "--url", "http://127.0.0.1:1/events"),
    )
    assert "history:1: " in history
    assert "http://127.0.0.1:1/events gives no answer: Connection refused" in refused


def test_a_second_server_of_one_database_is_refused_and_the_first_works_on(place: Place, tmp_path: Path):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    first = Process(tmp_path / "log", "portal", "serve", "--db", place.portal, "--port", str(port))
    try:
        first.wait_ready(url)
        said = refusal("portal", "serve", "--db", place.portal, "--port", str(free_port()))
        assert "another process writes" in said

        # Commands go through the one that runs, and its refusals are one line too.
        assert "there is no post 999" in refusal("portal", "edit", "999", "--text", "x", "--db", place.portal)
        livefeed("portal", "webhook", "add", "--user", "1", "--db", place.portal)
        eventually(lambda: is_ready(url), what="the first server answers")
    finally:
        assert 0 == first.stop()


def test_a_reader_that_has_seen_enough_is_no_error():
    unread, written = os.pipe()
    os.close(unread)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "livefeed", "failpoints", "--json"],
            stdout=written,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
            check=False,
        )
    finally:
        os.close(written)
    assert "" == done.stderr


def test_a_terminal_that_lacks_letters_or_is_closed_is_no_error(place: Place):
    assert "why, \\u2026" in livefeed("--help", env={"PYTHONIOENCODING": "latin-1"}).stdout

    unheard = ("sh", "-c", '"$@" >&- 2>&-', "sh", sys.executable, "-m", "livefeed", "doctor", "--local")
    done = subprocess.run([*unheard, "--db", place.portal], timeout=30, check=False)
    assert 0 == done.returncode


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    """Every command of the tree, as it is typed."""
    yield path
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        yield from commands(found, *path, name) if isinstance(found, click.Group) else [(*path, name)]


@pytest.mark.parametrize("path", list(commands(main)), ids=" ".join)
def test_help_says_what_a_command_does_and_what_each_flag_means(path: tuple[str, ...]):
    assert isinstance(main, click.Group)
    shown = CliRunner().invoke(main, [*path, "--help"]).output
    command: click.Command = main
    for name in path:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), name) or command

    assert shown.startswith("Usage: ")
    assert [] == [line for line in shown.splitlines() if line.endswith("...") and "[ARGS]" not in line], (
        "a summary is cut"
    )
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    assert [] == [one.name for one in options if not one.help]


DATA = {
    ("portal", "init"),
    ("demo",),
    ("inbox",),
    ("notices",),
    ("lanes",),
    ("trigger",),
    ("check-history",),
    ("failpoints",),
    *(("dead", name) for name in ("list", "replay")),
    *(("portal", name) for name in ("edit", "events", "deliveries", "why")),
    *(
        ("portal", "app", name)
        for name in ("add", "finish", "open", "reinstall", "remove", "rotate", "update")
    ),
    ("portal", "webhook", "add"),
}


@pytest.mark.parametrize("path", sorted(DATA), ids=" ".join)
def test_every_command_that_prints_data_takes_json(path: tuple[str, ...]):
    assert "--json" in CliRunner().invoke(main, [*path, "--help"]).output
