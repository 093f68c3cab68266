"""``log.blogpost.*`` and ``log.blogcomment.*`` over a webhook."""

import base64
import json

import pytest

from livefeed.clock import iso

from ..conftest import NOW_MS, House

pytestmark = pytest.mark.anyio

UPDATE_ERROR = "SONET_CONTROLLER_LIVEFEED_BLOGPOST_UPDATE_ERROR"
ADD_ERROR = "SONET_CONTROLLER_LIVEFEED_BLOGPOST_ADD_ERROR"


async def read(house: House, post_id: int, user: int = 1):
    posts = await house.call(user, "log.blogpost.get", POST_ID=post_id)
    return posts[0] if posts else None


async def ids(house: House, user: int, **params: object) -> list[int]:
    return [int(post["ID"]) for post in await house.call(user, "log.blogpost.get", **params)]


async def test_a_new_post_is_for_everyone_and_reads_back_as_documented(house: House):
    post_id = await house.call(2, "log.blogpost.add", POST_MESSAGE="[b]Hello[/b] all", POST_TITLE="Hi")
    assert post_id == 13
    post = await read(house, post_id, user=8)
    assert list(post)[:17] == [
        "ID",
        "BLOG_ID",
        "PUBLISH_STATUS",
        "TITLE",
        "AUTHOR_ID",
        "ENABLE_COMMENTS",
        "NUM_COMMENTS",
        "CODE",
        "MICRO",
        "DETAIL_TEXT",
        "DATE_PUBLISH",
        "CATEGORY_ID",
        "HAS_SOCNET_ALL",
        "HAS_TAGS",
        "HAS_IMAGES",
        "HAS_PROPS",
        "HAS_COMMENT_IMAGES",
    ]
    assert post["ID"] == "13"
    assert (post["TITLE"], post["DETAIL_TEXT"], post["AUTHOR_ID"]) == ("Hi", "[b]Hello[/b] all", "2")
    assert (post["HAS_SOCNET_ALL"], post["MICRO"], post["NUM_COMMENTS"]) == ("Y", "N", "0")
    assert post["DATE_PUBLISH"] == iso(NOW_MS)
    assert post["UF_BLOG_POST_FILE"]["VALUE"] in (False, [])


async def test_an_important_post_with_tags_keeps_both(house: House):
    post_id = await house.call(
        1,
        "log.blogpost.add",
        POST_MESSAGE="Read this",
        IMPORTANT="Y",
        IMPORTANT_DATE_END="2026-06-01T00:00:00+02:00",
        TAGS="rules, travel,new",
    )
    post = await read(house, post_id)
    assert post["UF_BLOG_POST_IMPRTNT"]["VALUE"] in (1, "1")
    assert post["UF_IMPRTANT_DATE_END"]["VALUE"] == "2026-05-31T22:00:00+00:00"
    assert post["HAS_TAGS"] == "Y"
    known = (await read(house, 11))["CATEGORY_ID"].split(",")
    assert post["CATEGORY_ID"].split(",")[:2] == known


@pytest.mark.parametrize("until", ["0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-12:00"])
async def test_a_post_is_important_until_a_moment_that_can_be_told(house: House, until: str):
    params = {"POST_MESSAGE": "x", "IMPORTANT": "Y", "IMPORTANT_DATE_END": until}

    assert (await house.fault(1, "log.blogpost.add", **params))[:2] == (400, "ERROR_ARGUMENT")


@pytest.mark.parametrize("params", [{}, {"POST_MESSAGE": ""}, {"POST_MESSAGE": "  "}, {"POST_TITLE": "x"}])
async def test_a_post_without_a_text_is_refused(house: House, params: dict[str, str]):
    assert await house.fault(1, "log.blogpost.add", **params) == (
        400,
        ADD_ERROR,
        "Blog post hasn't been added",
    )


@pytest.mark.parametrize("dest", ["nobody", "U999", "SG99", "DR99", "D99", "X1", "U"])
async def test_a_post_for_nobody_is_refused(house: House, dest: str):
    params = {"POST_MESSAGE": "x", "DEST[0]": dest}
    assert await house.fault(1, "log.blogpost.add", **params) == (400, ADD_ERROR, "No destination specified")


async def test_a_group_takes_posts_of_its_members_and_of_administrators_only(house: House):
    params = {"POST_MESSAGE": "x", "DEST[0]": "SG2"}
    assert (await house.fault(4, "log.blogpost.add", **params))[2] == "No destination specified"
    assert await house.call(5, "log.blogpost.add", **params) == 13
    assert await house.call(1, "log.blogpost.add", **params) == 14


async def test_what_cannot_be_reached_is_left_out_of_the_recipients(house: House):
    post_id = await house.call(
        4, "log.blogpost.add", **{"POST_MESSAGE": "x", "DEST[0]": "SG2", "DEST[1]": "U8", "DEST[2]": "u8"}
    )
    assert await read(house, post_id, user=8)
    assert await read(house, post_id, user=5) is None


@pytest.mark.parametrize(
    ("dest", "who_sees"),
    [
        ("UA", {1, 2, 3, 4, 5, 6, 7, 8}),
        ("AU", {1, 2, 3, 4, 5, 6, 7, 8}),
        ("U3", {1, 3, 4}),
        ("SG1", {1, 4, 5, 6, 8}),
        ("DR1", {1, 2, 3, 4, 5, 6, 7, 8}),
        ("D1", {1, 3, 4}),
        ("DR2", {1, 2, 4, 8}),
        ("D3", {1, 4, 5, 6, 7}),
    ],
)
async def test_the_audience_decides_who_sees_a_post(house: House, dest: str, who_sees: set[int]):
    author = 4
    house_call = {"POST_MESSAGE": "x", "DEST[0]": dest, "USER_ID": author}
    post_id = await house.call(1, "log.blogpost.add", **house_call)
    assert {user for user in range(1, 9) if await read(house, post_id, user=user)} == who_sees


async def test_only_an_administrator_writes_in_somebody_elses_name(house: House):
    assert (await read(house, await house.call(1, "log.blogpost.add", POST_MESSAGE="x", USER_ID=4)))[
        "AUTHOR_ID"
    ] == "4"
    assert (await read(house, await house.call(2, "log.blogpost.add", POST_MESSAGE="x", USER_ID=4)))[
        "AUTHOR_ID"
    ] == "2"
    assert (await house.fault(1, "log.blogpost.add", POST_MESSAGE="x", USER_ID=99))[1] == "ERROR_ARGUMENT"


async def test_update_with_only_a_text_takes_the_title_from_the_text(house: House):
    text = "[b]Closed[/b] from 3 to 14 June."
    assert await house.call(1, "log.blogpost.update", POST_ID=1, POST_MESSAGE=text) == 1
    post = await read(house, 1, user=2)
    assert (post["DETAIL_TEXT"], post["TITLE"], post["MICRO"]) == (text, "Closed from 3 to 14 June.", "Y")


async def test_update_with_only_a_title_keeps_the_text(house: House):
    before = await read(house, 1)
    await house.call(1, "log.blogpost.update", POST_ID=1, POST_TITLE="Summer")
    after = await read(house, 1)
    assert (after["TITLE"], after["DETAIL_TEXT"]) == ("Summer", before["DETAIL_TEXT"])
    assert after["DATE_PUBLISH"] == before["DATE_PUBLISH"]


async def test_update_keeps_the_recipients_unless_new_ones_are_given(house: House):
    await house.call(2, "log.blogpost.update", POST_ID=3, POST_TITLE="Prices")
    assert await read(house, 3, user=8)
    assert await read(house, 3, user=5) is None
    await house.call(2, "log.blogpost.update", **{"POST_ID": 3, "POST_TITLE": "Prices", "DEST[]": "U5"})
    assert await read(house, 3, user=5)
    assert await read(house, 3, user=8) is None


async def test_author_and_administrator_edit_and_nobody_else(house: House):
    assert await house.call(2, "log.blogpost.update", POST_ID=3, POST_MESSAGE="by the author") == 3
    assert await house.call(1, "log.blogpost.update", POST_ID=3, POST_MESSAGE="by the administrator") == 3
    refused = await house.fault(8, "log.blogpost.update", POST_ID=3, POST_MESSAGE="by a reader")
    assert refused == (400, UPDATE_ERROR, "No write perms")
    hidden = await house.fault(5, "log.blogpost.update", POST_ID=3, POST_MESSAGE="by one who sees nothing")
    assert hidden == (400, UPDATE_ERROR, "No post found")
    assert (await read(house, 3))["DETAIL_TEXT"] == "by the administrator"


@pytest.mark.parametrize("post_id", ["", "abc", "0", "-1", "1.5", "9" * 30, "1e3"])
async def test_a_malformed_post_id_is_refused(house: House, post_id: str):
    assert await house.fault(1, "log.blogpost.update", POST_ID=post_id, POST_MESSAGE="x") == (
        400,
        UPDATE_ERROR,
        "Wrong post ID",
    )
    assert await house.fault(1, "log.blogpost.delete", POST_ID=post_id) == (400, "100", "Wrong post ID")


async def test_missing_parts_of_an_update_are_told(house: House):
    assert await house.fault(1, "log.blogpost.update", POST_MESSAGE="x") == (
        400,
        UPDATE_ERROR,
        "Wrong post ID",
    )
    assert await house.fault(1, "log.blogpost.update", POST_ID=1) == (
        400,
        "EMPTY_TITLE",
        "Message title is not specified.",
    )
    assert (await house.fault(1, "log.blogpost.update", POST_ID=999, POST_MESSAGE="x"))[2] == "No post found"
    bad_date = await house.fault(
        1, "log.blogpost.update", POST_ID=1, POST_MESSAGE="x", IMPORTANT_DATE_END="tomorrow"
    )
    assert bad_date[:2] == (400, "ERROR_ARGUMENT")


async def test_a_deleted_post_is_gone_for_everybody(house: House):
    refused = await house.fault(2, "log.blogpost.delete", POST_ID=1)
    assert refused == (400, "403", "You do not have permission to delete this message")
    assert await house.call(1, "log.blogpost.delete", POST_ID=1) is True
    assert await read(house, 1) is None
    assert await house.fault(1, "log.blogpost.delete", POST_ID=1) == (400, "100", "Wrong post ID")
    assert (await house.fault(1, "log.blogpost.update", POST_ID=1, POST_MESSAGE="x"))[2] == "No post found"
    assert (await house.fault(1, "log.blogcomment.add", POST_ID=1, TEXT="x"))[2] == "No post found"
    assert await house.call(1, "log.blogpost.add", POST_MESSAGE="x") == 13


async def test_without_parameters_all_visible_posts_come_newest_first(house: House):
    assert await ids(house, 1) == list(range(12, 0, -1))
    assert await ids(house, 3) == [11, 9, 7, 6, 2, 1]


async def test_offset_pages_of_fifty_say_where_the_next_one_begins(house: House):
    for number in range(60):
        await house.call(1, "log.blogpost.add", POST_MESSAGE=f"Post {number}")
    first = (await house.send(1, "log.blogpost.get")).json()
    assert (len(first["result"]), first["total"], first["next"]) == (50, 72, 50)
    second = (await house.send(1, "log.blogpost.get", start=50)).json()
    assert (len(second["result"]), second["total"]) == (22, 72)
    assert "next" not in second
    uncounted = (await house.send(1, "log.blogpost.get", start=-1)).json()
    assert (len(uncounted["result"]), uncounted["total"]) == (50, 0)


async def test_cursors_walk_feed_entries_both_ways(house: House):
    assert await ids(house, 1, FIRST_ID=1000, LIMIT=3) == [1, 2, 3]
    assert await ids(house, 1, FIRST_ID=1003, LIMIT=2) == [4, 5]
    assert await ids(house, 1, LAST_ID=1004, LIMIT=2) == [3, 2]
    assert await ids(house, 1, FIRST_ID=1010, LAST_ID=1002) == [11, 12]
    assert len(await ids(house, 1, FIRST_ID=1, LIMIT="many")) == 12


async def test_the_feed_entry_of_a_comment_leads_to_its_post(house: House):
    comment = (await house.call(3, "log.blogcomment.user.get"))["comments"][0]
    assert await ids(house, 3, FIRST_ID=comment["log_id"] - 1, LIMIT=1) == [9]


async def test_posts_are_found_by_recipients_and_dates(house: House):
    assert await ids(house, 1, **{"LOG_RIGHTS[]": "SG1"}) == [12, 5]
    assert await ids(house, 1, **{"LOG_RIGHTS[0]": "SG2", "LOG_RIGHTS[1]": "DR3"}) == [7, 4]
    assert await ids(house, 3, **{"LOG_RIGHTS[]": "DR3"}) == []
    since, until = iso(NOW_MS - 160 * 3_600_000), iso(NOW_MS - 100 * 3_600_000)
    assert await ids(house, 1, LOG_DATE_FROM=since, LOG_DATE_TO=until) == [8, 7]
    assert await ids(house, 1, POST_ID=1, **{"LOG_RIGHTS[]": "SG1"}) == [1]
    refused = await house.fault(1, "log.blogpost.get", LOG_DATE_FROM=until, LOG_DATE_TO=since)
    assert refused[:2] == (400, "ERROR_ARGUMENT")
    assert (await house.fault(1, "log.blogpost.get", LOG_DATE_FROM="soon"))[1] == "ERROR_ARGUMENT"


@pytest.mark.parametrize("post_id", ["999", "abc", "-1", "3"])
async def test_an_unknown_or_invisible_post_is_an_empty_answer(house: House, post_id: str):
    response = await house.send(5, "log.blogpost.get", POST_ID=post_id)
    assert (response.json()["result"], response.json()["total"]) == ([], 0)


async def test_comments_are_counted_and_listed_by_person(house: House):
    comment = await house.call(2, "log.blogcomment.add", POST_ID=1, TEXT="One more")
    assert (await read(house, 1))["NUM_COMMENTS"] == "4"
    answer = await house.call(5, "log.blogcomment.user.get", USER_ID=2, LIMIT=1)
    assert answer == {
        "comments": [
            {
                "id": comment,
                "comment_id": comment,
                "log_id": 1001,
                "date": iso(NOW_MS),
                "text": "One more",
                "attach": [],
            }
        ],
        "files": [],
    }


async def test_a_comment_under_an_invisible_post_is_not_shown_to_others(house: House):
    theirs = await house.call(1, "log.blogcomment.user.get", USER_ID=8)
    seen = await house.call(5, "log.blogcomment.user.get", USER_ID=8)
    assert {comment["log_id"] for comment in theirs["comments"]} == {1003, 1005, 1011}
    assert {comment["log_id"] for comment in seen["comments"]} == {1005, 1011}


async def test_comment_cursors_are_strict_and_may_be_combined(house: House):
    async def numbers(**params: object) -> list[int]:
        answer = await house.call(1, "log.blogcomment.user.get", USER_ID=3, **params)
        return [comment["id"] for comment in answer["comments"]]

    every = await numbers()
    assert await numbers(LAST_ID=every[0]) == every[1:]
    assert await numbers(FIRST_ID=every[-1]) == every[:-1]
    assert await numbers(FIRST_ID=every[-1], LAST_ID=every[0]) == every[1:-1]


async def test_the_same_comment_twice_in_a_row_is_refused(house: House):
    await house.call(2, "log.blogcomment.add", POST_ID=1, TEXT="Twice")
    assert await house.fault(2, "log.blogcomment.add", POST_ID=1, TEXT="Twice") == (
        400,
        "",
        "Duplicate comment",
    )
    await house.call(3, "log.blogcomment.add", POST_ID=1, TEXT="Twice")
    await house.call(2, "log.blogcomment.add", POST_ID=1, TEXT="Twice")


@pytest.mark.parametrize(
    ("params", "description"),
    [
        ({"TEXT": "x"}, "No post found"),
        ({"POST_ID": "x", "TEXT": "x"}, "No post found"),
        ({"POST_ID": 999, "TEXT": "x"}, "No post found"),
        ({"POST_ID": 3, "TEXT": "x"}, "No post found"),
        ({"POST_ID": 1}, "Blog comment hasn't been added"),
        ({"POST_ID": 1, "TEXT": " "}, "Blog comment hasn't been added"),
    ],
)
async def test_a_bad_comment_is_refused(house: House, params: dict[str, object], description: str):
    assert await house.fault(5, "log.blogcomment.add", **params) == (400, "", description)


async def test_files_are_attached_kept_and_taken_away(house: House):
    async def call(method: str, **params: object):
        response = await house.post(house.webhook(1, method), json.dumps(params).encode(), "application/json")
        return response.json()["result"]

    text = base64.b64encode(b"It's a test").decode()
    post_id = await call(
        "log.blogpost.add", POST_MESSAGE="With a file", FILES=[["a.txt", text], ["b.txt", text]]
    )
    first, second = (await read(house, post_id))["FILES"]
    await call("log.blogpost.update", POST_ID=post_id, POST_TITLE="t", FILES=[["c.txt", text]])
    kept = (await read(house, post_id))["FILES"]
    assert kept[:2] == [first, second]
    assert len(kept) == 3
    await call("log.blogpost.update", POST_ID=post_id, POST_TITLE="t", FILES={str(first): "del"})
    assert (await read(house, post_id))["FILES"] == kept[1:]
    await call("log.blogpost.update", POST_ID=post_id, POST_TITLE="t", UF_BLOG_POST_FILE=["empty"])
    assert (await read(house, post_id))["FILES"] == []
    await call("log.blogcomment.add", POST_ID=post_id, TEXT="See", FILES=[["d.txt", text]])
    answer = await call("log.blogcomment.user.get", LIMIT=1)
    (drive_file,) = answer["comments"][0]["attach"]
    described = answer["files"][str(drive_file)]
    assert (described["name"], described["size"], described["authorId"]) == ("d.txt", 11, 1)
    post_id = await call("log.blogpost.add", POST_MESSAGE="Again", UF_BLOG_POST_FILE=[f"n{drive_file}", "n1"])
    assert len((await read(house, post_id))["FILES"]) == 1
