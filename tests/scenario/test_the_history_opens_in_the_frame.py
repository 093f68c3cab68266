"""A person opens the history of a post from the post itself, and sees what his own rights allow."""

import html
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from livefeed.portal.people import sessions
from livefeed.portal.web.desk import session
from livefeed.wire.ids import UserId

from .conftest import Town

ADMIN, AUTHOR, READER, STRANGER = 1, 2, 3, 4


@dataclass
class Opening:
    """What the portal's page would post into the frame."""

    address: str
    fields: dict[str, str]


async def portal_page(town: Town, user: int, path: str) -> str:
    visit = session.fresh_session()
    row = await town.store.read(lambda tx: tx.execute("SELECT member_id FROM portal").fetchone())
    code = visit.hash(town.keys)
    assert await town.store.write(lambda tx: sessions.begin(tx, row[0], UserId(user), code))
    headers = {"cookie": f"{session.SESSION_COOKIE}_{urlsplit(town.url).port}={visit.code}"}
    answer = await town.http.send("GET", f"{town.url}{path}", body=None, headers=headers)
    assert answer.status == 200, (path, answer.status)
    return answer.body.decode()


async def opening(town: Town, user: int, path: str) -> Opening:
    """Open the application at ``path`` of the portal as a browser does."""
    text = await portal_page(town, user, path)
    (form,) = re.findall(r'<form class="open".*?</form>', text, flags=re.DOTALL)
    fields = re.findall(r'name="([^"]+)" value="([^"]*)"', form)
    address = html.unescape(re.findall(r'action="([^"]+)"', form)[0])
    return Opening(
        address=re.sub("LANG=..", "LANG=en", address),
        fields={html.unescape(name): html.unescape(value) for name, value in fields},
    )


async def post(town: Town, opened: Opening, **changed: str) -> Any:
    body = urlencode({**opened.fields, **changed}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return await town.http.send("POST", opened.address, body=body, headers=headers)


async def follow(town: Town, page: Any, words: str) -> Any:
    """Follow the link of ``page`` that says ``words``."""
    links = re.findall(r'<a href="([^"]+)"[^>]*>([^<]*)', page.body.decode())
    address = next(html.unescape(address) for address, shown in links if words in shown)
    return await town.http.send("GET", f"{town.door_url}{address}", body=None)


async def from_post(town: Town, user: int, post_id: int) -> Opening:
    """What an entry under the post opens."""
    shown = html.unescape(await portal_page(town, user, f"/posts/{post_id}"))
    (address,) = set(re.findall(rf'href="(/apps/\d+/\?placement=\d+&post={post_id})"', shown))
    return await opening(town, user, address)


async def from_menu(town: Town, user: int) -> Opening:
    """What the application's entry in the menu opens."""
    shown = html.unescape(await portal_page(town, user, "/"))
    (address,) = set(re.findall(r'href="(/apps/\d+/\?placement=\d+)"', shown))
    return await opening(town, user, address)


async def edited_post(town: Town, dest: list[str]) -> int:
    """A post of the author that the administrator has edited once."""
    post_id = int(
        await town.call(
            AUTHOR, "log.blogpost.add", POST_TITLE="Holidays", POST_MESSAGE="From 1 to 14 June", DEST=dest
        )
    )
    await town.settle()
    await town.call(
        ADMIN,
        "log.blogpost.update",
        POST_ID=post_id,
        POST_TITLE="Holidays",
        POST_MESSAGE="From [b]3[/b] to 14 June",
    )
    await town.settle()
    return post_id


def words(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html.unescape(page.body.decode())))


async def tokens(town: Town) -> dict[int, str]:
    rows = await town.notifier.running.runtime.store.read(
        lambda tx: tx.execute("SELECT user_id, kind FROM token").fetchall()
    )
    return {row[0]: row[1] for row in rows}


async def test_a_reader_opens_the_history_from_the_post(town: Town):
    post_id = await edited_post(town, ["UA"])

    opened = await from_post(town, READER, post_id)
    page = await post(town, opened)

    assert f'"POST_ID":"{post_id}"' in opened.fields["PLACEMENT_OPTIONS"]
    assert page.status == 200
    assert "From removed: 1 added: 3 to 14 June" in words(page)
    assert f"frame-ancestors {town.url}" in page.headers["content-security-policy"]


async def test_the_list_tells_who_made_which_version_when_and_how_large(town: Town):
    post_id = await edited_post(town, ["UA"])

    page = words(await post(town, await from_post(town, READER, post_id)))

    admin, author = town.seeded.people[ADMIN - 1], town.seeded.people[AUTHOR - 1]
    assert re.search(rf"2 · {admin.name}.* edited .* text words added: \+1 words removed: −1", page)
    assert re.search(rf"1 · {author.name}.* published", page)


async def test_one_who_may_not_see_the_post_sees_nothing_of_its_history(town: Town):
    post_id = await edited_post(town, [f"U{READER}"])
    opened = await from_post(town, READER, post_id)
    assert "From removed: 1" in words(await post(town, opened))

    own = await from_menu(town, STRANGER)
    refused = await post(
        town,
        own,
        PLACEMENT="LIVEFEED_POST",
        PLACEMENT_OPTIONS=opened.fields["PLACEMENT_OPTIONS"],
    )

    assert refused.status == 404
    assert "Holidays" not in words(refused)
    assert "June" not in words(refused)


async def test_the_page_in_the_menu_lists_only_what_the_person_may_see(town: Town):
    await edited_post(town, [f"U{READER}"])

    seen = await post(town, await from_menu(town, READER))
    unseen = await post(town, await from_menu(town, STRANGER))

    assert "Holidays" in words(seen)
    assert "No post that you may see" in words(unseen)
    history = await follow(town, seen, "Holidays")
    assert "From removed: 1 added: 3 to 14 June" in words(history)
    assert "Lately edited" in words(history)


async def test_the_difference_is_shown_in_three_ways_without_any_script(town: Town):
    post_id = await edited_post(town, ["UA"])
    page = await post(town, await from_post(town, READER, post_id))

    side = await follow(town, page, "Side by side")
    raw = await follow(town, side, "Source")

    assert 'class="diff beside"' in side.body.decode()
    assert "[b]" not in words(side)
    assert "[added: b added: ]" in words(raw) or "[b]" in words(raw).replace("added: ", "")
    assert "<script" not in page.body.decode() + side.body.decode() + raw.body.decode()


async def test_any_two_versions_are_compared(town: Town):
    post_id = await edited_post(town, ["UA"])
    await town.call(
        ADMIN, "log.blogpost.update", POST_ID=post_id, POST_TITLE="Holidays", POST_MESSAGE="From 3 to 21 June"
    )
    await town.settle()
    page = await post(town, await from_post(town, READER, post_id))
    action = html.unescape(re.findall(r'action="([^"]+)"', page.body.decode())[0])

    async def compare(old: object, new: object) -> str:
        query = urlencode({"from": old, "to": new, "view": "inline"})
        return words(await town.http.send("GET", f"{town.door_url}{action}?{query}", body=None))

    assert "From removed: 1 added: 3 to removed: 14 added: 21 June" in await compare(1, 3)
    assert "From version 1 to 3" in await compare(3, 1)
    assert "Version 2" in await compare(2, 2)
    assert "From version 2 to 3" in await compare("x", "99999999999999999999")


async def test_the_language_is_that_of_the_person(town: Town):
    post_id = await edited_post(town, ["UA"])
    opened = await from_post(town, READER, post_id)

    russian = await post(town, Opening(re.sub("LANG=..", "LANG=ru", opened.address), opened.fields))

    assert "С версии 1 по 2" in words(russian)


@pytest.mark.parametrize(
    "evil", ["<script>alert(1)</script>", "[img]javascript:alert(1)[/img]", '"><svg onload=x>']
)
async def test_no_text_of_a_post_becomes_markup_of_the_page(town: Town, evil: str):
    post_id = int(
        await town.call(AUTHOR, "log.blogpost.add", POST_TITLE=evil, POST_MESSAGE="before", DEST=["UA"])
    )
    await town.settle()
    await town.call(
        AUTHOR, "log.blogpost.update", POST_ID=post_id, POST_TITLE=evil, POST_MESSAGE=f"after {evil}"
    )
    await town.settle()

    page = await post(town, await from_post(town, READER, post_id))
    shown = page.body.decode() + (await follow(town, page, "Source")).body.decode()

    assert page.status == 200
    assert "<script" not in shown
    assert "<svg" not in shown
    assert 'javascript:alert(1)"' not in shown


@pytest.mark.parametrize(
    "options", ['{"POST_ID":"0"}', '{"POST_ID":"x"}', '{"POST_ID":{"a":1}}', "{}", '{"POST_ID":"99999"}']
)
async def test_options_that_name_no_post_show_none(town: Town, options: str):
    post_id = await edited_post(town, ["UA"])
    opened = await from_post(town, READER, post_id)

    assert 404 == (await post(town, opened, PLACEMENT_OPTIONS=options)).status


async def test_tokens_of_who_opened_it_read_later_what_the_installer_cannot(town: Town):
    post_id = await edited_post(town, [f"U{READER}"])
    await post(town, await from_post(town, READER, post_id))
    assert {ADMIN: "installer", READER: "opener"} == await tokens(town)
    # The installer's pair does not work any more: local applications are not handed on (system-user.md).
    store = town.notifier.running.runtime.store
    await store.write(lambda tx: tx.execute("UPDATE token SET state = 'dead' WHERE kind = 'installer'"))
    town.clock.advance(3 * 3600)  # the tokens of the opening have expired long ago, too

    client = town.notifier.running.runtime.client_of(
        (await store.read(lambda tx: tx.execute("SELECT member_id FROM install").fetchone()))[0], READER
    )
    rows = (await client.call("log.blogpost.get", {"POST_ID": post_id})).result

    assert [str(post_id)] == [row["ID"] for row in rows]


async def test_an_edit_by_a_robot_is_archived_with_the_tokens_of_who_opened_a_page(town: Town):
    post_id = await edited_post(town, [f"U{READER}"])
    await post(town, await from_post(town, READER, post_id))
    store = town.notifier.running.runtime.store
    await store.write(lambda tx: tx.execute("UPDATE token SET state = 'dead' WHERE kind = 'installer'"))

    await town.admin.run("edit_post", {"post": post_id, "text": "From 5 to 14 June", "as_automation": True})
    await town.settle()

    rows = await store.read(
        lambda tx: tx.execute("SELECT content FROM archived_version WHERE post = ?", (post_id,)).fetchall()
    )
    assert any(b"From 5 to 14" in row[0] for row in rows)


def form_of(page: Any) -> str:
    """Where the form of ``page`` is sent that redacts."""
    (address,) = re.findall(r'<form class="stack" method="post" action="([^"]+)"', page.body.decode())
    return html.unescape(address)


async def send_form(town: Town, address: str, **fields: str) -> Any:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return await town.http.send(
        "POST", f"{town.door_url}{address}", body=urlencode(fields).encode(), headers=headers
    )


async def test_an_administrator_redacts_a_version_and_nobody_reads_it_any_more(town: Town):
    post_id = await edited_post(town, ["UA"])
    page = await post(town, await from_post(town, ADMIN, post_id))
    assert "Redact version 2" in words(page)

    done = await send_form(town, form_of(page), version="2", reason="a slip")

    assert done.status == 303
    shown = await town.http.send("GET", f"{town.door_url}{done.headers['location']}", body=None)
    assert "The words of version 2 were redacted." in words(shown)
    seen = words(await post(town, await from_post(town, READER, post_id)))
    assert "The words of version 2 were redacted." in seen
    assert "From removed" not in seen
    assert (await send_form(town, form_of(page), version="9")).status == 409

    written_anew = await times_written_anew(town)
    assert (await send_form(town, form_of(page), version="2")).status == 303
    assert await times_written_anew(town) == written_anew, "what is redacted already costs nobody anything"


async def times_written_anew(town: Town) -> int:
    """Grows with each VACUUM of a file; a server has no such number."""
    store = town.notifier.running.runtime.store
    if store.engine != "sqlite":
        return 0
    return await store.read(lambda tx: tx.execute("PRAGMA schema_version").fetchone()[0])


async def test_nobody_but_an_administrator_redacts(town: Town):
    post_id = await edited_post(town, ["UA"])
    page = await post(town, await from_post(town, READER, post_id))
    assert "Redact version" not in words(page)

    (address,) = set(re.findall(r'action="(/frame/[^"]+)"', page.body.decode()))
    done = await send_form(town, html.unescape(address), version="2")

    assert done.status == 403
    assert "From removed: 1 added: 3 to 14 June" in words(
        await post(town, await from_post(town, READER, post_id))
    )
