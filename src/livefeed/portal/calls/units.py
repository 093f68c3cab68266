"""Units of work that answer calls: of one call, or of all that wait for the same method."""

from collections.abc import Callable, Sequence

import msgspec

from livefeed.durable.store import BulkUnit, Tx
from livefeed.portal.call import Call, Method, Principal
from livefeed.portal.calls.callers import Caller, identify, permit
from livefeed.portal.portals import PortalRow
from livefeed.secrets import KeyRing
from livefeed.wire.calls import Answer
from livefeed.wire.faults import Fault
from livefeed.wire.ids import MemberId
from livefeed.wire.params import Params


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One call, before it is known who makes it."""

    portal: PortalRow
    caller: Caller
    params: Params
    keys: KeyRing

    def call(self, tx: Tx, method: Method, principal: Principal) -> Call:
        """What the method's function gets."""
        return Call(
            portal=self.portal,
            method=method.name,
            params=self.params,
            principal=principal,
            keys=self.keys,
            now_ms=tx.now_ms,
        )


def unit_of(asked: Asked, method: Method, fn: Callable[[Tx, Call], Answer]) -> Callable[[Tx], Answer]:
    """The unit of one call, which raises its refusal; ``fn`` stands in for the method's own function."""

    def unit(tx: Tx) -> Answer:
        if method.writes:
            tx.serialize(asked.portal.member_id)
        principal = identify(tx, asked.portal.member_id, asked.caller)
        permit(method, principal)
        return fn(tx, asked.call(tx, method, principal))

    return unit


def together(
    method: Method, many: Callable[[Tx, Sequence[Call]], Sequence[Answer | Fault]]
) -> BulkUnit[Asked, Answer | Fault]:
    """The bulk unit of a method: who calls is looked up once for each of them; refusals are returned."""

    def bulk(tx: Tx, asked: Sequence[Asked]) -> list[Answer | Fault]:
        if method.writes:
            for member_id in sorted({one.portal.member_id for one in asked}):
                tx.serialize(member_id)
        known: dict[tuple[MemberId, Caller], Principal] = {}
        told: dict[int, Answer | Fault] = {}
        calls: dict[int, Call] = {}
        for number, one in enumerate(asked):
            try:
                principal = _identified(tx, known, one)
                permit(method, principal)
            except Fault as fault:
                told[number] = fault
            else:
                calls[number] = one.call(tx, method, principal)
        told.update(zip(calls, many(tx, list(calls.values())), strict=True))
        return [told[number] for number in range(len(asked))]

    return bulk


def _identified(tx: Tx, known: dict[tuple[MemberId, Caller], Principal], one: Asked) -> Principal:
    place = (one.portal.member_id, one.caller)
    found = known.get(place)
    if found is None:
        found = known[place] = identify(tx, *place)
    return found
