"""Webhooks and tokens without a database."""

import asyncio
from collections.abc import AsyncIterator
from traceback import format_exception

import pytest

from livefeed.client import Access, Manners, Pair, RestClient, Secret, TokenEndpoint
from livefeed.client.hooks import Hook
from livefeed.client.sending.repeating import NEVER
from livefeed.errors import ConnectFailed, SettingsError
from livefeed.net.http import HttpClient
from livefeed.wire.faults import InvalidGrant

from .fake_portal import CLIENT_ID, CLIENT_SECRET, FakePortal
from .serving import serving

HOOK = "https://portal.example/rest/1/8g9l071eismy9q2l"
ONCE = Manners(repeats=NEVER)


@pytest.mark.parametrize("url", [HOOK, f"{HOOK}/", f"{HOOK}/profile.json", f" {HOOK}\n"])
async def test_the_address_of_a_webhook_is_read_in_all_its_forms(url: str):
    access = await Hook(url).access()

    assert access.url("user.get") == f"{HOOK}/user.get.json"
    assert "8g9l" not in repr(access)


@pytest.mark.parametrize(
    "url", ["", "https://portal.example", "ftp://x/rest/1/code", f"{HOOK}/a/b", "http://["]
)
def test_another_address_is_refused_and_not_shown(url: str):
    with pytest.raises(SettingsError) as caught:
        RestClient.from_webhook(url)

    assert not url or url not in str(caught.value)


async def test_a_connection_that_fails_does_not_show_the_webhook():
    url = "http://127.0.0.1:1/rest/1/the-code-of-it/"
    async with RestClient.from_webhook(url, ONCE) as client:
        with pytest.raises(ConnectFailed) as caught:
            await client.call("user.get")

    shown = "".join(format_exception(caught.value))
    assert "ConnectFailed" in shown
    assert "the-code-of-it" not in shown


@pytest.mark.parametrize(
    ("known", "told", "taken"),
    [
        (
            "https://old.example/rest/",
            "https://new.example/rest/1/x/user.get.json",
            "https://new.example/rest/",
        ),
        ("https://old.example/rest/", "http://new.example/rest/1/x/user.get.json", None),
        ("http://old.example/rest/", "https://new.example/rest/1/x/user.get.json", None),
        ("https://old.example/rest/", "", None),
        ("https://old.example/rest/", "https://[", None),
    ],
)
async def test_a_webhook_follows_its_portal_only_where_the_portal_itself_has_said_so(
    known: str, told: str, taken: str | None
):
    hook = Hook(HOOK.replace("https://portal.example/rest/", known))
    moved = await hook.relocate(Access(endpoint=known, token=Secret(""), moved_to=told))

    assert (None if moved is None else moved.endpoint) == taken
    assert (await hook.access()).endpoint == (taken or known)


@pytest.fixture
async def portal() -> AsyncIterator[FakePortal]:
    fake = FakePortal()
    async with serving(fake) as fake.url:
        yield fake


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with HttpClient(allow_private=True) as client:
        yield client


def by_tokens(portal: FakePortal, http: HttpClient, kept: list[Pair], manners: Manners = ONCE) -> RestClient:
    access, refresh = portal.issue(7)
    pair = Pair(endpoint=f"{portal.url}/rest/", access_token=Secret(access), refresh_token=Secret(refresh))
    server = TokenEndpoint(http, url=portal.url, client_id=CLIENT_ID, client_secret=Secret(CLIENT_SECRET))
    return RestClient.from_tokens(pair, server, manners, http=http, keep=kept.append)


async def test_tokens_are_renewed_once_for_all_who_call_and_handed_out_to_be_kept(
    portal: FakePortal, http: HttpClient
):
    kept: list[Pair] = []
    async with by_tokens(portal, http, kept) as client:
        assert (await client.call("user.current")).result["ID"] == "7"
        portal.expire_all()
        await asyncio.gather(*(client.many([("user.current", {})]) for _ in range(5)))

    assert portal.refreshes == len(kept) == 1
    assert kept[0].access_token.reveal() in portal.live


async def test_a_caller_who_gives_up_loses_no_pair(portal: FakePortal, http: HttpClient):
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def slowly() -> None:
        asked.set()
        await may_answer.wait()

    portal.on_refresh = slowly
    kept: list[Pair] = []
    async with by_tokens(portal, http, kept, Manners(repeats=NEVER, gathers=False)) as client:
        portal.expire_all()
        impatient = asyncio.create_task(client.call("user.current"))
        await asked.wait()
        impatient.cancel()
        await asyncio.gather(impatient, return_exceptions=True)
        may_answer.set()
        assert (await client.call("user.current")).result["ID"] == "7"

    assert portal.refreshes == len(kept) == 1


async def test_tokens_that_cannot_be_renewed_say_so(portal: FakePortal, http: HttpClient):
    async with by_tokens(portal, http, []) as client:
        portal.expire_all()
        portal.refresh.clear()
        with pytest.raises(InvalidGrant):
            await client.call("user.current")


async def test_a_client_with_tokens_moves_where_the_authorization_server_says(
    portal: FakePortal, http: HttpClient
):
    kept: list[Pair] = []
    async with by_tokens(portal, http, kept) as client:
        new = FakePortal(live=portal.live)
        async with serving(new) as new.url:
            portal.moved_to, portal.endpoint = "http://attacker.example", f"{new.url}/rest/"
            assert (await client.call("user.current")).result["ID"] == "7"

    assert kept[-1].endpoint == f"{new.url}/rest/"
