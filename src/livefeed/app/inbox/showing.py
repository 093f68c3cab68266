"""Showing: what happened to an event in the inbox, and how it is shown to people."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from livefeed.app.inbox import details
from livefeed.app.inbox.details import Detail
from livefeed.app.inbox.entries import POST, post_key
from livefeed.durable import sql
from livefeed.durable.store import Tx
from livefeed.ui.languages import LANGUAGES, Words, noted, told
from livefeed.wire.ids import MemberId, PostId, decimal

_SQL: Final = sql.load("livefeed.app.inbox", "inbox.sql")

STEPS: Final = "steps"
"""The topic of units that record what happened to an event."""

FINISHED: Final = "finished"
"""The step that ends an event; its detail is the number of tries."""

FAILED: Final = "failed"
"""The step of a try that failed; its detail says why."""

DEAD: Final = "dead"
"""The step that says that an event was given up, by all its handlers or by one with lanes of its own."""

TRIED: Final = "tried"
"""The step of an event that was given up whose detail is the number of tries; it is not shown as one."""

REPLAYED: Final = "replayed"
"""The step that says that a dead letter was put back; its detail names the event that it is now."""

FOUND_BY_SWEEP: Final = noted("found by sweep")
"""The detail of the first step of an event that nothing had told of."""

_ENDS: Final = frozenset({FINISHED, DEAD, REPLAYED})
_LOOKED_FOR: Final[Mapping[str, Words]] = {
    "sweep": FOUND_BY_SWEEP,
    "offline": noted("fetched from the queue of offline events"),
    "app.info": noted("told without application_token; the portal was asked"),
}

EventState: TypeAlias = Literal["waiting", "leased", "backing_off", "done", "dead", "replayed", "dropped"]
"""replayed: given up, and put back as another event · dropped: the portal left before it was dealt with."""


class Step(msgspec.Struct, frozen=True):
    """One thing that happened to an event.

    Attributes:
        step: ``received verified coalesced fetched compared told finished`` and what handlers add.
        at_ms: When.
        words: One line for people, in any language; never a secret.
    """

    step: str
    at_ms: int
    words: Detail = ""

    @property
    def detail(self) -> str:
        """The line in English."""
        return told(self.words, LANGUAGES[0])


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
    has_another_before: int


def add_steps(tx: Tx, seqs: Sequence[int], steps: Sequence[Step]) -> None:
    """Record ``steps`` for each event of a run."""
    for seq in seqs:
        for place, step in enumerate(steps):
            detail = details.stored(step.words)
            _SQL.add_step(tx.conn, seq=seq, step=step.step, place=place, at=step.at_ms, detail=detail)
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
        steps.setdefault(row["seq"], []).append(Step(row["step"], row["at"], details.read(row["detail"])))
    unclear = [row.seq for row in rows if row.seq not in dead and _is_unclear(row, steps.get(row.seq, []))]
    again: dict[int, Step] = {
        row["seq"]: Step(REPLAYED, row["at"], noted("as %(seq)s", seq=row["again"]))
        for row in _SQL.replays_of(tx.conn, seqs=msgspec.json.encode(unclear).decode())
    }
    return [_shown(row, steps.get(row.seq, []), dead.get(row.seq), again.get(row.seq)) for row in rows]


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


def _shown(row: _EventRow, steps: list[Step], death: str | None, again: Step | None) -> InboxRow:
    if row.is_pending:
        # A handler with lanes of its own is done with it; the others are not.
        steps = [step for step in steps if step.step != FINISHED]
    attempts = _attempts(row, steps)
    steps = [step for step in steps if step.step != TRIED]
    ends = [Step(DEAD, row.at, death)] if death is not None else [again] if again is not None else []
    post_id = decimal(row.key.removeprefix(POST)) if row.key.startswith(POST) else None
    return InboxRow(
        seq=row.seq,
        portal=row.portal,
        event=row.kind,
        post=None if post_id is None else PostId(post_id),
        state=_state(row, [*steps, *ends]),
        attempts=attempts,
        steps=(*_coming(row), *steps, *ends),
    )


def _coming(row: _EventRow) -> tuple[Step, ...]:
    """How it came: what comes to the door is proved, what was looked for by ourselves needs no proof."""
    how = _LOOKED_FOR.get(row.source)
    if how is not None:
        return (Step("received", row.at, how),)
    return Step("received", row.at), Step("verified", row.at)


def _is_unclear(row: _EventRow, steps: list[Step]) -> bool:
    """Whether it is over and nothing says how."""
    return not row.is_pending and not any(step.step in _ENDS for step in steps)


def _state(row: _EventRow, steps: list[Step]) -> EventState:
    if row.is_pending:
        if not row.attempt or _is_behind(row, steps):
            return "waiting"
        return "leased" if row.is_leased else "backing_off"
    ends = [step.step for step in steps if step.step in _ENDS]
    match ends[-1:]:
        case [step] if step == REPLAYED:
            return "replayed"
        case [step]:
            return "dead" if step == DEAD else "done"
        case _:
            return "dropped"


def _is_behind(row: _EventRow, steps: list[Step]) -> bool:
    """Whether it waits for another event of its lane, and was no part of what was tried with that."""
    return bool(row.has_another_before) and not any(step.step == FAILED for step in steps)


def _attempts(row: _EventRow, steps: list[Step]) -> int:
    if row.is_pending:
        return 0 if _is_behind(row, steps) else row.attempt or 0
    counts = [decimal(step.detail) or 1 for step in steps if step.step in {FINISHED, TRIED}]
    return counts[-1] if counts else 0
