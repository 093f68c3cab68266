"""The portals' keys in memory: what the door seals costs no read of the database."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeVar

from livefeed.durable import sql
from livefeed.durable.store import Store, Tx
from livefeed.errors import SettingsError, StoreConflict
from livefeed.sealing.places import SLICE
from livefeed.secrets import KeyRing, SealingKey, fresh_key, key_id_of
from livefeed.wire.ids import MemberId

T = TypeVar("T")
SQL: Final = sql.load("livefeed.client.safes", "keys.sql")


class _Sealers(dict[str, SealingKey]):
    """Portal → its key; the key file's for a portal whose key is not known."""

    def __init__(self, ring: KeyRing) -> None:
        super().__init__()
        self._ring = ring

    def __missing__(self, member_id: str) -> SealingKey:
        return self._ring.newest


class PortalKeys:
    """Seals with the key of each portal.

    What no portal's key has sealed was sealed with the key file's: before portals had keys of their own.

    Attributes:
        of: Portal → what seals for it; one look-up for each event.
    """

    def __init__(self, store: Store, ring: KeyRing) -> None:
        self._store = store
        self._ring = ring
        self._keys: Final = _Sealers(ring)
        self.of: Final[Mapping[str, SealingKey]] = self._keys

    def seal(self, member_id: MemberId, plain: bytes, *, context: bytes) -> bytes:
        """Encrypt something of a portal; ``context`` must be the same when it is opened."""
        return self.of[member_id].seal(plain, context=context)

    def open(self, member_id: MemberId, blob: bytes, *, context: bytes) -> bytes:
        """Decrypt what `seal` made.

        Raises:
            SettingsError: The key is not known (see `reading`), or gone, or the blob is damaged.
        """
        key = self._keys.get(member_id)
        if key is not None and key.id == key_id_of(blob):
            return key.open(blob, context=context)
        return self._ring.open(blob, context=context)

    async def reading(self, member_id: MemberId, read: Callable[[], T]) -> T:
        """What ``read`` returns, which opens something of a portal whose key may have come from elsewhere.

        Raises:
            SettingsError: As `open`.
            StoreError: The key is not known, and the database cannot be asked for it.
        """
        try:
            return read()
        except SettingsError:
            await self.refresh([member_id])
            return read()

    def id_of(self, member_id: MemberId) -> bytes | None:
        """Which key the portal's values are sealed with now; None: the key file's."""
        key = self._keys.get(member_id)
        return None if key is None else key.id

    async def ensure(self, *member_ids: MemberId) -> None:
        """Know the keys of these portals; those that have none get one.

        Raises:
            StoreError: They cannot be committed now.
        """
        unknown = [one for one in member_ids if one not in self._keys]
        if unknown:
            await self.refresh(unknown)
        missing = [one for one in unknown if one not in self._keys]
        for slice_at in range(0, len(missing), SLICE):
            fresh = {one: _fresh(self._ring, one) for one in missing[slice_at : slice_at + SLICE]}
            self._take(await self._store.write(lambda tx, fresh=fresh: _add(tx, fresh)))

    async def refresh(self, member_ids: Sequence[MemberId]) -> None:
        """Know the keys of these portals as the database has them now.

        Raises:
            StoreError: It cannot be asked.
        """
        found = await self._store.read(lambda tx: _sealed(tx, member_ids))
        for gone in set(member_ids) - found.keys():
            self._keys.pop(gone, None)
        self._take(found)

    def forget(self, member_id: MemberId) -> None:
        """Its portal is erased."""
        self._keys.pop(member_id, None)

    def _take(self, found: dict[str, bytes]) -> None:
        for member_id, sealed in found.items():
            key = open_key(self._ring, member_id, sealed)
            known = self._keys.get(member_id)
            if known is None or known.id != key.id:
                self._keys[member_id] = key


def open_key(ring: KeyRing, member_id: str, sealed: bytes) -> SealingKey:
    """A portal's key.

    Raises:
        SettingsError: It was sealed with a key that is not there.
    """
    return SealingKey(ring.open(sealed, context=key_context(member_id)))


def key_context(member_id: str) -> bytes:
    """Binds a portal's key to its row."""
    return f"portal-key:{member_id}".encode()


def check(tx: Tx, member_id: MemberId, key_id: bytes | None) -> None:
    """Refuse to store what was sealed with a key that has been dropped meanwhile.

    Raises:
        StoreConflict: It was; seal it anew with the key that the portal has now.
    """
    if key_id is None:
        return
    row = SQL.find(tx.conn, member_id=member_id)
    if row is None or row["key_id"] != key_id:
        raise StoreConflict(f"portal {member_id} was erased meanwhile; try again")


def drop(tx: Tx, member_id: MemberId) -> None:
    """Make everything that is left of a portal unreadable."""
    SQL.drop(tx.conn, member_id=member_id)


def _add(tx: Tx, fresh: Mapping[MemberId, tuple[bytes, bytes]]) -> dict[str, bytes]:
    """Store new keys; where another process was faster, its key counts."""
    for member_id, (key_id, sealed) in fresh.items():
        SQL.add(tx.conn, member_id=member_id, key_id=key_id, sealed=sealed, at=tx.now_ms)
    return _sealed(tx, fresh)


def _fresh(ring: KeyRing, member_id: MemberId) -> tuple[bytes, bytes]:
    key = fresh_key()
    return SealingKey(key).id, ring.seal(key, context=key_context(member_id))


def _sealed(tx: Tx, member_ids: Iterable[str]) -> dict[str, bytes]:
    rows = {one: SQL.find(tx.conn, member_id=one) for one in member_ids}
    return {one: row["sealed"] for one, row in rows.items() if row is not None}


def read_key(tx: Tx, ring: KeyRing, member_id: MemberId) -> SealingKey:
    """A portal's key, from the database.

    Raises:
        SettingsError: It has none, or it cannot be opened.
    """
    row = SQL.find(tx.conn, member_id=member_id)
    if row is None:
        raise SettingsError(f"portal {member_id} has no key; what was sealed with it cannot be read")
    return open_key(ring, member_id, row["sealed"])
