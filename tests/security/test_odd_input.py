"""Bad input at every address where people ask: one clear answer, never a failure, and nothing is lost."""

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from livefeed.portal.apps import oauth
from livefeed.portal.web.desk import session
from livefeed.portal.web.frames.commands import COMMANDS

from .doors import STREAMS, Door, doors, forms
from .stand import FORM, JSON, Company, Stand

ODD = (
    "",
    "0",
    "-1",
    "9" * 18,
    "9" * 40,
    "-" + "9" * 40,
    "1e400",
    "0x10",
    "٣",
    " 1",
    "\x00",
    "\ufffd",
    "\u202e",
    "\ud7ff",
    "é",
    "%",
    "%zz",
    "%00",
    "%ff",
    "' OR 1=1 --",
    "<script>",
    "..",
    "a" * 5_000,
    "{}",
    "[]",
    "null",
    "1,2",
    "%(name)s %s %d",
    "{{ 7 * 7 }}",
)
NAMES = [
    "post",
    "next",
    "here",
    "handler",
    "since",
    "before",
    "state",
    "event",
    "client_id",
    "placement",
    "params",
    "query",
    "said",
    "count",
    "from",
    "to",
    "view",
    "version",
    "arrived",
    "page",
    "id",
    "text",
    "title",
    "name",
    "scope",
    "url",
    "until",
    "login",
    "password",
    "person",
    "language",
    "answer",
    "suggestion",
    "only_missing",
    "more_scopes",
    "auth_keys",
    "handler_url",
    "install_url",
    "redirect_uri",
    "has_interface",
    "clean",
    "member_id",
]
RAW_QUERIES = (
    b"%",
    b"%zz=%zz",
    b"%00=%00",
    b"post=%ff&client_id=%ff&next=%ff&since=%ff",
    b"post=\xff&client_id=\xff&state=\xff",
    b"post=1&post=2&client_id=a&client_id=b",
    b"post[]=1&client_id[x]=1&next[]=/&params[a][b]=1",
    b"params" + b"[x]" * 500 + b"=1",
    b"&".join(b"k%d=1" % number for number in range(2_000)),
    b"post=" + b"9" * 50_000,
    b"=&=&&&==",
)


@pytest.fixture(autouse=True)
async def _nothing_is_lost(stand: Stand):
    """After each of these tests the posts are there, and an edit is delivered."""
    yield
    for company in (stand.first, stand.second):
        post = int(company.things["post"])
        await company.operated("edit_post", post=post, text=f"{company.mark} after all")
        got = await stand.site.send_due()
        assert f"/h/{company.mark}" in {one.path for one in got}
        page = (await (await company.entered()).get(f"/posts/{post}")).text
        assert f"{company.mark} after all" in page


def things_of(company: Company, odd: str) -> dict[str, str]:
    return dict.fromkeys([*company.things, "name", "code"], odd.replace("?", "").replace("#", ""))


def shown(door: Door, what: object) -> tuple[str, str]:
    return str(door), repr(what)[:60]


@pytest.mark.parametrize("stand", ["demo"], indirect=True)
async def test_no_address_breaks_a_page(stand: Stand):
    browser = await stand.first.entered()
    for door in doors(stand.site.server):
        if door.path in STREAMS or "{" not in door.path:
            continue
        for odd in ODD:
            url = door.url(things_of(stand.first, odd))
            answer = await (browser.get(url) if door.method == "GET" else browser.send(url, token="x"))
            assert answer.status in {200, 303, 307, 400, 403, 404, 405}, (shown(door, odd), answer.status)
            if door.method == "POST" and "signout" not in url:
                answer = await browser.submit(url, seen_at="/bell")
                assert answer.status < 500, shown(door, odd)


@pytest.mark.parametrize("stand", ["demo"], indirect=True)
async def test_no_query_breaks_a_page(stand: Stand):
    company = stand.first
    cookie = company.cookie(company.secrets["session"])
    for door in doors(stand.site.server):
        if door.path in STREAMS:
            continue
        url = door.url(company.things)
        for odd in ODD:
            query = urlencode(dict.fromkeys(NAMES, odd))
            answer = await company.ask(door.method, f"{url}?{query}", headers={"cookie": cookie})
            assert answer.status < 500, shown(door, odd)
        for raw in RAW_QUERIES:
            status = await raw_get(company, door.method, url, raw, cookie)
            assert status < 500, shown(door, raw)


async def raw_get(company: Company, method: str, path: str, query: bytes, cookie: str) -> int:
    """A query of any bytes, as a server hands it on."""
    scope = {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query,
        "headers": [(b"host", company.row.host.encode()), (b"cookie", cookie.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8024),
    }
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await company.asgi(scope, receive, send)
    assert len(statuses) == 1, "one answer"
    return statuses[0]


def bodies(token: str) -> dict[str, bytes]:
    """Bodies of a form whose token is right; what follows it is odd."""
    own = f"token={token}&".encode()
    return {
        "2 MB": own + b"text=" + b"a" * 2_000_000,
        "400 keys": own + b"&".join(b"k%d=1" % number for number in range(400)),
        "a NUL": own + b"text=a%00b&title=\x00",
        "depth": own + b"text" + b"[x]" * 500 + b"=1",
        "broken percent": own + b"text=%zz&title=%4&name=%",
        "broken UTF-8": own + b"text=%ff%fe&name=\xff&scope=\xff&event=\xff&version=\xff",
        "keys given twice": own + f"token={token}&text=1&text=2&version=1&version=2".encode(),
        "lists and mappings": own + "&".join(f"{name}[]=1&{name}[x][y]=2" for name in NAMES).encode()[:9_000],
        "another token last": own + b"token=x",
        "token as a list": f"token[]={token}".encode(),
        "nothing else": own,
        "nothing": b"",
        "JSON": json.dumps({"token": token}).encode(),
        "noise": bytes(range(256)),
        "only ampersands": b"&" * 250,
    } | {f"all {odd!r:.20}": urlencode({**dict.fromkeys(NAMES, odd), "token": token}).encode() for odd in ODD}


@pytest.mark.parametrize("stand", ["demo"], indirect=True)
async def test_no_body_breaks_a_form(stand: Stand):
    company = stand.first
    for door in forms(stand.site.server):
        url = door.url(company.things).replace("rotate", "update")
        if door.path in {"/posts/{post}/delete", "/logout"}:
            url = url.replace(company.things["post"], "1")
        browser = await company.entered()
        cookies, token = dict(browser.cookies), await browser.token("/bell")
        for what, body in bodies(token).items():
            answer = await browser.send_body(url, body, headers={"content-type": FORM})
            browser.cookies = dict(cookies)
            assert answer.status < 500, shown(door, what)
            if answer.status == 303:
                assert answer.headers["location"]
            else:
                assert answer.body, shown(door, what)


@pytest.mark.parametrize("stand", ["demo"], indirect=True)
async def test_no_content_type_breaks_a_form(stand: Stand):
    company = stand.first
    browser = await company.entered()
    body = urlencode({"token": company.secrets["form_token"]}).encode()
    for door in forms(stand.site.server):
        for kind in (
            "",
            "text/plain",
            JSON,
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "\xff",
            "a" * 9_000,
        ):
            headers = {"content-type": kind}
            answer = await browser.send_body(door.url(company.things), body, headers=headers)
            assert answer.status in {400, 403, 404}, shown(door, kind)


@pytest.mark.parametrize("stand", ["demo"], indirect=True)
async def test_a_body_that_does_not_come_is_waited_for_a_limited_time(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(session, "BODY_TIMEOUT_S", 0.01)
    monkeypatch.setattr(oauth, "BODY_TIMEOUT_S", 0.01)
    company = stand.first
    before = await stand.dump()
    for door in [*forms(stand.site.server), Door("POST", "/oauth/token/")]:
        for begins in (b"", f"token={company.secrets['form_token']}&text=".encode()):
            assert await asyncio.wait_for(slow(company, door, begins), 5) in {400, 403, 404, 408}, str(door)
    assert before == await stand.dump()


async def slow(company: Company, door: Door, begins: bytes) -> int:
    """A browser that sends the beginning of a body and then keeps still."""
    headers = {
        "host": company.row.host,
        "cookie": company.cookie(company.secrets["session"]),
        "x-livefeed-token": company.secrets["form_token"],
        "content-length": "99",
        "content-type": FORM,
    }
    scope = {
        "type": "http",
        "method": door.method,
        "scheme": "http",
        "path": door.url(company.things),
        "root_path": "",
        "query_string": f"client_id={company.things['client_id']}".encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8024),
    }
    pieces, statuses = [begins], []

    async def receive() -> dict[str, Any]:
        if not pieces:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": pieces.pop(), "more_body": True}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await company.asgi(scope, receive, send)
    return statuses[0]


JSON_BODIES = (
    b"",
    b"[]",
    b"1",
    b"null",
    b'"x"',
    b"{",
    b'{"name": "\\ud800"}',
    b'{"name": "a\\u0000b", "value": "a\\u0000b", "path": "\\u0000"}',
    b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
    b"[" * 100_000,
    b'{"name": "x", "value": ' + b"9" * 40 + b"}",
    b'{"name": "x", "value": -' + b"9" * 400 + b"}",
    b'{"name": "x", "value": 1e999}',
    b'{"name": "x", "value": NaN}',
    b'{"name": "x", "name": "y"}',
    b'{"name": ["x"], "value": {"a": {}}, "path": {"a": 1}}',
    b'{"name": "' + b"a" * 300 + b'", "value": 1}',
    b'{"name": "x", "value": "' + b"a" * 70_000 + b'"}',
    b'{"name": "x", "value": "' + b"a" * 200_000 + b'"}',
    b'{"path": "/posts/' + b"9" * 40 + b'"}',
    b'{"path": "/posts/-1"}',
    b'{"path": "/marketplace/view/x/?params' + b"[x]" * 400 + b'=1"}',
    b"\xff\xfe",
    bytes(range(256)),
)


async def test_no_command_of_a_frame_breaks_the_page_around_it(stand: Stand):
    company = stand.first
    browser = company.browser()
    browser.cookies["livefeed_session"] = company.secrets["session"]
    headers = {"x-livefeed-token": company.secrets["form_token"], "content-type": JSON}
    base = f"/apps/{company.things['app']}/frame"
    for command in [*COMMANDS, "vanish", "__init__", "GETINITDATA"]:
        for body in JSON_BODIES:
            answer = await browser.send_body(
                f"{base}/{company.things['sid']}/{command}", body, headers=headers
            )
            assert answer.status in {200, 400, 404}, (command, body[:40])
            assert set(answer.json()) in ({"answer"}, {"error"})
    for sid in ODD:
        url = f"{base}/{sid.replace('/', '')}/getInitData"
        assert (await browser.send_body(url, b"{}", headers=headers)).status in {403, 404}, sid


async def test_no_request_breaks_the_token_endpoint(stand: Stand):
    company = stand.first
    own = {"client_id": company.things["client_id"], "client_secret": company.secrets["client_secret"]}
    for kind in ("refresh_token", "authorization_code"):
        for odd in ODD:
            for name in ("grant_type", "client_id", "client_secret", "refresh_token", "code", "scope", "x"):
                fields = {**own, "grant_type": kind, "refresh_token": "x", "code": "x", name: odd}
                answer = await company.exchange(**fields)
                assert answer.status in {400, 413}, (name, odd[:20])
                assert set(answer.json()) == {"error", "error_description"}
                stand.site.house.clock.advance(60)
    for raw in RAW_QUERIES:
        for path in ("/oauth/token/", "/oauth/token", "/rest/user.current", "/login/", "/nowhere"):
            assert await raw_get(company, "GET", path, raw, "") in {307, 400, 401, 404, 413}, (path, raw[:20])
    for method in ("PUT", "DELETE", "PATCH", "<x>"):
        assert (await company.ask(method, "/oauth/token/")).status == 405


async def test_no_cookie_and_no_heading_breaks_a_page(stand: Stand):
    company = stand.first
    for odd in (*ODD, "a=b; " * 300, "=", ";;;", "livefeed_session", '"', 'livefeed_session="a', "\xff" * 40):
        for name in ("cookie", "accept-language", "referer", "origin", "x-livefeed-token", "content-type"):
            value = odd.encode("ascii", "ignore").decode().replace("\x00", "")
            if name == "cookie":
                kinds = (company.cookie(value), company.cookie(value, "livefeed_visit"))
                value = "; ".join((*kinds, f"livefeed_language={value}"))
            for method, url in (
                ("GET", "/login"),
                ("GET", f"/apps/{company.things['app']}/"),
                ("POST", "/login"),
            ):
                answer = await company.ask(method, url, headers={name: value})
                assert answer.status in {200, 303, 403}, (name, value[:30])
    for host in ("", "[", "a b", "x" * 9_000, "127.0.0.1:99999999", "evil.example/../", "é", "a@b", "[::1"):
        answer = await company.site.http("GET", "/login", host=host)
        assert answer.status in {200, 400}, host
