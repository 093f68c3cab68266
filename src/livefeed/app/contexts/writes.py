"""Own writes: what the application itself has written to a feed, so that it does not react to its own echo.

An event says which post changed, neither what nor by whom (contract A-45: own writes raise events too). So an
event is taken for an echo if the application has written to that post shortly before, no other event was
taken for the echo of that call, and the post still shows what was written then, or by this application since.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from livefeed import telemetry
from livefeed.app.contexts.posts import Post
from livefeed.app.contexts.refusals import is_refusal
from livefeed.durable import sql
from livefeed.durable.store import Store, Tx
from livefeed.errors import Fault, LoopBraked, TransportError
from livefeed.secrets import KeyRing
from livefeed.telemetry import logger
from livefeed.wire.calls import Answer
from livefeed.wire.events import PostAdded
from livefeed.wire.ids import MemberId, PostId, decimal

_SQL: Final = sql.load("livefeed.app.contexts", "writes.sql")
_LOG: Final = logger("app")
_SLICE: Final = 500

ECHO_MS: Final = 3_600_000
"""How long after a call its event is still taken for its echo."""
_SKEW_MS: Final = 1_000  # as far as the clocks of machines that share a database may differ


@dataclass(frozen=True, slots=True, kw_only=True)
class Brake:
    """How often an application may write to one post before it is taken to be running in a circle.

    Attributes:
        writes: So many.
        within_s: In so many seconds.
    """

    writes: int = 20
    within_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One call that raises an event.

    Attributes:
        id: Its number here.
        event: The wire name of the event.
        post: The post; 0: a new one.
        content: Field → what was written.
    """

    id: str
    event: str
    post: PostId
    content: Mapping[str, str]


@dataclass(slots=True)
class OwnWrites:
    """The own writes of a running application, of whichever process.

    Attributes:
        store: Where they are kept.
        keys: Hashes what was written.
        brake: When it is too much.
        portals: Where anything was written of late; only right where no other process writes.
    """

    store: Store
    keys: KeyRing
    brake: Brake
    portals: set[str] = field(default_factory=set[str])

    async def load(self) -> None:
        """Know where the process before has written."""
        self.portals.update(await self.store.read(_writing_portals))

    def may_explain(self, portal: str) -> bool:
        """Whether it is worth a look; where others write too, it always is."""
        return portal in self.portals or self.store.engine != "sqlite"

    async def begin(self, portal: MemberId, write: Write, handling: str) -> None:
        """Record a write before its call: its event may come before its answer.

        Args:
            portal: Where.
            write: What.
            handling: The wire name of the event that is being handled; empty: none.

        Raises:
            LoopBraked: There were too many.
        """
        content = {name: self._hash(text) for name, text in write.content.items()}
        row = msgspec.json.encode(content).decode()

        def begin(tx: Tx) -> bool:
            tx.serialize(portal)
            if self._is_too_much(tx, portal, write, handling):
                tx.count(telemetry.loop_brakes)
                return False
            _SQL.add_write(
                tx.conn,
                id=write.id,
                portal=portal,
                event=write.event,
                post=write.post,
                content=row,
                at=tx.now_ms,
            )
            return True

        if not await self.store.write(begin):
            _LOG.error("loop_braked", portal=portal, post=write.post, kind=write.event)
            brake = f"{self.brake.writes} times in {self.brake.within_s:g} s"
            what = f"written to post {write.post}" if write.post else "added posts when one was added"
            raise LoopBraked(f"this application has {what} {brake}: it may be reacting to itself")
        self.portals.add(portal)

    def _is_too_much(self, tx: Tx, portal: MemberId, write: Write, handling: str) -> bool:
        since = tx.now_ms - round(self.brake.within_s * 1000)
        if write.event != PostAdded.wire_name:
            count = _SQL.count_writes(tx.conn, portal=portal, post=write.post, event=write.event, since=since)
        elif handling == PostAdded.wire_name:
            count = _SQL.count_adds(tx.conn, portal=portal, event=write.event, since=since)
        else:
            return False
        return int(count) >= self.brake.writes

    async def end(self, write: Write, outcome: Answer | Fault | TransportError | None) -> None:
        """Record what came of it: a refused one raises no event, a new post has a number now.

        Args:
            write: What was begun.
            outcome: Of what is no answer and no refusal nobody knows: it may have been made.
        """
        if isinstance(outcome, Answer):
            if write.event != PostAdded.wire_name:
                return
            number = decimal(str(outcome.result)) or 0
            await self.store.write(lambda tx: _SQL.name_post(tx.conn, id=write.id, post=number))
        elif is_refusal(outcome):
            await self.store.write(lambda tx: _SQL.drop_write(tx.conn, id=write.id))

    def candidates(self, tx: Tx, portal: str, event: str, post: PostId, seq: int, at_ms: int) -> list[Any]:
        """What the event ``seq``, which came at ``at_ms``, may be the echo of."""
        return list(
            _SQL.candidates(
                tx.conn,
                portal=portal,
                event=event,
                post=post,
                seq=seq,
                since=at_ms - ECHO_MS,
                before=at_ms + (_SKEW_MS if tx.is_shared else 0),
            )
        )

    def shown(self, found: Sequence[Any], post: Post | None) -> str | None:
        """The oldest write of `candidates` that ``post`` still shows, together with those after it.

        Of what nobody can read, nobody can say more: the oldest of all.
        """
        if post is None:
            return str(found[0]["id"]) if found else None
        shown = {"POST_TITLE": self._hash(post.title), "POST_MESSAGE": self._hash(post.text)}
        oldest: str | None = None
        later: dict[str, str] = {}
        for one in reversed(found):
            written: dict[str, str] = msgspec.json.decode(one["content"])
            if one["post"]:  # else a new post whose number is not known yet: perhaps another one
                written = later = written | later
            if all(shown[name] == digest for name, digest in written.items()):
                oldest = str(one["id"])
        return oldest

    def _hash(self, text: str) -> str:
        """Of the words alone: a portal may show line ends, entities and spaces in another form."""
        return self.keys.hash(" ".join(html.unescape(text).split())).hex()


def explain(tx: Tx, write: str, seq: int) -> None:
    """The event ``seq`` is the echo of this write, and no other is."""
    if _SQL.explain(tx.conn, id=write, seq=seq):
        tx.count(telemetry.own_events)


def purge(tx: Tx, *, before_ms: int) -> int:
    """Forget a slice of those that are older than ``before_ms``; returns how many."""
    count: int = _SQL.purge_writes(tx.conn, before=before_ms, limit=_SLICE)
    return count


def forget(tx: Tx, portal: MemberId) -> None:
    """Erase those of a portal."""
    _SQL.forget_writes(tx.conn, portal=portal)


def _writing_portals(tx: Tx) -> list[str]:
    return [row[0] for row in _SQL.writing_portals(tx.conn, since=tx.now_ms - ECHO_MS)]
