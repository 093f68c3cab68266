"""Widgets are bound in the background, once, and where the portal will have them."""

from livefeed.app import App

from .conftest import House, Opening

HANDLER = "https://app.example/frame"


def wanting() -> App:
    app = App.from_settings({})
    app.placement("LIVEFEED_POST", title="Edit history", titles={"ru": "История правок"})
    return app


async def opened(serve: Opening, scopes: str = "log,user,im,placement", **settings) -> House:
    house = await serve(wanting(), **settings)
    house.portal.scopes = scopes
    assert (await house.install()).status == 200
    await house.work()
    return house


async def test_a_widget_is_bound_after_the_installation_in_all_its_languages(serve: Opening):
    house = await opened(serve)

    assert [
        {
            "PLACEMENT": "LIVEFEED_POST",
            "HANDLER": HANDLER,
            "TITLE": "Edit history",
            "LANG_ALL[ru][TITLE]": "История правок",
        }
    ] == house.portal.placed


async def test_what_is_bound_is_not_bound_again(serve: Opening):
    house = await opened(serve)

    await house.install()
    await house.work()

    assert 1 == len(house.portal.called("placement.bind"))


async def test_after_an_update_of_the_application_the_widget_is_bound_anew(serve: Opening):
    house = await opened(serve)
    house.portal.placed.clear()

    await house.event(event="ONAPPUPDATE", post=None)
    await house.work()
    await house.work()

    assert 1 == len(house.portal.placed)


async def test_without_the_scope_events_are_bound_all_the_same(serve: Opening):
    house = await opened(serve, scopes="log,user,im")

    assert [] == house.portal.placed
    _, status = await house.operate("status")
    assert status["portals"][0]["bound"]


async def test_a_portal_without_the_place_goes_without_the_widget(serve: Opening):
    house = await serve(wanting())
    house.portal.scopes, house.portal.places = "log,placement", {"LEFT_MENU"}
    await house.install()
    await house.work()

    assert [] == house.portal.placed
    _, status = await house.operate("status")
    assert status["portals"][0]["bound"]


async def test_an_entry_that_is_not_wanted_any_more_is_taken_away(serve: Opening):
    house = await serve(wanting())
    house.portal.scopes = "log,placement"
    house.portal.placed = [{"PLACEMENT": "LEFT_MENU", "HANDLER": HANDLER}]
    await house.install()
    await house.work()

    assert ["LIVEFEED_POST"] == [widget["PLACEMENT"] for widget in house.portal.placed]


async def test_entries_of_others_are_left_alone(serve: Opening):
    house = await serve(wanting())
    house.portal.scopes = "log,placement"
    other = {"PLACEMENT": "LEFT_MENU", "HANDLER": "https://other.example/frame"}
    house.portal.placed = [other]
    await house.install()
    await house.work()

    assert other in house.portal.placed


async def test_an_entry_at_an_address_that_was_left_is_taken_away(serve: Opening):
    house = await serve(wanting())
    house.portal.scopes = "log,placement"
    house.portal.methods["event.unbind"] = lambda params: {"count": 1}
    house.portal.placed = [{"PLACEMENT": "LIVEFEED_POST", "HANDLER": "https://old.example/frame"}]
    await house.install()
    await house.running.runtime.store.write(
        lambda tx: tx.execute("UPDATE install SET bound = 'https://old.example/events,X'")
    )
    await house.work()

    assert [HANDLER] == [widget["HANDLER"] for widget in house.portal.placed]
