"""The scene: what it shows, what its forms do, and who gets none of it."""

import re

import pytest

from livefeed.durable.consumers import list_consumers
from livefeed.portal.web.scene.stage import Account, Arrival, Content, Heard, Judgement, Step

from ...browser import Browser, signed_in
from ...conftest import NOW_MS, House
from ...site import standing
from .conftest import PlayedStage, Set

pytestmark = pytest.mark.anyio


async def anna(scene: Set) -> Browser:
    return await signed_in(scene.site.house, 1, app=scene.site.server.asgi)


def states(page: str) -> list[str]:
    return re.findall(r'<li class="leg (\w+)"', page)


def heard(person: int, **given: object) -> Heard:
    nothing = {"is_told": False, "reason": "", "why": "", "state": "", "calls": 0, "settled_at_ms": None}
    return Heard(**{"person": person, **nothing, **given})


async def test_outside_the_demo_there_is_no_scene_even_with_a_stage(house: House):
    stage = PlayedStage(app_url="http://127.0.0.1:1")
    async with standing(house, stage=stage, is_demo=False) as site:
        for method, path in (("GET", "/scene"), ("GET", "/scene/live"), ("POST", "/scene/kill")):
            assert (await site.http(method, path)).status == 404
    assert stage.orders == []


async def test_a_demo_without_a_stage_has_no_scene(house: House):
    async with standing(house) as site:
        assert (await site.http("GET", "/scene")).status == 404


async def test_a_newcomer_is_signed_in_as_the_first_person_and_sees_what_to_do(scene: Set):
    browser = Browser(scene.site.server.asgi)
    arrival = await browser.get("/scene")
    assert (arrival.status, arrival.headers["location"]) == (303, "/scene?arrived=1")
    page = (await browser.get("/scene")).text
    assert "The office is closed from 1 to 14 June." in page
    assert "Change the date in the post and press Save." in page
    assert states(page) == ["idle"] * 5


async def test_under_a_foreign_name_nobody_is_signed_in_and_nobody_can_be_chosen(scene: Set):
    browser = Browser(scene.site.server.asgi, host="rebound.test:8024")
    arrival = await browser.get("/scene")
    assert (arrival.status, arrival.headers["location"]) == (303, "http://127.0.0.1:8024/scene")
    assert "set-cookie" not in arrival.headers
    form = await browser.get("/login")
    assert "Anna Petrova" not in form.text
    assert (await browser.submit("/person", seen_at="/login", person="1")).status == 403


async def test_a_browser_without_cookies_is_told_so_and_not_sent_round_in_circles(scene: Set):
    answer = await Browser(scene.site.server.asgi).get("/scene?arrived=1")
    assert answer.status == 400
    assert "keeps no cookies" in answer.text


async def test_each_person_gets_a_post_of_his_own_in_which_others_take_part(scene: Set):
    elena = await signed_in(scene.site.house, 8, app=scene.site.server.asgi)
    assert "Officine Valli signed for 40 units" in (await elena.get("/scene")).text


async def test_a_post_that_may_not_be_changed_is_not_offered(scene: Set):
    elena = await signed_in(scene.site.house, 8, app=scene.site.server.asgi)
    assert "The office is closed" not in (await elena.get("/scene?post=1")).text
    answer = await elena.submit("/scene/1", seen_at="/scene", version="1", text="mine")
    assert answer.status == 404


async def test_an_edit_is_shown_until_it_is_delivered_with_its_bytes_and_none_of_its_secrets(scene: Set):
    browser = await anna(scene)
    text = "The office is closed from 3 to 14 June."
    saved = await browser.submit("/scene/1", seen_at="/scene", version="1", text=text)
    assert (saved.status, saved.headers["location"]) == (303, "/scene?post=1#way")
    assert states((await browser.get("/scene")).text)[:2] == ["done", "now"]

    (sent,) = await scene.site.send_due()

    page = (await browser.get("/scene")).text
    assert states(page)[:2] == ["done", "done"]
    shown = re.sub(r"<[^>]+>", "", page[page.index("<pre") : page.index("</pre>")]).replace("&amp;", "&")
    body = sent.body.decode()
    secrets = [sent.auth[key] for key in ("access_token", "refresh_token", "application_token")]
    assert [] == [secret for secret in secrets if secret in page]
    for secret in secrets:
        body = body.replace(secret, "•" * len(secret))
    assert shown.endswith(body)
    signature = sent.headers["webhook-signature"].removeprefix("v1,")
    assert signature not in page
    assert sent.headers["webhook-id"] in page


async def test_while_nobody_answers_the_events_are_counted_with_the_reason(scene: Set):
    scene.stage.state = "killed"
    scene.site.receiver.will("/events", 503)
    browser = await anna(scene)
    await browser.submit("/scene/1", seen_at="/scene", suggestion="burst")
    await scene.site.send_due()

    page = (await browser.get("/scene")).text
    assert states(page)[:2] == ["done", "held"]
    assert "3 events wait in the queue." in page
    assert "1 attempt so far" in page
    assert "ended with SIGKILL" in page
    assert "Start it again" in page


async def test_started_again_it_gets_what_waits_at_once(scene: Set):
    scene.site.receiver.will("/events", 503, 200)
    browser = await anna(scene)
    await browser.submit("/scene/1", seen_at="/scene", suggestion="number")
    await scene.site.send_due()
    assert [] == await scene.site.send_due()

    scene.stage.state = "killed"
    await browser.submit("/scene/start", seen_at="/scene", post="1")
    store = scene.site.house.store
    for _ in range(100):  # beside the answer, as soon as the process is ready
        known = await store.read(lambda tx: list_consumers(tx))
        if all(one.ready_at_ms is None or one.ready_at_ms <= NOW_MS for one in known):
            break

    assert 1 == len(await scene.site.send_due())


async def test_what_the_application_made_of_it_is_shown_with_who_is_told_and_who_is_not(scene: Set):
    browser = await anna(scene)
    await browser.submit("/scene/1", seen_at="/scene", suggestion="number")
    await scene.site.send_due()
    steps = [Step(name=name, at_ms=NOW_MS + 1015) for name in ("fetched", "compared", "told")]
    first = [Step(name=name, at_ms=NOW_MS + 5) for name in ("received", "verified")]
    scene.stage.told = Account(
        arrival=Arrival(seq=9, at_ms=NOW_MS + 5, state="done", steps=[*first, *steps], due_at_ms=None),
        judgement=Judgement(
            seq=9,
            events=1,
            silence="",
            old=Content(title="Holidays", text="closed from 1 to 14"),
            new=Content(title="Holidays", text="closed from 2 to 14"),
            heard=[
                heard(3, is_told=True, reason="mentioned", state="sent", settled_at_ms=NOW_MS + 1100),
                heard(1, reason="author", why="made the edit"),
                heard(6, why="takes no part in the discussion"),
            ],
        ),
    )

    page = (await browser.get("/scene")).text
    assert states(page) == ["done"] * 5
    assert "+1\u202f100 ms" in page
    plain = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "removed: 1" in plain
    assert "added: 2" in plain
    assert "Ольга Смирнова is mentioned" in plain
    assert "Anna Petrova made the edit" in plain
    assert "Grace Müller takes no part in the discussion" in plain


async def test_an_event_from_before_this_edit_is_not_taken_for_its_arrival(scene: Set):
    browser = await anna(scene)
    await browser.submit("/scene/1", seen_at="/scene", suggestion="number")
    old = Arrival(seq=1, at_ms=NOW_MS - 60_000, state="done", steps=[], due_at_ms=None)
    scene.stage.told = Account(arrival=old)
    assert states((await browser.get("/scene")).text)[2] == "idle"


async def test_what_was_typed_is_kept_when_somebody_else_has_saved(scene: Set):
    browser = await anna(scene)
    await scene.site.edit(1, "By somebody else")
    answer = await browser.submit("/scene/1", seen_at="/scene", version="1", text="My words")
    assert answer.status == 409
    assert 'role="alert"' in answer.text
    assert "My words" in answer.text
    assert 'name="version" value="2"' in answer.text


async def test_an_empty_text_is_not_saved(scene: Set):
    answer = await (await anna(scene)).submit("/scene/1", seen_at="/scene", version="1", text=" \r\n")
    assert answer.status == 400
    assert "needs a text" in answer.text


async def test_an_unknown_suggestion_changes_nothing_and_says_so(scene: Set):
    browser = await anna(scene)
    answer = await browser.submit("/scene/1", seen_at="/scene", suggestion="everything")
    page = (await browser.get(answer.headers["location"].partition("#")[0])).text
    assert "cannot be suggested" in page
    assert 'name="version" value="1"' in page


@pytest.mark.parametrize("url", ["/scene/1", "/scene/kill", "/scene/start"])
async def test_a_form_of_another_site_or_browser_does_nothing(scene: Set, url: str):
    browser, stranger = await anna(scene), Browser(scene.site.server.asgi)
    other = await (await signed_in(scene.site.house, 2, app=scene.site.server.asgi)).token("/scene")
    for fields in ({}, {"token": ""}, {"token": other}):
        assert (await browser.send(url, text="forged", version="1", **fields)).status == 403
    assert (await stranger.send(url, text="forged", version="1", token=other)).status == 403
    assert scene.stage.orders == []
    assert "forged" not in (await browser.get("/scene")).text


async def test_the_buttons_reach_the_stage_and_lead_back_to_the_post(scene: Set):
    browser = await anna(scene)
    killed = await browser.submit("/scene/kill", seen_at="/scene", post="1")
    assert (killed.status, killed.headers["location"]) == (303, "/scene?post=1")
    await browser.submit("/scene/start", seen_at="/scene", post="https://elsewhere.example")
    assert scene.stage.orders == ["kill", "start"]


async def test_the_stream_is_only_for_people_who_are_signed_in(scene: Set):
    assert (await Browser(scene.site.server.asgi).get("/scene/live")).status == 403


async def test_texts_and_names_are_escaped(scene: Set):
    evil = '<img src=x onerror=alert(1)>"[url=javascript:alert(1)]x[/url]'
    browser = await anna(scene)
    await browser.submit("/scene/1", seen_at="/scene", version="1", text=evil)
    content = Content(title=evil, text=evil)
    steps = [Step(name=evil, at_ms=NOW_MS)]
    before = Content(title="", text="")
    scene.stage.told = Account(
        arrival=Arrival(seq=1, at_ms=NOW_MS, state="done", steps=steps, due_at_ms=None),
        judgement=Judgement(seq=1, events=1, silence=evil, old=before, new=content, heard=[]),
    )
    page = (await browser.get("/scene")).text
    assert "<img" not in page
    assert 'href="javascript' not in page
