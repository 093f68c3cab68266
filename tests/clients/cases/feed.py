"""Posts and comments."""

from typing import TYPE_CHECKING, Any

from tests.clients.cases.registry import B24PYSDK, FAST, JS, case

if TYPE_CHECKING:
    from tests.clients.sdks import Sdks


def new_post(sdks: "Sdks", text: str = "Closed on Friday", **more: Any) -> int:
    return sdks.hook.log.blogpost.add(text, **more).result


def stored(sdks: "Sdks", post: int) -> dict[str, Any]:
    rows = sdks.hook.log.blogpost.get(post_id=post).result
    return rows[0] if rows else {}


@case("log.blogpost.add", B24PYSDK)
def add_post(sdks: "Sdks") -> None:
    post = sdks.hook.log.blogpost.add(
        "We moved & stayed: 50 %",
        post_title="Öffnungszeiten",
        dest=["U2"],
        important="Y",
        tags="office,hours",
        files=[("plan.txt", "cGxhbg==")],
    ).result

    row = stored(sdks, post)
    assert isinstance(post, int)
    assert ("Öffnungszeiten", "We moved & stayed: 50 %") == (row["TITLE"], row["DETAIL_TEXT"])
    assert ("1", "Y", "Y", "N") == (
        row["AUTHOR_ID"],
        row["HAS_TAGS"],
        row["HAS_PROPS"],
        row["HAS_SOCNET_ALL"],
    )
    assert 1 == len(row["FILES"])


@case("log.blogpost.update", B24PYSDK)
def update_post(sdks: "Sdks") -> None:
    post = new_post(sdks, post_title="Friday")

    assert (
        post
        == sdks.hook.log.blogpost.update(post, post_message="Open on Friday", post_title="Friday!").result
    )

    row = stored(sdks, post)
    assert ("Friday!", "Open on Friday") == (row["TITLE"], row["DETAIL_TEXT"])


@case("log.blogpost.get", FAST)
def get_posts(sdks: "Sdks") -> None:
    posts = [new_post(sdks, f"number {number}") for number in range(3)]

    async def by_id(fast: Any) -> Any:
        return await fast.get_by_ID("log.blogpost.get", posts, ID_field_name="POST_ID")

    rows = sdks.fast(by_id)

    assert {str(post): f"number {number}" for number, post in enumerate(posts)} == {
        str(key): rows[key][0]["DETAIL_TEXT"] for key in rows
    }


@case("log.blogpost.delete", B24PYSDK)
def delete_post(sdks: "Sdks") -> None:
    post = new_post(sdks)

    assert sdks.hook.log.blogpost.delete(post).result is True

    assert {} == stored(sdks, post)


@case("log.blogcomment.add", JS)
def add_comment(sdks: "Sdks") -> None:
    post = new_post(sdks)

    comment = sdks.js.call("log.blogcomment.add", POST_ID=post, TEXT="noted <b>&</b>")

    assert isinstance(comment, int)
    assert "1" == stored(sdks, post)["NUM_COMMENTS"]
    written = sdks.hook.log.blogcomment.user.get(first_id=comment - 1).result["comments"]
    assert [(comment, "noted <b>&</b>")] == [(row["id"], row["text"]) for row in written]


@case("log.blogcomment.user.get", B24PYSDK)
def get_comments(sdks: "Sdks") -> None:
    post = new_post(sdks, dest=["UA"])
    first = sdks.member.log.blogcomment.add(post, f"first {post}").result
    second = sdks.member.log.blogcomment.add(post, f"second {post}").result

    answer = sdks.member.log.blogcomment.user.get(user_id=2, first_id=first - 1, last_id=second + 1).result

    rows = answer["comments"]
    assert {first: f"first {post}", second: f"second {post}"} == {row["id"]: row["text"] for row in rows}
    assert 1 == len({row["log_id"] for row in rows})
