"""Sending again: what may be sent to whom, in which order, under which name; the operations of it."""

import pytest

from livefeed.errors import LivefeedError
from livefeed.portal.events.log.masks import DOT, masked_url
from livefeed.portal.events.log.resending import NotSent

from ..site import Site

pytestmark = pytest.mark.anyio


async def newest(site: Site) -> int:
    return int((await site.run(lambda tx: tx.execute("SELECT max(seq) FROM entry").fetchone()))[0])


async def test_a_dead_letter_that_is_put_back_keeps_its_webhook_id(site: Site) -> None:
    handler = await site.bind(await site.add_app())
    site.receiver.will("/h", 404)
    await site.edit(1)
    (first,) = await site.send_due()
    for _ in range(2):
        site.house.clock.advance(4 * 86_400)
        await site.send_due()
        assert (await site.do("dead_replay", handler=handler)) == {"replayed": 1}
    site.receiver.will("/h", 200)
    assert [one.headers["webhook-id"] for one in await site.send_due()] == [first.headers["webhook-id"]]


async def test_events_of_another_application_or_kind_are_not_sent(site: Site) -> None:
    mine = await site.add_app()
    handler = await site.bind(mine, event="OnAppTest")
    theirs = await site.add_app(name="Other")
    await site.bind(theirs, "/other", event="OnAppTest")
    await site.call(await site.token(theirs), "event.test", secret="theirs")
    foreign = await newest(site)
    await site.edit(1)
    for seq in (foreign, await newest(site), 10**6):
        with pytest.raises(NotSent, match="no event"):
            await site.do("resend", handler=handler, seq=seq)
    await site.send_due()
    assert (await site.do("resend", handler=handler, since_ms=0))["resent"] == 0


async def test_nothing_is_sent_to_who_may_not_hear_it(site: Site) -> None:
    app = await site.add_app(interface=True)
    handler = await site.bind(app)
    await site.edit(1)
    seq = await newest(site)
    with pytest.raises(NotSent, match="not finished"):
        await site.do("resend", handler=handler, seq=seq)
    await site.do("app_finish", client_id=app.client_id)
    await site.run(lambda tx: tx.execute("UPDATE app SET scope = 'im'"))
    with pytest.raises(NotSent, match="scope log"):
        await site.do("resend", handler=handler, since_ms=0)
    await site.run(lambda tx: tx.execute("UPDATE app SET scope = 'log'"))
    await site.call(await site.token(app), "event.unbind")
    for arguments in ({"seq": seq}, {"since_ms": 0}):
        with pytest.raises(NotSent, match="is unbound"):
            await site.do("resend", handler=handler, **arguments)
    with pytest.raises(NotSent, match="no handler"):
        await site.do("handler_test", handler=handler + 1)


@pytest.mark.parametrize(
    "given", [{}, {"seq": 1, "since_ms": 1}, {"seq": 0}, {"since_ms": -1}, {"seq": 2**63}]
)
async def test_operations_say_what_is_wrong_with_their_arguments(site: Site, given: dict[str, int]) -> None:
    handler = await site.bind(await site.add_app())
    with pytest.raises(LivefeedError):
        await site.do("resend", handler=handler, **given)


async def test_many_events_are_sent_again_in_slices_and_in_order(site: Site) -> None:
    handler = await site.bind(await site.add_app())
    for number in range(3):
        await site.edit(1, f"text {number}")
        await site.send_due()
    document = await site.do("resend", handler=handler, since_ms=1)
    assert (document["resent"], document["done"]) == (3, True)
    again = await site.do("resend", handler=handler, since_ms=1)
    assert again["resent"] == 3, "a repetition is no event of its own"
    got = [one for _ in range(6) for one in await site.send_due()]
    ids = [one.headers["webhook-id"] for one in got]
    assert ids == ids[:3] * 2
    assert ids[:3] == sorted(ids[:3])


async def test_what_arrived_as_a_repetition_or_is_on_its_way_is_not_missing(site: Site) -> None:
    handler = await site.bind(await site.add_app())
    site.receiver.will("/h", 404)
    await site.edit(1)
    await site.send_due()
    site.house.clock.advance(4 * 86_400)
    await site.send_due()
    site.receiver.will("/h", 404, 200)

    async def missing() -> int:
        return (await site.do("resend", handler=handler, since_ms=1, only_missing=True))["resent"]

    assert [await missing(), await missing()] == [1, 0], "one is on its way"
    await site.send_due()
    site.house.clock.advance(4 * 86_400)
    await site.send_due()
    assert await missing() == 0, "it arrived as a repetition"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://shop.example/events", "https://shop.example/events"),
        ("https://shop.example", "https://shop.example"),
        ("https://u:p@shop.example/hooks/abc", f"https://shop.example/hooks/{DOT * 3}"),
        ("https://shop.example/in.php?a=1&b", f"https://shop.example/in.php?{DOT * 3}&{DOT}"),
        ("https://shop.example/correct/horse/", f"https://shop.example/{DOT * 7}/{DOT * 5}/"),
    ],
)
def test_only_plain_words_of_an_address_are_shown(url: str, shown: str) -> None:
    assert masked_url(url) == shown
