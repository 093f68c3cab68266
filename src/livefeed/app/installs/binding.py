"""Binding: the portal is asked to send us the events that we handle, and to show our widgets."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from livefeed.app.installs import registry
from livefeed.app.installs.portals import KnownPortal
from livefeed.app.installs.registry import SQL, ConsumerSpec
from livefeed.app.installs.watching import bind_queued, note_handlers, note_queue
from livefeed.app.installs.widgets import WantedWidget, bind_widgets
from livefeed.client.rest import RestClient
from livefeed.durable.entries import append
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Done, Outcome
from livefeed.durable.store import Tx
from livefeed.errors import Fault
from livefeed.telemetry import logger
from livefeed.wire.events import AppInstalled, AppUninstalled, AppUpdated
from livefeed.wire.faults import HandlerAlreadyBound
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import MemberId

_LOG: Final = logger("app")
SPEC: Final = ConsumerSpec(name="binding", kind="app.bind", cap=1, is_setup=True)

# These reach us whatever the application handles: the one ends everything, after the other all is bound anew.
_ALWAYS: Final = frozenset({AppUninstalled.wire_name, AppUpdated.wire_name})


@dataclass(frozen=True, slots=True, kw_only=True)
class Binder:
    """Binds handlers, for one lane of each portal.

    Attributes:
        client_of: A client with the tokens of whoever installed.
        address: Where the portal shall send events: ``<public_url>/events``; empty: nothing is bound.
        handled: The wire names that have a handler.
        last_address: Where a portal was asked to send them the last time.
        widgets: The entries that the application wants.
        queued: The wire names that the portal shall queue as offline events too.
    """

    client_of: Callable[[MemberId], RestClient]
    last_address: Callable[[MemberId], Awaitable[str]]
    address: str
    handled: frozenset[str]
    widgets: tuple[WantedWidget, ...] = ()
    queued: frozenset[str] = frozenset()

    @property
    def wanted(self) -> frozenset[str]:
        """The wire names to bind; the install event comes to the install address by itself."""
        return (self.handled | _ALWAYS) - {AppInstalled.wire_name} if self.address else frozenset()

    async def run(self, lease: Lease) -> Outcome:
        """Bind what is missing; an event that the portal does not have keeps no other from being bound.

        Raises:
            Fault: The portal refuses all of them, or asks for patience; tried again later.
            TransportError: It does not answer; likewise.
            NotInstalled: There is no token to call with; likewise.
        """
        member_id = MemberId(lease.consumer.portal)
        client = self.client_of(member_id)
        handlers = (await client.call("event.get")).result
        bound = _events_at(handlers, self.address)
        missing = self.wanted - bound
        refusals = await self._bind(client, missing)
        for event, fault in refusals.items():
            _LOG.warning("event_not_bound", member_id=member_id, name=event, error=str(fault))
        if missing and refusals.keys() == missing == self.wanted:
            raise next(iter(refusals.values()))
        old = await self.last_address(member_id)
        await self._leave_old_address(client, handlers, old)
        await bind_widgets(client, self.widgets, _page_address(self.address), _page_address(old))
        refused = await bind_queued(client, self.queued, _queued_events(handlers)) if self.queued else None
        events = (self.wanted - refusals.keys()) | bound
        return Done(effects=lambda tx: self._remember(tx, member_id, events, missing, refused))

    async def _bind(self, client: RestClient, events: frozenset[str]) -> dict[str, Fault]:
        """Event → why the portal does not send it: it has none of that name, or not for this scope."""
        refusals: dict[str, Fault] = {}
        for event in sorted(events):
            try:
                await client.call("event.bind", {"event": event, "handler": self.address})
            except HandlerAlreadyBound:
                continue
            except Fault as fault:
                if fault.retryable:
                    raise
                refusals[event] = fault
        return refusals

    def _remember(
        self,
        tx: Tx,
        member_id: MemberId,
        events: frozenset[str],
        missing: frozenset[str],
        refused: str | None,
    ) -> None:
        """Remember what is bound now, what of it had been bound and was gone, and whether it is queued."""
        before = registry.find(tx, member_id)
        lost = frozenset[str]() if before is None else missing & before.bound_events(self.address)
        note_handlers(tx, member_id, lost)
        if refused is not None:
            note_queue(tx, member_id, refused)
        row = ",".join([registry.kept_address(self.address), *sorted(events)])
        SQL.set_bound(tx.conn, member_id=member_id, bound=row, at=tx.now_ms)

    async def _leave_old_address(self, client: RestClient, handlers: JsonValue, old: str) -> None:
        """Unbind what was bound for us at an address that we have left; the portal says where that was."""
        if old and not registry.is_address(old, self.address):
            for address in sorted(_addresses(handlers)):
                if registry.is_address(old, address):
                    for event in sorted(_events_at(handlers, address)):
                        await client.call("event.unbind", {"event": event, "handler": address})


def ask(tx: Tx, portal: KnownPortal) -> None:
    """Have the handlers of ``portal`` bound soon."""
    append(
        tx,
        portal=portal.member_id,
        key="app:bind",
        kind="app.bind",
        body=b"",
        source="app",
        consumers=[portal.consumers["binding"]],
        only=portal.consumers["binding"],
    )


def _page_address(address: str) -> str:
    """Beside the door for events, whose address may end with a secret: ``<public_url>/frame``."""
    return f"{address.rpartition('/events')[0]}/frame" if address else ""


def _queued_events(result: JsonValue) -> frozenset[str]:
    """The events of ``event.get`` that are queued without a source."""
    rows = result if isinstance(result, list) else []
    return frozenset(
        str(row.get("event", "")).upper()
        for row in rows
        if isinstance(row, dict) and str(row.get("offline", "0")) == "1" and not row.get("connector_id")
    )


def _addresses(result: JsonValue) -> frozenset[str]:
    """Every address that ``event.get`` names."""
    rows = result if isinstance(result, list) else []
    return frozenset(str(row["handler"]) for row in rows if isinstance(row, dict) and row.get("handler"))


def _events_at(result: JsonValue, address: str) -> frozenset[str]:
    """The events of ``event.get`` that are sent to ``address``."""
    rows = result if isinstance(result, list) else []
    return frozenset(
        str(row.get("event", "")).upper()
        for row in rows
        if isinstance(row, dict) and row.get("handler") == address and str(row.get("offline", "0")) != "1"
    )
