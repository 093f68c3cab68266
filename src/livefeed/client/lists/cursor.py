"""Paging by id: each page begins after the last id of the one before, so nothing is missed or seen twice."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from livefeed.client.access import Parameters
from livefeed.client.lists.progress import OnProgress, Progress
from livefeed.client.lists.rows import rows_in
from livefeed.errors import WireError
from livefeed.wire.batch import MAX_COMMANDS
from livefeed.wire.calls import PAGE_SIZE, Answer
from livefeed.wire.form import JsonValue

Chain = Callable[[Sequence[Parameters]], Awaitable[Sequence[Answer]]]
"""Makes calls of one method in one request, one after the other; at least the first is answered."""

_BY_ID: Final[Parameters] = {"order": {"ID": "ASC"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How a method is asked for what comes after an id.

    Attributes:
        id: The field; it rises from row to row.
        filter: The parameter with conditions on fields.
        order: The parameters that sort by the field, rising.
    """

    id: str = "ID"
    filter: str = "filter"
    order: Parameters = field(default_factory=lambda: _BY_ID)

    def page(self, params: Parameters, after: str, *, start: int) -> Parameters:
        """The parameters of the page of rows whose ids are greater than ``after``."""
        kept = {name: value for name, value in params.items() if name.upper() != self.filter.upper()}
        wanted = next((v for name, v in params.items() if name.upper() == self.filter.upper()), None)
        conditions = dict(wanted) if isinstance(wanted, Mapping) else {}
        return {**kept, **self.order, self.filter: {**conditions, f">{self.id}": after}, "start": start}


USERS: Final = Cursor(filter="FILTER", order={"sort": "ID", "order": "ASC"})
"""``user.get`` names its order in two parameters.

Source: https://apidocs.bitrix24.com/api-reference/user/user-get.html
"""


async def rows_by_id(
    chain: Chain,
    params: Parameters,
    cursor: Cursor,
    *,
    at: str = "",
    progress: OnProgress | None = None,
) -> AsyncGenerator[JsonValue]:
    """The rows in the order of their ids, each once, whatever is added or deleted meanwhile.

    The first request counts the rows. The next ones ask for up to fifty pages each, every page for what comes
    after the last row of the one before (``$result[p0][49][ID]``), and count nothing.

    Raises:
        WireError: The portal does not sort or filter by this field.

    Source: https://apidocs.bitrix24.com/settings/performance/huge-data.html
    """
    inside = f"[{at}]" if at else ""
    last, done, count = 0, 0, 1
    total: int | None = None
    while count:
        calls = [cursor.page(params, str(last), start=-1 if total is not None else 0)]
        for number in range(1, count):
            reference = f"$result[p{number - 1}]{inside}[{PAGE_SIZE - 1}][{cursor.id}]"
            calls.append(cursor.page(params, reference, start=-1))
        for answer in await chain(calls):
            found = rows_in(answer.result, at)
            total = (answer.total or 0) if total is None else total
            done += len(found)
            if progress is not None:
                progress(Progress(done=done, total=max(total, done)))
            for row in found:
                last = _risen(row, cursor, last)
                yield row
            count = min(MAX_COMMANDS, max(1, -(-(total - done) // PAGE_SIZE)))
            if len(found) < PAGE_SIZE:
                count = 0
                break


def _risen(row: JsonValue, cursor: Cursor, last: int) -> int:
    """The id of a row, which is greater than the last one."""
    value = row.get(cursor.id) if isinstance(row, Mapping) else None
    text = str(value)
    if not text.isdecimal() or int(text) <= last:
        raise WireError(cursor.id, f"an id above {last}, rows being sorted and filtered by it", text[:40])
    return int(text)
