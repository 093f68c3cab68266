"""A mistake is told of in the words of whoever made it: what was given, and what is not there."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests import engines

from livefeed.app.runtime import ROOMS
from livefeed.cli.main import main
from livefeed.clock import ManualClock
from livefeed.durable.store import open_store


@pytest.fixture
def db(tmp_path: Path) -> str:
    """A notifier's database in which nothing has happened."""
    rooms = [*ROOMS, "livefeed.notifier"]
    url = engines.database(tmp_path, "notifier", rooms)
    asyncio.run(made(url, rooms))
    return url


async def made(url: str, rooms: list[str]) -> None:
    await open_store(url, rooms, ManualClock()).close()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("who 999", "nothing is known of an edit of post 999"),
        ("who 999 --portal nope", "there is no portal 'nope'"),
        ("gaps --portal nope", "there is no portal 'nope'"),
        ("connect nonsense --public-url http://a.example", "Invalid value for 'URL': 'nonsense'"),
        ("connect http://a.example --public-url nonsense", "Invalid value for '--public-url'"),
        ("connect https://acme.bitrix24.com", "Missing option --public-url"),
        ("notifier serve --public-url nonsense", "Invalid value for '--public-url'"),
        ("portal init --name=", "Invalid value for '--name': it is empty"),
    ],
)
def test_it_gets_one_line_that_names_it(db: str, words: str, told: str) -> None:
    result = CliRunner().invoke(main, [*words.split(), "--db", db])
    assert (2, 1) == (result.exit_code, len(result.stderr.splitlines())), result.output
    assert told in result.stderr
