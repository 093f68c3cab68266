"""Trials: how the tries of each handler of an event went, so that each keeps to its own schedule."""

import hashlib
import random
from collections.abc import Iterable, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from livefeed.durable import sql
from livefeed.durable.schedule import Schedule, next_try
from livefeed.durable.store import Tx
from livefeed.wire.ids import MemberId

_SQL: Final = sql.load("livefeed.app.handling", "trials.sql")
_SLICE: Final = 500

TrialState: TypeAlias = Literal["failing", "given up", "finished"]


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """How far a handler is with an event.

    Attributes:
        handler: Its name.
        state: failing: called again · given up: becomes a dead letter with the others · finished: remembered
            for the day on which the dead letter is put back.
        attempts: How many tries were made.
        first_at_ms: When the first became possible.
        due_at_ms: When the next is due.
        reason: Why the last one failed.
    """

    handler: str
    state: TrialState
    attempts: int
    first_at_ms: int
    due_at_ms: int = 0
    reason: str = ""


def digest_of(sealed: bytes) -> str:
    """The same for an event and for what is put back of its dead letter; no two events have one."""
    return hashlib.blake2b(sealed, digest_size=16).hexdigest()


def trials_of(tx: Tx, events: Iterable[str]) -> dict[str, dict[str, Trial]]:
    """Event → handler → how it went; nothing of handlers that have not failed."""
    return {
        event: {
            row["handler"]: Trial(
                handler=row["handler"],
                state=row["state"],
                attempts=row["attempts"],
                first_at_ms=row["first_at"],
                due_at_ms=row["due_at"],
                reason=row["reason"],
            )
            for row in _SQL.trials_of(tx.conn, event=event)
        }
        for event in events
    }


def put(tx: Tx, portal: str, event: str, trial: Trial) -> None:
    """Store how it went."""
    _SQL.put_trial(
        tx.conn,
        event=event,
        handler=trial.handler,
        portal=portal,
        state=trial.state,
        attempts=trial.attempts,
        first_at=trial.first_at_ms,
        due_at=trial.due_at_ms,
        reason=trial.reason,
        at=tx.now_ms,
    )


def hurry(tx: Tx, event: str) -> None:
    """The handlers of an event that have failed are called at its next try, whatever their schedules say."""
    _SQL.hurry_trials(tx.conn, event=event, now=tx.now_ms)


def drop(tx: Tx, events: Sequence[str], *, is_dead: bool) -> None:
    """The events are done with; of dead letters it stays known who has finished."""
    statement = _SQL.drop_tries if is_dead else _SQL.drop_trials
    for event in events:
        statement(tx.conn, event=event)


def next_at(
    schedule: Schedule | None, *, attempt: int, first_at_ms: int, now_ms: int, asked_s: float | None = None
) -> int | None:
    """When a handler that has failed is called again, in ms; None: it is given up.

    Args:
        schedule: Its own; None: it is not called again, unless it asks for that itself.
        attempt: How many tries were made.
        first_at_ms: When the first became possible.
        now_ms: The time.
        asked_s: In how many seconds the handler itself asks to be called.
    """
    if asked_s is not None:
        at_ms = now_ms + round(asked_s * 1000)
        give_up_s = (schedule or Schedule()).give_up_s
        return None if at_ms > first_at_ms + round(give_up_s * 1000) else at_ms
    if schedule is None:
        return None
    return next_try(
        schedule,
        attempt=attempt,
        now_ms=now_ms,
        first_at_ms=first_at_ms,
        retry_after_s=None,
        draw=random.random(),
    )


def purge(tx: Tx, *, before_ms: int) -> int:
    """Forget a slice of those that are older than ``before_ms``; returns how many."""
    count: int = _SQL.purge_trials(tx.conn, before=before_ms, limit=_SLICE)
    return count


def forget(tx: Tx, portal: MemberId) -> None:
    """Erase those of a portal."""
    _SQL.forget_trials(tx.conn, portal=portal)
