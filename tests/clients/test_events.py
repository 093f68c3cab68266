"""Bodies that the portal's dispatcher sends, read by the vendor's own dependency for FastAPI."""

from collections.abc import Iterator

import pytest
from tests.clients.cases.deliveries import DELIVERIES, Delivery, delivered
from tests.clients.cases.registry import made
from tests.clients.sdks import Sdks
from tests.clients.world import ADMINISTRATOR, NAME, Registered

from livefeed.portal.events.outbox import SENT_EVENTS

EVENTS = [pytest.param(delivery, id=event) for event, delivery in DELIVERIES.items()]
WITH_TOKENS = [pytest.param(one, id=event) for event, one in DELIVERIES.items() if one.has_tokens]


def test_every_event_that_the_portal_sends_has_a_case():
    assert sorted(SENT_EVENTS) == sorted(DELIVERIES)


@pytest.fixture
def app(sdks: Sdks) -> Iterator[Registered]:
    with sdks.world.registered() as registered:
        yield registered


@pytest.mark.parametrize("delivery", EVENTS)
def test_the_sdk_accepts_the_body_of_the_event(delivery: Delivery, sdks: Sdks, app: Registered):
    seen, expected = delivered(sdks, app, delivery)

    assert 200 == seen.status, seen.detail
    assert (delivery.event, expected) == (seen.parsed.event, seen.parsed.data or {})
    assert delivery.has_tokens is not seen.parsed.is_system
    auth = seen.parsed.auth
    assert app.application_token == auth.application_token
    assert (NAME, NAME) == (auth.domain, auth.portal_domain)


@pytest.mark.parametrize("delivery", WITH_TOKENS)
def test_the_tokens_of_the_event_are_those_of_who_caused_it(delivery: Delivery, sdks: Sdks, app: Registered):
    from b24pysdk.credentials import BitrixToken

    seen, _ = delivered(sdks, app, delivery)
    token = BitrixToken.from_oauth_event_data(seen.parsed, sdks.app_of(app))

    assert ADMINISTRATOR == seen.parsed.auth.user_id
    assert str(ADMINISTRATOR) == token.get_client().user.current().result["ID"]


def test_an_event_that_no_user_caused_is_a_system_event_to_the_sdk(sdks: Sdks, app: Registered):
    handler = f"{sdks.world.receiver.url}/events"
    made(sdks.token_of(app).get_client().event.bind("OnLiveFeedPostUpdate", handler))
    post = sdks.hook.log.blogpost.add("by hand").result
    sdks.world.operate("edit_post", post=post, text="by a robot", as_automation=True)

    seen = sdks.world.receiver.next(where=lambda one: one.auth["application_token"] == app.application_token)

    assert 200 == seen.status, seen.detail
    assert seen.parsed.is_system is True
    assert {"FIELDS": {"POST_ID": str(post)}} == seen.parsed.data


def test_a_body_of_somebody_elses_application_is_refused_by_the_sdk_which_asks_app_info(
    sdks: Sdks, app: Registered
):
    with sdks.world.registered() as mine:
        sdks.world.receiver.bitrix_app = sdks.app_of(mine)
        handler = f"{sdks.world.receiver.url}/checked"
        made(sdks.token_of(app).get_client().event.bind("OnLiveFeedPostAdd", handler))
        made(sdks.hook.log.blogpost.add("for the other one"))

        seen = sdks.world.receiver.next(
            where=lambda one: one.auth["application_token"] == app.application_token
        )

    assert 401 == seen.status
    assert "Invalid event auth data" in seen.detail
