"""The plan: which faults are wanted, and whether one strikes, decided by seed and by what it would strike."""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias

import msgspec

Kind: TypeAlias = Literal[
    "drop before",
    "drop after",
    "duplicate",
    "reorder",
    "delay",
    "burst",
    "no tokens",
    "expired token",
    "revoked refresh token",
    "wrong application_token",
    "query limit",
    "operation time limit",
    "renamed portal",
    "HTML error page",
    "connection reset",
    "uninstall",
]

QUERY_BURST: Final = 50
QUERY_DRAIN_S: Final = 0.5


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One fault that is wanted.

    Attributes:
        kind: What goes wrong.
        share: How often, from 0 to 1, of what it can strike.
        times: At most so often; None: any number of times.
        seconds: Of a delay.
        method: The one REST method it strikes; empty: every one.
        clean: Of an uninstall: whether the application is asked to erase its data.
    """

    kind: Kind
    share: float = 1.0
    times: int | None = None
    seconds: float = 0.0
    method: str = ""
    clean: bool = False


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted, and the seed that decides when: all that another process needs to do the same."""

    seed: int
    rules: tuple[Rule, ...]


class Occurred(msgspec.Struct, frozen=True, kw_only=True, tag="occurred"):
    """Something came that faults may strike; counted, for it is drawn by its how-many-th time."""

    what: str


class Struck(msgspec.Struct, frozen=True, kw_only=True, tag="struck"):
    """The rule with this number has struck."""

    rule: int


Step: TypeAlias = Occurred | Struck


class Faults:
    """What goes wrong while the block lasts; each fault that is added returns the same object.

    Whether a fault strikes hangs on the seed, the kind of the fault and what it would strike: the path of the
    address, the event, the post, and for the how-many-th time; or the REST method. So it strikes the same in
    each run, in whatever order things happen beside one another.

    Example:
        >>> with portal.faults(seed=7).drop(before=0.2).duplicate(0.1):
        ...     post.edit("Now on Friday")
        ...     portal.settle()
    """

    def __init__(
        self,
        seed: int,
        *,
        enter: Callable[["Faults"], None],
        leave: Callable[["Faults"], None],
        steps: Callable[["Faults"], Iterable[Step]] | None = None,
    ) -> None:
        """Nothing goes wrong yet.

        Args:
            seed: Decides what is struck.
            enter: Called at the begin of the block.
            leave: Called at its end.
            steps: Where they strike in another process: what has happened there so far.
        """
        self._seed = seed
        self._enter = enter
        self._leave = leave
        self._steps = steps
        self._rules: list[Rule] = []
        self._left: dict[int, int] = {}
        self._seen: Counter[str] = Counter()
        self._struck: Counter[Kind] = Counter()
        self._note: Callable[[Step], None] = _forget

    @classmethod
    def from_plan(cls, plan: Plan, past: Iterable[Step], note: Callable[[Step], None]) -> Self:
        """The same faults in another process, where they strike; they go on after ``past``.

        Args:
            plan: Of the block.
            past: What has happened already.
            note: Called with each step from now on.
        """
        made = cls(plan.seed, enter=_nothing, leave=_nothing)
        for rule in plan.rules:
            made._append(rule)
        for step in past:
            made._take(step)
        made._note = note
        return made

    @property
    def plan(self) -> Plan:
        """What is wanted."""
        return Plan(seed=self._seed, rules=tuple(self._rules))

    @property
    def struck(self) -> Counter[Kind]:
        """How often each kind has struck."""
        if self._steps is None:
            return self._struck
        return Counter(self._rules[one.rule].kind for one in self._steps(self) if isinstance(one, Struck))

    def drop(self, *, before: float = 0.0, after: float = 0.0, times: int | None = None) -> Self:
        """Lose deliveries: ``before`` they reach the handler, or ``after`` it has done its work.

        The portal sees a broken connection either way. Under the policy ``durable`` it tries again, and what
        was dropped after arrives twice; under ``bitrix24`` it is lost.
        """
        if before:
            self._add("drop before", before, times)
        return self._add("drop after", after, times) if after else self

    def duplicate(self, share: float = 1.0, *, times: int | None = None) -> Self:
        """Send deliveries twice, one after the other: the same body under the same ``webhook-id``."""
        return self._add("duplicate", share, times)

    def reorder(self, share: float = 1.0, *, times: int | None = None) -> Self:
        """Let deliveries be overtaken: they come after all others that are due, in an order of their own.

        The portal takes them for delivered, as behind a queue; a handler that fails then is not tried again.
        """
        return self._add("reorder", share, times)

    def delay(self, share: float = 1.0, *, seconds: float, times: int | None = None) -> Self:
        """Let deliveries arrive when the clock was turned by ``seconds`` more; see `reorder`."""
        return self._add("delay", share, times, seconds=seconds)

    def burst(self) -> Self:
        """Hold all deliveries back and let them come at the same moment; see `reorder`."""
        return self._add("burst", 1.0, None)

    def no_tokens(self, share: float = 1.0, *, times: int | None = None) -> Self:
        """Send events without OAuth tokens, as after an automation; application_token stays (A-68)."""
        return self._add("no tokens", share, times)

    def expired_token(self, share: float = 1.0, *, times: int | None = None) -> Self:
        """Let every access token that an application holds expire just after an event has left for it.

        REST answers ``expired_token``, 401, until the application has refreshed its pair.
        """
        return self._add("expired token", share, times)

    def revoked_refresh_token(self, share: float = 1.0, *, times: int | None = None) -> Self:
        """Refuse to refresh: the token endpoint answers ``invalid_grant``."""
        return self._add("revoked refresh token", share, times)

    def wrong_application_token(self, share: float = 1.0, *, times: int | None = None) -> Self:
        """Send events with an application_token that is not the application's, and without a signature."""
        return self._add("wrong application_token", share, times)

    def query_limit(self) -> Self:
        """Limit REST as a standard plan does: 50 calls at once, then 2 a second by the portal's clock.

        Above that: 503, ``QUERY_LIMIT_EXCEEDED``.

        Source: settings/performance/limits.md
        """
        return self._add("query limit", 1.0, None)

    def operation_time_limit(self, method: str = "", *, share: float = 1.0, times: int | None = None) -> Self:
        """Answer 429, ``OPERATION_TIME_LIMIT``, to calls of ``method``; empty: of every method."""
        return self._add("operation time limit", share, times, method=method)

    def renamed_portal(self) -> Self:
        """Give the portal another host: events name it, and the old one answers 302 to it."""
        return self._add("renamed portal", 1.0, None)

    def html_error_page(self, share: float = 1.0, *, method: str = "", times: int | None = None) -> Self:
        """Answer REST and the token endpoint with 502 and a page of HTML, as a proxy does."""
        return self._add("HTML error page", share, times, method=method)

    def connection_reset(self, share: float = 1.0, *, method: str = "", times: int | None = None) -> Self:
        """Break the connection instead of answering REST and the token endpoint; nothing was done."""
        return self._add("connection reset", share, times, method=method)

    def uninstall(self, share: float = 1.0, *, clean: bool = False, times: int | None = 1) -> Self:
        """Uninstall the application while an event is on its way to it.

        The event still arrives; its tokens are dead, and ONAPPUNINSTALL follows where it is bound.
        """
        return self._add("uninstall", share, times, clean=clean)

    def wants(self, kind: Kind) -> bool:
        """Whether there is such a fault in the plan."""
        return any(rule.kind == kind for rule in self._rules)

    def occasion(self, what: str) -> str:
        """Something that faults may strike: its name, with how often it has come in this block."""
        self._step(Occurred(what=what))
        return f"{what} {self._seen[what]}"

    def strikes(self, kind: Kind, occasion: str, *, method: str = "") -> Rule | None:
        """The rule that strikes on this occasion; None: nothing of the kind happens."""
        for index, rule in enumerate(self._rules):
            if rule.kind != kind or (rule.method and rule.method != method.lower()):
                continue
            if self._left.get(index, 1) > 0 and self.draw(f"{index} {kind} {occasion}") < rule.share:
                self._step(Struck(rule=index))
                return rule
        return None

    def draw(self, what: str) -> float:
        """A number from 0 to 1 that hangs on the seed and on ``what``."""
        return random.Random(f"{self._seed} {what}").random()

    def __enter__(self) -> Self:
        self._enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave(self)

    def _add(
        self,
        kind: Kind,
        share: float,
        times: int | None,
        *,
        seconds: float = 0.0,
        method: str = "",
        clean: bool = False,
    ) -> Self:
        if not 0 <= share <= 1:
            raise ValueError(f"{kind}: a share is from 0 to 1, not {share}")
        self._append(
            Rule(kind=kind, share=share, times=times, seconds=seconds, method=method.lower(), clean=clean)
        )
        return self

    def _append(self, rule: Rule) -> None:
        if rule.times is not None:
            self._left[len(self._rules)] = rule.times
        self._rules.append(rule)

    def _step(self, step: Step) -> None:
        self._take(step)
        self._note(step)

    def _take(self, step: Step) -> None:
        match step:
            case Occurred():
                self._seen[step.what] += 1
            case Struck():
                rule = self._rules[step.rule]
                if rule.times is not None:
                    self._left[step.rule] -= 1
                self._struck[rule.kind] += 1


def _forget(_: Step) -> None:
    """Where faults strike in the process of the test, they count for themselves."""


def _nothing(_: Faults) -> None:
    """Where faults only strike, the block is another process's."""
