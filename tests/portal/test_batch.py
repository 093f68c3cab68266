"""``batch`` at the door."""

import json
from typing import Any

import pytest

from .conftest import House

pytestmark = pytest.mark.anyio


async def batch(house: House, cmd: Any, user: int = 1, **more: Any) -> Any:
    body = json.dumps({"cmd": cmd, **more}).encode()
    response = await house.post(house.webhook(user, "batch"), body, "application/json")
    assert response.status == 200, response.text
    return response.json()["result"]


async def test_a_later_command_uses_the_result_of_an_earlier_one(house: House):
    result = await batch(
        house,
        {
            "me": "user.current",
            "post": "log.blogpost.add?POST_MESSAGE=From%20a%20batch&DEST[]=U$result[me][ID]",
            "read": "log.blogpost.get?POST_ID=$result[post]",
        },
    )
    assert result["result"]["read"][0]["DETAIL_TEXT"] == "From a batch"
    assert result["result_total"] == {"read": 1}
    assert (result["result_error"], result["result_next"]) == ([], [])
    assert set(result["result_time"]) == {"me", "post", "read"}
    assert "operating" not in result["result_time"]["me"]


async def test_one_failing_command_stops_nothing_unless_asked(house: House):
    commands = {"bad": "log.blogpost.update?POST_ID=999&POST_TITLE=x", "good": "server.time"}
    result = await batch(house, commands)
    assert result["result_error"]["bad"]["error_description"] == "No post found"
    assert set(result["result"]) == {"good"}
    result = await batch(house, commands, halt=1)
    assert result["result"] == []
    assert set(result["result_error"]) == {"bad"}


async def test_commands_beyond_fifty_and_nested_batches_are_refused_one_by_one(house: House):
    commands = {f"c{number}": "server.time" for number in range(52)} | {"c3": "batch?cmd[a]=server.time"}
    result = await batch(house, commands)
    assert {name: error["error"] for name, error in result["result_error"].items()} == {
        "c3": "ERROR_BATCH_METHOD_NOT_ALLOWED",
        "c50": "ERROR_BATCH_LENGTH_EXCEEDED",
        "c51": "ERROR_BATCH_LENGTH_EXCEEDED",
    }
    assert len(result["result"]) == 49


async def test_a_missing_scope_has_no_description_within_a_batch(house: House):
    token = await house.token(2, scope="im")
    body = json.dumps({"auth": token, "cmd": {"get_user": "user.get"}}).encode()
    response = await house.post("/rest/batch.json", body, "application/json")
    assert response.json()["result"]["result_error"] == {
        "get_user": {"error": "insufficient_scope", "error_description": ""}
    }


async def test_a_batch_without_auth_is_refused_as_a_whole(house: House):
    response = await house.post("/rest/batch", b'{"cmd": {"a": "profile"}}', "application/json")
    assert (response.status, response.json()["error"]) == (401, "NO_AUTH_FOUND")


async def test_an_empty_batch_answers_empty_maps(house: House):
    assert await batch(house, {}) == {
        "result": [],
        "result_error": [],
        "result_total": [],
        "result_next": [],
        "result_time": [],
    }


async def test_a_command_cannot_change_who_calls(house: House):
    token = await house.token(1)
    result = await batch(house, {"me": f"user.current?auth={token}"}, user=2)
    assert result["result"]["me"]["ID"] == "2"


async def test_unknown_and_unreadable_commands_are_told_one_by_one(house: House):
    result = await batch(house, {"a": "no.such", "b": "", "c": "log.blogpost.add?POST_MESSAGE=%00"})
    assert {name: error["error"] for name, error in result["result_error"].items()} == {
        "a": "ERROR_METHOD_NOT_FOUND",
        "b": "ERROR_METHOD_NOT_FOUND",
        "c": "INVALID_REQUEST",
    }
