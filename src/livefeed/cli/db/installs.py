"""What can be wrong with an application's installations: at the portal, on the way, or in what is stored."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec

from livefeed.app.inbox import list_inbox
from livefeed.app.installs import admission, registry, watching
from livefeed.app.installs.registry import Install
from livefeed.cli.app.scopes import scopes_for
from livefeed.cli.db import access
from livefeed.cli.running import find_running, operate
from livefeed.client import vault
from livefeed.clock import SystemClock, iso
from livefeed.durable.diagnosis import Finding, ok, problem
from livefeed.durable.lanes import list_lanes
from livefeed.durable.store import Tx
from livefeed.errors import LivefeedError, TlsFailed, TransportError
from livefeed.net.authority import authority_pem
from livefeed.net.http import HttpAnswer, HttpClient
from livefeed.secrets import Secret
from livefeed.settings import AppSettings, DatabaseUrl
from livefeed.wire.ids import MemberId
from livefeed.wire.oauth import REFRESH_TOKEN_LIFE_S

_DAY_MS: Final = 86_400_000
_SILENCE_MS: Final = 7 * _DAY_MS
_PATIENCE_S: Final = 5.0
_MOST_OFFSET_S: Final = 30
_TRIES: Final = 3
_UNKNOWN: Final = ok("address", "none is known; name it with LIVEFEED_PUBLIC_URL")
_HERE: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of one portal.

    Attributes:
        install: The installation.
        pairs: How its tokens are, by person.
        watch: What was last seen of its handlers.
        last_event_at: When the last event came, ms; None: none has.
        missing: Events that are not bound, as the running application says; None: nobody runs.
    """

    install: Install
    pairs: Sequence[vault.Health]
    watch: watching.HandlerWatch
    last_event_at: int | None
    missing: Sequence[str] | None = None


def stored(tx: Tx) -> tuple[list[Known], list[MemberId]]:
    """All portals, and those of which an installation waits in quarantine."""
    return [_known(tx, install) for install in registry.every(tx)], admission.quarantined(tx)


def _known(tx: Tx, install: Install) -> Known:
    rows = list_inbox(tx, portal=install.member_id, limit=1)
    return Known(
        install=install,
        pairs=vault.health(tx, install.member_id),
        watch=watching.handlers_of(tx, install.member_id),
        last_event_at=rows[0].steps[0].at_ms if rows else None,
    )


def failing(tx: Tx) -> Finding:
    """Whether something fails again and again: calls that a portal refuses, or a handler."""
    lanes = [lane for lane in list_lanes(tx, state="backing_off") if lane.attempt >= _TRIES]
    if lanes:
        names = ", ".join(sorted({lane.name for lane in lanes}))
        said = f"lanes that have failed {_TRIES} times and more: {len(lanes)}, of {names}"
        then = "livefeed inbox and the application's log say why; once it is mended: livefeed lanes retry"
        return problem("retries", said, then)
    return ok("retries", "nothing fails again and again")


def look(
    database: DatabaseUrl,
    settings: AppSettings,
    found: tuple[Sequence[Known], Sequence[MemberId]],
    *,
    tokens: Mapping[MemberId, Secret],
    asks: bool,
) -> Iterator[Finding]:
    """One finding for each thing; ``asks``: also of the portal, with ``tokens``, and of the own address."""
    portals, waiting = found
    active = [one for one in portals if one.install.is_active]
    yield from _installed(settings, portals, active, waiting)
    missing = _missing(database)
    now_ms = SystemClock().now_ms()
    for one in active:
        one = msgspec.structs.replace(one, missing=missing.get(one.install.member_id))
        yield _scope(one.install)
        yield _handlers(one)
        yield _tokens(one, now_ms)
        yield _silence(one, now_ms)
    if asks:
        yield from asyncio.run(_asked(settings, [one.install for one in active], tokens))


def _installed(
    settings: AppSettings, portals: Sequence[Known], active: Sequence[Known], waiting: Sequence[MemberId]
) -> Iterator[Finding]:
    is_configured = bool(settings.member_id and settings.application_token.reveal())
    if active:
        names = ", ".join(f"{one.install.member_id} ({one.install.domain})" for one in active)
        yield ok("installed", f"on {names}")
    elif is_configured:
        yield ok("installed", f"not, but the settings name portal {settings.member_id} and its token")
    else:
        said = "it was uninstalled everywhere" if portals else "no portal has installed the application"
        yield problem("installed", said, "run livefeed connect URL, or install it at the portal again")
    if waiting:
        yield problem(
            "quarantine",
            f"installations wait for you: {', '.join(waiting)}",
            "if they are yours, confirm them in the console or with: livefeed app confirm MEMBER_ID",
        )


def _scope(install: Install) -> Finding:
    missing = scopes_for(install.bound_events(install.bound_address)) - set(install.scope.split(","))
    if missing:
        return problem(
            "scope",
            f"granted is {install.scope}; its events need {', '.join(sorted(missing))} too",
            "add them to the application at the portal (Developer resources), and install it again",
        )
    return ok("scope", f"granted is {install.scope}")


def _handlers(one: Known) -> Finding:
    install, watch = one.install, one.watch
    if one.missing:
        return problem(
            "handlers",
            f"not bound: {', '.join(one.missing)}",
            "see event_not_bound in its log, livefeed lanes and livefeed dead list for the reason",
        )
    events = sorted(install.bound_events(install.bound_address))
    if not events:
        return problem(
            "handlers", "nothing is bound", "set --public-url and serve the application: it binds by itself"
        )
    said = f"{len(events)} are bound at {base_of(install)}"
    if watch.lost_at is not None:
        said += f"; {', '.join(watch.lost)} were gone and bound again at {iso(watch.lost_at)}"
    return ok("handlers", said)


def base_of(install: Install) -> str:
    """The application's own address, as bound; what follows it may be a secret."""
    return install.bound_address.rpartition("/events")[0]


def _tokens(one: Known, now_ms: int) -> Finding:
    mine = [pair for pair in one.pairs if pair.user_id == one.install.user_id]
    over_ms = now_ms - REFRESH_TOKEN_LIFE_S * 1000
    if not mine or mine[0].state == "dead" or mine[0].received_at < over_ms:
        return problem(
            "tokens",
            f"those of user {one.install.user_id}, who installed, work no more",
            "install the application at the portal again",
        )
    renewed = iso(mine[0].received_at)
    return ok("tokens", f"those of user {one.install.user_id} were last renewed at {renewed}")


def _silence(one: Known, now_ms: int) -> Finding:
    if one.last_event_at is None:
        return ok("last event", "none has come yet")
    said = f"came at {iso(one.last_event_at)}"
    if now_ms - one.last_event_at > _SILENCE_MS:
        then = "change something at the portal; if it does not come, see handlers and address"
        return problem("last event", said, then)
    return ok("last event", said)


def _missing(database: DatabaseUrl) -> Mapping[str, Sequence[str]]:
    """What is not bound, as the running application says; nothing if none runs, or it does not answer."""
    try:
        running = find_running(database)
        document = {} if running is None else operate(running, "status", {})
    except LivefeedError:
        return {}
    portals = msgspec.convert(document.get("portals", []), list[_Status])
    return {one.member_id: one.missing for one in portals}


class _Status(msgspec.Struct, frozen=True):
    """What the operation ``status`` says of a portal, as far as it matters here."""

    member_id: str
    missing: list[str] = []


async def _asked(
    settings: AppSettings, installs: Sequence[Install], tokens: Mapping[MemberId, Secret]
) -> list[Finding]:
    pem = authority_pem(settings.ca_file)
    async with HttpClient(allow_private=True, timeout_s=_PATIENCE_S, trusted_pem=pem) as http:
        own = [base_of(one) for one in installs if one.bound_address]
        bases = [settings.public_url.rstrip("/")] if settings.public_url else own
        found = [await _address(http, base) for base in sorted(set(bases))] or [_UNKNOWN]
        for install in installs:
            found += await _portal(http, install)
            token = tokens.get(install.member_id)
            if token is not None and (finding := await access.tried(http, install, token)) is not None:
                found.append(finding)
    return found


async def _address(http: HttpClient, base: str) -> Finding:
    """Whether the door answers where portals look for it."""
    then = "serve the application, and lead this address to it"
    try:
        answer = await http.send("GET", f"{base}/healthz")
    except TlsFailed as exc:
        return problem("address", f"{base}: {exc}", "give it a certificate that portals trust")
    except TransportError as exc:
        return problem("address", f"{base} does not answer: {exc}", then)
    if answer.body != b"alive\n":
        return problem("address", f"something else answers at {base} ({answer.status})", then)
    if base.startswith("http:") and urlsplit(base).hostname not in _HERE:
        return problem("address", f"{base} answers, but without TLS", "give portals an https address")
    return ok("address", f"{base} answers")


async def _portal(http: HttpClient, install: Install) -> list[Finding]:
    url = install.client_endpoint
    try:
        answer = await http.send("GET", f"{url}server.time")
    except TlsFailed as exc:
        then = "if the portal has an authority of its own, name that with LIVEFEED_CA_FILE"
        return [problem("portal", f"{url}: {exc}", then)]
    except TransportError as exc:
        said = f"{url} does not answer: {exc}"
        return [problem("portal", said, "see whether it has moved; what comes meanwhile is kept")]
    return [ok("portal", f"{url} answers"), *time_of(answer, SystemClock().now_ms())]


def time_of(answer: HttpAnswer, now_ms: int) -> list[Finding]:
    """Compared with the Date of an answer, which knows whole seconds."""
    try:
        theirs_s = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except ValueError:
        return []
    offset_s = round(now_ms / 1000 - theirs_s)
    if abs(offset_s) > _MOST_OFFSET_S:
        side = "ahead of" if offset_s > 0 else "behind"
        said = f"this machine is {abs(offset_s)} s {side} the portal"
        return [problem("time", said, "let this machine keep time by NTP")]
    return [ok("time", "this machine and the portal agree")]
