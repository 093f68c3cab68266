"""A queue of a hundred thousand records: a page is found by an index, and no more than it is handed out."""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

import pytest
from tests import engines

from livefeed.clock import ManualClock, iso
from livefeed.durable.engines.unit import Engine
from livefeed.durable.store import Reader, Tx, open_readonly, open_store
from livefeed.portal.offline import queue, selection
from livefeed.portal.offline.bindings import Queue
from livefeed.portal.offline.filters import FIELDS, LIST_FIELDS, Filter, Order, read_filter, read_order
from livefeed.portal.offline.queue import Record
from livefeed.portal.offline.selection import BY_NUMBER, OLDEST_FIRST
from livefeed.wire.faults import ArgumentError
from livefeed.wire.ids import AppId
from livefeed.wire.params import Params

ROOMS = ("livefeed.portal",)
MANY = 100_000
TAKEN_FROM = 98_000
"""From here on twenty processes have taken everything, and every hundredth record has failed."""

PAGE = 50
MOST_ROWS = 3_000
STEPS_A_ROW = 120
"""What SQLite's machine does for one row, at most."""

OURS = Queue(app=AppId(1), connector="")
DELETED = "ONLIVEFEEDPOSTDELETE"
FILL = """
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :many)
INSERT INTO offline_record (id, app, connector, event, object, message, process, is_error, changed_at)
SELECT n, 1, '', CASE n % 5000 WHEN 0 THEN 'ONLIVEFEEDPOSTDELETE' ELSE 'ONLIVEFEEDPOSTUPDATE' END, n, n,
    CASE WHEN n < :taken THEN '' ELSE 'process' || (n % 20) END,
    CASE WHEN n >= :taken AND n % 100 = 0 THEN 1 ELSE 0 END,
    1000 * n
FROM number
"""


APP = """
INSERT INTO app (id, portal, client_id, name, secret_hash, application_token, handler_url, install_url, scope,
    has_interface, auth_keys, status, version, state, epoch, installer, created_at)
VALUES (1, '', '', '', :empty, :empty, '', '', '', 0, 'minimal', 'L', 1, 'installed', 1, 1, 0)
"""


def fill(tx: Tx) -> None:
    tx.execute(APP, {"empty": b""})
    tx.execute(FILL, {"many": MANY, "taken": TAKEN_FROM})
    if tx.is_shared:
        tx.execute("ANALYZE offline_record")


class Watched:
    """A connection that counts the rows that statements look at, and those that they hand out."""

    def __init__(self, conn: Any) -> None:
        self._conn = conn
        self.engine: Engine = conn.engine
        self.looked_at = 0
        self.handed_out = 0

    def execute(self, sql: str, parameters: Any = ()) -> "Fetched":
        if self.engine == "postgresql":
            (told,) = self._conn.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters).fetchone()
            self.looked_at += rows_of(json.loads(told) if isinstance(told, str) else told)
            return self._fetched(self._conn.execute(sql, parameters))
        steps: list[int] = []
        self._conn.set_progress_handler(lambda: steps.append(1), STEPS_A_ROW)
        try:
            return self._fetched(self._conn.execute(sql, parameters))
        finally:
            self._conn.set_progress_handler(None, 0)
            self.looked_at += len(steps)

    def _fetched(self, rows: Iterable[Any]) -> "Fetched":
        found = Fetched(rows)
        self.handed_out += len(found)
        return found


class Fetched(list[Any]):
    """Rows that have been read."""

    def fetchall(self) -> list[Any]:
        return self

    def fetchone(self) -> Any:
        return self[0]


def rows_of(plan: Any) -> int:
    """Rows that the scans of a plan have given, and those that they have thrown away."""
    if isinstance(plan, list):
        return sum(map(rows_of, cast("list[Any]", plan)))
    own = 0
    if "Scan" in plan.get("Node Type", "") and plan["Node Type"] != "Subquery Scan":
        given = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        own = int(given * plan["Actual Loops"])
    return own + rows_of(plan.get("Plans", [])) + (rows_of(plan["Plan"]) if "Plan" in plan else 0)


@pytest.fixture(scope="module", params=engines.both())
def full(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A portal's database with one long queue, opened for reading."""
    with engines.dropping():
        url = engines.database(tmp_path_factory.mktemp("queue"), "portal", ROOMS, engine=request.param)

        async def make() -> None:
            store = open_store(url, ROOMS, ManualClock())
            await store.write(fill)
            await store.close()

        asyncio.run(make())
        reader = open_readonly(url, ROOMS)
        yield reader
        reader.close()


def asked(params: Mapping[str, Any], fields: tuple[str, ...], default: Order) -> tuple[Filter, Order]:
    given = Params(params)
    return read_filter(given, fields), read_order(given, fields) or default


def second(number: int) -> str:
    """When the record of this number has changed."""
    return iso(1000 * number)


UPDATED = "ONLIVEFEEDPOSTUPDATE"
GET: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [1, 2]),
    ({"order": {"TIMESTAMP_X": "DESC"}}, [97_999, 97_998]),
    ({"order": {"ID": "DESC"}}, [97_999, 97_998]),
    ({"filter": {"ID": 5_000}}, [5_000]),
    ({"filter": {"ID": [97_000, 5, 99_000]}}, [5, 97_000]),
    ({"filter": {">ID": 97_900, "<ID": 98_500}}, [97_901, 97_902]),
    ({"filter": {"<=ID": 100, "!ID": 100}, "order": {"TIMESTAMP_X": "DESC"}}, [99, 98]),
    ({"filter": {">TIMESTAMP_X": second(97_900)}}, [97_901, 97_902]),
    ({"filter": {"TIMESTAMP_X": [second(9), second(7)]}}, [7, 9]),
    ({"filter": {"<TIMESTAMP_X": second(100)}, "order": {"TIMESTAMP_X": "DESC", "ID": "ASC"}}, [99, 98]),
    ({"filter": {"MESSAGE_ID": 50_000}}, [50_000]),
    ({"filter": {"MESSAGE_ID": [97_000, 50_000, 99_000]}}, [50_000, 97_000]),
    ({"filter": {"EVENT_NAME": DELETED}}, [5_000, 10_000]),
    ({"filter": {"%EVENT_NAME": "delete"}, "order": {"ID": "DESC"}}, [95_000, 90_000]),
    ({"filter": {"EVENT_NAME": UPDATED}}, [1, 2]),
    ({"filter": {"EVENT_NAME": "ONLIVEFEEDPOSTADD"}}, []),
    ({"filter": {"!EVENT_NAME": DELETED}}, [1, 2]),
]
LIST: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [1, 2]),
    ({"order": {"TIMESTAMP_X": "DESC"}}, [100_000, 99_999]),
    ({"filter": {">=ID": 99_990, "<ID": 99_992}}, [99_990, 99_991]),
    ({"filter": {"PROCESS_ID": "process7"}}, [98_007, 98_027]),
    ({"filter": {">PROCESS_ID": "process4", "<=PROCESS_ID": "process5"}}, [98_005, 98_025]),
    ({"filter": {"ERROR": 1}}, [98_000, 98_100]),
    ({"filter": {"!ERROR": 1, "PROCESS_ID": "process0"}}, [98_020, 98_040]),
    ({"filter": {"EVENT_NAME": DELETED}, "order": {"ID": "DESC"}}, [100_000, 95_000]),
    ({"filter": {"MESSAGE_ID": [3, 99_000]}}, [3, 99_000]),
]


@pytest.mark.parametrize(("params", "first"), GET, ids=str)
def test_what_is_fetched_is_found_by_an_index(full: Reader, params: dict[str, Any], first: list[int]) -> None:
    wanted, order = asked(params, FIELDS, OLDEST_FIRST)

    def fetch(tx: Tx) -> list[Record]:
        return queue.free(tx, OURS, PAGE, wanted=wanted, order=order)

    assert first == watched(full, fetch)[:2]


@pytest.mark.parametrize(("params", "first"), LIST, ids=str)
def test_a_page_is_found_by_an_index(full: Reader, params: dict[str, Any], first: list[int]) -> None:
    wanted, order = asked(params, LIST_FIELDS, BY_NUMBER)

    def page(tx: Tx) -> list[Record]:
        return queue.page(tx, OURS, wanted, order, count=PAGE, skip=0)

    assert first == watched(full, page)[:2]


def test_what_failed_and_what_a_process_has_left_are_found_by_an_index(full: Reader) -> None:
    wanted, order = asked({"order": {"ID": "DESC"}}, FIELDS, OLDEST_FIRST)

    def failed_too(tx: Tx) -> list[Record]:
        return queue.free(tx, OURS, PAGE, wanted=wanted, order=order, with_failed=True)

    def left(tx: Tx) -> list[Record]:
        return queue.of_process(tx, OURS, "process0", wanted, order, count=PAGE, with_failed=False)

    assert [*range(100_000, 97_999, -100), *range(97_999, 97_970, -1)] == watched(full, failed_too)
    assert [99_980, 99_960, 99_940, 99_920, 99_880] == watched(full, left)[:5]


@pytest.mark.parametrize(
    ("params", "total"),
    [
        ({}, MANY),
        ({"filter": {"PROCESS_ID": ""}}, TAKEN_FROM - 1),
        ({"filter": {"!PROCESS_ID": "", "ERROR": 0}, "order": {"EVENT_NAME": "ASC"}}, 1_980),
        ({"filter": {"!EVENT_NAME": UPDATED, "!=MESSAGE_ID": [5_000, 10_000]}}, 18),
        ({"filter": {"!TIMESTAMP_X": second(1), "ERROR": "2"}}, 0),
    ],
    ids=str,
)
def test_what_no_index_serves_is_counted_where_it_lies(
    full: Reader, params: dict[str, Any], total: int
) -> None:
    wanted, order = asked(params, LIST_FIELDS, BY_NUMBER)

    def page(tx: Tx) -> tuple[int, int]:
        conn = Watched(tx.conn)
        seen = Tx(conn, tx.now_ms)
        queue.page(seen, OURS, wanted, order, count=PAGE, skip=PAGE)
        return selection.count_all(seen, OURS, wanted), conn.handed_out

    counted, handed_out = full.read(page)

    assert total == counted
    assert handed_out < MOST_ROWS, "the queue stays where it is"


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"filter": {"ID": list(range(1_001))}}, "at most 1000 values"),
        ({"filter": {"%ID": 5}}, "not of ID"),
        ({"filter": {"ID": "x"}}, "compared with a number"),
        ({"filter": {">TIMESTAMP_X": "soon"}}, "a date of ISO 8601"),
        ({"filter": {"1=1 --": "x"}}, "there is no field"),
        ({"order": {"ID; DROP TABLE app": "ASC"}}, "there is no field"),
        ({"order": {"ID": "ASC, message"}}, "ASC or DESC"),
        ({"order": {"ID": "ASC", "ERROR": "ASC", "MESSAGE_ID": "ASC"}}, "at most 2 fields"),
    ],
    ids=str,
)
def test_what_cannot_be_asked_is_refused(params: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        asked(params, LIST_FIELDS, BY_NUMBER)


def watched(full: Reader, look: Callable[[Tx], list[Record]]) -> list[int]:
    """The numbers of what was found, without a look at more than a small part of the queue."""

    def run(tx: Tx) -> tuple[list[Record], Watched]:
        conn = Watched(tx.conn)
        return look(Tx(conn, tx.now_ms)), conn

    found, conn = full.read(run)
    assert conn.looked_at < MOST_ROWS
    assert conn.handed_out < MOST_ROWS
    return [one.id for one in found]
