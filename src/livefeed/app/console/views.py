"""What the pages of the console show; each is one short reading of the application's database."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from livefeed.app import inbox
from livefeed.app.console.moments import exact, moment, span
from livefeed.app.console.sections import Asked
from livefeed.app.contexts.effects import EFFECT
from livefeed.app.inbox import FOUND_BY_SWEEP, Detail, InboxRow, list_inbox
from livefeed.app.installs import admission, registry, watching
from livefeed.app.installs.registry import Install
from livefeed.app.installs.watching import OfflineQueue
from livefeed.app.rounds import is_round
from livefeed.app.running import Running
from livefeed.client import vault
from livefeed.client.vault import Health
from livefeed.durable import dead
from livefeed.durable.lanes import list_lanes
from livefeed.durable.store import Tx
from livefeed.ui.languages import Words, noted
from livefeed.ui.moments import Moment
from livefeed.wire.ids import MemberId, PostId

_SHOWN: Final = 50
_LANES: Final = 200

STATES: Final[Mapping[str, Words]] = {
    "waiting": noted("waiting"),
    "leased": noted("being handled"),
    "backing_off": noted("failed, will be tried again"),
    "done": noted("done"),
    "dead": noted("given up"),
    "replayed": noted("given up and put back"),
    "dropped": noted("dropped: the portal has left"),
}
_STEPS: Final[Mapping[str, Words]] = {
    "received": noted("received"),
    "verified": noted("verified"),
    "coalesced": noted("coalesced"),
    "fetched": noted("fetched"),
    "compared": noted("compared"),
    "told": noted("told"),
    "waits": noted("waits"),
    "passed over": noted("passed over"),
    "dropped": noted("dropped"),
    "forwarded": noted("handed on"),
    "installed": noted("installed"),
    "no handler": noted("no handler"),
    "failed": noted("failed"),
    "finished": noted("finished"),
    "dead": noted("given up"),
    "replayed": noted("given up and put back"),
}
"""The steps that are livefeed's own; what a handler calls its steps is shown as it is."""

_TOKENS: Final[Mapping[str, Words]] = {
    "usable": noted("usable"),
    "dead": noted("dead: install the application there again"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCard:
    """The tokens of one person: how they are, never what they are."""

    user_id: int
    state: Words
    is_well: bool
    received: Moment
    is_installer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalCard:
    """One portal on the overview."""

    member_id: str
    domain: str
    state: Words
    is_well: bool
    bound: int
    missing: list[str]
    lost: list[str]
    lost_at: Moment | None
    queue: OfflineQueue | None
    pending: int
    tokens: list[TokenCard]
    waits_for_confirmation: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCard:
    """One step of an event: what happened, when, how long after the one before."""

    step: str
    name: Words | str
    at: Moment
    after: Words
    detail: Detail


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCard:
    """One event of the inbox."""

    seq: int
    event: str
    post: int | None
    portal: str
    at: Moment
    state: Words
    is_well: bool
    attempts: int
    took: Words
    found: bool
    steps: list[StepCard]


def overview(tx: Tx, asked: Asked, running: Running) -> Mapping[str, object]:
    """Each portal with its handlers, tokens and what is left of its setup; and what waits."""
    waiting = admission.quarantined(tx)
    installs = {install.member_id: install for install in registry.every(tx)}
    members = sorted({portal.member_id for portal in running.runtime.portals.every()} | set(waiting))
    lanes = [row for row in list_lanes(tx, limit=_LANES) if not is_round(row.key)]
    now_ms = tx.now_ms
    return {
        "portals": [
            _portal(tx, asked, running, MemberId(member), installs.get(MemberId(member)), member in waiting)
            for member in members
        ],
        "lanes": len(lanes),
        "lanes_are_more": len(lanes) == _LANES,
        "oldest": span(max(now_ms - min(row.first_at_ms for row in lanes), 0)) if lanes else None,
        "letters": len(dead.list_dead(tx, limit=_SHOWN)),
        "letters_shown": _SHOWN,
    }


def events(tx: Tx, asked: Asked) -> Mapping[str, object]:
    """The newest events, or those before ``before``; only of ``post`` if one is named."""
    post = asked.query.maybe_integer("post")
    before = asked.query.maybe_integer("before")
    rows = list_inbox(tx, post=None if post is None else PostId(post), before=before, limit=_SHOWN + 1)
    return {
        "rows": [_event(row, asked.language) for row in rows[:_SHOWN]],
        "post": post,
        "older": rows[_SHOWN - 1].seq if len(rows) > _SHOWN else None,
    }


def event(tx: Tx, asked: Asked, seq: int) -> Mapping[str, object] | None:
    """One event, step by step; None if there is none, or it is purged."""
    rows = list_inbox(tx, before=seq + 1, limit=1)
    if not rows or rows[0].seq != seq:
        return None
    return {"event": _event(rows[0], asked.language)}


def letters(tx: Tx, asked: Asked) -> Mapping[str, object]:
    """What was given up, the oldest first."""
    rows = dead.list_dead(tx, limit=_SHOWN)
    return {
        "letters": [
            {
                "id": row.id,
                "seq": row.seq,
                "consumer": row.name,
                "key": row.key,
                "kind": row.kind,
                "reason": row.reason,
                "portal": row.portal,
                "at": moment(row.at_ms, asked.language),
            }
            for row in rows
        ],
        "are_more": len(rows) == _SHOWN,
    }


def _portal(
    tx: Tx, asked: Asked, running: Running, member: MemberId, install: Install | None, waits: bool
) -> PortalCard:
    wanted = running.binder.wanted
    bound = frozenset[str]() if install is None else install.bound_events(running.binder.address)
    setup = [name for name, one in running.app.consumptions.items() if one.spec.is_setup]
    state, is_well = _state_of(install)
    watch = watching.handlers_of(tx, member)
    return PortalCard(
        member_id=member,
        domain="" if install is None else install.domain,
        state=state,
        is_well=is_well,
        bound=len(wanted & bound),
        missing=sorted(wanted - bound),
        lost=list(watch.lost),
        lost_at=None if watch.lost_at is None else moment(watch.lost_at, asked.language),
        queue=watching.queue_of(tx, member),
        pending=inbox.pending_setup(tx, member, setup),
        tokens=[_tokens(one, install, asked.language) for one in vault.health(tx, member)],
        waits_for_confirmation=waits,
    )


def _state_of(install: Install | None) -> tuple[Words, bool]:
    if install is None:
        return noted("known from the settings; not installed, so there are no tokens"), False
    if install.is_active:
        return noted("installed"), True
    return noted("uninstalled"), False


def _tokens(health: Health, install: Install | None, language: str) -> TokenCard:
    return TokenCard(
        user_id=health.user_id,
        state=_TOKENS[health.state],
        is_well=health.state == "usable",
        received=moment(health.received_at, language),
        is_installer=install is not None and install.user_id == health.user_id,
    )


def _event(row: InboxRow, language: str) -> EventCard:
    first, last = row.steps[0], row.steps[-1]
    before = [first, *row.steps[:-1]]
    return EventCard(
        seq=row.seq,
        event=row.event,
        post=row.post,
        portal=row.portal,
        at=moment(first.at_ms, language),
        state=STATES[row.state],
        is_well=row.state in ("done", "waiting", "leased"),
        attempts=row.attempts,
        took=span(last.at_ms - first.at_ms),
        found=first.words == FOUND_BY_SWEEP,
        steps=[
            StepCard(
                step=step.step,
                name=_named(step.step),
                at=exact(step.at_ms),
                after=span(max(step.at_ms - earlier.at_ms, 0)),
                detail=step.words,
            )
            for step, earlier in zip(row.steps, before, strict=True)
        ],
    )


def _named(step: str) -> Words | str:
    key = step.removeprefix(EFFECT)
    return _STEPS.get(step, step) if key == step else noted("effect %(key)s", key=key)
