"""The statements that run at each edit and each notice use an index and sort nothing."""

import pytest
from tests.engines import of_a_file

from livefeed.durable import sql

from .conftest import open_house

pytestmark = of_a_file

HOT = [
    ("archive.sql", "post"),
    ("archive.sql", "version"),
    ("archive.sql", "see"),
    ("archive.sql", "tell"),
    ("archive.sql", "edited"),
    ("history.sql", "versions"),
    ("history.sql", "edited"),
    ("people.sql", "people"),
    ("people.sql", "comments_of"),
    ("people.sql", "add_comment"),
    ("notices.sql", "unsent"),
    ("notices.sql", "find"),
    ("notices.sql", "mark_sending"),
    ("notices.sql", "settle"),
    ("privacy.sql", "erased"),
    ("privacy.sql", "digests"),
    ("gaps.sql", "known"),
    ("gaps.sql", "saw"),
    ("gaps.sql", "passed"),
    ("gaps.sql", "swept"),
    ("gaps.sql", "counts"),
]


class Anything(dict):
    def __missing__(self, key):
        return "[]"


@pytest.mark.parametrize(("file", "name"), HOT)
async def test_a_hot_statement_scans_and_sorts_nothing(company, tmp_path, clock, served, file, name):
    text = getattr(sql.load("livefeed.notifier", f"queries/{file}"), name).sql
    async with open_house(tmp_path, company, clock) as house:
        rows = await house.store.read(
            lambda tx: [row[3] for row in tx.execute(f"EXPLAIN QUERY PLAN {text}", Anything())]
        )
    assert not [row for row in rows if row.startswith("SCAN") and "json_each" not in row]
    assert not [row for row in rows if "TEMP B-TREE" in row and "GROUP BY" not in row]


@pytest.mark.parametrize("name", ["saw", "passed", "known"])
async def test_the_posts_of_a_page_are_found_one_by_one(company, tmp_path, clock, served, name):
    text = getattr(sql.load("livefeed.notifier", "queries/gaps.sql"), name).sql
    async with open_house(tmp_path, company, clock) as house:
        rows = await house.store.read(
            lambda tx: [row[3] for row in tx.execute(f"EXPLAIN QUERY PLAN {text}", Anything())]
        )
    assert any("(portal=? AND post=?)" in row for row in rows), rows
