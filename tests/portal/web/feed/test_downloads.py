"""Files: offered where they hang, and given as downloads to those who may see the post."""

from base64 import b64encode
from typing import Any

import pytest

from ...asgi import Response
from ...browser import Browser, signed_in
from ...conftest import House

pytestmark = pytest.mark.anyio

HTML = b"<script>alert(1)</script>"


def upload(name: str, content: bytes = HTML) -> dict[str, str]:
    return {"FILES[0][0]": name, "FILES[0][1]": b64encode(content).decode()}


async def post_with_file(house: House, name: str = "plan.html", **more: Any) -> tuple[int, int]:
    post = int(await house.call(1, "log.blogpost.add", POST_MESSAGE="See the plan", **upload(name), **more))
    (row,) = await house.call(1, "log.blogpost.get", POST_ID=post)
    return post, int(row["FILES"][0])


async def test_a_file_is_named_under_its_post_with_its_size_and_a_link(house: House):
    post, file = await post_with_file(house)
    for url in ("/", f"/posts/{post}"):
        page = (await (await signed_in(house, 2)).get(url)).text
        assert (
            f'href="/posts/{post}/files/{file}" download>plan.html <span class="small">25 bytes</span>'
            in page
        )


async def test_a_file_is_a_download_whatever_it_is(house: House):
    post, file = await post_with_file(house)
    answer = await (await signed_in(house, 2)).get(f"/posts/{post}/files/{file}")
    assert (answer.status, answer.body) == (200, HTML)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith('attachment; filename="plan.html"')
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("план 1.txt", "filename=\"____ 1.txt\"; filename*=UTF-8''%D0%BF%D0%BB%D0%B0%D0%BD%201.txt"),
        ('a"; x="b.txt', "filename=\"a__ x__b.txt\"; filename*=UTF-8''a%22%3B%20x%3D%22b.txt"),
    ],
)
async def test_a_name_cannot_leave_its_header(house: House, name: str, told: str):
    post, file = await post_with_file(house, name)
    answer = await (await signed_in(house, 2)).get(f"/posts/{post}/files/{file}")
    assert answer.headers["content-disposition"] == f"attachment; {told}"


async def fetched(browser: Browser, post: int, file: object) -> Response:
    return await browser.get(f"/posts/{post}/files/{file}")


async def test_a_file_is_only_for_those_who_may_see_the_post_it_hangs_under(house: House):
    post, file = await post_with_file(house, DEST="SG1")
    other, _ = await post_with_file(house)
    assert (await fetched(await signed_in(house, 8), post, file)).status == 200
    stranger = await signed_in(house, 2)
    for answer in (
        await fetched(stranger, post, file),
        await fetched(stranger, other, file),
        await fetched(stranger, other, 999),
        await fetched(stranger, other, "x"),
    ):
        assert answer.status == 404
        assert HTML not in answer.body
    nobody = await fetched(Browser(house.app), post, file)
    assert (nobody.status, nobody.headers["location"]) == (303, f"/login?next=/posts/{post}/files/{file}")


async def test_files_of_comments_and_of_older_versions_are_given_too(house: House):
    post, file = await post_with_file(house)
    await house.call(1, "log.blogcomment.add", POST_ID=post, TEXT="Mine", **upload("mine.txt", b"mine"))
    await house.call(1, "log.blogpost.update", POST_ID=post, POST_MESSAGE="No plan", FILES="del")
    browser = await signed_in(house, 2)
    page = (await browser.get(f"/posts/{post}")).text
    assert "mine.txt" in page
    assert (await fetched(browser, post, file)).status == 200
