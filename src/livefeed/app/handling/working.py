"""Working: one worker runs the lanes of all consumers of an application."""

from collections.abc import Mapping
from functools import partial

from livefeed.app.application import Consumption
from livefeed.app.handling import quiet
from livefeed.app.handling.dispatch import Dispatch
from livefeed.app.handling.runner import Runner
from livefeed.app.installs import binding
from livefeed.app.installs.binding import Binder
from livefeed.app.routing.handlers import Handler
from livefeed.app.routing.table import Table
from livefeed.app.runtime import Runtime
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Outcome
from livefeed.durable.worker import Worker
from livefeed.failpoints import failpoint


def worker_of(
    consumptions: Mapping[str, Consumption], table: Table, runtime: Runtime, binder: Binder
) -> Worker:
    """The worker of inboxes, of handlers with own lanes, of bindings, and of what is consumed beside."""

    async def bind(lease: Lease, _: Runtime) -> Outcome:
        return await binder.run(lease)

    runner = Runner(table, runtime, binding.ask if binder.wanted else None)
    quiet_ones = [
        Consumption(spec=quiet.spec_of(handler), run=partial(_run_quiet, runner, handler))
        for handler in table.with_own_lanes()
    ]
    own = [Consumption(spec=binding.SPEC, run=bind), *quiet_ones]
    every = {**consumptions, **{one.spec.name: one for one in own}}
    limits = [consumption.spec.entries_limit for consumption in every.values()]
    dispatch = Dispatch(runner, every, runtime)
    return Worker(
        runtime.store,
        dispatch.run,
        clock=runtime.clock,
        entries_limit=max([quiet.LONGEST_RUN if table.coalesced() else 1, *limits]),
        on_leased=_leased,
        on_finished=_finished,
    )


async def _run_quiet(runner: Runner, handler: Handler, lease: Lease, _: Runtime) -> Outcome:
    return await runner.run_quiet(handler, lease)


def _leased(lease: Lease) -> None:
    if lease.consumer.name == "inbox":
        failpoint("app.lease.taken")


def _finished(lease: Lease) -> None:
    if lease.consumer.name == "inbox":
        failpoint("app.handler.finished")
