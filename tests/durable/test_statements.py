"""Every named statement of every room is understood by both engines, whatever its parameters are."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import engines

from livefeed.clock import ManualClock
from livefeed.durable import sql
from livefeed.durable.sql import Query
from livefeed.durable.store import Reader, Tx, open_readonly, open_store

SOURCE = Path(sql.__file__).parents[1]
HALVES = {
    "portal": ("livefeed.portal",),
    "app": ("livefeed.client", "livefeed.app", "livefeed.notifier"),
}


class Nothing(dict[str, None]):
    """NULL for every parameter: it has no type of its own, so the statement must give it one."""

    def __missing__(self, name: str) -> None:
        return None


def files() -> list[tuple[str, str]]:
    """Every file of statements, as its package and its path in it."""
    found: list[tuple[str, str]] = []
    for file in sorted(SOURCE.rglob("*.sql")):
        if "migrations" in file.parts or file.name.endswith((".postgresql.sql", ".sqlite.sql")):
            continue
        folder = file.parent
        inside = file.name
        while not (folder / "__init__.py").exists():
            inside, folder = f"{folder.name}/{inside}", folder.parent
        found.append((".".join(("livefeed", *folder.relative_to(SOURCE).parts)), inside))
    return found


def statements() -> list[tuple[str, str, str]]:
    return sorted(
        (package, file, query.name) for package, file in files() for query in sql.load(package, file)
    )


def half_of(package: str) -> str:
    return "portal" if package.startswith("livefeed.portal") else "app"


@pytest.fixture(scope="module", params=engines.both())
def readers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Reader]]:
    """A database of each half."""
    folder = tmp_path_factory.mktemp("statements")
    made: dict[str, Reader] = {}
    with engines.dropping():
        for half, rooms in HALVES.items():
            url = engines.database(folder, half, rooms, engine=request.param)
            make_sure(url, rooms)
            made[half] = open_readonly(url, rooms, clock=ManualClock())
        yield made
        for reader in made.values():
            reader.close()


def make_sure(url: str, rooms: tuple[str, ...]) -> None:
    async def make() -> None:
        await open_store(url, rooms, ManualClock()).close()

    asyncio.run(make())


def test_no_statement_is_left_out() -> None:
    declared = {
        (file.name.split(".")[0], line.removeprefix("-- name: ").split("(")[0])
        for file in SOURCE.rglob("*.sql")
        if "migrations" not in file.parts
        for line in file.read_text().splitlines()
        if line.startswith("-- name: ")
    }
    found = {(file.rsplit("/")[-1].split(".")[0], name) for _, file, name in statements()}
    assert found == declared
    assert len(found) > 200


@pytest.mark.parametrize(("package", "file", "name"), statements())
def test_a_statement_is_understood(readers: dict[str, Reader], package: str, file: str, name: str) -> None:
    query = getattr(sql.load(package, file), name)
    readers[half_of(package)].read(lambda tx: explain(tx, query))


def explain(tx: Tx, query: Query) -> None:
    try:
        text = query.text(tx.conn.engine)
    except KeyError:
        return  # the other engine alone needs it
    tx.execute(f"EXPLAIN {text}", Nothing()).fetchall()
