"""What README.md shows as code runs as it stands there: only ports and secrets are those of the test."""

import ast
import asyncio
import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from tests.docs.pages import blocks_of
from tests.system.demo import Demo
from tests.system.world import buried, eventually, free_port, rest

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
BLOCKS = blocks_of(ROOT / "README.md")


def block_with(word: str) -> str:
    [found] = [block.text for block in BLOCKS if word in block.text]
    return found


class Reader:
    """Somebody who has the README open beside a running demo, in the folder of its data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.demo = Demo(folder)
        (folder / ".livefeed").symlink_to(self.demo.data)
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self.env = {**os.environ, "PATH": path}
        self.port = str(free_port())
        self.hello: subprocess.Popen[bytes] | None = None

    def here(self, text: str) -> str:
        """With the ports of this demo."""
        return text.replace("http://127.0.0.1:8024", self.demo.document["portal_url"]).replace(
            "8030", self.port
        )

    def run(self, line: str) -> str:
        done = subprocess.run(
            shlex.split(self.here(line)),
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert 0 == done.returncode, done.stderr
        return done.stdout

    def serve(self, line: str) -> None:
        with (self.folder / "hello.log").open("wb") as log:
            self.hello = subprocess.Popen(
                shlex.split(self.here(line)),
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )

    def close(self) -> None:
        if self.hello is not None:
            self.hello.terminate()
            buried(self.hello)
        self.demo.process.stop()


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    made = Reader(tmp_path_factory.mktemp("readme"))
    yield made
    made.close()


def test_no_block_of_the_readme_is_left_out() -> None:
    shown = ["make run", "curl", "from livefeed.app import", "portal app add", "RestClient", "portal serve"]
    assert sorted(block.text for block in BLOCKS) == sorted(map(block_with, shown))


def test_the_edit_through_rest_is_made(reader: Reader) -> None:
    line = block_with("curl")
    assert "http://127.0.0.1:8024/rest/1/<code>/" in line
    assert '"result":' in reader.run(
        line.replace("http://127.0.0.1:8024/rest/1/<code>/", reader.demo.webhook(1))
    )
    [post] = rest(reader.demo.webhook(1), "log.blogpost.get", POST_ID=1)
    assert ("Holidays", "From 3 June") == (post["TITLE"], post["DETAIL_TEXT"])


def test_the_application_in_ten_lines_rings_the_bell_of_the_author(reader: Reader) -> None:
    (reader.folder / "hello.py").write_text(block_with("from livefeed.app import"))
    add, export, serve = block_with("portal app add").splitlines()
    printed = reader.run(add)
    secrets = {name: re.findall(rf"{name}\W+(\S+)", printed)[0] for name in ("client_id", "client_secret")}
    for name, value in re.findall(r"(LIVEFEED_\w+)=(\S+)", reader.here(export)):
        reader.env[name] = secrets[name.removeprefix("LIVEFEED_").lower()] if value == "…" else value
    reader.serve(serve)
    hook, numbers = reader.demo.webhook(2), count(1)
    post = rest(hook, "log.blogpost.add", POST_TITLE="Plan", POST_MESSAGE="Of mine", DEST=["UA"])

    def rings() -> bool:
        message = f"Of others, {next(numbers)}"
        rest(
            reader.demo.webhook(1),
            "log.blogpost.update",
            POST_ID=post,
            POST_TITLE="Plan",
            POST_MESSAGE=message,
        )
        found = rest(hook, "im.notify.get", LIMIT=50)["notifications"]
        return "«Plan» was edited" in [notice["text"] for notice in found]

    eventually(rings, what=(reader.folder / "hello.log").read_text(), within_s=60)


def test_the_rest_client_alone_lists_the_people(reader: Reader) -> None:
    text = block_with("RestClient")
    assert "https://portal/rest/1/8g9l071eismy9q2l/" in text
    text = text.replace("https://portal/rest/1/8g9l071eismy9q2l/", reader.demo.webhook(1))
    code = compile(text, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        asyncio.run(eval(code, {}))
    people = reader.demo.document["people"]

    assert [person["name"].split()[0] for person in people] == printed.getvalue().split()
