"""Requests as they were sent, rebuilt from the event, the handler and the time; secrets are holes in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from livefeed.durable.attempts import Attempt
from livefeed.durable.entries import Entry, get_entry
from livefeed.durable.store import Tx
from livefeed.portal.apps.tokens import TOKEN_CHARS
from livefeed.portal.events.bodies import Tokens
from livefeed.portal.events.cards import Card, past_card
from livefeed.portal.events.dispatcher import body_of
from livefeed.portal.events.log.masks import Hole, Piece, cut, dotted, host_of, is_plain, masked_path
from livefeed.portal.events.outbox import Happening, post_of
from livefeed.portal.events.sender import USER_AGENT
from livefeed.secrets import KeyRing

_TOKENS: Final = {
    # Stand for tokens of the same length, which are never made for a page.
    "ACCESS_TOKEN": "access".center(TOKEN_CHARS, "0"),
    "REFRESH_TOKEN": "refresh".center(TOKEN_CHARS, "0"),
}
_SIGNATURE_CHARS: Final = 44


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request without its secrets.

    Attributes:
        url: Where it went; a hole if the address may be a password.
        line: ``POST /events HTTP/1.1``, masked.
        headers: By name, in the order of sending.
        body: The form.
        is_exact: It is as long as what was sent; else something has changed since, and this is what would be
            sent now.
    """

    url: Piece
    line: str
    headers: Mapping[str, tuple[Piece, ...]]
    body: tuple[Piece, ...]
    is_exact: bool

    @property
    def text(self) -> str:
        """The request as it went over the wire, with dots for secrets."""
        head = [self.line, *(f"{name}: {dotted(pieces)}" for name, pieces in self.headers.items())]
        return "\n".join([*head, "", dotted(self.body)])


def rebuilt(tx: Tx, keys: KeyRing, attempt: Attempt) -> Sent | None:
    """The request of an attempt; None if its event is purged, or nothing is known of who was sent to."""
    entry = get_entry(tx, attempt.seq)
    card = past_card(tx, keys, attempt.consumer)
    if entry is None or card is None or attempt.attempt == 0:
        return None
    body = _body(card, entry, attempt)
    named = [("APPLICATION_TOKEN", card.application_token), *_TOKENS.items()]
    length = len(body.encode())
    return Sent(
        url=card.url if is_plain(card.url) else Hole(name="HANDLER_URL", length=len(card.url)),
        line=f"POST {masked_path(card.url)} HTTP/1.1",
        headers=_headers(card, attempt, length),
        body=cut(body, named),
        is_exact=attempt.size in (0, length),
    )


def _body(card: Card, entry: Entry, attempt: Attempt) -> str:
    """With tokens or without, whichever is as long as what was sent; else as it would be now."""
    happening = Happening.read(entry.body)
    ts = attempt.sent_at_ms // 1000
    person = card.auth_type or happening.actor
    choices: list[Tokens | None] = [None]
    if card.app is not None and person:
        access, refresh = (token.encode("ascii") for token in _TOKENS.values())
        choices.insert(0, Tokens(access=access, refresh=refresh, user=person))
    bodies = [body_of(card, post_of(entry.key), happening, ts, tokens) for tokens in choices]
    return next((body for body in bodies if len(body) == attempt.size), bodies[0]).decode()


def _headers(card: Card, attempt: Attempt, length: int) -> dict[str, tuple[Piece, ...]]:
    headers: dict[str, tuple[Piece, ...]] = {}
    if attempt.webhook_id:
        signature = Hole(name="WEBHOOK_SIGNATURE", length=_SIGNATURE_CHARS)
        signed = card.signer.headers(attempt.webhook_id, attempt.sent_at_ms // 1000, b"")
        headers |= {name: (value,) for name, value in signed.items()}
        headers["webhook-signature"] = ("v1,", signature)
    else:
        headers["content-type"] = ("application/x-www-form-urlencoded",)
    return {
        **headers,
        "accept": ("*/*",),
        "user-agent": (USER_AGENT,),
        "host": (host_of(card.url),),
        "content-length": (str(length),),
    }
