"""Pairs that nobody needs are kept alive; people see how tokens are and which installations wait."""

import asyncio
import json
import os
import sys
from typing import Any

from livefeed.app import App
from livefeed.cli.running import announced
from livefeed.client.vault import KEEP_ALIVE_S
from livefeed.settings import AppSettings, DatabaseUrl
from livefeed.wire.ids import MemberId
from livefeed.wire.oauth import REFRESH_TOKEN_LIFE_S

from .bodies import MEMBER, event_body
from .conftest import ADMIN, House, Opening

DAY_S = 86_400
SEGMENT = "Zk3-9x_Qw71LmPdTs0aB"


async def days(house: House, count: int) -> None:
    """So many days, on each of which the worker looks for what is due."""
    for _ in range(count):
        house.clock.advance(DAY_S)
        await house.work()


async def test_a_pair_that_nobody_needs_is_refreshed_before_it_ends(house: House):
    before = house.portal.refreshes
    await days(house, KEEP_ALIVE_S // DAY_S - 1)
    assert before == house.portal.refreshes

    await days(house, 2)
    assert before + 1 == house.portal.refreshes

    await days(house, REFRESH_TOKEN_LIFE_S // DAY_S)
    assert before + 3 == house.portal.refreshes
    house.portal.expire_all()
    house.portal.live.update(dict.fromkeys(house.portal.expired, 1))
    house.portal.expired.clear()
    assert (await house.running.runtime.client(MemberId(MEMBER)).call("profile")).result["ID"] == "1"


async def test_a_server_that_is_down_when_a_pair_ages_is_asked_again(house: House):
    house.portal.down = 503
    await days(house, KEEP_ALIVE_S // DAY_S + 5)
    house.portal.down = None
    before = house.portal.refreshes

    await days(house, 2)

    assert before + 1 == house.portal.refreshes


async def test_the_health_of_tokens_is_shown_without_their_values(house: House, settings: AppSettings):
    _, status = await house.operate("status")
    [row] = await livefeed(settings, "app", "portals")

    for portal in (status["portals"][0], row):
        [pair] = portal["tokens"]
        assert (1, "usable") == (pair["user_id"], pair["state"])
        assert pair["received_at"] < pair["refresh_by"]
    shown = json.dumps([status, row])
    for secret in (*house.portal.live, *house.portal.refresh, *house.portal.spent):
        assert secret not in shown


async def test_an_installation_in_quarantine_is_confirmed_by_a_command(house: House, settings: AppSettings):
    other = "f" * 32
    assert 409 == (await house.install(application_token=other)).status
    _, status = await house.operate("status")
    [row] = await livefeed(settings, "app", "portals")
    assert ([MEMBER], True) == (status["quarantined"], row["quarantined"])
    assert 403 == (await house.event(application_token=other)).status

    with announced(DatabaseUrl.parse(settings.db), house.url, ADMIN):
        [confirmed] = await livefeed(settings, "app", "confirm", MEMBER)

    assert {"member_id": MEMBER, "state": "active"} == confirmed
    assert 200 == (await house.event(application_token=other)).status
    assert 200 == (await house.event()).status, "the old one counts for a day more"
    house.clock.advance(DAY_S + 1)
    assert 403 == (await house.event()).status
    assert 200 == (await house.event(application_token=other)).status


async def test_with_a_secret_path_there_is_no_other_door(serve: Opening, settings: AppSettings):
    """At a wrong address there is nothing, as at any that never was."""
    secret = type(settings.client_secret)(SEGMENT)
    house = await serve(App(settings), secret_path=secret)
    assert 200 == (await house.install()).status
    await house.work()

    assert {f"https://app.example/events/{SEGMENT}"} == {url for _, url in house.portal.bound}
    event = b"event=ONLIVEFEEDPOSTUPDATE"
    nothing = await house.post("/nothing", event)
    for path in ("/events", "/events/", f"/events/{SEGMENT[:-1]}", f"/events/{SEGMENT}x", f"/{SEGMENT}"):
        answer = await house.post(path, event)
        assert (404, nothing.body) == (answer.status, answer.body), path
    assert 200 == (await house.post(f"/events/{SEGMENT}", event_body())).status
    assert SEGMENT not in json.dumps((await house.operate("status"))[1])
    assert SEGMENT not in repr(settings)


async def livefeed(settings: AppSettings, *arguments: str) -> list[dict[str, Any]]:
    """The installed command; its JSON lines."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "livefeed", *arguments, "--db", settings.db, "--json"),
        env=dict(os.environ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    return [json.loads(line) for line in out.splitlines()]
