"""The portals of this server: each is known by its member_id and found by the Host header."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from livefeed import rooms
from livefeed.clock import fresh_hex
from livefeed.durable.sql import load
from livefeed.durable.store import Store, Tx
from livefeed.errors import SettingsError
from livefeed.secrets import KeyRing
from livefeed.wire.ids import MemberId

ROOMS: Final = rooms.PORTAL
"""The rooms whose tables a portal's database has, beside those of ``durable``."""

TOPIC: Final = "portals"

WORD: Final = b"livefeed.portal"
"""What is sealed to find out at the start whether the key file is the one of this database."""

_sql = load("livefeed.portal", "portals.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalRow:
    """One portal.

    Attributes:
        member_id: 32 lower-case hex digits; never changes.
        host: As in a Host header, with the port if it is not the scheme's own: ``127.0.0.1:8024``.
        public_url: ``http://127.0.0.1:8024``, without a slash at the end.
        name: What people call the company.
        language: ``en`` or ``ru``.
        is_default: Whether it answers for hosts that no portal has.
    """

    member_id: MemberId
    host: str
    public_url: str
    name: str
    language: str
    is_default: bool

    @property
    def domain(self) -> str:
        """The ``domain`` of events and tokens: the host, without scheme and slash."""
        return self.host

    @property
    def client_endpoint(self) -> str:
        """Base of this portal's REST methods, with a slash at the end."""
        return f"{self.public_url}/rest/"

    @property
    def server_endpoint(self) -> str:
        """Base of the authorization server's REST methods; each portal is its own."""
        return f"{self.public_url}/rest/"


class Directory:
    """Which portal a Host header or a member_id means; kept in memory, read again when portals change."""

    def __init__(self, rows: Iterable[PortalRow]) -> None:
        self._fill(rows)

    @classmethod
    async def load(cls, store: Store) -> "Directory":
        """Read every portal of ``store``.

        Raises:
            SettingsError: There is no portal yet.
        """
        rows = await store.read(every)
        if not rows:
            raise SettingsError("this database has no portal yet; make one with: livefeed portal init")
        return cls(rows)

    async def refresh(self, store: Store) -> None:
        """Read every portal again."""
        self._fill(await store.read(every))

    def by_host(self, host: str) -> PortalRow:
        """The portal of a Host header; the default one when no portal has that host."""
        return self._hosts.get(host.lower(), self._default)

    def by_member(self, member_id: str) -> PortalRow | None:
        """The portal with this member_id."""
        return self._members.get(member_id)

    def every(self) -> list[PortalRow]:
        """All portals."""
        return list(self._members.values())

    @property
    def default(self) -> PortalRow:
        """The portal that answers for unknown hosts."""
        return self._default

    def _fill(self, rows: Iterable[PortalRow]) -> None:
        known = list(rows)
        self._members: dict[str, PortalRow] = {row.member_id: row for row in known}
        self._hosts = {row.host: row for row in known}
        self._default = next((row for row in known if row.is_default), known[0])


def create(
    tx: Tx,
    *,
    public_url: str,
    name: str,
    language: str = "en",
    member_id: MemberId | None = None,
    is_default: bool | None = None,
) -> PortalRow:
    """Add a portal; the first one becomes the default unless told otherwise.

    Raises:
        SettingsError: The URL is not one, or another portal has its host.
    """
    url, host = _address(public_url)
    tx.serialize(TOPIC)
    present = every(tx)
    if any(row.host == host for row in present):
        raise SettingsError(f"a portal with the address {host} exists already; choose another --public-url")
    row = PortalRow(
        member_id=member_id or MemberId(fresh_hex(32)),
        host=host,
        public_url=url,
        name=name,
        language=language,
        is_default=not present if is_default is None else is_default,
    )
    if row.is_default:
        _sql.drop_default(tx.conn)
    _sql.add_portal(
        tx.conn,
        member_id=row.member_id,
        host=host,
        public_url=url,
        name=name,
        language=language,
        is_default=int(row.is_default),
        now=tx.now_ms,
    )
    # Feed entries, posts and files are numbered apart, so that a mixed-up id is noticed.
    start_ids(tx, row.member_id, "log", 1_000)
    start_ids(tx, row.member_id, "attachment", 500)
    start_ids(tx, row.member_id, "drive_file", 90_000)
    tx.wake(TOPIC)
    return row


def move(tx: Tx, member_id: MemberId, public_url: str) -> PortalRow:
    """Give a portal another address; its member_id stays.

    Raises:
        SettingsError: The URL is not one, another portal has its host, or there is no such portal.
    """
    url, host = _address(public_url)
    tx.serialize(TOPIC)
    if any(row.host == host and row.member_id != member_id for row in every(tx)):
        raise SettingsError(f"a portal with the address {host} exists already; choose another --public-url")
    _sql.move_portal(tx.conn, member_id=member_id, host=host, public_url=url)
    moved = find(tx, member_id)
    if moved is None:
        raise SettingsError(f"there is no portal {member_id} in this database")
    tx.wake(TOPIC)
    return moved


def find(tx: Tx, member_id: str) -> PortalRow | None:
    """The portal with this member_id."""
    return next((row for row in every(tx) if row.member_id == member_id), None)


def default(tx: Tx) -> PortalRow | None:
    """The default portal; None in an empty database."""
    rows = every(tx)
    return next((row for row in rows if row.is_default), rows[0] if rows else None)


def every(tx: Tx) -> list[PortalRow]:
    """All portals, the default one first."""
    return [
        PortalRow(
            member_id=MemberId(member_id),
            host=host,
            public_url=public_url,
            name=name,
            language=language,
            is_default=bool(is_default),
        )
        for member_id, host, public_url, name, language, is_default in _sql.portals(tx.conn)
    ]


def check_key(tx: Tx, keys: KeyRing) -> None:
    """Fail at the start, not at the first call, when the key file is another database's.

    Raises:
        SettingsError: It is; the message says what to do.
    """
    _sql.set_key_check(tx.conn, sealed=keys.seal(WORD, context=WORD))
    if keys.open(_sql.key_check(tx.conn), context=WORD) != WORD:
        raise SettingsError("the key check of this database is damaged")


def is_key_of(tx: Tx, keys: KeyRing) -> bool:
    """Whether what this database has sealed can be opened; also of one in which nothing is sealed yet.

    Raises:
        SettingsError: It cannot; the message says what to do.
    """
    sealed: bytes | None = _sql.key_check(tx.conn)
    return sealed is None or keys.open(sealed, context=WORD) == WORD


def next_id(tx: Tx, portal: MemberId, name: str) -> int:
    """The next id of the numbering ``name`` (``post``, ``comment``, …); never the same twice."""
    return _sql.next_id(tx.conn, portal=portal, name=name)


def start_ids(tx: Tx, portal: MemberId, name: str, last: int) -> None:
    """Let the numbering ``name`` go on after ``last``."""
    _sql.start_ids(tx.conn, portal=portal, name=name, last=last)


def _address(public_url: str) -> tuple[str, str]:
    """Split a base URL into itself without the last slash, and its host as browsers send it."""
    url = public_url.rstrip("/")
    try:
        parts = urlsplit(url)
        given_port = parts.port
    except ValueError as exc:
        raise _not_a_base_url(public_url) from exc
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
        raise _not_a_base_url(public_url)
    own_port = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return url, host if given_port in (None, own_port) else f"{host}:{given_port}"


def _not_a_base_url(public_url: str) -> SettingsError:
    return SettingsError(f"{public_url!r} is not the base URL of a portal; use http://host:port")
