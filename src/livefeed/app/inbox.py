"""The inbox: how an event lies in it, what happened to it there, and how it is shown."""

from collections.abc import Sequence
from typing import Final, Literal, Protocol, TypeAlias

import msgspec

from livefeed.client.safes.keys import PortalKeys
from livefeed.durable import sql
from livefeed.durable.store import Tx
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

_SQL: Final = sql.load("livefeed.app", "inbox.sql")
_POST: Final = "post:"
OTHER_EVENTS: Final = "app:events"
"""The lane of all events that are about no one thing."""
_CHANGES: Final = ("ADD", "UPDATE", "DELETE")
_LONGEST_NAME: Final = 64
_JSON: Final = b"\x00"
"""Before a body that came as JSON; no form has a NUL."""

STEPS: Final = "steps"
"""The topic of units that record what happened to an event."""

FINISHED: Final = "finished"
"""The step that ends an event; its detail is the number of tries."""

DEAD: Final = "dead"
"""The step that says that an event was given up, by all its handlers or by one with lanes of its own."""

FOUND_BY_SWEEP: Final = "found by sweep"
"""The detail of the first step of an event that nothing had told of."""

_LOOKED_FOR: Final = {"sweep": FOUND_BY_SWEEP, "offline": "fetched from the queue of offline events"}

EventState: TypeAlias = Literal["waiting", "leased", "backing_off", "done", "dead", "dropped"]
"""dropped: the portal left before the event was dealt with."""


class Step(msgspec.Struct, frozen=True):
    """One thing that happened to an event.

    Attributes:
        step: ``received verified coalesced fetched compared told finished`` and what handlers add.
        at_ms: When.
        detail: One line for people; never a secret.
    """

    step: str
    at_ms: int
    detail: str = ""


class InboxRow(msgspec.Struct, frozen=True, kw_only=True):
    """One event as shown to people."""

    seq: int
    portal: MemberId
    event: str
    post: PostId | None
    state: EventState
    attempts: int
    steps: tuple[Step, ...]


class _EventRow(msgspec.Struct, frozen=True):
    """One row of ``list_events``."""

    seq: int
    portal: MemberId
    kind: str
    key: str
    at: int
    source: str
    attempt: int | None
    is_leased: int
    is_pending: int


def post_key(post_id: PostId) -> str:
    """The lane of one post: ``post:205``."""
    return f"{_POST}{post_id}"


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


def add_steps(tx: Tx, seqs: Sequence[int], steps: Sequence[Step]) -> None:
    """Record ``steps`` for each event of a run."""
    for seq in seqs:
        for place, step in enumerate(steps):
            _SQL.add_step(tx.conn, seq=seq, step=step.step, place=place, at=step.at_ms, detail=step.detail)
    tx.wake(STEPS)


def list_inbox(
    tx: Tx,
    *,
    portal: str | None = None,
    post: PostId | None = None,
    since_ms: int = 0,
    before: int | None = None,
    limit: int = 100,
) -> list[InboxRow]:
    """The newest events first; with ``before`` only those that came before the event of this number."""
    key = None if post is None else post_key(post)
    found = _SQL.list_events(tx.conn, portal=portal, key=key, since=since_ms, before=before, limit=limit)
    rows = [_EventRow(*row) for row in found]
    seqs = msgspec.json.encode([row.seq for row in rows]).decode()
    dead: dict[int, str] = {row["seq"]: row["reason"] for row in _SQL.dead_of(tx.conn, seqs=seqs)}
    steps: dict[int, list[Step]] = {}
    for row in _SQL.steps_of(tx.conn, seqs=seqs):
        steps.setdefault(row["seq"], []).append(Step(row["step"], row["at"], row["detail"]))
    return [_shown(row, steps.get(row.seq, []), dead.get(row.seq)) for row in rows]


def pending_setup(tx: Tx, portal: MemberId, consumers: Sequence[str]) -> int:
    """How many lanes are left of the work that belongs to a portal's installation."""
    names = msgspec.json.encode(list(consumers)).decode()
    return int(_SQL.pending_setup(tx.conn, portal=portal, names=names))


def orphan_steps(tx: Tx, limit: int = 500) -> list[int]:
    """Events that are purged but have left steps; for a reader, since it may look at all steps."""
    return [row[0] for row in _SQL.orphan_steps(tx.conn, limit=limit)]


def drop_steps(tx: Tx, seqs: Sequence[int]) -> None:
    """Delete the steps of ``seqs``."""
    _SQL.drop_steps(tx.conn, seqs=msgspec.json.encode(list(seqs)).decode())


def _shown(row: _EventRow, steps: list[Step], death: str | None) -> InboxRow:
    ends = [Step(DEAD, row.at, death)] if death is not None else []
    post_id = decimal(row.key.removeprefix(_POST)) if row.key.startswith(_POST) else None
    return InboxRow(
        seq=row.seq,
        portal=row.portal,
        event=row.kind,
        post=None if post_id is None else PostId(post_id),
        state=_state(row, steps, death),
        attempts=_attempts(row, steps),
        steps=(*_coming(row), *steps, *ends),
    )


def _coming(row: _EventRow) -> tuple[Step, ...]:
    """How it came: what comes to the door is proved, what was looked for by ourselves needs no proof."""
    how = _LOOKED_FOR.get(row.source)
    if how is not None:
        return (Step("received", row.at, how),)
    return Step("received", row.at), Step("verified", row.at)


def _state(row: _EventRow, steps: list[Step], death: str | None) -> EventState:
    if death is not None:
        return "dead"
    if not row.is_pending:
        ends = [step.step for step in steps if step.step in {FINISHED, DEAD}]
        return "dropped" if not ends else "dead" if ends[-1] == DEAD else "done"
    if row.is_leased:
        return "leased"
    return "backing_off" if row.attempt else "waiting"


def _attempts(row: _EventRow, steps: list[Step]) -> int:
    if row.is_pending:
        return row.attempt or 0
    counts = [decimal(step.detail) or 1 for step in steps if step.step == FINISHED]
    return counts[-1] if counts else 0
