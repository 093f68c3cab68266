"""The application's doors: forms of the console, headers of every page, odd input, no way to other sites."""

import ast
import inspect
import re
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import pytest
from tests.portal.asgi import Response

from livefeed.app.console.door import ConsoleDoor

from .doors_of_app import AppStand, open_application
from .test_odd_input import ODD, RAW_QUERIES
from .test_pages import directives
from .test_redirects import ELSEWHERE


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[AppStand]:
    async with open_application(tmp_path) as stand:
        yield stand


def console_forms() -> list[str]:
    """What the console takes by POST, as its code says."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(ConsoleDoor._done)))
    return [
        node.pattern.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.match_case)
        and isinstance(node.pattern, ast.MatchValue)
        and isinstance(node.pattern.value, ast.Constant)
    ]


PAGES = ("", "inbox", "inbox/1", "dead", "nothing", "live")
WHERE = "https://app.example"


async def form_token(app: AppStand, place: str = "") -> str:
    return re.findall(r'name="token" value="(\w+)"', (await app.ask("GET", f"/console/{place}")).text)[0]


async def test_no_form_of_the_console_counts_unless_it_was_shown_to_this_browser(app: AppStand):
    await app.enter_console()
    own, token = app.cookie, await form_token(app)
    app.clock.advance(1)
    await app.enter_console()
    other, others = app.cookie, await form_token(app)
    assert token != others
    before = await app.dump()
    places = console_forms()
    assert {"leave", "dead/replay", "confirm", "bind"} <= set(places)

    for place in [*places, "nothing", ""]:
        url, member = f"/console/{place}", f"member_id={app.first.member}"
        for cookie, given, origin in (
            (own, "", None),
            (own, "x", None),
            (own, others, None),
            (other, token, None),
            (own, token, "https://evil.example"),
            (own, token, "null"),
            (own, token, "http://app.example:8025"),
        ):
            app.cookie = cookie
            headers = {} if origin is None else {"origin": origin}
            answer = await app.send(url, f"token={given}&{member}".encode(), **headers)
            assert answer.status == 403, (place, given, origin)
        for cookie in (
            "",
            "livefeed_console=",
            f"livefeed_console={'9' * 13}.{'0' * 32}",
            own[:-1],
            f"{own}0",
        ):
            app.cookie = cookie
            assert (await app.send(url, f"token={token}&{member}".encode())).status == 401, (place, cookie)
    assert before == await app.dump()

    app.cookie = own
    answer = await app.send(
        "/console/bind", f"token={token}&member_id={app.first.member}".encode(), origin=WHERE
    )
    assert answer.status == 303, "else all of this would pass on a console that refuses everything"


async def test_leaving_the_console_ends_its_cookie(app: AppStand):
    await app.enter_console()
    cookie, token = app.cookie, await form_token(app)

    answer = await app.send("/console/leave", f"token={token}".encode())

    assert "Max-Age=0" in answer.headers["set-cookie"]
    app.cookie = cookie
    assert (await app.ask("GET", "/console/")).status == 401
    assert (await app.send("/console/leave", f"token={token}".encode())).status == 401


async def test_the_consoles_cookie_is_out_of_reach_and_its_token_leaves_the_address(app: AppStand):
    for scheme in ("http", "https"):
        answer = await app.ask("GET", "/console/?token=opens-the-console-of-this-run", scheme=scheme)
        line = answer.headers["set-cookie"]
        assert "HttpOnly" in line
        assert "SameSite=Lax" in line
        assert "Path=/console/" in line
        assert ("Secure" in line) == (scheme == "https")
        assert answer.headers["location"] == "/console/"
        assert "opens-the-console" not in line
    oauth = (await app.ask("GET", "/oauth/start")).headers["set-cookie"]
    assert "HttpOnly; SameSite=Lax; Secure" in oauth, "it is served under https, whatever stands before it"


def check(answer: Response, ancestors: str, what: object) -> None:
    assert answer.status < 500, what
    if not answer.headers.get("content-type", "").startswith("text/html"):
        assert b"<html" not in answer.body, what
        return
    policy = directives(answer)
    assert policy["frame-ancestors"] == ancestors, what
    assert policy["default-src"] == "'none'", what
    assert "unsafe" not in answer.headers["content-security-policy"], what
    assert "*" not in answer.headers["content-security-policy"], what
    assert answer.headers["x-content-type-options"] == "nosniff", what
    assert [] == re.findall(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style|javascript:", answer.text), what


async def test_no_page_but_those_of_a_frame_can_be_framed(app: AppStand):
    for inside in (False, True):
        if inside:
            await app.enter_console()
        places = [*(f"/console/{place}" for place in PAGES[:-1]), "/console", "/consolex", "/", "/nowhere"]
        places += [
            "/oauth/callback",
            "/oauth/start?portal=x",
            "/oauth/nothing",
            "/ui/nothing",
            "/healthz",
            "/metrics",
        ]
        for url in places:
            for method in ("GET", "POST", "PUT", "HEAD", "OPTIONS", "TRACE"):
                check(await app.ask(method, url), "'none'", (method, url))


async def test_the_pages_of_a_frame_are_framed_by_their_portal_alone(app: AppStand):
    opened = await app.open_frame(app.first)
    address = re.findall(r"href='(/frame/[^']+)'", opened.text)[0]
    for answer in (
        opened,
        await app.ask("GET", address),
        await app.ask("GET", f"{address}/nowhere"),
        await app.open_frame(app.first, PLACEMENT="LIVEFEED_POST"),
        await app.open_frame(app.first, AUTH_ID="wrong"),
    ):
        check(answer, app.portal.url, answer.status)
    for answer in (
        await app.ask("GET", "/frame/forged/"),
        await app.send("/frame", b"x=%00"),
        await app.open_frame(app.first, member_id="f" * 32),
    ):
        check(answer, "'none'", answer.status)


async def test_signing_in_leads_to_known_portals_alone(app: AppStand):
    known = app.portal.url
    host = urlsplit(known).netloc
    odd = [f"{known}@evil.example", f"{known}.evil.example", f"{host}@evil.example", f"{host}#.evil.example"]
    odd += [
        f"https://evil.example/{known}",
        f"{known}\\@evil.example",
        f"https://evil.example?{known}",
        f"{host}%00",
    ]
    for payload in (*ELSEWHERE, *odd):
        for query in (f"portal={quote(payload)}", f"portal={known}&portal={quote(payload)}"):
            answer = await app.ask("GET", f"/oauth/start?{query}")
            location = answer.headers.get("location", known)
            assert answer.status in {303, 400}, payload
            assert location == known or location.startswith(f"{known}/oauth/authorize/?client_id="), payload
    assert 303 == (await app.ask("GET", f"/oauth/start?portal={quote(host)}")).status


async def test_coming_back_leads_nowhere_by_itself(app: AppStand):
    for payload in ELSEWHERE:
        start = await app.ask("GET", "/oauth/start")
        app.cookie = start.headers["set-cookie"].partition(";")[0]
        state = start.headers["location"].partition("state=")[2]
        names = ("code", "domain", "server_domain", "redirect_uri", "next", "member_id")
        answer = await app.ask(
            "GET", f"/oauth/callback?{urlencode(dict.fromkeys(names, payload))}&state={state}"
        )
        assert answer.status in {400, 403}, payload
        assert "location" not in answer.headers
        assert f'href="{payload}' not in answer.text


BODIES = {
    "nothing": b"",
    "noise": bytes(range(256)),
    "a NUL": b"AUTH_ID=a%00b&member_id=\x00",
    "broken percent": b"AUTH_ID=%zz&member_id=%4",
    "broken UTF-8": b"AUTH_ID=%ff&member_id=\xff",
    "twice": b"AUTH_ID=1&AUTH_ID=2&member_id=1&member_id[x]=2",
    "deep": b"PLACEMENT_OPTIONS" + b"[x]" * 500 + b"=1",
    "keys": b"&".join(b"k%d=1" % number for number in range(5_000)),
    "large": b"AUTH_ID=" + b"a" * 1_000_000,
    "long options": b"member_id=x&AUTH_ID=x&REFRESH_ID=x&PLACEMENT_OPTIONS=" + b"[" * 60_000,
    "numbers": b"AUTH_EXPIRES=" + b"9" * 40 + b"&member_id=-1&AUTH_ID=" + b"9" * 40,
    "JSON": b'{"AUTH_ID": "x"}',
    "deep JSON": b'{"a":' * 3_000,
}


async def test_nothing_odd_breaks_a_door_and_nothing_is_lost(app: AppStand):
    before = await app.dump("install", "quarantine", "consumer", "token")
    await app.enter_console()
    token = await form_token(app)
    ticket = re.findall(r"href='(/frame/[^/]+)/", (await app.open_frame(app.first, user=1)).text)[0]
    paths = ["/frame", "/install", "/events", "/oauth/callback", "/oauth/start", ticket, f"{ticket}/more"]
    paths += [f"/console/{place}" for place in (*PAGES[:-1], *console_forms()) if place != "leave"]
    paths += ["/admin/api/bind", "/frame/x/y", "/ui/x"]
    for path in paths:
        for what, body in BODIES.items():
            for kind in ("application/x-www-form-urlencoded", "application/json", "multipart/form-data", ""):
                own = f"token={token}&".encode() if path.startswith("/console") else b""
                answer = await app.send(path, own + body, **{"content-type": kind})
                assert 200 < answer.status < 500, (path, what, kind, answer.status)
        for odd in ODD:
            for url in (
                f"{path}?{urlencode(dict.fromkeys(('id', 'said', 'before', 'portal', 'code'), odd))}",
            ):
                assert (await app.ask("GET", url)).status < 500, (path, odd)
            assert (await app.ask("GET", f"{path}/{odd.replace('?', '').replace('#', '')}")).status < 500, (
                path,
                odd,
            )
        for raw in RAW_QUERIES:
            query = raw.decode("latin-1")
            answer = await app.ask("GET", f"{path}?{quote(query, safe='%&=[]')}")
            assert answer.status < 500, (path, raw[:30])

    assert before == await app.dump("install", "quarantine", "consumer", "token")
    assert (await app.send("/events", app.first.event())).status == 200
    assert (await app.open_frame(app.second)).status == 200
