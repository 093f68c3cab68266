"""The notifier's own page of the console: who was told of what."""

from collections.abc import Mapping
from typing import Final

from livefeed.app.console.sections import Asked, Section
from livefeed.durable.store import Tx
from livefeed.notifier.gaps import is_found
from livefeed.notifier.notices import BELL, list_notices
from livefeed.notifier.participants import Reason
from livefeed.notifier.people import find_people
from livefeed.ui.languages import Words, noted
from livefeed.wire.ids import PostId

_SHOWN: Final = 100
_STATES: Final[Mapping[str, Words]] = {
    "planned": noted("planned"),
    "sending": noted("a call was begun"),
    "sent": noted("sent"),
    "skipped": noted("nothing was left to tell"),
    "failed": noted("refused"),
}
REASONS: Final[Mapping[Reason, Words]] = {
    Reason.AUTHOR: noted("the author"),
    Reason.MENTIONED: noted("mentioned there"),
    Reason.COMMENTER: noted("commented on it"),
}
CHANNELS: Final[Mapping[str, Words]] = {BELL: noted("bell")}


def _notices(tx: Tx, asked: Asked) -> Mapping[str, object]:
    post = asked.query.maybe_integer("post")
    rows = list_notices(tx, post=None if post is None else PostId(post), limit=_SHOWN)
    names = {
        (portal, one.id): one.name
        for portal in {row.portal for row in rows}
        for one in find_people(tx, portal, {row.person for row in rows if row.portal == portal}).values()
    }
    return {
        "rows": [
            {
                "id": row.id,
                "person": row.person,
                "name": names.get((row.portal, row.person), ""),
                "post": row.post,
                "from_version": row.from_version,
                "to_version": row.to_version,
                "reason": REASONS[row.reason],
                "channel": CHANNELS[row.channel],
                "state": _STATES[row.state],
                "is_well": row.state != "failed",
                "calls": row.calls,
                "is_found": is_found(tx, row.portal, row.post, old=row.from_version, new=row.to_version),
            }
            for row in rows
        ]
    }


NOTICES: Final = Section(
    name="notices", title=noted("Notices"), template="console_notices.html", values=_notices
)
