"""Where the application keeps sealed values: pairs, installations in quarantine, events, and one word."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from livefeed.client.safes import resealing
from livefeed.client.safes.keys import read_key
from livefeed.client.safes.pairs import context_of
from livefeed.client.safes.resealing import moved
from livefeed.durable import sql
from livefeed.durable.store import Tx
from livefeed.sealing.places import KEY_CHECK, SLICE, Counts, Place
from livefeed.secrets import KeyRing, key_id_of

WORD: Final = b"livefeed"
"""What is sealed to find out at the start whether the key file is the one of this database."""

_SQL: Final = sql.load("livefeed.app.safes", "places.sql")
_HEADS: Final = 2_000


def _count_word(tx: Tx, _ids: Sequence[bytes]) -> Counts:
    sealed: bytes | None = _SQL.key_check(tx.conn)
    return {} if sealed is None else {key_id_of(sealed): 1}


def _reseal_word(tx: Tx, ring: KeyRing) -> int:
    sealed: bytes | None = _SQL.key_check(tx.conn)
    if sealed is None or key_id_of(sealed) == ring.ids[0]:
        return 0
    _SQL.put_key_check(tx.conn, sealed=ring.seal(ring.open(sealed, context=WORD), context=WORD))
    return 1


def _count_quarantine(tx: Tx, _ids: Sequence[bytes]) -> Counts:
    return {row["id"]: row["number"] for row in _SQL.count_quarantine(tx.conn)}


def _reseal_quarantine(tx: Tx, ring: KeyRing) -> int:
    rows = list(_SQL.stray_quarantine(tx.conn, most=SLICE))
    for row in rows:
        key, context = read_key(tx, ring, row["member_id"]), context_of(row["member_id"], row["user_id"])
        _SQL.put_quarantine(
            tx.conn,
            member_id=row["member_id"],
            access=moved(ring, key, row["access"], context),
            refresh=moved(ring, key, row["refresh"], context),
            before=row["refresh"],
        )
    return len(rows)


def _counter(heads: Callable[..., Iterable[Any]]) -> Callable[[Tx, Sequence[bytes]], Counts]:
    """Counts bodies that begin with a key's id, also inside the frame of those that wait for a handler."""

    def count(tx: Tx, ids: Sequence[bytes]) -> Counts:
        counts: Counter[bytes] = Counter()
        after = 0
        while rows := list(heads(tx.conn, after=after, most=_HEADS)):
            after = rows[-1]["id"]
            for row in rows:
                counts.update(one for one in ids if one in (row["head"] or b""))
        return counts

    return count


# Events are not sealed anew: what handlers have done is known by the digest of the sealed body.
PLACES: Final = (
    *resealing.PLACES,
    Place(name="quarantine", count=_count_quarantine, reseal=_reseal_quarantine),
    Place(name=KEY_CHECK, count=_count_word, reseal=_reseal_word, is_on_ring=True),
    Place(name="events", count=_counter(_SQL.entry_heads)),
    Place(name="dead letters", count=_counter(_SQL.dead_heads)),
)
