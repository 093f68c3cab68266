"""The stand: a whole portal on real SQLite and a real port, with the two hooks of faults."""

import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, get_args

from livefeed.durable.lanes import next_due
from livefeed.durable.schedule import Schedule
from livefeed.durable.store import Store, Tx, open_store
from livefeed.net.http import HttpClient
from livefeed.portal import portals
from livefeed.portal.admin import Admin
from livefeed.portal.events.sender import USER_AGENT
from livefeed.portal.events.verdicts import Policy
from livefeed.portal.limits.plans import PLANS, PlanName
from livefeed.portal.portals import Directory, PortalRow
from livefeed.portal.seed import Seeded, seed_demo, seed_empty
from livefeed.portal.server import HANDLER_TIMEOUT_S, ROOMS, Portal, PortalOptions
from livefeed.secrets import KeyRing
from livefeed.testing.faults.conditions import renamed
from livefeed.testing.faults.door import FaultyDoor
from livefeed.testing.faults.guests import Guests
from livefeed.testing.faults.postman import FaultyPostman
from livefeed.testing.faults.scene import Scene
from livefeed.testing.loops import TurnableClock
from livefeed.testing.serving.network import CLOUD_HOST, RENAMED_HOST, Certificate
from livefeed.testing.serving.sites import Site

T = TypeVar("T")

_HOUR_MS: Final = 3_600_000
_KEY: Final = bytes(32)
_COMPANY: Final = "Meridian"
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "seed": ("demo", "empty"),
    "policy": get_args(Policy),
    "limits": get_args(PlanName),
    "language": ("en", "ru"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StandOptions:
    """How a test's portal is.

    Attributes:
        seed: ``demo``: a company with eight people and posts; ``empty``: one administrator.
        policy: ``durable`` repeats deliveries for days, ``bitrix24`` tries once, as the real one does.
        limits: How often and how long each caller may call: ``off``, ``standard`` or ``enterprise``.
        language: Of the portal, ``en`` or ``ru``.
        concurrency: Deliveries at a time; 1 keeps runs alike.
        tls: The portal speaks https with it; None: http.
        is_cloud: It is known as ``portal.bitrix24.test``, for SDKs that know no ports; needs ``tls``, and
            tests reach it in a block of ``as_network``.
    """

    seed: Literal["demo", "empty"] = "demo"
    policy: Policy = "durable"
    limits: PlanName = "off"
    language: Literal["en", "ru"] = "en"
    concurrency: int = 1
    tls: Certificate | None = None
    is_cloud: bool = False

    def __post_init__(self) -> None:
        for name, words in _WORDS.items():
            if getattr(self, name) not in words:
                raise ValueError(f"{name} is one of {', '.join(words)}, not {getattr(self, name)!r}")
        if self.is_cloud and self.tls is None:
            raise ValueError("a portal under a name of the cloud needs a certificate: tls=certify(folder)")

    def public_url(self, listening: str, *, is_renamed: bool = False) -> str:
        """The portal's address; ``listening`` is where it really is."""
        if self.is_cloud:
            return f"https://{RENAMED_HOST if is_renamed else CLOUD_HOST}"
        return renamed(listening) if is_renamed else listening


class Worked:
    """Something beside the portal that works when it is told to: an application of this framework."""

    def __init__(
        self, *, run: Callable[[], Awaitable[int]], next_due: Callable[[], Awaitable[int | None]]
    ) -> None:
        self.run: Final = run
        self.next_due: Final = next_due


@dataclass
class Stand:
    """What runs in the portal's loop; every method is to be called there."""

    options: StandOptions
    clock: TurnableClock
    keys: KeyRing
    store: Store
    scene: Scene
    portal: Portal
    postman: FaultyPostman
    door: FaultyDoor
    admin: Admin
    row: PortalRow
    seeded: Seeded
    site: Site
    workers: list[Worked] = field(default_factory=list)

    async def write(self, unit: Callable[[Tx], T]) -> T:
        """Run one unit with the portal to itself."""

        def alone(tx: Tx) -> T:
            tx.serialize(self.row.member_id)
            return unit(tx)

        return await self.store.write(alone)

    async def do(self, operation: str, arguments: dict[str, object]) -> dict[str, Any]:
        """One operation of the administrator; its document."""
        document: dict[str, Any] = await self.admin.run(operation, arguments)
        return document

    async def deliver(self) -> None:
        """Do what is due at this moment, and what becomes due by it, until nothing is."""
        while True:
            done = await self.portal.dispatcher.run_due()
            done += await self.postman.release()
            for worker in self.workers:
                done += await worker.run()
            if not done:
                break

    async def settle(self, hours: float) -> bool:
        """Deliver, turn the clock to the next moment something is due, and so on.

        Returns:
            Whether nothing was left within ``hours``.
        """
        end_ms = self.clock.now_ms() + round(hours * _HOUR_MS)
        while True:
            await self.deliver()
            moments = [await self.store.read(next_due), self.postman.next_due_ms()]
            moments += [await worker.next_due() for worker in self.workers]
            due = [moment for moment in moments if moment is not None]
            if not due:
                return True
            if min(due) > end_ms:
                return False
            self.clock.advance_to(max(min(due), self.clock.now_ms() + 1))

    async def move(self, *, is_renamed: bool) -> None:
        """Give the portal its other name, or its own again."""
        public_url = self.options.public_url(self.site.url, is_renamed=is_renamed)
        self.row = await self.store.write(lambda tx: portals.move(tx, self.row.member_id, public_url))


@contextlib.asynccontextmanager
async def standing(folder: Path, options: StandOptions) -> AsyncGenerator[Stand]:
    """A portal that serves while the block lasts; its database is in ``folder``."""
    clock = TurnableClock(int(time.time()) * 1000)
    keys, scene = KeyRing([_KEY]), Scene(clock)
    async with contextlib.AsyncExitStack() as stack:
        store = open_store(f"sqlite:///{folder / 'portal.db'}", ROOMS, clock)
        stack.push_async_callback(store.close)
        http = HttpClient(allow_private=True, timeout_s=HANDLER_TIMEOUT_S, user_agent=USER_AGENT)
        stack.push_async_callback(http.close)

        async def uninstall(client_id: str, clean: bool) -> None:
            await admin.run("app_remove", {"client_id": client_id, "clean": clean})

        site = Site(tls=None if options.tls is None else options.tls.chain)
        row, seeded = await store.write(lambda tx: _found(tx, keys, options, options.public_url(site.url)))
        guests = Guests(store, keys, row.member_id)
        postman = FaultyPostman(http, scene, guests=guests, uninstall=uninstall)
        portal = Portal(store=store, keys=keys, clock=clock, options=_options(options), postman=postman)
        door = FaultyDoor(portal.asgi, scene, portal=row.member_id, keys=keys, guests=guests)
        admin = Admin(store=store, keys=keys, clock=clock, directory=await Directory.load(store))
        await stack.enter_async_context(portal.running())
        site.asgi = door
        await site.open()
        stack.push_async_callback(site.close)
        yield Stand(
            options=options,
            clock=clock,
            keys=keys,
            store=store,
            scene=scene,
            portal=portal,
            postman=postman,
            door=door,
            admin=admin,
            row=row,
            seeded=seeded,
            site=site,
        )


def _options(options: StandOptions) -> PortalOptions:
    limits = None if options.limits == "off" else PLANS[options.limits]
    return PortalOptions(
        policy=options.policy,
        allow_private=True,
        is_demo=True,
        concurrency=options.concurrency,
        schedule=Schedule(jitter=0.0),
        is_dispatching=False,
        limits=limits,
    )


def _found(tx: Tx, keys: KeyRing, options: StandOptions, url: str) -> tuple[PortalRow, Seeded]:
    row = portals.create(tx, public_url=url, name=_COMPANY, language=options.language)
    seed = seed_demo if options.seed == "demo" else seed_empty
    return row, seed(tx, portal=row, keys=keys)
