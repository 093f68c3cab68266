"""One application on two portals: what one of them, or a stranger, sends changes nothing of the other."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from tests.app.bodies import event_body, uninstall_body
from tests.portal.asgi import Response

from .doors_of_app import AppStand, Tenant, open_application

STRANGER = Tenant("f" * 32, "application-token-of-nobody")


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[AppStand]:
    async with open_application(tmp_path) as stand:
        yield stand


def refusal(answer: Response) -> tuple[int, dict[str, Any]]:
    return answer.status, answer.json()


async def test_no_event_counts_with_the_token_of_another_portal(app: AppStand):
    before = await app.dump()
    first, second = app.first, app.second
    pairs = [
        (first.member, second.application_token),
        (second.member, first.application_token),
        (first.member, STRANGER.application_token),
        (STRANGER.member, first.application_token),
        (STRANGER.member, STRANGER.application_token),
        (first.member, ""),
        ("", first.application_token),
        (first.member, app.portal.issue_at(first.member)[0]),
        (first.member, first.application_token + "x"),
    ]
    for member, token in pairs:
        for body in (event_body, uninstall_body):
            answer = await app.send("/events", body(member_id=member, application_token=token))
            assert refusal(answer) == (403, {"status": "error", "error": "invalid_application_token"})

    assert before == await app.dump()
    assert (await app.send("/events", first.event())).status == 200
    assert (await app.send("/events", second.event())).status == 200


async def test_an_uninstall_of_one_portal_leaves_the_other(app: AppStand):
    body = uninstall_body(member_id=app.first.member, application_token=app.first.application_token)
    assert (await app.send("/events", body)).status == 200

    assert (await app.send("/events", app.first.event())).status == 403
    assert (await app.send("/events", app.second.event())).status == 200
    assert (await app.open_frame(app.second)).status == 200
    assert (await app.open_frame(app.first)).status in {403, 409}


async def test_no_installation_replaces_that_of_another_portal(app: AppStand):
    before = await app.dump()
    access, refresh = app.portal.issue_at(app.first.member)
    ordinary = app.portal.issue_at(app.second.member, user=7)
    forged = [
        {"access_token": access, "refresh_token": refresh},
        {"access_token": access},
        {"access_token": ordinary[0], "refresh_token": ordinary[1]},
        {"access_token": "nobody's"},
    ]
    for given in forged:
        answer = await app.install(app.second, **given)
        assert answer.status in {401, 403}, given

    assert before == await app.dump()


async def test_another_application_token_needs_a_persons_word(app: AppStand):
    answer = await app.install(app.second, application_token=app.first.application_token)

    assert answer.status == 409
    assert (await app.send("/events", app.second.event())).status == 200, "the old one stays in force"
    stolen = app.second.event(application_token=app.first.application_token)
    assert (await app.send("/events", stolen)).status == 403


async def test_no_frame_opens_with_the_tokens_of_another_portal(app: AppStand):
    before = await app.dump()
    access, refresh = app.portal.issue_at(app.first.member, 7)
    for fields in (
        {"AUTH_ID": access, "REFRESH_ID": refresh},
        {"AUTH_ID": access},
        {"AUTH_ID": "", "REFRESH_ID": refresh},
        {"AUTH_ID": refresh, "REFRESH_ID": access},
        {"member_id": STRANGER.member},
        {"member_id": app.first.member},
        {"member_id": ""},
    ):
        answer = await app.open_frame(app.second, **fields)
        assert answer.status in {400, 403}, fields
        assert "user 7" not in answer.text
        assert refresh not in answer.text
    assert before == await app.dump()


async def test_an_application_token_in_a_frame_changes_nothing_of_another_portal(app: AppStand):
    for user in (7, 1):
        before = await app.rows(f"SELECT * FROM install WHERE member_id = '{app.second.member}'")
        answer = await app.open_frame(app.first, user=user, APPLICATION_TOKEN=app.second.application_token)
        assert answer.status == 200
        assert before == await app.rows(f"SELECT * FROM install WHERE member_id = '{app.second.member}'")
    assert (await app.send("/events", app.second.event())).status == 200


async def test_a_ticket_shows_its_own_portal_and_person_alone(app: AppStand):
    pages = {tenant.member: (await app.open_frame(tenant)).text for tenant in (app.first, app.second)}
    tickets = {member: re.findall(r"href='(/frame/[^']+)'", page)[0] for member, page in pages.items()}
    for member, url in tickets.items():
        answer = await app.ask("GET", url)
        assert f"7 of {member} again" in answer.text

    first, second = tickets.values()
    mixed = first[: len(first) // 2] + second[len(second) // 2 :]
    assert (await app.ask("GET", mixed)).status == 403
    assert {call[0] for call in app.portal.calls} >= {"user.current"}
    assert sorted(await app.rows("SELECT DISTINCT member_id, user_id FROM token WHERE user_id = 7")) == [
        (app.first.member, 7),
        (app.second.member, 7),
    ]


async def test_a_code_of_one_portal_signs_nobody_in_to_the_other(app: AppStand):
    before = await app.dump("install", "token")
    for member, code_of in ((app.second.member, app.first.member), (app.first.member, app.second.member)):
        app.cookie = ""
        start = await app.ask("GET", "/oauth/start")
        app.cookie = start.headers["set-cookie"].partition(";")[0]
        state = parse_qs(urlsplit(start.headers["location"]).query)["state"][0]
        query = urlencode({"code": app.portal.code_at(code_of, 7), "state": state, "member_id": member})
        assert (await app.ask("GET", f"/oauth/callback?{query}")).status == 403
    assert before == await app.dump("install", "token")


async def test_no_state_counts_in_another_browser_or_for_another_departure(app: AppStand):
    start, other = await app.ask("GET", "/oauth/start"), await app.ask("GET", "/oauth/start")
    state = parse_qs(urlsplit(start.headers["location"]).query)["state"][0]
    cookie, others = (one.headers["set-cookie"].partition(";")[0] for one in (start, other))
    code = app.portal.code_at(app.first.member, 7)
    for given, browser in (
        (state, others),
        (state, ""),
        (state, "livefeed_oauth="),
        (state[:-2], cookie),
        ("", cookie),
    ):
        app.cookie = browser
        query = urlencode({"code": code, "state": given})
        assert (await app.ask("GET", f"/oauth/callback?{query}")).status == 403, browser
    assert code in app.portal.codes, "the code was not even spent"


async def test_operations_name_their_portal(app: AppStand):
    """An operation about a portal that is not known changes nothing, nor one without the token of the run."""
    headers = {"authorization": "Bearer administrator-of-this-run"}
    before = await app.dump()
    for operation in ("install_confirm", "bind", "vanish"):
        body = f'{{"member_id": "{STRANGER.member}"}}'.encode()
        refused = await app.ask("POST", f"/admin/api/{operation}", body=body, headers=headers)
        assert refused.status == 400
        for given in ("", "Bearer ", f"Bearer {app.first.application_token}", "Basic x"):
            wrong = {"authorization": given}
            assert (await app.ask("POST", f"/admin/api/{operation}", body=body, headers=wrong)).status == 401
    assert before == await app.dump()
