from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests import engines

from livefeed.app import Running, opened
from livefeed.app.inbox import post_key, seal_entry
from livefeed.app.installs.ladder import Installed
from livefeed.app.runtime import ROOMS
from livefeed.client import vault
from livefeed.clock import ManualClock
from livefeed.durable.consumers import set_state
from livefeed.durable.entries import append
from livefeed.notifier.application import build
from livefeed.notifier.notices import list_notices
from livefeed.settings import AppSettings
from livefeed.wire.auth import Auth
from livefeed.wire.envelopes import Envelope
from livefeed.wire.oauth import TokenAnswer

from .fake_portal import CLIENT_ID, MEMBER, FakePortal, serving

QUIET_S = 60.0


@pytest.fixture
def anyio_backend():
    return "asyncio"


@dataclass
class House:
    """A portal, the notifier that is installed there, and a clock that stands still."""

    portal: FakePortal
    running: Running
    clock: ManualClock

    @property
    def store(self):
        return self.running.runtime.store

    async def install(self, language: str = "en") -> None:
        auth = {"access_token": "access-0", "refresh_token": "refresh-0", "member_id": MEMBER}
        envelope = Envelope(
            event="ONAPPINSTALL",
            data={"VERSION": "1", "LANGUAGE_ID": language},
            auth=Auth(**auth, application_token="t" * 32),
        )
        assert await self.running.ladder.install(envelope) == Installed(member_id=MEMBER)
        await self.work(QUIET_S)

    async def connect(self, person: int) -> None:
        """A person has opened the application; the pair of that is kept."""
        token = f"access-of-{person}"
        self.portal.tokens[token] = person
        answer = TokenAnswer(
            access_token=token, refresh_token=f"refresh-of-{person}", expires_in=90_000, member_id=MEMBER
        )
        pair = self.running.runtime.vault.seal(MEMBER, person, answer)
        assert await self.store.write(lambda tx: vault.keep_opener(tx, pair, is_proved=True))

    async def arrive(
        self, event: str, post: int, *, user: int | None = None, user_id: int | None = None
    ) -> None:
        """An event comes in; ``user`` acted and his token came with it."""
        token = None
        if user is not None:
            token = f"event-{user}"
            self.portal.tokens[token] = user
        envelope = Envelope(
            event=event,
            data={"FIELDS": {"POST_ID": str(post)}},
            auth=Auth(access_token=token, member_id=MEMBER, user_id=user_id, application_token="t" * 32),
        )
        runtime = self.running.runtime
        body = seal_entry(runtime.portal_keys, MEMBER, envelope)
        consumers = [runtime.consumer(MEMBER, "inbox")]
        key = post_key(post)
        await self.store.write(
            lambda tx: append(
                tx, portal=MEMBER, key=key, kind=event, body=body, source="door", consumers=consumers
            )
        )

    async def edit(
        self, post: int, *, user: int | None = None, user_id: int | None = None, **fields: object
    ) -> None:
        self.portal.edit(post, **fields)
        await self.arrive("ONLIVEFEEDPOSTUPDATE", post, user=user, user_id=user_id)

    async def work(self, seconds: float = QUIET_S) -> None:
        """Run what is due, let ``seconds`` pass, and run what is due then."""
        await self.running.worker.run_due()
        self.clock.advance(seconds)
        await self.running.worker.run_due()

    async def hold_bells(self, state: str) -> None:
        """Let notices wait (paused), or go out again (active)."""
        consumer = self.running.runtime.consumer(MEMBER, "bell")
        await self.store.write(lambda tx: set_state(tx, consumer, state))

    async def notices(self):
        return await self.store.read(lambda tx: list_notices(tx))


def settings_of(path: Path, portal: FakePortal) -> AppSettings:
    return AppSettings(
        db=engines.database(path, "notifier", [*ROOMS, "livefeed.notifier"]),
        key_file=engines.key_file(path, "notifier"),
        portal_url=portal.url,
        public_url="http://127.0.0.1:1",
        client_id=CLIENT_ID,
        quiet_s=QUIET_S,
        max_wait_s=300.0,
        rate_limit=False,
    )


@asynccontextmanager
async def open_house(path: Path, portal: FakePortal, clock: ManualClock) -> AsyncGenerator[House]:
    settings = settings_of(path, portal)
    async with opened(build(settings), settings=settings, clock=clock, works=False) as running:
        yield House(portal=portal, running=running, clock=clock)


def small_company() -> FakePortal:
    """Five people, one of them dismissed; post 5 of Anna, mentioning Chris, with a comment of Boris."""
    portal = FakePortal()
    portal.add_person(1, "Alex", "Admin")
    portal.add_person(2, "Anna", "Petrova", gender="F")
    portal.add_person(3, "Boris", "Ivanov", gender="M")
    portal.add_person(4, "Chris", "Lee")
    portal.add_person(6, "Dana", "Gone", is_active=False)
    portal.add_post(5, 2, "Holidays: from 1 to 14 June. [USER=4]Chris[/USER] decides", title="Holidays")
    portal.add_post(7, 3, "Canteen opens at 10:30")
    portal.add_comment(5, 3)
    return portal


@pytest.fixture
def company() -> FakePortal:
    return small_company()


@pytest.fixture
async def house(company: FakePortal, tmp_path: Path) -> AsyncGenerator[House]:
    async with serving(company), open_house(tmp_path, company, ManualClock()) as house:
        await house.install()
        yield house


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def served(company: FakePortal) -> AsyncGenerator[FakePortal]:
    async with serving(company):
        yield company
