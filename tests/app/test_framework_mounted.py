"""An application inside others: under FastAPI, Starlette and Django, beside a second one, and on its own."""

import asyncio
import importlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from tests import engines
from tests.client.serving import serving

from livefeed.app import App, Context, Router, serve
from livefeed.app import serving as serving_apps
from livefeed.app.ingest import Door
from livefeed.app.mounting import below
from livefeed.app.runtime import ROOMS
from livefeed.durable.entries import Arrival, append_arrivals
from livefeed.errors import SettingsError
from livefeed.net.http import HttpAnswer, HttpClient
from livefeed.secrets import Secret
from livefeed.settings import AppSettings
from livefeed.wire.events import PostUpdated

from .bodies import APPLICATION_TOKEN, MEMBER, event_body
from .conftest import CONSOLE

FORM = {"content-type": "application/x-www-form-urlencoded"}


class Told:
    """An application that notes what it was called for, and says when it was."""

    def __init__(self, folder: Path, name: str = "app", **more: Any) -> None:
        settings = AppSettings(
            db=engines.database(folder, name, ROOMS),
            key_file=engines.key_file(folder, name),
            member_id=MEMBER,
            application_token=Secret(APPLICATION_TOKEN),
            console_token=Secret(CONSOLE),
            **more,
        )
        self.app = App(settings)
        self.posts: list[tuple[int, str]] = []
        self.called = asyncio.Event()
        self.stopped = False

        @self.app.on_start
        async def named(state: SimpleNamespace) -> AsyncIterator[None]:
            state.name = name
            yield
            self.stopped = True

        @self.app.on(PostUpdated)
        async def note(event: PostUpdated, ctx: Context) -> None:
            self.posts.append((event.post_id, ctx.state.name))
            self.called.set()

    async def hears(self, http: HttpClient, url: str, post: int = 205) -> None:
        """An event that is posted to ``url`` reaches its handler."""
        self.called.clear()
        answer = await http.send("POST", f"{url}/events", body=event_body(post=post), headers=FORM)
        assert answer.status == 200, answer.body
        await asyncio.wait_for(self.called.wait(), 5)


def host_fastapi(told: Told) -> Any:
    fastapi = pytest.importorskip("fastapi")
    host = fastapi.FastAPI(lifespan=told.app.lifespan)
    host.get("/hello")(lambda: {"hello": "FastAPI"})
    host.mount("/bitrix", told.app.asgi)
    return host


def host_starlette(told: Told) -> Any:
    starlette = pytest.importorskip("starlette.applications")
    routing = importlib.import_module("starlette.routing")
    responses = importlib.import_module("starlette.responses")

    async def hello(request: Any) -> Any:
        return responses.JSONResponse({"hello": "Starlette"})

    inner = routing.Mount("/bitrix", told.app.asgi)
    return starlette.Starlette(routes=[routing.Route("/hello", hello), inner], lifespan=told.app.lifespan)


def host_django(told: Told) -> Any:
    return told.app.beside(django_asgi(), at="/bitrix")


def django_asgi() -> Any:
    django = pytest.importorskip("django")
    conf = importlib.import_module("django.conf")
    if not conf.settings.configured:
        conf.settings.configure(ROOT_URLCONF="tests.app.django_urls", ALLOWED_HOSTS=["*"], SECRET_KEY="x")
        http, urls = importlib.import_module("django.http"), importlib.import_module("django.urls")
        views = SimpleNamespace(
            urlpatterns=[urls.path("hello", lambda request: http.JsonResponse({"hello": "Django"}))],
            __name__="tests.app.django_urls",
        )
        sys.modules["tests.app.django_urls"] = views
        django.setup()
    return importlib.import_module("django.core.asgi").get_asgi_application()


HOSTS: list[tuple[Callable[[Told], Any], str]] = [
    (host_fastapi, "FastAPI"),
    (host_starlette, "Starlette"),
    (host_django, "Django"),
]


@pytest.mark.parametrize(("host", "name"), HOSTS, ids=[name for _, name in HOSTS])
async def test_it_is_mounted_under_a_path_and_runs_as_long_as_its_host(
    tmp_path: Path, http: HttpClient, host: Callable[[Told], Any], name: str
):
    told = Told(tmp_path)
    async with serving(host(told), lifespan="on") as url:
        answer = await http.send("GET", f"{url}/hello")
        assert msgspec.json.decode(answer.body) == {"hello": name}
        await told.hears(http, f"{url}/bitrix")
        assert (await http.send("GET", f"{url}/bitrix/readyz")).body == b"ready\n"
        await links_lead_below(http, url, "/bitrix")
        assert (await http.send("GET", f"{url}/bitrix/no")).status == 404
        assert (await http.send("GET", f"{url}/bitrixian")).status == 404
    assert told.stopped


async def links_lead_below(http: HttpClient, url: str, root: str) -> None:
    """Redirects, cookies, links and files of the console stay under the prefix."""
    entered = await http.send("GET", f"{url}{root}/console/?token={CONSOLE}")
    assert header(entered, "location") == f"{root}/console/"
    cookie = header(entered, "set-cookie")
    assert f"Path={root}/console/" in cookie
    shown = await http.send("GET", f"{url}{root}/console/", headers={"cookie": cookie.partition(";")[0]})
    page = shown.body.decode()
    assert shown.status == 200
    assert int(header(shown, "content-length")) == len(shown.body)
    assert f'href="{root}/console/inbox"' in page
    assert f'data-live-from="{root}/console/live' in page
    for address in page.replace("'", '"').split('"')[1::2]:
        assert not address.startswith("/") or address.startswith(f"{root}/"), address
    style = page.partition(f'href="{root}/ui/')[2].partition('"')[0]
    assert (await http.send("GET", f"{url}{root}/ui/{style}")).status == 200


def header(answer: HttpAnswer, name: str) -> str:
    return dict(answer.headers)[name]


async def test_only_addresses_of_ours_get_the_prefix_and_none_gets_it_twice():
    body = b"""<a href="/console/"><a href='/bitrix/frame/t/'><a href="//else.example/x"><a href="a/b">"""
    headers = [(b"content-type", b"text/html"), (b"location", b"//else.example/"), (b"content-length", b"1")]
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope, prefixing = below({"path": "/bitrix/x", "root_path": "/bitrix"}, send)
    await prefixing({"type": "http.response.start", "status": 200, "headers": headers})
    await prefixing({"type": "http.response.body", "body": body})

    assert scope["path"] == "/x"
    assert sent[1]["body"] == body.replace(b'"/console', b'"/bitrix/console')
    assert dict(sent[0]["headers"]) == {
        b"content-type": b"text/html",
        b"location": b"//else.example/",
        b"content-length": b"%d" % (len(body) + len("/bitrix")),
    }


async def test_where_nobody_runs_a_lifespan_it_starts_with_the_first_request_and_ends_with_the_loop(
    tmp_path: Path,
):
    told = Told(tmp_path)

    async def life() -> None:
        async with HttpClient(allow_private=True) as http, serving(told.app.asgi, lifespan="off") as url:
            assert not told.posts
            first, second = await asyncio.gather(
                http.send("GET", f"{url}/healthz"), http.send("GET", f"{url}/healthz")
            )
            assert (first.status, second.status) == (200, 200)
            told.called = asyncio.Event()
            await told.hears(http, url)

    await asyncio.to_thread(asyncio.run, life())

    assert told.posts == [(205, "app")]
    assert told.stopped


async def test_a_start_that_fails_is_answered_and_tried_again(tmp_path: Path, http: HttpClient):
    told = Told(tmp_path)
    wrong = [True]

    @told.app.on_start
    def fail() -> None:
        if wrong:
            raise SettingsError("not yet")

    async with serving(told.app.asgi, lifespan="off") as url:
        assert (await http.send("GET", f"{url}/healthz")).status == 503
        wrong.clear()
        assert (await http.send("GET", f"{url}/healthz")).status == 200
        await told.app.asgi.close()
    assert told.stopped


async def test_a_stop_that_fails_is_not_kept_quiet(tmp_path: Path, http: HttpClient):
    told = Told(tmp_path)

    @told.app.on_stop
    def fail() -> None:
        raise RuntimeError("not closed")

    async with serving(told.app.asgi, lifespan="off") as url:
        assert (await http.send("GET", f"{url}/healthz")).status == 200
        with pytest.raises(RuntimeError, match="not closed"):
            await told.app.asgi.close()
    assert told.stopped


async def test_a_websocket_under_its_path_is_closed_and_not_an_error(tmp_path: Path):
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await Told(tmp_path).app.asgi({"type": "websocket", "path": "/events"}, receive, send)

    assert sent == [{"type": "websocket.close", "code": 1000}]


async def test_two_applications_in_one_process_share_nothing(tmp_path: Path, http: HttpClient):
    one, two = Told(tmp_path, "one"), Told(tmp_path, "two")
    async with serving_apps(one.app, two.app) as (first, second):
        await one.hears(http, first, post=1)
        await two.hears(http, second, post=2)
        await one.hears(http, first, post=3)
    assert one.posts == [(1, "one"), (3, "one")]
    assert two.posts == [(2, "two")]
    assert one.stopped
    assert two.stopped


async def test_one_router_serves_two_applications(tmp_path: Path):
    router = Router()
    seen: list[str] = []

    @router.on(PostUpdated)
    async def note(ctx: Context, who: str) -> None:
        seen.append(who)

    apps = [Told(tmp_path, name).app for name in ("one", "two")]
    for app, name in zip(apps, ("one", "two"), strict=True):
        app.provide("who", lambda name=name: name)
        app.include(router)
    async with AsyncExitStack() as stack:
        for app in apps:
            running = await stack.enter_async_context(app.running())
            door = await stack.enter_async_context(at_door(running))
            await door(event_body())
    assert sorted(seen) == ["one", "two"]


@asynccontextmanager
async def at_door(running: Any) -> AsyncIterator[Callable[[bytes], Awaitable[None]]]:
    """Stores an event as the door does, and waits until it is handled."""

    async def post(body: bytes) -> None:
        arrival = Door(running.runtime, running.leaving).judge(body, is_json=False)
        assert isinstance(arrival, Arrival)
        await running.runtime.store.write_row(append_arrivals, arrival)

    yield post
    await running.worker.stop()
    await running.worker.run_due()


async def test_two_applications_on_one_database_are_refused(tmp_path: Path):
    one, two = Told(tmp_path), Told(tmp_path)

    with pytest.raises(SettingsError, match="a database of its own"):
        await serve(one.app, two.app, port=0)
