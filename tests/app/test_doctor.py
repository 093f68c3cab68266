"""``doctor`` of an application: installations, handlers, tokens, address, portals; and what it records."""

import asyncio
import json
import socket
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
import trustme
from click.testing import CliRunner
from tests.client.fake_portal import CLIENT_SECRET, FakePortal, Refusal
from tests.security.spelling import spellings

from livefeed.app import App, Context, PageContext
from livefeed.cli.db.installs import time_of
from livefeed.cli.main import main
from livefeed.cli.running import announced
from livefeed.clock import ManualClock, SystemClock
from livefeed.net.http import HttpAnswer
from livefeed.secrets import Secret
from livefeed.settings import AppSettings, DatabaseUrl
from livefeed.wire.events import PostUpdated

from .bodies import APPLICATION_TOKEN, AUTH, MEMBER, event_body
from .conftest import ADMIN, House, Opening
from .test_frames import post_frame

PATH = "0123456789abcdef-secret"
EVENTS = ("ONAPPUNINSTALL", "ONAPPUPDATE", "ONLIVEFEEDPOSTUPDATE")


@pytest.fixture
def clock() -> ManualClock:
    """The command has only the real one."""
    return ManualClock(SystemClock().now_ms())


@pytest.fixture
async def house(serve: Opening, settings: AppSettings) -> House:
    app = App(settings)

    @app.on(PostUpdated)
    async def edited() -> None: ...

    opened = await serve(app, secret_path=Secret(PATH))
    assert (await opened.install()).status == 200
    await opened.work()
    assert (await opened.post(f"/events/{PATH}", event_body())).status == 200
    await opened.work()
    return opened


async def examined(house: House, *words: str, public_url: str | None = None) -> tuple[int, dict[str, Any]]:
    """The exit code, and what was found of each item."""
    settings = house.running.runtime.settings
    given = ["doctor", "--db", settings.db, "--key-file", settings.key_file, *words, "--json"]
    env = {"LIVEFEED_PUBLIC_URL": house.url if public_url is None else public_url}
    result = await asyncio.to_thread(CliRunner().invoke, main, given, env=env)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert all(row["is_ok"] or row["then"] for row in rows), "each problem says what to do"
    return result.exit_code, {row["item"]: row for row in rows}


async def problems(house: House, *words: str, **given: str) -> set[str]:
    code, found = await examined(house, *words, **given)
    wrong = {item for item, row in found.items() if not row["is_ok"]}
    assert code == (1 if wrong else 0)
    return wrong


async def test_an_application_that_is_well_is_said_to_be_so(house: House) -> None:
    code, found = await examined(house)

    assert 0 == code, found
    mine = ["installed", "scope", "handlers", "tokens", "last event", "address", "portal"]
    assert mine == [item for item in found if item in mine]
    assert f"{len(EVENTS)} are bound at https://app.example" == found["handlers"]["said"]
    assert MEMBER in found["installed"]["said"]


async def test_each_thing_that_can_be_wrong_is_told_of(house: House, portal: FakePortal) -> None:
    store, key = house.running.runtime.store, Path(house.running.runtime.settings.key_file)
    key.chmod(0o644)
    for change in (
        "UPDATE token SET state = 'dead'",
        "UPDATE install SET scope = 'user', client_endpoint = 'http://127.0.0.1:1/rest/'",
        "UPDATE entry SET at = at - 864000000",
        "UPDATE lane SET attempt = 3",
    ):
        await store.write(lambda tx, change=change: tx.execute(change))

    stored = {"key", "retries", "tokens", "scope", "last event"}
    assert stored == await problems(house, "--local")
    assert {*stored, "address", "portal"} == await problems(house, public_url=f"{portal.url}/somewhere")
    await store.write(lambda tx: tx.execute("UPDATE install SET bound = ''"))
    assert "handlers" in await problems(house, "--local")
    await store.write(lambda tx: tx.execute("UPDATE install SET state = 'uninstalled'"))
    assert {"key", "retries", "installed"} == await problems(house, "--local")
    _, found = await examined(house, public_url="")
    assert "LIVEFEED_PUBLIC_URL" in found["address"]["said"]


@pytest.mark.parametrize("healed_by", ["installation", "opening"])
async def test_a_pair_that_was_renewed_and_never_stored_is_told_of_and_healed_by_the_next_one(
    settings: AppSettings, serve: Opening, portal: FakePortal, healed_by: str
) -> None:
    app, callers = App(settings), list[str]()

    @app.on(PostUpdated)
    async def ask(ctx: Context) -> None:
        callers.append((await ctx.call("user.current"))["ID"])

    @app.page()
    async def own(page: PageContext) -> str:
        return f"<p>{page.user_id}</p>"

    house = await serve(app)
    assert (await house.install()).status == 200
    await house.work()
    (stored,) = portal.refresh
    # So far comes a process that is killed with the answer in its hands: no other server has a grace for it.
    await house.running.runtime.endpoint.refresh(Secret(stored))
    portal.expire_all()
    assert (await house.event()).status == 200
    await house.work()

    assert "tokens" in await problems(house, "--local")
    _, found = await examined(house, "--local")
    assert "install the application at the portal again" == found["tokens"]["then"]
    assert "user 1: dead" in await printed(house, "app", "portals")
    ((_, waiting),) = [(one.event, one.state) for one in await house.inbox(post=205)]
    assert ([], "backing_off") == (callers, waiting), "what waits for tokens is kept"

    if healed_by == "installation":
        assert (await house.install()).status == 200
    else:
        assert (await post_frame(house, user=1)).status == 200
    house.clock.advance(3_600)
    await house.work()

    assert callers == ["1"]
    assert "user 1: usable" in await printed(house, "app", "portals")


async def printed(house: House, *words: str) -> str:
    given = [*words, "--db", house.running.runtime.settings.db]
    return (await asyncio.to_thread(CliRunner().invoke, main, given, catch_exceptions=False)).stdout


async def test_tokens_that_the_portal_refuses_are_told_of_and_nothing_is_renewed(
    house: House, portal: FakePortal
) -> None:
    calls = (await examined(house))[1]["calls"]
    assert (True, "the portal takes the tokens of user 1") == (calls["is_ok"], calls["said"])

    live, refreshes = dict(portal.live), portal.refreshes
    portal.live.clear()  # as a new client secret does
    code, found = await examined(house)
    assert (1, False) == (code, found["calls"]["is_ok"])
    assert "refuses the tokens of user 1: NO_AUTH_FOUND" in found["calls"]["said"]
    assert "secret" in found["calls"]["then"]
    assert not [access for access in live if access in str(found)]
    assert "calls" not in (await examined(house, "--local"))[1]

    portal.live.update(live)
    portal.expire_all()
    _, found = await examined(house)
    assert "calls" not in found, "one that has expired is renewed when it is needed"
    assert refreshes == portal.refreshes


async def test_an_installation_in_quarantine_is_told_with_the_command_that_confirms_it(house: House) -> None:
    assert (await house.install(application_token="n" * 32)).status == 409

    _, found = await examined(house, "--local")

    assert (found["quarantine"]["is_ok"], MEMBER in found["quarantine"]["said"]) == (False, True)
    assert "livefeed app confirm" in found["quarantine"]["then"]
    assert (await house.operate("install_confirm", member_id=MEMBER))[0] == 200
    assert "quarantine" not in await problems(house, "--local")


async def test_what_is_not_bound_is_named_by_the_running_application(
    settings: AppSettings, portal: FakePortal, serve: Opening
) -> None:
    app = App(settings)
    app.on("ONCRMDEALUPDATE", "ONLIVEFEEDPOSTUPDATE")(lambda event: None)

    def bind(params: dict[str, str]) -> bool:
        if params["event"] == "ONCRMDEALUPDATE":
            raise Refusal(400, "ERROR_EVENT_NOT_FOUND", "Event not found")
        portal.bound.append((params["event"], params["handler"]))
        return True

    portal.methods["event.bind"] = bind
    house = await serve(app)
    assert (await house.install()).status == 200
    await house.work()
    with announced(DatabaseUrl.parse(settings.db), house.url, ADMIN):
        _, found = await examined(house, "--local")

    assert "not bound: ONCRMDEALUPDATE" == found["handlers"]["said"]
    assert "event_not_bound" in found["handlers"]["then"]


def unused_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


async def test_an_address_that_portals_cannot_use_is_a_problem(house: House) -> None:
    _, found = await examined(house, public_url=f"https://{unused_address()}")
    assert (found["address"]["is_ok"], "does not answer" in found["address"]["said"]) == (False, True)
    assert "lead this address to it" in found["address"]["then"]

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with await asyncio.start_server(hung_up, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        _, found = await examined(house, public_url=f"https://127.0.0.1:{port}")
    assert (found["address"]["is_ok"], found["address"]["then"]) == (
        False,
        "give it a certificate that portals trust",
    )

    # 127.1 is this machine too, by a name that could be another's.
    _, found = await examined(house, public_url=house.url.replace("127.0.0.1", "127.1"))
    assert (found["address"]["is_ok"], found["address"]["then"]) == (False, "give portals an https address")
    assert "answers, but without TLS" in found["address"]["said"]


async def hung_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def test_a_portal_with_an_authority_of_its_own_is_no_portal_that_has_moved(house: House) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)

    async with await asyncio.start_server(hung_up, "127.0.0.1", 0, ssl=context) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/rest/"
        await house.running.runtime.store.write(
            lambda tx: tx.execute(f"UPDATE install SET client_endpoint = '{url}'")
        )
        _, found = await examined(house)

    assert "LIVEFEED_CA_FILE" in found["portal"]["then"]


@pytest.mark.parametrize(("date", "found"), [("", []), ("Tue, 17 Mar 2026 14:29:15 GMT", [True, False])])
def test_a_clock_that_is_not_the_portals_is_a_problem(date: str, found: list[bool]) -> None:
    answer = HttpAnswer(status=401, headers={"date": date}, body=b"")
    moments = (1_773_757_755_000, 1_773_757_795_000)
    assert found == [one.is_ok for now_ms in moments for one in time_of(answer, now_ms)]


async def test_a_recording_has_bodies_and_no_secret(house: House, tmp_path: Path) -> None:
    file = tmp_path / "recording.json"
    await examined(house, "--local", "--record", str(file))
    text = file.read_text()
    document = json.loads(text)

    assert 0o600 == file.stat().st_mode & 0o777
    assert ["ONAPPINSTALL", "ONLIVEFEEDPOSTUPDATE"] == [
        event["body"].partition("&")[0].removeprefix("event=") for event in document["events"]
    ]
    assert f"auth%5Bmember_id%5D={MEMBER}" in document["events"][1]["body"]
    for secret in (PATH, APPLICATION_TOKEN, AUTH["access_token"], AUTH["refresh_token"], CLIENT_SECRET):
        assert secret not in text
    assert list(EVENTS) == document["portals"][0]["bound"]
    assert {"livefeed", "python", "system", "engine"} == document["versions"].keys()
    assert "tokens" in {finding["item"] for finding in document["findings"]}

    code, _ = await examined(house, "--local", "--record", str(file))
    assert 2 == code, "what is there is not overwritten"


async def test_a_recording_masks_secrets_in_events_of_any_form_and_spelling(
    house: House, tmp_path: Path
) -> None:
    new, hook = "n3w5ecretn3w5ecretn3w5ecret", "8g9l071eismy9q2l"
    seen = {"url": f"https://acme.example/rest/1/{hook}/profile", "note": f"it was {new}"}
    event = {
        "event": "ONLIVEFEEDPOSTUPDATE",
        "data": {"FIELDS": {"POST_ID": "7"}},
        "ts": "1466439714",
        **seen,
    }
    auth = {**AUTH, "what_they_add_next": new}
    body = json.dumps({**event, "auth": auth}).encode()
    assert 200 == (await house.post(f"/events/{PATH}", body, content_type="application/json")).status
    pairs = [
        *event.items(),
        ("data[FIELDS][POST_ID]", "7"),
        *((f"auth[{key}]", one) for key, one in auth.items()),
    ]
    raw = "&".join(f"{key}={quote_plus(str(one))}" for key, one in pairs if key != "data").encode()
    assert 200 == (await house.post(f"/events/{PATH}", raw)).status
    file = tmp_path / "recording.json"
    await examined(house, "--local", "--record", str(file))
    text = file.read_text()

    for secret in (new, hook, PATH, *(one for key, one in AUTH.items() if key.endswith("token"))):
        assert [] == [one for one in spellings(secret) if one in text]
    recorded = [one["body"] for one in json.loads(text)["events"][-2:]]
    assert "POST_ID" in recorded[0]
    assert json.loads(recorded[0])["auth"].keys() == auth.keys()
    assert recorded[1].startswith("event=ONLIVEFEEDPOSTUPDATE&ts=1466439714&url=https")


async def test_a_recording_without_the_key_file_makes_none(house: House, tmp_path: Path) -> None:
    file, key = tmp_path / "recording.json", Path(house.running.runtime.settings.key_file)
    key.rename(tmp_path / "moved.key")
    _, found = await examined(house, "--local", "--record", str(file))

    assert not found["key"]["is_ok"]
    assert not key.exists()
    assert [] == json.loads(file.read_text())["events"]
