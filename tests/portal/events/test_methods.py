"""event.bind, event.get, event.unbind, events, event.test."""

from typing import Any

import pytest

from ..site import Site

H = "https://shop.example/handler"
NO_CONTEXT = "Access denied! Application context required"


async def rows(site: Site, token: str) -> list[Any]:
    return await site.call(token, "event.get")


async def test_binding_answers_true_and_get_shows_it(site: Site) -> None:
    token = await site.token(await site.add_app())
    assert await site.call(token, "event.bind", event="OnLiveFeedPostUpdate", handler=H) is True
    assert await rows(site, token) == [
        {"event": "ONLIVEFEEDPOSTUPDATE", "handler": H, "auth_type": "0", "offline": 0}
    ]


async def test_parameter_names_are_read_in_any_case(site: Site) -> None:
    token = await site.token(await site.add_app())
    assert await site.call(token, "event.bind", EVENT="onlivefeedpostadd", HANDLER=H, AUTH_TYPE=3) is True
    assert (await rows(site, token))[0]["auth_type"] == "3"


async def test_what_no_handler_could_be_sent_is_refused(site: Site) -> None:
    token = await site.token(await site.add_app())
    assert (await site.fault(token, "event.bind", event="OnAppTest", handler=H + "a" * 2_000))[
        1
    ] == "ERROR_CORE"
    assert (await site.fault(token, "event.test", any="a" * 60_000))[1] == "ERROR_ARGUMENT"
    assert await site.call(token, "event.bind", event="OnAppTest", handler=H + "a" * 1_000) is True
    assert await site.call(token, "event.test", any="a" * 10_000) == 1


async def test_a_user_without_rights_binds_for_himself(site: Site) -> None:
    token = await site.token(await site.add_app(), 2)
    await site.call(token, "event.bind", event="OnLiveFeedPostUpdate", handler=H)
    assert (await rows(site, token))[0]["auth_type"] == "2"


async def test_a_user_without_rights_may_name_himself_and_nobody_else(site: Site) -> None:
    token = await site.token(await site.add_app(), 2)
    assert await site.call(token, "event.bind", event="OnLiveFeedPostUpdate", handler=H, auth_type=2) is True
    assert await site.fault(token, "event.bind", event="OnLiveFeedPostAdd", handler=H, auth_type=3) == (
        403,
        "ACCESS_DENIED",
        "Access denied! Event binding with AUTH_TYPE requires administrator access rights",
    )


async def test_an_unknown_event_is_not_found(site: Site) -> None:
    token = await site.token(await site.add_app())
    for event in ("OnNothing", "", "OnCrmLeadAdd"):
        assert await site.fault(token, "event.bind", event=event, handler=H) == (
            400,
            "ERROR_EVENT_NOT_FOUND",
            "Event not found",
        )


async def test_feed_events_need_the_scope_log(site: Site) -> None:
    token = await site.token(await site.add_app(scope="user"))
    assert (await site.fault(token, "event.bind", event="OnLiveFeedPostUpdate", handler=H))[1] == (
        "ERROR_EVENT_NOT_FOUND"
    )
    assert await site.call(token, "event.bind", event="OnAppTest", handler=H) is True


@pytest.mark.parametrize("handler", ["not a url", "/relative", "ftp://shop.example/", "javascript:alert(1)"])
async def test_a_handler_is_an_http_url(site: Site, handler: str) -> None:
    token = await site.token(await site.add_app())
    status, _, description = await site.fault(token, "event.bind", event="OnAppTest", handler=handler)
    assert (status, description[:27]) == (400, "Unable to set event handler")


async def test_a_missing_handler_is_named(site: Site) -> None:
    token = await site.token(await site.add_app())
    assert (await site.fault(token, "event.bind", event="OnAppTest"))[::2] == (
        400,
        "Argument 'HANDLER' is null or empty",
    )


async def test_the_same_handler_twice_is_refused_and_may_return_after_unbinding(site: Site) -> None:
    token = await site.token(await site.add_app())
    await site.call(token, "event.bind", event="OnAppTest", handler=H)
    assert (await site.fault(token, "event.bind", event="OnAppTest", handler=H))[2] == (
        "Unable to set event handler: Handler already binded"
    )
    assert await site.call(token, "event.bind", event="OnAppTest", handler=H, auth_type=1) is True
    await site.call(token, "event.unbind", event="OnAppTest")
    assert await site.call(token, "event.bind", event="OnAppTest", handler=H) is True


async def test_offline_events_are_for_administrators(site: Site) -> None:
    app = await site.add_app()
    for method, verb in (("event.bind", "binding"), ("event.unbind", "unbinding")):
        assert await site.fault(
            await site.token(app, 2), method, event="OnLiveFeedPostUpdate", event_type="offline"
        ) == (
            403,
            "ACCESS_DENIED",
            f"Access denied! Offline events {verb} requires administrator access rights",
        )


async def test_unbinding_counts_what_matches_every_parameter(site: Site) -> None:
    token = await site.token(await site.add_app())
    for event in ("OnLiveFeedPostAdd", "OnLiveFeedPostUpdate"):
        for handler in (H, H + "2"):
            await site.call(token, "event.bind", event=event, handler=handler)
    await site.call(token, "event.bind", event="OnLiveFeedPostUpdate", handler=H, auth_type=3)
    count = {"count": 0}
    assert await site.call(token, "event.unbind", event="OnLiveFeedPostDelete") == count
    assert await site.call(token, "event.unbind", event="onlivefeedpostadd", handler=H) == {"count": 1}
    assert await site.call(token, "event.unbind", handler=H, auth_type=3) == {"count": 1}
    assert await site.call(token, "event.unbind", handler=H, auth_type=0) == {"count": 1}
    assert await site.call(token, "event.unbind") == {"count": 2}
    assert await rows(site, token) == []


async def test_a_user_without_rights_sees_and_unbinds_only_his_own(site: Site) -> None:
    app = await site.add_app()
    admin, user = await site.token(app), await site.token(app, 2)
    await site.call(admin, "event.bind", event="OnLiveFeedPostUpdate", handler=H)
    await site.call(user, "event.bind", event="OnLiveFeedPostUpdate", handler=H)
    assert [row["auth_type"] for row in await rows(site, user)] == ["2"]
    assert (await site.fault(user, "event.unbind", event="OnLiveFeedPostUpdate", auth_type=3))[0] == 403
    assert await site.call(user, "event.unbind", event="OnLiveFeedPostUpdate", handler=H) == {"count": 1}
    assert [row["auth_type"] for row in await rows(site, admin)] == ["0"]


async def test_an_application_sees_no_handlers_of_another(site: Site) -> None:
    one, two = await site.token(await site.add_app()), await site.token(await site.add_app())
    await site.call(one, "event.bind", event="OnAppTest", handler=H)
    assert await rows(site, two) == []
    assert await site.call(two, "event.unbind") == {"count": 0}
    assert len(await rows(site, one)) == 1


async def test_events_lists_what_the_application_may_bind(site: Site) -> None:
    with_log, without = (
        await site.token(await site.add_app()),
        await site.token(await site.add_app(scope="user")),
    )
    first = ["ONAPPUNINSTALL", "ONAPPINSTALL", "ONAPPUPDATE"]
    feed = ["ONLIVEFEEDPOSTADD", "ONLIVEFEEDPOSTUPDATE", "ONLIVEFEEDPOSTDELETE"]
    assert (await site.call(with_log, "events"))[:3] == first
    assert (await site.call(with_log, "events"))[-3:] == feed
    assert not set(feed) & set(await site.call(without, "events"))
    assert set(feed) <= set(await site.call(without, "events", FULL=True))
    assert await site.call(without, "events", SCOPE="log") == feed
    assert await site.call(without, "events", SCOPE="crm") == []


async def test_a_test_event_brings_the_parameters_of_the_call(site: Site) -> None:
    app = await site.add_app()
    other = await site.add_app()
    handler = await site.bind(app, "/test", event="OnAppTest")
    await site.bind(other, "/other", event="OnAppTest")
    assert await site.call(await site.token(app, 1), "event.test", any="data", more={"a": [1, True]}) == 1
    (one,) = await site.send_due()
    assert (one.path, one.event, one.form["event_handler_id"]) == ("/test", "ONAPPTEST", str(handler))
    assert one.form["data"] == {
        "QUERY": {"any": "data", "more": {"a": {"0": "1", "1": "1"}}},
        "LANGUAGE_ID": "en",
    }


@pytest.mark.parametrize(
    "method", ["event.bind", "event.get", "event.unbind", "events", "event.test", "app.info"]
)
async def test_webhooks_have_no_application_context(site: Site, method: str) -> None:
    answer = await site.http("POST", site.house.webhook(1, method))
    assert answer.json()["error_description"] == NO_CONTEXT
    assert answer.json()["error"] == "ACCESS_DENIED"
