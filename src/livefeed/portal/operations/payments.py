"""Operations on what is paid for applications."""

from datetime import UTC, datetime
from typing import Final

from livefeed.clock import iso
from livefeed.durable.store import Tx
from livefeed.portal import lifecycle
from livefeed.portal.apps import registry
from livefeed.portal.apps.registry import AppStatus
from livefeed.portal.operations.office import Asked, Document, Office, OperationSpec
from livefeed.portal.portals import PortalRow


class AppPayment(Asked, frozen=True, kw_only=True):
    """Say what is paid for an application: no tokens are given out after ``until``.

    Attributes:
        client_id: Which one.
        status: L local, F free, D demo, T trial, P paid.
        until: The end of the paid or trial period; a time without zone is UTC. None: there is no end.
    """

    client_id: str
    status: AppStatus = "P"
    until: datetime | None = None


async def set_payment(office: Office, portal: PortalRow, asked: AppPayment) -> Document:
    """Set the status of an application and the end of its paid period."""
    until_ms = None if asked.until is None else _ms(asked.until)

    def unit(tx: Tx) -> None:
        app = lifecycle.present(tx, portal, asked.client_id)
        registry.set_payment(tx, app, status=asked.status, paid_until=until_ms)

    await office.write(portal, unit)
    shown = None if until_ms is None else iso(until_ms)
    return {"client_id": asked.client_id, "status": asked.status, "until": shown}


def _ms(at: datetime) -> int:
    aware = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)


OPERATIONS: Final = (OperationSpec(name="app_payment", asked=AppPayment, run=set_payment),)
