"""The page at ``/developer/``: applications, their handlers, and every delivery with its attempts."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from livefeed.clock import Clock
from livefeed.durable import consumers
from livefeed.durable.store import Tx
from livefeed.portal.apps import registry
from livefeed.portal.apps.registry import App
from livefeed.portal.events import handlers
from livefeed.portal.events.deliveries import DeliveryRow, list_deliveries, list_events
from livefeed.portal.events.handlers import Handler
from livefeed.portal.events.why import why
from livefeed.portal.portals import PortalRow
from livefeed.portal.web.desk import Desk, Guest, Shown
from livefeed.wire.ids import decimal

_SHOWN: Final = 50
_WORDS: Final = {
    "waiting": "waiting",
    "leased": "being sent",
    "backing_off": "failed, will be tried again",
    "delivered": "delivered",
    "dead": "given up",
    "withheld": "withheld",
    "expired": "too old",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerCard:
    """One handler as shown: ``state`` is in words for people."""

    id: int
    event: str
    url: str
    state: str
    is_well: bool
    whose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppCard:
    """One application as shown."""

    name: str
    client_id: str
    scope: str
    state: str
    is_withheld: bool
    handlers: list[HandlerCard]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryCard:
    """One delivery: an event, a handler, and all attempts."""

    seq: int
    event: str
    post: int | None
    handler: int | None
    state: str
    words: str
    attempts: list[DeliveryRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What was asked for; None: everything."""

    post: int | None
    handler: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What the page shows."""

    apps: list[AppCard]
    deliveries: list[DeliveryCard]
    answer: str


def developer_routes(desk: Desk, clock: Clock) -> list[BaseRoute]:
    """The routes of the developer area."""

    async def deliveries(request: Request) -> Response:
        """``GET /developer/?post=205&handler=7``."""
        now_ms = clock.now_ms()
        return await desk.show(
            request, lambda tx, guest: _deliveries_page(tx, guest, now_ms), section="developer", admin=True
        )

    return [Route("/developer/", deliveries), Route("/developer", deliveries)]


def _deliveries_page(tx: Tx, guest: Guest, now_ms: int) -> Shown:
    asked = Filter(post=decimal(guest.query.get("post", "")), handler=decimal(guest.query.get("handler", "")))
    view = overview(tx, guest.portal, asked, now_ms)
    return Shown(template="developer.html", values={"asked": asked, "view": view})


def _origin(url: str) -> str:
    """The address without what may hold a secret: ``https://shop.example/…``."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}/{'…' if parts.path.strip('/') or parts.query else ''}"


def overview(tx: Tx, portal: PortalRow, asked: Filter, now_ms: int) -> Overview:
    """Applications with their handlers, the last deliveries, and an answer to why."""
    answer = ""
    if asked.post is not None and asked.handler is not None:
        answer = why(tx, portal=portal.member_id, post=asked.post, handler=asked.handler, now_ms=now_ms)
    bound = handlers.every(tx, portal.member_id)
    return Overview(
        apps=[_app(tx, app, bound) for app in registry.every(tx, portal.member_id)],
        deliveries=_deliveries(tx, portal, asked),
        answer=answer,
    )


def _app(tx: Tx, app: App, bound: list[Handler]) -> AppCard:
    words = {
        "withheld": "events are withheld until the installation is finished",
        "installed": "installed",
        "removed": "uninstalled",
    }
    return AppCard(
        name=app.name,
        client_id=app.client_id,
        scope=app.scope,
        state=words[app.state],
        is_withheld=app.state == "withheld",
        handlers=[_handler(tx, one) for one in bound if one.app == app.id],
    )


def _handler(tx: Tx, handler: Handler) -> HandlerCard:
    consumer = consumers.get(tx, handler.consumer)
    if handler.state == "unbound" or consumer is None:
        state, is_well = f"unbound: {handler.reason}", False
    elif consumer.state != "active":
        state, is_well = consumer.state, False
    elif consumer.fails:
        state, is_well = f"does not answer ({consumer.fails} in a row)", False
    else:
        state, is_well = "bound", True
    whose = f"user {handler.auth_type}" if handler.auth_type else "the acting user"
    return HandlerCard(
        id=handler.id,
        event=handler.event,
        url=_origin(handler.url),
        state=state,
        is_well=is_well,
        whose=whose,
    )


def _deliveries(tx: Tx, portal: PortalRow, asked: Filter) -> list[DeliveryCard]:
    """The newest first, the attempts of each in order."""
    rows = list_deliveries(tx, portal=portal.member_id, post=asked.post, handler=asked.handler)
    names = {row.seq: row.event for row in list_events(tx, portal=portal.member_id, post=asked.post)}
    grouped: dict[tuple[int, int | None], list[DeliveryRow]] = {}
    for row in rows:
        grouped.setdefault((row.seq, row.handler), []).append(row)
    newest = sorted(grouped.values(), key=lambda attempts: attempts[0].seq, reverse=True)[:_SHOWN]
    return [_delivery(attempts, names.get(attempts[0].seq, "")) for attempts in newest]


def _delivery(attempts: list[DeliveryRow], event: str) -> DeliveryCard:
    last = attempts[-1]
    return DeliveryCard(
        seq=last.seq,
        event=event,
        post=last.post,
        handler=last.handler,
        state=last.state,
        words=_WORDS[last.state],
        attempts=[row for row in attempts if row.sent_at is not None],
    )
