"""The history of a post: who wrote which version when, and any two of them compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from livefeed.content.bbcode import parse
from livefeed.content.materiality import Materiality
from livefeed.durable.store import Tx
from livefeed.portal.feed import reading, versions
from livefeed.portal.feed.comparing import Comparison, Part, compare
from livefeed.portal.feed.versions import Version
from livefeed.portal.web.desk import Guest, Shown, Sorry
from livefeed.portal.web.desk.results import NO_POST
from livefeed.portal.web.desk.showing import Look
from livefeed.portal.web.feed.differences import PARTS, difference
from livefeed.ui.bbcode import as_html
from livefeed.ui.diff import VIEWS
from livefeed.ui.languages import Words, noted
from livefeed.ui.moments import Moment
from livefeed.wire.ids import decimal

_PAGE: Final = 50
_WEIGHTS: Final = {
    Materiality.NONE: ("plain", noted("text: markup only")),
    Materiality.COSMETIC: ("plain", noted("text: cosmetic")),
    Materiality.MINOR: ("info", noted("text: minor")),
    Materiality.MATERIAL: ("wait", noted("text: material")),
}
_SOURCES: Final = {"rest": noted("over REST"), "command": noted("by a command")}
_LARGE: Final = ("info", noted("text"))
_NOTHING: Final = ("plain", noted("nothing changed"))
_FIRST: Final = ("good", noted("published"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One version in the list.

    Attributes:
        source: The way it came, if that was not a page.
        kinds: Looks and words of what it changed.
        gone: Words that went, against the version before it; 0 where a text is too long to count them.
        came: Words that came; likewise.
        is_old: Whether it is the older side of what is shown.
        is_new: Whether it is the newer side.
    """

    number: int
    by: str
    at: Moment
    source: Words | str
    kinds: list[tuple[str, Words]]
    gone: int
    came: int
    is_old: bool
    is_new: bool


def history(tx: Tx, guest: Guest) -> Shown | Sorry:
    """The versions of a post, and two of them compared: ``?from=1&to=3&view=inline|side|raw``."""
    post = reading.find_visible(tx, guest.portal.member_id, guest.me.viewer, guest.post_id)
    if post is None:
        return NO_POST
    found = {one.version: one for one in versions.of_post(tx, guest.portal.member_id, post.id)}
    new = _asked(guest, "to", post.version, newest=post.version)
    old, new = sorted((_asked(guest, "from", max(new - 1, 1), newest=post.version), new))
    last = _asked(guest, "until", post.version, newest=post.version)
    view = guest.query.get("view", "")
    view = view if view in VIEWS else "inline"
    listed = [found[number] for number in range(last, max(last - _PAGE, 0), -1)]
    values = {
        "card": guest.look.card(post),
        "rows": [_row(guest.look, one, found.get(one.version - 1), shown=(old, new)) for one in listed],
        "last": last,
        "earlier": last - _PAGE if last > _PAGE else None,
        "old": old,
        "new": new,
        "view": view,
        "difference": None if old == new else difference(guest.look, found[old], found[new], view),
        "only": as_html(parse(found[new].text)),
    }
    return Shown(template="history.html", values=values)


def _asked(guest: Guest, name: str, otherwise: int, *, newest: int) -> int:
    """The number of a version; they are numbered from 1 without gaps."""
    number = decimal(guest.query.get(name, ""))
    return otherwise if number is None else min(max(number, 1), newest)


def _row(look: Look, version: Version, before: Version | None, *, shown: Sequence[int]) -> Row:
    comparison = None if before is None else compare(before, version)
    weight = None if comparison is None else comparison.text
    return Row(
        number=version.version,
        by=look.name(version.editor),
        at=look.moment(version.written_at),
        source=_SOURCES.get(version.source, ""),
        kinds=[_FIRST] if comparison is None else _kinds(comparison),
        gone=0 if weight is None else weight.gone,
        came=0 if weight is None else weight.came,
        is_old=version.version == shown[0],
        is_new=version.version == shown[1],
    )


def _kinds(comparison: Comparison) -> list[tuple[str, Words]]:
    weight = _LARGE if comparison.text is None else _WEIGHTS[comparison.text.materiality]
    text = [weight] if Part.TEXT in comparison.parts else []
    return [*text, *(("info", PARTS[part]) for part in PARTS if part in comparison.parts)] or [_NOTHING]
