"""Fetching: records are reserved, appended to the inbox, and confirmed after the commit.

What a process that died had reserved is taken over at the next turn: one lane fetches for each portal, so a
reservation that is there when it begins is nobody's.
"""

from functools import partial
from typing import Final

from livefeed.app.application import Application
from livefeed.app.channels import append_found, seal
from livefeed.app.contexts.context import Context
from livefeed.app.installs import watching
from livefeed.app.installs.portals import KnownPortal
from livefeed.app.offline.records import PAGE, Batch, processes_in, read_batch
from livefeed.app.rounds import again, waiting_posts
from livefeed.app.runtime import Runtime
from livefeed.client.rest import RestClient
from livefeed.durable.entries import append
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Done, Outcome
from livefeed.durable.store import Tx
from livefeed.telemetry import logger
from livefeed.ui.languages import noted
from livefeed.wire.events import OfflineNews, PostUpdated
from livefeed.wire.ids import MemberId

CONSUMER: Final = "offline"
POLL: Final = "offline:poll"
_KIND: Final = "app.offline"
_TURNS: Final = 256
_LOG: Final = logger("app.offline")


def fetch_offline(app: Application, every_s: float) -> None:
    """Fetch the queue of each portal at the start, when it says that something is in it, and now and then.

    Args:
        app: The application.
        every_s: How often it is fetched though nothing calls for it.
    """
    app.on(OfflineNews)(_wake)
    app.consume(CONSUMER, _fetch, kind=_KIND, cap=1, entries_limit=_TURNS)
    again(app, POLL, every_s, _order)
    app.when_installed(_order_at_start)


async def _wake(ctx: Context) -> None:
    """ONOFFLINEEVENT came: something is in the queue."""
    portal = ctx.runtime.portals.get(ctx.portal)
    ctx.step("fetched", noted("the queue of offline events is asked"))
    ctx.on_settle(partial(_order, portal=portal))


def _order_at_start(tx: Tx, portal: KnownPortal) -> None:
    """What was told while nothing ran lies there."""
    if portal.user_id is not None and watching.queue_of(tx, portal.member_id) is not None:
        _order(tx, portal)


def _order(tx: Tx, portal: KnownPortal) -> None:
    """Have the queue of a portal fetched now."""
    append(
        tx,
        portal=portal.member_id,
        key="app:offline",
        kind=_KIND,
        body=b"",
        source="app",
        consumers=[portal.consumers[CONSUMER]],
        only=portal.consumers[CONSUMER],
    )


async def _fetch(lease: Lease, runtime: Runtime) -> Outcome:
    """Fetch until the queue is empty; each batch is committed before it is confirmed.

    Raises:
        Fault: The portal refused; tried again later.
        TransportError: It gave no usable answer; likewise.
        NotInstalled: No token works; likewise.
    """
    portal = runtime.portals.get(MemberId(lease.consumer.portal))
    queue = await runtime.store.read(lambda tx: watching.queue_of(tx, portal.member_id))
    if queue is None or not queue.is_bound or portal.user_id is None:
        return Done()
    client = runtime.client(portal.member_id)
    listed = await client.call("event.offline.list", {"filter": {">PROCESS_ID": "0", "ERROR": 0}})
    for process in processes_in(listed.result):
        _LOG.warning("offline_batch_taken_over", portal=portal.member_id)
        await _take(runtime, client, portal, process)
    while await _take(runtime, client, portal) == PAGE:
        pass
    return Done()


async def _take(runtime: Runtime, client: RestClient, portal: KnownPortal, process: str = "") -> int:
    """Take one batch: what ``process`` has left, or what is free. Tells how many records there were."""
    left = {"process_id": process} if process else {}
    answer = await client.call("event.offline.get", {"clear": 0, "limit": PAGE, **left})
    batch = read_batch(answer.result, runtime.clock.now_ms())
    await _keep(runtime, portal, batch)
    if batch.numbers:
        await client.call("event.offline.clear", {"process_id": batch.process, "id": list(batch.numbers)})
    if batch.strange:
        _LOG.warning("offline_records_not_read", portal=portal.member_id, count=len(batch.strange))
        refused = {"process_id": batch.process, "message_id": list(batch.strange)}
        await client.call("event.offline.error", refused)
    return batch.count


async def _keep(runtime: Runtime, portal: KnownPortal, batch: Batch) -> None:
    """Append what the records tell to the inbox, but for updates of posts that are looked at anyway."""
    store, member = runtime.store, portal.member_id
    expected = await store.read(lambda tx: waiting_posts(tx, portal.inbox, [one.post for one in batch.found]))
    news = [
        seal(runtime.portal_keys, member, one, "offline")
        for one in batch.found
        if one.event != PostUpdated.wire_name or one.post not in expected
    ]

    def keep(tx: Tx) -> None:
        tx.serialize(member)
        append_found(tx, member, news, portal.inbox, "offline")
        watching.note_fetched(tx, member, batch.count)

    await store.write(keep)
