"""Budgets: the running time of each method at each portal, for all processes of an application.

Each answer tells a process what all of them have used. What is used up to a quarter is nobody else's concern;
beyond, it is written down for those that have not called the method of late, and for the next start.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from livefeed.client.sending.operating import Budget
from livefeed.clock import Clock
from livefeed.durable import sql
from livefeed.durable.store import Store, Tx
from livefeed.errors import Fault, StoreError
from livefeed.telemetry import logger
from livefeed.wire.calls import Answer
from livefeed.wire.ids import MemberId

LIMIT_S: Final = 420.0
"""Seconds of ten minutes: what a self-hosted portal allows, and an eighth less than the cloud.

What several processes have under way at one moment none of them knows; the eighth is for that.
"""

_SQL: Final = sql.load("livefeed.client.sending", "budgets.sql")
_LOG: Final = logger("client")
_TELLING: Final = 0.25
_STALE_S: Final = 1.0


@dataclass(slots=True)
class _Known:
    """What this process knows of one portal.

    Attributes:
        budget: The running time of its methods.
        told: Methods that have a row.
        read_at_s: When the rows were read last.
    """

    budget: Budget
    told: set[str] = field(default_factory=set[str])
    read_at_s: float = float("-inf")


class Budgets:
    """The budgets of all portals: an application has one for each portal and method, whoever calls."""

    def __init__(self, store: Store, clock: Clock, limit_s: float = LIMIT_S) -> None:
        self._store = store
        self._clock = clock
        self._limit_s = limit_s
        # Nobody else writes to a file: what it says at the start is all that it will ever tell us.
        self._stale_s = _STALE_S if store.engine != "sqlite" else float("inf")
        self._known: dict[MemberId, _Known] = {}

    def of(self, member_id: MemberId) -> "SharedOperating":
        """The budget of one portal."""
        return SharedOperating(self, member_id)

    async def reserve(self, member_id: MemberId, methods: Mapping[str, int], longest_s: float) -> float:
        """See `Budget.reserve`."""
        known = self._of(member_id)
        if abs(self._now_s() - known.read_at_s) >= self._stale_s:
            known.read_at_s = self._now_s()
            await self._read(member_id, known)
        return known.budget.reserve(methods, self._now_s(), longest_s)

    def note(self, member_id: MemberId, method: str, outcome: Answer | Fault | None) -> None:
        """See `Budget.note`."""
        self._of(member_id).budget.note(method, outcome, self._now_s())

    async def share(self, member_id: MemberId, methods: Mapping[str, int]) -> None:
        """Write down what has run for long, and strike out what has not; if it cannot be, the calls go on."""
        known, now_s = self._of(member_id), self._now_s()
        rows: dict[str, dict[str, int]] = {}
        dropped: list[str] = []
        for method in sorted({method.lower() for method in methods}):
            spent = known.budget.of(method)
            if spent.used_s >= self._limit_s * _TELLING and spent.frees_at_s > now_s:
                times = {"used_ms": spent.used_s, "call_ms": spent.call_s, "frees_at": spent.frees_at_s}
                rows[method] = {name: round(seconds * 1000) for name, seconds in times.items()}
            elif method in known.told:
                dropped.append(method)
        if not rows and not dropped:
            return

        def keep(tx: Tx) -> None:
            for method, times in rows.items():
                _SQL.keep(tx.conn, member_id=member_id, method=method, **times)
            for method in dropped:
                _SQL.drop(tx.conn, member_id=member_id, method=method)

        try:
            await self._store.write(keep)
        except StoreError as exc:
            _LOG.warning("operating_time_not_shared", member_id=member_id, error=str(exc))
        else:
            known.told = (known.told | rows.keys()) - set(dropped)

    def frees_in_s(self, member_id: MemberId, methods: Mapping[str, int]) -> float:
        """See `Budget.frees_in_s`."""
        return self._of(member_id).budget.frees_in_s(methods, self._now_s())

    async def _read(self, member_id: MemberId, known: _Known) -> None:
        def read(tx: Tx) -> list[Any]:
            return list(_SQL.of_portal(tx.conn, member_id=member_id, now=tx.now_ms))

        try:
            rows = await self._store.read(read)
        except StoreError as exc:
            _LOG.warning("operating_time_not_read", member_id=member_id, error=str(exc))
            return
        now_s = self._now_s()
        for row in rows:
            known.told.add(row["method"])
            used_s, call_s, frees_at_s = (row[name] / 1000 for name in ("used_ms", "call_ms", "frees_at"))
            known.budget.hear(row["method"], used_s, call_s, frees_at_s, now_s)

    def _of(self, member_id: MemberId) -> _Known:
        known = self._known.get(member_id)
        if known is None:
            known = self._known[member_id] = _Known(Budget(self._limit_s))
        return known

    def _now_s(self) -> float:
        return self._clock.now_ms() / 1000


@dataclass(frozen=True, slots=True)
class SharedOperating:
    """The budget of one portal."""

    budgets: Budgets
    member_id: MemberId

    async def reserve(self, methods: Mapping[str, int], longest_s: float) -> float:
        """See `Budgets.reserve`."""
        return await self.budgets.reserve(self.member_id, methods, longest_s)

    def note(self, method: str, outcome: Answer | Fault | None) -> None:
        """See `Budgets.note`."""
        self.budgets.note(self.member_id, method, outcome)

    async def share(self, methods: Mapping[str, int]) -> None:
        """See `Budgets.share`."""
        await self.budgets.share(self.member_id, methods)

    def frees_in_s(self, methods: Mapping[str, int]) -> float:
        """See `Budgets.frees_in_s`."""
        return self.budgets.frees_in_s(self.member_id, methods)


def forget(tx: Tx, member_id: MemberId) -> None:
    """Drop what is known of a portal."""
    _SQL.forget(tx.conn, member_id=member_id)
