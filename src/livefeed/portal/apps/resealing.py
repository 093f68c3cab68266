"""Where the portal keeps sealed values: the application_tokens it sends, and one word."""

from collections.abc import Sequence
from typing import Final

from livefeed.durable import sql
from livefeed.durable.store import Tx
from livefeed.portal.apps.outgoing import context_of
from livefeed.portal.portals import WORD
from livefeed.sealing.places import KEY_CHECK, SLICE, Counts, Place
from livefeed.secrets import KeyRing, key_id_of

_SQL: Final = sql.load("livefeed.portal.apps", "resealing.sql")


def _count_word(tx: Tx, _ids: Sequence[bytes]) -> Counts:
    sealed: bytes | None = _SQL.word(tx.conn)
    return {} if sealed is None else {key_id_of(sealed): 1}


def _reseal_word(tx: Tx, ring: KeyRing) -> int:
    sealed: bytes | None = _SQL.word(tx.conn)
    if sealed is None or key_id_of(sealed) == ring.ids[0]:
        return 0
    _SQL.put_word(tx.conn, sealed=_anew(ring, sealed, WORD))
    return 1


def _count_apps(tx: Tx, _ids: Sequence[bytes]) -> Counts:
    return {row["id"]: row["number"] for row in _SQL.count_apps(tx.conn)}


def _reseal_apps(tx: Tx, ring: KeyRing) -> int:
    rows = list(_SQL.stray_apps(tx.conn, newest=ring.ids[0], most=SLICE))
    for row in rows:
        sealed = _anew(ring, row["application_token"], row["client_id"].encode())
        _SQL.put_app(tx.conn, id=row["id"], sealed=sealed, before=row["application_token"])
    return len(rows)


def _count_webhooks(tx: Tx, _ids: Sequence[bytes]) -> Counts:
    return {row["id"]: row["number"] for row in _SQL.count_webhooks(tx.conn)}


def _reseal_webhooks(tx: Tx, ring: KeyRing) -> int:
    rows = list(_SQL.stray_webhooks(tx.conn, newest=ring.ids[0], most=SLICE))
    for row in rows:
        before = row["application_token"]
        sealed = _anew(ring, before, context_of(row["portal"]))
        _SQL.put_webhook(tx.conn, portal=row["portal"], id=row["id"], sealed=sealed, before=before)
    return len(rows)


def _anew(ring: KeyRing, blob: bytes, context: bytes) -> bytes:
    return ring.seal(ring.open(blob, context=context), context=context)


PLACES: Final = (
    Place(name="applications", count=_count_apps, reseal=_reseal_apps, is_on_ring=True),
    Place(name="outgoing webhooks", count=_count_webhooks, reseal=_reseal_webhooks, is_on_ring=True),
    Place(name=KEY_CHECK, count=_count_word, reseal=_reseal_word, is_on_ring=True),
)
