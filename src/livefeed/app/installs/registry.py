"""The rows of installations, and the consumers that each portal has."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from livefeed.app.installs.portals import KnownPortal
from livefeed.durable import sql
from livefeed.durable.consumers import ConsumerId, list_consumers, register, retire, set_state
from livefeed.durable.store import Tx
from livefeed.secrets import KeyRing
from livefeed.settings import AppSettings
from livefeed.wire.ids import MemberId, UserId

SQL: Final = sql.load("livefeed.app.installs", "installs.sql")

TOPIC: Final = "installs"
"""Woken by each commit that changes what the door knows of a portal."""


class Install(msgspec.Struct, frozen=True, kw_only=True):
    """One row of ``install``; its columns are explained in the migration."""

    member_id: MemberId
    state: str
    domain: str
    client_endpoint: str
    scope: str
    status: str
    user_id: UserId
    application_token: bytes
    previous_token: bytes | None
    previous_until: int | None
    proof: bytes
    bound: str
    bound_at: int | None
    installed_at: int
    uninstalled_at: int | None
    erase_at: int | None

    @property
    def is_active(self) -> bool:
        """Whether the application is installed now."""
        return self.state == "active"

    @property
    def bound_address(self) -> str:
        """The address of our door that was bound last, as `kept_address` has it; empty: none."""
        return self.bound.split(",")[0]

    def bound_events(self, address: str) -> frozenset[str]:
        """The wire names that the portal sends to our door at ``address``."""
        bound_address, *events = self.bound.split(",")
        return frozenset(events) if is_address(bound_address, address) else frozenset()


def kept_address(address: str) -> str:
    """An address of our door as it is stored: of the secret it ends with no more than a digest."""
    base, is_door, segment = address.rpartition("/events/")
    if not is_door:
        return address
    digest = hashlib.blake2b(segment.encode(), person=b"door", salt=_salt(base), digest_size=12)
    return f"{base}/events/#{digest.hexdigest()}"


def is_address(kept: str, address: str) -> bool:
    """Whether ``address`` was stored as ``kept``; earlier versions stored it as it is."""
    return bool(kept) and kept in {address, kept_address(address)}


def _salt(base: str) -> bytes:
    return hashlib.blake2b(base.encode(), digest_size=16).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerSpec:
    """A consumer that every portal gets.

    Attributes:
        name: ``inbox``, ``binding``, ``bell``.
        kind: Only entries of this kind; None: of every kind.
        cap: Lanes worked on at the same time.
        pace_ms: Least time between two of its leases.
        quiet_ms: A lane is due when nothing was appended for so long.
        max_wait_ms: It is due after this in any case.
        entries_limit: How many entries of a lane make one run.
        is_setup: Its work belongs to the installation: until it is done the portal counts as not ready.
    """

    name: str
    kind: str | None = None
    cap: int = 8
    pace_ms: int = 0
    quiet_ms: int = 0
    max_wait_ms: int = 0
    entries_limit: int = 1
    is_setup: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """A portal that counts as known without an installation, because the settings name it.

    Attributes:
        member_id: The portal.
        token: Keyed hash of its application_token.
        endpoint: REST base of the configured portal address; empty if there is none.
    """

    member_id: MemberId
    token: bytes
    endpoint: str

    @classmethod
    def from_settings(cls, settings: AppSettings, keys: KeyRing) -> "Configured | None":
        """The portal of ``LIVEFEED_MEMBER_ID`` and ``LIVEFEED_APPLICATION_TOKEN``, if both are set."""
        token = settings.application_token.reveal()
        if not settings.member_id or not token:
            return None
        url = settings.portal_url.rstrip("/")
        return cls(
            member_id=MemberId(settings.member_id),
            token=keys.hash(token),
            endpoint=f"{url}/rest/" if url else "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the application wants of each portal it knows."""

    configured: Configured | None
    consumers: Sequence[ConsumerSpec]
    when_installed: Sequence[Callable[[Tx, KnownPortal], None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What has changed since a version.

    Attributes:
        version: The one after it.
        changed: The portals that were changed, as they are now.
        present: Every portal that is left, if one was erased; else None.
    """

    version: int
    changed: Sequence[KnownPortal]
    present: frozenset[str] | None


def note_change(tx: Tx, member_id: MemberId) -> None:
    """Let every process know that what the door knows of this portal is another thing now.

    The counter's row stays locked until the commit, so versions are committed in their order.
    """
    version: int = SQL.next_version(tx.conn)
    SQL.set_version(tx.conn, member_id=member_id, version=version)
    tx.wake(TOPIC)


def note_erasure(tx: Tx) -> None:
    """Let every process know that a portal is no more."""
    version: int = SQL.next_version(tx.conn)
    SQL.set_erased(tx.conn, version=version)
    tx.wake(TOPIC)


def version(tx: Tx) -> int:
    """The version of all installations together."""
    number: int = SQL.version(tx.conn)["version"]
    return number


def changed_since(tx: Tx, since: int, wanted: Wanted) -> News | None:
    """What processes have changed after the version ``since``; None: nothing."""
    now = SQL.version(tx.conn)
    if now["version"] == since:
        return None
    changed = [_known_now(tx, _install(row), wanted) for row in SQL.changed(tx.conn, since=since)]
    present = frozenset(row[0] for row in SQL.present(tx.conn)) if now["erased"] > since else None
    return News(version=now["version"], changed=changed, present=present)


def _known_now(tx: Tx, install: Install, wanted: Wanted) -> KnownPortal:
    consumers = {
        one.name: one.id for one in list_consumers(tx, portal=install.member_id) if one.state != "gone"
    }
    return known(install, consumers, wanted.configured)


def find(tx: Tx, member_id: MemberId) -> Install | None:
    """The installation of one portal."""
    row = SQL.find(tx.conn, member_id=member_id)
    return None if row is None else _install(row)


def every(tx: Tx) -> list[Install]:
    """All installations, also of portals that have left."""
    return [_install(row) for row in SQL.every(tx.conn)]


def _install(row: Any) -> Install:  # noqa: ANN401 - a row of the driver
    return msgspec.convert(dict(row), Install)


def register_consumers(tx: Tx, member_id: MemberId, specs: Sequence[ConsumerSpec]) -> dict[str, ConsumerId]:
    """Give the portal its consumers; those it has keep their lanes, those nobody runs any more are paused."""
    names = {spec.name for spec in specs}
    for consumer in list_consumers(tx, portal=member_id):
        if consumer.name not in names and consumer.state == "active":
            set_state(tx, consumer.id, "paused")
    return {
        spec.name: register(
            tx,
            portal=member_id,
            name=spec.name,
            kind=spec.kind,
            cap=spec.cap,
            pace_ms=spec.pace_ms,
            quiet_ms=spec.quiet_ms,
            max_wait_ms=spec.max_wait_ms,
        )
        for spec in specs
    }


def retire_consumers(tx: Tx, member_id: MemberId) -> None:
    """Stop everything of the portal: no lane of it is left, leases that are out are void."""
    for consumer in list_consumers(tx, portal=member_id):
        if consumer.state != "gone":
            retire(tx, consumer.id)


def known(
    install: Install, consumers: Mapping[str, ConsumerId], configured: Configured | None
) -> KnownPortal:
    """What the door has to know of an installation."""
    portal = KnownPortal(
        member_id=install.member_id,
        is_active=install.is_active,
        consumers=consumers,
        token=install.application_token,
        endpoint=install.client_endpoint,
        user_id=install.user_id if install.is_active else None,
    )
    if install.previous_token is not None and install.previous_until is not None:
        portal = replace(portal, previous_token=install.previous_token, previous_until=install.previous_until)
    if install.is_active and configured is not None and configured.member_id == install.member_id:
        portal = replace(portal, configured_token=configured.token)
    return portal


def admit_all(tx: Tx, wanted: Wanted) -> list[KnownPortal]:
    """At start: every portal that is known, with the consumers that the application wants now."""
    configured = wanted.configured
    portals: list[KnownPortal] = []
    for member_id in sorted(install.member_id for install in every(tx)):
        tx.serialize(member_id)
    for install in every(tx):
        if _has_come_back(install, configured):
            SQL.erase(tx.conn, member_id=install.member_id)
            note_erasure(tx)
            continue
        portals.append(admit(tx, install, wanted))
    if configured is not None and all(portal.member_id != configured.member_id for portal in portals):
        settled = register_consumers(tx, configured.member_id, wanted.consumers)
        portals.append(
            KnownPortal(
                member_id=configured.member_id,
                is_active=True,
                consumers=settled,
                configured_token=configured.token,
                endpoint=configured.endpoint,
            )
        )
    return portals


def admit(tx: Tx, install: Install, wanted: Wanted) -> KnownPortal:
    """One installed portal: its consumers, and the work that each start repeats."""
    if not install.is_active:
        return known(install, {}, None)
    portal = known(install, register_consumers(tx, install.member_id, wanted.consumers), wanted.configured)
    for unit in wanted.when_installed:
        unit(tx, portal)
    return portal


def _has_come_back(install: Install, configured: Configured | None) -> bool:
    """A portal that left, and whose settings hold another application_token now."""
    if configured is None or install.is_active or install.member_id != configured.member_id:
        return False
    return configured.token != install.application_token
