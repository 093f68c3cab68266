"""The page of deliveries: newest events first, filtered, and why there was none."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from livefeed.durable import consumers, deliveries
from livefeed.durable.attempts import Attempt
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.deliveries import ATTEMPTED, BEYOND, PENDING, Attempted, Place, Wanted
from livefeed.durable.entries import before_moment, get_entry
from livefeed.durable.store import Tx
from livefeed.portal.apps import registry
from livefeed.portal.events import handlers
from livefeed.portal.events.handlers import Handler
from livefeed.portal.events.outbox import INSTALL, POST_KEY, post_of
from livefeed.portal.events.why import why
from livefeed.portal.web.desk import Guest, Shown
from livefeed.portal.web.developer.standing import owner_of
from livefeed.portal.web.developer.words import ERRORS, STATES, Said, read_moment, state_of
from livefeed.ui.languages import Words
from livefeed.ui.moments import Moment
from livefeed.wire.ids import AppId, decimal

ASKED_STATES: Final = tuple(state for state in STATES if state != "dropped")

_SHOWN: Final = 50
MOST: Final = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the filter says; None: everything.

    Attributes:
        since: As it was written.
        since_ms: The same as a time; None: none, or not one.
        before: The end of the page before; ``204.7``.
    """

    post: int | None
    handler: int | None
    event: str
    state: str
    since: str
    since_ms: int | None
    before: Place

    @property
    def is_unreadable(self) -> bool:
        """A time was written that is none."""
        return bool(self.since) and self.since_ms is None

    @property
    def words(self) -> Mapping[str, object]:
        """The filter for a link to the next page."""
        given = {"post": self.post, "handler": self.handler, "event": self.event, "state": self.state}
        return {
            name: value for name, value in {**given, "since": self.since}.items() if value not in (None, "")
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One delivery in the list."""

    place: Place
    event: str
    at: Moment | None
    post: int | None
    to: str
    href: str
    state: Said
    attempts: int
    last: Attempt | None
    problem: Words | None


def shown_list(now_ms: int) -> Callable[[Tx, Guest], Shown]:
    """The view of a page of deliveries, newest events first."""

    def view(tx: Tx, guest: Guest) -> Shown:
        asked = _asked(guest)
        rows = handlers.every(tx, guest.portal.member_id)
        found = deliveries.places(tx, _wanted(tx, guest, asked, rows), limit=_SHOWN + 1)
        names = Names(tx)
        lines = [line for place in found[:_SHOWN] if (line := line_of(tx, guest, names, place)) is not None]
        older = found[_SHOWN - 1] if len(found) > _SHOWN else None
        answer = None
        if asked.post is not None and asked.handler is not None:
            answer = why(
                tx, portal=guest.portal.member_id, post=asked.post, handler=asked.handler, now_ms=now_ms
            )
        values = {
            "asked": asked,
            "lines": lines,
            "older": None if older is None else f"{older.seq}.{older.consumer}",
            "answer": answer,
            "states": {state: STATES[state].words for state in ASKED_STATES},
            "events": sorted({row.event for row in rows} | {"ONAPPINSTALL"}),
            "zone": guest.me.time_zone or "UTC",
        }
        return Shown(template="deliveries.html", values=values)

    return view


class Names:
    """Whom deliveries went to: handlers are drawn once a page."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._known: dict[ConsumerId, tuple[str, str, str]] = {}

    def of(self, consumer_id: ConsumerId) -> tuple[str, str, str]:
        """Event, name and address of a page of whoever has this consumer."""
        if consumer_id not in self._known:
            self._known[consumer_id] = self._drawn(consumer_id)
        return self._known[consumer_id]

    def _drawn(self, consumer_id: ConsumerId) -> tuple[str, str, str]:
        handler = handlers.find_by_consumer(self._tx, consumer_id)
        if handler is not None:
            owner = owner_of(self._tx, handler)
            return handler.event, f"{owner.name} · {handler.id}", f"/developer/handlers/{handler.id}"
        consumer = consumers.get(self._tx, consumer_id)
        app_id = "" if consumer is None else consumer.name.removeprefix(INSTALL)
        app = registry.find(self._tx, AppId(decimal(app_id) or 0))
        return "ONAPPINSTALL", "" if app is None else app.name, f"/developer/apps/{app_id}"


def _asked(guest: Guest) -> Asked:
    query = guest.query
    since, state = query.get("since", "").strip()[:40], query.get("state", "")
    return Asked(
        post=decimal(query.get("post", "")),
        handler=decimal(query.get("handler", "")),
        event=query.get("event", "").upper()[:60],
        state=state if state in ASKED_STATES else "",
        since=since,
        since_ms=read_moment(since, guest.me.time_zone) if since else None,
        before=_place(query.get("before", "")),
    )


def _place(text: str) -> Place:
    seq, _, consumer = text.partition(".")
    first, second = decimal(seq), decimal(consumer)
    if first is None or second is None or max(first, second) > MOST:
        return BEYOND
    return Place(first, ConsumerId(second))


def _wanted(tx: Tx, guest: Guest, asked: Asked, rows: list[Handler]) -> Wanted:
    chosen = [
        row.consumer for row in rows if asked.handler in (None, row.id) and asked.event in ("", row.event)
    ]
    if asked.handler is None and asked.event in ("", "ONAPPINSTALL"):
        known = consumers.list_consumers(tx, portal=guest.portal.member_id)
        chosen += [one.id for one in known if one.name.startswith(INSTALL)]
    state = asked.state
    # What backs off is in its lane; its attempts also tell of what was delivered since.
    passing = {"backing_off"} if state else set[str]()
    ended: list[Attempted] = [one for one in ATTEMPTED if state in ("", one) and one not in passing]
    return Wanted(
        portal=guest.portal.member_id,
        consumers=chosen,
        key=None if asked.post is None else f"{POST_KEY}{asked.post}",
        attempted=ended,
        pending=[one for one in PENDING if state in ("", one)],
        with_expired=state in ("", "expired"),
        after=before_moment(tx, asked.since_ms or 0),
        before=asked.before,
    )


def line_of(tx: Tx, guest: Guest, names: Names, place: Place) -> Line | None:
    """One delivery as a line; None: there is no trace of it."""
    delivery = deliveries.find(tx, place)
    if delivery is None:
        return None
    entry = get_entry(tx, place.seq)
    event, to, href = names.of(place.consumer)
    tries = [one for one in delivery.attempts if one.attempt > 0]
    last = tries[-1] if tries else None
    return Line(
        place=place,
        event=event,
        at=None if entry is None else guest.look.exact(entry.at_ms),
        post=post_of(delivery.key),
        to=to,
        href=href,
        state=STATES[state_of(delivery)],
        attempts=len(tries),
        last=last,
        problem=None if last is None else problem_of(last),
    )


def problem_of(one: Attempt) -> Words | None:
    """What went wrong, in words."""
    return None if one.error is None else ERRORS.get(one.error, Words(text=one.error))
