"""The token endpoint, and app.info on the authorization server's REST base."""

from typing import Any

import pytest
from tests import engines

from livefeed.portal.apps.oauth import FAILURES
from livefeed.portal.people import people
from livefeed.wire.ids import UserId

from ..site import App, Site
from .asking import exchange, first_pair, given_code, lives, refresh, send

DAY_S = 86_400


@pytest.fixture
async def app(site: Site) -> App:
    return await site.add_app(install_url=site.receiver.url + "/install")


async def first_refresh(site: Site) -> str:
    (one,) = await site.send_due()
    return one.auth["refresh_token"]


@pytest.mark.parametrize("by", ["GET", "POST"])
async def test_a_refresh_token_of_an_event_is_exchanged_for_a_new_pair(site: Site, app: App, by: str) -> None:
    old = await first_refresh(site)
    status, answer = await refresh(site, app, old, by=by)
    assert status == 200
    assert list(answer) == sorted(answer)
    assert answer == {
        **answer,
        "expires_in": 3600,
        "expires": site.house.clock.now_ms() // 1000 + 3600,
        "user_id": 1,
        "scope": "im,log,user",
        "status": "L",
        "member_id": app.member_id,
        "domain": "127.0.0.1:8024",
        "client_endpoint": "http://127.0.0.1:8024/rest/",
        "server_endpoint": "http://127.0.0.1:8024/rest/",
    }
    assert answer["refresh_token"] != old
    assert "application_token" not in answer
    assert (await site.call(answer["access_token"], "user.current"))["ID"] == "1"


async def test_every_refresh_gives_new_tokens_and_the_old_access_token_lives_on(site: Site, app: App) -> None:
    token = await first_refresh(site)
    seen: set[str] = set()
    accesses: list[str] = []
    for _ in range(5):
        _, answer = await refresh(site, app, token)
        token = answer["refresh_token"]
        accesses.append(answer["access_token"])
        seen |= {token, answer["access_token"]}
    assert len(seen) == 10
    for access in accesses:
        await site.call(access, "profile")


async def test_a_refresh_token_lives_180_days_from_its_last_use(site: Site, app: App) -> None:
    token = await first_refresh(site)
    site.house.clock.advance(179 * DAY_S)
    _, answer = await refresh(site, app, token)
    site.house.clock.advance(179 * DAY_S)
    status, answer = await refresh(site, app, answer["refresh_token"])
    assert status == 200
    site.house.clock.advance(180 * DAY_S)
    assert (await refresh(site, app, answer["refresh_token"]))[1]["error"] == "invalid_grant"


async def test_a_minted_refresh_token_is_over_after_180_days(site: Site, app: App) -> None:
    token = await first_refresh(site)
    site.house.clock.advance(180 * DAY_S + 60)
    assert (await refresh(site, app, token))[1]["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("other", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_secret": ""}, "invalid_request"),
        ({"client_id": "local.0.0"}, "invalid_client"),
        ({"client_id": ""}, "invalid_request"),
        ({"refresh_token": "wrong"}, "invalid_grant"),
        ({"refresh_token": ""}, "invalid_request"),
        ({"grant_type": "password"}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x"}, "invalid_grant"),
    ],
)
async def test_what_is_wrong_gets_the_documented_error(
    site: Site, app: App, other: dict[str, str], error: str
) -> None:
    status, answer = await refresh(site, app, await first_refresh(site), **other)
    assert (status, answer["error"]) == (400, error)
    assert set(answer) == {"error", "error_description"}


async def test_another_applications_refresh_token_is_refused(site: Site, app: App) -> None:
    token = await first_refresh(site)
    assert (await refresh(site, await site.add_app(), token))[1]["error"] == "invalid_grant"


async def test_an_access_token_is_no_refresh_token(site: Site, app: App) -> None:
    assert (await refresh(site, app, await site.token(app)))[1]["error"] == "invalid_grant"


async def test_uninstalling_ends_every_refresh_token(site: Site, app: App) -> None:
    token = await first_refresh(site)
    _, answer = await refresh(site, app, token)
    await site.do("app_remove", client_id=app.client_id)
    assert (await refresh(site, app, answer["refresh_token"]))[1]["error"] == "invalid_client"


async def test_rotation_ends_the_old_secret_and_every_refresh_token(site: Site, app: App) -> None:
    token = await first_refresh(site)
    rotated = await site.do("app_rotate", client_id=app.client_id)
    assert (await refresh(site, app, token))[1]["error"] == "invalid_client"
    new = {"client_secret": rotated["client_secret"]}
    assert (await refresh(site, app, token, **new))[1]["error"] == "invalid_grant"
    assert (await refresh(site, app, await first_refresh(site), **new))[0] == 200


async def test_dismissal_ends_a_persons_refresh_tokens(site: Site, app: App) -> None:
    await site.bind(app)
    await site.send_due()
    await site.edit(1, actor=3)
    (one,) = await site.send_due()
    await site.run(lambda tx: people.dismiss(tx, site.house.portal.member_id, UserId(3)))
    assert (await refresh(site, app, one.auth["refresh_token"]))[1]["error"] == "invalid_grant"


async def test_a_body_beyond_the_bound_or_with_a_nul_is_one_clear_error(site: Site) -> None:
    long, many = b"a=" + b"x" * 20_000, b"&".join(b"a%d=1" % n for n in range(100))
    for body, status in ((long, 413), (many, 413), (b"grant_type=%00", 400)):
        answer = await site.http("POST", "/oauth/token/", body=body)
        assert (answer.status, answer.json()["error"]) == (status, "invalid_request")


async def test_secrets_stand_in_the_database_only_as_hashes_or_sealed(site: Site, app: App) -> None:
    old = await first_refresh(site)
    _, answer = await refresh(site, app, old)
    dump = await site.house.store.read(lambda tx: "\n".join(_lines(tx)))
    for secret in (
        app.client_secret,
        app.application_token,
        old,
        answer["refresh_token"],
        answer["access_token"],
    ):
        assert secret not in dump
        assert secret.encode().hex() not in dump


def _lines(tx: Any) -> list[str]:
    tables = engines.tables(tx)
    return [
        " ".join(value.hex() if isinstance(value, bytes) else str(value) for value in row)
        for table in tables
        for row in tx.execute(f"SELECT * FROM {table}")
    ]


async def test_app_info_carries_both_shapes(site: Site, app: App) -> None:
    info = await site.call(await site.token(app, 2), "app.info")
    assert (info["CODE"], info["STATUS"], info["INSTALLED"], info["PAYMENT_EXPIRED"]) == (
        app.client_id,
        "L",
        True,
        "N",
    )
    assert (info["client_id"], info["user_id"], info["scope"]) == (app.client_id, 2, "im,log,user")
    assert info["install"] == {
        **info["install"],
        "installed": True,
        "status": "L",
        "domain": "127.0.0.1:8024",
        "client_endpoint": "http://127.0.0.1:8024/rest/",
        "member_id": app.member_id,
    }


async def test_the_end_of_the_paid_period_is_payment_required_and_uses_nothing_up(
    site: Site, app: App
) -> None:
    pair, code = await first_pair(site, app), await given_code(site, app)
    until = "2026-03-17T12:29:15+00:00"  # a second from now
    document = await site.do("app_payment", client_id=app.client_id, status="T", until=until)
    assert document == {"client_id": app.client_id, "status": "T", "until": until}
    site.house.clock.advance(1)
    for status, answer in (
        await refresh(site, app, pair["refresh_token"]),
        await exchange(site, app, code),
    ):
        assert (status, answer) == (
            402,
            {"error": "PAYMENT_REQUIRED", "error_description": "Payment required"},
        )
    info = await site.call(pair["access_token"], "app.info")
    assert (info["PAYMENT_EXPIRED"], info["DAYS"], info["STATUS"]) == ("Y", 0, "T")
    await site.do("app_payment", client_id=app.client_id, status="P")
    assert (await refresh(site, app, pair["refresh_token"]))[1]["status"] == "P"
    assert (await exchange(site, app, code))[0] == 200


async def test_more_scopes_than_the_card_has_are_invalid_scope(site: Site, app: App) -> None:
    pair, code = await first_pair(site, app), await given_code(site, app)
    for status, answer in (
        await refresh(site, app, pair["refresh_token"], scope="log,crm"),
        await exchange(site, app, code, scope="log crm"),
    ):
        assert (status, answer["error"]) == (400, "invalid_scope")
        assert "crm" in answer["error_description"]
    assert (await refresh(site, app, pair["refresh_token"], scope="log,user"))[0] == 200
    assert (await exchange(site, app, code, scope="im"))[1]["scope"] == "im,log,user"


@pytest.mark.parametrize("method", ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_another_http_method_is_refused_and_uses_nothing_up(site: Site, app: App, method: str) -> None:
    code = await given_code(site, app)
    query = f"grant_type=authorization_code&client_id={app.client_id}&client_secret={app.client_secret}"
    answer = await site.http(method, f"/oauth/token/?{query}&code={code}")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")
    assert answer.json()["error"] == "invalid_request"
    assert (await exchange(site, app, code))[0] == 200


async def test_parameters_that_come_twice_count_with_the_last_value_and_the_body_wins(
    site: Site, app: App
) -> None:
    head = f"client_id={app.client_id}&client_secret={app.client_secret}&grant_type=authorization_code"
    code = await given_code(site, app)
    answer = await site.http("GET", f"/oauth/token/?{head}&code=wrong&code={code}")
    assert answer.status == 200
    body = f"code={await given_code(site, app)}".encode()
    answer = await site.http("POST", f"/oauth/token/?{head}&code=wrong", body=body)
    assert answer.status == 200


@pytest.mark.parametrize(
    "params",
    [
        {"code": "%"},
        {"code": "%zz%00"},
        {"code[]": "x"},
        {"code[a][b]": "x"},
        {"code": "😀" * 100},
        {"client_id": "' OR 1=1 --", "code": "x"},
        {"client_secret": "x" * 15_000, "code": "x"},
    ],
)
async def test_odd_values_get_a_documented_error(site: Site, app: App, params: dict[str, str]) -> None:
    base = {
        "grant_type": "authorization_code",
        "client_id": app.client_id,
        "client_secret": app.client_secret,
    }
    for by in ("GET", "POST"):
        answer = await send(site, {**base, **params}, by=by)
        assert answer.status in (400, 413)
        assert answer.json()["error"] in ("invalid_request", "invalid_client", "invalid_grant")
        assert set(answer.json()) == {"error", "error_description"}


async def test_guessing_is_slowed_down_for_one_address_and_application(site: Site, app: App) -> None:
    pair, other = await first_pair(site, app), await site.add_app()
    for _ in range(FAILURES):
        _, answer = await refresh(site, app, pair["refresh_token"], client_secret="wrong")
        assert answer["error"] == "invalid_client"
    slowed = {"grant_type": "refresh_token", "client_id": app.client_id}
    answer = await send(
        site, {**slowed, "client_secret": app.client_secret, "refresh_token": pair["refresh_token"]}
    )
    assert (answer.status, answer.headers["retry-after"]) == (429, "2")
    assert answer.json()["error"] == "invalid_request"
    await first_pair(site, other)  # nobody else has to wait
    site.house.clock.advance(2)
    assert (await refresh(site, app, pair["refresh_token"]))[0] == 200


async def test_names_too_long_for_an_application_are_counted_as_one(site: Site) -> None:
    base = {"grant_type": "refresh_token", "client_secret": "wrong", "refresh_token": "x"}
    for number in range(FAILURES):
        answer = await send(site, {**base, "client_id": f"{'x' * 1_000}{number}"})
        assert answer.json()["error"] == "invalid_client"
    assert (await send(site, {**base, "client_id": f"{'x' * 1_000}more"})).status == 429


async def test_those_who_make_no_mistakes_are_never_slowed_down(site: Site, app: App) -> None:
    token = (await first_pair(site, app))["refresh_token"]
    for _ in range(3 * FAILURES):
        token = (await refresh(site, app, token))[1]["refresh_token"]


async def test_an_application_of_another_portal_is_unknown_here(site: Site, app: App) -> None:
    from livefeed.portal import portals
    from livefeed.portal.portals import Directory

    other = await site.run(lambda tx: portals.create(tx, public_url="http://other.example", name="Other"))
    pair = await first_pair(site, app)
    await Directory.load(site.house.store)
    base = {"client_id": app.client_id, "client_secret": app.client_secret}
    wanted = {"grant_type": "refresh_token", **base, "refresh_token": pair["refresh_token"]}
    answer = await send(site, wanted, host=other.host)
    assert answer.json()["error"] == "invalid_client"
    assert (await send(site, wanted)).status == 200


@pytest.mark.parametrize("end", ["uninstalled", "rotated", "dismissed"])
async def test_every_token_of_a_pair_dies_with_its_application_and_its_person(
    site: Site, app: App, end: str
) -> None:
    pair, others = await first_pair(site, app, 3), await first_pair(site, app, 2)
    secret = app.client_secret
    match end:
        case "uninstalled":
            await site.do("app_remove", client_id=app.client_id)
        case "rotated":
            secret = (await site.do("app_rotate", client_id=app.client_id))["client_secret"]
        case _:
            await site.do("user_dismiss", user="3")
    assert not await lives(site, pair["access_token"])
    _, answer = await refresh(site, app, pair["refresh_token"], client_secret=secret)
    assert answer["error"] == ("invalid_client" if end == "uninstalled" else "invalid_grant")
    assert await lives(site, others["access_token"]) is (end == "dismissed")
