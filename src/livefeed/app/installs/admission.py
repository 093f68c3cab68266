"""Storing a proved installation: it replaces what is known only when nothing speaks against it."""

from dataclasses import dataclass, replace
from typing import Any, Final

from livefeed import telemetry
from livefeed.app.installs import registry
from livefeed.app.installs.portals import KnownPortal
from livefeed.app.installs.registry import SQL, Install, Wanted
from livefeed.client import vault
from livefeed.client.vault import SealedPair
from livefeed.durable.entries import append
from livefeed.durable.store import Tx
from livefeed.errors import UnknownPortal
from livefeed.wire.events import AppInstalled
from livefeed.wire.ids import MemberId

UNKNOWN_TOKEN: Final = b""
"""Nobody has told the application_token yet: no event is genuine, and the first one that is told counts."""

OVERLAP_MS: Final = 24 * 3_600_000
"""How long an application_token counts beside the one that replaced it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """An installation as the authorization server describes it, ready to be stored.

    Attributes:
        application_token: Keyed hash of the one that came with it; `UNKNOWN_TOKEN` if none did.
        proof: Keyed hash of the refresh token that came with it: the same callback is known again by it.
        pair: The refreshed tokens.
    """

    member_id: MemberId
    domain: str
    client_endpoint: str
    scope: str
    status: str
    application_token: bytes
    proof: bytes
    pair: SealedPair


def admit_or_quarantine(
    tx: Tx, proved: Proved, body: bytes, wanted: Wanted, *, may_replace: bool = False
) -> KnownPortal | None:
    """Store the installation and append its event, ``body``; None if it has to wait for an administrator.

    ``may_replace``: one of them brings it himself, so another application_token is taken too.
    """
    tx.serialize(proved.member_id)
    before = registry.find(tx, proved.member_id)
    expected = _tokens_in_force(before, proved.member_id, wanted)
    if expected and proved.application_token not in expected and not may_replace:
        _put_aside(tx, proved)
        return None
    portal = _put(tx, proved, before, wanted)
    append(
        tx,
        portal=proved.member_id,
        key="app:events",
        kind=AppInstalled.wire_name,
        body=body,
        source="install",
        consumers=[portal.inbox],
    )
    return portal


def owner_before(tx: Tx, member_id: MemberId) -> MemberId | None:
    """The portal to which an application for one portal belongs already, if that is another one."""
    found: str | None = SQL.owner(tx.conn, member_id=member_id)
    return None if found is None else MemberId(found)


def quarantined(tx: Tx) -> list[MemberId]:
    """The portals of which an installation waits for an administrator."""
    return [MemberId(row[0]) for row in SQL.quarantined(tx.conn)]


def release(tx: Tx, member_id: MemberId, wanted: Wanted) -> KnownPortal:
    """An administrator vouches for what is in quarantine.

    Raises:
        UnknownPortal: Nothing of this portal is.
    """
    tx.serialize(member_id)
    row = SQL.find_quarantined(tx.conn, member_id=member_id)
    if row is None:
        raise UnknownPortal(f"no installation of portal {member_id} waits for confirmation")
    return _put(tx, _from_quarantine(row), registry.find(tx, member_id), wanted)


def _tokens_in_force(before: Install | None, member_id: MemberId, wanted: Wanted) -> set[bytes]:
    tokens: set[bytes] = set()
    if before is not None and before.is_active and before.application_token != UNKNOWN_TOKEN:
        tokens.add(before.application_token)
    if wanted.configured is not None and wanted.configured.member_id == member_id:
        tokens.add(wanted.configured.token)
    return tokens


def _put(tx: Tx, proved: Proved, before: Install | None, wanted: Wanted) -> KnownPortal:
    if proved.application_token == UNKNOWN_TOKEN and before is not None and before.is_active:
        # Who opens a page need not know it; the callback of the same installation has told it meanwhile.
        proved = replace(proved, application_token=before.application_token)
    previous = _replaced(before, proved.application_token)
    SQL.put(
        tx.conn,
        member_id=proved.member_id,
        domain=proved.domain,
        client_endpoint=proved.client_endpoint,
        scope=proved.scope,
        status=proved.status,
        user_id=proved.pair.user_id,
        application_token=proved.application_token,
        previous_token=previous,
        previous_until=None if previous is None else tx.now_ms + OVERLAP_MS,
        proof=proved.proof,
        installed_at=tx.now_ms,
    )
    SQL.release(tx.conn, member_id=proved.member_id)
    vault.keep(tx, proved.pair)
    registry.note_change(tx, proved.member_id)
    install = registry.find(tx, proved.member_id)
    assert install is not None, "it was written just above"
    return registry.admit(tx, install, wanted)


def renew_token(tx: Tx, member_id: MemberId, application_token: bytes, wanted: Wanted) -> KnownPortal | None:
    """Take another application_token, which an administrator's opening brought; the old one counts for a day.

    Returns:
        The portal; None if there is nothing to change.
    """
    tx.serialize(member_id)
    before = registry.find(tx, member_id)
    if before is None or not before.is_active or before.application_token == application_token:
        return None
    previous = _replaced(before, application_token)
    SQL.renew_token(
        tx.conn,
        member_id=member_id,
        application_token=application_token,
        previous_token=previous,
        previous_until=None if previous is None else tx.now_ms + OVERLAP_MS,
    )
    registry.note_change(tx, member_id)
    install = registry.find(tx, member_id)
    assert install is not None, "it was written just above"
    return registry.admit(tx, install, wanted)


def _replaced(before: Install | None, application_token: bytes) -> bytes | None:
    if before is None or not before.is_active:
        return None
    old = before.application_token
    return None if old in {UNKNOWN_TOKEN, application_token} else old


def _put_aside(tx: Tx, proved: Proved) -> None:
    tx.count(telemetry.installs_quarantined)
    SQL.quarantine(
        tx.conn,
        member_id=proved.member_id,
        domain=proved.domain,
        client_endpoint=proved.client_endpoint,
        scope=proved.scope,
        status=proved.status,
        user_id=proved.pair.user_id,
        application_token=proved.application_token,
        proof=proved.proof,
        access=proved.pair.access,
        refresh=proved.pair.refresh,
        expires_at=proved.pair.expires_at,
        received_at=proved.pair.received_at,
    )


def _from_quarantine(row: Any) -> Proved:  # noqa: ANN401 - a database row has no narrower type
    pair = SealedPair(
        member_id=row["member_id"],
        user_id=row["user_id"],
        access=row["access"],
        refresh=row["refresh"],
        expires_at=row["expires_at"],
        received_at=row["received_at"],
    )
    return Proved(
        member_id=row["member_id"],
        domain=row["domain"],
        client_endpoint=row["client_endpoint"],
        scope=row["scope"],
        status=row["status"],
        application_token=row["application_token"],
        proof=row["proof"],
        pair=pair,
    )
