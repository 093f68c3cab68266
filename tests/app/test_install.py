import asyncio
import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from tests.client.fake_portal import Refusal

from livefeed.app import App, opened
from livefeed.app.installs import registry
from livefeed.app.installs.admission import UNKNOWN_TOKEN, Proved
from livefeed.app.installs.ladder import Claim, Installed, Refused, Token
from livefeed.errors import SettingsError
from livefeed.secrets import Secret
from livefeed.wire.auth import Auth
from livefeed.wire.events import AppInstalled, Envelope, PostUpdated
from livefeed.wire.ids import MemberId

from .bodies import APPLICATION_TOKEN, MEMBER, event_body, install_body
from .conftest import House, Opening
from .test_leaving import installed_runtime


async def install_row(house: House) -> dict:
    (row,) = await house.rows("SELECT * FROM install")
    return row


async def test_an_installation_is_proved_stored_and_opens_the_door(serve: Opening):
    house = await serve()
    assert (await house.event()).status == 403

    answer = await house.install()

    assert (answer.status, json.loads(answer.body)["status"]) == (200, "ok")
    assert (await house.event()).status == 200
    row = await install_row(house)
    assert (row["state"], row["user_id"], row["status"]) == ("active", 1, "L")


async def test_the_refresh_token_that_travelled_is_dead_afterwards(serve: Opening):
    house = await serve()
    access, refresh = house.portal.issue()

    await house.post("/install", install_body(access_token=access, refresh_token=refresh))

    assert house.portal.spent == [refresh]
    assert house.portal.refreshes == 1


async def test_endpoints_of_the_callback_are_ignored(serve: Opening):
    house = await serve()

    await house.install(client_endpoint="http://evil.example/rest/", domain="evil.example")

    row = await install_row(house)
    assert row["client_endpoint"] == f"{house.portal.url}/rest/"
    assert row["domain"] == "some-domain.bitrix24.com"


async def test_the_application_token_is_stored_as_a_hash_only(serve: Opening, tmp_path: Path):
    house = await serve()
    await house.install()

    assert APPLICATION_TOKEN.encode() not in (await install_row(house))["application_token"]


@pytest.mark.parametrize(
    "keys",
    [
        {"access_token": None},
        {"refresh_token": None},
        {"application_token": None},
        {"member_id": None},
        {"access_token": "stolen-from-nowhere"},
        {"refresh_token": "stolen-from-nowhere"},
        {"member_id": "f" * 32},
    ],
)
async def test_a_callback_that_cannot_be_proved_is_refused(serve: Opening, keys):
    house = await serve()

    answer = await house.install(**keys)

    assert (answer.status, json.loads(answer.body)["error"]) == (403, "installation_not_proved")
    assert await house.rows("SELECT * FROM install") == []
    assert await house.rows("SELECT * FROM token") == []


async def test_a_token_of_another_application_is_refused(serve: Opening):
    house = await serve()
    house.portal.client_id = "local.000000000000000000000000"

    assert (await house.install()).status == 403


async def test_the_token_of_an_ordinary_user_installs_nothing(serve: Opening):
    house = await serve()
    house.portal.admins.clear()

    answer = await house.install()

    assert (answer.status, json.loads(answer.body)["error"]) == (403, "installation_not_proved")
    assert house.portal.refreshes == 0


async def test_an_unknown_status_is_refused(serve: Opening):
    house = await serve()
    house.portal.status = "Z"

    assert (await house.install()).status == 403


async def test_a_refresh_token_of_another_portal_is_refused(serve: Opening):
    house = await serve()
    house.portal.methods["app.info"] = lambda params: {
        **house.portal.info(1),
        "install": {**house.portal.info(1)["install"], "member_id": "c" * 32},
    }

    assert (await house.install(member_id="c" * 32)).status == 403


async def test_a_local_application_takes_no_other_portal(serve: Opening):
    house = await serve(member_id="d" * 32)

    assert (await house.install()).status == 403
    assert house.portal.calls == []


OTHER = "c" * 32


async def other_installs(house: House) -> int:
    house.portal.member_id = OTHER
    return (await house.install(member_id=OTHER, application_token="o" * 32)).status


async def test_a_local_application_belongs_to_the_first_portal_that_installs_it(house: House):
    asked = len(house.portal.calls)

    assert await other_installs(house) == 403

    assert len(house.portal.calls) == asked, "nobody was asked, no token was spent"
    assert [row["member_id"] for row in await house.rows("SELECT member_id FROM install")] == [MEMBER]
    assert (await house.event(member_id=OTHER, application_token="o" * 32)).status == 403
    assert (await house.event()).status == 200
    house.portal.member_id = MEMBER
    assert (await house.install()).status == 200, "its own may come again"


async def test_of_two_portals_that_install_at_the_same_time_one_is_the_first(serve: Opening):
    house = await serve()
    one, other = await proved_of(house, MEMBER), await proved_of(house, OTHER)
    envelope = Envelope(event="ONAPPINSTALL", data={}, auth=Auth(member_id=MEMBER))
    ladder = house.running.ladder

    verdicts = await asyncio.gather(ladder.accept(one, envelope), ladder.accept(other, envelope))

    assert {type(verdict) for verdict in verdicts} == {Installed, Refused}
    assert len(await house.rows("SELECT * FROM install")) == 1


async def proved_of(house: House, member_id: str) -> Proved:
    """What the steps before the last one have found."""
    ladder, portal = house.running.ladder, house.portal
    portal.member_id = member_id
    access, refresh = portal.issue(1)
    claim = Claim(
        member_id=MemberId(member_id),
        access_token=Secret(access),
        refresh_token=Secret(refresh),
        application_token="t" * 32,
    )
    token = await ladder.look_up(claim.member_id, claim.access_token)
    assert isinstance(token, Token)
    proved = await ladder.renewed(claim, token)
    assert isinstance(proved, Proved)
    return proved


async def test_another_portal_may_have_a_local_application_that_the_first_has_uninstalled(house: House):
    assert (await house.uninstall()).status == 200

    assert await other_installs(house) == 200


@pytest.mark.parametrize(
    "setting",
    [{"many_portals": True}, {"client_id": "app.573ad8a0346747.09223434"}, {"portals": "https://b.example"}],
)
async def test_what_is_said_to_be_for_many_portals_takes_them_all(serve: Opening, setting):
    house = await serve(**setting)
    house.portal.client_id = setting.get("client_id", house.portal.client_id)
    assert (await house.install()).status == 200

    assert await other_installs(house) == 200

    assert (await house.event()).status == 200
    assert (await house.event(member_id=OTHER, application_token="o" * 32)).status == 200


async def test_an_authorization_server_that_is_away_lets_the_sender_come_again(serve: Opening):
    house = await serve()
    house.portal.down = 503

    answer = await house.install()

    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize("body", [b"", b"hello", b"event=%zz"])
async def test_what_is_no_event_is_refused_with_400(serve: Opening, body: bytes):
    house = await serve()

    assert (await house.post("/install", body)).status == 400


async def test_another_event_at_the_install_address_installs_nothing(serve: Opening):
    house = await serve()
    access, refresh = house.portal.issue()

    answer = await house.post("/install", event_body(access_token=access, refresh_token=refresh))

    assert answer.status == 403
    assert house.portal.calls == []


async def test_an_install_event_at_the_event_door_installs_nothing(serve: Opening):
    house = await serve()
    access, refresh = house.portal.issue()

    answer = await house.post("/events", install_body(access_token=access, refresh_token=refresh))

    assert answer.status == 403
    assert house.portal.calls == []


async def test_the_same_callback_again_changes_nothing(serve: Opening):
    house = await serve()
    access, refresh = house.portal.issue()
    body = install_body(access_token=access, refresh_token=refresh)
    await house.post("/install", body)
    before = await house.rows("SELECT * FROM token")

    answer = await house.post("/install", body)

    assert answer.status == 200
    assert await house.rows("SELECT * FROM token") == before
    assert house.portal.refreshes == 1


async def test_a_new_installation_with_the_known_token_replaces_the_pair(house: House):
    assert (await house.install()).status == 200

    assert house.portal.refreshes == 2
    assert len(await house.rows("SELECT * FROM token")) == 1


async def test_a_different_application_token_for_a_known_portal_goes_to_quarantine(house: House):
    answer = await house.install(application_token="n" * 32)

    assert (answer.status, json.loads(answer.body)["error"]) == (409, "quarantined")
    assert (await house.event()).status == 200
    assert (await house.event(application_token="n" * 32)).status == 403


async def test_an_administrator_releases_an_installation_and_both_tokens_count_for_a_day(house: House):
    await house.install(application_token="n" * 32)

    assert (await house.operate("install_confirm", member_id=MEMBER))[0] == 200

    assert (await house.event(application_token="n" * 32)).status == 200
    assert (await house.event()).status == 200
    house.clock.advance(24 * 3600 + 1)
    assert (await house.event(application_token="n" * 32)).status == 200
    assert (await house.event()).status == 403


async def test_nothing_in_quarantine_cannot_be_released(house: House):
    status, document = await house.operate("install_confirm", member_id=MEMBER)

    assert (status, document["error"]) == (400, "refused")


async def test_the_token_of_the_settings_is_the_one_that_counts(serve: Opening):
    house = await serve(member_id=MEMBER, application_token=Secret(APPLICATION_TOKEN))

    assert (await house.install(application_token="n" * 32)).status == 409
    assert (await house.install()).status == 200


async def test_handlers_of_the_installation_run_and_get_no_travelled_token(serve: Opening):
    app = App.from_settings({})
    seen = []

    @app.on(AppInstalled)
    async def note(event: AppInstalled, ctx) -> None:
        seen.append((event.envelope.auth.access_token, (await ctx.call("user.current"))["ID"]))

    house = await serve(app)
    await house.install()
    await house.work()

    assert seen == [(None, "1")]


async def test_a_known_portal_is_known_after_a_restart(settings, portal, clock):
    async with installed_runtime(settings, portal, clock):
        pass
    async with opened(App(settings), clock=clock, works=False) as again:
        assert again.runtime.portals.judge(MEMBER, APPLICATION_TOKEN) is not None
        assert (await again.runtime.client(MEMBER).call("user.current")).result["ID"] == "1"


async def test_another_key_file_is_noticed_at_the_start(settings, portal, clock, tmp_path: Path):
    async with opened(App(settings), clock=clock, works=False):
        pass
    (tmp_path / "app.db.key").write_text("ab" * 32 + "\n")

    with pytest.raises(SettingsError, match="sealed with another key"):
        async with opened(App(settings), clock=clock, works=False):
            pass


async def test_a_crowd_of_callbacks_does_not_become_a_crowd_at_the_authorization_server(serve: Opening):
    house = await serve()
    busy = asyncio.Event()

    async def wait() -> None:
        await busy.wait()

    house.portal.on_refresh = wait
    pairs = [house.portal.issue() for _ in range(4)]
    bodies = [install_body(access_token=access, refresh_token=refresh) for access, refresh in pairs]
    climbing = [asyncio.create_task(house.post("/install", body)) for body in bodies]
    while house.portal.refreshes < 4:
        await asyncio.sleep(0)

    assert (await house.install()).status == 503

    busy.set()
    assert [answer.status for answer in await asyncio.gather(*climbing)] == [200] * 4


async def test_bodies_that_never_come_keep_no_installation_out(serve: Opening):
    house = await serve()
    scope = {"type": "http", "method": "POST", "path": "/install", "query_string": b"", "headers": []}
    slow = [asyncio.create_task(house.server(dict(scope), asyncio.Event().wait, print)) for _ in range(8)]
    await asyncio.sleep(0)

    assert (await house.install()).status == 200

    for one in slow:
        one.cancel()


async def test_who_signs_in_while_the_callback_comes_makes_its_token_unknown_to_nobody(house: House):
    knows_none = replace(await proved_of(house, MEMBER), application_token=UNKNOWN_TOKEN)
    envelope = Envelope(event="ONAPPINSTALL", data={}, auth=Auth(member_id=MEMBER))

    await house.running.ladder.accept(knows_none, envelope, may_replace=True)

    house.clock.advance(25 * 3600)
    assert (await house.event()).status == 200


async def test_events_wanted_are_bound_after_installation(serve: Opening):
    app = App.from_settings({})

    @app.on(PostUpdated)
    def note(event: PostUpdated) -> None: ...

    house = await serve(app)
    await house.install()
    await house.work()

    assert sorted(house.portal.bound) == [
        (name, "https://app.example/events")
        for name in ("ONAPPUNINSTALL", "ONAPPUPDATE", "ONLIVEFEEDPOSTUPDATE")
    ]
    (portal,) = (await house.operate("status"))[1]["portals"]
    assert (portal["state"], portal["bound"], portal["pending"]) == ("active", True, 0)


async def test_what_is_bound_already_is_no_error(serve: Opening):
    house = await serve()
    house.portal.bound = [("ONAPPUNINSTALL", "https://app.example/events")]
    house.portal.methods["event.get"] = lambda params: []
    await house.install()
    await house.work()

    assert (await house.operate("status"))[1]["portals"][0]["bound"] is True


async def test_binding_is_tried_again_until_the_portal_answers(serve: Opening):
    house = await serve()
    await house.install()
    house.portal.down = 502
    await house.work()
    assert (await house.operate("status"))[1]["portals"][0]["bound"] is False

    house.portal.down = None
    house.clock.advance(60)
    await house.work()

    assert (await house.operate("status"))[1]["portals"][0]["bound"] is True


async def test_a_refused_binding_does_not_stop_events(serve: Opening):
    def refuse(params):
        raise Refusal(403, "ACCESS_DENIED", "Access denied!")

    house = await serve()
    house.portal.methods["event.bind"] = refuse
    await house.install()
    await house.work()

    assert (await house.event()).status == 200


async def test_an_event_that_a_portal_does_not_have_keeps_no_other_from_being_bound(serve: Opening):
    app = App.from_settings({})
    app.on("ONCRMDEALUPDATE", "ONLIVEFEEDPOSTUPDATE")(lambda event: None)

    def bind(params):
        if params["event"] == "ONCRMDEALUPDATE":
            raise Refusal(400, "ERROR_EVENT_NOT_FOUND", "Event not found")
        house.portal.bound.append((params["event"], params["handler"]))
        return True

    house = await serve(app)
    house.portal.methods["event.bind"] = bind
    await house.install()
    await house.work()

    assert ("ONLIVEFEEDPOSTUPDATE", "https://app.example/events") in house.portal.bound
    (portal,) = (await house.operate("status"))[1]["portals"]
    assert (portal["bound"], portal["missing"]) == (False, ["ONCRMDEALUPDATE"])


async def test_an_updated_application_binds_anew(serve: Opening):
    house = await serve()
    await house.install()
    await house.work()
    house.portal.bound.clear()

    await house.event(event="ONAPPUPDATE", post=None)
    await house.work()

    assert ("ONAPPUNINSTALL", "https://app.example/events") in house.portal.bound


async def test_after_another_secret_path_the_old_address_is_unbound_of_which_a_digest_is_kept(
    settings, portal, clock
):
    unbound = []
    portal.methods["event.unbind"] = lambda params: unbound.append(params["handler"]) or {"count": 1}
    old, new = "a1b2c3d4e5f6a7b8c9", "z9y8x7w6v5u4t3s2r1"
    before = msgspec.structs.replace(settings, secret_path=Secret(old))
    async with installed_runtime(before, portal, clock) as running:
        await running.worker.run_due()
        row = await running.runtime.store.read(lambda tx: registry.every(tx)[0])
    after = msgspec.structs.replace(settings, secret_path=Secret(new))
    async with opened(App(after), clock=clock, works=False) as running:
        await running.worker.run_due()

    assert old not in row.bound
    assert "ONAPPUNINSTALL" in row.bound_events(f"https://app.example/events/{old}")
    assert not row.bound_events(f"https://app.example/events/{new}")
    assert {f"https://app.example/events/{old}"} == set(unbound)


async def test_after_a_move_the_old_address_is_unbound(settings, portal, clock):
    unbound = []

    def unbind(params):
        unbound.append((params["event"], params["handler"]))
        return {"count": 1}

    portal.methods["event.unbind"] = unbind
    async with installed_runtime(settings, portal, clock) as running:
        await running.worker.run_due()
    moved = msgspec.structs.replace(settings, public_url="https://new.example")

    async with opened(App(moved), clock=clock, works=False) as running:
        await running.worker.run_due()

    assert sorted(unbound) == [
        (name, "https://app.example/events") for name in ("ONAPPUNINSTALL", "ONAPPUPDATE")
    ]
    assert ("ONAPPUPDATE", "https://new.example/events") in portal.bound
