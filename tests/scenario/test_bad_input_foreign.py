"""Two portals in one server: nothing that one of them gave out is worth anything on the other."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from livefeed.durable import consumers, dead
from livefeed.durable.entries import append, get_entry
from livefeed.portal.events import handlers
from livefeed.portal.events.deliveries import list_deliveries, list_events
from livefeed.portal.events.why import why
from livefeed.ui.languages import told
from livefeed.wire.ids import HandlerId

from .city import City, Company, fault_in, open_city, result_in

NOBODY = (401, "NO_AUTH_FOUND")
HANDLER = "http://127.0.0.1:9/events"


@pytest.fixture
async def city(tmp_path: Path, engine: str) -> AsyncIterator[City]:
    async with open_city(tmp_path, engine) as city:
        yield city


async def app_of(company: Company, **more: Any) -> dict[str, Any]:
    """A registered application and the tokens of user 1 in it."""
    _, app = await company.operate("app_add", name="Shop", **more)
    _, frame = await company.operate("app_open", client_id=app["client_id"])
    return {**app, "access": frame["AUTH_ID"], "refresh": frame["REFRESH_ID"]}


async def bound(company: Company, app: dict[str, Any]) -> int:
    """The id of a handler of ``app``."""
    params = {"EVENT": "ONLIVEFEEDPOSTUPDATE", "HANDLER": HANDLER}
    assert result_in(await company.token_call(app["access"], "event.bind", **params)) is True
    every = await company.city.store.read(lambda tx: handlers.every(tx, company.row.member_id))
    return next(one.id for one in every if one.url == HANDLER)


async def test_a_webhook_code_opens_its_own_portal_alone(city: City):
    for mine, other in ((city.first, city.second), (city.second, city.first)):
        assert result_in(await mine.send(mine.webhook() + "user.current"))["ID"] == "1"
        assert fault_in(await other.send(mine.webhook() + "user.current")) == NOBODY
        assert fault_in(await other.send(mine.webhook() + "batch", b"cmd[0]=user.current")) == NOBODY


async def test_an_access_token_opens_its_own_portal_alone(city: City):
    for mine, other in ((city.first, city.second), (city.second, city.first)):
        app = await app_of(mine)
        assert (
            result_in(await mine.token_call(app["access"], "app.info"))["install"]["member_id"] == mine.member
        )
        for method in ("app.info", "user.current", "event.get", "log.blogpost.get", "nothing"):
            assert fault_in(await other.token_call(app["access"], method)) == NOBODY
        assert fault_in(await other.token_call(app["refresh"], "user.current")) == NOBODY


async def test_a_refresh_token_is_exchanged_by_its_own_application_alone(city: City):
    mine, theirs = await app_of(city.first), await app_of(city.second)
    one, other = ("client_id", "client_secret"), (mine, theirs)
    for owner, stranger, company in ((mine, theirs, city.second), (theirs, mine, city.first)):
        credentials = [stranger[name] for name in one]
        assert fault_in(await company.exchange(*credentials, owner["refresh"])) == (400, "invalid_grant")
    for app, company in zip(other, city.companies, strict=True):
        assert (await company.exchange(app["client_id"], app["client_secret"], app["refresh"])).status == 200


async def test_id_and_secret_belong_together(city: City):
    mine, theirs = await app_of(city.first), await app_of(city.second)
    for client_id, secret in (
        (mine["client_id"], theirs["client_secret"]),
        (theirs["client_id"], mine["client_secret"]),
    ):
        for refresh in (mine["refresh"], theirs["refresh"]):
            answer = await city.second.exchange(client_id, secret, refresh)
            assert fault_in(answer) == (400, "invalid_client")


async def test_a_pair_is_for_its_own_portal_wherever_it_was_asked_for(city: City):
    mine = await app_of(city.first)

    refused = await city.second.exchange(mine["client_id"], mine["client_secret"], mine["refresh"])
    assert fault_in(refused) == (400, "invalid_client")

    # Some clients know one authorization server for all portals, by an address that is no portal's own.
    elsewhere = replace(city.second, row=replace(city.second.row, host="oauth.example"))
    answer = await elsewhere.exchange(mine["client_id"], mine["client_secret"], mine["refresh"])
    assert answer.status == 200
    assert city.first.member.encode() in answer.body
    assert city.second.member.encode() not in answer.body
    access = answer.body.decode().split('"access_token":"')[1].split('"')[0]
    assert fault_in(await city.second.token_call(access, "user.current")) == NOBODY


async def test_handlers_of_another_portal_are_neither_seen_nor_touched(city: City):
    mine, theirs = await app_of(city.first), await app_of(city.second)
    handler = await bound(city.first, mine)

    assert result_in(await city.second.token_call(theirs["access"], "event.get")) == []
    gone = await city.second.token_call(theirs["access"], "event.unbind", HANDLER=HANDLER)
    assert result_in(gone) == {"count": 0}
    for operation in ("paused", "active"):
        status, document = await city.second.operate("handler_state", handler=handler, state=operation)
        assert (status, document["error"]) == (400, "refused")
    status, _ = await city.second.operate("dead_replay", handler=handler)
    assert status == 400
    (left,) = result_in(await city.first.token_call(mine["access"], "event.get"))
    assert left["handler"] == HANDLER


async def test_an_edit_is_told_to_the_handlers_of_its_own_portal_alone(city: City):
    mine, theirs = await app_of(city.first), await app_of(city.second)
    handler = await bound(city.first, mine)
    await bound(city.second, theirs)
    await city.first.call("log.blogpost.update", POST_ID=1, POST_MESSAGE="changed here")

    def queue(company: Company) -> Any:
        member = company.row.member_id
        return lambda tx: (
            [row for row in list_events(tx, portal=member) if row.post == 1],
            list_deliveries(tx, portal=member, handler=handler),
            told(
                why(tx, portal=member, post=1, handler=HandlerId(handler), now_ms=city.clock.now_ms()), "en"
            ),
        )

    seen, deliveries, _ = await city.store.read(queue(city.first))
    assert (len(seen), len(deliveries)) == (1, 1)
    seen, deliveries, sentence = await city.store.read(queue(city.second))
    assert (seen, deliveries) == ([], [])
    assert f"no handler {handler} on this portal" in sentence


@pytest.mark.parametrize("operation", ["app_finish", "app_remove", "app_rotate", "app_open"])
async def test_an_application_is_administered_on_its_own_portal_alone(city: City, operation: str):
    mine = await app_of(city.first)

    status, document = await city.second.operate(operation, client_id=mine["client_id"])

    assert (status, document["error"]) == (400, "refused")
    assert "on this portal" in document["error_description"]
    assert result_in(await city.first.token_call(mine["access"], "user.current"))["ID"] == "1"
    assert (
        await city.first.exchange(mine["client_id"], mine["client_secret"], mine["refresh"])
    ).status == 200


async def test_posts_and_people_of_one_number_are_two(city: City):
    await city.second.operate("edit_post", post=1, text="theirs now")
    await city.second.call("log.blogpost.delete", POST_ID=2)

    assert "theirs now" == (await city.second.call("log.blogpost.get", POST_ID=1))[0]["DETAIL_TEXT"]
    assert "theirs now" != (await city.first.call("log.blogpost.get", POST_ID=1))[0]["DETAIL_TEXT"]
    assert ["2"] == [row["ID"] for row in await city.first.call("log.blogpost.get", POST_ID=2)]
    url = (await city.second.operate("webhook_add", user=3, scope="user"))[1]["url"]
    code = url.rstrip("/").rsplit("/", 1)[1]
    assert fault_in(await city.first.send(f"/rest/3/{code}/user.current")) == NOBODY
    assert result_in(await city.second.send(f"/rest/3/{code}/user.current"))["ID"] == "3"


async def test_dead_letters_of_another_portal_stay_where_they_are(city: City):
    handler = await bound(city.first, await app_of(city.first))

    def bury(tx: Any) -> int:
        found = handlers.find(tx, city.first.row.member_id, HandlerId(handler))
        assert found is not None
        seq = append(
            tx,
            portal=city.first.member,
            key="post:1",
            kind="ONLIVEFEEDPOSTUPDATE",
            body=b"{}",
            source="rest",
            consumers=[],
        )
        entry = get_entry(tx, seq)
        assert entry is not None
        dead.bury(tx, [(consumers.ConsumerId(found.consumer), entry, "gave up")])
        return dead.list_dead(tx)[0].id

    letter = await city.store.write(bury)

    status, document = await city.second.operate("dead_replay", id=letter)
    assert (status, document["error"]) == (400, "refused")
    assert await city.second.operate("dead_replay") == (200, {"replayed": 0})
    assert await city.first.operate("dead_replay", id=letter) == (200, {"replayed": 1})


async def test_a_portal_that_does_not_exist_is_refused_by_name(city: City):
    for named in ("f" * 32, "", city.first.member.upper()):
        status, document = await city.operate("webhook_add", user=1, scope="log", portal=named)
        assert (status, document["error"]) == (400, "refused")
        assert "there is no portal" in document["error_description"]
