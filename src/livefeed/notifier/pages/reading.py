"""What the pages ask the portal, with the token of the person who opened them: his rights decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Final

from livefeed.app.frames.pages import PageContext
from livefeed.errors import Fault
from livefeed.notifier.people import rows_of
from livefeed.ui.languages import noted
from livefeed.ui.moments import zone_of
from livefeed.ui.pages import Page
from livefeed.wire.calls import Answer
from livefeed.wire.feed.rows import PostRow
from livefeed.wire.ids import PostId, decimal
from livefeed.wire.params import Params

POST: Final = "post"
"""The path of the history on the application's own page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the portal showed the person.

    Attributes:
        posts: Those he may see, in the order they were asked for.
        zone: In which times are told to him.
        is_administrator: Whether he is one of the portal.
    """

    posts: tuple[PostRow, ...]
    zone: tzinfo
    is_administrator: bool


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
    me = answers["me"]
    return Seen(posts=tuple(found), zone=_zone(me), is_administrator=_is_administrator(me))


def _rows(answer: Answer | Fault) -> list[PostRow]:
    if isinstance(answer, Fault):
        raise answer
    return [PostRow.from_wire(row) for row in rows_of(answer.result)]


def _zone(answer: Answer | Fault) -> tzinfo:
    if isinstance(answer, Fault) or not isinstance(answer.result, dict):
        return UTC
    return zone_of(Params(answer.result).text("TIME_ZONE"))


def _is_administrator(answer: Answer | Fault) -> bool:
    return (
        isinstance(answer, Answer) and isinstance(answer.result, dict) and Params(answer.result).flag("ADMIN")
    )


def asked_post(page: PageContext) -> PostId | None:
    """The post of the place, or on the application's own page the one of the address."""
    given = page.query.get("id", "") if page.path == POST else str(page.options.get("POST_ID", ""))
    number = decimal(given)
    return PostId(number) if number else None


def unseen(page: PageContext) -> Page:
    """The same words whether it is not for him or not there: nothing tells the two apart."""
    return page.show(
        "inside_told.html",
        status=404,
        heading=noted("There is no such post"),
        text=noted("It was deleted, or you may not see it."),
    )
