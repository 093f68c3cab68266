"""Records of the queue as the application reads them."""

from datetime import UTC, datetime
from typing import Final

import msgspec

from livefeed.app.channels import Found
from livefeed.wire.events import POST_EVENTS
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import PostId, decimal
from livefeed.wire.params import Params

PAGE: Final = 50
"""Records a call, which is the documented default."""


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Records that were handed to us.

    Attributes:
        process: ``process_id``, under which they are confirmed.
        found: What they tell.
        numbers: ``ID`` of each of these.
        strange: ``MESSAGE_ID`` of those that tell nothing we know.
        count: How many there were.
    """

    process: str
    found: tuple[Found, ...]
    numbers: tuple[str, ...]
    strange: tuple[str, ...]
    count: int


def read_batch(result: JsonValue, now_ms: int) -> Batch:
    """Read the answer of ``event.offline.get``.

    Source: api-reference/events/event-offline-get.md
    """
    answer = Params(result if isinstance(result, dict) else {})
    rows = [Params(row) for row in answer.items("events") if isinstance(row, dict)]
    known = [(row, found) for row in rows if (found := read_record(row, now_ms)) is not None]
    numbers = tuple(row.text("ID") for row, _ in known)
    return Batch(
        process=answer.text("process_id"),
        found=tuple(found for _, found in known),
        numbers=numbers,
        strange=tuple(row.text("MESSAGE_ID") for row in rows if row.text("ID") not in numbers),
        count=len(rows),
    )


def read_record(row: Params, now_ms: int) -> Found | None:
    """What one record tells; None if that is nothing about a post."""
    event = row.text("EVENT_NAME").upper()
    data = Params(row.mapping("EVENT_DATA")).mapping("FIELDS")
    post = decimal(Params(data).text("POST_ID"))
    if event not in POST_EVENTS or not post:
        return None
    return Found(post=PostId(post), event=event, since_ms=_ms(row.text("TIMESTAMP_X")) or now_ms)


def processes_in(result: JsonValue) -> list[str]:
    """The processes that have reserved records, of an answer of ``event.offline.list``."""
    rows = result if isinstance(result, list) else []
    names = (Params(row).text("PROCESS_ID") for row in rows if isinstance(row, dict))
    return list(dict.fromkeys(name for name in names if name))


def _ms(text: str) -> int | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
