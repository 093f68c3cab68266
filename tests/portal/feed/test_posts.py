"""Posts keep every version, and each change is announced in its own unit."""

import pytest

from livefeed.durable.entries import list_entries
from livefeed.durable.store import Tx
from livefeed.errors import LivefeedError
from livefeed.portal.apps import registry
from livefeed.portal.apps.registry import NewApp
from livefeed.portal.events import handlers
from livefeed.portal.events.handlers import Binding
from livefeed.portal.feed import posts, reading, titles, versions
from livefeed.wire.ids import PostId, UserId

from ..conftest import NOW_MS, House

pytestmark = pytest.mark.anyio


class Interrupted(LivefeedError):
    pass


async def bind_everything(house: House) -> None:
    credentials = registry.fresh_credentials(house.keys)

    def unit(tx: Tx) -> None:
        new = NewApp(name="Test", scope=("log",))
        app = registry.add(tx, house.portal.member_id, new, credentials, installer=UserId(1))
        for event in (posts.ADDED, posts.UPDATED, posts.DELETED):
            handlers.bind(
                tx,
                app,
                Binding(event=event, url="https://app.example/events", auth_type=UserId(0), owner=UserId(1)),
            )

    await house.store.write(unit)


async def announced(house: House) -> list[tuple[str, str]]:
    entries = await house.store.read(lambda tx: list_entries(tx))
    return [(entry.kind, entry.key) for entry in reversed(entries)]


async def test_every_edit_is_kept_with_who_when_and_all_of_it(house: House):
    house.clock.advance(60)
    await house.call(1, "log.blogpost.update", POST_ID=3, POST_MESSAGE="Second", POST_TITLE="Two")
    house.clock.advance(60)
    await house.call(2, "log.blogpost.update", **{"POST_ID": 3, "POST_TITLE": "Three", "DEST[]": "U4"})
    third, second, first = await house.store.read(
        lambda tx: versions.of_post(tx, house.portal.member_id, PostId(3))
    )
    assert (first.version, first.editor, first.source, first.title) == (
        1,
        2,
        "seed",
        "Price list for the second half-year",
    )
    assert first.text.startswith("The new list is valid from 1 July.")
    assert (second.version, second.editor, second.source, second.text) == (2, 1, "rest", "Second")
    assert (second.written_at, third.written_at) == (NOW_MS + 60_000, NOW_MS + 120_000)
    assert (third.editor, third.title, third.text, third.audience) == (2, "Three", "Second", ("U4",))


async def test_versions_outlive_the_post(house: House):
    await house.call(1, "log.blogpost.delete", POST_ID=1)
    kept = await house.store.read(lambda tx: versions.of_post(tx, house.portal.member_id, PostId(1)))
    assert [version.title for version in kept] == ["Holidays"]


async def test_an_automation_edits_without_an_editor_and_keeps_title_and_recipients(house: House):
    def unit(tx: Tx) -> None:
        post = reading.find(tx, house.portal.member_id, PostId(3))
        assert post is not None
        posts.edit(tx, post, posts.Change(text="By a robot"), actor=None, source="command")

    await house.store.write(unit)
    newest = (await house.store.read(lambda tx: versions.of_post(tx, house.portal.member_id, PostId(3))))[0]
    assert (newest.editor, newest.source, newest.title) == (
        None,
        "command",
        "Price list for the second half-year",
    )
    assert newest.audience == ("DR2",)


async def test_add_update_and_delete_are_announced_in_the_order_of_the_changes(house: House):
    await bind_everything(house)
    post_id = await house.call(1, "log.blogpost.add", POST_MESSAGE="x")
    await house.call(1, "log.blogpost.update", POST_ID=post_id, POST_MESSAGE="x")
    await house.call(1, "log.blogpost.update", POST_ID=post_id, POST_MESSAGE="x")
    await house.call(1, "log.blogpost.delete", POST_ID=post_id)
    await house.call(2, "log.blogcomment.add", POST_ID=1, TEXT="no event")
    assert await announced(house) == [
        (posts.ADDED, "post:13"),
        (posts.UPDATED, "post:13"),
        (posts.UPDATED, "post:13"),
        (posts.DELETED, "post:13"),
    ]


async def test_a_refused_call_announces_nothing(house: House):
    await bind_everything(house)
    await house.fault(2, "log.blogpost.update", POST_ID=1, POST_MESSAGE="x")
    await house.fault(1, "log.blogpost.update", POST_ID=999, POST_MESSAGE="x")
    await house.fault(2, "log.blogpost.delete", POST_ID=1)
    assert await announced(house) == []


async def test_a_change_and_its_event_stand_or_fall_together(house: House):
    await bind_everything(house)

    def unit(tx: Tx) -> None:
        post = reading.find(tx, house.portal.member_id, PostId(1))
        assert post is not None
        posts.edit(tx, post, posts.Change(text="half done"), actor=UserId(1), source="rest")
        raise Interrupted("after the change")

    with pytest.raises(Interrupted):
        await house.store.write(unit)
    assert await announced(house) == []
    assert "half done" not in str(await house.call(1, "log.blogpost.get", POST_ID=1))


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Short and plain", "Short and plain"),
        ("[b]Bold[/b]\n\nand [url=https://a.b]more[/url]", "Bold and more"),
        ("", ""),
        ("[b][/b]", ""),
        ("a [ b ] c", "a [ b ] c"),
        ("word, " * 40, "word, " * 12 + "word…"),
        ("x" * 200, "x" * 79 + "…"),
    ],
)
def test_a_title_is_the_first_words_of_the_text(text: str, title: str):
    assert titles.from_text(text) == title
