"""What the pages ask the portal, with the token of the person who opened them: his rights decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from livefeed.app.frames.pages import PageContext
from livefeed.errors import Fault
from livefeed.notifier.people import rows_of
from livefeed.wire.calls import Answer
from livefeed.wire.feed.rows import PostRow
from livefeed.wire.ids import PostId
from livefeed.wire.params import Params


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the portal showed the person.

    Attributes:
        posts: Those he may see, in the order they were asked for.
        zone: In which times are told to him.
    """

    posts: tuple[PostRow, ...]
    zone: tzinfo


async def look(page: PageContext, posts: Sequence[PostId]) -> Seen:
    """Ask for ``posts``, at most 49, in one request.

    Source: https://apidocs.bitrix24.com/api-reference/log/log-blogpost-get.html

    Raises:
        Fault: The portal refused him altogether.
        TransportError: It gave no usable answer.
        NotInstalled: His tokens do not work any more.
    """
    asked = {f"p{post}": ("log.blogpost.get", {"POST_ID": post}) for post in posts}
    answers = await page.client.batch({"me": ("profile", {}), **asked})
    found = [row for post in posts for row in _rows(answers[f"p{post}"]) if row.id == post]
    return Seen(posts=tuple(found), zone=_zone(answers["me"]))


def _rows(answer: Answer | Fault) -> list[PostRow]:
    if isinstance(answer, Fault):
        raise answer
    return [PostRow.from_wire(row) for row in rows_of(answer.result)]


def _zone(answer: Answer | Fault) -> tzinfo:
    if isinstance(answer, Fault) or not isinstance(answer.result, dict):
        return UTC
    try:
        return ZoneInfo(Params(answer.result).text("TIME_ZONE") or "UTC")
    except (KeyError, ValueError, OSError):
        return UTC
