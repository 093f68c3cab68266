import asyncio

import pytest

from livefeed.client.rest import Access, RestClient
from livefeed.errors import ConnectFailed, Fault, NotInstalled, TransportError
from livefeed.net.http import HttpClient
from livefeed.secrets import Secret
from livefeed.wire.calls import Answer
from livefeed.wire.faults import (
    ExpiredToken,
    MethodNotFound,
    NoAuthFound,
    OperationTimeLimit,
    QueryLimitExceeded,
    UnexpectedAnswer,
)

from .conftest import Caller
from .fake_portal import FakePortal, Refusal, post_row
from .serving import serving


def refusing(*refusal: object):
    def method(params):
        raise Refusal(*refusal)

    return method


async def test_a_call_returns_the_result_of_the_method(caller: Caller):
    caller.portal.methods["log.blogpost.get"] = lambda params: [post_row(int(params["POST_ID"]))]

    answer = await caller.client.call("log.blogpost.get", {"POST_ID": 205})

    assert answer.result[0]["TITLE"] == "Holidays"


async def test_nested_parameters_travel_in_brackets(caller: Caller):
    caller.portal.methods["user.get"] = lambda params: []

    await caller.client.call("user.get", {"FILTER": {"@ID": [1, 2]}, "ACTIVE": True})

    assert caller.portal.called("user.get") == [{"FILTER[@ID][0]": "1", "FILTER[@ID][1]": "2", "ACTIVE": "1"}]


@pytest.mark.parametrize(
    ("refusal", "fault"),
    [
        ((404, "ERROR_METHOD_NOT_FOUND", "Method not found!"), MethodNotFound),
        ((503, "QUERY_LIMIT_EXCEEDED", "Too many requests"), QueryLimitExceeded),
        ((429, "OPERATION_TIME_LIMIT", ""), OperationTimeLimit),
    ],
)
async def test_a_refusal_is_raised_as_the_class_of_its_code(caller: Caller, refusal, fault):
    caller.portal.methods["log.blogpost.get"] = refusing(*refusal)

    with pytest.raises(fault) as caught:
        await caller.client.call("log.blogpost.get")

    assert caught.value.status == refusal[0]


async def test_an_html_page_in_place_of_an_answer_is_an_unexpected_answer(caller: Caller):
    caller.portal.down = 502

    with pytest.raises(UnexpectedAnswer):
        await caller.client.call("user.current")


async def test_an_expired_token_is_refreshed_once_and_the_call_repeated(caller: Caller):
    caller.portal.expire_all()

    answer = await caller.client.call("user.current")

    assert answer.result["ID"] == "1"
    assert caller.portal.refreshes == 1


async def test_a_token_that_expires_again_at_once_is_not_refreshed_for_ever(caller: Caller):
    caller.portal.methods["user.current"] = refusing(401, "expired_token", "")

    with pytest.raises(ExpiredToken):
        await caller.client.call("user.current")

    assert caller.portal.refreshes == 1


async def test_many_calls_with_an_expired_token_share_one_refresh(caller: Caller):
    caller.portal.expire_all()

    answers = await asyncio.gather(*(caller.client.call("user.current") for _ in range(20)))

    assert {answer.result["ID"] for answer in answers} == {"1"}
    assert caller.portal.refreshes == 1


async def test_a_wrong_token_is_not_refreshed(caller: Caller):
    caller.portal.live.clear()

    with pytest.raises(NoAuthFound):
        await caller.client.call("user.current")

    assert caller.portal.refreshes == 0


async def test_a_dead_pair_says_that_the_application_has_to_be_installed_again(caller: Caller):
    caller.portal.expire_all()
    caller.portal.refresh.clear()

    with pytest.raises(NotInstalled, match="install"):
        await caller.client.call("user.current")
    with pytest.raises(NotInstalled, match="install"):
        await caller.client.call("user.current")

    assert caller.portal.refreshes == 1


async def test_a_portal_that_does_not_listen_is_a_transport_error(http: HttpClient):
    class Nowhere:
        async def access(self) -> Access:
            return Access(endpoint="http://127.0.0.1:1/rest/", token=Secret("x"))

        async def relocate(self, moved: Access) -> Access | None:
            return None

    with pytest.raises(TransportError):
        await RestClient(http, Nowhere()).call("user.current")


async def test_a_call_to_a_dead_address_is_made_at_the_portals_new_one(http: HttpClient, caller: Caller):
    token = await caller.vault.access(caller.member_id, caller.user_id)

    class Moved:
        async def access(self) -> Access:
            return Access(endpoint="http://127.0.0.1:1/rest/", token=token)

        async def relocate(self, moved: Access) -> Access | None:
            return Access(endpoint=f"{caller.portal.url}/rest/", token=moved.token)

    caller.portal.methods["user.current"] = lambda params: {"ID": "1"}

    assert {"ID": "1"} == (await RestClient(http, Moved()).call("user.current")).result


async def test_a_portal_that_changed_between_http_and_https_is_found_again(http: HttpClient, caller: Caller):
    token = await caller.vault.access(caller.member_id, caller.user_id)
    caller.portal.methods["user.current"] = lambda params: {"ID": "1"}

    class Changed:
        def __init__(self, old: str) -> None:
            self.old = old

        async def access(self) -> Access:
            return Access(endpoint=f"{self.old}/rest/", token=token)

        async def relocate(self, moved: Access) -> Access | None:
            return Access(endpoint=f"{caller.portal.url}/rest/", token=moved.token)

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as closing:
        was_http = f"http://127.0.0.1:{closing.sockets[0].getsockname()[1]}"
        was_https = caller.portal.url.replace("http:", "https:")
        for old in (was_http, was_https):
            assert {"ID": "1"} == (await RestClient(http, Changed(old)).call("user.current")).result


async def test_a_batch_returns_answers_and_faults_by_name(caller: Caller):
    caller.portal.methods["user.get"] = lambda params: [{"ID": params["ID"]}]

    results = await caller.client.batch({"a": ("user.get", {"ID": 7}), "b": ("no.such.method", {})})

    assert isinstance(results["a"], Answer)
    assert results["a"].result == [{"ID": "7"}]
    assert isinstance(results["b"], MethodNotFound)


async def test_a_batch_over_fifty_is_sent_in_parts(caller: Caller):
    caller.portal.methods["user.get"] = lambda params: [{"ID": params["ID"]}]

    results = await caller.client.batch({f"u{n}": ("user.get", {"ID": n}) for n in range(120)})

    assert list(results) == [f"u{n}" for n in range(120)]
    assert results["u119"].result == [{"ID": "119"}]
    assert len(caller.portal.called("batch")) == 3


async def test_a_halted_batch_asks_for_nothing_after_the_first_fault(caller: Caller):
    caller.portal.methods["user.get"] = lambda params: []
    commands = {"bad": ("no.such.method", {}), **{f"u{n}": ("user.get", {}) for n in range(60)}}

    results = await caller.client.batch(commands, halt=True)

    assert [isinstance(result, Fault) for result in results.values()] == [True]
    assert len(caller.portal.called("batch")) == 1


async def test_pages_follow_next_until_there_is_none(caller: Caller):
    def page(params):
        start = int(params["start"])
        rows = [{"ID": str(n)} for n in range(start, min(start + 50, 120))]
        return {"result": rows, "total": 120, **({"next": start + 50} if start + 50 < 120 else {})}

    caller.portal.methods["user.get"] = page

    rows = [
        row async for answer in caller.client.pages("user.get", {"ACTIVE": True}) for row in answer.result
    ]

    assert [row["ID"] for row in rows] == [str(n) for n in range(120)]


async def test_pages_end_where_a_portal_names_the_same_page_again(caller: Caller):
    caller.portal.methods["user.get"] = lambda params: {"result": [], "total": 9, "next": 0}

    assert len([answer async for answer in caller.client.pages("user.get")]) == 1


async def test_a_moved_portal_is_called_at_the_address_the_authorization_server_names(caller: Caller):
    new = FakePortal(live=caller.portal.live)
    async with serving(new) as new.url:
        caller.portal.moved_to = "http://attacker.example"
        caller.portal.endpoint = f"{new.url}/rest/"

        answer = await caller.client.call("user.current")

    assert answer.result["ID"] == "1"
    assert len(new.called("user.current")) == 1


async def test_a_redirect_nobody_vouches_for_is_not_followed(caller: Caller):
    caller.portal.moved_to = "http://attacker.example"

    with pytest.raises(ConnectFailed, match="moved"):
        await caller.client.call("user.current")
