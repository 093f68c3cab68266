"""Every answer in HTML has headers under which nobody frames it and no foreign code runs, by enumeration."""

import re

import pytest
from tests.portal.asgi import Response

from .doors import STREAMS, doors, forms, pages
from .stand import Company, Stand


def directives(answer: Response) -> dict[str, str]:
    """The one policy of an answer; a directive given twice counts the first time, so it must not be."""
    policy = answer.headers["content-security-policy"]
    assert "\n" not in policy, "one header"
    found = [part.strip().partition(" ")[::2] for part in policy.split(";")]
    assert len(found) == len(dict(found)), policy
    return dict(found)


def check(answer: Response, what: str) -> None:
    kind = answer.headers.get("content-type", "")
    if answer.body:
        assert answer.headers.get("x-content-type-options") == "nosniff" or kind.startswith("text/plain"), (
            what
        )
    if not kind.startswith("text/html"):
        assert not re.search(rb"<(html|script|body)", answer.body), what
        return
    policy = directives(answer)
    assert policy["frame-ancestors"] == "'none'", what
    assert policy["default-src"] == "'none'", what
    assert policy["base-uri"] == "'none'", what
    assert policy["script-src"] == "'self'", what
    assert policy["style-src"] == "'self'", what
    assert "unsafe" not in answer.headers["content-security-policy"], what
    assert "data:" not in answer.headers["content-security-policy"], what
    assert "*" not in answer.headers["content-security-policy"], what
    assert answer.headers["cache-control"] == "no-store", what
    assert answer.headers["referrer-policy"] in {"same-origin", "no-referrer"}, what
    assert answer.headers["cross-origin-opener-policy"] == "same-origin", what
    assert re.search(r"<html lang=\"(en|ru)\"", answer.text), what
    inline = re.findall(r"<script(?![^>]*\bsrc=)|\son\w+\s*=|\sstyle\s*=|<style|javascript:", answer.text)
    assert [] == inline, what


@pytest.mark.parametrize("stand", ["demo", "earnest"], indirect=True)
@pytest.mark.parametrize("person", [None, 2, 1])
async def test_no_page_can_be_framed_or_run_foreign_code(stand: Stand, person: int | None):
    company = stand.first
    seen = 0
    for door in pages(stand.site.server):
        browser = company.browser() if person is None else await company.entered(person)
        answer = await browser.get(door.url(company.things), accept="text/html")
        check(answer, str(door))
        seen += answer.status == 200 and answer.headers["content-type"].startswith("text/html")
    assert seen >= {None: 1, 2: 10, 1: 20}[person], "the pages were really shown"


@pytest.mark.parametrize("stand", ["demo"], indirect=True)
async def test_no_answer_to_a_form_can_be_framed_or_run_foreign_code(stand: Stand):
    company = stand.first
    for door in forms(stand.site.server):
        url = door.url(company.things)
        for browser in (company.browser(), await company.entered(2), await company.entered()):
            check(await browser.send(url, token="wrong"), str(door))
            token = await browser.token("/login" if not browser.cookies.get("livefeed_session") else "/")
            for fields in ({}, {"name": "<script>alert(1)</script>", "text": "<b>", "login": "<i>"}):
                answer = await browser.send(url, token=token, **fields)
                check(answer, str(door))
                assert "<script>alert(1)" not in answer.text


@pytest.mark.parametrize("stand", ["demo"], indirect=True)
async def test_no_error_can_be_framed_or_run_foreign_code(stand: Stand):
    company = stand.first
    browser = await company.entered()
    for door in doors(stand.site.server):
        url = door.url(dict.fromkeys(company.things, "404404"))
        for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "<script>"):
            if door.path in STREAMS and method == "GET":
                continue
            headers = {"cookie": "; ".join(f"{k}={v}" for k, v in browser.cookies.items())}
            answer = await company.ask(method, url, headers={**headers, "accept": "text/html"})
            assert answer.status < 500, (method, url)
            check(answer, f"{method} {url}")
            if method not in ("GET", "HEAD"):
                assert answer.status in {403, 405, 404}, (method, url, answer.status)
    for url in ("/nowhere", "/posts/x/<script>", "//evil.example/", "/developer/nothing", "/%00", "/%ff"):
        check(await browser.get(url, accept="text/html"), url)


def origin_of(company: Company) -> str:
    return company.site.receiver.url


@pytest.mark.parametrize("stand", ["earnest"], indirect=True)
async def test_the_page_around_a_frame_may_show_its_application_and_nothing_else(stand: Stand):
    company = stand.first
    browser = await company.entered()

    policy = directives(await browser.get(f"/apps/{company.things['app']}/"))

    assert policy["frame-src"] == origin_of(company)
    assert policy["form-action"] == f"'self' {origin_of(company)}"
    assert policy["connect-src"] == f"'self' {origin_of(company)}"
    assert policy["frame-ancestors"] == "'none'"
    other = directives(await browser.get("/"))
    assert "frame-src" not in other
    assert other["form-action"] == other["connect-src"] == "'self'"


@pytest.mark.parametrize("stand", ["earnest"], indirect=True)
async def test_the_page_that_asks_for_consent_may_send_its_form_to_the_application_alone(stand: Stand):
    company = stand.first
    url = f"/oauth/authorize/?client_id={company.things['client_id']}"
    policy = directives(await (await company.entered(2)).get(url))
    assert policy["form-action"] == "'self' https://app.example"


ODD_HOSTS = (
    "http://a;script-src/",
    "https://x;frame-ancestors/",
    "http://*/",
    "http://*.example/",
    "http://%2a/",
    "http://%3b/",
    "http://a,b/",
    "http://'none'/",
    "http://'self'/",
    "http://a'b/",
    'http://a"b/',
    "http://a b/",
    "http://a\r\nx-evil: 1/",
    "http://a\tb/",
    "http://app.example/\r\nx-evil: 1",
    "http://{}/",
    "http://!/",
    "http:///",
    "data:text/html,x",
    "javascript:alert(1)",
    "//app.example/",
    "http://",
)


@pytest.mark.parametrize("stand", ["earnest"], indirect=True)
async def test_no_address_of_an_application_says_anything_in_a_policy(stand: Stand):
    company = stand.first
    token = company.secrets["access_token"]
    for url in ODD_HOSTS:
        for name in ("handler_url", "install_url", "redirect_uri"):
            refused = await company.operate("app_add", name="Odd", interface=True, **{name: url})
            assert refused.status == 400, (name, url)
        update = {"client_id": company.things["client_id"], "version": "9", "handler_url": url}
        assert (await company.operate("app_update", **update)).status == 400, url
        given = {"PLACEMENT": "LEFT_MENU", "HANDLER": url, "TITLE": "Odd"}
        assert (await company.call(token, "placement.bind", **given)).status == 400, url
        given = {"event": "ONAPPTEST", "handler": url}
        assert (await company.call(token, "event.bind", **given)).status == 400, url
        browser = await company.entered()
        form = {"name": "Odd", "scope": "log", "handler_url": url, "auth_keys": "documented"}
        answer = await browser.submit("/developer/apps", seen_at="/developer/apps/new", **form)
        assert answer.status == 400, url


ODD_PATHS = (
    "/a;script-src 'unsafe-inline'",
    "/;frame-ancestors *",
    "/a,b",
    "/'none'",
    '/"><script>',
    "/?x=;y",
)


@pytest.mark.parametrize("stand", ["earnest"], indirect=True)
async def test_odd_signs_in_the_path_of_an_application_stay_in_the_form(stand: Stand):
    company = stand.first
    browser = await company.entered()
    for path in ODD_PATHS:
        url = f"{origin_of(company)}{path}"
        app = await company.operated("app_add", name="Odd path", handler_url=url, interface=True)
        await company.operated("app_finish", client_id=app["client_id"])
        number = await stand.store.read(lambda tx: tx.execute("SELECT max(id) FROM app").fetchone()[0])

        answer = await browser.get(f"/apps/{number}/")

        assert answer.status == 200, path
        check(answer, path)
        assert directives(answer)["frame-src"] == origin_of(company)
        assert "<script>" not in answer.text.replace("</script>", "")
