"""Composition: an application becomes a running one, and everything is closed in order."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Final

from livefeed.app.application import Application
from livefeed.app.contexts import effects, writes
from livefeed.app.contexts.writes import OwnWrites
from livefeed.app.handling import quiet, trials
from livefeed.app.handling.working import worker_of
from livefeed.app.installs import binding, registry, watching
from livefeed.app.installs.binding import Binder
from livefeed.app.installs.following import Following
from livefeed.app.installs.housekeeping import keep_house
from livefeed.app.installs.ladder import Ladder
from livefeed.app.installs.leaving import Leaving
from livefeed.app.installs.portals import Portals
from livefeed.app.installs.registry import SQL, Configured, ConsumerSpec, Wanted
from livefeed.app.keeping import holds
from livefeed.app.payments import confirms
from livefeed.app.rounds.own import add_own
from livefeed.app.routing.handlers import THREADS
from livefeed.app.routing.table import Table
from livefeed.app.runtime import ROOMS, Runtime
from livefeed.app.safes.places import PLACES, WORD
from livefeed.client.buckets import Buckets
from livefeed.client.oauth import TokenEndpoint
from livefeed.client.safes.keys import PortalKeys
from livefeed.client.sending.budgets import Budgets
from livefeed.client.vault import Vault
from livefeed.clock import Clock, SystemClock
from livefeed.durable.store import Store, Tx, open_store
from livefeed.durable.worker import Worker
from livefeed.errors import SettingsError
from livefeed.net.authority import authority_pem
from livefeed.net.http import HttpClient
from livefeed.sealing.following import follow_key_file
from livefeed.sealing.places import check_ring
from livefeed.secrets import KeyRing, read_or_create_key_file
from livefeed.settings import AppRole, AppSettings, DatabaseUrl
from livefeed.telemetry import logger
from livefeed.wire.events import POST_EVENTS
from livefeed.wire.ids import MemberId

_LOG: Final = logger("app")
_INBOX_CAP: Final = 32
_ERASING: Final = (watching.forget, effects.forget, trials.forget, writes.forget, holds.forget)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A running application.

    Attributes:
        app: What runs.
        runtime: Its parts.
        worker: Runs its lanes.
        ladder: Takes install callbacks.
        leaving: Takes uninstall events.
        binder: Knows which events are wanted.
        end_following: Lets the known portals be as they are from now on.
    """

    app: Application
    runtime: Runtime
    worker: Worker
    ladder: Ladder
    leaving: Leaving
    binder: Binder
    end_following: Callable[[], None]


@asynccontextmanager
async def opened(
    app: Application,
    *,
    settings: AppSettings | None = None,
    clock: Clock | None = None,
    keys: KeyRing | None = None,
    works: bool = True,
    role: AppRole = "all",
    store: Store | None = None,
) -> AsyncGenerator[Running]:
    """Open the application's database and run its lanes while the block lasts.

    Args:
        app: The application.
        settings: In place of the application's own.
        clock: Tells the time.
        keys: In place of those of the key file.
        works: False leaves the worker still; tests then call ``worker.run_due()``.
        role: ``door`` leaves lanes and the upkeep of the database to other processes.
        store: An open one, in place of the settings' database; it outlives this.

    Raises:
        SettingsError: A setting or the key file cannot be used.
        StoreInUse: Another process runs on this database.
        StoreTooNew: A newer version has written it.
    """
    settings = settings or app.settings
    add_own(app, settings)
    clock = clock or SystemClock()
    keys = keys or _key_ring(settings)
    trusted_pem = authority_pem(settings.ca_file)
    own = open_store(DatabaseUrl.parse(settings.db), [*ROOMS, *app.rooms], clock) if store is None else None
    store = store or own
    assert store is not None, "it is given, or was opened just above"
    works = works and role != "door"
    # Hosts come from our settings and from the authorization server named there, never from a request.
    http = HttpClient(allow_private=True, trusted_pem=trusted_pem)
    house_bell = asyncio.Event()
    try:
        running = await _composed(app, settings, clock, keys, store, http, house_bell.set)
        kept = [] if role == "door" else [keep_house(running.leaving, store, clock, house_bell)]
        chores = [asyncio.create_task(one) for one in (*kept, follow_key_file(store, keys, PLACES))]
        try:
            with app.sealed():
                async with app.hooks.around(running.runtime), _at_work(running.worker, works=works):
                    yield running
        finally:
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)
            running.end_following()
            running.runtime.threads.shutdown(wait=False, cancel_futures=True)
    finally:
        await http.close()
        if own is not None:
            await own.close()


@asynccontextmanager
async def _at_work(worker: Worker, *, works: bool) -> AsyncGenerator[None]:
    if works:
        await worker.start()
    try:
        yield
    finally:
        if works:
            await worker.stop()


async def _composed(
    app: Application,
    settings: AppSettings,
    clock: Clock,
    keys: KeyRing,
    store: Store,
    http: HttpClient,
    on_left: Callable[[], None],
) -> Running:
    await store.read(lambda tx: check_ring(tx, PLACES, keys))
    await _check_keys(store, keys)
    table = app.table()
    runtime = _runtime(app, table, settings, clock, keys, store, http)
    await runtime.writes.load()
    binder = Binder(
        client_of=runtime.client,
        address=_door_address(settings),
        handled=table.events(),
        last_address=partial(_last_address, store),
        widgets=tuple(app.widgets),
        queued=table.events() & frozenset(POST_EVENTS) if settings.offline_events else frozenset(),
    )
    wanted = _wanted(app, table, settings, keys, binds=bool(binder.wanted))
    version, known = await store.write(lambda tx: (registry.version(tx), registry.admit_all(tx, wanted)))
    runtime.portals.replace(known)
    await runtime.portal_keys.ensure(*(portal.member_id for portal in known if portal.is_active))
    following = Following(store, runtime.portals, runtime.portal_keys, wanted, version=version)
    return Running(
        app=app,
        runtime=runtime,
        worker=worker_of(app.consumptions, table, runtime, binder),
        ladder=Ladder(
            pinned=settings.member_id,
            takes_many=settings.takes_many,
            store=store,
            keys=keys,
            portal_keys=runtime.portal_keys,
            portals=runtime.portals,
            vault=runtime.vault,
            endpoint=runtime.endpoint,
            http=http,
            wanted=wanted,
        ),
        leaving=Leaving(
            store=store,
            keys=keys,
            portal_keys=runtime.portal_keys,
            portals=runtime.portals,
            wanted=wanted,
            when_erased=(*_ERASING, *app.erased_units),
            on_left=on_left,
        ),
        binder=binder,
        end_following=following.start(),
    )


def _runtime(
    app: Application,
    table: Table,
    settings: AppSettings,
    clock: Clock,
    keys: KeyRing,
    store: Store,
    http: HttpClient,
) -> Runtime:
    endpoint = TokenEndpoint(
        http,
        url=settings.authorization_url,
        client_id=settings.client_id,
        client_secret=settings.client_secret,
    )
    portal_keys = PortalKeys(store, keys)
    return Runtime(
        settings=settings,
        store=store,
        keys=keys,
        portal_keys=portal_keys,
        clock=clock,
        http=http,
        portals=Portals(keys, clock),
        endpoint=endpoint,
        vault=Vault(store, portal_keys, clock, endpoint),
        buckets=Buckets(store),
        budgets=Budgets(store, clock),
        coalesced=table.coalesced(),
        confirms_payments=confirms(app),
        threads=ThreadPoolExecutor(THREADS, thread_name_prefix="livefeed-handler"),
        writes=OwnWrites(store=store, keys=keys, brake=app.brake),
        state=SimpleNamespace(),
    )


def _key_ring(settings: AppSettings) -> KeyRing:
    if settings.key_file:
        return read_or_create_key_file(Path(settings.key_file))
    path = DatabaseUrl.parse(settings.db).path
    beside = path.with_name(path.name + ".key")
    if not beside.exists():
        _LOG.warning("key_file_created", path=str(beside), then="keep it elsewhere: LIVEFEED_KEY_FILE")
    return read_or_create_key_file(beside)


def is_key_of(tx: Tx, keys: KeyRing) -> bool:
    """Whether what this database has sealed can be opened; also of one in which nothing is sealed yet.

    Raises:
        SettingsError: It cannot; the message says what to do.
    """
    row = SQL.key_check(tx.conn)
    return row is None or keys.open(row["sealed"], context=WORD) == WORD


async def _check_keys(store: Store, keys: KeyRing) -> None:
    """Fail at the start, not at the first event, when the key file is another database's."""
    sealed = keys.seal(WORD, context=WORD)

    def word(tx: Tx) -> bytes:
        SQL.set_key_check(tx.conn, sealed=sealed)
        stored: bytes = SQL.key_check(tx.conn)["sealed"]
        return stored

    if keys.open(await store.write(word), context=WORD) != WORD:
        raise SettingsError("the key check of this database is damaged")


async def _last_address(store: Store, member_id: MemberId) -> str:
    install = await store.read(lambda tx: registry.find(tx, member_id))
    return "" if install is None else install.bound_address


def _door_address(settings: AppSettings) -> str:
    return f"{settings.public_url.rstrip('/')}{settings.events_path}" if settings.public_url else ""


def _wanted(app: Application, table: Table, settings: AppSettings, keys: KeyRing, *, binds: bool) -> Wanted:
    own = ConsumerSpec(
        name="inbox",
        cap=_INBOX_CAP,
        quiet_ms=round(settings.quiet_s * 1000),
        max_wait_ms=round(settings.max_wait_s * 1000),
        entries_limit=quiet.LONGEST_RUN if table.coalesced() else 1,
    )
    others = [consumption.spec for consumption in app.consumptions.values()]
    return Wanted(
        configured=Configured.from_settings(settings, keys),
        consumers=(own, binding.SPEC, *map(quiet.spec_of, table.with_own_lanes()), *others),
        when_installed=(*([binding.ask] if binds else []), *app.installed_units),
    )
