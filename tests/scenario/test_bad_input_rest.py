"""Bad input at the portal's doors, over real HTTP: one documented error each, and the portal works on."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from tests.client.serving import serving

from livefeed.clock import ManualClock
from livefeed.portal.http import rest_routes
from livefeed.portal.portals import Directory
from livefeed.portal.rest import Door
from livefeed.portal.server import method_table
from livefeed.secrets import KeyRing

from .city import ADMIN, FORM, JSON, City, Company, fault_in, open_city, result_in

HUGE = "9" * 30
_FEED = "SONET_CONTROLLER_LIVEFEED_BLOGPOST"
WRONG = "wrong-secret-of-a-stranger"


@pytest.fixture
async def city(tmp_path: Path, engine: str) -> AsyncIterator[City]:
    async with open_city(tmp_path, engine) as city:
        yield city
        assert (await city.first.call("user.current"))["ID"] == "1", "the portal works on"


async def raw(city: City, *parts: bytes) -> bytes:
    """Send ``parts`` one after the other and read until the connection ends."""
    return await raw_to(city.address, *parts)


async def raw_to(address: tuple[str, int], *parts: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(*address)
    for part in parts:
        writer.write(part)
        await writer.drain()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def head(company: Company, method: str, *more: str) -> bytes:
    lines = [f"POST {company.webhook()}{method} HTTP/1.1", f"host: {company.row.host}", "connection: close"]
    return "\r\n".join([*lines, f"content-type: {FORM}", *more, "", ""]).encode()


async def test_odd_encodings_are_taken_as_php_takes_them(city: City):
    body = b"POST_TITLE=lost&POST_TITLE=50%zz&POST_MESSAGE=a%FFb+%&DEST=x&DEST[0]=UA&a=1&a[x]=2"

    post = result_in(await city.first.send(city.first.webhook() + "log.blogpost.add", body))

    (row,) = await city.first.call("log.blogpost.get", POST_ID=post)
    assert (row["TITLE"], row["DETAIL_TEXT"]) == ("50%zz", "a\ufffdb %")


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (b"&".join(b"k%d=1" % n for n in range(10_001)), FORM, 413),
        (b"a" + b"[x]" * 1_000 + b"=1", FORM, 413),
        (b'{"a":' * 1_000 + b"1" + b"}" * 1_000, JSON, 413),
        (b"POST_MESSAGE=a%00b", FORM, 400),
        (b"POST_MESSAGE=a\x00b", FORM, 400),
        (b'{"POST_MESSAGE": "a\\u0000b"}', JSON, 400),
        (b"{", JSON, 400),
        (b"[1]", JSON, 400),
        (b"\xff\xfe", JSON, 400),
        (b"no parts", "multipart/form-data; boundary=cut", 400),
    ],
    ids=str,
)
async def test_a_body_that_cannot_be_read_is_one_documented_error(
    city: City, body: bytes, kind: str, expected: int
):
    for path in (city.first.webhook() + "log.blogpost.add", city.first.webhook() + "batch"):
        assert fault_in(await city.first.send(path, body, kind)) == (expected, "INVALID_REQUEST")


async def test_ten_megabytes_are_read_and_more_than_the_limit_is_refused(city: City):
    url = city.first.webhook() + "profile"
    assert result_in(await city.first.send(url, b"x=" + b"a" * 10_000_000))["ID"] == "1"
    over = b"x=" + b"a" * (32 * 1024 * 1024)
    assert fault_in(await city.first.send(url, over)) == (413, "INVALID_REQUEST")


async def test_chunks_are_put_together_and_an_endless_body_is_cut(city: City):
    chunked = head(city.first, "log.blogpost.get", "transfer-encoding: chunked")
    answer = await raw(city, chunked, b"4\r\nPOST\r\n", b"5\r\n_ID=2\r\n", b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"ID":"2"' in answer

    chunk = b"400000\r\n" + b"a" * 0x400000 + b"\r\n"
    answer = await raw(city, chunked, *[chunk] * 9)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"INVALID_REQUEST" in answer


async def test_what_is_no_http_ends_with_400(city: City):
    lengthy = head(city.first, "profile", "content-length: " + "9" * 40)
    assert (await raw(city, lengthy)).startswith(b"HTTP/1.1 400")
    assert (await raw(city, b"\x16\x03\x01 hello\r\n\r\n")).startswith(b"HTTP/1.1 400")


async def test_a_body_that_does_not_come_is_waited_for_a_limited_time(city: City):
    keys, clock = KeyRing([b"k" * 32]), ManualClock()
    door = Door(store=city.store, clock=clock, keys=keys, methods=method_table())
    directory = await Directory.load(city.store)
    routes = rest_routes(door, clock=clock, directory=directory, body_timeout_s=0.05)
    async with serving(Starlette(routes=routes)) as url:
        host, _, port = url.removeprefix("http://").partition(":")
        answer = await raw_to(
            (host, int(port)), head(city.first, "log.blogpost.add", "content-length: 99"), b"POST_"
        )

    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"error":"INVALID_REQUEST"' in answer
    assert b"connection: close" in answer


async def test_a_caller_that_leaves_in_the_middle_changes_nothing(city: City):
    before = await city.first.call("log.blogpost.get")
    _, writer = await asyncio.open_connection(*city.address)
    writer.write(head(city.first, "log.blogpost.add", "content-length: 99") + b"POST_MESSAGE=half")
    await writer.drain()
    writer.transport.abort()

    assert await city.first.call("log.blogpost.get") == before


@pytest.mark.parametrize(
    ("method", "params", "expected"),
    [
        ("log.blogpost.vanish", {}, (404, "ERROR_METHOD_NOT_FOUND")),
        ("log.blogpost.add", {}, (400, f"{_FEED}_ADD_ERROR")),
        ("log.blogpost.update", {}, (400, f"{_FEED}_UPDATE_ERROR")),
        ("log.blogpost.update", {"POST_ID": HUGE, "POST_MESSAGE": "x"}, (400, f"{_FEED}_UPDATE_ERROR")),
        ("log.blogpost.update", {"POST_ID": {"a": [1]}, "POST_MESSAGE": "x"}, (400, f"{_FEED}_UPDATE_ERROR")),
        ("log.blogpost.delete", {"POST_ID": "-1"}, (400, "100")),
        ("log.blogcomment.add", {"POST_ID": "1"}, (400, "")),
        ("im.notify.personal.add", {}, (400, "USER_ID_EMPTY")),
        ("im.notify.personal.add", {"USER_ID": 2}, (400, "MESSAGE_EMPTY")),
        ("event.bind", {"EVENT": "ONLIVEFEEDPOSTUPDATE"}, (400, "ACCESS_DENIED")),
        ("app.info", {}, (400, "ACCESS_DENIED")),
    ],
    ids=str,
)
async def test_a_missing_or_malformed_parameter_has_the_documented_fault(
    city: City, method: str, params: dict[str, object], expected: tuple[int, str]
):
    answer = await city.first.send(city.first.webhook() + method, json.dumps(params).encode(), JSON)

    assert fault_in(answer) == expected


VALUES = (
    "",
    "0",
    "-1",
    HUGE,
    "x",
    "1.5",
    " 1",
    "é",
    None,
    True,
    2**70,
    1e300,
    [],
    {},
    [[1]],
    {"x": {"y": "z"}},
)
NAMES = [
    "POST_ID",
    "POST_MESSAGE",
    "POST_TITLE",
    "DEST",
    "SPERM",
    "FILES",
    "UF_BLOG_POST_FILE",
    "TEXT",
    "USER_ID",
    "MESSAGE",
    "TAG",
    "FILTER",
    "ID",
    "start",
    "LIMIT",
    "FIRST_ID",
    "LAST_ID",
    "LOG_RIGHTS",
    "event",
    "handler",
    "auth_type",
    "event_type",
    "cmd",
    "halt",
    "name",
    "full",
    "scope",
    "sort",
    "order",
]


async def test_no_value_of_any_parameter_breaks_a_method(city: City):
    token = await fresh_token(city.first)
    methods = method_table().names()
    for method in methods:
        for value in VALUES:
            answer = await city.first.token_call(token, method, **dict.fromkeys(NAMES, value))
            assert answer.status < 500, (method, value, answer.body)
            if answer.status != 200:
                fault_in(answer)


async def fresh_token(company: Company, user: int = 1, scope: str = "log,user,im") -> str:
    _, app = await company.operate("app_add", name="Odd", scope=scope)
    status, frame = await company.operate("app_open", client_id=app["client_id"], user=user)
    assert status == 200, frame
    return frame["AUTH_ID"]


async def test_who_cannot_be_told_gets_nothing(city: City):
    token = await fresh_token(city.first)
    for answer in (
        await city.first.send("/rest/user.current"),
        await city.first.send("/rest/user.current", b"auth="),
        await city.first.send("/rest/user.current", f"auth={WRONG}".encode()),
        await city.first.send(
            "/rest/user.current", f"auth={token[:-1]}{'a' if token[-1] != 'a' else 'b'}".encode()
        ),
        await city.first.send("/rest/user.current", b"auth[]=" + token.encode()),
        await city.first.send("/rest/user.current", b"auth=" + token.upper().encode()),
        await city.first.send(f"/rest/1/{WRONG}/user.current"),
        await city.first.send(f"/rest/2/{city.first.webhook().split('/')[3]}/user.current"),
        await city.first.send(f"/rest/1/{token}/user.current"),
    ):
        assert fault_in(answer) == (401, "NO_AUTH_FOUND")
        assert WRONG.encode() not in answer.body
        assert token.encode() not in answer.body
    assert fault_in(await city.first.send(f"/rest/{HUGE}/{WRONG}/user.current")) == (
        404,
        "ERROR_METHOD_NOT_FOUND",
    )
    assert fault_in(await city.first.send("/rest/%00/%ff/%zz")) == (404, "ERROR_METHOD_NOT_FOUND")


async def test_an_expired_token_and_a_missing_right_are_told_apart(city: City):
    token = await fresh_token(city.first, user=2)
    narrow = await fresh_token(city.first, user=2, scope="im")
    others = await city.first.call("log.blogpost.add", POST_MESSAGE="Mine", DEST=["UA"])

    refused = await city.first.token_call(token, "log.blogpost.update", POST_ID=others, POST_MESSAGE="x")
    assert fault_in(refused)[0] in (400, 403)
    assert fault_in(await city.first.token_call(narrow, "log.blogpost.get")) == (403, "insufficient_scope")
    assert (await city.first.call("log.blogpost.get", POST_ID=others))[0]["DETAIL_TEXT"] == "Mine"
    city.clock.advance(3_700)
    assert fault_in(await city.first.token_call(token, "user.current")) == (401, "expired_token")


async def test_a_batch_over_fifty_and_a_nested_batch_are_refused_command_by_command(city: City):
    commands = {f"c{number}": "server.time" for number in range(51)} | {"c7": "batch?cmd[0]=profile"}

    result = await city.first.call("batch", cmd=commands)

    assert {name: error["error"] for name, error in result["result_error"].items()} == {
        "c7": "ERROR_BATCH_METHOD_NOT_ALLOWED",
        "c50": "ERROR_BATCH_LENGTH_EXCEEDED",
    }
    assert len(result["result"]) == 49


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"client_secret": WRONG}, (400, "invalid_client")),
        ({"client_id": "local.none"}, (400, "invalid_client")),
        ({"refresh_token": WRONG}, (400, "invalid_grant")),
        ({"refresh_token": None}, (400, "invalid_request")),
        ({"client_secret": None}, (400, "invalid_request")),
        ({"grant_type": "password"}, (400, "invalid_request")),
        ({"grant_type": None}, (400, "invalid_request")),
        ({"grant_type": "authorization_code", "code": WRONG}, (400, "invalid_grant")),
        ({"x": "a" * 20_000}, (413, "invalid_request")),
        ({f"k{n}": "1" for n in range(60)}, (413, "invalid_request")),
        ({"x": "a\0b"}, (400, "invalid_request")),
    ],
    ids=str,
)
async def test_the_token_endpoint_gives_nothing_out_and_spends_nothing(
    city: City, changed: dict[str, str | None], expected: tuple[int, str]
):
    _, app = await city.first.operate("app_add", name="Shop")
    _, frame = await city.first.operate("app_open", client_id=app["client_id"])
    asked = {
        "grant_type": "refresh_token",
        "client_id": app["client_id"],
        "client_secret": app["client_secret"],
        "refresh_token": frame["REFRESH_ID"],
    }
    given = {name: value for name, value in {**asked, **changed}.items() if value is not None}

    refused = await city.first.send("/oauth/token/", urlencode(given).encode())

    assert fault_in(refused) == expected
    for secret in (WRONG, app["client_secret"], frame["REFRESH_ID"]):
        assert secret.encode() not in refused.body
    granted = await city.first.send("/oauth/token/", urlencode(asked).encode())
    assert granted.status == 200, "the pair was not spent by the refusal"


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("vanish", {}),
        ("edit_post", {}),
        ("edit_post", {"post": 2**70, "text": "x"}),
        ("edit_post", {"post": 1, "text": "x", "user": -1}),
        ("edit_post", {"post": 1, "text": "x", "surprise": 1}),
        ("edit_post", {"post": 1, "text": "x", "user": 1, "as_automation": True}),
        ("dead_replay", {"id": 2**63}),
        ("dead_replay", {"id": 77}),
        ("handler_state", {"handler": 77, "state": "active"}),
        ("webhook_add", {"user": 1, "scope": "no such!"}),
        ("app_add", {"name": ""}),
        ("app_add", {"name": "x", "portal": "f" * 32}),
    ],
    ids=str,
)
async def test_an_operation_that_cannot_be_done_is_refused_in_one_form(
    city: City, operation: str, arguments: dict[str, object]
):
    status, document = await city.operate(operation, **arguments)

    assert (status, document["error"]) == (400, "refused"), document
    assert document["error_description"]


async def test_a_used_refresh_token_is_known_again_in_any_spelling(city: City):
    _, app = await city.first.operate("app_add", name="Shop")
    _, frame = await city.first.operate("app_open", client_id=app["client_id"])
    credentials, refresh = (app["client_id"], app["client_secret"]), frame["REFRESH_ID"]

    assert (await city.first.exchange(*credentials, refresh)).status == 200
    city.clock.advance(11)
    for again in (refresh, refresh.upper(), refresh.capitalize(), f" {refresh}", f"{refresh}="):
        assert fault_in(await city.first.exchange(*credentials, again)) == (400, "invalid_grant")


async def test_operations_are_for_the_administrator_of_this_run_alone(city: City):
    for token in ("", "Bearer ", "Bearer x", f"Basic {ADMIN}", f"Bearer {ADMIN}x", "Bearer é"):
        headers = {"authorization": token.encode().decode("latin-1")}
        answer = await city.http.send("POST", f"{city.url}/admin/api/app_add", body=b"{}", headers=headers)
        assert fault_in(answer) == (401, "unauthorized")
        assert ADMIN.encode() not in answer.body
