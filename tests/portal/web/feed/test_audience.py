"""The chips of the composer: several recipients, without scripts, and nobody one may not address."""

import re
from urllib.parse import quote_plus

import pytest

from ...asgi import Response, request
from ...browser import FORM, Browser, signed_in
from ...conftest import House

pytestmark = pytest.mark.anyio


async def send(house: House, browser: Browser, url: str, *codes: str, **fields: str) -> Response:
    """Send a form as browsers do: one field for each chosen chip, after the hidden empty one."""
    fields["token"] = await browser.token()
    pairs = [*fields.items(), ("to[]", ""), *(("to[]", code) for code in codes)]
    body = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs).encode()
    cookie = "; ".join(f"{name}={value}" for name, value in browser.at_port().items())
    return await request(house.app, "POST", url, body=body, headers={"cookie": cookie, "content-type": FORM})


def chosen(page: str) -> list[str]:
    return re.findall(r'name="to\[\]" value="(\w+)" checked', page)


def offered(page: str) -> list[str]:
    return re.findall(r'name="to\[\]" value="(\w+)"', page)


async def test_everyone_places_and_people_are_offered_but_no_group_of_others(house: House):
    page = (await (await signed_in(house, 4)).get("/")).text
    assert {"UA", "DR2", "DR3", "U1", "U8"} <= set(offered(page))
    assert not {"SG1", "SG2", "U4", "D2"} & set(offered(page))
    assert chosen(page) == ["UA"]


async def test_a_post_goes_to_every_chosen_chip(house: House):
    browser = await signed_in(house, 5)
    answer = await send(house, browser, "/posts", "SG1", "DR2", "U7", text="For several", important="Y")
    assert answer.headers["location"] == "/posts/13?said=published"
    page = (await browser.get("/posts/13")).text
    for name in ("Website relaunch", "Sales", "Дмитрий Волков"):
        assert f'<span class="chip">{name}</span>' in page
    assert "Важно" in page
    assert (await (await signed_in(house, 3)).get("/posts/13")).status == 404
    assert (await (await signed_in(house, 4)).get("/posts/13")).status == 200


async def test_what_was_typed_and_chosen_is_shown_again_when_somebody_forgot_something(house: House):
    browser = await signed_in(house, 1)
    for codes, text, problem in (((), "Words", "Choose whom"), (("SG1", "U5"), " ", "needs a text")):
        answer = await send(house, browser, "/posts", *codes, title="A <title>", text=text)
        assert answer.status == 400
        assert problem in answer.text
        assert 'value="A &lt;title&gt;"' in answer.text
        assert chosen(answer.text) == list(codes)


async def test_recipients_change_by_an_edit_and_those_one_cannot_offer_stay(house: House):
    browser = await signed_in(house, 5)
    page = (await browser.get("/posts/10/edit")).text
    assert chosen(page) == ["D3"]
    answer = await send(house, browser, "/posts/10", "D3", "U8", version="1", text="Moves on Thursday")
    assert answer.status == 303
    assert (await (await signed_in(house, 8)).get("/posts/10")).status == 200
    assert (await (await signed_in(house, 6)).get("/posts/10")).status == 200


async def test_an_edit_to_nobody_is_not_saved(house: House):
    browser = await signed_in(house, 5)
    answer = await send(house, browser, "/posts/10", version="1", text="For nobody")
    assert answer.status == 400
    assert "For nobody" in answer.text
    assert (await house.call(5, "log.blogpost.get", POST_ID=10))[0]["DETAIL_TEXT"] != "For nobody"


async def test_a_conflict_keeps_the_chosen_recipients(house: House):
    browser = await signed_in(house, 5)
    answer = await send(house, browser, "/posts/10", "UA", version="7", text="Mine")
    assert answer.status == 409
    assert chosen(answer.text) == ["UA"]


async def test_the_composer_has_a_page_of_its_own(house: House):
    page = (await (await signed_in(house, 1)).get("/write")).text
    assert 'action="/posts"' in page
    assert page.count("<h1") == 1
