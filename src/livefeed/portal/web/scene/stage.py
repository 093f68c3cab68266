"""The stage: what the scene needs of the other process, which the portal itself knows nothing of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from livefeed.wire.ids import MemberId, PostId

ProcessState: TypeAlias = Literal["starting", "running", "killed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """The application's process.

    Attributes:
        state: starting: not ready yet · running · killed: by us, on this page.
        pid: Its process id, or the last one it had.
        since_ms: When this state began.
    """

    state: ProcessState
    pid: int
    since_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened to an event in the inbox."""

    name: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An event in the application's inbox.

    Attributes:
        seq: Its place there.
        at_ms: When it was stored.
        state: waiting, leased, backing_off, done, dead or dropped.
        steps: What happened to it so far.
        due_at_ms: When its lane is looked at next; None: nothing is left to do.
    """

    seq: int
    at_ms: int
    state: str
    steps: Sequence[Step]
    due_at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a version of a post holds: its title and its BBCode."""

    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What one person heard of the edit.

    Attributes:
        person: His number.
        is_told: Whether he is told.
        reason: author, mentioned, commenter, or empty: he takes no part.
        why: Why he is not told; empty if he is.
        state: Of his notice: planned, sending, sent, skipped, failed; empty if there is none.
        calls: How often the portal was called for it.
        settled_at_ms: When it was sent or given up; None: not yet.
    """

    person: int
    is_told: bool
    reason: str
    why: str
    state: str
    calls: int
    settled_at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the application made of an edit.

    Attributes:
        seq: The newest event of the inbox that it answers.
        events: How many events it answers.
        silence: Why nobody is told; empty: somebody is.
        old: What people knew.
        new: What they are told of.
        heard: Everybody: who is told first, then who takes part, then all others.
    """

    seq: int
    events: int
    silence: str
    old: Content
    new: Content
    heard: Sequence[Heard]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the application's database says of a post.

    Attributes:
        arrival: The newest edit in its inbox.
        judgement: The newest decision.
        waiting: How many events lie in its inbox undone, of all posts.
    """

    arrival: Arrival | None = None
    judgement: Judgement | None = None
    waiting: int = 0


class Stage(Protocol):
    """The application beside the portal, as far as the scene shows and moves it."""

    @property
    def app_url(self) -> str:
        """Where the application answers; its handlers lie below."""
        ...

    async def process(self) -> Process:
        """Where its process stands."""
        ...

    async def kill(self) -> None:
        """End the process with SIGKILL; one that does not run is left alone."""
        ...

    async def start(self) -> None:
        """Start the process again; one that runs is left alone."""
        ...

    async def account(self, portal: MemberId, post: PostId) -> Account:
        """What its database says of ``post``; also while the process is dead."""
        ...

    async def changes(self) -> str:
        """A word that is another one once something has changed in either half."""
        ...
