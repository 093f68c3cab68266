"""A recording to send to whoever helps: what was found, what is stored, and the last bodies, masked."""

import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from livefeed import __version__
from livefeed.app.inbox import list_inbox, open_body
from livefeed.cli.db.access import Opener
from livefeed.cli.db.installs import Known, base_of
from livefeed.clock import SystemClock, iso
from livefeed.durable.diagnosis import Finding
from livefeed.durable.entries import get_entry
from livefeed.durable.store import Tx
from livefeed.errors import SettingsError, WireError
from livefeed.secrets import KeyRing, Secret
from livefeed.settings import AppSettings, DatabaseUrl

if TYPE_CHECKING:
    from livefeed.testing.recording.masks import Masks

_LAST: Final = 50
_ENGINES: Final = {True: "SELECT sqlite_version()", False: "SHOW server_version"}


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """One event as it lies in the inbox; with its secrets."""

    seq: int
    at_ms: int
    state: str
    steps: Sequence[str]
    content_type: str
    content: bytes


def last_bodies(tx: Tx, ring: KeyRing) -> list[Body]:
    """The last events of all portals, the oldest first; those that cannot be read are left out."""
    opener, found = Opener(tx, ring), list[Body]()
    for row in reversed(list_inbox(tx, limit=_LAST)):
        entry = get_entry(tx, row.seq)
        if entry is None:
            continue
        try:
            content_type, content = open_body(opener, row.portal, entry.body)
        except (SettingsError, WireError):
            continue
        found.append(
            Body(
                seq=row.seq,
                at_ms=entry.at_ms,
                state=row.state,
                steps=[f"{step.step} {step.detail}".rstrip() for step in row.steps],
                content_type=content_type,
                content=content,
            )
        )
    return found


def engine_of(tx: Tx, database: DatabaseUrl) -> str:
    """The database's own version."""
    return f"{database.scheme} {tx.execute(_ENGINES[database.is_file]).fetchone()[0]}"


def write_recording(
    path: Path,
    *,
    database: DatabaseUrl,
    engine: str,
    settings: AppSettings,
    findings: Sequence[Finding],
    portals: Sequence[Known],
    bodies: Sequence[Body],
) -> None:
    """Write everything, readable by its owner alone.

    Raises:
        SettingsError: The file exists, or cannot be made.
    """
    from livefeed.testing.recording.masks import Masks  # not needed by what only looks

    masks = Masks()
    for value in (getattr(settings, name) for name in settings.__struct_fields__):
        if isinstance(value, Secret) and value.reveal():
            masks.learn(value.reveal())
    for one in bodies:
        masks.learn_request("/events", {"content-type": one.content_type}, one.content)
    told = [
        msgspec.structs.replace(one, said=masks.sentence(one.said), then=masks.sentence(one.then))
        for one in findings
    ]
    document = {
        "made_at": iso(SystemClock().now_ms()),
        "versions": {
            "livefeed": __version__,
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.release()}",
            "engine": engine,
        },
        "settings": _settings(settings, database),
        "findings": told,
        "portals": [_portal(one) for one in portals],
        "events": _masked(bodies, masks),
    }
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as exc:
        raise SettingsError(f"{path} cannot be made: {exc.strerror}; choose another --record") from exc
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    print(f"livefeed: wrote {path}; look through it before you send it", file=sys.stderr)


def _settings(settings: AppSettings, database: DatabaseUrl) -> dict[str, object]:
    """Whether a secret is set, and everything else."""
    values = {name: getattr(settings, name) for name in settings.__struct_fields__}
    shown = {
        name: ("set" if value.reveal() else "") if isinstance(value, Secret) else value
        for name, value in values.items()
    }
    return {**shown, "db": str(database)}


def _portal(one: Known) -> dict[str, object]:
    install = one.install
    return {
        "member_id": install.member_id,
        "domain": install.domain,
        "state": install.state,
        "status": install.status,
        "scope": install.scope,
        "endpoint": install.client_endpoint,
        "bound_at_address": base_of(install),
        "bound": sorted(install.bound_events(install.bound_address)),
        "bound_at": _moment(install.bound_at),
        "installed_at": iso(install.installed_at),
        "uninstalled_at": _moment(install.uninstalled_at),
        "handlers_checked_at": _moment(one.watch.checked_at),
        "handlers_lost": one.watch.lost,
        "last_event_at": _moment(one.last_event_at),
        "tokens": [
            {"user_id": pair.user_id, "state": pair.state, "received_at": iso(pair.received_at)}
            for pair in one.pairs
        ],
    }


def _masked(bodies: Sequence[Body], masks: "Masks") -> list[dict[str, object]]:
    """As `livefeed.testing.recording` reads requests, and what became of each."""
    return [
        {
            "at": iso(one.at_ms),
            "method": "POST",
            "path": "/events",
            "headers": {"content-type": one.content_type},
            "body": masks.body(one.content, one.content_type).decode("latin-1"),
            "seq": one.seq,
            "state": one.state,
            "steps": [masks.text(step) for step in one.steps],
        }
        for one in bodies
    ]


def _moment(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso(at_ms)
