"""A payment is documented without anything that proves it: the portal is asked, and its answer is told."""

from typing import Any

import pytest

from livefeed.app import App
from livefeed.app.payments.confirming import PACE_MS, Paid, is_news
from livefeed.secrets import Secret
from livefeed.wire.events import AppPayment

from .bodies import APPLICATION_TOKEN, AUTH, MEMBER, form
from .conftest import House, Opening

DAY_MS = 86_400_000
PACE_S = PACE_MS / 1000 + 1
OPEN = {name: AUTH[name] for name in ("domain", "server_endpoint", "client_endpoint", "member_id")}


def payment(status: str = "P", expired: str = "N", days: str = "365", **keys: Any) -> bytes:
    """As it is documented; ``keys`` are put into its ``auth``."""
    data = {"CODE": "x", "VERSION": 1, "STATUS": status, "PAYMENT_EXPIRED": expired, "DAYS": days}
    return form({"event": "ONAPPPAYMENT", "data": data, "ts": 1_743_000_379, "auth": {**OPEN, **keys}})


class Shop:
    """An application that hears of payments, and what its portal says of them."""

    def __init__(self, serve: Opening) -> None:
        self._serve = serve
        self.heard: list[tuple[str, bool, int | None]] = []
        self.says: dict[str, Any] = {}
        self.while_asked: Any = None
        self.app = App.from_settings({})
        self.app.on(AppPayment)(self._hear)

    async def _hear(self, event: AppPayment) -> None:
        assert event.envelope.auth.access_token is None
        self.heard.append((event.status, event.is_expired, event.days))

    async def open(self, **changed: Any) -> House:
        self.house = await self._serve(self.app, **changed)
        return self.house

    async def installed(self, **changed: Any) -> House:
        house = await self.open(**changed)
        assert (await house.install()).status == 200
        await house.work()
        house.portal.methods["app.info"] = lambda _: {**house.portal.info(1), **self.says}
        house.portal.calls.clear()
        return house

    @property
    def asked(self) -> int:
        return len(self.house.portal.called("app.info"))

    async def waiting(self) -> int:
        rows = await self.house.rows("SELECT seq FROM lane WHERE key = 'app:payment' AND seq > 0")
        return len(rows)


@pytest.fixture
def shop(serve: Opening) -> Shop:
    return Shop(serve)


async def test_what_the_portal_confirms_is_told_as_the_portal_says_it(shop: Shop):
    house = await shop.installed()
    shop.says = {"STATUS": "P", "PAYMENT_EXPIRED": "N", "DAYS": 30, "VERSION": 4}

    assert (await house.post("/events", payment(days="99999"))).status == 202
    assert (1, 0) == (await shop.waiting(), shop.asked), "it is kept, and nobody has heard of it"
    await house.work()

    assert shop.heard == [("P", False, 30)]
    assert (0, 1) == (await shop.waiting(), shop.asked)
    (row,) = [one for one in await house.inbox() if one.event == "ONAPPPAYMENT"]
    assert "the portal was asked" in row.steps[0].detail


async def test_one_that_is_made_up_reaches_no_handler_and_changes_no_pair(shop: Shop):
    house = await shop.installed()
    access, refresh = house.portal.issue(7)
    before = await house.rows("SELECT * FROM token")

    await house.post("/events", payment("P", "Y", access_token=access, refresh_token=refresh, user_id=7))
    await house.work()

    assert ([], 1) == (shop.heard, shop.asked)
    assert before == await house.rows("SELECT * FROM token")
    assert refresh in house.portal.refresh, "nobody has spent it"
    for wrong in ("x" * 32, APPLICATION_TOKEN.upper()):
        assert (await house.post("/events", payment(application_token=wrong))).status == 403


async def test_however_often_it_is_sent_a_portal_is_asked_once_and_once_more_later(shop: Shop):
    house = await shop.installed()
    shop.says = {"STATUS": "P", "DAYS": 30}
    for _ in range(20):
        assert (await house.post("/events", payment())).status == 202
    assert 1 == await shop.waiting()
    await house.work()
    for _ in range(20):
        await house.post("/events", payment())
    await house.work()
    assert (1, 1) == (await shop.waiting(), shop.asked), "it is not time yet"

    house.clock.advance(PACE_S)
    await house.work()
    house.clock.advance(PACE_S)
    await house.work()

    assert (0, 2) == (await shop.waiting(), shop.asked)
    assert shop.heard == [("P", False, 30)], "nothing new is not told"
    shop.says = {"STATUS": "P", "DAYS": 395}
    await house.post("/events", payment())
    await house.work()
    assert shop.heard[1:] == [("P", False, 395)]


async def test_one_that_comes_while_the_portal_is_asked_is_not_lost(shop: Shop):
    house = await shop.installed()
    sent: list[int] = []

    def slowly(_: dict[str, str]) -> dict[str, Any]:
        return {**house.portal.info(1), **shop.says}

    async def meanwhile() -> None:
        sent.extend([(await house.post("/events", payment())).status for _ in range(3)])
        shop.says = {"STATUS": "P"}

    house.portal.expire_all()  # so that the pair is renewed first, which is a moment at which others come
    house.portal.on_refresh = meanwhile
    house.portal.methods["app.info"] = slowly
    await house.post("/events", payment())
    await house.work()
    assert (sent, 1) == ([202] * 3, await shop.waiting())
    house.portal.on_refresh = None

    house.clock.advance(PACE_S)
    await house.work()
    assert shop.heard == [("P", False, None)]
    assert 2 == shop.asked


async def test_without_a_stored_pair_nobody_is_asked_and_the_answer_is_the_same(shop: Shop):
    house = await shop.open(member_id=MEMBER, application_token=Secret(APPLICATION_TOKEN))

    known = await house.post("/events", payment())
    unknown = await house.post("/events", payment(member_id="f" * 32))
    nobodys = await house.post("/events", payment(member_id=""))
    await house.work()

    assert (202, 202, 202) == (known.status, unknown.status, nobodys.status)
    assert known.body == unknown.body == nobodys.body
    assert (0, 0) == (await shop.waiting(), shop.asked)
    assert [] == await house.rows("SELECT seq FROM entry")


async def test_a_portal_that_has_left_is_asked_nothing(shop: Shop):
    house = await shop.installed()
    assert (await house.uninstall()).status == 200

    assert (await house.post("/events", payment())).status == 202
    await house.work()

    assert (0, []) == (shop.asked, shop.heard)


async def test_it_waits_for_a_portal_that_does_not_answer(shop: Shop):
    house = await shop.installed()
    shop.says = {"STATUS": "P"}
    house.portal.down = 503
    await house.post("/events", payment())
    await house.work()
    assert (1, []) == (await shop.waiting(), shop.heard)

    house.portal.down = None
    house.clock.advance(PACE_S)
    await house.work()
    assert shop.heard == [("P", False, None)]


async def test_that_no_tokens_are_given_for_want_of_a_payment_says_that_it_is_over(shop: Shop):
    house = await shop.installed()
    house.portal.expire_all()
    token = house.portal.token

    async def unpaid(params: dict[str, str]) -> dict[str, Any]:
        from tests.client.fake_portal import Refusal

        raise Refusal(402, "PAYMENT_REQUIRED", "Payment required")

    house.portal.token = unpaid
    await house.post("/events", payment("P", "Y"))
    await house.work()
    house.portal.token = token

    assert shop.heard == [("L", True, None)]


@pytest.mark.parametrize(
    ("now", "is_told"),
    [
        (Paid(status="P", is_expired=False, ends_at=10 * DAY_MS), False),
        (Paid(status="P", is_expired=False, ends_at=9 * DAY_MS + 1), False),
        (Paid(status="P", is_expired=False, ends_at=40 * DAY_MS), True),
        (Paid(status="P", is_expired=False, ends_at=None), True),
        (Paid(status="P", is_expired=True, ends_at=10 * DAY_MS), True),
        (Paid(status="T", is_expired=False, ends_at=10 * DAY_MS), True),
    ],
)
def test_what_is_news(now: Paid, is_told: bool):
    assert is_told == is_news(Paid(status="P", is_expired=False, ends_at=10 * DAY_MS), now)
