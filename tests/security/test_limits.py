"""Nobody exhausts the machine: passwords, open streams, and what frames may keep are bounded."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest
from tests.portal.browser import Browser

from livefeed.portal.people import passwords
from livefeed.portal.people.passwords import MOST_WAITING, Credentials, TooMany
from livefeed.secrets import Secret
from livefeed.ui.pages import page_headers

from .stand import JSON, Company, Stand


@contextmanager
def nothing_compared() -> Iterator[None]:
    """No comparison is made in the block; at its end they all are."""
    threads, gate = passwords._threads, Event()
    held = [threads.submit(gate.wait) for _ in range(threads._max_workers)]
    try:
        yield
    finally:
        gate.set()
        wait([*held, *passwords._queue])


async def test_a_flood_of_passwords_waits_in_a_queue_of_bounded_length():
    stored = (await passwords.hashed(Secret("right-password"))).hash
    with nothing_compared():
        tries = [
            asyncio.create_task(passwords.is_right(Credentials(hash=stored), Secret("wrong")))
            for _ in range(200)
        ]
        await asyncio.sleep(0)

    answers = await asyncio.gather(*tries, return_exceptions=True)

    assert answers.count(False) == MOST_WAITING
    assert sum(isinstance(one, TooMany) for one in answers) == 200 - MOST_WAITING
    assert await passwords.is_right(Credentials(hash=stored), Secret("right-password")), "and then it is over"


async def test_a_browser_that_leaves_makes_no_room_before_its_comparison_is_done():
    with nothing_compared():
        leaving = [
            asyncio.create_task(passwords.is_right(Credentials(), Secret("x"))) for _ in range(MOST_WAITING)
        ]
        await asyncio.sleep(0)
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)

        with pytest.raises(TooMany):
            await passwords.is_right(Credentials(), Secret("x"))


async def test_who_signs_in_during_a_flood_is_asked_to_come_again_and_loses_no_try(stand: Stand):
    made = await stand.first.operated("user_password", user="james")
    browser = stand.first.browser()
    token = await browser.token("/login")
    with nothing_compared():
        flood = [
            asyncio.create_task(passwords.is_right(Credentials(), Secret("x"))) for _ in range(MOST_WAITING)
        ]
        await asyncio.sleep(0)
        busy = [await browser.send("/login", token=token, login="james", password="any") for _ in range(20)]
    await asyncio.gather(*flood)

    assert {503} == {answer.status for answer in busy}
    answer = await browser.send("/login", token=token, login="james", password=made["password"])
    assert answer.status == 303


async def test_one_address_has_few_passwords_compared_however_many_it_sends_at_once(stand: Stand):
    browser = stand.first.browser()
    token = await browser.token("/login")
    tries = [browser.send("/login", token=token, login=f"n{n}", password="guess") for n in range(100)]

    statuses = [answer.status for answer in await asyncio.gather(*tries)]

    assert statuses.count(403) + statuses.count(503) <= 30 + MOST_WAITING
    assert statuses.count(403) <= 30
    assert statuses.count(429) >= 100 - 30 - MOST_WAITING


class Listener:
    """An open page that listens to a stream until the server ends it."""

    def __init__(self, company: Company, browser: Browser, path: str) -> None:
        self.status = 0
        self.begun = asyncio.Event()
        cookie = "; ".join(company.cookie(value, name) for name, value in browser.cookies.items())
        scope = {
            "type": "http",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "query_string": b"",
            "headers": [(b"host", company.row.host.encode()), (b"cookie", cookie.encode())],
            "client": ("127.0.0.1", 1),
        }
        self.task = asyncio.create_task(company.asgi(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError("it never leaves by itself")

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.begun.set()

    async def opened(self) -> int:
        async with asyncio.timeout(5):
            await self.begun.wait()
        return self.status


@pytest.mark.parametrize("stand", ["demo"], indirect=True)
async def test_a_person_listens_in_few_pages_at_once_over_all_browsers_and_streams(stand: Stand):
    company = stand.first
    browsers = [await company.entered(2), await company.entered(2)]
    paths = ["/live", "/scene/live"]
    pages = [Listener(company, browsers[n % 2], paths[n // 2 % 2]) for n in range(12)]

    statuses = [await page.opened() for page in pages]

    assert (statuses.count(200), statuses.count(429)) == (8, 4)
    other = Listener(company, await company.entered(3), "/live")
    assert await other.opened() == 200, "nobody else is kept out"
    for path, expected in zip(paths, (401, 403), strict=True):
        assert await Listener(company, company.browser(), path).opened() == expected
        stranger = Listener(stand.second, browsers[0], path)
        assert await stranger.opened() == expected, "a session of another company"
    stand.site.server.streams.close()
    await asyncio.wait_for(asyncio.gather(*(page.task for page in (*pages, other))), 5)
    assert len(stand.site.server.streams) == 0


async def test_what_a_frame_keeps_is_bounded_and_what_is_too_much_is_not_kept(stand: Stand):
    company = stand.first
    browser = company.browser()
    browser.cookies["livefeed_session"] = company.secrets["session"]
    headers = {"x-livefeed-token": company.secrets["form_token"], "content-type": JSON}

    async def keep(name: str, size: int) -> Any:
        url = f"/apps/{company.things['app']}/frame/{company.things['sid']}/setUserOption"
        body = f'{{"name": "{name}", "value": "{"x" * size}"}}'.encode()
        return (await browser.send_body(url, body, headers=headers)).json()["answer"]

    for number in range(15):
        assert f"n{number}" in await keep(f"n{number}", 65_000)
    before = await stand.dump("frame")
    assert (await keep("more", 65_000))["result"] == "error"
    assert (await keep("x" * 256, 1))["result"] == "error"
    assert (await keep("long", 65_600))["result"] == "error"
    assert before == await stand.dump("frame")
    options = {f"s{number}": "1" for number in range(985)}
    await company.result(company.secrets["access_token"], "user.option.set", options=options)
    assert (await keep("the 1001st", 1))["result"] == "error"
    assert (await keep("n1", 1))["n1"] == "x", "what is there can still be changed"


@pytest.mark.parametrize(
    "odd", ["'self'; script-src *", "https://a,https://b", "https://a\r\nx-evil: 1", "https://\u00e9", "a\tb"]
)
def test_no_directive_of_a_policy_can_hold_another_one(odd: str):
    with pytest.raises(ValueError, match="content security policy"):
        page_headers("en", {"frame-src": odd})


SCOPES = (
    "log,vanish",
    "vanish",
    "log\n",
    "log,user\n",
    "LOG",
    "log;user",
    "log,,",
    "",
    "crm.vanish",
    "log user x",
)


async def test_an_application_is_granted_no_scope_that_there_is_not(stand: Stand):
    before = await stand.dump()
    client_id = stand.first.things["client_id"]
    for scope in SCOPES:
        for operation, more in (
            ("app_add", {"name": "Odd"}),
            ("app_update", {"client_id": client_id, "version": "9"}),
        ):
            refused = await stand.first.operate(operation, scope=scope, **more)
            said = refused.json()["error_description"]
            assert (refused.status, "scope" in said, "\n" in said) == (400, True, False), (scope, said)
    assert before == await stand.dump()


async def test_every_documented_scope_may_be_granted(stand: Stand):
    from livefeed.wire.scopes import DOCUMENTED

    await stand.first.operated("app_add", name="All", scope=", ".join(sorted(DOCUMENTED)))


async def test_a_version_is_numbers_and_points_to_its_very_end(stand: Stand):
    client_id = stand.first.things["client_id"]
    for version in ("2\n", "2.0.0\n", "\n2", "2.0.0.0.0", "", "v2"):
        refused = await stand.first.operate("app_update", client_id=client_id, version=version)
        assert refused.status == 400, version
