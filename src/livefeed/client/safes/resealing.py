"""The client's sealed values: the portals' keys, and pairs that were stored before portals had any."""

from collections.abc import Sequence
from typing import Any, Final

from livefeed.client.safes.keys import SQL, key_context, read_key
from livefeed.client.safes.pairs import context_of
from livefeed.durable.store import Tx
from livefeed.sealing.places import SLICE, Counts, Place
from livefeed.secrets import KeyRing, SealingKey, key_id_of


def _count_keys(tx: Tx, _ids: Sequence[bytes]) -> Counts:
    return {row["id"]: row["number"] for row in SQL.count_keys(tx.conn)}


def _reseal_keys(tx: Tx, ring: KeyRing) -> int:
    rows = list(SQL.strays(tx.conn, newest=ring.ids[0], most=SLICE))
    for row in rows:
        context = key_context(row["member_id"])
        sealed = ring.seal(ring.open(row["sealed"], context=context), context=context)
        SQL.put(tx.conn, member_id=row["member_id"], sealed=sealed, before=row["sealed"])
    return len(rows)


def _count_tokens(tx: Tx, _ids: Sequence[bytes]) -> Counts:
    return {row["id"]: row["number"] for row in SQL.count_tokens(tx.conn)}


def _reseal_tokens(tx: Tx, ring: KeyRing) -> int:
    rows = list(SQL.stray_tokens(tx.conn, most=SLICE))
    for row in rows:
        key, context = read_key(tx, ring, row["member_id"]), context_of(row["member_id"], row["user_id"])
        access, refresh, previous = (
            None if row[column] is None else moved(ring, key, row[column], context)
            for column in ("access", "refresh", "previous")
        )
        SQL.put_token(
            tx.conn,
            member_id=row["member_id"],
            user_id=row["user_id"],
            access=access,
            refresh=refresh,
            previous=previous,
            before=row["refresh"],
        )
    return len(rows)


def moved(ring: KeyRing, key: SealingKey, blob: Any, context: bytes) -> bytes:  # noqa: ANN401 - a column
    """A blob of the key file's, sealed with a portal's key; one that is, stays as it is."""
    if key_id_of(blob) == key.id:
        return blob
    return key.seal(ring.open(blob, context=context), context=context)


PLACES: Final = (
    Place(name="portal keys", count=_count_keys, reseal=_reseal_keys, is_on_ring=True),
    Place(name="tokens", count=_count_tokens, reseal=_reseal_tokens),
)
