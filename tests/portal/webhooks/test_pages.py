"""The pages at /developer/webhooks/: one's own webhooks, an administrator's all."""

import html
import re
from urllib.parse import quote_plus, urlsplit

import pytest

from livefeed.portal.people import people
from livefeed.portal.web.desk.session import LANGUAGE_COOKIE
from livefeed.wire.ids import UserId

from ..asgi import Response
from ..browser import Browser, signed_in
from ..site import Site

pytestmark = pytest.mark.anyio

HOME = "/developer/webhooks/"
NEW_IN, NEW_OUT = f"{HOME}incoming/new", f"{HOME}outgoing/new"
PAYLOAD = "\"><img src=x onerror=alert(1)>'</script>"


async def browser_of(site: Site, person: int) -> Browser:
    browser = await signed_in(site.house, person, app=site.server.asgi)
    browser.cookies[LANGUAGE_COOKIE] = "en"
    return browser


async def sent(browser: Browser, path: str, /, *, seen_at: str = HOME, **fields: str | list[str]) -> Response:
    """Send a form as a browser does; a list becomes ``name[]`` several times."""
    pairs = [("token", await browser.token(seen_at))]
    for name, value in fields.items():
        pairs += [(name, value)] if isinstance(value, str) else [(f"{name}[]", one) for one in value]
    body = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)
    return await browser.send_body(path, body.encode())


def address_on(page: Response) -> str:
    """The address that a page shows once."""
    found = re.findall(r"http://127\.0\.0\.1:8024/rest/\d+/\w{16}/", page.text)
    assert len(found) == 2, "itself and an example with curl"
    return found[0]


async def status_of(site: Site, url: str) -> int:
    return (await site.http("GET", urlsplit(url).path + "profile")).status


async def made_incoming(site: Site, browser: Browser, **fields: str | list[str]) -> tuple[int, str]:
    page = await sent(browser, NEW_IN, **{"name": "Phone book", "scope": ["user"], "until": "", **fields})
    assert page.status == 200
    rows = await site.run(lambda tx: tx.execute("SELECT max(id) FROM webhook").fetchone())
    return int(rows[0]), address_on(page)


async def made_outgoing(site: Site, browser: Browser, **fields: str | list[str]) -> str:
    """The path of its page."""
    given = {
        "name": "Mirror",
        "url": f"{site.receiver.url}/out?key=hush",
        "event": ["ONLIVEFEEDPOSTUPDATE"],
        **fields,
    }
    answer = await sent(browser, NEW_OUT, **given)
    assert answer.status == 303
    return answer.headers["location"].partition("?")[0]


async def test_the_address_is_on_the_answer_and_on_no_later_page(site: Site) -> None:
    browser = await browser_of(site, 3)
    number, address = await made_incoming(site, browser)
    assert await status_of(site, address) == 200
    code = address.rstrip("/").rpartition("/")[2]
    for url in (HOME, f"{HOME}incoming/{number}"):
        page = await browser.get(url)
        assert page.status == 200
        assert "Phone book" in page.text
        assert code not in page.text
        assert page.headers["cache-control"] == "no-store"


async def test_everybody_sees_his_own_and_an_administrator_all(site: Site) -> None:
    mine, others = await browser_of(site, 3), await browser_of(site, 4)
    await made_incoming(site, mine)
    await made_outgoing(site, mine)
    assert "Phone book" in (await mine.get(HOME)).text
    seen = (await others.get(HOME)).text
    assert "Phone book" not in seen
    assert "Mirror" not in seen
    everything = (await (await browser_of(site, 1)).get(HOME)).text
    assert "Phone book" in everything
    assert "Mirror" in everything
    assert "hush" not in everything, "what may be secret in the address of somebody else"


async def test_somebody_elses_webhook_is_not_there(site: Site) -> None:
    mine, other = await browser_of(site, 3), await browser_of(site, 4)
    number, address = await made_incoming(site, mine)
    page = await made_outgoing(site, mine)
    for path in (f"{HOME}incoming/{number}", page):
        assert (await other.get(path)).status == 404
        for what in ("", "/regenerate", "/remove"):
            answer = await sent(other, path + what, name="x", scope=["log"], url="http://a.example/")
            assert answer.status == 404
    assert await status_of(site, address) == 200
    assert (await mine.get(page)).status == 200


async def test_what_is_not_a_number_is_not_there(site: Site) -> None:
    browser = await browser_of(site, 1)
    for path in ("incoming/x", "incoming/0", "incoming/-1", "outgoing/9" + "9" * 40, "outgoing/%00"):
        assert (await browser.get(HOME + path)).status == 404


async def test_a_webhook_is_changed_on_its_page(site: Site) -> None:
    browser = await browser_of(site, 3)
    number, address = await made_incoming(site, browser)
    path = f"{HOME}incoming/{number}"
    answer = await sent(browser, path, name="Feed reader", scope=["log", "im"], until="2999-12-31")
    assert (answer.status, answer.headers["location"]) == (303, f"{HOME}?said=saved")
    page = (await browser.get(path)).text
    assert 'value="2999-12-31"' in page
    assert 'value="Feed reader"' in page
    assert re.findall(r'name="scope\[\]" value="(\w+)" checked', page) == ["log", "im"]
    assert await status_of(site, address) == 200
    assert "2999-12-31" in (await browser.get(HOME)).text


async def test_a_regenerated_address_is_shown_and_the_old_one_is_dead(site: Site) -> None:
    browser = await browser_of(site, 3)
    number, old = await made_incoming(site, browser)
    new = address_on(await sent(browser, f"{HOME}incoming/{number}/regenerate"))
    assert new != old
    assert [await status_of(site, old), await status_of(site, new)] == [401, 200]


async def test_an_administrator_takes_a_webhook_over(site: Site) -> None:
    browser, admin = await browser_of(site, 3), await browser_of(site, 1)
    number, old = await made_incoming(site, browser)
    assert "it has another address, your rights" in (await admin.get(f"{HOME}incoming/{number}")).text
    page = await sent(admin, f"{HOME}incoming/{number}", name="Mine now", scope=["user"])
    assert address_on(page).startswith("http://127.0.0.1:8024/rest/1/")
    assert await status_of(site, old) == 401
    assert (await browser.get(f"{HOME}incoming/{number}")).status == 404


async def test_a_removed_webhook_is_gone(site: Site) -> None:
    browser = await browser_of(site, 3)
    number, address = await made_incoming(site, browser)
    answer = await sent(browser, f"{HOME}incoming/{number}/remove")
    assert answer.headers["location"] == f"{HOME}?said=removed"
    assert "its secret is dead" in (await browser.get(answer.headers["location"])).text
    assert await status_of(site, address) == 401


async def test_an_outgoing_webhooks_form_shows_its_owner_the_token_that_events_carry(site: Site) -> None:
    browser = await browser_of(site, 3)
    page = (await browser.get(await made_outgoing(site, browser))).text
    await site.edit(1)
    (one,) = await site.send_due()
    assert one.auth["application_token"] in page
    assert "whsec_" in page
    assert "hush" in page


async def test_an_administrator_sees_no_token_of_somebody_else_until_it_is_another_one(site: Site) -> None:
    browser, admin = await browser_of(site, 3), await browser_of(site, 1)
    path = await made_outgoing(site, browser)
    await site.edit(1)
    (one,) = await site.send_due()
    page = (await admin.get(path)).text
    assert "whsec_" not in page
    assert one.auth["application_token"] not in page
    answer = await sent(admin, path, name="Taken", url="", event=["ONLIVEFEEDPOSTUPDATE"])
    assert answer.headers["location"] == f"{path}?said=taken"
    await site.edit(1, "again")
    (two,) = await site.send_due()
    assert two.path == "/out?key=hush"
    assert two.auth["application_token"] != one.auth["application_token"]
    assert two.auth["application_token"] in (await admin.get(path)).text


async def test_an_outgoing_webhook_is_regenerated_and_removed_on_its_page(site: Site) -> None:
    browser = await browser_of(site, 3)
    path = await made_outgoing(site, browser)
    answer = await sent(browser, f"{path}/regenerate")
    assert answer.headers["location"] == f"{path}?said=regenerated"
    assert "There is another token" in (await browser.get(answer.headers["location"])).text
    assert (await sent(browser, f"{path}/remove")).headers["location"] == f"{HOME}?said=removed"
    assert (await browser.get(path)).status == 404


async def test_an_address_that_wants_no_more_is_told_of(site: Site) -> None:
    browser = await browser_of(site, 3)
    path = await made_outgoing(site, browser)
    site.receiver.will("/out?key=hush", 503, 410)
    await site.edit(1)
    await site.send_due()
    assert "does not answer" in (await browser.get(HOME)).text
    site.house.clock.advance(3600)
    await site.send_due()
    assert "is sent nothing" in (await browser.get(HOME)).text
    assert "wants no more (410)" in (await browser.get(path)).text


@pytest.mark.parametrize(
    ("url", "fields", "said"),
    [
        (NEW_IN, {"name": "Kept", "until": ""}, "choose at least one scope"),
        (NEW_IN, {"name": "Kept", "scope": ["nosuch"]}, "there is no scope nosuch"),
        (NEW_IN, {"name": "Kept", "scope": ["log"], "until": "2001-01-01"}, "2001-01-01 is over already"),
        (NEW_IN, {"name": "Kept", "scope": ["log"], "until": "soon"}, "soon is not a day"),
        (NEW_OUT, {"name": "Kept", "url": "x", "event": ["ONLIVEFEEDPOSTADD"]}, "is not an absolute"),
        (NEW_OUT, {"name": "Kept", "url": "http://a.example/"}, "choose at least one event"),
        (NEW_OUT, {"name": "Kept", "url": "http://a.example/", "event": ["ONAPPINSTALL"]}, "cannot be sent"),
    ],
)
async def test_a_form_with_a_mistake_is_shown_again_with_what_was_typed(
    site: Site, url: str, fields: dict[str, str | list[str]], said: str
) -> None:
    answer = await sent(await browser_of(site, 3), url, **fields)
    assert answer.status == 400
    assert 'role="alert"' in answer.text
    assert said in html.unescape(answer.text)
    assert 'value="Kept"' in answer.text


async def test_what_is_typed_is_shown_as_text(site: Site) -> None:
    browser = await browser_of(site, 3)
    number, _ = await made_incoming(site, browser, name=PAYLOAD)
    again = await sent(browser, NEW_IN, name=PAYLOAD, scope=[PAYLOAD], until=PAYLOAD)
    out = await sent(browser, NEW_OUT, name=PAYLOAD, url=PAYLOAD, event=[PAYLOAD])
    for page in (await browser.get(HOME), await browser.get(f"{HOME}incoming/{number}"), again, out):
        assert "<img" not in page.text
        assert "&lt;img" in page.text


async def test_a_form_of_another_site_changes_nothing(site: Site) -> None:
    browser = await browser_of(site, 3)
    number, address = await made_incoming(site, browser)
    answer = await browser.send(f"{HOME}incoming/{number}/remove", token="0" * 32)
    assert answer.status == 403
    foreign = {"origin": "http://evil.example"}
    token = await browser.token(HOME)
    answer = await browser.send(f"{HOME}incoming/{number}/remove", token=token, headers=foreign)
    assert answer.status == 403
    assert await status_of(site, address) == 200


async def test_nobody_who_is_not_signed_in_sees_or_does_anything(site: Site) -> None:
    nobody = Browser(site.server.asgi)
    for url in (HOME, NEW_IN, NEW_OUT, f"{HOME}incoming/1"):
        answer = await nobody.get(url)
        assert (answer.status, answer.headers["location"]) == (303, f"/login?next={url}")
    assert (await nobody.send(NEW_IN, name="x")).status == 403
    dismissed = await browser_of(site, 3)
    await site.run(lambda tx: people.dismiss(tx, site.house.portal.member_id, UserId(3)))
    assert (await dismissed.get(HOME)).status == 303


async def test_every_field_has_a_label_and_no_page_runs_or_styles_anything_by_itself(site: Site) -> None:
    browser = await browser_of(site, 1)
    number, _ = await made_incoming(site, browser)
    out = await made_outgoing(site, browser)
    for url in (HOME, NEW_IN, NEW_OUT, f"{HOME}incoming/{number}", out):
        page = (await browser.get(url)).text
        assert page.count("<h1") == 1
        shown = re.findall(
            r'<(?:input|textarea|select)(?![^>]*type="(?:hidden|checkbox)")[^>]*id="([^"]+)"', page
        )
        assert set(shown) == set(re.findall(r'<label for="([^"]+)"', page))
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<script>", page)


async def test_the_pages_speak_russian_whole_sentences_too(site: Site) -> None:
    browser = await browser_of(site, 3)
    browser.cookies[LANGUAGE_COOKIE] = "ru"
    page = (await browser.get(NEW_IN)).text
    assert "Новый входящий вебхук" in page
    assert "Лента: сообщения и комментарии" in page
    again = await sent(browser, NEW_IN, name="x", scope=["log"], until="2001-01-01")
    assert "2001-01-01 уже прошло; выберите день позже" in again.text
