"""What becomes of a delivery that fails, under both policies."""

import pytest
from structlog.testing import capture_logs
from tests.metrics import Grown
from tests.ports import free_port

from livefeed.durable.consumers import list_consumers
from livefeed.durable.outcomes import Again, Dead, Done, Down
from livefeed.durable.schedule import Schedule
from livefeed.portal.events.verdicts import Reply, Try, judge, next_pace_ms, reach_of, retry_after_of

from ..conftest import House
from ..site import Site, standing

DAY_S = 86_400


async def test_a_refused_event_waits_in_its_own_lane_and_delays_no_other_post(site: Site) -> None:
    await site.bind(await site.add_app())
    site.receiver.will("/h", 404, 200)
    await site.edit(1)
    await site.send_due()
    await site.edit(2)
    assert [one.post for one in await site.send_due()] == [2]
    site.house.clock.advance(1)
    assert [one.post for one in await site.send_due()] == [1]


async def test_nothing_overtakes_within_one_post(site: Site) -> None:
    await site.bind(await site.add_app())
    site.receiver.will("/h", 404, 200)
    await site.edit(1, "first")
    await site.send_due()
    await site.edit(1, "second")
    assert await site.send_due() == []
    site.house.clock.advance(1)
    ids = [one.headers["webhook-id"] for one in await site.send_due()]
    assert ids == sorted(ids, key=lambda one: int(one.rpartition("_")[2]))
    assert len(ids) == 2


@pytest.mark.parametrize("status", [500, 502, 503, 429])
async def test_a_handler_that_is_down_is_probed_with_one_event_and_then_gets_all(
    site: Site, status: int
) -> None:
    await site.bind(await site.add_app())
    site.receiver.will("/h", status)
    await site.edit(1)
    await site.send_due()
    for post in (2, 3, 4):
        await site.edit(post)
    assert await site.send_due() == []
    site.house.clock.advance(1)
    assert len(await site.send_due()) == 1  # the probe
    site.receiver.answers.clear()
    site.house.clock.advance(5)
    assert sorted(one.post for one in await site.send_due()) == [1, 2, 3, 4]


async def test_a_handler_that_is_down_delays_no_other_handler(site: Site) -> None:
    app = await site.add_app()
    await site.bind(app, "/down")
    await site.bind(app, "/up")
    site.receiver.will("/down", 500)
    await site.edit(1)
    await site.send_due()
    await site.edit(1)
    assert [one.path for one in await site.send_due()] == ["/up"]


async def test_retry_after_is_honoured(site: Site) -> None:
    await site.bind(await site.add_app())
    site.receiver.will("/h", 503, 200, Retry_After="120")
    await site.edit(1)
    await site.send_due()
    site.house.clock.advance(119)
    assert await site.send_due() == []
    site.house.clock.advance(35)  # what was asked for, and jitter on top
    assert len(await site.send_due()) == 1


async def test_a_redirect_is_a_failure_and_is_not_followed(site: Site) -> None:
    await site.bind(await site.add_app())
    site.receiver.will("/h", 302, Location="/elsewhere")
    await site.edit(1)
    assert [one.path for one in await site.send_due()] == ["/h"]
    (row,) = await site.rows(post=1)
    assert (row.status, row.error, row.state) == (302, "status", "backing_off")


async def test_410_unbinds_the_handler_and_drops_what_waits(site: Site) -> None:
    app = await site.add_app()
    handler = await site.bind(app)
    site.receiver.will("/h", 410)
    await site.edit(1)
    await site.edit(1)
    assert len(await site.send_due()) == 1
    assert await site.call(await site.token(app), "event.get") == []
    await site.edit(1)
    assert await site.send_due() == []
    assert "410" in await site.why(1, handler)


async def test_no_answer_at_all_is_told_by_its_kind(site: Site) -> None:
    app = await site.add_app()
    port = free_port()
    token = await site.token(app)
    await site.call(token, "event.bind", event="ONLIVEFEEDPOSTUPDATE", handler=f"http://127.0.0.1:{port}/")
    await site.bind(app, "/garbage")
    site.receiver.answers["/garbage"] = [b"SSH-2.0\r\n\r\n"]
    await site.bind(app, "/refuses")
    site.receiver.will("/refuses", 404)
    await site.bind(app, "/takes")
    grown = Grown()
    await site.edit(1)
    await site.send_due()
    rows = await site.rows(post=1)
    told = {("connect", None), ("reset", None), ("status", 404), (None, 200)}
    assert {(row.error, row.status) for row in rows} == told
    results = {result: grown("deliveries_total", result=result) for result in ("timeout", "delivered")}
    results |= {kind: grown("deliveries_total", result=kind) for kind, _ in told if kind is not None}
    assert {"timeout": 0, "delivered": 1, "connect": 1, "reset": 1, "status": 1} == results


async def test_a_delivery_whose_attempt_cannot_be_logged_is_settled_all_the_same(site: Site) -> None:
    await site.bind(await site.add_app())
    table = "attempt" if site.house.store.engine == "postgresql" else "attempt_run"
    await site.run(lambda tx: tx.execute(f"ALTER TABLE {table} RENAME TO gone"))
    for post in (1, 2):
        await site.edit(post)
    assert [1, 2] == sorted(one.post for one in await site.send_due())
    site.house.clock.advance(60)
    assert [] == await site.send_due(), "not a second time"
    await site.run(lambda tx: tx.execute(f"ALTER TABLE gone RENAME TO {table}"))
    await site.edit(3)
    assert [3] == [one.post for one in await site.send_due()]
    assert ["delivered"] == [row.state for row in await site.rows(post=3)]
    assert [] == [row for row in await site.rows(post=1) if row.attempt], (
        "and it is known that it is not known"
    )


async def test_an_address_that_is_not_public_is_blocked_unless_allowed(house: House) -> None:
    async with standing(house, allow_private=False) as site:
        handler = await site.bind(await site.add_app())
        await site.edit(1)
        assert await site.send_due() == []
        (row,) = await site.rows(post=1)
        assert (row.error, row.status, row.state) == ("blocked", None, "backing_off")
        assert "blocked" in await site.why(1, handler)


async def test_the_log_tells_once_of_each_handler_that_is_not_called(house: House) -> None:
    async with standing(house, allow_private=False) as site:
        app = await site.add_app()
        for path in ("/one", "/two"):
            await site.bind(app, path)
        with capture_logs() as said:
            for post in (1, 2, 3):
                await site.edit(post)
                await site.send_due()
        told = [line for line in said if line["event"] == "handler_blocked"]
        assert len(told) == len({line["consumer"] for line in told}) == 2
        assert all("--allow-private" in line["why"] for line in told)


async def test_a_long_answer_is_cut_and_the_delivery_counts(site: Site) -> None:
    await site.bind(await site.add_app())
    site.receiver.answers["/h"] = [b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + b"x" * 70_000]
    await site.edit(1)
    await site.send_due()
    (row,) = await site.rows(post=1)
    assert (row.status, row.error, row.state) == (200, "too_large", "delivered")
    (handler,) = await site.run(list_consumers)
    assert 1 == handler.cap, "the next are read one at a time"


async def test_after_three_days_it_is_a_dead_letter_that_can_be_replayed(site: Site) -> None:
    handler = await site.bind(await site.add_app())
    site.receiver.will("/h", 404)
    await site.edit(1)
    for _ in range(60):
        await site.send_due()
        site.house.clock.advance(DAY_S / 8)
        if "dead" in await site.states(post=1):
            break
    assert (await site.states(post=1))[-1] == "dead"
    assert "given up" in await site.why(1, handler)
    site.receiver.answers.clear()
    assert await site.do("dead_replay", handler=handler) == {"replayed": 1}
    assert [one.post for one in await site.send_due()] == [1]
    assert "was delivered" in await site.why(1, handler)


async def test_the_faithful_policy_tries_once_and_says_that_it_lost(house: House) -> None:
    async with standing(house, policy="bitrix24") as site:
        handler = await site.bind(await site.add_app())
        site.receiver.will("/h", 500)
        await site.edit(1)
        assert len(await site.send_due()) == 1
        site.house.clock.advance(DAY_S)
        assert await site.send_due() == []
        assert "bitrix24" in await site.why(1, handler)
        (row,) = await site.rows(post=1)
        assert (row.state, row.webhook_id) == ("dead", None)


async def test_the_faithful_policy_gives_a_failing_handler_growing_pauses(house: House) -> None:
    async with standing(house, policy="bitrix24") as site:
        await site.bind(await site.add_app())
        site.receiver.will("/h", 500)
        await site.edit(1)
        await site.send_due()
        for post in (1, 2, 3):
            await site.edit(post)
        assert len(await site.send_due()) == 1
        assert await site.send_due() == []
        site.house.clock.advance(1)
        assert len(await site.send_due()) == 1


TRY = Try(attempt=1, fails=0, first_at_ms=1_000, now_ms=1_000, draw=0.0)


def reply(status: int | None, **rest: float | int) -> Reply:
    return Reply(status=status, error=None, detail="x", **rest)


@pytest.mark.parametrize(
    ("status", "reach"),
    [(200, "delivered"), (202, "delivered"), (299, "delivered"), (301, "refused"), (400, "refused"),
     (404, "refused"), (410, "gone"), (429, "down"), (500, "down"), (503, "down"), (None, "down")],
)  # cases in groups # fmt: skip
def test_how_far_an_attempt_came(status: int | None, reach: str) -> None:
    assert reach_of(reply(status)) == reach


def test_a_handler_that_stays_down_is_probed_ever_more_rarely_whichever_event_is_used() -> None:
    probes = []
    for fails in range(5):
        tried = Try(attempt=1, fails=fails, first_at_ms=0, now_ms=0, draw=0.0)
        outcome = judge("durable", Schedule(), tried, reply(500)).outcome
        assert isinstance(outcome, Down)
        probes.append(outcome.probe_at_ms)
    assert probes == [500, 1_000, 2_000, 4_000, 8_000]


def test_a_verdict_is_a_value() -> None:
    late = Try(attempt=30, fails=30, first_at_ms=0, now_ms=4 * DAY_S * 1000, draw=0.0)
    assert isinstance(judge("durable", Schedule(), TRY, reply(404)).outcome, Again)
    assert isinstance(judge("durable", Schedule(), late, reply(404)).outcome, Dead)
    given_up = judge("durable", Schedule(), late, reply(None)).outcome
    assert isinstance(given_up, Dead)
    assert given_up.probe_at_ms is not None
    assert judge("bitrix24", Schedule(), TRY, reply(500)).outcome == Done()
    assert judge("durable", Schedule(), TRY, reply(410)).unbinds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("120", 120.0), (" 7 ", 7.0), ("Wed, 21 Oct 2015 07:28:10 GMT", 10.0),
     ("Wed, 21 Oct 2015 07:27:00 GMT", 0.0), ("soon", None), (None, None), ("-5", None),
     ("Wed, 21 Oct 2015 07:28:10 +99999999999", None),
     ("9" * 400, 999_999_999.0)],
)  # cases in groups # fmt: skip
def test_retry_after_is_read_in_both_forms(text: str | None, seconds: float | None) -> None:
    assert retry_after_of(text, 1_445_412_480_000) == seconds


def test_pauses_double_while_slow_and_halve_while_quick() -> None:
    paces = [0]
    for ms in (5_000, 5_000, 5_000, 10, 10, 10):
        paces.append(next_pace_ms(paces[-1], reply(200, ms=ms)))
    assert paces == [0, 250, 500, 1_000, 500, 250, 0]
