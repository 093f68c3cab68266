import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import msgspec
import pytest

from livefeed.app import App, opened
from livefeed.app.inbox import open_entry
from livefeed.errors import NotInstalled, SettingsError
from livefeed.secrets import Secret
from livefeed.wire.envelopes import parse_envelope
from livefeed.wire.events import AppUninstalled, PostUpdated, typed
from livefeed.wire.form import decode
from livefeed.wire.ids import MemberId

from .bodies import APPLICATION_TOKEN, MEMBER, install_body, uninstall_body
from .conftest import House, Opening

DAY_S = 24 * 3600


@asynccontextmanager
async def installed_runtime(settings, portal, clock, app: App | None = None):
    """A running application, installed, without an HTTP server."""
    async with opened(app or App(settings), settings=settings, clock=clock, works=False) as running:
        access, refresh = portal.issue()
        body = install_body(access_token=access, refresh_token=refresh)
        await running.ladder.install(parse_envelope(decode(body, strict=True)))
        yield running


async def test_after_the_uninstall_event_nothing_opens_the_door(house: House):
    assert (await house.uninstall()).status == 200

    assert (await house.event()).status == 403
    assert await house.rows("SELECT * FROM token") == []
    with pytest.raises(NotInstalled):
        house.running.runtime.client(MemberId(MEMBER))


@pytest.mark.parametrize("keys", [{"application_token": "x" * 32}, {"application_token": None}])
async def test_a_forged_uninstall_event_stops_nothing(house: House, keys):
    assert (await house.uninstall(**keys)).status == 403

    assert (await house.event()).status == 200


async def test_the_uninstall_event_again_is_accepted_and_changes_nothing(house: House):
    await house.uninstall()
    before = await house.rows("SELECT * FROM install")

    assert (await house.uninstall()).status == 200
    assert await house.rows("SELECT * FROM install") == before


async def test_what_waits_in_the_inbox_is_dropped(serve: Opening):
    app = App.from_settings({})
    seen = []

    @app.on(PostUpdated)
    async def note(event: PostUpdated) -> None:
        seen.append(event.post_id)

    house = await serve(app)
    await house.install()
    await house.event()
    await house.uninstall()
    await house.work()

    assert seen == []
    assert (await house.inbox(post=205))[0].state == "dropped"


async def test_handlers_hear_of_the_departure(serve: Opening):
    app = App.from_settings({})
    seen = []

    @app.on(AppUninstalled)
    async def note(event: AppUninstalled) -> None:
        seen.append(event.should_clean)

    house = await serve(app)
    await house.install()
    await house.uninstall()
    await house.work()

    assert seen == [False]


async def test_what_is_kept_of_a_portal_goes_after_thirty_days(settings, portal, clock):
    app = App(settings)
    erased = []
    app.when_erased(lambda tx, member_id: erased.append(member_id))
    async with installed_runtime(settings, portal, clock, app) as running:
        event = typed(parse_envelope(decode(uninstall_body(), strict=True)))
        assert isinstance(event, AppUninstalled)
        known = running.runtime.portals.judge(MEMBER, APPLICATION_TOKEN)
        assert known is not None
        await running.leaving.leave(known, event)

        clock.advance(30 * DAY_S - 1)
        assert await running.leaving.erase_due() == 0
        clock.advance(1)
        await running.leaving.erase_due()

        assert erased == [MEMBER]
        assert running.runtime.portals.judge(MEMBER, APPLICATION_TOKEN) is None
        for table in ("install", "token", "entry", "lane"):
            rows = await running.runtime.store.read(
                lambda tx, table=table: tx.execute(f"SELECT * FROM {table}").fetchall()
            )
            assert rows == [], table


async def test_a_portal_that_comes_back_while_it_is_erased_keeps_what_it_has_from_then_on(
    settings, portal, clock
):
    async with installed_runtime(settings, portal, clock) as running:
        store = running.runtime.store
        known = running.runtime.portals.get(MEMBER)
        left = typed(parse_envelope(decode(uninstall_body(clean=True), strict=True)))
        await running.leaving.erasing.acquire()  # nobody else erases
        await running.leaving.leave(known, left)

        class ComesBack:
            """The store, where the portal installs again after the first unit."""

            def __init__(self) -> None:
                self.read = store.read
                self.units = 0

            async def write(self, unit):
                done = await store.write(unit)
                self.units += 1
                if self.units == 1:
                    access, refresh = portal.issue()
                    body = install_body(access_token=access, refresh_token=refresh)
                    await running.ladder.install(parse_envelope(decode(body, strict=True)))
                return done

        await replace(running.leaving, store=ComesBack(), erasing=asyncio.Lock()).erase_due()
        running.leaving.erasing.release()

        kinds = await store.read(lambda tx: [row["kind"] for row in tx.execute("SELECT kind FROM entry")])
        assert "ONAPPINSTALL" in kinds
        assert running.runtime.portals.judge(MEMBER, APPLICATION_TOKEN) is not None


async def test_with_clean_it_goes_at_once(house: House):
    await house.event()
    await house.uninstall(clean=True)
    await house.running.leaving.erase_due()

    assert await house.rows("SELECT * FROM install") == []
    assert await house.rows("SELECT * FROM entry") == []
    assert (await house.uninstall(clean=True)).status == 403


async def test_a_portal_may_come_back_with_another_token(house: House):
    await house.uninstall()

    assert (await house.install(application_token="n" * 32)).status == 200

    assert (await house.event(application_token="n" * 32)).status == 200
    assert (await house.event()).status == 403


async def test_a_portal_of_the_settings_that_left_stays_out_after_a_restart(settings, portal, clock):
    named = msgspec.structs.replace(settings, member_id=MEMBER, application_token=Secret(APPLICATION_TOKEN))
    async with opened(App(named), clock=clock, works=False) as running:
        event = typed(parse_envelope(decode(uninstall_body(), strict=True)))
        assert isinstance(event, AppUninstalled)
        known = running.runtime.portals.judge(MEMBER, APPLICATION_TOKEN)
        assert known is not None
        await running.leaving.leave(known, event)

    async with opened(App(named), clock=clock, works=False) as again:
        known = again.runtime.portals.judge(MEMBER, APPLICATION_TOKEN)
        assert known is not None
        assert not known.is_active
    fresh = msgspec.structs.replace(named, application_token=Secret("n" * 32))
    async with opened(App(fresh), clock=clock, works=False) as anew:
        known = anew.runtime.portals.judge(MEMBER, "n" * 32)
        assert known is not None
        assert known.is_active


async def test_the_sealed_event_of_one_portal_does_not_open_for_another(house: House):
    await house.event()
    (entry,) = await house.rows("SELECT * FROM entry WHERE source = 'door'")

    with pytest.raises(SettingsError, match="another key"):
        open_entry(house.running.runtime.portal_keys, MemberId("f" * 32), entry["body"])
