"""Incoming webhooks: made, changed, regenerated and removed by who may."""

from urllib.parse import urlsplit

import pytest

from livefeed.errors import LivefeedError
from livefeed.portal import portals
from livefeed.portal.people import people
from livefeed.portal.server import method_table
from livefeed.portal.webhooks import managing
from livefeed.portal.webhooks.wishes import last_day, read_last_day
from livefeed.wire.ids import UserId
from livefeed.wire.scopes import DOCUMENTED, unknown_scopes

from ..conftest import NOW_MS
from ..site import Site

pytestmark = pytest.mark.anyio

DAY_S = 86_400
NOBODY = (401, "NO_AUTH_FOUND")


async def asked(site: Site, url: str, method: str = "profile") -> tuple[int, str]:
    """Status and error code of a call with a webhook's URL."""
    answer = await site.http("GET", urlsplit(url).path + method)
    return answer.status, answer.json().get("error", "")


async def refused(site: Site, operation: str, **arguments: object) -> str:
    with pytest.raises(LivefeedError) as caught:
        await site.do(operation, **arguments)
    return str(caught.value)


async def test_a_new_webhook_calls_what_its_scopes_open_and_nothing_else(site: Site) -> None:
    made = await site.do("webhook_add", user=3, scope="user", name="Phone book")
    assert next(iter(made)) == "url"
    assert (made["user"], made["scope"], made["name"], made["expires"]) == (3, "user", "Phone book", None)
    assert await asked(site, made["url"]) == (200, "")
    assert await asked(site, made["url"], "user.current") == (200, "")
    assert await asked(site, made["url"], "log.blogpost.get") == (403, "insufficient_scope")


async def test_the_code_is_stored_as_a_hash_only(site: Site) -> None:
    url = (await site.do("webhook_add", user=3, scope="user"))["url"]
    code = url.rstrip("/").rpartition("/")[2]
    assert len(code) == 16
    dump = await site.run(lambda tx: [tuple(row) for row in tx.execute("SELECT * FROM webhook")])
    assert code not in repr(dump)


async def test_a_webhook_works_to_the_end_of_its_last_day_and_is_refused_from_then_on(site: Site) -> None:
    made = await site.do("webhook_add", user=1, scope="log", expires=last_day(NOW_MS + 1))
    assert await asked(site, made["url"]) == (200, "")
    rest_of_day_ms = read_last_day(made["expires"], now_ms=NOW_MS)
    assert rest_of_day_ms is not None
    site.house.clock.advance((rest_of_day_ms - NOW_MS) / 1000 - 1)
    assert await asked(site, made["url"]) == (200, "")
    site.house.clock.advance(1)
    assert await asked(site, made["url"]) == NOBODY


async def test_another_last_day_brings_an_expired_webhook_back_with_the_same_code(site: Site) -> None:
    made = await site.do("webhook_add", user=1, scope="log", expires=last_day(NOW_MS + 1))
    site.house.clock.advance(2 * DAY_S)
    assert await asked(site, made["url"]) == NOBODY
    changed = await site.do("webhook_change", id=made["id"], expires="")
    assert (changed["url"], changed["expires"], changed["scope"]) == (None, None, "log")
    assert await asked(site, made["url"]) == (200, "")


async def test_regenerating_kills_the_old_code_at_once(site: Site) -> None:
    made = await site.do("webhook_add", user=3, scope="user")
    again = await site.do("webhook_regenerate", id=made["id"], user=3)
    assert again["url"] != made["url"]
    assert (again["id"], again["user"]) == (made["id"], 3)
    assert await asked(site, made["url"]) == NOBODY
    assert await asked(site, again["url"]) == (200, "")


async def test_an_administrator_who_regenerates_a_foreign_webhook_becomes_its_owner(site: Site) -> None:
    made = await site.do("webhook_add", user=3, scope="user")
    taken = await site.do("webhook_regenerate", id=made["id"])
    assert taken["user"] == 1
    assert "/rest/1/" in taken["url"]
    assert await asked(site, made["url"]) == NOBODY
    answer = await site.http("GET", urlsplit(taken["url"]).path + "user.current")
    assert answer.json()["result"]["ID"] == "1"


async def test_an_administrator_who_changes_a_foreign_webhook_owns_it_with_a_new_code(site: Site) -> None:
    made = await site.do("webhook_add", user=3, scope="user")
    changed = await site.do("webhook_change", id=made["id"], scope="log,user")
    assert (changed["user"], changed["scope"]) == (1, "log,user")
    assert await asked(site, made["url"]) == NOBODY
    assert await asked(site, changed["url"], "log.blogpost.get") == (200, "")


async def test_a_removed_webhook_is_refused_and_its_number_is_not_used_again(site: Site) -> None:
    made = await site.do("webhook_add", user=3, scope="user")
    assert await site.do("webhook_remove", id=made["id"], user=3) == {"id": made["id"], "removed": True}
    assert await asked(site, made["url"]) == NOBODY
    assert (await site.do("webhook_add", user=3, scope="user"))["id"] > made["id"]


@pytest.mark.parametrize("operation", ["webhook_change", "webhook_regenerate", "webhook_remove"])
async def test_somebody_elses_webhook_is_not_even_told_of(site: Site, operation: str) -> None:
    made = await site.do("webhook_add", user=3, scope="user")
    absent = await refused(site, operation, id=10**6, user=4)
    assert await refused(site, operation, id=made["id"], user=4) == absent.replace("1000000", str(made["id"]))
    assert await asked(site, made["url"]) == (200, "")


@pytest.mark.parametrize("operation", ["webhook_change", "webhook_regenerate", "webhook_remove"])
async def test_a_webhook_of_another_portal_is_not_there(site: Site, operation: str) -> None:
    await site.run(lambda tx: portals.create(tx, public_url="http://other.example", name="Other"))
    await site.house.directory.refresh(site.house.store)
    made = await site.do("webhook_add", user=1, scope="user")
    other = site.house.directory.by_host("other.example").member_id
    assert "no active person" in await refused(site, operation, id=made["id"], portal=other)
    assert await asked(site, made["url"]) == (200, "")


async def test_a_dismissed_persons_webhooks_end_for_good(site: Site) -> None:
    member_id = site.house.portal.member_id
    incoming = await site.do("webhook_add", user=3, scope="user")
    outgoing = await site.do("outgoing_add", user=3, url=site.receiver.url, events=["OnLiveFeedPostAdd"])
    # One from the seed and these two.
    assert await site.run(lambda tx: managing.end_of_person(tx, member_id, UserId(3))) == 3
    await site.run(lambda tx: people.dismiss(tx, member_id, UserId(3)))
    assert await asked(site, incoming["url"]) == NOBODY
    await site.run(lambda tx: tx.execute("UPDATE person SET is_active = 1 WHERE id = 3"))
    assert await asked(site, incoming["url"]) == NOBODY
    (handler,) = outgoing["handlers"].values()
    assert "user 3, whose webhook it was, was dismissed" in await site.why(1, handler)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"scope": "nosuch"}, "there is no scope nosuch"),
        ({"scope": "log,nosuch"}, "there is no scope nosuch"),
        ({"scope": " , "}, "choose at least one scope"),
        ({"scope": "log", "expires": "tomorrow"}, "tomorrow is not a day such as 2026-12-31"),
        ({"scope": "log", "expires": "2026-02-30"}, "2026-02-30 is not a day"),
        ({"scope": "log", "expires": "20261231"}, "20261231 is not a day"),
        ({"scope": "log", "expires": "２０２６-12-31"}, "is not a day"),
        ({"scope": "log", "expires": "2020-01-01"}, "2020-01-01 is over already"),
        ({"scope": "log", "expires": "0001-01-01"}, "0001-01-01 is over already"),
        ({"scope": "log", "name": "two\nlines"}, "the name is one line"),
        ({"scope": "log", "name": "x" * 201}, "the name is one line"),
        ({"scope": "log", "user": 99}, "there is no active person 99"),
        ({"scope": "\x1b[31m"}, "there is no scope \\x1b[31m"),
    ],
)
async def test_what_cannot_be_is_refused_in_one_clear_line(site: Site, given: dict[str, object], said: str):
    message = await refused(site, "webhook_add", **{"user": 1, **given})
    assert said in message
    assert message.isprintable()


async def test_the_last_day_of_all_can_be_asked_for(site: Site) -> None:
    made = await site.do("webhook_add", user=1, scope="log", expires="9999-12-31")
    assert made["expires"] == "9999-12-31"
    assert await asked(site, made["url"]) == (200, "")


async def test_a_person_has_at_most_a_hundred_webhooks_of_a_kind(site: Site) -> None:
    for _ in range(managing.MOST - 1):
        await site.do("webhook_add", user=3, scope="user")
    assert "at most" not in await refused(site, "webhook_add", user=3, scope="nosuch")
    assert "can have 100 webhooks" in await refused(site, "webhook_add", user=3, scope="user")
    assert await site.do("webhook_add", user=4, scope="user")


def test_every_scope_of_a_method_can_be_granted() -> None:
    table = method_table()
    used = {method.scope for name in table.names() if (method := table.find(name))}
    assert unknown_scopes(scope for scope in used if scope) == []
    assert {"log", "im", "user", "department", "sonet_group"} <= DOCUMENTED
