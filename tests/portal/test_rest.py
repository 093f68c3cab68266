"""The REST door: every documented way in, and one clear error for every bad one."""

import json

import pytest
from starlette.applications import Starlette

from livefeed.clock import iso
from livefeed.durable.store import Tx
from livefeed.errors import StoreBusy, StoreUnavailable
from livefeed.portal import portals
from livefeed.portal.apps import webhooks
from livefeed.portal.call import Call, Method
from livefeed.portal.http import rest_routes
from livefeed.portal.methods import MethodTable
from livefeed.portal.people import people
from livefeed.portal.rest import Door
from livefeed.portal.seed import seed_demo
from livefeed.wire.calls import Answer
from livefeed.wire.ids import UserId

from .asgi import Response, request
from .conftest import NOW_MS, House

pytestmark = pytest.mark.anyio

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


def fault_in(response: Response) -> tuple[int, str]:
    answer = response.json()
    assert set(answer) == {"error", "error_description"}
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    return response.status, answer["error"]


def multipart(fields: dict[str, str]) -> tuple[bytes, str]:
    parts = [
        f'--cut\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return ("".join(parts) + "--cut--\r\n").encode(), "multipart/form-data; boundary=cut"


@pytest.mark.parametrize(
    "spelled",
    [
        "log.blogpost.get",
        "log.blogpost.get.json",
        "log.blogpost.get/",
        "log.blogpost.get.json/",
        "LOG.BlogPost.Get",
    ],
)
async def test_a_method_is_found_in_each_spelling(house: House, spelled: str):
    response = await house.get(house.webhook(1, spelled) + "?POST_ID=1")
    assert response.json()["result"][0]["ID"] == "1"


async def test_get_form_multipart_and_json_say_the_same(house: House):
    url = house.webhook(1, "log.blogpost.get")
    body, content_type = multipart({"POST_ID": "2"})
    answers = [
        await house.get(url + "?POST_ID=2"),
        await house.post(url, b"POST_ID=2", FORM),
        await house.post(url, b"post_id=2", FORM + "; charset=utf-8"),
        await house.post(url, body, content_type),
        await house.post(url, b'{"POST_ID": 2}', JSON),
        await house.post(url, b'{"POST_ID": "2"}', JSON + "; charset=utf-8"),
        await house.post(url + "?POST_ID=1", b"POST_ID=2", FORM),
    ]
    assert {json.dumps(answer.json()["result"]) for answer in answers} == {
        json.dumps(answers[0].json()["result"])
    }
    assert answers[0].json()["result"][0]["ID"] == "2"


async def test_nested_parameters_come_the_same_in_brackets_multipart_and_json(house: House):
    url = house.webhook(1, "user.get")
    body, content_type = multipart({"FILTER[@ID][0]": "2", "FILTER[@ID][1]": "5"})
    for response in (
        await house.get(url + "?FILTER[@ID][]=2&FILTER[@ID][]=5"),
        await house.post(url, body, content_type),
        await house.post(url, b'{"filter": {"@ID": [2, 5]}}', JSON),
    ):
        assert [row["ID"] for row in response.json()["result"]] == ["2", "5"]


async def test_the_envelope_is_the_documented_one(house: House):
    answer = (await house.get(house.webhook(1, "log.blogpost.get") + "?POST_ID=1")).json()
    assert list(answer) == ["result", "total", "time"]
    assert answer["time"] == {
        "start": NOW_MS / 1000,
        "finish": NOW_MS / 1000,
        "duration": 0,
        "processing": 0,
        "date_start": iso(NOW_MS),
        "date_finish": iso(NOW_MS),
        "operating_reset_at": NOW_MS // 1000 + 600,
        "operating": 0,
    }


async def test_a_token_works_in_query_form_and_json_and_the_method_does_not_see_it(house: House):
    token = await house.token(3)
    for response in (
        await house.get(f"/rest/user.current?auth={token}"),
        await house.post("/rest/user.current.json", f"auth={token}".encode(), FORM),
        await house.post("/rest/user.current", json.dumps({"auth": token}).encode(), JSON),
    ):
        assert response.json()["result"]["ID"] == "3"


async def test_no_auth_is_refused(house: House):
    assert fault_in(await house.get("/rest/user.current")) == (401, "NO_AUTH_FOUND")
    assert fault_in(await house.get("/rest/user.current?auth=")) == (401, "NO_AUTH_FOUND")
    assert fault_in(await house.get("/rest/user.current?auth=s6p6eclrvim6da22ft9ch94ekreb52lv")) == (
        401,
        "NO_AUTH_FOUND",
    )


async def test_an_expired_token_is_told_apart(house: House):
    token = await house.token(1)
    house.clock.advance(3_700)
    assert fault_in(await house.get(f"/rest/user.current?auth={token}")) == (401, "expired_token")


async def test_a_wrong_webhook_secret_is_refused_for_every_person_alike(house: House):
    for user in (1, 2, 999):
        assert fault_in(await house.get(f"/rest/{user}/8g9l071eismy9q2l/profile")) == (401, "NO_AUTH_FOUND")
    own = house.webhook(1, "profile").replace("/rest/1/", "/rest/2/")
    assert fault_in(await house.get(own)) == (401, "NO_AUTH_FOUND")


async def test_an_expired_webhook_is_refused(house: House):
    made = webhooks.new_code(house.keys)
    await house.store.write(
        lambda tx: webhooks.add(
            tx,
            portal=house.portal.member_id,
            user_id=UserId(2),
            scopes=["log"],
            code=made,
            expires_at=NOW_MS + 60_000,
        )
    )
    code = made.code.reveal()
    assert (await house.get(f"/rest/2/{code}/server.time")).status == 200
    house.clock.advance(61)
    assert fault_in(await house.get(f"/rest/2/{code}/server.time")) == (401, "NO_AUTH_FOUND")


async def test_a_dismissed_person_can_call_nothing(house: House):
    token = await house.token(2)
    await house.store.write(lambda tx: people.dismiss(tx, house.portal.member_id, UserId(2)))
    assert (await house.fault(2, "profile"))[:2] == (401, "NO_AUTH_FOUND")
    assert fault_in(await house.get(f"/rest/profile?auth={token}")) == (401, "NO_AUTH_FOUND")


async def test_an_unknown_method_is_told_after_the_caller_is_known(house: House):
    assert await house.fault(1, "log.blogpost.vanish") == (404, "ERROR_METHOD_NOT_FOUND", "Method not found!")
    assert fault_in(await house.get("/rest/log.blogpost.vanish")) == (401, "NO_AUTH_FOUND")


@pytest.mark.parametrize(
    "path", ["/rest/", "/rest/1/abc/", "/rest/x/abc/profile", "/rest/1/abc/profile/more"]
)
async def test_a_path_of_no_form_is_an_unknown_method(house: House, path: str):
    assert fault_in(await house.get(path)) == (404, "ERROR_METHOD_NOT_FOUND")


async def test_a_missing_scope_is_told_before_the_rights(house: House):
    token = await house.token(2, scope="im")
    response = await house.get(f"/rest/log.blogpost.delete?POST_ID=1&auth={token}")
    assert fault_in(response) == (403, "insufficient_scope")


async def test_narrower_user_scopes_open_the_user_methods_with_fewer_fields(house: House):
    basic, brief = await house.token(2, scope="user_basic"), await house.token(2, scope="user_brief")
    seen = {
        scope: (await house.get(f"/rest/user.current?auth={token}")).json()["result"]
        for scope, token in (("basic", basic), ("brief", brief))
    }
    assert "EMAIL" in seen["basic"]
    assert "LAST_LOGIN" not in seen["basic"]
    assert "EMAIL" not in seen["brief"]


async def test_invalid_json_is_one_clear_error(house: House):
    for body in (b"{", b'{"a": }', b"\xff", b"[1]", b'"text"', b"1"):
        response = await house.post(house.webhook(1, "log.blogpost.get"), body, JSON)
        assert fault_in(response) == (400, "INVALID_REQUEST")
        assert "JSON" in response.json()["error_description"]


async def test_half_a_character_is_refused(house: House):
    body = b'{"POST_MESSAGE": "\\ud800"}'
    response = await house.post(house.webhook(1, "log.blogpost.add"), body, JSON)
    assert fault_in(response) == (400, "INVALID_REQUEST")


async def test_deep_json_is_refused(house: House):
    body = b'{"a":' * 5_000 + b"1" + b"}" * 5_000
    assert fault_in(await house.post(house.webhook(1, "profile"), body, JSON)) in (
        (413, "INVALID_REQUEST"),
        (400, "INVALID_REQUEST"),
    )


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"POST_MESSAGE=a%00b", FORM), (b"POST_MESSAGE=a\0b", FORM), (b'{"POST_MESSAGE": "a\\u0000b"}', JSON)],
)
async def test_a_nul_is_refused(house: House, body: bytes, content_type: str):
    response = await house.post(house.webhook(1, "log.blogpost.add"), body, content_type)
    assert fault_in(response) == (400, "INVALID_REQUEST")
    assert "NUL" in response.json()["error_description"]


@pytest.mark.parametrize(
    ("charset", "text"), [("utf-7", "+2AA-"), ("unicode_escape", "\\ud800"), ("punycode", "-_")]
)
async def test_a_charset_that_makes_no_text_is_refused(house: House, charset: str, text: str):
    body, content_type = multipart({"POST_MESSAGE": text})
    url = house.webhook(1, "log.blogpost.add")
    assert (await house.post(url, body, f"{content_type}; charset={charset}")).status == 400
    assert (await house.post(url, body, f"{content_type}; charset=UTF-8")).status == 200


async def test_a_nul_in_multipart_is_refused(house: House):
    body, content_type = multipart({"POST_MESSAGE": "a\0b"})
    assert fault_in(await house.post(house.webhook(1, "log.blogpost.add"), body, content_type)) == (
        400,
        "INVALID_REQUEST",
    )


async def test_too_many_keys_and_too_deep_keys_are_refused(house: House):
    url = house.webhook(1, "profile")
    many = "&".join(f"k{number}=1" for number in range(10_001)).encode()
    deep = b"a" + b"[b]" * 1_000 + b"=1"
    assert fault_in(await house.post(url, many, FORM)) == (413, "INVALID_REQUEST")
    assert fault_in(await house.post(url, deep, FORM)) == (413, "INVALID_REQUEST")
    assert (await house.post(url, b"&".join(many.split(b"&")[:10_000]), FORM)).status == 200
    body, content_type = multipart({f"k{number}": "1" for number in range(10_001)})
    assert fault_in(await house.post(url, body, content_type)) == (413, "INVALID_REQUEST")


async def test_odd_forms_are_taken_as_php_takes_them(house: House):
    url = house.webhook(1, "log.blogpost.add")
    await house.post(url, b"POST_MESSAGE=first&POST_MESSAGE=100%zz+\xff&POST_TITLE[x]=1&POST_TITLE=t", FORM)
    (post,) = (await house.get(house.webhook(1, "log.blogpost.get") + "?POST_ID=13")).json()["result"]
    assert (post["DETAIL_TEXT"], post["TITLE"]) == ("100%zz \ufffd", "t")


@pytest.mark.parametrize("body", [b"no parts at all", b"--cut\r\nbroken", b"--cut\r\n\r\nx\r\n--cut--\r\n"])
async def test_broken_multipart_is_refused(house: House, body: bytes):
    response = await house.post(house.webhook(1, "profile"), body, "multipart/form-data; boundary=cut")
    assert fault_in(response) == (400, "INVALID_REQUEST")
    response = await house.post(house.webhook(1, "profile"), body, "multipart/form-data")
    assert fault_in(response) == (400, "INVALID_REQUEST")


async def test_file_parts_of_multipart_are_passed_over(house: House):
    part = (
        b'--cut\r\nContent-Disposition: form-data; name="POST_ID"; filename="a.txt"\r\n\r\n2\r\n'
        b'--cut\r\nContent-Disposition: form-data; name="post_id"\r\n\r\n1\r\n--cut--\r\n'
    )
    response = await house.post(
        house.webhook(1, "log.blogpost.get"), part, "multipart/form-data; boundary=cut"
    )
    assert [row["ID"] for row in response.json()["result"]] == ["1"]


async def test_a_body_beyond_the_limit_is_refused_with_and_without_a_length(house: House):
    url = house.webhook(1, "profile")
    response = await house.post(url, b"a=1", FORM, host="127.0.0.1:8024")
    assert response.status == 200
    big = b"a=" + b"x" * (32 * 1024 * 1024)
    assert fault_in(await house.post(url, big, FORM)) == (413, "INVALID_REQUEST")
    chunks = [big[at : at + 2**20] for at in range(0, len(big), 2**20)]
    assert fault_in(await house.post(url, chunks, FORM)) == (413, "INVALID_REQUEST")


async def test_a_caller_that_goes_away_changes_nothing(house: House):
    count = len((await house.get(house.webhook(1, "log.blogpost.get"))).json()["result"])
    response = await house.post(house.webhook(1, "log.blogpost.add"), [], FORM)
    assert fault_in(response)[0] == 400
    assert len((await house.get(house.webhook(1, "log.blogpost.get"))).json()["result"]) == count


async def test_other_http_methods_and_the_xml_transport_are_refused(house: House):
    assert fault_in(await request(house.app, "DELETE", house.webhook(1, "profile"))) == (
        405,
        "INVALID_REQUEST",
    )
    assert fault_in(await house.get(house.webhook(1, "profile.xml"))) == (400, "INVALID_REQUEST")


async def test_a_webhook_in_clear_text_is_refused_where_the_portal_is_known_under_https(house: House):
    await house.store.write(lambda tx: portals.move(tx, house.portal.member_id, "https://feed.example.com"))
    await house.directory.refresh(house.store)
    url = house.webhook(1, "profile")
    response = await house.get(url, host="feed.example.com")
    assert fault_in(response) == (400, "INVALID_REQUEST")
    assert response.json()["error_description"] == "Https required"
    assert (await house.get(url, host="feed.example.com", scheme="https")).status == 200
    token = await house.token(1)
    assert (await house.get(f"/rest/profile?auth={token}", host="feed.example.com")).status == 200


async def test_two_portals_in_one_server_do_not_know_each_other(house: House):
    other = await house.store.write(
        lambda tx: portals.create(tx, public_url="http://other.example:8024", name="Other", language="ru")
    )
    seeded = await house.store.write(lambda tx: seed_demo(tx, portal=other, keys=house.keys))
    await house.directory.refresh(house.store)
    theirs = f"/rest/1/{seeded.people[0].webhook_code}/"
    updated = await house.post(
        theirs + "log.blogpost.update", b"POST_ID=1&POST_MESSAGE=Only+theirs", FORM, host="other.example:8024"
    )
    assert updated.json()["result"] == 1
    assert (await house.call(1, "log.blogpost.get", POST_ID=1))[0]["TITLE"] == "Holidays"
    assert fault_in(await house.get(theirs + "profile")) == (401, "NO_AUTH_FOUND")
    assert fault_in(await house.get(house.webhook(1, "profile"), host="OTHER.example:8024")) == (
        401,
        "NO_AUTH_FOUND",
    )


async def test_a_token_of_another_portal_is_refused(house: House):
    other = await house.store.write(
        lambda tx: portals.create(tx, public_url="http://other.example:8024", name="Other")
    )
    await house.store.write(lambda tx: seed_demo(tx, portal=other, keys=house.keys))
    await house.directory.refresh(house.store)
    token = await house.token(1, portal=other)
    assert fault_in(await house.get(f"/rest/profile?auth={token}")) == (401, "NO_AUTH_FOUND")
    assert (await house.get(f"/rest/profile?auth={token}", host="other.example:8024")).status == 200


async def test_an_unknown_host_gets_the_default_portal(house: House):
    response = await house.get(house.webhook(1, "profile"), host="nobody.example")
    assert response.json()["result"]["ID"] == "1"


async def test_the_basic_methods_answer_in_any_scope(house: House):
    token = await house.token(2, scope="im")

    async def result(call: str) -> object:
        return (await house.get(f"/rest/{call}{'&' if '?' in call else '?'}auth={token}")).json()["result"]

    assert await result("scope") == ["im"]
    assert await result("scope?full=1") == ["im", "log", "user"]
    assert await result("server.time") == iso(NOW_MS)
    assert await result("method.get?name=im.notify.get") == {"isExisting": True, "isAvailable": True}
    assert await result("method.get?name=LOG.blogpost.get") == {"isExisting": True, "isAvailable": False}
    assert await result("method.get?name=nothing") == {"isExisting": False, "isAvailable": False}
    assert await result("method.get") == {"isExisting": False, "isAvailable": False}
    assert await result("method.get?name=batch") == {"isExisting": True, "isAvailable": True}
    assert "log.blogpost.get" not in await result("methods")
    assert "log.blogpost.get" in await result("methods?full=true")


async def test_what_nobody_foresaw_is_a_documented_error_and_changes_nothing(house: House):
    def fail(tx: Tx, call: Call) -> Answer:
        people.dismiss(tx, house.portal.member_id, UserId(2))
        raise ZeroDivisionError(call.method)

    table = MethodTable([Method(name="broken", fn=fail, writes=True)])
    door = Door(store=house.store, clock=house.clock, keys=house.keys, methods=table)
    app = Starlette(routes=rest_routes(door, clock=house.clock, directory=house.directory))
    assert fault_in(await request(app, "GET", house.webhook(1, "broken"))) == (500, "INTERNAL_SERVER_ERROR")
    assert (await house.call(2, "user.current"))["ACTIVE"] is True


async def test_a_full_store_asks_to_come_back_later(house: House):
    def full(_tx: Tx, _call: Call) -> Answer:
        raise StoreBusy("10,000 units wait")

    def broken(_tx: Tx, _call: Call) -> Answer:
        raise StoreUnavailable("disk full")

    table = MethodTable([Method(name="full", fn=full), Method(name="broken", fn=broken)])
    door = Door(store=house.store, clock=house.clock, keys=house.keys, methods=table)
    app = Starlette(routes=rest_routes(door, clock=house.clock, directory=house.directory))
    busy = await request(app, "GET", house.webhook(1, "full"))
    assert fault_in(busy) == (503, "QUERY_LIMIT_EXCEEDED")
    assert busy.headers["retry-after"] == "1"
    failed = await request(app, "GET", house.webhook(1, "broken"))
    assert fault_in(failed) == (503, "INTERNAL_SERVER_ERROR")
    assert "disk" not in failed.text
