"""The own server and the mounted door answer alike, and neither says 200 before the commit."""

import asyncio
import dataclasses
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.app.bodies import APPLICATION_TOKEN, MEMBER, event_body, uninstall_body
from tests.app.conftest import House, Opening

from livefeed.app import App
from livefeed.app.exchange import DoorAnswer
from livefeed.app.ingest import Departure, Door
from livefeed.errors import SettingsError, StoreBusy, StoreConflict, StoreUnavailable
from livefeed.wire.events import AppPayment

from .conftest import Served, Serving, split

Answer = tuple[int, dict[str, Any], dict[str, str]]


def request_of(body: bytes, content_type: str = "application/x-www-form-urlencoded") -> bytes:
    return (
        b"POST /events HTTP/1.1\r\nhost: a\r\nconnection: close\r\n"
        b"content-type: %s\r\ncontent-length: %d\r\n\r\n%s" % (content_type.encode(), len(body), body)
    )


async def asked(served: Served, request: bytes) -> Answer:
    ((status, headers, body),) = split(await served.say(request, ends=False))
    kept = {name: headers[name] for name in ("content-type", "retry-after", "allow") if name in headers}
    return status, json.loads(body), kept


async def both(house: House, own: Served, request: bytes) -> Answer:
    """The answer of both; they are the same."""
    _, _, address = house.url.partition("://")
    host, _, port = address.partition(":")
    mounted = Served(host, int(port), own.stop)
    first, second = await asked(own, request), await asked(mounted, request)
    assert first == second
    return first


JSON = json.dumps(
    {
        "event": "ONLIVEFEEDPOSTADD",
        "data": {"FIELDS": {"POST_ID": 205}},
        "auth": {"member_id": MEMBER, "application_token": APPLICATION_TOKEN},
    }
).encode()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (request_of(event_body()), 200),
        (request_of(event_body(event="ONCRMLEADADD")), 200),
        (request_of(JSON), 200),
        (request_of(JSON, "application/json; charset=utf-8"), 200),
        (request_of(event_body(), "application/json"), 400),
        (request_of(event_body(application_token="x" * 32)), 403),
        (request_of(event_body(application_token=None)), 403),
        (request_of(event_body(member_id="f" * 32)), 403),
        (request_of(event_body(post=None)), 400),
        (request_of(event_body(post="abc")), 400),
        (request_of(uninstall_body(application_token="x" * 32)), 403),
        (request_of(b""), 400),
        (request_of(b"{"), 400),
        (request_of(b"event=X&x=%zz"), 400),
        (request_of(b"event=X&x=%ff"), 400),
        (request_of(b"event=X&event=Y"), 400),
        (request_of(b"&".join(b"k%d=1" % n for n in range(2_000))), 413),
        (request_of(b"event=X&x=" + b"a" * 65_536), 413),
        (b"GET /events HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", 405),
        (b"POST /events HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 9999999999\r\n\r\n", 413),
    ],
)
async def test_both_doors_answer_alike(house: House, own: Served, request_bytes: bytes, status: int):
    for _ in range(3):  # the first of a kind teaches how the next ones are read
        assert (await both(house, own, request_bytes))[0] == status


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    extra=st.dictionaries(texts, texts, max_size=3),
    cut=st.integers(0, 700),
    put=st.sampled_from([b"", b"&", b"%", b"%0", b"%00", b"\xff", b"+", b"=", b"&event=X", b"[", b"%5D"]),
)
async def test_both_doors_judge_any_body_alike(house: House, own: Served, extra: Any, cut: int, put: bytes):
    body = event_body(event="ONAPPTEST", **{f"x{name}": value for name, value in extra.items()})

    await both(house, own, request_of(body[:cut] + put + body[cut:]))


async def test_a_portal_that_leaves_is_answered_after_the_commit(house: House, own: Served):
    assert (await asked(own, request_of(uninstall_body())))[0] == 200
    assert (await asked(own, request_of(event_body())))[0] == 403


async def test_both_put_aside_what_proves_nothing_and_is_to_be_confirmed(serve: Opening, serve_http: Serving):
    app = App.from_settings({})

    @app.on(AppPayment)
    async def hear() -> None: ...

    house = await serve(app)
    assert (await house.install()).status == 200
    own = await serve_http(house.server, house.server.events)
    body = event_body(event="ONAPPPAYMENT", post=None, application_token=None)

    assert (await both(house, own, request_of(body)))[0] == 202
    assert (await both(house, own, request_of(body.replace(MEMBER.encode(), b"f" * 32))))[0] == 202
    waiting = await house.rows("SELECT key FROM lane WHERE key = 'app:payment' AND seq > 0")
    assert len(waiting) == 1


async def test_a_departure_that_fails_is_answered(house: House, serve_http: Serving):
    class Failing(Door):
        async def leave(self, departure: Departure) -> DoorAnswer:
            raise SettingsError("the key of this portal is not there")

    served = await serve_http(house.server, Failing(house.running.runtime, house.running.leaving))

    assert (await asyncio.wait_for(asked(served, request_of(uninstall_body())), 5))[0] == 500


class Broken:
    """A store whose commits fail, at once or later; a batch of one row may still go through."""

    def __init__(
        self, *, at_once: Exception | None = None, later: Exception | None = None, alone: bool = False
    ):
        self.at_once, self.later, self.alone = at_once, later, alone
        self.batches: list[int] = []

    def write_row(self, bulk: Any, row: Any) -> "asyncio.Future[None]":
        if self.at_once is not None:
            raise self.at_once
        self.batches.append(len(row))
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.later is None or (self.alone and len(row) == 1):
            future.set_result(None)
        else:
            future.set_exception(self.later)
        return future


async def answers_of(house: House, serve_http: Serving, store: Broken, count: int = 1) -> list[int]:
    runtime = dataclasses.replace(house.running.runtime, store=store)
    served = await serve_http(house.server, Door(runtime, house.running.leaving))
    body = event_body()
    one = b"POST /events HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    found = split(await served.say(one * count))
    assert all("retry-after" in headers for status, headers, _ in found if status == 503)
    return [status for status, _, _ in found]


@pytest.mark.parametrize("error", [StoreBusy("full"), StoreUnavailable("disk full")])
async def test_what_cannot_be_committed_is_answered_503(house: House, serve_http: Serving, error: Exception):
    assert await answers_of(house, serve_http, Broken(at_once=error), 3) == [503] * 3
    assert await answers_of(house, serve_http, Broken(later=error), 3) == [503] * 3


async def test_a_row_that_is_refused_fails_nobody_elses(house: House, serve_http: Serving):
    store = Broken(later=StoreConflict("no"), alone=True)

    assert await answers_of(house, serve_http, store, 3) == [200] * 3
    assert store.batches == [3, 1, 1, 1]


async def test_events_of_one_moment_are_stored_together(house: House, serve_http: Serving):
    store = Broken()

    assert await answers_of(house, serve_http, store, 20) == [200] * 20
    assert store.batches == [20]


async def test_no_more_waits_for_a_commit_than_is_allowed(house: House, serve_http: Serving):
    served = await serve_http(house.server, house.server.events, events=5)
    body = event_body()
    one = b"POST /events HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)

    found = [status for status, _, _ in split(await served.say(one * 12))]

    stored = await house.rows("SELECT seq FROM entry WHERE source = 'door'")
    assert found == [200] * 5 + [503] * 7
    assert len(stored) == 5


async def test_nothing_is_answered_before_it_is_committed(house: House, serve_http: Serving):
    committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    asked_for = asyncio.Event()

    class Slow(Broken):
        def write_row(self, bulk: Any, row: Any) -> "asyncio.Future[None]":
            asked_for.set()
            return committed

    runtime = dataclasses.replace(house.running.runtime, store=Slow())
    served = await serve_http(house.server, Door(runtime, house.running.leaving))
    reader, writer = await served.connect()
    writer.write(request_of(event_body()))
    reading = asyncio.create_task(reader.read())
    await asked_for.wait()
    assert (await served.say(b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")).endswith(
        b"alive\n"
    )

    assert not reading.done()
    committed.set_result(None)
    assert (await reading).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_an_error_of_the_door_itself_is_answered_500_and_takes_nobody_with_it(
    house: House, serve_http: Serving
):
    class Odd:
        store = Broken()
        path = b"/events"

        def judge(self, body: bytes, is_json: bool) -> Any:
            raise RuntimeError("secret detail")

    served = await serve_http(house.server, Odd())

    answers = await served.say(request_of(event_body()), ends=False)

    assert answers.startswith(b"HTTP/1.1 500")
    assert b"secret" not in answers


async def test_bodies_of_the_mounted_door_and_the_own_one_are_stored_alike(house: House, own: Served):
    await both(house, own, request_of(event_body()))

    rows = await house.rows("SELECT * FROM entry WHERE source = 'door'")
    assert [{k: v for k, v in row.items() if k not in {"seq", "body"}} for row in rows[1:]] == [
        {k: v for k, v in row.items() if k not in {"seq", "body"}} for row in rows[:1]
    ]
