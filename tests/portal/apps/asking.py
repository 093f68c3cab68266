"""Asks the token endpoint as an application does."""

from typing import Any
from urllib.parse import urlencode

from livefeed.durable.store import Tx
from livefeed.portal.apps import codes
from livefeed.portal.events.handlers import person_epoch
from livefeed.portal.lifecycle import present
from livefeed.wire.ids import UserId

from ..asgi import Response
from ..site import App, Site

FORM = {"content-type": "application/x-www-form-urlencoded"}


async def send(site: Site, params: dict[str, str], *, by: str = "GET", **rest: Any) -> Response:
    """One request; parameters that are empty are left out."""
    sent = urlencode({name: value for name, value in params.items() if value})
    if by == "GET":
        answer = await site.http("GET", f"/oauth/token/?{sent}", **rest)
    else:
        answer = await site.http("POST", "/oauth/token/", body=sent.encode(), headers=FORM, **rest)
    assert answer.headers["cache-control"] == "no-store"
    return answer


async def refresh(
    site: Site, app: App, token: str, *, by: str = "GET", **other: str
) -> tuple[int, dict[str, Any]]:
    """Exchange a refresh token."""
    wanted = {
        "grant_type": "refresh_token",
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "refresh_token": token,
    }
    answer = await send(site, {**wanted, **other}, by=by)
    return answer.status, answer.json()


async def exchange(
    site: Site, app: App, code: str, *, by: str = "GET", **other: str
) -> tuple[int, dict[str, Any]]:
    """Exchange a code."""
    wanted = {
        "grant_type": "authorization_code",
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "code": code,
    }
    answer = await send(site, {**wanted, **other}, by=by)
    return answer.status, answer.json()


async def given_code(site: Site, app: App, person: int = 1) -> str:
    """A code as the consent page gives it."""
    house, fresh = site.house, codes.draw(site.house.keys)

    def unit(tx: Tx) -> None:
        found = present(tx, house.portal, app.client_id)
        epoch = person_epoch(tx, house.portal.member_id, UserId(person))
        assert epoch is not None
        codes.give(tx, found.bearer(UserId(person), epoch), fresh)

    await house.store.write(unit)
    return fresh.code


async def first_pair(site: Site, app: App, person: int = 1) -> dict[str, Any]:
    """The pair that a code is exchanged for."""
    status, pair = await exchange(site, app, await given_code(site, app, person))
    assert status == 200, pair
    return pair


async def lives(site: Site, access_token: str) -> bool:
    """Whether an access token opens REST."""
    return (await site.ask(access_token, "profile")).status == 200
