"""What waits for its next try, tried at once: its handler may have been mended."""

from collections.abc import Sequence
from contextlib import suppress

import msgspec

from livefeed.app.application import INBOX
from livefeed.app.handling import quiet, trials
from livefeed.durable.lanes import Hurried, hurry_failing
from livefeed.durable.store import Store, Tx


async def hurry(store: Store, *, portal: str | None = None, key: str | None = None) -> int:
    """Try at once what has failed, each lane once; returns how many there are.

    Args:
        store: The application's database.
        portal: Of this portal only.
        key: About this only: ``post:5``.

    Raises:
        StoreError: It cannot be committed now; what was hurried before stays so.
    """
    count, after = 0, (0, "")
    while lanes := await store.write(lambda tx, after=after: _hurry(tx, portal, key, after)):
        count += len(lanes)
        after = (lanes[-1].consumer, lanes[-1].key)
    return count


def _hurry(tx: Tx, portal: str | None, key: str | None, after: tuple[int, str]) -> Sequence[Hurried]:
    lanes = hurry_failing(tx, portal=portal, key=key, after=after)
    for lane in lanes:
        for entry in lane.entries:
            if lane.name == INBOX:
                trials.hurry(tx, trials.digest_of(entry.body))
            elif lane.name.startswith(quiet.OWN_LANES):
                with suppress(msgspec.DecodeError):  # it becomes a dead letter at its try
                    trials.hurry(tx, quiet.digest_in(entry))
    return lanes
