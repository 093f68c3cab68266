"""ONOFFLINEEVENT: who is told that something is in his queue, and when he wants to be left alone.

Source: api-reference/events/on-offline-event.md
"""

from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from livefeed.durable.consumers import ConsumerId
from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.wire.ids import AppId, HandlerId, MemberId
from livefeed.wire.params import Params, as_integer

EVENT: Final = "ONOFFLINEEVENT"
DEFAULT_PAUSE_MS: Final = 1_000
_LONGEST_PAUSE_S: Final = 86_400

_sql = load("livefeed.portal.offline", "offline.sql")


def pause_ms(params: Params) -> int:
    """``options[minTimeout]`` of ``event.bind``, or ``options[ONOFFLINEEVENT][minTimeout]``, in ms."""
    options = params.mapping("options")
    own = options.get(EVENT)
    wanted = as_integer((own if isinstance(own, Mapping) else options).get("minTimeout"))
    return DEFAULT_PAUSE_MS if wanted is None else min(max(0, wanted), _LONGEST_PAUSE_S) * 1000


def set_pause(tx: Tx, handler: HandlerId, pause: int) -> None:
    """Leave a handler that was just bound alone for ``pause`` ms after it is told."""
    _sql.set_pause(tx.conn, handler=handler, pause=pause)


def ring(tx: Tx, portal: MemberId, apps: Collection[AppId]) -> list[ConsumerId]:
    """Who is to be told now that something is in the queues of ``apps``.

    The first record tells at once; then there is silence until the pause is over. A pause of 0 tells once
    for each unit of work, however many records it has added.
    """
    if not apps:
        return []
    told: list[ConsumerId] = []
    for row in _sql.bells(tx.conn, portal=portal, apps=msgspec.json.encode(sorted(apps)).decode()):
        pause = DEFAULT_PAUSE_MS if row["pause_ms"] is None else row["pause_ms"]
        if row["told_at"] is None or row["told_at"] + pause <= tx.now_ms:
            _sql.rung(tx.conn, handler=row["id"], now=tx.now_ms)
            told.append(ConsumerId(row["consumer"]))
    return told
