"""The bell over a webhook."""

import json

import pytest

from livefeed.portal.people import people
from livefeed.wire.ids import UserId

from ..conftest import House

pytestmark = pytest.mark.anyio


async def texts(house: House, user: int) -> list[str]:
    bell = await house.call(user, "im.notify.get")
    return [row["text"] for row in bell["notifications"]]


async def test_a_personal_notification_is_from_the_caller_and_a_system_one_from_nobody(house: House):
    first = await house.call(2, "im.notify.personal.add", USER_ID=5, MESSAGE=" Hello ", TAG="A", SUB_TAG="B")
    second = await house.call(2, "im.notify.system.add", USER_ID=5, MESSAGE="Note")
    bell = await house.call(5, "im.notify.get")
    assert (bell["total_count"], bell["total_unread_count"]) == (2, 2)
    assert bell["chat_id"] > 0
    system, personal = bell["notifications"]
    assert (system["id"], system["author_id"], system["notify_tag"]) == (second, 0, "")
    assert (personal["id"], personal["author_id"], personal["text"]) == (first, 2, "Hello")
    assert personal["notify_tag"].startswith("MP|")
    assert personal["notify_tag"].endswith("|A")
    assert personal["notify_sub_tag"].endswith("|B")
    assert personal["notify_read"] == "N"
    assert [user["id"] for user in bell["users"]] == [2]


async def test_an_empty_bell_has_no_counts(house: House):
    assert await house.call(5, "im.notify.get") == {"notifications": [], "users": []}


async def test_a_tag_replaces_what_the_same_caller_said_to_the_same_person(house: House):
    token = await house.token(2)

    async def tell(user: int, text: str, tag: str) -> object:
        response = await house.get(
            f"/rest/im.notify.personal.add?auth={token}&USER_ID={user}&MESSAGE={text}&TAG={tag}"
        )
        return response.json()["result"]

    await tell(5, "one", "post1")
    await tell(6, "one", "post1")
    await house.call(2, "im.notify.personal.add", USER_ID=5, MESSAGE="other", TAG="post1")
    await tell(5, "two", "post1")
    await tell(5, "three", "post2")
    assert await texts(house, 5) == ["three", "two", "other"]
    assert await texts(house, 6) == ["one"]


async def test_nobody_is_told_false(house: House):
    await house.store.write(lambda tx: people.dismiss(tx, house.portal.member_id, UserId(8)))
    assert await house.call(2, "im.notify.personal.add", USER_ID=99, MESSAGE="x") is False
    assert await house.call(2, "im.notify.personal.add", USER_ID=8, MESSAGE="x") is False


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"MESSAGE": "x"}, "USER_ID_EMPTY"),
        ({"USER_ID": "x", "MESSAGE": "x"}, "USER_ID_EMPTY"),
        ({"USER_ID": 5}, "MESSAGE_EMPTY"),
        ({"USER_ID": 5, "MESSAGE": "   "}, "MESSAGE_EMPTY"),
        ({"USER_ID": 5, "MESSAGE": "x", "ATTACH": "{"}, "ATTACH_ERROR"),
        ({"USER_ID": 5, "MESSAGE": "x", "ATTACH": json.dumps("a" * 60_001)}, "ATTACH_OVERSIZE"),
    ],
)
async def test_a_bad_notification_is_refused(house: House, params: dict[str, object], code: str):
    assert (await house.fault(2, "im.notify.personal.add", **params))[:2] == (400, code)


async def test_the_bell_is_read_in_pages(house: House):
    for number in range(60):
        await house.call(2, "im.notify.system.add", USER_ID=5, MESSAGE=f"n{number}")
    first = await house.call(5, "im.notify.get")
    assert (len(first["notifications"]), first["notifications"][0]["text"]) == (50, "n59")
    last = first["notifications"][-1]["id"]
    second = await house.call(5, "im.notify.get", LAST_ID=last, LAST_TYPE=3, LIMIT=3)
    assert [row["text"] for row in second["notifications"]] == ["n9", "n8", "n7"]
    assert (await house.fault(5, "im.notify.get", LAST_ID=last))[1] == "LAST_ID_AND_LAST_TYPE"
    assert (await house.fault(5, "im.notify.get", LAST_ID="x", LAST_TYPE=3))[1] == "LAST_ID_STRING"


async def test_one_or_all_from_one_on_are_marked_read_and_unread(house: House):
    ids = [await house.call(2, "im.notify.system.add", USER_ID=5, MESSAGE=f"n{n}") for n in range(4)]

    async def unread() -> list[int]:
        bell = await house.call(5, "im.notify.get")
        return [row["id"] for row in reversed(bell["notifications"]) if row["notify_read"] == "N"]

    assert await house.call(5, "im.notify.read", ID=ids[0], ACTION="Y", ONLY_CURRENT="Y") is True
    assert await unread() == ids[1:]
    await house.call(5, "im.notify.read", ID=ids[2])
    assert await unread() == [ids[1]]
    await house.call(5, "im.notify.read", ID=ids[3], ACTION="N", ONLY_CURRENT="Y")
    assert await unread() == [ids[1], ids[3]]
    await house.call(2, "im.notify.read", ID=ids[1])
    assert await unread() == [ids[1], ids[3]]
    assert (await house.fault(5, "im.notify.read"))[1] == "PARAMS_ERROR"


async def test_converted_text_is_escaped_html(house: House):
    await house.call(
        2, "im.notify.system.add", USER_ID=5, MESSAGE="[b]<script>[/b] [url=javascript:x]y[/url]"
    )
    bell = await house.call(5, "im.notify.get", CONVERT_TEXT="Y")
    assert bell["notifications"][0]["text"] == "<strong>&lt;script&gt;</strong> y"
