"""Methods about offline events: ``event.offline.*``, and ``feature.get``, which says that they are there."""

from typing import Final

from livefeed.clock import iso
from livefeed.durable.store import Tx
from livefeed.portal.apps.methods import calling_app
from livefeed.portal.apps.registry import App
from livefeed.portal.call import Call, Method
from livefeed.portal.offline import queue
from livefeed.portal.offline.bindings import Queue
from livefeed.portal.offline.filters import FIELDS, LIST_FIELDS, read_filter, read_order
from livefeed.portal.offline.origins import connector_of
from livefeed.portal.offline.queue import Record
from livefeed.portal.offline.selection import BY_NUMBER, OLDEST_FIRST, count_all
from livefeed.wire.calls import PAGE_SIZE, Answer, page_of
from livefeed.wire.events import post_data
from livefeed.wire.faults import AccessDenied, ArgumentError, FeatureNeedsCode
from livefeed.wire.form import JsonValue

_LIMIT: Final = 50
_MOST: Final = 1_000
_FEATURES: Final = frozenset({"rest_offline_extended", "rest_auth_connector"})


def get(tx: Tx, call: Call) -> Answer:
    """Hand out records: deleted at once, or with ``clear=0`` reserved until they are confirmed.

    Callers at the same time get records of their own. ``process_id`` gives what a process has left; with
    ``error=1`` what has failed is handed out too, and belongs to the new process.

    Source: api-reference/events/event-offline-get.md

    Raises:
        AccessDenied: The caller is no administrator.
        ArgumentError: ``filter`` or ``order`` cannot be read.
    """
    params, of = call.params, _queue(tx, call)
    wanted, order = read_filter(params, FIELDS), read_order(params, FIELDS) or OLDEST_FIRST
    count = min(max(1, params.integer("limit", _LIMIT)), _MOST)
    process, with_failed = params.text("process_id").strip(), params.flag("error")
    if process:
        chosen = queue.of_process(tx, of, process, wanted, order, count=count, with_failed=with_failed)
    else:
        chosen = queue.free(tx, of, count, wanted=wanted, order=order, with_failed=with_failed)
    if params.flag("clear", default=True):
        queue.drop(tx, chosen)
        reserved = None
    else:
        reserved = queue.reserve(tx, chosen, process)
    return Answer(result={"process_id": reserved, "events": [_event(one) for one in chosen]})


def list_records(tx: Tx, call: Call) -> Answer:
    """Show a queue, reserved and failed records too, in pages of fifty; nothing changes.

    Source: api-reference/events/event-offline-list.md

    Raises:
        AccessDenied: The caller is no administrator.
        ArgumentError: ``filter`` or ``order`` cannot be read.
    """
    of, start = _queue(tx, call), max(-1, call.params.integer("start"))
    wanted, order = read_filter(call.params, LIST_FIELDS), read_order(call.params, LIST_FIELDS) or BY_NUMBER
    page = queue.page(tx, of, wanted, order, count=PAGE_SIZE, skip=max(0, start))
    total = 0 if start < 0 else count_all(tx, of, wanted)
    rows: list[JsonValue] = [
        {**_event(one), "PROCESS_ID": one.process, "ERROR": str(int(one.is_error))} for one in page
    ]
    return page_of(rows, start=start, total=total)


def clear(tx: Tx, call: Call) -> Answer:
    """Confirm what a process has dealt with: those of ``id``, else those of ``message_id``, else all.

    Source: api-reference/events/event-offline-clear.md

    Raises:
        AccessDenied: The caller is no administrator.
        ArgumentError: No ``process_id``.
    """
    app, process = _administered(tx, call), _process(call)
    ids = _numbers(call, "id")
    queue.confirm(tx, app, process, ids=ids, messages=_numbers(call, "message_id") if ids is None else None)
    return Answer(result=True)


def error(tx: Tx, call: Call) -> Answer:
    """Keep what a process could not deal with: those of ``message_id``, else all it has taken.

    Source: api-reference/events/event-offline-error.md

    Raises:
        AccessDenied: The caller is no administrator.
        ArgumentError: No ``process_id``.
    """
    app, process = _administered(tx, call), _process(call)
    queue.fail(tx, app, process, messages=_numbers(call, "message_id"))
    return Answer(result=True)


def feature(_tx: Tx, call: Call) -> Answer:
    """Whether a feature is part of this portal's plan.

    Source: api-reference/common/system/feature-get.md

    Raises:
        FeatureNeedsCode: No ``CODE``.
    """
    code = call.params.text("code", fault=FeatureNeedsCode()).strip().lower()
    if not code:
        raise FeatureNeedsCode
    return Answer(result={"value": "Y" if code in _FEATURES else "N"})


def _queue(tx: Tx, call: Call) -> Queue:
    return Queue(app=_administered(tx, call).id, connector=connector_of(call))


def _administered(tx: Tx, call: Call) -> App:
    app = calling_app(tx, call)
    if not call.principal.is_admin:
        raise AccessDenied
    return app


def _process(call: Call) -> str:
    process = call.params.text("process_id").strip()
    if not process:
        raise ArgumentError("PROCESS_ID is missing")
    return process


def _numbers(call: Call, name: str) -> frozenset[int] | None:
    return frozenset(call.params.integers(name)) if call.params.has(name) else None


def _event(one: Record) -> dict[str, JsonValue]:
    return {
        "ID": str(one.id),
        "TIMESTAMP_X": iso(one.changed_at),
        "EVENT_NAME": one.event,
        "EVENT_DATA": post_data(one.object),
        "EVENT_ADDITIONAL": False,
        "MESSAGE_ID": str(one.message),
    }


METHODS: Final = (
    Method(name="event.offline.get", fn=get, writes=True, needs_app=True),
    Method(name="event.offline.list", fn=list_records, needs_app=True),
    Method(name="event.offline.clear", fn=clear, writes=True, needs_app=True),
    Method(name="event.offline.error", fn=error, writes=True, needs_app=True),
    Method(name="feature.get", fn=feature),
)
