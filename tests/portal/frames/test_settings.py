"""``app.option.*``, ``user.option.*`` and ``user.admin``."""

import pytest

from ..site import App, Site

pytestmark = pytest.mark.anyio


async def people_of(site: Site) -> tuple[App, str, str, str]:
    """An application, and its tokens for the administrator and for two others."""
    app = await site.add_app()
    return app, await site.token(app, 1), await site.token(app, 3), await site.token(app, 4)


async def test_settings_keep_the_types_of_json_and_only_what_is_given_changes(site: Site):
    _, admin, anna, _ = await people_of(site)
    given = {"text": "a", "number": 7, "fraction": 1.5, "flag": False, "list": [1, "2"], "map": {"a": None}}

    assert await site.call(admin, "app.option.set", options=given) is True
    await site.call(admin, "app.option.set", options={"text": ""})

    assert await site.call(anna, "app.option.get") == {**given, "text": ""}
    assert await site.call(anna, "app.option.get", option="map") == {"a": None}
    assert await site.call(anna, "app.option.get", option="flag") is False


async def test_without_settings_the_list_is_empty_and_an_unknown_one_is_null(site: Site):
    _, admin, _, _ = await people_of(site)

    assert await site.call(admin, "app.option.get") == []
    assert await site.call(admin, "user.option.get") == []
    assert await site.call(admin, "app.option.get", option="nothing") is None


async def test_a_form_gives_text_and_its_own_fields_count_as_settings(site: Site):
    _, admin, _, _ = await people_of(site)
    body = f"auth={admin}&size=5&bx24_request_id=1".encode()
    answer = await site.http(
        "POST",
        "/rest/app.option.set?bx24_sdk_ver=2.2.0",
        body=body,
        headers={"content-type": "application/x-www-form-urlencoded"},
    )

    assert answer.status == 200
    assert await site.call(admin, "app.option.get") == {"size": "5"}


async def test_each_person_has_settings_of_his_own(site: Site):
    _, _, anna, james = await people_of(site)
    await site.call(anna, "user.option.set", options={"view": "list"})
    await site.call(james, "user.option.set", options={"view": "grid"})

    assert await site.call(anna, "user.option.get", option="view") == "list"
    assert await site.call(james, "user.option.get") == {"view": "grid"}
    assert await site.call(anna, "app.option.get") == []


async def test_one_application_never_sees_the_settings_of_another(site: Site):
    _, admin, _, _ = await people_of(site)
    _, other, _, _ = await people_of(site)
    await site.call(admin, "app.option.set", options={"secret": 1})

    assert await site.call(other, "app.option.get") == []


async def test_what_everybody_shares_is_set_by_an_administrator(site: Site):
    _, _, anna, _ = await people_of(site)

    assert await site.fault(anna, "app.option.set", options={"a": 1}) == (
        400,
        "AccessException",
        "Administrator authorization required",
    )


@pytest.mark.parametrize("method", ["app.option.set", "user.option.set"])
@pytest.mark.parametrize("given", [{}, {"options": {}}, {"options": ""}])
async def test_setting_nothing_is_refused(site: Site, method: str, given: dict[str, object]):
    _, admin, _, _ = await people_of(site)

    fault = await site.fault(admin, method, **given)
    assert fault == (400, "ArgumentNullException", "options is empty")


@pytest.mark.parametrize("method", ["app.option.get", "app.option.set", "user.option.get", "user.option.set"])
async def test_a_webhook_has_no_settings(site: Site, method: str):
    made = await site.do("webhook_add", user=1, scope="log")
    answer = await site.http("POST", made["url"].removeprefix("http://127.0.0.1:8024") + method)

    assert (answer.status, answer.json()) == (
        400,
        {"error": "AccessException", "error_description": "Application context required"},
    )


@pytest.mark.parametrize("options", [{"x" * 256: 1}, {"a": "x" * 70_000}, {"": 1}])
async def test_a_setting_has_bounds(site: Site, options: dict[str, object]):
    _, admin, _, _ = await people_of(site)

    assert (await site.fault(admin, "app.option.set", options=options))[1] == "ERROR_ARGUMENT"
    assert await site.call(admin, "app.option.get") == []


async def test_a_thousand_settings_are_enough(site: Site):
    _, admin, _, _ = await people_of(site)
    many = {f"n{number}": number for number in range(1_001)}

    assert (await site.fault(admin, "app.option.set", options=many))[1] == "ERROR_ARGUMENT"
    assert await site.call(admin, "app.option.get") == []


async def test_settings_end_with_their_application(site: Site):
    app, admin, _, _ = await people_of(site)
    await site.call(admin, "app.option.set", options={"a": 1})
    await site.do("app_remove", client_id=app.client_id)

    rows = await site.run(lambda tx: tx.execute("SELECT count(*) FROM option").fetchone())
    assert rows[0] == 0


async def test_user_admin_says_who_administers(site: Site):
    _, admin, anna, _ = await people_of(site)

    assert await site.call(admin, "user.admin") is True
    assert await site.call(anna, "user.admin") is False
    assert await site.house.call(1, "profile")
