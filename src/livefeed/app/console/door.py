"""The console over HTTP: who may look, which page, and the few things one may do there. Bare ASGI."""

from collections.abc import Mapping
from typing import Final

from livefeed.app.admin import Admin, OperationRefused
from livefeed.app.console import views
from livefeed.app.console.entry import Entry, cookie_header, read_cookie
from livefeed.app.console.sections import Asked, Section, Values
from livefeed.app.doors.sending import send_page
from livefeed.app.doors.spent import is_spent, spend
from livefeed.app.exchange import (
    Disconnected,
    DoorAnswer,
    Patience,
    Receive,
    Scope,
    Send,
    header_of,
    read_request,
    respond,
)
from livefeed.app.inbox import STEPS
from livefeed.app.running import Running
from livefeed.durable.entries import LANES
from livefeed.durable.store import Tx
from livefeed.errors import AppError, StoreError, WireError
from livefeed.ui.languages import Words, chosen, noted
from livefeed.ui.pages import Page, page
from livefeed.ui.streams import Full, Streams, serve
from livefeed.wire.form import Limits, decode
from livefeed.wire.ids import decimal
from livefeed.wire.params import Params

_LIMITS: Final = Limits(max_bytes=16_384, max_keys=50, max_depth=2)
_HOME: Final = "/console/"
_METHODS: Final = ("GET", "HEAD", "POST")
_WRONG_METHOD: Final = DoorAnswer(405, "method_not_allowed", "pages are asked for by GET, forms sent by POST")
_OWN: Final = (("", noted("Overview")), ("inbox", noted("Inbox")), ("dead", noted("Dead letters")))

_SAID: Final[Mapping[str, Words]] = {
    "confirmed": noted("The installation is confirmed."),
    "bind": noted("The handlers are being bound again."),
}
_CLOSED: Final = noted("Open the address that the application printed when it started; it holds the token.")
_NOT_OURS: Final = noted("This form is not valid any more. Go back, reload the page, and send it again.")
_NOTHING: Final = noted("There is no such page, or what it was about is purged.")
_BUSY: Final = noted("The database is busy. Try again in a moment.")


class ConsoleDoor:
    """Serves ``/console/…`` of one running application."""

    def __init__(self, running: Running, admin: Admin, token: str) -> None:
        self._running = running
        self._admin = admin
        self._entry = Entry(token, running.runtime.clock)
        self._patience = Patience()
        self._streams = Streams()
        self._ends = [
            running.runtime.store.listen(topic, lambda: self._streams.tell("work"))
            for topic in (LANES, STEPS)
        ]
        self._sections: Mapping[str, Section] = {one.name: one for one in running.app.sections}

    def close(self) -> None:
        """End every open stream, and listen no more: the server stops."""
        self._streams.close()
        for end in self._ends:
            end()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        language = chosen(accepted=header_of(scope, b"accept-language"))
        try:
            query = Params(decode(scope["query_string"], limits=_LIMITS, strict=False))
        except WireError:
            await send_page(send, self._plain(Asked(query=Params(), language=language), _NOTHING, status=400))
            return
        asked = Asked(query=query, language=language)
        if scope["method"] not in _METHODS:
            await respond(send, _WRONG_METHOD)
        elif scope["method"] == "GET" and query.has("token"):
            await self._enter(scope, send, asked)
        else:
            await self._let_in(scope, receive, send, asked)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send, asked: Asked) -> None:
        """Answer what only those see who have the cookie."""
        cookie = read_cookie(scope["headers"])
        try:
            is_let_in = await self._is_let_in(cookie)
        except StoreError:
            await send_page(send, self._plain(asked, _BUSY, status=503))
            return
        if not is_let_in:
            await send_page(send, self._plain(asked, _CLOSED, status=401))
        elif _place(scope) == "live" and scope["method"] == "GET":
            await self._follow(receive, send, asked, cookie)
        elif scope["method"] == "POST":
            await self._act(scope, receive, send, asked, cookie)
        else:
            await send_page(send, await self._shown(_place(scope), asked, cookie))

    async def _is_let_in(self, cookie: str) -> bool:
        if not cookie or not self._entry.admits(cookie):
            return False
        mark, _ = self._mark(cookie)
        return not await self._running.runtime.store.read(lambda tx: is_spent(tx, mark))

    async def _give_back(self, cookie: str) -> None:
        """Let nobody in with this cookie any more, at any process."""
        mark, until_ms = self._mark(cookie)
        await self._running.runtime.store.write(lambda tx: spend(tx, mark, until_ms=until_ms))

    def _mark(self, cookie: str) -> tuple[bytes, int]:
        text, until_ms = self._entry.mark(cookie)
        return self._running.runtime.keys.hash(text), until_ms

    async def _enter(self, scope: Scope, send: Send, asked: Asked) -> None:
        """The token in the address becomes a cookie, and leaves the address."""
        if not self._entry.accepts(asked.query.text("token")):
            await send_page(send, self._plain(asked, _CLOSED, status=401))
            return
        await _go(send, _HOME, _cookie(scope, self._entry.fresh_cookie()))

    async def _follow(self, receive: Receive, send: Send, asked: Asked, cookie: str) -> None:
        """An open page hears that something has happened, and asks for itself again."""
        stream = self._streams.open(cookie)
        if isinstance(stream, Full):
            await send_page(send, self._plain(asked, _BUSY, status=stream.status))
            return

        async def may_go_on() -> bool:
            try:
                return await self._is_let_in(cookie)
            except StoreError:
                return False

        try:
            await serve(stream, receive, send, may_go_on=may_go_on)
        finally:
            self._streams.forget(stream)

    async def _shown(self, place: str, asked: Asked, cookie: str) -> Page:
        name, _, rest = place.partition("/")
        number = decimal(rest)
        try:
            if name == "" and not rest:
                return await self._page("console_overview.html", "", asked, cookie, self._overview)
            if name == "inbox" and number is not None:
                return await self._event(number, asked, cookie)
            if name == "inbox" and not rest:
                return await self._page("console_inbox.html", name, asked, cookie, views.events)
            if name == "dead" and not rest:
                return await self._page("console_dead.html", name, asked, cookie, views.letters)
            section = self._sections.get(name)
            if section is not None and not rest:
                return await self._page(section.template, name, asked, cookie, section.values)
        except WireError:
            return self._plain(asked, _NOTHING, status=404)
        except StoreError:
            return self._plain(asked, _BUSY, status=503)
        return self._plain(asked, _NOTHING, status=404)

    async def _event(self, seq: int, asked: Asked, cookie: str) -> Page:
        found = await self._running.runtime.store.read(lambda tx: views.event(tx, asked, seq))
        if found is None:
            return self._plain(asked, _NOTHING, status=404)
        return self._rendered("console_event.html", "inbox", asked, cookie, found)

    def _overview(self, tx: Tx, asked: Asked) -> Mapping[str, object]:
        return views.overview(tx, asked, self._running)

    async def _page(self, template: str, name: str, asked: Asked, cookie: str, values: Values) -> Page:
        found = await self._running.runtime.store.read(lambda tx: values(tx, asked))
        return self._rendered(template, name, asked, cookie, found)

    def _rendered(
        self, template: str, name: str, asked: Asked, cookie: str, values: Mapping[str, object]
    ) -> Page:
        sections = [(one.name, one.title) for one in self._sections.values()]
        return page(
            template,
            language=asked.language,
            sections=[*_OWN, *sections],
            here=name,
            live_from="/console/live",
            token=self._entry.form_token(cookie),
            said=_said(asked.query.text("said")),
            shown=values,
        )

    async def _act(self, scope: Scope, receive: Receive, send: Send, asked: Asked, cookie: str) -> None:
        try:
            read = await read_request(scope, receive, self._patience)
        except Disconnected:
            return
        try:
            form = (
                Params()
                if isinstance(read, DoorAnswer)
                else Params(decode(read[0], limits=_LIMITS, strict=False))
            )
            if not _is_from_here(scope) or not self._entry.is_own_form(cookie, form.text("token")):
                await send_page(send, self._plain(asked, _NOT_OURS, status=403))
                return
            location = await self._done(_place(scope), form)
            if location == "":
                await self._give_back(cookie)
        except (OperationRefused, AppError, WireError):
            await send_page(send, self._plain(asked, _NOTHING, status=404))
            return
        except StoreError:
            await send_page(send, self._plain(asked, _BUSY, status=503))
            return
        if location is None:
            await send_page(send, self._plain(asked, _NOTHING, status=404))
        elif location:
            await _go(send, location)
        else:
            await _go(send, _HOME, _cookie(scope, ""))

    async def _done(self, place: str, form: Params) -> str | None:
        """Do what a form asks for; where to go then, empty to leave, or None for an unknown form."""
        match place:
            case "leave":
                return ""
            case "dead/replay":
                letter = form.maybe_integer("id")
                given: dict[str, object] = {} if letter is None else {"id": letter}
                count = (await self._admin.run("dead_replay", given))["replayed"]
                return f"{_HOME}dead?said=replayed-{count}"
            case "confirm":
                await self._admin.run("install_confirm", {"member_id": form.text("member_id")})
                return f"{_HOME}?said=confirmed"
            case "bind":
                await self._admin.run("bind", {"member_id": form.text("member_id")})
                return f"{_HOME}?said=bind"
            case _:
                return None

    def _plain(self, asked: Asked, text: Words, *, status: int) -> Page:
        leads_back = text is not _CLOSED
        return page(
            "console_plain.html", status=status, language=asked.language, text=text, leads_back=leads_back
        )


def _said(code: str) -> Words | str:
    done, _, count = code.partition("-")
    if done == "replayed":
        return noted("Put back into their lanes: %(count)s.", count=decimal(count) or 0)
    return _SAID.get(done, "")


def _place(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix("/console").strip("/")


def _is_from_here(scope: Scope) -> bool:
    """Whether a form comes from a page of this host, as far as the browser tells."""
    origin = header_of(scope, b"origin")
    return not origin or origin.partition("://")[2].lower() == header_of(scope, b"host").lower()


def _cookie(scope: Scope, value: str) -> tuple[bytes, bytes]:
    return cookie_header(value, headers=scope["headers"], is_secure=scope["scheme"] == "https")


async def _go(send: Send, location: str, *headers: tuple[bytes, bytes]) -> None:
    sent = [
        (b"location", location.encode()),
        (b"content-length", b"0"),
        (b"cache-control", b"no-store"),
        *headers,
    ]
    await send({"type": "http.response.start", "status": 303, "headers": sent})
    await send({"type": "http.response.body", "body": b""})
