"""Many rows: pages, batches and lists as the SDKs ask for them, compared with what was stored."""

from typing import Any

import pytest
from tests.clients.cases.registry import made
from tests.clients.sdks import Sdks

POSTS = 120
PEOPLE = 52


@pytest.fixture(scope="module")
def posts(sdks: Sdks) -> dict[int, str]:
    """More posts than two pages hold: id → text, published by fast-bitrix24 in batches of fifty."""
    texts = [f"number {number} of {POSTS} & more" for number in range(POSTS)]

    async def publish(fast: Any) -> Any:
        return await fast.call("log.blogpost.add", [{"POST_MESSAGE": text, "DEST": ["UA"]} for text in texts])

    ids = sdks.fast(publish)
    stored = {post: text for post, text in sdks.world.rows("SELECT id, text FROM post") if post in set(ids)}
    assert sorted(texts) == sorted(stored.values())
    return stored


@pytest.fixture(scope="module")
def people(sdks: Sdks) -> dict[str, str]:
    """More people than a page holds: id → last name."""
    added = {}
    for number in range(PEOPLE):
        login = f"clerk{number}"
        person = sdks.world.operate("user_add", login=login, first_name="Clerk", last_name=f"Number{number}")
        added[str(person["id"])] = f"Number{number}"
    return added


def test_call_of_fast_bitrix24_does_each_of_its_calls_once(posts: dict[int, str]):
    assert POSTS == len(posts) == len(set(posts.values()))


def test_get_all_of_fast_bitrix24_brings_every_page_once(posts: dict[int, str], sdks: Sdks):
    async def everything(fast: Any) -> Any:
        return await fast.get_all("log.blogpost.get")

    rows = sdks.fast(everything)

    found = {int(row["ID"]): row["DETAIL_TEXT"] for row in rows}
    assert sorted(int(row["ID"]) for row in rows) == sorted(
        post for (post,) in sdks.world.rows("SELECT id FROM post WHERE deleted_at IS NULL")
    )
    assert posts == {post: text for post, text in found.items() if post in posts}


def test_get_by_id_of_fast_bitrix24_brings_each_row_under_its_id(posts: dict[int, str], sdks: Sdks):
    async def some(fast: Any) -> Any:
        return await fast.get_by_ID("log.blogpost.get", list(posts), ID_field_name="POST_ID")

    rows = sdks.fast(some)

    assert posts == {int(key): rows[key][0]["DETAIL_TEXT"] for key in rows}


def test_call_batch_of_fast_bitrix24_may_refer_to_what_came_before(sdks: Sdks):
    async def chained(fast: Any) -> Any:
        return await fast.call_batch(
            {
                "halt": 0,
                "cmd": {
                    "add": "log.blogpost.add?POST_MESSAGE=chained%20%26%20read",
                    "read": "log.blogpost.get?POST_ID=$result[add]",
                },
            }
        )

    results = sdks.fast(chained)

    assert "chained & read" == results["read"][0]["DETAIL_TEXT"]


def test_as_list_of_b24pysdk_brings_every_page_once(posts: dict[int, str], sdks: Sdks):
    rows = made(sdks.hook.log.blogpost.get().as_list())

    found = {int(row["ID"]): row["DETAIL_TEXT"] for row in rows}
    assert len(rows) == len(found)
    assert posts == {post: text for post, text in found.items() if post in posts}


def test_call_list_of_the_javascript_sdk_brings_every_page_once(people: dict[str, str], sdks: Sdks):
    rows = sdks.js.list("user.get", filter={"%LAST_NAME": "Number"}, select=["ID", "LAST_NAME"])

    assert people == {row["ID"]: row["LAST_NAME"] for row in rows}
    assert len(rows) == PEOPLE


def test_get_all_of_fast_bitrix24_brings_all_people_once(people: dict[str, str], sdks: Sdks):
    async def clerks(fast: Any) -> Any:
        return await fast.get_all("user.get", {"FILTER": {"%LAST_NAME": "Number"}})

    rows = sdks.fast(clerks)

    assert people == {row["ID"]: row["LAST_NAME"] for row in rows}
    assert len(rows) == PEOPLE


def test_a_batch_by_chunks_of_the_javascript_sdk_answers_every_call_in_order(
    posts: dict[int, str], sdks: Sdks
):
    calls = [["log.blogpost.get", {"POST_ID": post}] for post in posts]

    answers = sdks.js.chunks(calls)

    assert list(posts.values()) == [answer[0]["DETAIL_TEXT"] for answer in answers]
