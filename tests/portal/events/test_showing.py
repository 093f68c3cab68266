"""What people are shown: deliveries, events, why, the developer page."""

import base64

import pytest

from livefeed.portal.events.deliveries import list_events
from livefeed.portal.upkeep import purge

from ..conftest import House
from ..site import Site, standing

DAY_S = 86_400


async def test_each_attempt_is_a_row_and_the_last_tells_the_end(site: Site) -> None:
    handler = await site.bind(await site.add_app())
    site.receiver.will("/h", 500, 404, 200)
    await site.edit(1)
    for _ in range(3):
        await site.send_due()
        site.house.clock.advance(5)
    rows = await site.rows(post=1, handler=handler)
    assert [(row.attempt, row.status, row.error, row.state) for row in rows] == [
        (1, 500, "status", "backing_off"),
        (2, 404, "status", "backing_off"),
        (3, 200, None, "delivered"),
    ]
    assert len({row.webhook_id for row in rows}) == 1
    assert all(row.sent_at is not None and row.sent_at.endswith("+00:00") for row in rows)


async def test_what_waits_and_what_is_being_sent_are_rows_too(site: Site) -> None:
    await site.bind(await site.add_app())
    await site.edit(1, "first")
    await site.edit(1, "second")
    assert await site.states(post=1) == ["waiting", "waiting"]
    await site.lease()
    assert await site.states(post=1) == ["leased", "waiting"]
    assert all(row.sent_at is None for row in await site.rows(post=1))


async def test_rows_are_narrowed_by_post_handler_state_and_time(site: Site) -> None:
    app = await site.add_app(install_url=site.receiver.url + "/install")
    one, two = await site.bind(app, "/one"), await site.bind(app, "/two")
    await site.edit(1)
    await site.send_due()
    site.house.clock.advance(60)
    await site.edit(2)
    since_ms = site.house.clock.now_ms()
    assert len(await site.rows()) == 5
    assert [row.handler for row in await site.rows(post=1)] == [one, two]
    assert {row.post for row in await site.rows(handler=two)} == {1, 2}
    assert await site.states(state="waiting") == ["waiting", "waiting"]
    assert {row.post for row in await site.rows(since_ms=since_ms)} == {2}
    assert await site.rows(handler=999) == []
    assert [row.handler for row in await site.rows() if row.post is None] == [None]


async def test_events_are_listed_with_their_source(site: Site) -> None:
    await site.edit(1)
    await site.do("edit_post", post=1, text="by command")
    member_id = site.house.portal.member_id
    rows = await site.house.store.read(lambda tx: list_events(tx, portal=member_id, post=1))
    assert [(row.event, row.post, row.source) for row in rows] == [
        ("ONLIVEFEEDPOSTUPDATE", 1, "web"),
        ("ONLIVEFEEDPOSTUPDATE", 1, "command"),
    ]


async def test_what_waited_too_long_is_shown_as_expired(site: Site) -> None:
    handler = await site.bind(await site.add_app())
    await site.do("handler_state", handler=handler, state="paused")
    await site.edit(1)
    site.house.clock.advance(31 * DAY_S)
    assert await purge(site.house.store, site.house.clock) == 2
    assert await site.states(post=1) == ["expired"]


async def test_why_there_is_no_such_handler(site: Site) -> None:
    assert "no handler 7" in await site.why(1, 7)
    app = await site.add_app(interface=True)
    assert f"withheld until: livefeed portal app finish {app.client_id}" in await site.why(1, 7)


async def test_why_nothing_happened_to_the_post(site: Site) -> None:
    app = await site.add_app()
    handler = await site.bind(app)
    assert "Nothing has happened to post 1" in await site.why(1, handler)
    deleted = await site.bind(app, event="OnLiveFeedPostDelete")
    await site.edit(1)
    assert "has had no ONLIVEFEEDPOSTDELETE" in await site.why(1, deleted)


async def test_why_the_handler_was_bound_too_late(site: Site) -> None:
    app = await site.add_app()
    await site.edit(1)
    site.house.clock.advance(1)
    handler = await site.bind(app)
    assert "after the last ONLIVEFEEDPOSTUPDATE" in await site.why(1, handler)


async def test_why_the_handler_is_unbound(site: Site) -> None:
    app = await site.add_app()
    handler = await site.bind(app)
    await site.call(await site.token(app), "event.unbind")
    await site.edit(1)
    assert "event.unbind by user 1" in await site.why(1, handler)


async def test_why_the_scope_is_missing(site: Site) -> None:
    handler = await site.bind(await site.add_app())
    await site.run(lambda tx: tx.execute("UPDATE app SET scope = 'im'"))
    await site.edit(1)
    assert await site.send_due() == []
    assert "does not have the scope log" in await site.why(1, handler)


async def test_why_it_still_waits(site: Site) -> None:
    handler = await site.bind(await site.add_app())
    await site.edit(1)
    assert "nothing was sent yet" in await site.why(1, handler)
    site.receiver.will("/h", 503)
    await site.send_due()
    assert "attempt 1 failed (the handler answered 503)" in await site.why(1, handler)
    await site.edit(2)
    assert "does not answer" in await site.why(2, handler)
    site.house.clock.advance(5)
    await site.lease()
    assert "being sent right now, attempt 2" in await site.why(1, handler)


async def test_why_it_was_delivered(site: Site) -> None:
    handler = await site.bind(await site.add_app())
    await site.edit(1)
    await site.send_due()
    assert "was delivered at 2026-03-17T" in await site.why(1, handler)


async def test_an_answer_to_why_is_one_sentence(site: Site) -> None:
    app = await site.add_app(interface=True)
    handler = await site.bind(app)
    await site.edit(1)
    answers = [await site.why(1, handler), await site.why(1, 99), await site.why(5, handler)]
    assert all("\n" not in answer and 20 < len(answer) < 300 for answer in answers)


async def test_the_developer_page_shows_attempts_and_no_secret(site: Site) -> None:
    app = await site.add_app(name="<b>Shop</b>")
    handler = await site.bind(app, "/s3cret-path?key=s3cret")
    site.receiver.will("/s3cret-path?key=s3cret", 500)
    await site.edit(1)
    (one,) = await site.send_due()
    page = await site.http("GET", f"/developer/?post=1&handler={handler}")
    assert page.status == 200
    assert "&lt;b&gt;Shop&lt;/b&gt;" in page.text
    assert "failed, will be tried again" in page.text
    assert "attempt 1 failed" in page.text
    for secret in ("s3cret", app.client_secret, app.application_token, one.auth["access_token"]):
        assert secret not in page.text


async def test_the_developer_page_says_in_red_what_is_withheld(site: Site) -> None:
    await site.add_app(interface=True)
    page = await site.http("GET", "/developer/")
    assert "events are withheld until the installation is finished" in page.text


@pytest.mark.parametrize("query", ["?post=x&handler=-1", "?post=" + "9" * 100, "?handler=%00"])
async def test_the_developer_page_takes_any_query(site: Site, query: str) -> None:
    assert (await site.http("GET", "/developer/" + query)).status == 200


async def test_outside_the_demo_the_developer_page_asks_for_the_administrator_token(house: House) -> None:
    async with standing(house, is_demo=False) as site:
        assert (await site.http("GET", "/developer/")).status == 401
        for token, status in (("wrong", 401), ("token-of-this-run", 200)):
            basic = base64.b64encode(f"admin:{token}".encode()).decode()
            answer = await site.http("GET", "/developer/", headers={"authorization": f"Basic {basic}"})
            assert answer.status == status
