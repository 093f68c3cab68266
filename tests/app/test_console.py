"""The console, over real HTTP."""

import asyncio
import re

import pytest
from tests.metrics import Grown

from livefeed.app import App
from livefeed.app.console.entry import COOKIE_LIFE_S, Entry
from livefeed.app.contexts.context import Context
from livefeed.clock import ManualClock
from livefeed.net.http import HttpAnswer
from livefeed.settings import AppSettings
from livefeed.wire.events import PostUpdated

from .conftest import ADMIN, House, Opening
from .conftest import CONSOLE as TOKEN

FORM = {"content-type": "application/x-www-form-urlencoded"}


class Visitor:
    """A browser at the console."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.cookie = ""

    async def get(self, path: str, **headers: str) -> HttpAnswer:
        sent = {**({"cookie": self.cookie} if self.cookie else {}), **headers}
        return await self._house.http.send("GET", f"{self._house.url}/console/{path}", headers=sent)

    async def enter(self, token: str) -> HttpAnswer:
        answer = await self.get(f"?token={token}")
        self.cookie = answer.headers.get("set-cookie", "").partition(";")[0]
        return answer

    async def send(self, path: str, body: str) -> HttpAnswer:
        headers = {"cookie": self.cookie, **FORM}
        url = f"{self._house.url}/console/{path}"
        return await self._house.http.send("POST", url, body=body.encode(), headers=headers)

    async def submit(self, path: str, body: str = "", *, seen_at: str = "") -> HttpAnswer:
        page = (await self.get(seen_at)).body.decode()
        token = re.findall(r'name="token" value="(\w+)"', page)[0]
        return await self.send(path, f"token={token}&{body}")


async def inside(house: House) -> Visitor:
    visitor = Visitor(house)
    assert (await visitor.enter(TOKEN)).status == 303
    return visitor


async def test_the_printed_token_lets_one_in_and_leaves_the_address(house: House):
    visitor = Visitor(house)

    answer = await visitor.enter(TOKEN)

    assert (answer.status, answer.headers["location"]) == (303, "/console/")
    cookie = answer.headers["set-cookie"].lower()
    assert all(part in cookie for part in ("httponly", "samesite=lax", "path=/console/"))
    assert TOKEN not in answer.headers["set-cookie"]
    assert (await visitor.get("")).status == 200


@pytest.mark.parametrize("token", ["", "x", ADMIN, "é", "b" * 32])
async def test_another_token_shows_nothing(house: House, token: str):
    visitor = Visitor(house)
    answer = await visitor.enter(token)
    assert answer.status == 401
    assert house.portal.member_id not in answer.body.decode()
    assert "set-cookie" not in answer.headers


async def test_the_console_of_another_application_on_this_machine_stays_open(house: House):
    visitor = await inside(house)
    other = f"livefeed_console={'9' * 13}.{'0' * 32}; livefeed_console_8030={'9' * 13}.{'0' * 32}"
    visitor.cookie = f"{other}; {visitor.cookie}"

    assert (await visitor.get("")).status == 200


@pytest.mark.parametrize(
    "cookie", ["", "livefeed_console=", "livefeed_console=9999999999999.x", "livefeed_console=x"]
)
async def test_without_its_cookie_every_page_and_form_is_closed(house: House, cookie: str):
    visitor = Visitor(house)
    visitor.cookie = cookie
    for path in ("", "inbox", "inbox/1", "dead", "nothing"):
        answer = await visitor.get(path)
        assert answer.status == 401
        assert house.portal.member_id not in answer.body.decode()
        assert "To the console" not in answer.body.decode()
    for path in ("dead/replay", "confirm", "bind", "leave"):
        assert (await visitor.send(path, "token=x")).status == 401


async def test_the_cookie_ends_after_its_time(house: House):
    visitor = await inside(house)
    house.clock.advance(COOKIE_LIFE_S)
    assert (await visitor.get("")).status == 401


async def test_without_an_administrator_token_there_is_no_console():
    assert not Entry("", ManualClock()).accepts("")
    assert not Entry("", ManualClock()).is_open


async def test_an_event_is_shown_step_by_step(house: House):
    await house.event()
    await house.work()
    visitor = await inside(house)

    listed = (await visitor.get("inbox")).body.decode()
    (number,) = set(re.findall(r'href="/console/inbox/(\d+)"', listed)[:1])
    page = (await visitor.get(f"inbox/{number}")).body.decode()

    assert "received → verified" in listed
    assert "ONLIVEFEEDPOSTUPDATE" in page
    assert page.index(">received<") < page.index(">verified<")
    assert re.search(r">received</strong> <time[^>]*>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC<", page)


async def test_the_overview_tells_how_tokens_are_and_never_what_they_are(house: House):
    await house.work()
    page = (await (await inside(house)).get("")).body.decode()
    assert house.portal.member_id in page
    assert "installed it" in page
    for secret in (*house.portal.live, *house.portal.refresh, *house.portal.spent):
        assert secret not in page


async def test_an_installation_in_quarantine_raises_an_alarm_and_is_confirmed_in_the_console(
    house: House, capsys: pytest.CaptureFixture[str]
):
    grown, visitor = Grown(), await inside(house)
    assert "/console/confirm" not in (await visitor.get("")).body.decode()

    assert (await house.install(application_token="n" * 32)).status == 409

    assert 1 == grown("installs_quarantined_total")
    assert "install_quarantined" in capsys.readouterr().out
    page = (await visitor.get("")).body.decode()
    assert "An installation with another application token waits." in page
    assert (await house.event(application_token="n" * 32)).status == 403
    answer = await visitor.submit("confirm", f"member_id={house.portal.member_id}")
    assert (answer.status, answer.headers["location"]) == (303, "/console/?said=confirmed")
    assert (await house.event(application_token="n" * 32)).status == 200
    page = (await visitor.get("?said=confirmed")).body.decode()
    assert "The installation is confirmed." in page
    assert "/console/confirm" not in page


async def test_a_form_without_its_token_changes_nothing(house: House):
    visitor = await inside(house)
    for body in ("", "token=", "token=x", "token=%C3%A9", f"token={TOKEN}"):
        for path in ("dead/replay", "confirm", "bind", "leave"):
            assert (await visitor.send(path, body)).status == 403


async def test_what_is_not_there_is_said_on_a_plain_page(house: House):
    visitor = await inside(house)
    for path in ("inbox/999", "inbox/x", "inbox/" + "9" * 40, "nothing", "dead/1", "inbox/1/2"):
        assert (await visitor.get(path)).status == 404
    for path in ("confirm", "bind", "nothing"):
        assert (await visitor.submit(path, "member_id=none")).status == 404
    assert (await visitor.submit("dead/replay", "id=99")).status == 404


async def test_a_dead_letter_is_put_back_into_its_lane(serve: Opening, settings: AppSettings):
    app = App(settings)

    @app.on(PostUpdated)
    async def fail(event: PostUpdated, ctx: Context) -> None:
        raise ValueError("<script>no</script>")

    house = await serve(app)
    await house.install()
    await house.event()
    for _ in range(100):
        await house.work()
        house.clock.advance(4 * 3_600)
    visitor = await inside(house)
    shown = (await visitor.get("dead")).body.decode()
    assert "ONLIVEFEEDPOSTUPDATE" in shown
    assert "<script>" not in shown

    answer = await visitor.submit("dead/replay", "id=1", seen_at="dead")

    assert answer.headers["location"] == "/console/dead?said=replayed-1"
    assert "Nothing was given up" in (await visitor.get("dead?said=replayed-1")).body.decode()


async def test_leaving_takes_the_cookie_away(house: House):
    visitor = await inside(house)
    answer = await visitor.submit("leave")
    assert answer.status == 303
    assert "max-age=0" in answer.headers["set-cookie"].lower()


async def test_pages_are_in_the_language_of_the_browser(house: House):
    await house.event()
    await house.work()
    visitor = await inside(house)

    page = (await visitor.get("", **{"accept-language": "ru"})).body.decode()
    listed = (await visitor.get("inbox", **{"accept-language": "ru"})).body.decode()

    assert '<html lang="ru">' in page
    assert "получено → проверено" in listed
    assert "Обзор" in page


async def test_an_open_page_hears_that_something_has_happened(house: House):
    visitor = await inside(house)
    door = house.server.console
    heard: list[bytes] = []
    happened = asyncio.Event()

    async def receive() -> dict[str, object]:
        await happened.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        body = message.get("body", b"")
        assert isinstance(body, bytes)
        heard.append(body)
        if body.startswith(b"retry"):
            await house.event()
            await house.work()
        elif body.startswith(b"data"):
            happened.set()

    host = house.url.partition("//")[2].encode()
    headers = [(b"host", host), (b"cookie", visitor.cookie.encode())]
    scope = {"type": "http", "method": "GET", "path": "/console/live", "query_string": b""}
    scope["headers"] = headers
    async with asyncio.timeout(20):
        await door(scope, receive, send)

    assert b"data: work\n\n" in heard


async def test_the_stream_is_closed_to_whoever_has_no_cookie(house: House):
    assert (await Visitor(house).get("live")).status == 401
