"""The token endpoint, and app.info on the authorization server's REST base."""

from typing import Any
from urllib.parse import urlencode

import pytest

from livefeed.portal.people import people
from livefeed.wire.ids import UserId

from ..site import App, Site

DAY_S = 86_400


@pytest.fixture
async def app(site: Site) -> App:
    return await site.add_app(install_url=site.receiver.url + "/install")


async def first_refresh(site: Site) -> str:
    (one,) = await site.send_due()
    return one.auth["refresh_token"]


async def exchange(site: Site, app: App, token: str, *, by: str = "GET", **other: str) -> tuple[int, Any]:
    wanted = {
        "grant_type": "refresh_token",
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "refresh_token": token,
        **other,
    }
    sent = urlencode({name: value for name, value in wanted.items() if value})
    if by == "GET":
        answer = await site.http("GET", f"/oauth/token/?{sent}")
    else:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = await site.http("POST", "/oauth/token/", body=sent.encode(), headers=headers)
    assert answer.headers["cache-control"] == "no-store"
    return answer.status, answer.json()


@pytest.mark.parametrize("by", ["GET", "POST"])
async def test_a_refresh_token_of_an_event_is_exchanged_for_a_new_pair(site: Site, app: App, by: str) -> None:
    old = await first_refresh(site)
    status, answer = await exchange(site, app, old, by=by)
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
        _, answer = await exchange(site, app, token)
        token = answer["refresh_token"]
        accesses.append(answer["access_token"])
        seen |= {token, answer["access_token"]}
    assert len(seen) == 10
    for access in accesses:
        await site.call(access, "profile")


async def test_a_refresh_token_lives_180_days_from_its_last_use(site: Site, app: App) -> None:
    token = await first_refresh(site)
    site.house.clock.advance(179 * DAY_S)
    _, answer = await exchange(site, app, token)
    site.house.clock.advance(179 * DAY_S)
    status, answer = await exchange(site, app, answer["refresh_token"])
    assert status == 200
    site.house.clock.advance(180 * DAY_S)
    assert (await exchange(site, app, answer["refresh_token"]))[1]["error"] == "invalid_grant"


async def test_a_minted_refresh_token_is_over_after_180_days(site: Site, app: App) -> None:
    token = await first_refresh(site)
    site.house.clock.advance(180 * DAY_S + 60)
    assert (await exchange(site, app, token))[1]["error"] == "invalid_grant"


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
    status, answer = await exchange(site, app, await first_refresh(site), **other)
    assert (status, answer["error"]) == (400, error)
    assert set(answer) == {"error", "error_description"}


async def test_another_applications_refresh_token_is_refused(site: Site, app: App) -> None:
    token = await first_refresh(site)
    assert (await exchange(site, await site.add_app(), token))[1]["error"] == "invalid_grant"


async def test_an_access_token_is_no_refresh_token(site: Site, app: App) -> None:
    assert (await exchange(site, app, await site.token(app)))[1]["error"] == "invalid_grant"


async def test_uninstalling_ends_every_refresh_token(site: Site, app: App) -> None:
    token = await first_refresh(site)
    _, answer = await exchange(site, app, token)
    await site.do("app_remove", client_id=app.client_id)
    assert (await exchange(site, app, answer["refresh_token"]))[1]["error"] == "invalid_client"


async def test_rotation_ends_the_old_secret_and_every_refresh_token(site: Site, app: App) -> None:
    token = await first_refresh(site)
    rotated = await site.do("app_rotate", client_id=app.client_id)
    assert (await exchange(site, app, token))[1]["error"] == "invalid_client"
    new = {"client_secret": rotated["client_secret"]}
    assert (await exchange(site, app, token, **new))[1]["error"] == "invalid_grant"
    assert (await exchange(site, app, await first_refresh(site), **new))[0] == 200


async def test_dismissal_ends_a_persons_refresh_tokens(site: Site, app: App) -> None:
    await site.bind(app)
    await site.send_due()
    await site.edit(1, actor=3)
    (one,) = await site.send_due()
    await site.run(lambda tx: people.dismiss(tx, site.house.portal.member_id, UserId(3)))
    assert (await exchange(site, app, one.auth["refresh_token"]))[1]["error"] == "invalid_grant"


async def test_a_body_beyond_the_bound_or_with_a_nul_is_one_clear_error(site: Site) -> None:
    long, many = b"a=" + b"x" * 20_000, b"&".join(b"a%d=1" % n for n in range(100))
    for body, status in ((long, 413), (many, 413), (b"grant_type=%00", 400)):
        answer = await site.http("POST", "/oauth/token/", body=body)
        assert (answer.status, answer.json()["error"]) == (status, "invalid_request")


async def test_secrets_stand_in_the_database_only_as_hashes_or_sealed(site: Site, app: App) -> None:
    old = await first_refresh(site)
    _, answer = await exchange(site, app, old)
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
    tables = [row[0] for row in tx.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
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
