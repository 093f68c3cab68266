"""A small portal for the notifier's tests: a real HTTP server, state in memory, every call on record."""

import asyncio
import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec

from livefeed.errors import Fault
from livefeed.wire.batch import Outcome, compose_answer, read_commands
from livefeed.wire.calls import (
    Answer,
    Timing,
    answer_body,
    fault_body,
    page_of,
    parse_rest_path,
    read_request,
)
from livefeed.wire.faults import ExpiredToken, InvalidGrant, MethodNotFound, NoAuthFound, QueryLimitExceeded
from livefeed.wire.feed.rows import PostRow
from livefeed.wire.params import Params
from livefeed.wire.people import UserRow

MEMBER = "a223c6b3710f85df22e9377d6c4f7553"
CLIENT_ID = "local.notifier"
_TIMING = Timing(start_s=1.0, finish_s=1.0)


@dataclass
class FakePortal:
    """Answers the documented methods that the notifier calls.

    Attributes:
        people: By id.
        posts: By id.
        entries: Post id → feed entry id.
        comments: (id, feed entry id, person), in the order they were written.
        unreadable: Posts nobody's token shows.
        only_for: Post id → the people who see it; the others are seen by all.
        bell: TAG → (person, text): a newer notice under one TAG replaces the older.
        calls: (method, parameters), batched ones too.
        tokens: Access token → user; 1 is the installer.
        faults: Method → how many of its next calls fail with QUERY_LIMIT_EXCEEDED.
        holds: Method → set when a call of it has been done; its answer is held back for ever.
        cut_answers: Method → how many of its next calls are done, but the connection ends before the answer.
        refuses_refresh: Every refresh token is answered invalid_grant.
        bells_wanted: False: im.notify answers false.
        oldest_comments_first: The other order in which log.blogcomment.user.get may answer.
    """

    url: str = ""
    people: dict[int, UserRow] = field(default_factory=dict)
    posts: dict[int, PostRow] = field(default_factory=dict)
    entries: dict[int, int] = field(default_factory=dict)
    comments: list[tuple[int, int, int]] = field(default_factory=list)
    unreadable: set[int] = field(default_factory=set)
    only_for: dict[int, set[int]] = field(default_factory=dict)
    bell: dict[str, tuple[int, str]] = field(default_factory=dict)
    calls: list[tuple[str, Params]] = field(default_factory=list)
    tokens: dict[str, int] = field(default_factory=lambda: {"access-0": 1})
    faults: dict[str, int] = field(default_factory=dict)
    holds: dict[str, asyncio.Event] = field(default_factory=dict)
    cut_answers: dict[str, int] = field(default_factory=dict)
    refuses_refresh: bool = False
    bells_wanted: bool = True
    oldest_comments_first: bool = False
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1000))

    def add_person(self, number: int, name: str, last_name: str = "", **more: object) -> None:
        self.people[number] = UserRow(id=number, name=name, last_name=last_name, **more)

    def add_post(
        self, number: int, author: int, text: str, title: str = "", entry: int | None = None
    ) -> None:
        is_micro = not title
        self.posts[number] = PostRow(
            id=number, author_id=author, title=title or text[:20], text=text, is_micro=is_micro
        )
        self.entries[number] = entry if entry is not None else number * 10

    def edit(self, number: int, **fields: object) -> None:
        self.posts[number] = msgspec.structs.replace(self.posts[number], **fields)

    def add_comment(self, post: int, person: int) -> None:
        self.comments.append((next(self.numbers), self.entries[post], person))
        self.edit(post, num_comments=self.posts[post].num_comments + 1)

    def called(self, method: str) -> list[Params]:
        return [params for name, params in self.calls if name == method]

    def bell_of(self, person: int) -> list[str]:
        return [text for owner, text in self.bell.values() if owner == person]

    def answer(self, method: str, params: Params, user: int) -> Answer:
        self.calls.append((method, params))
        if self.faults.get(method, 0):
            self.faults[method] -= 1
            raise QueryLimitExceeded
        match method:
            case "batch":
                return self._batch(params, user)
            case "log.blogpost.get":
                return self._posts(params, user)
            case "log.blogcomment.user.get":
                return self._comments(params, user)
            case "user.get":
                return self._people(params)
            case "user.current":
                return Answer(result=self.people[user].to_wire())
            case "im.notify.personal.add":
                return self._ring(params)
            case "profile":
                return Answer(result={"ID": str(user), "ADMIN": user == 1})
            case "event.get":
                return Answer(result=[])
            case "event.bind":
                return Answer(result=True)
            case "app.info":
                return Answer(result=self._info(user))
            case _:
                raise MethodNotFound

    def _batch(self, params: Params, user: int) -> Answer:
        outcomes = []
        for command in read_commands(params):
            try:
                answer = self.answer(command.method, command.params({}), user)
            except Fault as fault:
                answer = fault
            outcomes.append(Outcome(name=command.name, answer=answer))
        return compose_answer(outcomes)

    def _posts(self, params: Params, user: int) -> Answer:
        seen = {n for n in self.posts if n not in self.unreadable and user in self.only_for.get(n, {user})}
        if number := params.integer("POST_ID"):
            shown = [self.posts[number]] if number in seen else []
            return Answer(result=[row.to_wire() for row in shown], total=len(shown))
        newest = sorted(seen, key=lambda n: -self.entries[n])
        if (first := params.maybe_integer("FIRST_ID")) is not None:
            newest = [n for n in reversed(newest) if self.entries[n] > first][: params.integer("LIMIT", 50)]
        elif (last := params.maybe_integer("LAST_ID")) is not None:
            newest = [n for n in newest if self.entries[n] < last][: params.integer("LIMIT", 50)]
        else:
            start = params.integer("start")
            rows = [self.posts[n].to_wire() for n in newest[start : start + 50]]
            return page_of(rows, start=start, total=len(newest))
        return Answer(result=[self.posts[n].to_wire() for n in newest])

    def _comments(self, params: Params, user: int) -> Answer:
        owner, low = params.integer("USER_ID", user), params.integer("FIRST_ID")
        high = params.integer("LAST_ID") or 1 << 60
        rows = [
            {"id": number, "comment_id": number, "log_id": entry, "date": "2025-01-28T11:05:42+02:00"}
            for number, entry, person in self.comments
            if person == owner and low < number < high
        ]
        rows = rows if self.oldest_comments_first else rows[::-1]
        return Answer(result={"comments": rows[: params.integer("LIMIT", 100)], "files": []})

    def _people(self, params: Params) -> Answer:
        wanted = Params(params.mapping("FILTER")).maybe_integer("ID")
        rows = [row.to_wire() for number, row in sorted(self.people.items()) if wanted in {None, number}]
        start = params.integer("start")
        return page_of(rows[start : start + 50], start=start, total=len(rows))

    def _ring(self, params: Params) -> Answer:
        if not self.bells_wanted:
            return Answer(result=False)
        self.bell[params.text("TAG")] = (params.integer("USER_ID"), params.text("MESSAGE"))
        return Answer(result=next(self.numbers))

    def _info(self, user: int) -> dict[str, object]:
        rest = f"{self.url}/rest/"
        install = {"installed": True, "version": 1, "status": "L", "scope": "log,user,im", "domain": "portal"}
        install |= {"member_id": MEMBER, "client_endpoint": rest, "user_id": user}
        shape = {
            "client_id": CLIENT_ID,
            "scope": "log,user,im",
            "expires": 0,
            "user_id": user,
            "install": install,
        }
        return {**shape, "ID": 1, "CODE": CLIENT_ID, "VERSION": 1, "STATUS": "L", "INSTALLED": True}

    def http(self, target: str, body: bytes) -> tuple[int, bytes]:
        path, _, query = target.partition("?")
        if path == "/oauth/token/":
            return (400, fault_body(InvalidGrant())) if self.refuses_refresh else (200, self._token())
        rest = parse_rest_path(path)
        assert rest is not None
        request = read_request(rest, query=query.encode(), content_type="form", body=body)
        try:
            user = self.tokens.get(request.auth or "")
            if user is None:
                raise ExpiredToken if request.auth else NoAuthFound
            return 200, answer_body(self.answer(rest.method, request.params, user), _TIMING)
        except Fault as fault:
            return fault.status, fault_body(fault)

    def cuts(self, target: str) -> bool:
        for method, left in self.cut_answers.items():
            if method in target and left > 0:
                self.cut_answers[method] -= 1
                return True
        return False

    async def hold(self, target: str) -> None:
        for method, held in self.holds.items():
            if method in target:
                held.set()
                await asyncio.Event().wait()

    def _token(self) -> bytes:
        token = f"access-{next(self.numbers)}"
        self.tokens[token] = 1
        pair = {"access_token": token, "refresh_token": f"refresh-{token}", "expires_in": 3600}
        return msgspec.json.encode(
            {**pair, "member_id": MEMBER, "user_id": 1, "client_endpoint": f"{self.url}/rest/"}
        )


@asynccontextmanager
async def serving(portal: FakePortal) -> AsyncGenerator[FakePortal]:
    """Serve ``portal`` on a free port while the block lasts."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                target = line.split()[1].decode()
                length = 0
                while (header := await reader.readline()).strip():
                    name, _, value = header.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                status, body = portal.http(target, await reader.readexactly(length))
                if portal.cuts(target):
                    return
                await portal.hold(target)
                head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
                writer.write(f"{head}\r\n\r\n".encode() + body)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    talks: set[asyncio.Task[None]] = set()

    async def talk_until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        await talk(reader, writer)
        talks.discard(task)

    server = await asyncio.start_server(talk_until_closed, "127.0.0.1", 0)
    portal.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield portal
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


__all__ = ["CLIENT_ID", "MEMBER", "FakePortal", "serving"]
