"""``placement.*``: what is bound, by whom, and what is refused in which words."""

import json
from typing import Any

import pytest

from livefeed.durable.store import Tx
from livefeed.portal.frames import placements, places
from livefeed.portal.people import people
from livefeed.wire.ids import UserId

from ..site import Site

pytestmark = pytest.mark.anyio

SCOPE = "log,user,im,placement"
PAGE = "https://app.example.com/frame?kind=post"
WRONG_AUTH = "Current authorization type is denied for this method Application context required"


async def token(site: Site, *, user: int = 1, scope: str = SCOPE) -> str:
    return await site.token(await site.add_app(scope=scope), user)


async def entries(site: Site, place: str, *, user: int = 3, language: str = "") -> list[tuple[str, str]]:
    def unit(tx: Tx) -> list[tuple[str, str]]:
        portal = site.house.portal.member_id
        me = people.find(tx, portal, UserId(user))
        assert me is not None
        found = placements.shown(tx, portal, me, place, language=language)
        return [(entry.title, entry.href()) for entry in found]

    return await site.house.store.read(unit)


async def test_a_bound_widget_is_listed_with_everything_it_was_bound_with(site: Site):
    admin = await token(site)
    bound = await site.call(
        admin,
        "placement.bind",
        PLACEMENT="LIVEFEED_POST",
        HANDLER=PAGE,
        TITLE="History",
        DESCRIPTION="Who changed what",
        LANG_ALL={"ru": {"TITLE": "История", "DESCRIPTION": "Кто что менял", "GROUP_NAME": "Правки"}},
        OPTIONS={"color": "blue"},
    )

    assert bound is True
    assert await site.call(admin, "placement.get") == [
        {
            "placement": "LIVEFEED_POST",
            "userId": 0,
            "handler": PAGE,
            "options": {"color": "blue"},
            "title": "History",
            "description": "Who changed what",
            "langAll": {"ru": {"TITLE": "История", "DESCRIPTION": "Кто что менял", "GROUP_NAME": "Правки"}},
        }
    ]


async def test_what_was_not_given_is_an_empty_list_as_php_writes_it_and_the_title_is_the_applications(
    site: Site,
):
    admin = await token(site)
    await site.call(admin, "placement.bind", placement="left_menu", handler=PAGE)

    (row,) = await site.call(admin, "placement.get")
    assert (row["placement"], row["options"], row["langAll"], row["title"]) == ("LEFT_MENU", [], [], "Shop")


@pytest.mark.parametrize(
    ("asked", "status", "error", "description", "argument"),
    [
        ({"HANDLER": PAGE}, 400, "ERROR_ARGUMENT", "Argument 'PLACEMENT' is null or empty", "PLACEMENT"),
        (
            {"PLACEMENT": ["LEFT_MENU"], "HANDLER": PAGE},
            400,
            "ERROR_ARGUMENT",
            "The value of an argument 'PLACEMENT' must be of type string",
            "PLACEMENT",
        ),
        (
            {"PLACEMENT": "LEFT_MENU"},
            400,
            "ERROR_ARGUMENT",
            "Argument 'HANDLER' is null or empty",
            "HANDLER",
        ),
        (
            {"PLACEMENT": "LEFT_MENU", "HANDLER": "javascript:alert(1)"},
            400,
            "ERROR_ARGUMENT",
            "The handler is not an absolute http or https URL",
            None,
        ),
        (
            {"PLACEMENT": "LEFT_MENU", "HANDLER": PAGE, "TITLE": "x" * 256},
            400,
            "ERROR_ARGUMENT",
            "Titles, descriptions and group names have at most 255 characters",
            None,
        ),
        (
            {"PLACEMENT": "CRM_DEAL_DETAIL_TAB", "HANDLER": PAGE},
            400,
            "ERROR_PLACEMENT_NOT_FOUND",
            "Placement not found",
            None,
        ),
        (
            {"PLACEMENT": "LEFT_MENU", "HANDLER": PAGE, "USER_ID": 3},
            400,
            "ERROR_PLACEMENT_USER_MODE",
            "User mode is not available",
            None,
        ),
    ],
)
async def test_a_widget_that_cannot_be_bound_is_refused_as_documented(
    site: Site, asked: dict[str, Any], status: int, error: str, description: str, argument: str | None
):
    answer = await site.ask(await token(site), "placement.bind", **asked)

    refused = {"error": error, "error_description": description}
    assert (answer.status, answer.json()) == (
        status,
        refused if argument is None else {**refused, "argument": argument},
    )


async def test_the_same_handler_is_bound_once_in_a_place(site: Site):
    admin = await token(site)
    await site.call(admin, "placement.bind", PLACEMENT="LEFT_MENU", HANDLER=PAGE)
    await site.call(admin, "placement.bind", PLACEMENT="LEFT_MENU", HANDLER=PAGE + "&n=2")

    assert await site.fault(admin, "placement.bind", PLACEMENT="LEFT_MENU", HANDLER=PAGE) == (
        400,
        "ERROR_CORE",
        "Unable to set placement handler: Handler already binded",
    )


async def test_a_place_for_one_handler_takes_one(site: Site):
    admin = await token(site)
    await site.call(admin, "placement.bind", PLACEMENT="REST_APP_URI", HANDLER=PAGE)

    fault = await site.fault(admin, "placement.bind", PLACEMENT="REST_APP_URI", HANDLER=PAGE + "&n=2")
    assert fault[:2] == (400, "ERROR_PLACEMENT_MAX_COUNT")


@pytest.mark.parametrize("method", ["placement.bind", "placement.get", "placement.unbind"])
async def test_only_an_administrator_binds_reads_and_unbinds(site: Site, method: str):
    fault = await site.fault(await token(site, user=3), method, PLACEMENT="LEFT_MENU", HANDLER=PAGE)

    assert fault == (403, "ACCESS_DENIED", "Access denied!")


@pytest.mark.parametrize("method", ["placement.bind", "placement.get", "placement.unbind", "placement.list"])
async def test_an_application_without_the_scope_has_no_widgets(site: Site, method: str):
    fault = await site.fault(await token(site, scope="log"), method, PLACEMENT="LEFT_MENU", HANDLER=PAGE)

    assert fault[:2] == (403, "insufficient_scope")


@pytest.mark.parametrize("method", ["placement.bind", "placement.get", "placement.unbind", "placement.list"])
async def test_a_webhook_has_no_widgets(site: Site, method: str):
    made = await site.do("webhook_add", user=1, scope="placement")
    answer = await site.http("POST", made["url"].removeprefix("http://127.0.0.1:8024") + method)

    assert (answer.status, answer.json()) == (
        403,
        {"error": "WRONG_AUTH_TYPE", "error_description": WRONG_AUTH},
    )


async def test_a_place_outside_the_scopes_of_the_application_does_not_exist_for_it(site: Site):
    admin = await token(site, scope="user,placement")

    fault = await site.fault(admin, "placement.bind", PLACEMENT="LIVEFEED_POST", HANDLER=PAGE)
    assert fault[:2] == (400, "ERROR_PLACEMENT_NOT_FOUND")
    assert await site.call(admin, "placement.list") == ["LEFT_MENU", "REST_APP_URI"]
    assert await site.call(admin, "placement.list", FULL=True) == [
        "LEFT_MENU",
        "REST_APP_URI",
        "LIVEFEED_POST",
    ]
    assert await site.call(admin, "placement.list", SCOPE="log", FULL=True) == ["LIVEFEED_POST"]
    assert await site.call(admin, "placement.list", SCOPE="crm") == []


async def test_anybody_in_the_application_may_list_places(site: Site):
    assert await site.call(await token(site, user=3), "placement.list") == [
        "LEFT_MENU",
        "REST_APP_URI",
        "LIVEFEED_POST",
    ]


async def test_unbinding_removes_one_handler_or_all_of_a_place_and_counts_as_documented(site: Site):
    admin = await token(site)
    for number in range(3):
        await site.call(admin, "placement.bind", PLACEMENT="LEFT_MENU", HANDLER=f"{PAGE}&n={number}")
    await site.call(admin, "placement.bind", PLACEMENT="LIVEFEED_POST", HANDLER=PAGE)

    assert await site.call(admin, "placement.unbind", PLACEMENT="LEFT_MENU", HANDLER="https://no") == {
        "count": 0
    }
    assert await site.call(admin, "placement.unbind", PLACEMENT="LEFT_MENU", USER_ID=3) == {"count": 0}
    one = await site.call(admin, "placement.unbind", PLACEMENT="LEFT_MENU", HANDLER=f"{PAGE}&n=1")
    rest = await site.call(admin, "placement.unbind", PLACEMENT="LEFT_MENU")
    assert (one, rest) == ({"count": 2}, {"count": 4})
    assert [row["placement"] for row in await site.call(admin, "placement.get")] == ["LIVEFEED_POST"]
    assert (await site.fault(admin, "placement.unbind"))[1] == "ERROR_ARGUMENT"


async def test_one_application_sees_and_unbinds_its_own_widgets_only(site: Site):
    mine, other = await token(site), await token(site)
    await site.call(other, "placement.bind", PLACEMENT="LEFT_MENU", HANDLER=PAGE)

    assert await site.call(mine, "placement.get") == []
    assert await site.call(mine, "placement.unbind", PLACEMENT="LEFT_MENU") == {"count": 0}
    assert len(await site.call(other, "placement.get")) == 1


async def test_widgets_are_shown_in_the_language_of_who_looks(site: Site):
    admin = await token(site)
    words = {"ru": {"TITLE": "История"}}
    await site.call(
        admin, "placement.bind", PLACEMENT="LIVEFEED_POST", HANDLER=PAGE, TITLE="History", LANG_ALL=words
    )

    assert [title for title, _ in await entries(site, places.POST, language="ru")] == ["История"]
    assert [title for title, _ in await entries(site, places.POST, language="en")] == ["History"]


async def test_widgets_are_invisible_until_the_installation_is_finished(site: Site):
    app = await site.add_app(scope=SCOPE, interface=True, handler_url=PAGE)
    admin = await site.token(app)
    await site.call(admin, "placement.bind", PLACEMENT="LEFT_MENU", HANDLER=PAGE)
    assert await entries(site, places.LEFT_MENU, user=1) == []

    await site.do("app_finish", client_id=app.client_id)
    assert [title for title, _ in await entries(site, places.LEFT_MENU)] == ["Shop"]


async def test_the_menu_has_one_entry_for_the_page_of_an_application_that_bound_none(site: Site):
    app = await site.add_app(scope=SCOPE, interface=True, handler_url=PAGE)
    await site.do("app_finish", client_id=app.client_id)

    (entry,) = await entries(site, places.LEFT_MENU)
    assert entry[0] == "Shop"
    assert entry[1].startswith("/apps/")
    assert "placement" not in entry[1]


async def test_widgets_end_with_their_application(site: Site):
    app = await site.add_app(scope=SCOPE)
    await site.call(await site.token(app), "placement.bind", PLACEMENT="LIVEFEED_POST", HANDLER=PAGE)
    assert len(await entries(site, places.POST)) == 1

    await site.do("app_remove", client_id=app.client_id)
    assert await entries(site, places.POST) == []


async def test_every_answer_can_be_read_by_a_page_of_another_origin(site: Site):
    allowed = await site.http(
        "OPTIONS", "/rest/placement.list", headers={"origin": "https://app.example.com"}
    )
    refused = await site.http("POST", "/rest/placement.list")
    missing = await site.ask(await token(site), "no.such.method")
    broken = await site.http("POST", "/rest/profile", body=b"{", headers={"content-type": "application/json"})
    fine = await site.ask(await token(site), "profile")

    assert (allowed.status, refused.status, missing.status, fine.status) == (204, 401, 404, 200)
    for answer in (allowed, refused, missing, broken, fine):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
    assert "content-type" in allowed.headers["access-control-allow-headers"]
    assert set(allowed.headers["access-control-allow-methods"].split(", ")) == {"GET", "POST", "OPTIONS"}
    assert json.loads(fine.body)["time"]
