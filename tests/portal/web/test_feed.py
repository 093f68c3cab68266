"""The pages, without a browser."""

import html
import re

import pytest

from livefeed.portal import portals
from livefeed.portal.people import people, sessions
from livefeed.portal.web.desk import session
from livefeed.ui.pages import asset_url
from livefeed.wire.ids import UserId

from ..asgi import request
from ..browser import Browser, signed_in
from ..conftest import House

MODULE = '<script type="module" src="{}">'

pytestmark = pytest.mark.anyio


async def test_the_feed_shows_what_the_chosen_person_may_see(house: House):
    seen = (await (await signed_in(house, 3)).get("/")).text
    assert "Holidays" in seen
    assert "Price list for the second half-year" not in seen
    assert "Price list for the second half-year" in (await (await signed_in(house, 8)).get("/")).text


async def test_pages_carry_a_policy_without_inline_code_and_contain_none(house: House):
    browser = await signed_in(house)
    for url in ("/", "/posts/1", "/posts/1/edit", "/bell"):
        page = await browser.get(url)
        assert page.status == 200
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page.text)
        assert set(re.findall(r"<script[^>]*>", page.text)) <= {MODULE.format(asset_url("live.js"))}


async def test_everything_has_a_label_a_language_and_a_place_to_skip_to(house: House):
    page = (await (await signed_in(house)).get("/")).text
    assert '<html lang="en">' in page
    assert 'href="#main"' in page
    assert page.count("<h1") == 1
    ids = set(re.findall(r'\sid="([^"]+)"', page))
    assert set(re.findall(r'for="([^"]+)"', page)) <= ids
    shown = re.findall(r'<(?:input|textarea|select)(?![^>]*type="hidden")[^>]*id="([^"]+)"', page)
    assert set(shown) == set(re.findall(r'for="([^"]+)"', page))


async def test_an_author_edits_his_post_on_the_page(house: House):
    browser = await signed_in(house, 2)
    form = (await browser.get("/posts/3/edit")).text
    assert 'value="Price list for the second half-year"' in form
    saved = await browser.submit(
        "/posts/3", seen_at="/posts/3/edit", version="1", title="Prices", text="From 1 July.\r\nAgain."
    )
    assert (saved.status, saved.headers["location"]) == (303, "/posts/3?said=saved")
    page = (await browser.get("/posts/3?said=saved")).text
    assert "Everybody who takes part will be told" in page
    assert "edited by James Whitfield" in page
    assert 'href="/posts/3/history"' in page
    (post,) = await house.call(2, "log.blogpost.get", POST_ID=3)
    assert (post["TITLE"], post["DETAIL_TEXT"]) == ("Prices", "From 1 July.\nAgain.")


async def test_an_edit_over_a_newer_version_is_shown_again_and_not_saved(house: House):
    await house.call(1, "log.blogpost.update", POST_ID=3, POST_TITLE="By Anna")
    answer = await (await signed_in(house, 2)).submit("/posts/3", version="1", title="Mine", text="My words")
    assert answer.status == 409
    assert 'role="alert"' in answer.text
    assert "My words" in answer.text
    assert 'name="version" value="2"' in answer.text
    assert (await house.call(1, "log.blogpost.get", POST_ID=3))[0]["TITLE"] == "By Anna"


async def test_an_empty_text_is_not_saved(house: House):
    answer = await (await signed_in(house, 2)).submit("/posts/3", version="1", title="Mine", text=" \r\n ")
    assert answer.status == 400
    assert "needs a text" in answer.text


async def test_who_may_not_edit_is_offered_no_form_and_refused_when_he_sends_one(house: House):
    browser = await signed_in(house, 4)
    assert "/posts/3/edit" not in (await browser.get("/posts/3")).text
    assert (await browser.get("/posts/3/edit")).status == 403
    assert (await browser.submit("/posts/3", version="1", text="x")).status == 403
    assert (await browser.submit("/posts/3/delete")).status == 403
    stranger = await signed_in(house, 5)
    assert (await stranger.get("/posts/3")).status == 404
    assert (await stranger.submit("/posts/3", version="1", text="x")).status == 404
    assert (await stranger.submit("/posts/3/comments", text="x")).status == 404


@pytest.mark.parametrize(
    "url", ["/posts", "/posts/1", "/posts/1/delete", "/posts/1/comments", "/bell/read", "/language"]
)
async def test_a_form_of_another_site_or_browser_changes_nothing(house: House, url: str):
    browser = await signed_in(house)
    token = await (await signed_in(house)).token()
    for fields in ({}, {"token": ""}, {"token": "é"}, {"token": token}):
        answer = await browser.send(url, text="forged", version="1", language="ru", **fields)
        assert answer.status == 403
    assert "forged" not in (await browser.get("/")).text


async def test_cookies_are_out_of_reach_of_scripts_and_other_sites(house: House):
    answer = await request(house.app, "POST", "/posts", scheme="https")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" in cookie


async def test_who_is_not_signed_in_is_asked_to_and_comes_back_to_the_page(house: House):
    answer = await Browser(house.app).get("/posts/3?said=saved")
    assert (answer.status, answer.headers["location"]) == (303, "/login?next=/posts/3%3Fsaid%3Dsaved")
    assert (await Browser(house.app).send("/posts", text="x")).status == 403


async def test_feed_and_bell_are_those_of_the_person_who_is_signed_in(house: House):
    await house.call(2, "im.notify.system.add", USER_ID=5, MESSAGE="Only for Ivan")
    assert "Only for Ivan" in (await (await signed_in(house, 5)).get("/")).text
    assert "Only for Ivan" not in (await (await signed_in(house, 6)).get("/")).text


async def test_a_session_ends_by_signing_out_by_age_and_by_dismissal(house: House):
    browsers = [await signed_in(house, 5) for _ in range(3)]
    code = house.keys.hash(browsers[0].cookies[session.SESSION_COOKIE])
    await house.store.write(lambda tx: sessions.end(tx, house.portal.member_id, code))
    assert [(await browser.get("/")).status for browser in browsers] == [303, 200, 200]
    house.clock.advance(sessions.SESSION_LIFE_S * 1000)
    assert (await browsers[1].get("/")).status == 303
    late = await signed_in(house, 5)
    await house.store.write(lambda tx: people.dismiss(tx, house.portal.member_id, UserId(5)))
    assert (await late.get("/")).status == 303


async def test_a_session_of_one_portal_is_nobody_in_another(house: House):
    other = await house.store.write(
        lambda tx: portals.create(tx, public_url="http://other.test", name="Other")
    )
    await house.directory.refresh(house.store)
    browser = await signed_in(house, 1, host=other.host)
    assert (await browser.get("/")).status == 303


async def test_a_form_sent_from_another_origin_is_refused_even_with_its_token(house: House):
    browser = await signed_in(house)
    token = await browser.token()
    for origin in ("http://evil.test", "null", "http://127.0.0.1:9999", "https://127.0.0.1:8024.evil.test"):
        answer = await browser.send("/posts", headers={"origin": origin}, token=token, text="x", to="UA")
        assert answer.status == 403
    own = {"origin": "http://127.0.0.1:8024"}
    assert (await browser.send("/posts", headers=own, token=token, text="x", to="UA")).status == 303


async def test_a_browser_chooses_its_language_and_is_led_to_no_other_host(house: House):
    browser = await signed_in(house)
    for here in ("//evil.test", "https://evil.test", "/\\evil.test", "javascript:alert(1)", "/é", ""):
        answer = await browser.submit("/language", language="en", here=here)
        assert answer.headers["location"] == "/"
    answer = await browser.submit("/language", language="ru", here="/bell")
    assert answer.headers["location"] == "/bell"
    assert '<html lang="ru">' in (await browser.get("/bell")).text


async def test_the_bell_shows_old_and_new_words_and_is_marked_read(house: House):
    await house.call(2, "im.notify.personal.add", USER_ID=5, MESSAGE="from [s]1[/s] [b]3[/b] to 14 June")
    browser = await signed_in(house, 5)
    page = (await browser.get("/")).text
    assert "from <del>1</del> <strong>3</strong> to 14 June" in page
    assert page.count('<span class="count">1<') == 2
    await browser.submit("/bell/read")
    assert 'class="count"' not in (await browser.get("/bell")).text


async def test_a_person_publishes_comments_and_deletes(house: House):
    browser = await signed_in(house, 5)
    made = await browser.submit("/posts", title="", text="Новость", to="SG2")
    assert made.headers["location"] == "/posts/13?said=published"
    await browser.submit("/posts/13/comments", text="И ещё")
    await browser.submit("/posts/13/comments", text="И ещё")
    page = (await browser.get("/posts/13")).text
    assert page.count("И ещё") == 1
    assert '<span class="chip">Жизнь офиса</span>' in page
    assert (await browser.submit("/posts", text="x", to="SG1")).status == 303
    assert (await browser.submit("/posts", text="x", to="SG99")).status == 400
    assert (await (await signed_in(house, 4)).submit("/posts", text="x", to="SG2")).status == 400
    assert (await browser.submit("/posts", text=" ", to="UA")).status == 400
    assert (await browser.submit("/posts/13/delete")).headers["location"] == "/?said=deleted"
    assert (await browser.get("/posts/13")).status == 404


async def test_texts_and_names_are_escaped_everywhere(house: House):
    evil = "<img src=x onerror=alert(1)>\"'[url=javascript:alert(1)]x[/url]"
    post_id = await house.call(1, "log.blogpost.add", POST_MESSAGE=evil, POST_TITLE=evil)
    await house.call(1, "log.blogcomment.add", POST_ID=post_id, TEXT=evil)
    await house.call(1, "im.notify.personal.add", USER_ID=1, MESSAGE=evil)
    browser = await signed_in(house)
    for url in ("/", f"/posts/{post_id}", f"/posts/{post_id}/edit", "/bell"):
        page = (await browser.get(url)).text
        assert "<img" not in page
        assert 'href="javascript' not in page
    assert html.escape(evil, quote=False)[:20] in (await browser.get(f"/posts/{post_id}/edit")).text


async def test_older_posts_are_one_link_away(house: House):
    for number in range(25):
        await house.call(1, "log.blogpost.add", POST_MESSAGE=f"Post {number}")
    browser = await signed_in(house)
    first = (await browser.get("/")).text
    (older,) = re.findall(r'href="/\?before=(\d+)"', first)
    second = (await browser.get(f"/?before={older}")).text
    assert first.count("<article") == 20
    assert second.count("<article") == 17


@pytest.mark.parametrize(
    "url", ["/posts/0", "/posts/x", "/posts/999", "/posts/999/edit", "/posts/" + "9" * 40]
)
async def test_an_unknown_post_is_a_plain_page(house: House, url: str):
    page = await (await signed_in(house)).get(url)
    assert page.status == 404
    assert "No such post" in page.text


async def test_a_form_that_cannot_be_read_is_a_plain_page(house: House):
    browser = await signed_in(house)
    assert (await browser.send("/posts", text="\0")).status == 400
    assert (await browser.send("/posts", text="x" * 1_100_000)).status == 400
    assert (await browser.send("/language", language="\0")).status == 400


async def test_the_stylesheet_may_be_kept_and_is_the_one_the_pages_name(house: House):
    page = (await (await signed_in(house)).get("/")).text
    (address,) = re.findall(r'rel="stylesheet" href="([^"]+)"', page)
    style = await request(house.app, "GET", address)
    assert style.headers["content-type"].startswith("text/css")
    assert "prefers-color-scheme: dark" in style.text
    assert "max-age" in style.headers["cache-control"]
