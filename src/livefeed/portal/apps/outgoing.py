"""Outgoing webhooks: an address that is sent chosen events, proved by a token of its own, without OAuth."""

from dataclasses import dataclass
from typing import Any, Final

from livefeed.clock import fresh_code
from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.portal.portals import next_id
from livefeed.secrets import KeyRing, Secret
from livefeed.wire.ids import MemberId, UserId, WebhookId

_TOKEN_LENGTH: Final = 32

_sql = load("livefeed.portal.apps", "webhooks.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """An outgoing webhook; which events it is sent, its handlers say.

    Attributes:
        id: Its number on the portal.
        person: Who made it, or took it over.
        name: What people call it.
        url: Where its events are sent.
        sealed_token: The application_token, sealed.
        created_at: Milliseconds since the epoch.
        removed_at: When it was removed; None: it is in use.
    """

    id: WebhookId
    portal: MemberId
    person: UserId
    name: str
    url: str
    sealed_token: bytes
    created_at: int
    removed_at: int | None

    def application_token(self, keys: KeyRing) -> Secret:
        """The secret that proves its events genuine; people see it in the webhook's form."""
        return Secret(keys.open(self.sealed_token, context=context_of(self.portal)).decode("ascii"))

    def signing_name(self, keys: KeyRing) -> str:
        """What the key of its ``webhook-signature`` is derived from: another token means another key."""
        return f"{self.portal}:{self.id}:{self.application_token(keys).reveal()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A new application_token, sealed: made before the unit that stores it."""

    sealed: bytes


def new_token(keys: KeyRing, portal: MemberId) -> Token:
    """A token of 32 characters of ``[a-z0-9]``, as the documented example has.

    Source: api-reference/events/index.md
    """
    return Token(sealed=keys.seal(fresh_code(_TOKEN_LENGTH).encode("ascii"), context=context_of(portal)))


def add(tx: Tx, portal: MemberId, *, person: UserId, name: str, url: str, token: Token) -> Outgoing:
    """Make an outgoing webhook; its handlers are bound by the caller."""
    webhook_id = WebhookId(next_id(tx, portal, "webhook"))
    _sql.add_outgoing(
        tx.conn,
        portal=portal,
        id=webhook_id,
        person=person,
        name=name,
        url=url,
        application_token=token.sealed,
        now=tx.now_ms,
    )
    made = find(tx, portal, webhook_id)
    assert made is not None, "it was just written"
    return made


def find(tx: Tx, portal: MemberId, webhook_id: WebhookId) -> Outgoing | None:
    """The outgoing webhook with this number, a removed one too."""
    row = _sql.outgoing(tx.conn, portal=portal, id=webhook_id)
    return None if row is None else _outgoing(row)


def select(tx: Tx, portal: MemberId, *, person: UserId | None = None) -> list[Outgoing]:
    """The outgoing webhooks in use, of a portal or of one person, by number."""
    if person is None:
        return [_outgoing(row) for row in _sql.all_outgoing(tx.conn, portal=portal)]
    return [_outgoing(row) for row in _sql.outgoing_of_person(tx.conn, portal=portal, person=person)]


def change(tx: Tx, webhook: Outgoing) -> None:
    """Store another name or address."""
    _sql.change_outgoing(tx.conn, portal=webhook.portal, id=webhook.id, name=webhook.name, url=webhook.url)


def regenerate(tx: Tx, webhook: Outgoing, token: Token, *, person: UserId) -> None:
    """Another token, and whose webhook it is from now on."""
    _sql.regenerate_outgoing(
        tx.conn, portal=webhook.portal, id=webhook.id, person=person, application_token=token.sealed
    )


def remove(tx: Tx, webhook: Outgoing) -> None:
    """It is in use no longer; the row stays for questions about its handlers."""
    _sql.remove_outgoing(tx.conn, portal=webhook.portal, id=webhook.id, now=tx.now_ms)


def context_of(portal: MemberId) -> bytes:
    """Binds a sealed token to its portal."""
    return f"webhook:{portal}".encode()


def _outgoing(row: Any) -> Outgoing:  # noqa: ANN401 - a row of the database
    return Outgoing(
        id=WebhookId(row["id"]),
        portal=MemberId(row["portal"]),
        person=UserId(row["person"]),
        name=row["name"],
        url=row["url"],
        sealed_token=row["application_token"],
        created_at=row["created_at"],
        removed_at=row["removed_at"],
    )
