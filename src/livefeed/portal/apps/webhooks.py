"""Incoming webhooks: a code in the URL that calls methods with the rights of one person."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import msgspec

from livefeed.clock import fresh_code
from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.portal.call import Principal
from livefeed.portal.portals import PortalRow, next_id
from livefeed.secrets import KeyRing, Secret
from livefeed.wire.faults import NoAuthFound
from livefeed.wire.ids import MemberId, UserId, WebhookId

SCOPES: Final = ("log", "im", "user", "department", "sonet_group")
_CODE_LENGTH: Final = 16

_sql = load("livefeed.portal.apps", "webhooks.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """An incoming webhook, without its code, which nobody knows but who was shown it.

    Attributes:
        id: Its number on the portal.
        person: Whose rights it has.
        scopes: What it may do, sorted.
        name: What people call it.
        created_at: Milliseconds since the epoch.
        expires_at: From when on it is refused; None: never.
    """

    id: WebhookId
    portal: MemberId
    person: UserId
    scopes: tuple[str, ...]
    name: str
    created_at: int
    expires_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A new code and its hash: made before the unit that stores the hash."""

    code: Secret
    hash: bytes


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """What a webhook URL says: the person, and the hash of the code."""

    user_id: UserId
    code_hash: bytes


def new_code(keys: KeyRing) -> Code:
    """A code of 16 characters of ``[a-z0-9]``."""
    code = fresh_code(_CODE_LENGTH)
    return Code(code=Secret(code), hash=keys.hash(code))


def add(
    tx: Tx,
    *,
    portal: MemberId,
    user_id: UserId,
    scopes: Iterable[str],
    code: Code,
    name: str = "",
    expires_at: int | None = None,
) -> WebhookId:
    """Make an incoming webhook and return its number; of its code only the hash is stored."""
    webhook_id = WebhookId(next_id(tx, portal, "webhook"))
    _sql.add_webhook(
        tx.conn,
        portal=portal,
        person=user_id,
        code_hash=code.hash,
        id=webhook_id,
        scopes=",".join(sorted(scopes)),
        name=name,
        now=tx.now_ms,
        expires_at=expires_at,
    )
    return webhook_id


def find(tx: Tx, portal: MemberId, webhook_id: WebhookId) -> Incoming | None:
    """The incoming webhook with this number."""
    row = _sql.incoming(tx.conn, portal=portal, id=webhook_id)
    return None if row is None else _incoming(row)


def select(tx: Tx, portal: MemberId, *, person: UserId | None = None) -> list[Incoming]:
    """The incoming webhooks of a portal, or of one person, by number."""
    if person is None:
        return [_incoming(row) for row in _sql.all_incoming(tx.conn, portal=portal)]
    return [_incoming(row) for row in _sql.incoming_of_person(tx.conn, portal=portal, person=person)]


def change(tx: Tx, webhook: Incoming) -> None:
    """Store another scope, name or end; the code stays good."""
    _sql.change_webhook(
        tx.conn,
        portal=webhook.portal,
        id=webhook.id,
        scopes=",".join(sorted(webhook.scopes)),
        name=webhook.name,
        expires_at=webhook.expires_at,
    )


def regenerate(tx: Tx, webhook: Incoming, code: Code, *, person: UserId) -> None:
    """Another code, with the rights of ``person``: the old one is dead when this is committed."""
    _sql.regenerate_webhook(tx.conn, portal=webhook.portal, id=webhook.id, person=person, code_hash=code.hash)


def remove(tx: Tx, webhook: Incoming) -> None:
    """Its code is dead when this is committed."""
    _sql.remove_webhook(tx.conn, portal=webhook.portal, id=webhook.id)


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


def _incoming(row: Any) -> Incoming:  # noqa: ANN401 - a row of the database
    return Incoming(
        id=WebhookId(row["id"]),
        portal=MemberId(row["portal"]),
        person=UserId(row["person"]),
        scopes=tuple(sorted(_scopes(row["scopes"]))),
        name=row["name"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )


@lru_cache(maxsize=256)
def _scopes(text: str) -> frozenset[str]:
    return frozenset(text.split(",")) if text else frozenset()
