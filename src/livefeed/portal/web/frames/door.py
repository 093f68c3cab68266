"""``POST /apps/<number>/frame/<sid>/<command>``: what a frame asks for, handed on by the page around it."""

from dataclasses import dataclass
from typing import Final, assert_never, cast

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from livefeed.clock import Clock
from livefeed.errors import StoreError, WireError
from livefeed.portal.frames.handing import Handing, fresh_pair, init_data, renewed
from livefeed.portal.frames.openings import fresh_sid
from livefeed.portal.frames.targets import Target
from livefeed.portal.web.desk import Desk
from livefeed.portal.web.desk.session import LANGUAGE_COOKIE, is_own, read_body, visit_of
from livefeed.portal.web.frames.around import address_of
from livefeed.portal.web.frames.commands import (
    COMMANDS,
    READING,
    Asking,
    Caller,
    Outcome,
    Renewed,
    Said,
    Slid,
    Started,
    run,
)
from livefeed.ui.languages import chosen
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import AppId, decimal
from livefeed.wire.params import Params

_MOST_BYTES: Final = 131_072


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameDoor:
    """Takes commands from the page of a signed-in person, and from nobody else."""

    desk: Desk
    clock: Clock

    async def serve(self, request: Request) -> Response:
        """Answer ``{"answer": …}``, which the page passes on, or ``{"error": …}``, which it keeps."""
        name, keys, visit = request.path_params["command"], self.desk.keys, visit_of(request)
        command = COMMANDS.get(name)
        if command is None:
            return _json(404, {"error": "unknown_command"})
        if not is_own(request, Params({}), visit, keys):
            return _json(403, {"error": "not_our_page"})
        params = await _params(request)
        if params is None:
            return _json(400, {"error": "unreadable"})
        asking = Asking(
            portal=self.desk.portal(request),
            app=AppId(decimal(request.path_params["app"]) or 0),
            visit_hash=visit.hash(keys),
            sid_hash=keys.hash(request.path_params["sid"]),
            slider=fresh_sid(keys),
            language=request.cookies.get(LANGUAGE_COOKIE, ""),
        )
        work = self.desk.store.read if name in READING else self.desk.store.write
        try:
            done = await work(lambda tx: run(tx, asking, command, params))
        except StoreError:
            return _json(503, {"error": "busy"})
        if done is None:
            return _json(403, {"error": "not_your_frame"})
        return _json(200, {"answer": self._answer(request, *done)})

    def _answer(self, request: Request, caller: Caller, outcome: Outcome) -> JsonValue:
        match outcome:
            case Said(payload=payload):
                return payload
            case Renewed():
                bearer = caller.app.bearer(caller.me.id, caller.person_epoch)
                return renewed(fresh_pair(self.desk.keys, bearer, self.clock.now_ms()))
            case Started():
                return init_data(
                    self._handing(request, caller, _as_opened(caller), request.path_params["sid"]),
                    is_admin=caller.me.is_admin,
                    is_installer=caller.opening.is_installer,
                    is_first_run=outcome.is_first_run,
                    app_options=outcome.app_options,
                    user_options=outcome.user_options,
                )
            case Slid(target=target):
                return _slider(self._handing(request, caller, target, caller.asking.slider.text), target)
            case _:
                assert_never(outcome)

    def _handing(self, request: Request, caller: Caller, target: Target, sid: str) -> Handing:
        portal = caller.asking.portal
        return Handing(
            keys=self.desk.keys,
            portal=portal,
            app=caller.app,
            url=target.url,
            bearer=caller.app.bearer(caller.me.id, caller.person_epoch),
            address=address_of(request, portal),
            language=chosen(caller.asking.language, caller.me.language, portal.language),
            sid=sid,
            place=target.place,
            options=target.options,
            now_ms=self.clock.now_ms(),
        )


def _as_opened(caller: Caller) -> Target:
    opening = caller.opening
    return Target(
        app=caller.app,
        url=caller.app.handler_url,
        title=caller.app.name,
        place=opening.place,
        options=opening.options,
        is_installer=opening.is_installer,
    )


def _slider(handing: Handing, target: Target) -> JsonValue:
    """What the page makes another frame of."""
    return {
        "name": handing.name,
        "sid": handing.sid,
        "origin": handing.origin,
        "action": handing.action,
        "fields": handing.body(),
        "title": target.title,
    }


async def _params(request: Request) -> Params | None:
    """The parameters as JSON; None if they are no mapping, too long, or do not come in time."""
    try:
        body = await read_body(request, most_bytes=_MOST_BYTES)
    except WireError:
        return None
    if len(body) > _MOST_BYTES:
        return None
    try:
        read = cast("JsonValue", msgspec.json.decode(body or b"{}"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return Params(read) if isinstance(read, dict) else None


def _json(status: int, document: JsonValue) -> Response:
    return Response(
        msgspec.json.encode(document),
        status,
        {"cache-control": "no-store", "x-content-type-options": "nosniff"},
        "application/json; charset=utf-8",
    )
