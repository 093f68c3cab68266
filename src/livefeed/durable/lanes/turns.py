"""Turns: consumers as a settle holds them, and when each is to be looked at next."""

from collections.abc import Iterable
from typing import Final

import msgspec

from livefeed.durable.consumers import ConsumerId
from livefeed.durable.engines.unit import Tx
from livefeed.durable.lanes.rows import SQL, as_json


class HeldConsumer(msgspec.Struct, array_like=True):
    """A consumer as locked; `fails`, `in_flight` and `not_before` are written back.

    Attributes:
        was_full: Whether as many of its lanes were leased as may be, so that nobody looked for others.
    """

    id: ConsumerId
    epoch: int
    fails: int
    in_flight: int
    not_before: int
    max_wait_ms: int
    cap: int
    ready_at: int | None
    was_full: bool = False

    def is_full(self, times: int) -> bool:
        """Whether no other of its lanes may be leased now."""
        return self.in_flight >= (1 if self.fails else self.cap * times)


_consumers: Final = msgspec.json.Decoder(list[HeldConsumer])


def hold_consumers(tx: Tx, ids: Iterable[ConsumerId], times: int) -> dict[ConsumerId, HeldConsumer]:
    """Lock the rows that a settle decides from; ``times`` is that of `lease_due`."""
    held = _consumers.decode(SQL.held_consumers(tx.conn, consumers=as_json(sorted(ids))))
    for one in held:
        one.was_full = one.is_full(times)
    return {one.id: one for one in held}


def write_held(tx: Tx, consumers: Iterable[HeldConsumer], times: int) -> None:
    """Write back what a settle has changed, and when each consumer is to be looked at.

    Who looks at a consumer works that out from its lanes and leases, which is dear. Where he comes next
    anyway, it is left to him: at one that is due to be looked at, and at one that was full and has room now.
    """
    kept: list[tuple[int, int, int, int]] = []
    moved: list[tuple[int, int, int, int, int | None, int]] = []
    now = tx.now_ms
    for one in consumers:
        if one.ready_at is not None and one.ready_at <= now >= one.not_before:
            kept.append((one.id, one.in_flight, one.fails, one.not_before))
        else:
            is_next = one.was_full and not one.is_full(times)
            moved.append((one.id, one.in_flight, one.fails, one.not_before, now if is_next else None, 0))
    if kept:
        SQL.keep_turns.send(tx.conn, turns=as_json(kept))
    if moved:
        SQL.write_turns.send(tx.conn, turns=as_json(moved), now=now, times=times)
