"""The console's page about gaps: what was found how, and how much of the feed is known."""

from collections.abc import Mapping
from typing import Final

from livefeed.app.channels import Channel
from livefeed.app.console.moments import moment, span
from livefeed.app.console.sections import Asked, Section
from livefeed.app.installs import registry
from livefeed.app.sweep.progress import Scope, Sweep
from livefeed.durable.store import Tx
from livefeed.notifier.gaps.report import Report, report
from livefeed.ui.languages import Words, noted
from livefeed.wire.ids import MemberId

_SHOWN: Final = 50
_HOW: Final[Mapping[Channel, Words]] = {
    "event": noted("told by an event"),
    "offline": noted("fetched from the queue of offline events"),
    "sweep": noted("found by sweep"),
}
_SCOPES: Final[Mapping[Scope, Words]] = {
    "hot": noted("posts of the last days"),
    "all": noted("all posts"),
}


def _found(tx: Tx, asked: Asked) -> Mapping[str, object]:
    domains = {one.member_id: one.domain for one in registry.every(tx)}
    return {"portals": [_portal(one, domains, asked.language) for one in report(tx, limit=_SHOWN)]}


def _portal(one: Report, domains: Mapping[MemberId, str], language: str) -> Mapping[str, object]:
    return {
        "portal": one.portal,
        "domain": domains.get(one.portal),
        "percent": one.coverage.percent,
        "archived": one.coverage.archived,
        "readable": one.coverage.readable,
        "is_filled": one.coverage.phase == "done",
        "sweeps": [_sweep(sweep, language) for sweep in one.sweeps],
        "counts": [
            {
                "how": _HOW[how],
                "edits": count.edits,
                "latest": None if count.latest_ms is None else span(count.latest_ms),
            }
            for how, count in one.counts.items()
        ],
        "edits": [
            {
                "key": f"{edit.post}-{edit.version}",
                "post": edit.post,
                "version": edit.version,
                "how": _HOW[edit.how],
                "is_told": edit.how == "event",
                "at": moment(edit.at_ms, language),
                "late": None if edit.late_ms is None else span(edit.late_ms),
            }
            for edit in one.edits
        ],
    }


def _sweep(sweep: Sweep, language: str) -> Mapping[str, object]:
    return {
        "scope": _SCOPES[sweep.scope],
        "is_under_way": sweep.began_at is not None,
        "percent": sweep.percent,
        "looked": sweep.looked if sweep.began_at is not None else sweep.last_looked,
        "found": sweep.found if sweep.began_at is not None else sweep.last_found,
        "ended": None if sweep.last_ended_at is None else moment(sweep.last_ended_at, language),
    }


FOUND: Final = Section(name="found", title=noted("Found"), template="console_found.html", values=_found)
