"""What the operators' page says is so: its commands run, its metrics exist, systemd takes its units."""

import configparser
import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from tests import engines
from tests.required import require_or_skip
from tests.system.world import Process, closing_all, free_port, livefeed, rest

from livefeed import telemetry

pytestmark = pytest.mark.system

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
COMMANDS = [text for kind, text in BLOCKS if kind == "sh"]


def command_with(word: str) -> str:
    [found] = [text for text in COMMANDS if word in text]
    return found


def run(script: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A block as a person would paste it."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    whole = {**os.environ, "PATH": path, **env}
    done = subprocess.run(["sh", "-euc", script], env=whole, capture_output=True, text=True, timeout=120)
    assert 0 == done.returncode, done.stderr
    return done


class Portal:
    """A portal of which a command of the page makes a backup while it works."""

    def __init__(self, folder: Path, engine: str) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{free_port()}"
        self.db = engines.database(folder, "portal", engine=engine)
        self.env = {"LIVEFEED_KEY_FILE": str(folder / "key")}
        founded = livefeed(
            "portal", "init", "--public-url", self.url, "--db", self.db, "--json", env=self.env
        )
        self.webhook = json.loads(founded.stdout)["admin_webhook_url"]

    def started(self, db: str) -> Process:
        port = self.url.rsplit(":", 1)[1]
        process = Process(self.folder / "log", "portal", "serve", "--db", db, "--port", port, env=self.env)
        process.wait_ready(self.url)
        return process


def test_the_page_has_no_command_that_is_not_run_here():
    named = ["livefeed db backup", 'mv "$COPY"', "pg_dump", "pg_restore", "livefeed --version"]

    assert sorted(COMMANDS) == sorted(command_with(word) for word in named)


def test_the_backup_of_sqlite_is_restored_as_the_page_says(tmp_path: Path):
    portal = Portal(tmp_path, "sqlite")
    (tmp_path / "backups").mkdir()
    process = portal.started(portal.db)
    with closing_all(process):
        post = rest(portal.webhook, "log.blogpost.add", POST_MESSAGE="before the backup", DEST=["UA"])
        run(command_with("livefeed db backup"), BACKUPS=str(tmp_path / "backups"), LIVEFEED_DB=portal.db)
        rest(portal.webhook, "log.blogpost.update", POST_ID=post, POST_MESSAGE="after it")
        process.kill()
    [copy] = (tmp_path / "backups").iterdir()
    run(command_with('mv "$COPY"'), COPY=str(copy), DATABASE=str(tmp_path / "portal.db"))

    process = portal.started(portal.db)
    with closing_all(process):
        [found] = rest(portal.webhook, "log.blogpost.get", POST_ID=post)
        assert "before the backup" == found["DETAIL_TEXT"]


def test_the_backup_of_postgresql_is_restored_as_the_page_says(tmp_path: Path):
    portal = Portal(tmp_path, "postgresql")
    programs = engines.cluster().programs
    if not (programs / "pg_dump").exists():
        pytest.skip("the wheel has no pg_dump")
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    restored = portal.db.rsplit("/", 1)[0] + "/restored"
    names = {
        "BACKUPS": str(tmp_path),
        "LIVEFEED_DB": portal.db,
        "MAINTENANCE": portal.db.rsplit("/", 1)[0] + "/postgres",
        "RESTORED_NAME": "restored",
        "RESTORED": restored,
        "PATH": path,
    }
    process = portal.started(portal.db)
    with closing_all(process):
        post = rest(portal.webhook, "log.blogpost.add", POST_MESSAGE="before the backup", DEST=["UA"])
        run(command_with("pg_dump"), **names)
        rest(portal.webhook, "log.blogpost.update", POST_ID=post, POST_MESSAGE="after it")
        process.stop()
    run(command_with("pg_restore"), **names)

    process = portal.started(restored)
    with closing_all(process):
        [found] = rest(portal.webhook, "log.blogpost.get", POST_ID=post)
        assert "before the backup" == found["DETAIL_TEXT"]


def test_the_version_is_said():
    assert "livefeed" in run(command_with("--version")).stdout


def test_every_metric_is_described_and_every_description_is_of_a_metric():
    described = set(re.findall(r"^\| `(livefeed_\w+)` \|", PAGE, flags=re.MULTILINE))
    families = [one for one in telemetry.REGISTRY.collect() if one.name.startswith("livefeed_")]
    names = {f"{one.name}_total" if one.type == "counter" else one.name for one in families}

    assert names == described


@pytest.mark.parametrize("half", ["portal", "notifier"])
def test_each_half_shows_every_metric(tmp_path: Path, half: str):
    url = f"http://127.0.0.1:{free_port()}"
    db = f"sqlite:///{tmp_path / 'half.db'}"
    if half == "portal":
        livefeed("portal", "init", "--db", db)
    process = Process(tmp_path / "log", half, "serve", "--db", db, "--port", url.rsplit(":", 1)[1])
    with closing_all(process):
        process.wait_ready(url)
        with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        described = set(re.findall(r"^\| `(livefeed_\w+?)(?:_total)?` \|", PAGE, flags=re.MULTILINE))

        assert described <= {
            line.split()[2].removesuffix("_total") for line in text.splitlines() if "# HELP" in line
        }
        assert "livefeed_oldest_due_lag_seconds 0.0" in text
        assert "process_resident_memory_bytes" in text


@pytest.mark.parametrize("text", [text for kind, text in BLOCKS if kind == "ini"])
def test_a_unit_is_accepted_by_systemd(text: str, tmp_path: Path):
    name = Path(re.findall(r"\S+\.service", text)[0]).name
    unit = tmp_path / name
    # The program lies elsewhere here, and nobody has made the user.
    unit.write_text(
        re.sub(r"/opt/livefeed/bin/livefeed", "/bin/true", text).replace("User=livefeed", "User=root")
    )
    parsed = configparser.RawConfigParser(strict=False)
    parsed.optionxform = str
    parsed.read_string(text)

    assert {"Unit", "Service", "Install"} == set(parsed.sections())
    assert "livefeed" in parsed["Service"]["ExecStart"]
    assert 35 < int(parsed["Service"]["TimeoutStopSec"]), "longer than a drain may take"
    analyze = require_or_skip("systemd-analyze")
    shown = str(unit).replace("@.", "@web.")
    Path(shown).write_text(unit.read_text())
    done = subprocess.run([analyze, "verify", "--man=no", shown], capture_output=True, text=True, timeout=60)
    assert name.split("@")[0] not in done.stderr, done.stderr


@pytest.mark.parametrize(
    "command", sorted(set(re.findall(r"ExecStart=/opt/livefeed/bin/livefeed ([a-z]+ serve)(.*)", PAGE)))
)
def test_a_unit_uses_flags_that_the_command_has(command: tuple[str, str]):
    flags = re.findall(r"--[a-z-]+", command[1])
    told = livefeed(*command[0].split(), "--help").stdout

    assert flags
    assert [] == [flag for flag in flags if flag not in told]
