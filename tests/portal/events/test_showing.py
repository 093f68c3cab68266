"""What people are shown: deliveries, events, why."""

from livefeed.durable.attempts import Attempt, record_attempts
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.entries import append, index_entries
from livefeed.durable.store import Tx
from livefeed.portal.events.deliveries import list_events
from livefeed.portal.upkeep import purge

from ..site import Site

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


async def test_busy_neighbours_never_hide_the_rows_of_a_portal(site: Site) -> None:
    handler = await site.bind(await site.add_app())
    await site.edit(1)
    await site.send_due()

    def crowd(tx: Tx) -> None:
        for number in range(1_100):
            append(
                tx, portal="other", key=f"post:{number}", kind="ONX", body=b"{}", source="rest", consumers=[]
            )
        rows = [
            Attempt(10_000 + number, ConsumerId(999), "post:1", 1, "", 1, 200, None, 1, "delivered")
            for number in range(1_100)
        ]
        record_attempts(tx, rows)

    await site.run(crowd)
    assert [row.handler for row in await site.rows()] == [handler]
    member_id = site.house.portal.member_id
    seen = await site.house.store.read(lambda tx: list_events(tx, portal=member_id))
    assert [row.post for row in seen] == [None, 1]
    await site.run(index_entries)
    assert await site.house.store.read(lambda tx: list_events(tx, portal=member_id)) == seen


async def test_the_newest_thousand_are_shown_and_events_of_a_time_are_found_among_many(site: Site) -> None:
    handler = await site.bind(await site.add_app())
    await site.do("handler_state", handler=handler, state="paused")
    for number in range(5):
        await site.edit(1, f"text {number}")
        site.house.clock.advance(60)
    since_ms = site.house.clock.now_ms() - 121_000
    assert [row.seq for row in await site.rows(since_ms=since_ms)] == [row.seq for row in await site.rows()][
        3:
    ]
