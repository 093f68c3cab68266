"""Confirming: a payment without application_token is no more than a reason to ask the portal.

Bitrix24 documents ONAPPPAYMENT without one (contract A-08), so anybody who knows a ``member_id`` can send it.
Nothing of such a body is believed, or even kept: a lane of the portal's becomes due, ``app.info`` is asked
with the stored pair, and handlers are told what it answers, if that is another thing than before.

However many come, a portal is asked once every five minutes at most, and one more question waits at most.
"""

from typing import Any, Final

import msgspec

from livefeed import telemetry
from livefeed.app.application import INBOX, Application
from livefeed.app.inbox import OTHER_EVENTS, seal_entry
from livefeed.app.installs import registry
from livefeed.app.installs.portals import KnownPortal
from livefeed.app.runtime import Runtime
from livefeed.durable import sql
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.entries import append
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Done, Outcome
from livefeed.durable.store import Tx
from livefeed.telemetry import logger
from livefeed.wire.apps import AppInfo
from livefeed.wire.auth import Auth
from livefeed.wire.events import AppPayment, Envelope
from livefeed.wire.faults import PaymentRequired
from livefeed.wire.form import Form
from livefeed.wire.headings import Heading
from livefeed.wire.ids import MemberId

CONSUMER: Final = "payments"
SOURCE: Final = "app.info"
"""Who appended an event that `app.info` has confirmed."""

PACE_MS: Final = 300_000
_KIND: Final = "app.payment"
_KEY: Final = "app:payment"
_DAY_MS: Final = 86_400_000
_NOBODY: Final = ConsumerId(0)
_SQL: Final = sql.load("livefeed.app.payments", "payments.sql")
_LOG: Final = logger("app")


class Paid(msgspec.Struct, frozen=True, kw_only=True):
    """What a portal says of the payment for this application.

    Attributes:
        status: ``STATUS``: L, F, D, T, P or S.
        is_expired: ``PAYMENT_EXPIRED``.
        ends_at: When that will be, as ``DAYS`` tells; ms; None: it does not end.
    """

    status: str
    is_expired: bool
    ends_at: int | None


def confirm_payments(app: Application) -> None:
    """Have payments confirmed that nothing proves, if somebody of ``app`` hears of payments."""
    hears = AppPayment.wire_name in app.table().events() or INBOX in app.consumptions
    if hears and CONSUMER not in app.consumptions:
        app.consume(CONSUMER, _confirm, kind=_KIND, cap=1, pace_ms=PACE_MS)
        app.when_erased(_forget)


def confirms(app: Application) -> bool:
    """Whether ``app`` has payments confirmed."""
    return CONSUMER in app.consumptions


def is_unproved(heading: Heading) -> bool:
    """Whether this is a payment as it is documented: with nothing that could prove it."""
    return heading.event == AppPayment.wire_name and not heading.application_token


async def put_aside(runtime: Runtime, member_id: str | None) -> None:
    """Have the portal asked what is paid for, unless it will be anyway; of a stranger nothing is stored.

    Raises:
        StoreError: It cannot be committed now.
    """
    portal = runtime.portals.find(member_id or "")
    consumer = _NOBODY if portal is None or portal.user_id is None else portal.consumers[CONSUMER]
    # Read for strangers too, so that an answer's time does not tell who has the application.
    is_to_be_asked = await runtime.store.read(lambda tx: _is_to_be_asked(tx, consumer))
    if portal is not None and consumer != _NOBODY and not is_to_be_asked:
        await runtime.store.write(lambda tx: _order(tx, portal, consumer))


def is_news(before: Paid, now: Paid) -> bool:
    """Whether ``now`` is another thing than what was known; days are whole: two ends may differ by one."""
    if (before.status, before.is_expired) != (now.status, now.is_expired):
        return True
    if before.ends_at is None or now.ends_at is None:
        return before.ends_at != now.ends_at
    return abs(before.ends_at - now.ends_at) > _DAY_MS


async def _confirm(lease: Lease, runtime: Runtime) -> Outcome:
    """Ask the portal, and tell handlers if it answers something new.

    Raises:
        Fault: The portal refused; tried again later.
        TransportError: It gave no usable answer; likewise.
        NotInstalled: No token works; likewise.
    """
    member = MemberId(lease.consumer.portal)
    portal = runtime.portals.get(member)
    if portal.user_id is None:
        return Done()
    before = await runtime.store.read(lambda tx: _known(tx, member))
    info = await _asked(runtime, member, before)
    ends_at = None if info.days is None else runtime.clock.now_ms() + info.days * _DAY_MS
    now = Paid(status=info.status, is_expired=info.payment_expired, ends_at=ends_at)
    if not is_news(before, now):
        _LOG.warning("payment_not_confirmed", portal=member, then="nothing; somebody may have made it up")
        return Done(effects=lambda tx: tx.count(telemetry.payments_asked.labels("nothing new")))
    body = seal_entry(runtime.portal_keys, member, _event(member, info, runtime.clock.now_ms()))

    def effects(tx: Tx) -> None:
        _SQL.keep(
            tx.conn,
            portal=member,
            status=now.status,
            is_expired=int(now.is_expired),
            ends_at=now.ends_at,
            at=tx.now_ms,
        )
        append(
            tx,
            portal=member,
            key=OTHER_EVENTS,
            kind=AppPayment.wire_name,
            body=body,
            source=SOURCE,
            consumers=[portal.inbox],
        )
        tx.count(telemetry.payments_asked.labels("confirmed"))

    return Done(effects=effects)


async def _asked(runtime: Runtime, member: MemberId, before: Paid) -> AppInfo:
    """What the portal tells; that it gives no more tokens for want of a payment tells the same."""
    try:
        answer = await runtime.client(member).call("app.info")
    except PaymentRequired:
        return AppInfo(status=before.status, payment_expired=True)
    return AppInfo.from_wire(answer.result)


def _event(member: MemberId, info: AppInfo, now_ms: int) -> Envelope:
    """The event as a portal would have sent it, had its body been true."""
    data: Form = {
        "CODE": info.code,
        "VERSION": str(info.version),
        "STATUS": info.status,
        "PAYMENT_EXPIRED": "Y" if info.payment_expired else "N",
        "LANGUAGE_ID": info.language,
    }
    if info.days is not None:
        data["DAYS"] = str(info.days)
    return Envelope(event=AppPayment.wire_name, data=data, ts=now_ms // 1000, auth=Auth(member_id=member))


def _known(tx: Tx, member: MemberId) -> Paid:
    """What handlers were told last; before the first time, what the installation says."""
    row: Any = _SQL.paid(tx.conn, portal=member)
    if row is not None:
        return Paid(status=row["status"], is_expired=bool(row["is_expired"]), ends_at=row["ends_at"])
    install = registry.find(tx, member)
    return Paid(status="" if install is None else install.status, is_expired=False, ends_at=None)


def _is_to_be_asked(tx: Tx, consumer: ConsumerId) -> bool:
    return bool(_SQL.is_to_be_asked(tx.conn, consumer=consumer, key=_KEY))


def _order(tx: Tx, portal: KnownPortal, consumer: ConsumerId) -> None:
    tx.serialize(portal.member_id)
    if not _is_to_be_asked(tx, consumer):
        append(
            tx,
            portal=portal.member_id,
            key=_KEY,
            kind=_KIND,
            body=b"",
            source="app",
            consumers=[consumer],
            only=consumer,
        )


def _forget(tx: Tx, portal: MemberId) -> None:
    _SQL.forget(tx.conn, portal=portal)
