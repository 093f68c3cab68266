"""Incoming webhooks: a code in the URL that calls methods with the rights of one person."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from livefeed.clock import fresh_code
from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.portal.call import Principal
from livefeed.portal.portals import PortalRow, next_id
from livefeed.secrets import KeyRing
from livefeed.wire.faults import NoAuthFound
from livefeed.wire.ids import MemberId, UserId

SCOPES: Final = ("log", "im", "user", "department", "sonet_group")
_CODE_LENGTH: Final = 16

_sql = load("livefeed.portal.apps", "webhooks.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What a webhook URL says: the person, and the hash of the code."""

    user_id: UserId
    code_hash: bytes


def add(
    tx: Tx,
    *,
    portal: MemberId,
    user_id: UserId,
    scopes: Iterable[str],
    keys: KeyRing,
    name: str = "",
    expires_at: int | None = None,
) -> str:
    """Make an incoming webhook.

    Returns:
        Its code, 16 characters of ``[a-z0-9]``; only its hash is stored, so this is the one time to see it.
    """
    code = fresh_code(_CODE_LENGTH)
    _sql.add_webhook(
        tx.conn,
        portal=portal,
        person=user_id,
        code_hash=keys.hash(code),
        id=next_id(tx, portal, "webhook"),
        scopes=",".join(scopes),
        name=name,
        now=tx.now_ms,
        expires_at=expires_at,
    )
    return code


def url(portal: PortalRow, user_id: UserId, code: str) -> str:
    """The webhook's address, with a slash at the end: ``http://127.0.0.1:8024/rest/1/8g9l071eismy9q2l/``."""
    return f"{portal.client_endpoint}{user_id}/{code}/"


def credential(keys: KeyRing, user_id: UserId, code: str) -> Credential:
    """What is looked up; hashed before the unit."""
    return Credential(user_id=user_id, code_hash=keys.hash(code))


def principal_of(tx: Tx, *, portal: MemberId, credential: Credential) -> Principal:
    """Who calls with this webhook.

    Raises:
        NoAuthFound: No such webhook, it has expired (contract A-58), or its person is dismissed.
    """
    row = _sql.webhook(
        tx.conn, portal=portal, person=credential.user_id, code_hash=credential.code_hash, now=tx.now_ms
    )
    if row is None:
        raise NoAuthFound
    return Principal(
        user_id=credential.user_id, is_admin=bool(row[2]), scopes=_scopes(row[1]), webhook_id=row[0]
    )


@lru_cache(maxsize=256)
def _scopes(text: str) -> frozenset[str]:
    return frozenset(text.split(",")) if text else frozenset()
