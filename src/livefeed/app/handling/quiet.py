"""Quiet handlers: their events wait in lanes of their own until nothing new has come for a while."""

from typing import Final

import msgspec

from livefeed.app.contexts.items import Item
from livefeed.app.handling.trials import digest_of
from livefeed.app.inbox import open_entry
from livefeed.app.installs.registry import ConsumerSpec
from livefeed.app.routing.handlers import Handler
from livefeed.client.safes.keys import PortalKeys
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.entries import Entry, append
from livefeed.durable.store import Tx
from livefeed.wire.events import typed
from livefeed.wire.ids import MemberId

LONGEST_RUN: Final = 256
_CAP: Final = 32


class _Waiting(msgspec.Struct, frozen=True, array_like=True):
    """An event of the inbox that waits: its place there, when it came, and its sealed body."""

    seq: int
    at_ms: int
    sealed: bytes


OWN_LANES: Final = "handler:"
"""What the names of such consumers begin with."""

_waiting: Final = msgspec.msgpack.Decoder(_Waiting)


def name_of(handler: Handler) -> str:
    """The consumer that a quiet handler has in each portal."""
    return f"{OWN_LANES}{handler.name}"


def spec_of(handler: Handler) -> ConsumerSpec:
    """What that consumer is like."""
    quiet_s = handler.options.quiet_s
    assert quiet_s is not None, "only quiet handlers have lanes of their own"
    return ConsumerSpec(
        name=name_of(handler),
        cap=_CAP,
        quiet_ms=round(quiet_s * 1000),
        max_wait_ms=round(handler.options.max_wait_s * 1000),
        entries_limit=LONGEST_RUN,
    )


def hand_over(entry: Entry, consumer: ConsumerId, tx: Tx) -> None:
    """Let an event of the inbox wait for ``consumer`` as well."""
    waiting = _Waiting(entry.seq, entry.at_ms, entry.body)
    append(
        tx,
        portal=entry.portal,
        key=entry.key,
        kind=entry.kind,
        body=msgspec.msgpack.encode(waiting),
        source="inbox",
        consumers=[consumer],
        only=consumer,
    )


def digest_in(entry: Entry) -> str:
    """The digest of the event that waits.

    Raises:
        DecodeError: It is damaged.
    """
    return digest_of(_waiting.decode(entry.body).sealed)


def read_item(keys: PortalKeys, entry: Entry) -> Item:
    """The event that has waited.

    Raises:
        SettingsError: It was sealed with another key.
        DecodeError: It is damaged.
    """
    waiting = _waiting.decode(entry.body)
    return Item(
        seq=waiting.seq,
        event=typed(open_entry(keys, MemberId(entry.portal), waiting.sealed)),
        at_ms=waiting.at_ms,
        digest=digest_of(waiting.sealed),
        mark=entry.seq,
    )
