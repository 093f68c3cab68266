import json

import pytest
from tests.engines import of_a_file

from livefeed.app import App
from livefeed.app.server import prepared
from livefeed.clock import iso
from livefeed.errors import StoreInUse

from .conftest import ADMIN, House, Opening

HOUR_MS = 3_600_000


async def test_the_process_says_that_it_is_alive_and_ready(house: House):
    for path in ("healthz", "readyz"):
        assert (await house.http.send("GET", f"{house.url}/{path}")).status == 200


async def test_it_is_not_ready_when_no_commit_succeeds(house: House):
    await house.running.runtime.store.close()
    house.clock.advance(6)

    assert (await house.http.send("GET", f"{house.url}/readyz")).status == 503
    assert (await house.http.send("GET", f"{house.url}/healthz")).status == 200


async def test_metrics_are_shown_without_secrets(house: House):
    await house.event(application_token="x" * 32)

    page = (await house.http.send("GET", f"{house.url}/metrics")).body.decode()

    assert 'livefeed_events_refused_total{reason="invalid_application_token"}' in page
    assert "x" * 32 not in page


@pytest.mark.parametrize("token", ["", "Bearer ", f"Bearer {ADMIN}x", ADMIN, f"Basic {ADMIN}"])
async def test_operations_are_for_the_administrator_alone(house: House, token: str):
    headers = {"authorization": token} if token else {}

    answer = await house.http.send("POST", f"{house.url}/admin/api/status", body=b"{}", headers=headers)

    assert (answer.status, json.loads(answer.body)["error"]) == (401, "unauthorized")


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("no_such", {}),
        ("dead_replay", {"id": 99}),
        ("dead_replay", {"id": "x"}),
        ("dead_replay", {"what": 1}),
        ("bind", {"member_id": "f" * 32}),
        ("install_confirm", {}),
    ],
)
async def test_what_cannot_be_done_is_refused_in_one_form(house: House, operation: str, arguments: dict):
    status, document = await house.operate(operation, **arguments)

    assert (status, document["error"]) == (400, "refused")
    assert document["error_description"]


async def test_the_status_names_each_portal(house: House):
    await house.work()

    assert (await house.operate("status"))[1]["portals"] == [
        {
            "member_id": house.portal.member_id,
            "state": "active",
            "installed": True,
            "bound": True,
            "missing": [],
            "pending": 0,
            "checked_at": iso(house.clock.now_ms()),
            "rebound": [],
            "rebound_at": None,
            "offline": None,
            "tokens": [
                {
                    "user_id": 1,
                    "state": "usable",
                    "received_at": iso(house.clock.now_ms()),
                    "expires_at": iso(house.clock.now_ms() + HOUR_MS),
                    "refresh_by": iso(house.clock.now_ms() + 90 * 24 * HOUR_MS),
                }
            ],
        }
    ]


async def test_an_administrator_asks_for_the_handlers_again(house: House):
    await house.work()
    house.portal.bound.clear()

    assert (await house.operate("bind", member_id=house.portal.member_id))[0] == 200
    await house.work()

    assert len(house.portal.bound) == 2


@pytest.mark.parametrize("path", ["/", "/event", "/admin/"])
async def test_elsewhere_there_is_nothing(house: House, path: str):
    assert (await house.http.send("GET", f"{house.url}{path}")).status == 404


@of_a_file
async def test_what_is_wrong_with_the_database_is_raised_before_anything_is_served(settings, clock):
    async with prepared(App(settings), clock=clock) as server:
        assert server.running.runtime.portals.every() == []
        with pytest.raises(StoreInUse):
            async with prepared(App(settings), clock=clock):
                pass


@of_a_file
async def test_a_server_that_opens_the_application_itself_closes_it_too(serve: Opening, settings, clock):
    house = await serve()
    assert (await house.http.send("GET", f"{house.url}/readyz")).status == 200
    with pytest.raises(StoreInUse):
        async with prepared(App(settings), clock=clock):
            pass
