"""Nobody is led to another site: each place that sends a browser somewhere, with payloads from a table."""

import json
from urllib.parse import quote, urlencode, urlsplit

import pytest

from .stand import CALLBACK, Company, Stand

HOME = "http://127.0.0.1:8024"

ELSEWHERE = (
    "https://evil.example",
    "http://evil.example/posts/1",
    "//evil.example",
    "///evil.example",
    "////evil.example/%2e%2e",
    "/\\evil.example",
    "\\\\evil.example",
    "/\\/evil.example",
    "\\/\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/\x00/evil.example",
    "https:evil.example",
    "https:/evil.example",
    "http:\\\\evil.example",
    "HTTPS://evil.example",
    "javascript:alert(1)",
    "jAvAsCrIpT:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "evil.example",
    "@evil.example",
    ".evil.example",
    "http://127.0.0.1:8024@evil.example/",
    "http://127.0.0.1:8024.evil.example/",
    "/posts\r\nlocation: https://evil.example",
    "/posts\u2028//evil.example",
    "/\u3002evil.example",
    "/\ufeff/evil.example",
    "?next=https://evil.example",
    "#//evil.example",
    "x" * 5_000,
    "/" * 5_000 + "evil.example",
)


def stays_at_home(location: str, home: str = HOME) -> bool:
    """Where a browser that has ``home``'s page goes: it drops tabs and newlines, and takes \\ for /."""
    read = "".join(sign for sign in location if sign not in "\t\r\n").strip(" \x00").replace("\\", "/")
    read = read.removeprefix(home) if read.startswith(f"{home}/") else read
    return read.startswith("/") and not read.startswith("//")


def test_the_judge_of_these_tests_knows_what_leads_away():
    assert [] == [url for url in ELSEWHERE[:27] if stays_at_home(url) and "\x00" not in url]
    assert stays_at_home("/posts/1?a=b")


async def password_of(company: Company) -> str:
    return (await company.operated("user_password", user="james"))["password"]


async def test_signing_in_leads_home(stand: Stand):
    password = await password_of(stand.first)
    for payload in ELSEWHERE:
        browser = stand.first.browser()
        seen_at = f"/login?next={quote(payload)}"
        form = {"login": "james", "password": password, "next": payload}
        answer = await browser.submit("/login", seen_at=seen_at, **form)
        assert answer.status == 303 or "\x00" in payload, payload
        assert stays_at_home(answer.headers.get("location", "/")), payload
        again = await browser.get(seen_at)  # already signed in
        assert stays_at_home(again.headers.get("location", "/")), payload
        assert "evil" not in again.headers.get("set-cookie", "")


@pytest.mark.parametrize("stand", ["demo"], indirect=True)
@pytest.mark.parametrize("path", ["/person", "/language"])
async def test_a_choice_leads_back_home(stand: Stand, path: str):
    browser = await stand.first.entered()
    for payload in ELSEWHERE:
        fields = {"person": "2", "language": "en", "here": payload}
        answer = await browser.submit(path, seen_at="/", **fields)
        assert answer.status == (400 if "\x00" in payload else 303), payload
        assert stays_at_home(answer.headers.get("location", "/")), payload


async def test_who_is_not_signed_in_comes_back_home_after_it(stand: Stand):
    for payload in ELSEWHERE:
        path = "/" + quote(payload, safe="/\\:@?#") if payload.isascii() and payload.isprintable() else "/"
        answer = await stand.first.ask("GET", f"/posts/1?here={quote(payload)}")
        assert answer.headers["location"].startswith("/login?next=/posts/1"), payload
        odd = await stand.first.ask("GET", path)
        assert stays_at_home(odd.headers.get("location", "/")), payload


async def test_a_code_goes_to_the_registered_address_and_nowhere_else(stand: Stand):
    client_id = stand.first.things["client_id"]
    browser = await stand.first.entered()  # has allowed it before
    names = ("redirect_uri", "redirect_url", "REDIRECT_URI", "redirect_uri[]", "next", "here", "state")
    for payload in ELSEWHERE:
        for name in names:
            query = urlencode({"client_id": client_id, name: payload})
            answer = await browser.get(f"/oauth/authorize/?{query}")
            if name == "state" and ("\x00" in payload or len(payload) > 4_000):
                assert answer.status == 400
                continue
            assert answer.status == 302, (name, payload)
            location = answer.headers["location"]
            assert location.startswith(f"{CALLBACK}?code="), (name, payload)
            assert "\r" not in location
            assert "\n" not in location
            assert urlsplit(location).netloc == "app.example"


async def test_a_frame_opens_posts_and_applications_and_no_other_path(stand: Stand):
    browser = await stand.first.entered()
    app = stand.first.things["app"]
    page = (await browser.get(f"/apps/{app}/")).text
    sid = page.partition('data-sid="')[2][:32]
    token = {"x-livefeed-token": await browser.token()}
    paths = [*ELSEWHERE, "/login", "/logout", "/oauth/authorize/", "/posts/../logout", "/posts/1/../../admin"]
    paths += ["/posts/%2e%2e/%2f%2fevil.example", "/posts/1\\..\\..\\x", "/marketplace/view/../../x/"]
    for payload in paths:
        for command in ("openPath", "openApplication"):
            body = json.dumps({"path": payload, "url": payload, "handler": payload}).encode()
            answer = await browser.send_body(f"/apps/{app}/frame/{sid}/{command}", body, headers=token)
            assert answer.status == 200, payload
            said = answer.json()["answer"]
            if command == "openPath":
                assert said == {"result": "error", "errorCode": "PATH_NOT_AVAILABLE"}, payload
            else:
                assert said["origin"] == stand.site.receiver.url
                assert said["action"].startswith(f"{stand.site.receiver.url}/frame?"), payload


async def test_every_redirect_of_every_page_leads_home_or_to_the_application(stand: Stand):
    from .doors import doors

    for door in doors(stand.site.server):
        if door.path == "/live":
            continue
        browser = await stand.first.entered()
        token = await browser.token()
        url = door.url(stand.first.things)
        payload = urlencode(dict.fromkeys(("next", "here", "back", "url", "redirect_uri"), "//evil.example"))
        if door.method == "POST":
            answer = await browser.send_body(url, f"{payload}&token={token}&answer=allow".encode())
        else:
            answer = await browser.get(f"{url}?{payload}", referer="https://evil.example/")
        location = answer.headers.get("location", "/")
        assert stays_at_home(location), str(door)
        assert urlsplit(location).path != "//evil.example"
