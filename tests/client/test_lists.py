"""Long lists: how many requests they cost, and where their rows stand."""

from collections.abc import Mapping
from typing import Any

import pytest

from livefeed.client.gathering.collector import Collector
from livefeed.client.lists.pages import rows
from livefeed.client.lists.rows import rows_in
from livefeed.client.sending.posting import Received
from livefeed.errors import Fault, WireError
from livefeed.wire.batch import Outcome, compose_answer, read_commands
from livefeed.wire.calls import Answer, page_of
from livefeed.wire.params import Params


class Shelf:
    """A list of so many rows; every request to it is written down."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.requests: list[int] = []

    def page(self, params: Mapping[str, Any]) -> Answer:
        start = int(params["start"])
        return page_of(range(start, min(start + 50, self.total)), start=start, total=self.total)

    async def post(self, method: str, params: Mapping[str, Any]) -> Received:
        if method != "batch":
            self.requests.append(1)
            return Received(outcome=self.page(params))
        commands = read_commands(Params(params))
        self.requests.append(len(commands))
        pages = [Outcome(name=one.name, answer=self.page(one.params({}).to_wire())) for one in commands]
        return Received(outcome=compose_answer(pages))

    async def call(self, method: str, params: Mapping[str, Any]) -> Answer:
        received = await self.collector.call(method, params)
        assert not isinstance(received.outcome, Fault)
        return received.outcome

    async def read(self) -> list[Any]:
        self.collector = Collector(self.post)
        found = [row async for row in rows(self.call, "some.list", {})]
        await self.collector.close()
        return found


@pytest.mark.parametrize(("total", "requests"), [(0, 1), (50, 1), (51, 2), (2_550, 2), (60_000, 25)])
async def test_a_list_costs_one_request_for_each_fifty_pages_after_the_first(total: int, requests: int):
    shelf = Shelf(total)

    assert await shelf.read() == list(range(total))
    assert len(shelf.requests) == requests


@pytest.mark.parametrize(
    ("result", "at"),
    [
        ([1, 2], ""),
        ({"items": [1, 2]}, ""),
        ({"items": [1, 2], "more": []}, "items"),
        ({"a": 1, "b": [1, 2]}, ""),
    ],
)
def test_rows_are_found_where_they_stand(result: Any, at: str):
    assert list(rows_in(result, at)) == [1, 2]


@pytest.mark.parametrize("result", [{"a": [1], "b": [2]}, {}, "text", None, 7])
def test_an_answer_without_rows_is_no_list(result: Any):
    with pytest.raises(WireError, match="list of rows"):
        rows_in(result)
