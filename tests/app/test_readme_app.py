"""The application of the README, as it stands."""

import importlib
import sys
from pathlib import Path

import pytest
from tests.client.fake_portal import post_row
from tests.docs.pages import blocks_of

from .conftest import Opening

README = next(
    block.text
    for block in blocks_of(Path(__file__).parents[2] / "README.md")
    if "from livefeed.app import" in block.text
)


@pytest.fixture
def module(tmp_path: Path):
    (tmp_path / "readme_app.py").write_text(README)
    sys.path.insert(0, str(tmp_path))
    yield importlib.import_module("readme_app")
    sys.path.remove(str(tmp_path))
    del sys.modules["readme_app"]


def test_importing_it_opens_no_database(module, tmp_path: Path):
    assert [path.name for path in tmp_path.glob("*.db*")] == []
    assert not Path("livefeed-app.db").exists()


async def test_an_edited_post_rings_its_authors_bell(module, serve: Opening):
    house = await serve(module.app)
    house.portal.methods["log.blogpost.get"] = lambda params: [post_row(int(params["POST_ID"]))]
    house.portal.methods["im.notify.personal.add"] = lambda params: 12345
    await house.install()
    await house.work()

    assert (await house.event()).status == 200
    await house.work()

    (notice,) = house.portal.called("im.notify.personal.add")
    assert (notice["USER_ID"], notice["MESSAGE"]) == ("7", "«Holidays» was edited")
    assert notice["TAG"]
    (row,) = await house.inbox(post=205)
    assert row.state == "done"
    assert [step.step for step in row.steps] == ["received", "verified", "told", "finished"]
