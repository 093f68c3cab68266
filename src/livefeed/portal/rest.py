"""The REST door: who calls, what, may he; one unit of work; the answer in the documented envelope."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from livefeed.clock import Clock
from livefeed.durable.store import Store, Tx
from livefeed.errors import Fault, StoreBusy, StoreError, TooLarge, WireError
from livefeed.failpoints import failpoint
from livefeed.portal.call import Call, Method
from livefeed.portal.calls.callers import Caller, caller_in, identify
from livefeed.portal.calls.courtesy import Courtesy
from livefeed.portal.calls.units import Asked, together, unit_of
from livefeed.portal.limits.limiter import Limiter, Use
from livefeed.portal.limits.operating import Operating
from livefeed.portal.methods import BATCH, MethodTable
from livefeed.portal.portals import PortalRow
from livefeed.secrets import KeyRing
from livefeed.telemetry import logger
from livefeed.wire.batch import Command, Outcome, compose_answer, read_commands
from livefeed.wire.calls import Answer, RestPath, RestRequest, Timing, answer_body, fault_body
from livefeed.wire.faults import (
    InsufficientScope,
    InternalServerError,
    InvalidRequest,
    MethodNotFound,
    QueryLimitExceeded,
)
from livefeed.wire.form import JsonValue
from livefeed.wire.params import Params

_log = logger("portal.rest")


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What goes back over HTTP; a Retry-After is due when ``is_temporary``."""

    status: int
    body: bytes
    is_temporary: bool = False


class Door:
    """Answers REST calls of every portal of this server."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        keys: KeyRing,
        methods: MethodTable,
        limiter: Limiter | None = None,
    ) -> None:
        """Answer with these parts; without a ``limiter`` everybody may call as often as he likes."""
        self._store = store
        self._limiter = limiter
        self._clock = clock
        self._keys = keys
        self._methods = methods
        self._courtesy: Final = Courtesy()
        self._bulks: Final = {one.name: together(one, one.many) for one in methods.every() if one.many}

    async def admit(self, portal: PortalRow, address: str) -> None:
        """Let one HTTP request from ``address`` in, before anything else is known of it.

        Raises:
            QueryLimitExceeded: There were too many.
            StoreError: It cannot be counted now.
        """
        if self._limiter is not None:
            await self._limiter.admit(portal.member_id, address)

    @property
    def has_limits(self) -> bool:
        """Whether requests are counted by where they come from."""
        return self._limiter is not None

    async def answer(self, portal: PortalRow, request: RestRequest, *, started_s: float) -> Reply:
        """Run one call; every error becomes the documented form."""
        began_s = self._now_s()
        try:
            answer, used = await self._dispatch(portal, request)
        except Exception as exc:  # noqa: BLE001 - the HTTP door: nothing but the documented form leaves
            return refusal(exc)
        return Reply(status=200, body=answer_body(answer, self._timing(started_s, began_s, used)))

    async def _dispatch(self, portal: PortalRow, request: RestRequest) -> tuple[Answer, Operating | None]:
        caller = caller_in(self._keys, request)
        if request.path.method == BATCH and self._methods.has_batch:
            return await self._batch(portal, caller, request.params), None
        return await self._call(portal, caller, request.path.method, request.params)

    async def _call(
        self, portal: PortalRow, caller: Caller, name: str, params: Params
    ) -> tuple[Answer, Operating | None]:
        """The answer, and what the caller has used of his time with this method, where that is limited."""
        method = self._methods.find(name)
        if method is None:
            await self._store.read(lambda tx: identify(tx, portal.member_id, caller))
            raise MethodNotFound
        asked = Asked(portal=portal, caller=caller, params=params, keys=self._keys)
        async with self._courtesy.turn(portal.member_id, writes=method.writes):
            return await self._in_turn(method, asked)

    async def _in_turn(self, method: Method, asked: Asked) -> tuple[Answer, Operating | None]:
        if self._limiter is None:
            return await self._run(method, asked), None
        limiter, use = self._limiter, Use()

        def measured(tx: Tx, call: Call) -> Answer:
            return limiter.run(tx, method, call, use)

        try:
            answer = await self._run_alone(method, unit_of(asked, method, measured))
        except Fault:
            await limiter.settle(use)
            raise
        return answer, await limiter.settle(use)

    async def _run(self, method: Method, asked: Asked) -> Answer:
        """Run a call, with others of the same method where that is cheaper."""
        bulk = self._bulks.get(method.name)
        if bulk is None:
            return await self._run_alone(method, unit_of(asked, method, method.fn))
        told = await self._store.write_row(bulk, asked)
        if isinstance(told, Fault):
            raise told
        _written(method)
        return told

    async def _run_alone(self, method: Method, unit: Callable[[Tx], Answer]) -> Answer:
        if not method.writes:
            return await self._store.read(unit)
        answer = await self._store.write(unit)
        _written(method)
        return answer

    async def _batch(self, portal: PortalRow, caller: Caller, params: Params) -> Answer:
        """Run the commands one after the other, each in a unit of its own (contract 5.7)."""
        await self._store.read(lambda tx: identify(tx, portal.member_id, caller))
        outcomes: list[Outcome] = []
        results: dict[str, JsonValue] = {}
        for position, command in enumerate(read_commands(params)):
            outcome = await self._command(portal, caller, command, position, results)
            outcomes.append(outcome)
            if isinstance(outcome.answer, Answer):
                results[command.name] = outcome.answer.result
            elif params.flag("halt"):
                break
        return compose_answer(outcomes)

    async def _command(
        self,
        portal: PortalRow,
        caller: Caller,
        command: Command,
        position: int,
        results: Mapping[str, JsonValue],
    ) -> Outcome:
        refused = command.refusal(position)
        if refused is not None:
            return Outcome(name=command.name, answer=refused)
        began_s = self._now_s()
        try:
            params = command.params(results).without("auth")
            answer, _ = await self._call(portal, caller, command.method, params)
        except InsufficientScope:
            return Outcome(name=command.name, answer=InsufficientScope(""))
        except (Fault, WireError, StoreError) as exc:
            return Outcome(name=command.name, answer=as_fault(exc))
        return Outcome(name=command.name, answer=answer, timing=self._timing(began_s, began_s))

    def _timing(self, started_s: float, began_s: float, used: Operating | None = None) -> Timing:
        finished_s = self._now_s()
        processing_s = max(0.0, finished_s - began_s)
        if used is None:
            return Timing(start_s=started_s, finish_s=finished_s, processing_s=processing_s)
        return Timing(
            start_s=started_s,
            finish_s=finished_s,
            processing_s=processing_s,
            operating_s=used.seconds,
            operating_reset_at=used.reset_at,
        )

    def _now_s(self) -> float:
        return self._clock.now_ms() / 1000


def _written(method: Method) -> None:
    if method.name == "log.blogpost.update":
        failpoint("portal.update.committed")


def check_transport(portal: PortalRow, path: RestPath, *, is_secure: bool) -> None:
    """Refuse a webhook in clear text where the portal is known under https.

    Source: _includes/system-errors.md

    Raises:
        InvalidRequest: ``Https required``.
    """
    if path.code is not None and not is_secure and portal.public_url.startswith("https:"):
        raise InvalidRequest


def as_fault(exc: Exception) -> Fault:
    """The error of the wire that tells of ``exc``; what nobody foresaw is logged and told as such."""
    match exc:
        case Fault():
            return exc
        case TooLarge():
            fault = InvalidRequest(f"The request is too large: {exc}")
            fault.status = 413
            return fault
        case WireError():
            return InvalidRequest(f"The request cannot be read: {exc}")
        case StoreBusy():
            return QueryLimitExceeded()
        case StoreError():
            fault = InternalServerError()
            fault.status = 503
            return fault
        case _:
            _log.error("call failed", error=type(exc).__name__, exc_info=exc)
            return InternalServerError()


def refusal(exc: Exception) -> Reply:
    """The reply that tells of ``exc``."""
    fault = as_fault(exc)
    return Reply(status=fault.status, body=fault_body(fault), is_temporary=fault.status == 503)
