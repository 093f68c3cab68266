"""Two companies on one server: no credential and no number of one is anything at the other."""

import json
from typing import Any
from urllib.parse import quote, urlencode

from tests.portal.asgi import Response
from tests.scenario.test_bad_input_rest import NAMES

from livefeed.portal.admin import OPERATIONS
from livefeed.portal.server import method_table
from livefeed.portal.web.frames.commands import COMMANDS
from livefeed.secrets import KeyRing

from .doors import OPEN, STREAMS, doors
from .stand import FORM, JSON, Company, Stand

METHODS = method_table().names()
UNKNOWN = (401, "NO_AUTH_FOUND")


def fault_in(answer: Response) -> tuple[int, str]:
    document = answer.json()
    assert set(document) == {"error", "error_description"}, answer.text
    return answer.status, document["error"]


def named(things: dict[str, str]) -> dict[str, Any]:
    """Parameters that name what is there, under every name that a method might read."""
    numbers = (things["post"], things["comment"], things["handler"], things["placement"], things["file"])
    return dict.fromkeys(NAMES, things["post"]) | {
        "COMMENT_ID": things["comment"],
        "EVENT_HANDLER_ID": things["handler"],
        "PLACEMENT_ID": things["placement"],
        "FILE_ID": things["file"],
        "CLIENT_ID": things["client_id"],
        "ids": list(numbers),
    }


async def test_a_session_opens_no_page_and_sends_no_form_of_the_other_company(stand: Stand):
    first, second = stand.first, stand.second
    browser = second.browser()
    browser.cookies["livefeed_session"] = first.secrets["session"]
    token = first.secrets["form_token"]
    before = await stand.dump()

    for door in doors(stand.site.server):
        for things in (first.things, second.things):
            url, cookies = door.url(things), dict(browser.cookies)
            for method in ("GET", "POST"):
                fields = urlencode(
                    {"token": token, "text": "x", "answer": "allow", "here": "/", "person": "1"}
                )
                if method == "POST":
                    headers = {"x-livefeed-token": token}
                    answer = await browser.send_body(url, fields.encode(), headers=headers)
                else:
                    answer = await browser.get(url)
                browser.cookies = cookies
                assert answer.status in {303, 307, 400, 401, 403, 404, 405} or door.path in OPEN, str(door)
                for mark in (first.mark, second.mark):
                    assert mark not in answer.text, (str(door), mark)
    assert before == await stand.dump()
    own = first.browser()
    own.cookies["livefeed_session"] = first.secrets["session"]
    assert (await own.get("/")).status == 200, "it was not ended there"


async def test_no_secret_of_one_company_is_a_token_at_the_other(stand: Stand):
    before = await stand.dump()
    for one, other in ((stand.first, stand.second), (stand.second, stand.first)):
        for name, secret in one.secrets.items():
            for method in METHODS if name in {"access_token", "webhook_code"} else ("user.current", "batch"):
                refused = await other.call(secret, method, **named(other.things))
                assert fault_in(refused) == UNKNOWN, (name, method)
                asked = await other.ask("GET", f"/rest/{method}?{urlencode({'auth': secret})}")
                assert fault_in(asked) == UNKNOWN, (name, method)
                bearer = {"authorization": f"Bearer {secret}"}
                asked = await other.ask("GET", f"/rest/{method}", headers=bearer)
                assert fault_in(asked) == UNKNOWN, (name, method)
                for user in (1, 2):
                    hook = await other.ask("GET", f"/rest/{user}/{quote(secret, safe='')}/{method}.json")
                    assert fault_in(hook) == UNKNOWN, (name, method)
    assert before == await stand.dump()


async def test_every_kind_of_secret_is_good_for_its_own_door_alone(stand: Stand):
    company = stand.first
    for name, secret in company.secrets.items():
        answer = await company.call(secret, "user.current")
        hook = await company.ask("GET", f"/rest/1/{quote(secret, safe='')}/user.current")
        assert (answer.status, hook.status) == (
            200 if name == "access_token" else 401,
            200 if name == "webhook_code" else 401,
        ), name
        admin = {"authorization": f"Bearer {secret}"}
        assert (await company.ask("POST", "/admin/api/app_add", body=b"{}", headers=admin)).status == 401
        for cookie in ("livefeed_session", "livefeed_visit"):
            browser = company.browser()
            browser.cookies[cookie] = secret
            status = (await browser.get("/bell")).status
            assert status == (200 if (name, cookie) == ("session", "livefeed_session") else 303), name


async def test_no_code_and_no_refresh_token_is_exchanged_at_the_other_company(stand: Stand):
    before = await stand.dump()
    for one, other in ((stand.first, stand.second), (stand.second, stand.first)):
        for keys in (one, other):
            given = {"client_id": keys.things["client_id"], "client_secret": keys.secrets["client_secret"]}
            expected = (400, "invalid_client" if keys is one else "invalid_grant")
            for secret in one.secrets.values():
                refresh = await other.exchange(grant_type="refresh_token", refresh_token=secret, **given)
                assert fault_in(refresh) == expected
                code = await other.exchange(grant_type="authorization_code", code=secret, **given)
                assert fault_in(code) == expected
                stand.site.house.clock.advance(60)  # wrong guesses are throttled
    assert before == await stand.dump()


async def test_no_method_reads_or_changes_what_is_numbered_at_the_other_company(stand: Stand):
    first, second = stand.first, stand.second
    hers = {"comment", "post", "post_version", "drive_file", "attachment", "notification"}
    before = await _of(stand, second)

    for method in METHODS:
        if method in {"batch", "app.info"}:
            continue
        answer = await first.call(first.secrets["access_token"], method, **named(second.things))
        assert answer.status < 500, method
        assert second.mark not in answer.text, method
    commands = {name: f"{name}?{urlencode(named(second.things), doseq=True)}" for name in METHODS}
    for start in range(0, len(METHODS), 50):
        chunk = dict(list(commands.items())[start : start + 50])
        answer = await first.call(first.secrets["access_token"], "batch", cmd=chunk)
        assert second.mark not in answer.text

    after = await _of(stand, second)
    assert hers <= set(before)
    assert before == after


async def _of(stand: Stand, company: Company) -> dict[str, list[Any]]:
    """The rows of one company, in every table that tells whose a row is."""
    member = company.row.member_id
    dump = await stand.dump("web_session", "frame")
    found = {table: [row for row in rows if member in row] for table, rows in dump.items()}
    return {table: rows for table, rows in found.items() if rows}


async def test_no_page_shows_and_no_form_changes_what_is_numbered_at_the_other_company(stand: Stand):
    first, second = stand.first, stand.second
    numbers = {**second.things, "sid": first.things["sid"]}
    before = await _of(stand, second)

    for door in doors(stand.site.server):
        if "{" not in door.path or door.path in (*STREAMS, *OPEN):
            continue
        browser = await first.entered()
        token = await browser.token()
        url = door.url(numbers)
        if door.method == "GET":
            answer = await browser.get(url)
        else:
            form = {"token": token, "text": "stolen", "version": "1", "title": "stolen", "name": "stolen"}
            form |= {"scope": "log", "url": "http://127.0.0.1:9/x", "event": "ONLIVEFEEDPOSTUPDATE"}
            headers = {"x-livefeed-token": token}
            answer = await browser.send_body(url, urlencode(form).encode(), headers=headers)
        assert second.mark not in answer.text, str(door)
        assert answer.status in {303, 400, 403, 404, 409}, (str(door), answer.status)
        assert answer.status != 303 or "unreadable" in answer.headers["location"], str(door)
    assert before == await _of(stand, second)


async def test_queries_that_name_the_other_company_show_nothing_of_it(stand: Stand):
    first, second = stand.first, stand.second
    browser = await first.entered()
    query = urlencode({**named(second.things), **second.things, "portal": second.row.member_id}, doseq=True)
    for door in doors(stand.site.server):
        if door.method == "GET" and door.path not in STREAMS:
            for parts in (first.things, second.things):
                answer = await browser.get(f"{door.url(parts)}?{query}")
                assert second.mark not in answer.text, str(door)


async def test_a_frame_of_one_company_commands_nothing_at_the_other(stand: Stand):
    first, second = stand.first, stand.second
    before = await stand.dump()
    for page, app, sid in (
        (second, first, first),
        (second, second, first),
        (second, first, second),
        (first, second, first),
        (first, second, second),
        (first, first, second),
    ):
        browser = page.browser()
        browser.cookies["livefeed_session"] = page.secrets["session"]
        body = json.dumps({"name": "x", "value": "y", "path": "/posts/1"}).encode()
        headers = {"x-livefeed-token": page.secrets["form_token"], "content-type": JSON}
        for command in COMMANDS:
            url = f"/apps/{app.things['app']}/frame/{sid.things['sid']}/{command}"
            answer = await browser.send_body(url, body, headers=headers)
            assert (answer.status, answer.json()) == (403, {"error": "not_your_frame"}), command
    assert before == await stand.dump()


async def test_a_frame_takes_commands_from_the_very_session_it_was_shown_in(stand: Stand):
    company, things = stand.first, stand.first.things
    url = f"/apps/{things['app']}/frame/{things['sid']}/getInitData"
    for person in (1, 2):  # another browser of the same person, and somebody else
        browser = await company.entered(person)
        headers = {"x-livefeed-token": await browser.token("/bell"), "content-type": JSON}
        answer = await browser.send_body(url, b"{}", headers=headers)
        assert (answer.status, answer.json()) == (403, {"error": "not_your_frame"})
    browser = company.browser()
    browser.cookies["livefeed_session"] = company.secrets["session"]
    headers = {"x-livefeed-token": company.secrets["form_token"], "content-type": JSON}
    assert (await browser.send_body(url, b"{}", headers=headers)).status == 200


async def test_nobody_allows_an_application_of_the_other_company(stand: Stand):
    first, second = stand.first, stand.second
    browser = await first.entered()  # her number is that of one who has allowed it there
    before = await stand.dump()
    for path in ("/oauth/authorize/", "/oauth/authorize"):
        url = f"{path}?client_id={second.things['client_id']}"
        for answer in (
            await browser.get(url),
            await browser.send(url, token=await browser.token("/bell"), answer="allow"),
            await browser.get(f"/marketplace/view/{second.things['client_id']}/"),
        ):
            assert answer.status in {303, 404}
            assert "code=" not in answer.headers.get("location", "")
            assert second.mark not in answer.text
    assert before == await stand.dump()


async def test_an_operation_finds_nothing_of_the_other_company(stand: Stand):
    first, second = stand.first, stand.second
    things = second.things
    client = {"client_id": things["client_id"]}
    webhook, out = {"id": int(things["webhook"])}, {"id": int(things["outgoing"])}
    handler = {"handler": int(things["handler"])}
    cases: dict[str, list[dict[str, Any]]] = {
        "app_finish": [client],
        "app_update": [{**client, "version": "9.0.0"}],
        "app_reinstall": [client],
        "app_remove": [client],
        "app_rotate": [client],
        "app_open": [client],
        "app_payment": [client],
        "webhook_change": [{**webhook, "name": "stolen"}],
        "webhook_regenerate": [webhook, out],
        "webhook_remove": [webhook, out],
        "outgoing_change": [{**out, "name": "stolen"}],
        "outgoing_show": [out],
        "handler_state": [{**handler, "state": "paused"}],
        "handler_test": [handler],
        "dead_replay": [{"id": 1}, handler],
        "resend": [{**handler, "seq": int(things["seq"])}, {**handler, "since_ms": 0}],
        "edit_post": [{"post": int(things["post"]), "text": "stolen"}],
        "user_password": [{"user": "zoe"}],
        "user_dismiss": [{"user": "zoe"}],
    }
    makers = {"app_add", "webhook_add", "outgoing_add", "user_add"}
    assert set(cases) | makers == set(OPERATIONS), "a new operation needs a case here"
    await second.operated("user_add", login="zoe")
    await _fail_a_delivery(stand, second)
    before = await stand.dump()

    for operation, asked in cases.items():
        for arguments in asked:
            refused = await first.operate(operation, **arguments)
            assert fault_in(refused) == (400, "refused"), (operation, refused.text)
            for secret in second.secrets.values():
                assert secret not in refused.text
    assert before == await stand.dump()


async def _fail_a_delivery(stand: Stand, company: Company) -> None:
    """Leave a dead letter."""
    stand.site.receiver.will(f"/h/{company.mark}", 404)
    await company.operated("edit_post", post=int(company.things["post"]), text="once more")
    for _ in range(60):
        await stand.site.server.dispatcher.run_due()
        stand.site.house.clock.advance(10_800)
        if await stand.store.read(lambda tx: tx.execute("SELECT count(*) FROM dead").fetchone()[0]):
            return
    raise AssertionError("there is no letter to be stolen")


async def test_events_of_one_company_go_to_its_own_handlers_with_its_own_tokens(stand: Stand):
    first, second = stand.first, stand.second
    stand.site.receiver.taken()
    await second.operated("edit_post", post=int(second.things["post"]), text="for us alone")

    got = await stand.site.send_due()

    assert {f"/h/{second.mark}", f"/out/{second.mark}"} == {one.path for one in got}
    for one in got:
        assert one.auth["member_id"] == second.row.member_id
        assert first.row.member_id.encode() not in one.body
        assert not [name for name, secret in first.secrets.items() if secret.encode() in one.body]


async def test_the_form_token_of_one_key_is_not_that_of_another_server(stand: Stand):
    from livefeed.portal.web.desk.session import Visit

    visit = Visit(code=stand.first.secrets["session"], is_session=True)
    assert visit.token(stand.site.house.keys) == stand.first.secrets["form_token"]
    assert visit.token(KeyRing([b"x" * 32])) != stand.first.secrets["form_token"]


async def test_at_an_address_that_is_no_companys_a_session_of_the_second_is_nothing(stand: Stand):
    session = stand.second.secrets["session"]
    cookie = f"livefeed_session={session}; {stand.second.cookie(session)}; livefeed_session_8024={session}"
    for host in ("unknown.example", "", "second.example.evil", "127.0.0.1:8024"):
        answer = await stand.second.site.http("GET", "/", headers={"cookie": cookie}, host=host)
        assert answer.headers["location"].startswith("/login")
    form = urlencode({"auth": stand.second.secrets["access_token"]}).encode()
    url, headers = "/rest/user.current", {"content-type": FORM}
    answer = await stand.site.http("POST", url, body=form, headers=headers, host="unknown.example")
    assert fault_in(answer) == UNKNOWN
