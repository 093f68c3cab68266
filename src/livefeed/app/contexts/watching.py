"""Watching: what leaves for a portal is looked at for writes to its feed, however it is called."""

import secrets
from collections.abc import Iterable, Mapping
from typing import Final

from livefeed.app.contexts.writes import OwnWrites, Write
from livefeed.client.access import Sends
from livefeed.errors import ConnectFailed, Fault, LoopBraked, StoreError, TransportError, WireError
from livefeed.net.http import HttpAnswer
from livefeed.wire.batch import read_batch
from livefeed.wire.calls import Answer, read_answer
from livefeed.wire.events import PostAdded, PostDeleted, PostUpdated
from livefeed.wire.form import REST_LIMITS, Form, FormValue, decode
from livefeed.wire.ids import MemberId, PostId, decimal

# What raises which event: api-reference/log/events/index.md. A share and a comment raise none.
_RAISES: Final = {
    "log.blogpost.add": PostAdded.wire_name,
    "log.blogpost.update": PostUpdated.wire_name,
    "log.blogpost.delete": PostDeleted.wire_name,
}
_SHOWN: Final = ("POST_TITLE", "POST_MESSAGE")
_BATCH: Final = "batch"
_ALONE: Final = ""


class Watched:
    """The way out to one portal; writes to its feed are recorded before they leave."""

    def __init__(self, http: Sends, writes: OwnWrites, portal: MemberId, handling: str) -> None:
        self._http = http
        self._writes = writes
        self._portal = portal
        self._handling = handling

    async def send(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        max_answer_bytes: int | None = None,
    ) -> HttpAnswer:
        """As `HttpClient.send`.

        Raises:
            TransportError: There was no usable answer.
            LoopBraked: The application has written to this post too often; nothing was sent.
            StoreError: The write could not be recorded; nothing was sent.
        """
        writes = read_writes(url, body or b"")
        await self._begin(writes.values())
        try:
            answer = await self._http.send(
                method,
                url,
                body=body,
                headers=headers or {},
                timeout_s=timeout_s,
                max_answer_bytes=max_answer_bytes,
            )
        except TransportError as exc:
            for write in writes.values():
                await self._writes.end(write, exc)
            raise
        if writes:
            outcomes = _outcomes(answer, writes)
            for name, write in writes.items():
                await self._writes.end(write, outcomes.get(name))
        return answer

    async def _begin(self, writes: Iterable[Write]) -> None:
        begun: list[Write] = []
        try:
            for write in writes:
                await self._writes.begin(self._portal, write, self._handling)
                begun.append(write)
        except (LoopBraked, StoreError):
            for write in begun:
                await self._writes.end(write, ConnectFailed("nothing is sent"))
            raise


def read_writes(url: str, body: bytes) -> dict[str, Write]:
    """The writes in a request, by the name of their command in a batch; empty: one by itself."""
    method = url.rpartition("/")[2].partition("?")[0].removesuffix(".json").lower()
    if method not in _RAISES and (method != _BATCH or b"log.blogpost" not in body.lower()):
        return {}
    try:
        form = decode(body, limits=REST_LIMITS, strict=False)
        if method != _BATCH:
            found = {_ALONE: _write(method, form)}
        else:
            commands = form.get("cmd")
            found = {
                name: _command(line)
                for name, line in (commands.items() if isinstance(commands, dict) else ())
            }
    except WireError:
        return {}
    return {name: write for name, write in found.items() if write is not None}


def _command(line: FormValue) -> Write | None:
    if not isinstance(line, str):
        return None
    method, _, query = line.partition("?")
    form = decode(query.encode(), limits=REST_LIMITS, strict=False)
    return _write(method.strip("/ ").lower().removesuffix(".json"), form)


def _write(method: str, form: Form) -> Write | None:
    """None: it raises no event, or it cannot be said of which post, as where a batch refers to an answer."""
    event = _RAISES.get(method)
    if event is None:
        return None
    given = {name.upper(): value for name, value in form.items()}
    number = given.get("POST_ID", "")
    post = 0 if event == PostAdded.wire_name else decimal(number) if isinstance(number, str) else None
    if post is None:
        return None
    content = {name: text for name in _SHOWN if isinstance(text := given.get(name), str)}
    return Write(id=secrets.token_hex(16), event=event, post=PostId(post), content=content)


def _outcomes(answer: HttpAnswer, writes: Mapping[str, Write]) -> Mapping[str, Answer | Fault | None]:
    """What became of each; nothing is known of what has no answer."""
    try:
        whole = read_answer(answer.status, answer.body)
        return {_ALONE: whole} if _ALONE in writes else read_batch(whole)
    except Fault as fault:
        return dict.fromkeys(writes, fault)
    except WireError:
        return {}
