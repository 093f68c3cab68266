"""OAuth 2.0 as the SDKs speak it: codes, renewal, and tokens that end."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.clients import sdk_js
from tests.clients.cases.registry import made
from tests.clients.conftest import require_sdks
from tests.clients.sdks import Sdks
from tests.clients.world import ADMINISTRATOR, MEMBER, NAME, OAUTH_HOST, SCOPES, Registered, World

CALLBACK = "https://shop.example/callback"
AN_HOUR_S = 3_700  # tokens end with a minute


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A portal of its own: its clock is put forward."""
    require_sdks()
    opened = World(tmp_path_factory.mktemp("oauth"))
    with opened.as_network():
        yield opened
    opened.close()


@pytest.fixture(scope="module")
def sdks(world: World) -> Iterator[Sdks]:
    clients = Sdks(world, sdk_js.installed)
    yield clients
    clients.close()


def secret_of(app: Registered) -> dict[str, str]:
    return {"clientId": app.client_id, "clientSecret": app.client_secret}


def form_token(page: str) -> str:
    found = re.search(r'name="token"[^>]*value="([^"]+)"', page)
    assert found is not None, page
    return found[1]


def allowed(app: Registered, person: int, state: str) -> dict[str, str]:
    """Sign in as a person, allow the application, and return what it is told."""
    import requests

    with requests.Session() as browser:
        question = f"https://{NAME}/oauth/authorize/?client_id={app.client_id}&state={state}"
        login = browser.get(question)
        chosen = {"token": form_token(login.text), "person": person, "here": "/"}
        browser.post(f"https://{NAME}/person", data=chosen, headers={"Origin": f"https://{NAME}"})
        page = browser.get(question)
        answer = browser.post(
            question,
            data={"token": form_token(page.text), "answer": "allow"},
            headers={"Origin": f"https://{NAME}"},
            allow_redirects=False,
        )
    location = answer.headers["location"]
    assert location.startswith(CALLBACK), location
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def test_the_sdk_exchanges_the_code_of_somebody_who_allowed_it(sdks: Sdks):
    from b24pysdk.credentials import BitrixToken
    from b24pysdk.errors import BitrixAPIError

    app = sdks.world.register(redirect_uri=CALLBACK)
    told = allowed(app, MEMBER, "a%20b")

    pair = sdks.app_of(app).get_oauth_token(told["code"])

    assert ("a b", NAME) == (told["state"], told["domain"])
    assert told["member_id"] == pair.member_id == app.auth["member_id"]
    assert set(SCOPES.split(",")) == set(pair.scope)
    assert (MEMBER, 3600) == (pair.user_id, pair.oauth_token.expires_in)
    token = BitrixToken.from_oauth(pair, sdks.app_of(app))
    assert str(MEMBER) == token.get_client().user.current().result["ID"]
    with pytest.raises(BitrixAPIError, match=r"(?i)grant|code"):
        sdks.app_of(app).get_oauth_token(told["code"])


def test_the_sdk_renews_an_expired_pair_and_calls_again(sdks: Sdks):
    app = sdks.world.register()
    token = sdks.token_of(app)
    before = (token.auth_token, token.refresh_token)
    sdks.world.clock.ahead_s += AN_HOUR_S
    sdks.world.relay.asked.clear()

    row = token.get_client().user.current().result

    assert str(ADMINISTRATOR) == row["ID"]
    assert not {*before} & {token.auth_token, token.refresh_token}
    assert f"{OAUTH_HOST}:443" in sdks.world.relay.asked
    assert app.client_id == token.get_app_info().result.client_id


def test_the_javascript_sdk_renews_an_expired_pair_and_calls_again(sdks: Sdks):
    app = sdks.world.register()
    js = sdks.js_oauth(sdks.world.url, app.auth, secret_of(app))
    sdks.world.clock.ahead_s += AN_HOUR_S

    assert str(ADMINISTRATOR) == js.call("user.current")["ID"]

    renewed = js.renewed()
    assert renewed["accessToken"] != app.auth["access_token"]
    assert renewed["refreshToken"] != app.auth["refresh_token"]
    assert set(app.auth["scope"].split(",")) == set(renewed["scope"].split(","))


def test_after_an_uninstall_the_sdks_are_refused_and_nothing_is_renewed(sdks: Sdks):
    from b24pysdk.errors import BitrixAPIError
    from tests.clients.js_driver import Refused

    app = sdks.world.register()
    token = sdks.token_of(app)
    js = sdks.js_oauth(sdks.world.url, app.auth, secret_of(app))
    sdks.world.operate("app_remove", client_id=app.client_id)

    with pytest.raises(BitrixAPIError):
        made(token.get_client().user.current())
    with pytest.raises(BitrixAPIError):
        token.refresh_oauth_token()
    with pytest.raises(Refused):
        js.call("user.current")
