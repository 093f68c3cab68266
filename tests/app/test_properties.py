"""Every subset of what ``auth`` may hold goes through the door and comes out of the inbox whole."""

from itertools import chain, combinations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livefeed.app import App, Context
from livefeed.app.inbox import open_entry
from livefeed.wire.events import PostUpdated
from livefeed.wire.ids import MemberId

from .bodies import AUTH, MEMBER, event_body
from .conftest import House, Opening

PROOF = {name: AUTH[name] for name in ("member_id", "application_token")}
TOKENS = ("access_token", "expires_in", "refresh_token")
PLAIN = ("scope", "domain", "server_endpoint", "status", "client_endpoint", "user_id", "expires", "client_id")
VALUES = {**AUTH, "user_id": "1269", "expires": "1743003979", "client_id": "app.573ad8a0346747.09223434"}
EXTRA = {"surprise": "kept", "nested": {"a": "1", "б": "я"}}


def subsets(names: tuple[str, ...]):
    return chain.from_iterable(combinations(names, size) for size in range(len(names) + 1))


def bodies():
    """2^8 subsets of the plain keys × with and without tokens × with and without unknown keys."""
    for plain in subsets(PLAIN):
        for tokens in ((), TOKENS, TOKENS[:1]):
            for extra in ({}, EXTRA):
                yield {**{name: VALUES[name] for name in (*plain, *tokens)}, **extra, **PROOF}


@pytest.fixture
async def noting(serve: Opening):
    seen: dict[int, dict] = {}
    app = App.from_settings({})

    @app.on(PostUpdated)
    async def note(event: PostUpdated, ctx: Context) -> None:
        auth = event.envelope.auth
        seen[event.post_id] = {
            "token": auth.access_token,
            "scope": auth.scope,
            "user": auth.user_id,
            "extra": auth.extra,
        }

    house = await serve(app)
    await house.install()
    await house.work()
    return house, seen


async def test_every_subset_of_the_keys_is_accepted_stored_and_handled(noting):
    house, seen = noting
    cases = dict(enumerate(bodies(), 1))
    assert len(cases) == 256 * 3 * 2

    for post, auth in cases.items():
        assert (await house.post("/events", event_body(post=post, auth=auth))).status == 200
    await house.work()

    for post, auth in cases.items():
        assert seen[post] == {
            "token": auth.get("access_token"),
            "scope": auth.get("scope"),
            "user": int(auth["user_id"]) if "user_id" in auth else None,
            "extra": {name: value for name, value in auth.items() if name in EXTRA},
        }


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0[]"), min_size=1, max_size=20)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(extra=st.dictionaries(text, text, max_size=5))
async def test_unknown_keys_survive_whatever_they_are(house: House, extra: dict[str, str]):
    extra = {name: value for name, value in extra.items() if name not in VALUES and not name.isspace()}

    answer = await house.post("/events", event_body(auth={**PROOF, **extra}))

    assert answer.status == 200
    (entry,) = await house.rows("SELECT * FROM entry WHERE source = 'door' ORDER BY seq DESC LIMIT 1")
    envelope = open_entry(house.running.runtime.portal_keys, MemberId(MEMBER), entry["body"])
    assert envelope.auth.extra == extra
