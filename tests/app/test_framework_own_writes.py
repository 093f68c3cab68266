"""Which events are taken for the echo of an own write, and which are not."""

from typing import Any

import pytest
from tests.client.fake_portal import Refusal, post_row

from livefeed.app import App, Brake, Context
from livefeed.app.contexts.watching import read_writes
from livefeed.client.rest import RestClient
from livefeed.errors import ConnectFailed, Fault, LoopBraked, TimedOut, TransportError
from livefeed.wire.events import PostAdded, PostUpdated
from livefeed.wire.form import encode
from livefeed.wire.ids import MemberId

from .bodies import MEMBER
from .conftest import House, Opening

Written = tuple[House, list[tuple[int | None, bool]], RestClient]


@pytest.fixture
def shown() -> dict[str, str]:
    """What the portal shows of every post."""
    return {"TITLE": "Holidays", "DETAIL_TEXT": "from 1 to 14 June"}


@pytest.fixture
async def written(
    serve: Opening, shown: dict[str, str]
) -> tuple[House, list[tuple[int | None, bool]], RestClient]:
    """An application that notes which events it is called for, its client, and a portal that keeps texts."""
    app = App.from_settings({})
    seen: list[tuple[int | None, bool]] = []

    @app.on(PostUpdated, PostAdded)
    async def note(ctx: Context) -> None:
        seen.append((ctx.envelope.ts, ctx.is_own))

    house = await serve(app)
    await house.install()
    await house.work()

    def update(params: dict[str, str]) -> int:
        shown.update(DETAIL_TEXT=params.get("POST_MESSAGE", shown["DETAIL_TEXT"]))
        return int(params["POST_ID"])

    house.portal.methods["log.blogpost.update"] = update
    house.portal.methods["log.blogpost.get"] = lambda params: [post_row(int(params["POST_ID"]), **shown)]
    return house, seen, house.running.runtime.client(MemberId(MEMBER))


async def test_one_write_explains_one_event_and_no_other_post(written):
    house, seen, client = written
    await client.call("log.blogpost.update", {"POST_ID": 205, "POST_MESSAGE": "new & <b>"})
    await house.event(post=205, ts=1)
    await house.event(post=206, ts=2)
    await house.event(post=205, ts=3)
    await house.work()

    assert sorted(seen) == [(2, False), (3, False)]


@pytest.mark.parametrize(
    ("write", "then", "calls"),
    [
        ({"POST_MESSAGE": "a  b\r\nc"}, {"DETAIL_TEXT": "a b\n c "}, 0),  # spaces and line ends
        ({"POST_MESSAGE": "a & b"}, {"DETAIL_TEXT": "a &amp; b"}, 0),  # entities
        ({"POST_MESSAGE": "new"}, {"DETAIL_TEXT": "newer"}, 1),  # a person wrote since
        ({"POST_MESSAGE": "new", "POST_TITLE": "T"}, {"TITLE": "other"}, 1),
        ({"POST_MESSAGE": "new"}, {"TITLE": "derived"}, 0),  # the portal makes the title (ADR 0032)
    ],
)
async def test_an_event_is_an_echo_only_while_the_post_shows_what_was_written(
    written, shown: dict[str, str], write: dict[str, str], then: dict[str, str], calls: int
):
    house, seen, client = written
    shown["TITLE"] = write.get("POST_TITLE", shown["TITLE"])
    await client.call("log.blogpost.update", {"POST_ID": 205, **write})
    shown.update(then)
    await house.event()
    await house.work()

    assert len(seen) == calls


async def test_an_event_that_came_before_the_write_or_long_after_is_no_echo(written):
    house, seen, client = written
    await house.event(ts=1)
    house.clock.advance(2)
    await client.call("log.blogpost.update", {"POST_ID": 205, "POST_MESSAGE": "new"})
    await house.work()
    house.clock.advance(3601)
    await house.event(ts=2)
    await house.work()

    assert seen == [(1, False), (2, False)]


async def test_a_refused_write_explains_nothing_and_one_in_a_batch_does(written):
    house, seen, client = written

    def refuse(params: dict[str, str]) -> Any:
        raise Refusal(400, "", "Wrong post ID")

    accept = house.portal.methods["log.blogpost.update"]
    house.portal.methods["log.blogpost.update"] = refuse
    with pytest.raises(Fault, match="Wrong post ID"):
        await client.call("log.blogpost.update", {"POST_ID": 205, "POST_MESSAGE": "x"})
    await house.event(ts=1)
    await house.work()
    house.portal.methods["log.blogpost.update"] = accept
    await client.batch(
        {
            "a": ("log.blogpost.update", {"POST_ID": 205, "POST_MESSAGE": "new"}),
            "b": ("user.current", {}),
        }
    )
    await house.event(ts=2)
    await house.work()

    assert seen == [(1, False)]


async def test_each_of_two_quick_writes_explains_one_event_though_the_later_alone_is_shown(
    written, shown: dict[str, str]
):
    house, seen, client = written
    for text in ("first", "second"):
        await client.call("log.blogpost.update", {"POST_ID": 205, "POST_MESSAGE": text})
        house.clock.advance(1)
    for ts in (1, 2, 3):
        await house.event(ts=ts)
    await house.work()

    assert seen == [(3, False)]


@pytest.mark.parametrize(
    ("problem", "calls"),
    [
        (ConnectFailed("nobody there"), 1),
        (TimedOut("too late"), 0),
        (Refusal(503, "QUERY_LIMIT_EXCEEDED", "Too many requests"), 1),
        (Refusal(500, "INTERNAL_SERVER_ERROR", "Internal server error"), 0),
    ],
)
async def test_a_write_that_was_not_made_explains_nothing_and_one_of_which_nobody_knows_may(
    written, shown: dict[str, str], problem: Exception, calls: int
):
    house, seen, client = written
    http = house.running.runtime.http
    original, answers = http.send, dict(house.portal.methods)

    def fail(*_: Any, **__: Any) -> Any:
        raise problem

    if isinstance(problem, TransportError):
        http.send = fail
    house.portal.methods["log.blogpost.update"] = fail
    with pytest.raises((TransportError, Fault)):
        await client.call("log.blogpost.update", {"POST_ID": 205, "POST_MESSAGE": shown["DETAIL_TEXT"]})
    http.send = original
    house.portal.methods.update(answers)
    await house.event()
    await house.work()

    assert len(seen) == calls


async def test_a_new_post_is_known_by_its_text_before_its_number_is(written, shown: dict[str, str]):
    house, seen, client = written

    async def answer_late(params: dict[str, str]) -> None:
        await house.event(event="ONLIVEFEEDPOSTADD", post=300, ts=1)
        await house.work()

    shown["DETAIL_TEXT"] = "brand new"
    runtime = house.running.runtime
    original = runtime.http.send

    async def send(method: str, url: str, **more: Any) -> Any:
        answer = await original(method, url, **more)
        if url.endswith("log.blogpost.add.json"):
            await answer_late({})  # its event overtakes the answer
        return answer

    house.portal.methods["log.blogpost.add"] = lambda params: 300
    runtime.http.send = send
    await client.call("log.blogpost.add", {"POST_MESSAGE": "brand new", "DEST": ["UA"]})
    runtime.http.send = original
    await house.event(event="ONLIVEFEEDPOSTADD", post=300, ts=2)
    await house.work()

    assert seen == [(2, False)]


async def test_a_new_post_whose_number_is_known_explains_no_other_of_the_same_text(
    written, shown: dict[str, str]
):
    house, seen, client = written
    house.portal.methods["log.blogpost.add"] = lambda params: 300
    await client.call("log.blogpost.add", {"POST_MESSAGE": shown["DETAIL_TEXT"]})
    await house.event(event="ONLIVEFEEDPOSTADD", post=301, ts=1)
    await house.work()
    await house.event(event="ONLIVEFEEDPOSTADD", post=300, ts=2)
    await house.work()

    assert seen == [(1, False)]


async def test_what_the_process_before_has_written_is_known_to_the_next(written, shown: dict[str, str]):
    house, seen, client = written
    writes = house.running.runtime.writes
    await client.call("log.blogpost.update", {"POST_ID": 205, "POST_MESSAGE": "new"})
    writes.portals.clear()
    await writes.load()
    await house.event()
    await house.work()

    assert seen == []


async def test_handlers_that_want_own_events_get_them_marked(serve: Opening, shown: dict[str, str]):
    app = App.from_settings({})
    seen: list[tuple[bool, int]] = []

    @app.on(PostUpdated, own=True)
    async def note(ctx: Context) -> None:
        seen.append((ctx.is_own, ctx.attempt))
        if ctx.attempt == 1:
            raise RuntimeError

    house = await serve(app)
    await house.install()
    await house.work()
    house.portal.methods["log.blogpost.update"] = lambda params: 205
    house.portal.methods["log.blogpost.get"] = lambda params: [post_row(**shown)]
    client = house.running.runtime.client(MemberId(MEMBER))
    await client.call("log.blogpost.update", {"POST_ID": 205, "POST_MESSAGE": shown["DETAIL_TEXT"]})
    await house.event()
    await house.work()
    house.clock.advance(5)
    await house.work()

    assert seen == [(True, 1), (True, 2)], "what it was taken for once, it stays"


async def test_echoes_that_come_while_others_are_tried_again_are_known_too(
    serve: Opening, shown: dict[str, str]
):
    app = App.from_settings({})
    seen: list[tuple[int, bool]] = []

    @app.on(PostUpdated, coalesce=True, own=True)
    async def note(ctx: Context) -> None:
        seen.append((len(ctx.events), ctx.is_own))
        if ctx.attempt == 1:
            raise RuntimeError

    house = await serve(app, quiet_s=1, max_wait_s=1)
    await house.install()
    await house.work()
    house.portal.methods["log.blogpost.update"] = lambda params: 205
    house.portal.methods["log.blogpost.get"] = lambda params: [post_row(**shown)]
    client = house.running.runtime.client(MemberId(MEMBER))
    for ts in (1, 2):
        await client.call("log.blogpost.update", {"POST_ID": 205, "POST_MESSAGE": shown["DETAIL_TEXT"]})
        await house.event(ts=ts)
        house.clock.advance(5)
        await house.work()

    assert seen == [(1, True), (2, True)]


async def test_the_brake_is_for_one_post_and_lets_other_writes_pass(serve: Opening):
    house = await serve(App(App.from_settings({}).settings, brake=Brake(writes=2, within_s=10)))
    await house.install()
    house.portal.methods["log.blogpost.update"] = lambda params: 1
    client = house.running.runtime.client(MemberId(MEMBER))

    async def write(post: int) -> None:
        await client.call("log.blogpost.update", {"POST_ID": post, "POST_TITLE": "t"})

    await write(1)
    await write(1)
    with pytest.raises(LoopBraked, match="written to post 1 2 times in 10 s"):
        await write(1)
    await write(2)
    house.clock.advance(11)
    await write(1)

    assert len(house.portal.called("log.blogpost.update")) == 4


async def test_of_a_batch_that_the_brake_has_stopped_nothing_is_taken_for_written(serve: Opening):
    house = await serve(App(App.from_settings({}).settings, brake=Brake(writes=1, within_s=10)))
    await house.install()
    house.portal.methods["log.blogpost.update"] = lambda params: 1
    client = house.running.runtime.client(MemberId(MEMBER))
    await client.call("log.blogpost.update", {"POST_ID": 2, "POST_TITLE": "t"})

    with pytest.raises(LoopBraked):
        await client.batch(
            {f"p{post}": ("log.blogpost.update", {"POST_ID": post, "POST_TITLE": "t"}) for post in (1, 2)}
        )

    assert await house.rows("SELECT post FROM own_write") == [{"post": 2}]


async def test_the_brake_is_for_posts_that_are_added_because_one_was_added(serve: Opening):
    house = await serve(App(App.from_settings({}).settings, brake=Brake(writes=2, within_s=10)))
    await house.install()
    house.portal.methods["log.blogpost.add"] = lambda params: 300
    runtime = house.running.runtime
    by_itself, answering = (
        runtime.client(MemberId(MEMBER), handling=one) for one in ("", "ONLIVEFEEDPOSTADD")
    )

    for _ in range(3):
        await by_itself.call("log.blogpost.add", {"POST_TITLE": "t"})
    with pytest.raises(LoopBraked, match="added posts when one was added 2 times in 10 s"):
        await answering.call("log.blogpost.add", {"POST_TITLE": "t"})

    assert len(house.portal.called("log.blogpost.add")) == 3


def _batch(line: str) -> bytes:
    return encode({"halt": "0", "cmd": {"x": line}})


@pytest.mark.parametrize(
    ("method", "body", "posts"),
    [
        ("log.blogpost.update", encode({"POST_ID": "7", "POST_MESSAGE": "a"}), [7]),
        ("LOG.BlogPost.Update", encode({"post_id": "7"}), [7]),
        ("log.blogpost.delete", encode({"POST_ID": "7"}), [7]),
        ("log.blogpost.add", encode({"POST_MESSAGE": "a"}), [0]),
        ("log.blogpost.share", encode({"POST_ID": "7"}), []),
        ("log.blogpost.update", encode({"POST_ID": "x"}), []),
        ("log.blogpost.update", b"%zz=%&[[", []),
        ("batch", _batch("log.blogpost.update?POST_ID=7&POST_TITLE=a"), [7]),
        ("batch", _batch("log.blogpost.update?POST_ID=$result[a][ID]"), []),
        ("batch", encode({"cmd": "log.blogpost.update"}), []),
        pytest.param(
            *("batch", _batch(f"log.blogpost.update?POST_ID=7&POST_MESSAGE={'a' * 70_000}"), [7]), id="long"
        ),
        ("user.get", b"log.blogpost.update", []),
    ],
)
def test_writes_are_recognised_on_the_wire(method: str, body: bytes, posts: list[int]):
    found = read_writes(f"https://portal.example/rest/{method}.json", body)

    assert [write.post for write in found.values()] == posts
