"""The envelope of an event: form or JSON ⇄ one frozen value in which all but ``event`` may be absent."""

from typing import Final, cast

import msgspec

from livefeed.errors import WireError
from livefeed.wire.auth import (
    FEED_ORDER,
    INSTALL_ORDER,
    UNINSTALL_ORDER,
    WEBHOOK_ORDER,
    Auth,
    auth_form,
    parse_auth,
)
from livefeed.wire.form import DOOR_LIMITS, Form, Limits, as_form, decode_object, encode
from livefeed.wire.ids import HandlerId, decimal


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """One event as it travels.

    Source: api-reference/events/index.md

    Attributes:
        event: The wire name in upper case, ``ONLIVEFEEDPOSTUPDATE``.
        handler_id: Row of the handler it was sent to; not every event has one (A-03).
        data: ``{"FIELDS": {"POST_ID": "205"}}``; a missing one is empty.
        ts: Unix seconds at which it was sent, not at which something changed.
        auth: The sender.
        extra: All other keys, as received; also a known one whose value cannot be what it should be.
    """

    event: str
    handler_id: HandlerId | None = None
    data: Form = {}
    ts: int | None = None
    auth: Auth = Auth()
    extra: Form = {}


_KNOWN: Final = frozenset({"event", "event_handler_id", "data", "ts", "auth"})


def parse_envelope(form: Form) -> Envelope:
    """Read an event.

    Raises:
        WireError: There is no ``event``.
    """
    event = form.get("event")
    if not isinstance(event, str) or not event:
        raise WireError("event", "the name of an event", "none")
    extra: Form = {} if form.keys() <= _KNOWN else {k: v for k, v in form.items() if k not in _KNOWN}
    data = form.get("data")
    auth = form.get("auth")
    return Envelope(
        event=event.upper(),
        handler_id=cast("HandlerId | None", _number(form, "event_handler_id", extra)),
        data=data if isinstance(data, dict) else _misplaced(data, "data", extra),
        ts=_number(form, "ts", extra),
        auth=parse_auth(auth if isinstance(auth, dict) else _misplaced(auth, "auth", extra)),
        extra=extra,
    )


def _number(form: Form, key: str, extra: Form) -> int | None:
    value = form.get(key)
    if not value:
        return None
    number = decimal(value) if isinstance(value, str) else None
    if number is None:
        extra[key] = value
    return number


def _misplaced(value: str | None, key: str, extra: Form) -> Form:
    """An empty block; text in its place is kept in ``extra``."""
    if value:
        extra[key] = value
    return {}


def parse_json_envelope(body: bytes, *, limits: Limits = DOOR_LIMITS) -> Envelope:
    """Read an event sent as JSON, whose numbers, booleans and lists count as a form would carry them.

    Raises:
        TooLarge: A bound is passed.
        WireError: It is not a JSON object with an ``event``, or holds a NUL.
    """
    return parse_envelope(as_form(decode_object(body, limits=limits)))


def envelope_form(envelope: Envelope) -> Form:
    """The nested form of ``envelope``, keys in the order of its documented page."""
    form: Form = {"event": envelope.event}
    if envelope.handler_id is not None:
        form["event_handler_id"] = str(envelope.handler_id)
    if envelope.data:
        form["data"] = envelope.data
    if envelope.ts is not None:
        form["ts"] = str(envelope.ts)
    if auth := auth_form(envelope.auth, _auth_order(envelope)):
        form["auth"] = auth
    return {**form, **envelope.extra}


def _auth_order(envelope: Envelope) -> tuple[str, ...]:
    # Outgoing webhooks get neither scope nor status; the pages of the application's own events have
    # orders of their own.
    match envelope.event:
        case "ONAPPINSTALL" | "ONAPPUPDATE":
            return INSTALL_ORDER
        case "ONAPPUNINSTALL" | "ONAPPPAYMENT":
            return UNINSTALL_ORDER
        case _:
            is_webhook = envelope.auth.scope is None and envelope.auth.status is None
            return WEBHOOK_ORDER if is_webhook else FEED_ORDER


def encode_envelope(envelope: Envelope) -> bytes:
    """The form body of ``envelope``, byte for byte as documented."""
    return encode(envelope_form(envelope))


def to_json(envelope: Envelope) -> bytes:
    """``envelope`` for storage; it holds secrets, so seal it."""
    return msgspec.json.encode(envelope_form(envelope))


def from_json(body: bytes) -> Envelope:
    """The envelope that ``to_json`` wrote."""
    return parse_envelope(cast("Form", msgspec.json.decode(body)))
