"""Where the application itself keeps a person: tokens, events that name him, what waits for him, holds."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from livefeed.app.inbox import post_key
from livefeed.clock import iso
from livefeed.durable.entries import Entry, entries_after
from livefeed.durable.purge import erase_entry
from livefeed.durable.store import Tx
from livefeed.notifier.privacy.cases import After, Case, Mended, Place, Row, rows_of
from livefeed.notifier.privacy.screen import SQL


def _show_pair(row: Row, _case: Case) -> Mapping[str, object]:
    return {
        "kind": row["kind"],
        "state": row["state"],
        "received_at": iso(row["received_at"]),
        "expires_at": iso(row["expires_at"]),
    }


def _drop_pair(tx: Tx, _row: Row, case: Case) -> Mended:
    SQL.drop_pair(tx.conn, portal=case.portal, person=case.person)
    return "mended"


def _show_quarantine(row: Row, _case: Case) -> Mapping[str, object]:
    return {"domain": row["domain"], "received_at": iso(row["received_at"])}


def _drop_quarantine(tx: Tx, _row: Row, case: Case) -> Mended:
    SQL.drop_quarantine(tx.conn, portal=case.portal, person=case.person)
    return "mended"


def _show_install(row: Row, _case: Case) -> Mapping[str, object]:
    return {"state": row["state"], "domain": row["domain"], "installed_at": iso(row["installed_at"])}


def _leave_install(_tx: Tx, _row: Row, _case: Case) -> Mended:
    """Who has installed the application is not erased; it would stand still."""
    return "held"


def _show_sweep(row: Row, _case: Case) -> Mapping[str, object]:
    return {"scope": row["scope"], "is_looking_with_his_token": True}


def _mend_sweep(tx: Tx, _row: Row, case: Case) -> Mended:
    SQL.mend_sweeps(tx.conn, portal=case.portal, person=case.person)
    return "mended"


def _show_hold(row: Row, _case: Case) -> Mapping[str, object]:
    return {
        "set_at": iso(row["set_at"]),
        "reason": row["reason"],
        "set_by": row["set_by"],
        "ended_at": None if row["ended_at"] is None else iso(row["ended_at"]),
    }


def _mend_hold(tx: Tx, _row: Row, case: Case) -> Mended:
    SQL.mend_holds(tx.conn, portal=case.portal, person=case.person)
    return "mended"


def _walk_events(tx: Tx, case: Case, after: After, most: int, /) -> Sequence[Row]:
    return [
        {"a": one.seq, "b": 0, "entry": one}
        for one in entries_after(tx, portal=case.portal, after=max(after[0], 0), limit=most)
    ]


def _is_in_event(row: Row, case: Case) -> bool:
    entry: Entry = row["entry"]
    if entry.key == case.key:
        return True
    envelope = case.opened(entry.body)
    return envelope is not None and case.is_named(envelope)


def _show_event(row: Row, case: Case) -> Mapping[str, object]:
    entry: Entry = row["entry"]
    envelope = case.opened(entry.body)
    return {
        "seq": entry.seq,
        "event": entry.kind,
        "about": entry.key,
        "at": iso(entry.at_ms),
        "acted": envelope is not None and envelope.auth.user_id == case.person,
        "data": None if envelope is None else envelope.data,
    }


def _mend_event(tx: Tx, row: Row, case: Case) -> Mended:
    """His own notices go even if they wait; an event that waits for its handler is left until then."""
    entry: Entry = row["entry"]
    if _is_held(entry.key, case):
        return "held"
    return "mended" if erase_entry(tx, entry, even_pending=entry.key == case.key) else "left"


def _is_in_letter(row: Row, case: Case) -> bool:
    if row["key"] == case.key:
        return True
    envelope = case.opened(row["body"])
    return envelope is not None and case.is_named(envelope)


def _show_letter(row: Row, _case: Case) -> Mapping[str, object]:
    return {
        "id": row["id"],
        "seq": row["seq"],
        "event": row["kind"],
        "about": row["key"],
        "at": iso(row["at"]),
        "reason": row["reason"],
    }


def _mend_letter(tx: Tx, row: Row, case: Case) -> Mended:
    if _is_held(row["key"], case):
        return "held"
    SQL.drop_letter(tx.conn, id=row["id"])
    return "mended"


def _told(case: Case) -> re.Pattern[str]:
    """His number as a value of a message, and as a word in the texts of earlier versions."""
    number = case.person
    return re.compile(rf'((?:person|user|user_id)":|(?:^|, |\buser )){number}(?=[,}}]|$| \()')


def _is_in_step(row: Row, case: Case) -> bool:
    return _told(case).search(row["detail"]) is not None


def _show_step(row: Row, _case: Case) -> Mapping[str, object]:
    return {"seq": row["seq"], "step": row["step"], "at": iso(row["at"]), "detail": row["detail"]}


def _mend_step(tx: Tx, row: Row, case: Case) -> Mended:
    if _is_held(row["key"], case):
        return "held"
    SQL.mend_step(tx.conn, seq=row["seq"], detail=_told(case).sub(r"\g<1>0", row["detail"]))
    return "mended"


def _is_held(key: str, case: Case) -> bool:
    return any(key == post_key(post) for post in case.held)


PLACES: Final = (
    Place(
        name="tokens",
        columns=("token.user_id", "token.access", "token.refresh", "token.previous"),
        walk=rows_of(SQL.walk_tokens),
        show=_show_pair,
        mend=_drop_pair,
    ),
    Place(
        name="installation_in_quarantine",
        columns=("quarantine.user_id", "quarantine.access", "quarantine.refresh"),
        walk=rows_of(SQL.walk_quarantine),
        show=_show_quarantine,
        mend=_drop_quarantine,
    ),
    Place(
        name="installation",
        columns=("install.user_id",),
        walk=rows_of(SQL.walk_installs),
        show=_show_install,
        mend=_leave_install,
    ),
    Place(
        name="sweeps",
        columns=("sweep.person", "sweep.reader"),
        walk=rows_of(SQL.walk_sweeps),
        show=_show_sweep,
        mend=_mend_sweep,
    ),
    Place(
        name="holds",
        columns=("legal_hold.number", "legal_hold.reason"),
        walk=rows_of(SQL.walk_holds),
        show=_show_hold,
        mend=_mend_hold,
    ),
    # Before the events: they are found by them.
    Place(
        name="steps",
        columns=("step.detail",),
        walk=rows_of(SQL.walk_steps),
        is_about=_is_in_step,
        show=_show_step,
        mend=_mend_step,
    ),
    Place(
        name="events",
        columns=(
            "entry.key",
            "entry.body",
            "entry_key.key",
            "lane.key",
            "lease.key",
            "done.key",
            "attempt_run.attempts",
            "attempt_run.answers",
        ),
        walk=_walk_events,
        is_about=_is_in_event,
        show=_show_event,
        mend=_mend_event,
    ),
    Place(
        name="dead_letters",
        columns=("dead.key", "dead.body", "dead.reason"),
        walk=rows_of(SQL.walk_letters),
        is_about=_is_in_letter,
        show=_show_letter,
        mend=_mend_letter,
    ),
)
