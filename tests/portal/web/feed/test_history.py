"""The history of a post: who may see it, and what it says of any two versions."""

import re

import pytest

from ...browser import signed_in
from ...conftest import House

pytestmark = pytest.mark.anyio


async def edited(house: House) -> None:
    """Post 1 in four versions: another date; another title and importance; nothing but a bold word."""
    await house.call(1, "log.blogpost.update", POST_ID=1, POST_TITLE="Holidays", POST_MESSAGE="1 to 14 June")
    await house.call(1, "log.blogpost.update", POST_ID=1, POST_TITLE="Holidays", POST_MESSAGE="3 to 14 June")
    browser = await signed_in(house, 1)
    await browser.submit(
        "/posts/1", version="3", title="Days off", text="3 to 14 June", important="Y", **{"to[]": "SG1"}
    )
    await house.call(
        1, "log.blogpost.update", POST_ID=1, POST_TITLE="Days off", POST_MESSAGE="[b]3[/b] to 14 June"
    )


async def test_the_newest_edit_is_shown_first_with_what_went_and_what_came(house: House):
    await house.call(1, "log.blogpost.update", POST_ID=1, POST_TITLE="Holidays", POST_MESSAGE="1 to 14 June")
    await house.call(1, "log.blogpost.update", POST_ID=1, POST_TITLE="Holidays", POST_MESSAGE="3 to 14 June")
    page = (await (await signed_in(house, 4)).get("/posts/1/history")).text
    assert "From version 2 to 3" in page
    assert re.search(r"<del>.*?removed: </span>1</del>\s*<ins>.*?added: </span>3</ins> to 14 June", page)
    assert page.count('<li id="version-') == 3
    assert "text: material" in page


@pytest.mark.parametrize(
    ("view", "mark"),
    [
        ("inline", '<div class="diff inline">'),
        ("side", '<table class="diff beside">'),
        ("raw", '<pre class="diff raw">'),
        ("nonsense", '<div class="diff inline">'),
    ],
)
async def test_a_difference_is_shown_in_three_ways(house: House, view: str, mark: str):
    await edited(house)
    page = (await (await signed_in(house)).get(f"/posts/1/history?from=2&to=3&view={view}")).text
    assert mark in page
    if view != "nonsense":
        assert f'view={view}" aria-current="page"' in page


async def test_any_two_versions_are_compared_the_older_one_first(house: House):
    await edited(house)
    browser = await signed_in(house)
    for query in ("from=2&to=4", "from=4&to=2"):
        page = (await browser.get(f"/posts/1/history?{query}")).text
        assert "From version 2 to 4" in page
        assert '<del><span class="hidden">removed: </span>Holidays</del>' in page
        assert '<ins><span class="hidden">added: </span>Days off</ins>' in page


async def test_recipients_and_importance_are_changes_too(house: House):
    await edited(house)
    page = (await (await signed_in(house)).get("/posts/1/history?from=3&to=4")).text
    assert '<dt>Recipients</dt><dd><del><span class="hidden">removed: </span>Everyone</del>' in page
    assert '<ins><span class="hidden">added: </span>Website relaunch</ins>' in page
    assert '<ins><span class="hidden">added: </span>important</ins>' in page
    assert "The text is the same in both versions." in page


async def test_what_is_important_for_ever_is_told_in_every_time_zone(house: House):
    until = "9999-12-31T23:59:59Z"
    await house.call(
        1, "log.blogpost.update", POST_ID=1, POST_MESSAGE="x", IMPORTANT="Y", IMPORTANT_DATE_END=until
    )
    await house.store.write(lambda tx: tx.execute("UPDATE person SET time_zone = 'Asia/Tokyo'"))
    assert "important until 31 December 9999" in (await (await signed_in(house)).get("/posts/1/history")).text


async def test_a_file_that_came_is_named(house: House):
    await house.call(
        1,
        "log.blogpost.update",
        POST_ID=1,
        POST_TITLE="Holidays",
        **{"FILES[0][0]": "plan.pdf", "FILES[0][1]": "YWJj"},
    )
    page = (await (await signed_in(house)).get("/posts/1/history")).text
    assert '<ins><span class="hidden">added: </span>plan.pdf</ins>' in page


async def test_a_change_of_markup_alone_is_called_that(house: House):
    await edited(house)
    browser = await signed_in(house)
    assert "only markup or white space differs" in (await browser.get("/posts/1/history?from=4&to=5")).text
    raw = (await browser.get("/posts/1/history?from=4&to=5&view=raw")).text
    assert "only markup or white space differs" not in raw
    assert "<ins>" in raw


async def test_a_long_text_is_not_weighed_word_by_word(house: House):
    for word in ("word ", "other "):
        await house.call(1, "log.blogpost.update", POST_ID=1, POST_MESSAGE=word * 3_000)
    page = (await (await signed_in(house, 4)).get("/posts/1/history")).text
    assert '<span class="badge info">text</span>' in page
    assert "words added" not in re.split(r'<li id="version-2', page)[0].rpartition("<li")[2]
    assert "<ins>" in page, "the two versions that are shown are compared all the same"


async def test_an_edit_that_changed_nothing_is_called_that(house: House):
    text = (await house.call(1, "log.blogpost.get", POST_ID=1))[0]["DETAIL_TEXT"]
    await house.call(1, "log.blogpost.update", POST_ID=1, POST_TITLE="Holidays", POST_MESSAGE=text)
    page = (await (await signed_in(house)).get("/posts/1/history")).text
    assert "nothing changed" in page
    assert "Nothing differs between these versions." in page


async def test_a_post_that_was_never_changed_shows_its_only_version(house: House):
    page = (await (await signed_in(house)).get("/posts/1/history")).text
    assert "Version 1" in page
    assert "The office is closed from 1 to 14 June." in page
    assert 'name="from"' not in page


@pytest.mark.parametrize("query", ["from=99&to=98", "from=0&to=x", "from=-1", "to=" + "9" * 30, "until=99"])
async def test_versions_that_do_not_exist_are_the_nearest_that_do(house: House, query: str):
    await edited(house)
    assert (await (await signed_in(house)).get(f"/posts/1/history?{query}")).status == 200


async def test_a_long_history_comes_a_page_at_a_time(house: House):
    for number in range(55):
        await house.call(1, "log.blogpost.update", POST_ID=1, POST_MESSAGE=f"{number} days")
    browser = await signed_in(house)
    first = (await browser.get("/posts/1/history")).text
    assert first.count('<li id="version-') == 50
    (earlier,) = re.findall(r'href="(\?until=[^"]+)"', first)
    second = (await browser.get("/posts/1/history" + earlier.replace("&amp;", "&"))).text
    assert second.count('<li id="version-') == 6


async def test_the_history_is_for_those_who_may_see_the_post(house: House):
    assert (await (await signed_in(house, 8)).get("/posts/3/history")).status == 200
    for url in ("/posts/3/history", "/posts/3/history?from=1&to=1"):
        answer = await (await signed_in(house, 5)).get(url)
        assert answer.status == 404
        assert "Price list" not in answer.text
    await (await signed_in(house, 2)).submit("/posts/3/delete")
    assert (await (await signed_in(house, 2)).get("/posts/3/history")).status == 404


async def test_old_words_are_escaped_in_every_view(house: House):
    evil = "<img src=x onerror=alert(1)>\"'[url=javascript:alert(1)]x[/url]"
    for title in (evil, "b"):
        await house.call(1, "log.blogpost.update", POST_ID=1, POST_TITLE=title, POST_MESSAGE=evil + title)
    browser = await signed_in(house)
    for view in ("inline", "side", "raw"):
        for pair in ("from=1&to=2", "from=2&to=3", "from=2&to=2"):
            page = (await browser.get(f"/posts/1/history?{pair}&view={view}")).text
            assert "<img" not in page
            assert 'href="javascript' not in page
