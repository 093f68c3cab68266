"""The pages, without a browser."""

import html
import re
from urllib.parse import quote_plus

import pytest
from starlette.applications import Starlette

from livefeed.portal.web.feed import FeedPages, feed_routes

from ..asgi import Response, request
from ..conftest import House

pytestmark = pytest.mark.anyio

VISIT = "livefeed_visit=" + "a" * 32


class Browser:
    """Keeps its cookies, and fills in forms as they are shown."""

    def __init__(self, house: House, person: int = 1) -> None:
        self._app = house.app
        self._cookie = f"{VISIT}; livefeed_person={person}"

    async def get(self, url: str) -> Response:
        return await request(self._app, "GET", url, headers={"cookie": self._cookie})

    async def submit(self, url: str, *, seen_at: str = "/", **fields: str) -> Response:
        token = re.findall(r'name="token" value="(\w+)"', (await self.get(seen_at)).text)[0]
        return await self.send(url, token=token, **fields)

    async def send(self, url: str, **fields: str) -> Response:
        body = "&".join(f"{name}={quote_plus(value)}" for name, value in fields.items()).encode()
        headers = {"cookie": self._cookie, "content-type": "application/x-www-form-urlencoded"}
        return await request(self._app, "POST", url, body=body, headers=headers)


async def test_the_feed_shows_what_the_chosen_person_may_see(house: House):
    seen = (await Browser(house, person=3).get("/")).text
    assert "Holidays" in seen
    assert "Price list for the second half-year" not in seen
    assert "Price list for the second half-year" in (await Browser(house, person=8).get("/")).text


async def test_pages_carry_a_policy_without_inline_code_and_contain_none(house: House):
    browser = Browser(house)
    for url in ("/", "/posts/1", "/posts/1/edit", "/bell"):
        page = await browser.get(url)
        assert page.status == 200
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", page.text)


async def test_everything_has_a_label_a_language_and_a_place_to_skip_to(house: House):
    page = (await Browser(house).get("/")).text
    assert '<html lang="en">' in page
    assert 'href="#main"' in page
    assert page.count("<h1") == 1
    ids = set(re.findall(r'\sid="([^"]+)"', page))
    assert set(re.findall(r'for="([^"]+)"', page)) <= ids
    shown = re.findall(r'<(?:input|textarea|select)(?![^>]*type="hidden")[^>]*id="([^"]+)"', page)
    assert set(shown) == set(re.findall(r'for="([^"]+)"', page))


async def test_an_author_edits_his_post_on_the_page(house: House):
    browser = Browser(house, person=2)
    form = (await browser.get("/posts/3/edit")).text
    assert 'value="Price list for the second half-year"' in form
    saved = await browser.submit(
        "/posts/3", seen_at="/posts/3/edit", version="1", title="Prices", text="From 1 July.\r\nAgain."
    )
    assert (saved.status, saved.headers["location"]) == (303, "/posts/3?said=saved")
    page = (await browser.get("/posts/3?said=saved")).text
    assert "Everybody who takes part will be told" in page
    assert "edited by James Whitfield" in page
    assert page.count("<summary>") == 2
    (post,) = await house.call(2, "log.blogpost.get", POST_ID=3)
    assert (post["TITLE"], post["DETAIL_TEXT"]) == ("Prices", "From 1 July.\nAgain.")


async def test_an_edit_over_a_newer_version_is_shown_again_and_not_saved(house: House):
    await house.call(1, "log.blogpost.update", POST_ID=3, POST_TITLE="By Anna")
    answer = await Browser(house, person=2).submit("/posts/3", version="1", title="Mine", text="My words")
    assert answer.status == 409
    assert 'role="alert"' in answer.text
    assert "My words" in answer.text
    assert 'name="version" value="2"' in answer.text
    assert (await house.call(1, "log.blogpost.get", POST_ID=3))[0]["TITLE"] == "By Anna"


async def test_an_empty_text_is_not_saved(house: House):
    answer = await Browser(house, person=2).submit("/posts/3", version="1", title="Mine", text=" \r\n ")
    assert answer.status == 400
    assert "needs a text" in answer.text


async def test_who_may_not_edit_is_offered_no_form_and_refused_when_he_sends_one(house: House):
    browser = Browser(house, person=4)
    assert "/posts/3/edit" not in (await browser.get("/posts/3")).text
    assert (await browser.get("/posts/3/edit")).status == 403
    assert (await browser.submit("/posts/3", version="1", text="x")).status == 403
    assert (await browser.submit("/posts/3/delete")).status == 403
    stranger = Browser(house, person=5)
    assert (await stranger.get("/posts/3")).status == 404
    assert (await stranger.submit("/posts/3", version="1", text="x")).status == 404
    assert (await stranger.submit("/posts/3/comments", text="x")).status == 404


@pytest.mark.parametrize(
    "url", ["/posts", "/posts/1", "/posts/1/delete", "/posts/1/comments", "/bell/read", "/person"]
)
async def test_a_form_of_another_site_or_browser_changes_nothing(house: House, url: str):
    browser = Browser(house)
    other = "b" * 32
    token = re.findall(
        r'name="token" value="(\w+)"',
        (await request(house.app, "GET", "/", headers={"cookie": f"livefeed_visit={other}"})).text,
    )[0]
    for fields in ({}, {"token": ""}, {"token": "é"}, {"token": token}):
        answer = await browser.send(url, text="forged", version="1", person="2", **fields)
        assert answer.status == 403
    assert "forged" not in (await browser.get("/")).text


async def test_cookies_are_out_of_reach_of_scripts_and_other_sites(house: House):
    answer = await request(house.app, "GET", "/", scheme="https")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" in cookie


async def test_choosing_a_person_changes_whose_feed_and_bell_it_is(house: House):
    await house.call(2, "im.notify.system.add", USER_ID=5, MESSAGE="Only for Ivan")
    chosen = await Browser(house).submit("/person", person="5")
    assert (chosen.status, chosen.headers["location"]) == (303, "/")
    assert chosen.headers["set-cookie"].startswith("livefeed_person=5")
    assert "Only for Ivan" in (await Browser(house, person=5).get("/")).text
    assert "Only for Ivan" not in (await Browser(house, person=6).get("/")).text
    assert "Anna Petrova" in (await Browser(house, person=999).get("/bell")).text


async def test_the_bell_shows_old_and_new_words_and_is_marked_read(house: House):
    await house.call(2, "im.notify.personal.add", USER_ID=5, MESSAGE="from [s]1[/s] [b]3[/b] to 14 June")
    browser = Browser(house, person=5)
    page = (await browser.get("/")).text
    assert "from <del>1</del> <strong>3</strong> to 14 June" in page
    assert "1 unread" in page
    await browser.submit("/bell/read")
    assert "0 unread" in (await browser.get("/bell")).text


async def test_a_person_publishes_comments_and_deletes(house: House):
    browser = Browser(house, person=5)
    made = await browser.submit("/posts", title="", text="Новость", to="SG2")
    assert made.headers["location"] == "/posts/13?said=published"
    await browser.submit("/posts/13/comments", text="И ещё")
    await browser.submit("/posts/13/comments", text="И ещё")
    page = (await browser.get("/posts/13")).text
    assert page.count("И ещё") == 1
    assert "to Жизнь офиса" in page
    assert (await browser.submit("/posts", text="x", to="SG1")).status == 303
    assert (await browser.submit("/posts", text="x", to="SG99")).status == 400
    assert (await Browser(house, person=4).submit("/posts", text="x", to="SG2")).status == 400
    assert (await browser.submit("/posts", text=" ", to="UA")).status == 400
    assert (await browser.submit("/posts/13/delete")).headers["location"] == "/?said=deleted"
    assert (await browser.get("/posts/13")).status == 404


async def test_texts_and_names_are_escaped_everywhere(house: House):
    evil = "<img src=x onerror=alert(1)>\"'[url=javascript:alert(1)]x[/url]"
    post_id = await house.call(1, "log.blogpost.add", POST_MESSAGE=evil, POST_TITLE=evil)
    await house.call(1, "log.blogcomment.add", POST_ID=post_id, TEXT=evil)
    await house.call(1, "im.notify.personal.add", USER_ID=1, MESSAGE=evil)
    browser = Browser(house)
    for url in ("/", f"/posts/{post_id}", f"/posts/{post_id}/edit", "/bell"):
        page = (await browser.get(url)).text
        assert "<img" not in page
        assert 'href="javascript' not in page
    assert html.escape(evil, quote=False)[:20] in (await browser.get(f"/posts/{post_id}/edit")).text


async def test_older_posts_are_one_link_away(house: House):
    for number in range(25):
        await house.call(1, "log.blogpost.add", POST_MESSAGE=f"Post {number}")
    browser = Browser(house)
    first = (await browser.get("/")).text
    (older,) = re.findall(r'href="/\?before=(\d+)"', first)
    second = (await browser.get(f"/?before={older}")).text
    assert first.count("<article") == 20
    assert second.count("<article") == 17


@pytest.mark.parametrize(
    "url", ["/posts/0", "/posts/x", "/posts/999", "/posts/999/edit", "/posts/" + "9" * 40]
)
async def test_an_unknown_post_is_a_plain_page(house: House, url: str):
    page = await Browser(house).get(url)
    assert page.status == 404
    assert "No such post" in page.text


async def test_a_form_that_cannot_be_read_is_a_plain_page(house: House):
    browser = Browser(house)
    assert (await browser.send("/posts", text="\0")).status == 400
    assert (await browser.send("/posts", text="x" * 1_100_000)).status == 400
    assert (await browser.send("/person", person="\0")).status == 403


async def test_outside_the_demo_nobody_can_act_as_a_person(house: House):
    pages = FeedPages(store=house.store, keys=house.keys, directory=house.directory, is_demo=False)
    app = Starlette(routes=feed_routes(pages))
    token = re.findall(r'name="token" value="(\w+)"', (await Browser(house).get("/")).text)[0]
    page = await request(app, "GET", "/", headers={"cookie": f"{VISIT}; livefeed_person=1"})
    assert page.status == 200
    assert "works over REST" in page.text
    assert "Anna" not in page.text
    for url in ("/posts/1", "/posts/1/edit", "/bell"):
        assert "Anna" not in (await request(app, "GET", url)).text
    for url in ("/posts", "/posts/1", "/posts/1/delete", "/posts/1/comments", "/bell/read", "/person"):
        headers = {"cookie": VISIT, "content-type": "application/x-www-form-urlencoded"}
        body = f"token={token}&text=x&version=1".encode()
        assert (await request(app, "POST", url, body=body, headers=headers)).status == 403
    assert (await house.call(1, "log.blogpost.get", POST_ID=1))[0]["TITLE"] == "Holidays"


async def test_the_stylesheet_may_be_kept_and_is_the_one_the_pages_name(house: House):
    page = (await Browser(house).get("/")).text
    (address,) = re.findall(r'rel="stylesheet" href="([^"]+)"', page)
    style = await request(house.app, "GET", address)
    assert style.headers["content-type"].startswith("text/css")
    assert "prefers-color-scheme: dark" in style.text
    assert "max-age" in style.headers["cache-control"]
