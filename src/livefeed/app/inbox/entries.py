"""Entries: how an event lies in the inbox, sealed, and in which lane."""

from typing import Final, Protocol

import msgspec

from livefeed.client.safes.keys import PortalKeys
from livefeed.wire.envelopes import (
    Envelope,
    encode_envelope,
    envelope_form,
    from_json,
    parse_envelope,
    parse_json_envelope,
    to_json,
)
from livefeed.wire.events import POST_EVENTS, typed
from livefeed.wire.form import decode
from livefeed.wire.headings import Heading, learn, read_heading, read_known
from livefeed.wire.ids import MemberId, PostId, decimal

POST: Final = "post:"
"""Before the number of a post in the name of its lane."""
OTHER_EVENTS: Final = "app:events"
"""The lane of all events that are about no one thing."""
_CHANGES: Final = ("ADD", "UPDATE", "DELETE")
_LONGEST_NAME: Final = 64
_JSON: Final = b"\x00"
"""Before a body that came as JSON; no form has a NUL."""


def post_key(post_id: PostId) -> str:
    """The lane of one post: ``post:205``."""
    return f"{POST}{post_id}"


class Received(msgspec.Struct, frozen=True):
    """An event that came in, not yet proved.

    Attributes:
        heading: What it says first of all.
        stored: The form as it came, or a mark and the JSON as it came; `open_entry` reads both.
        is_news: Whether its keys came in an order that is not known yet.
    """

    heading: Heading
    stored: bytes
    is_news: bool = False

    def envelope(self) -> Envelope:
        """The whole event."""
        return _read_stored(self.stored)

    def proved(self) -> None:
        """Its sender is who he says he is: more of this kind may come."""
        if self.is_news:
            learn(self.stored)

    def key(self) -> str:
        """Its lane: that of its post, of another thing that has a number, or the one of all other events.

        Raises:
            WireError: A post event without a usable POST_ID.
        """
        heading = self.heading
        if heading.post_id is not None:
            return post_key(heading.post_id)
        if heading.event in POST_EVENTS:
            typed(self.envelope())
        return _thing_key(self.envelope())

    def seal(self, keys: PortalKeys, member_id: MemberId) -> bytes:
        """The body of an inbox entry: tokens never lie in the database in clear."""
        return keys.of[member_id].seal(self.stored, context=_context(member_id))


def _thing_key(envelope: Envelope) -> str:
    """``event:crmdeal:12`` for whatever happens to deal 12: most events name it as FIELDS[ID].

    Source: api-reference/events/index.md
    """
    fields = envelope.data.get("FIELDS")
    text = fields.get("ID") if isinstance(fields, dict) else None
    number = decimal(text) if isinstance(text, str) else None
    name = envelope.event.removeprefix("ON")
    if not number or len(name) > _LONGEST_NAME:
        return OTHER_EVENTS
    for change in _CHANGES:
        name = name.removesuffix(change)
    return f"event:{name.lower()}:{number}"


def read_event(body: bytes, is_json: bool) -> Received:
    """Read the body of a request.

    Raises:
        WireError: It is no event.
    """
    if is_json:
        form = envelope_form(parse_json_envelope(body))
        return Received(read_heading(form), _JSON + body)
    known = read_known(body)
    if known is not None:
        return Received(known, body)
    return Received(read_heading(decode(body, strict=True)), body, True)


def seal_entry(keys: PortalKeys, member_id: MemberId, envelope: Envelope) -> bytes:
    """The body of an inbox entry that did not come through the door."""
    return keys.seal(member_id, to_json(envelope), context=_context(member_id))


def open_entry(keys: PortalKeys, member_id: MemberId, body: bytes) -> Envelope:
    """The envelope in a sealed body.

    Raises:
        SettingsError: It was sealed with another key, or for another portal.
    """
    return _read_stored(keys.open(member_id, body, context=_context(member_id)))


class Opener(Protocol):
    """Opens what is sealed for a portal."""

    def open(self, member_id: MemberId, blob: bytes, *, context: bytes) -> bytes:
        """What was sealed; SettingsError: with another key."""
        ...


def open_body(keys: Opener, member_id: MemberId, body: bytes) -> tuple[str, bytes]:
    """The content type and the body of what lies sealed there, byte for byte as it came.

    What did not come through the door is given the form in which a portal would have sent it.

    Raises:
        SettingsError: It was sealed with another key, or for another portal.
    """
    stored = keys.open(member_id, body, context=_context(member_id))
    if stored.startswith(_JSON):
        return "application/json", stored.removeprefix(_JSON)
    if stored.startswith(b"{"):
        return "application/x-www-form-urlencoded", encode_envelope(from_json(stored))
    return "application/x-www-form-urlencoded", stored


def _read_stored(stored: bytes) -> Envelope:
    if stored.startswith(_JSON):
        return parse_json_envelope(stored.removeprefix(_JSON))
    # No form that is taken as one begins with a brace; the door reads such a body as JSON.
    return from_json(stored) if stored.startswith(b"{") else parse_envelope(decode(stored, strict=True))


def _context(member_id: MemberId) -> bytes:
    return b"entry:" + member_id.encode()
