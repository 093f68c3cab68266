"""What the REST door asks before and after a call, where a portal has limits."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from livefeed.durable.store import Store, Tx
from livefeed.errors import StoreError
from livefeed.portal.call import Call, Method, Principal
from livefeed.portal.limits.operating import Account, Operating, Spent, read, spend
from livefeed.portal.limits.plans import Plan
from livefeed.portal.limits.requests import Knock, knock
from livefeed.wire.calls import Answer
from livefeed.wire.faults import OperationTimeLimit, QueryLimitExceeded
from livefeed.wire.ids import MemberId

Timer = Callable[[], float]
"""Seconds on a clock that is never set."""


@dataclass(slots=True)
class Use:
    """What one run of a method has used; filled inside its unit.

    Attributes:
        account: Whose; None as long as the method did not run.
        used_us: Its own time, without any wait for the database; of the last time it was run.
    """

    account: Account | None = None
    used_us: int = 0


class Limiter:
    """The limits of one plan; what was used is in the database, for every process of the portal."""

    def __init__(self, store: Store, plan: Plan, *, timer: Timer = time.perf_counter) -> None:
        self.plan: Final = plan
        self._store = store
        self._timer = timer

    async def admit(self, portal: MemberId, address: str) -> None:
        """Count one HTTP request from ``address``.

        Raises:
            QueryLimitExceeded: Its bucket is full.
            StoreError: It cannot be counted now.
        """
        if not await self._store.write_row(knock, Knock(portal=portal, address=address, plan=self.plan)):
            raise QueryLimitExceeded

    def run(self, tx: Tx, method: Method, call: Call, use: Use) -> Answer:
        """Run a method, if its caller has time left; the call that uses up what is left still runs.

        Raises:
            OperationTimeLimit: The caller has used more than the plan allows.
            Fault: The method's own.
        """
        account = Account(portal=call.portal.member_id, caller=caller_of(call.principal), method=method.name)
        if read(tx, account).seconds > self.plan.operating_s:
            raise OperationTimeLimit
        use.account = account
        began_s = self._timer()
        try:
            return method.fn(tx, call)
        finally:
            use.used_us = round((self._timer() - began_s) * 1e6)

    async def settle(self, use: Use) -> Operating | None:
        """Put down what a call has used; what its caller has used now.

        Returns:
            None if the method did not run, or if it cannot be stored now: what the call did has been done.
        """
        if use.account is None:
            return None
        with suppress(StoreError):
            return await self._store.write_row(spend, Spent(account=use.account, used_us=use.used_us))
        return None


def caller_of(principal: Principal) -> str:
    """Who has a budget of his own: an application, or an incoming webhook."""
    if principal.app is not None:
        return f"app:{principal.app.id}"
    return f"webhook:{principal.webhook_id}"
