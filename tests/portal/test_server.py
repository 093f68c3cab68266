"""The portal as a whole: its doors, its health, its administrator API."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from livefeed.portal import portals
from livefeed.portal.server import ROOMS, build_portal, method_table

from .asgi import request
from .conftest import House
from .site import Site, standing

TOKEN = {"authorization": "Bearer token-of-this-run"}


@pytest.fixture
async def site(house: House) -> AsyncIterator[Site]:
    async with standing(house) as found:
        yield found


async def operate(
    site: Site, operation: str, body: bytes, headers: dict[str, str] = TOKEN
) -> tuple[int, Any]:
    answer = await site.http("POST", f"/admin/api/{operation}", body=body, headers=headers)
    return answer.status, answer.json()


def test_every_method_of_the_first_depth_is_there() -> None:
    wanted = (
        "log.blogpost.add log.blogpost.update log.blogpost.get log.blogpost.delete log.blogcomment.add "
        "log.blogcomment.user.get user.get user.current profile scope method.get server.time app.info "
        "event.bind event.get event.unbind events event.test im.notify.personal.add "
        "im.notify.system.add im.notify.get im.notify.read batch"
    )
    assert set(wanted.split()) <= set(method_table().names())


async def test_health_and_metrics_answer(site: Site) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await site.http("GET", path)).status == 200


async def test_ready_means_that_a_commit_succeeded_within_five_seconds(site: Site) -> None:
    before = site.house.store.committed_at_ms
    site.house.clock.advance(6)
    assert (await site.http("GET", "/readyz")).status == 200
    assert site.house.store.committed_at_ms > before


async def test_a_new_portal_is_found_under_its_address_without_a_restart(site: Site) -> None:
    await site.run(lambda tx: portals.create(tx, public_url="http://other.example", name="Other"))
    for _ in range(100):  # the directory is read again after the commit, in its own time
        await site.house.store.read(lambda tx: None)
        if "Other" in (await site.http("GET", "/login", host="other.example")).text:
            break
    else:
        pytest.fail("the portal is not found")


async def test_a_store_that_cannot_commit_is_not_ready(house: House) -> None:
    async with standing(house) as site:
        await site.house.store.close()
        site.house.clock.advance(6)
        answer = await site.http("GET", "/readyz")
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")


async def test_an_operation_over_http_answers_its_document(site: Site) -> None:
    status, document = await operate(site, "webhook_add", b'{"user": 2, "scope": "log, im"}')
    assert status == 200
    path = document["url"].removeprefix("http://127.0.0.1:8024") + "scope"
    assert (await site.http("GET", path)).json()["result"] == ["im", "log"]


async def test_an_edit_by_command_keeps_title_and_recipients(site: Site) -> None:
    me = site.house.webhook(1, "log.blogpost.get") + "?POST_ID=1"
    before = (await site.http("GET", me)).json()["result"][0]
    status, document = await operate(
        site, "edit_post", b'{"post": 1, "text": "other text", "as_automation": true}'
    )
    after = (await site.http("GET", me)).json()["result"][0]
    assert (status, document) == (200, {"post": 1, "version": 2})
    assert (after["DETAIL_TEXT"], after["TITLE"]) == ("other text", before["TITLE"])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Basic token-of-this-run"},
        {"authorization": "Bearer "},
    ],
)
async def test_without_the_token_nobody_operates(site: Site, headers: dict[str, str]) -> None:
    status, document = await operate(site, "app_add", b'{"name": "x"}', headers)
    assert (status, document["error"]) == (401, "unauthorized")


async def test_with_no_token_set_the_administrator_api_is_closed(house: House) -> None:
    async with standing(house, admin_token="") as site:
        for headers in ({}, {"authorization": "Bearer "}):
            assert (await operate(site, "app_add", b"{}", headers))[0] == 401


@pytest.mark.parametrize(
    ("operation", "body", "said"),
    [
        ("nonsense", b"{}", "there is no operation 'nonsense'"),
        ("app_add", b"{}", "name is missing"),
        ("app_add", b'{"name": ""}', "name is empty"),
        ("user_add", b'{"login": ""}', "a login has small letters"),
        ("app_update", b'{"client_id": "x", "version": ""}', "a version is up to four numbers"),
        ("edit_post", b'{"post": 0, "text": "x"}', "post must be at least 1"),
        ("edit_post", b'{"post": 1, "text": " "}', "text is empty"),
        ("app_add", b"[]", "JSON object"),
        ("app_add", b"{", "JSON object"),
        ("app_add", b'{"name": 1}', "name must be a text, not a whole number"),
        ("app_add", b'{"name": "x", "nme": 1}', "no argument 'nme'"),
        ("app_add", b'{"name": "x", "auth_keys": "all"}', "auth_keys"),
        ("app_add", b'{"name": "x", "scope": "log;drop"}', "scope"),
        ("app_add", b'{"name": "x", "install_url": "nonsense"}', "not an absolute http"),
        ("app_add", b'{"name": "x", "portal": "none"}', "no portal 'none'"),
        ("edit_post", b'{"post": 999, "text": "x"}', "no post 999"),
        ("edit_post", b'{"post": 1, "text": "x", "user": 99}', "no active person 99"),
        ("edit_post", b'{"post": 1, "text": "x", "user": 2, "as_automation": true}', "not by both"),
        ("webhook_add", b'{"user": 99, "scope": "log"}', "no active person 99"),
        ("handler_state", b'{"handler": 9, "state": "paused"}', "no bound handler 9"),
        ("dead_replay", b'{"id": 9}', "no dead letter 9"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_line(
    site: Site, operation: str, body: bytes, said: str
) -> None:
    status, document = await operate(site, operation, body)
    assert (status, set(document)) == (400, {"error", "error_description"})
    assert said in document["error_description"]
    assert "\n" not in document["error_description"]
    assert not [odd for odd in ("`", "$", f"{operation}:") if odd in document["error_description"]]


async def test_arguments_that_are_null_count_as_not_given(site: Site) -> None:
    body = json.dumps({"name": "x", "handler_url": None, "install_url": None, "portal": None}).encode()
    assert (await operate(site, "app_add", body))[0] == 200


async def test_a_portal_can_be_stopped_and_started_again(house: House) -> None:
    portal = build_portal(store=house.store, keys=house.keys, clock=house.clock, allow_private=True)
    for _ in range(2):
        async with portal.running():
            assert (await request(portal.asgi, "GET", "/healthz")).status == 200


def test_the_rooms_of_a_portal_are_named() -> None:
    assert ROOMS == ("livefeed.portal",)
