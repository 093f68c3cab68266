"""Setting and ending holds, as commands and operations ask for it."""

from livefeed.app.keeping import holds
from livefeed.app.keeping.holds import HoldKind
from livefeed.durable.store import Store
from livefeed.telemetry import logger
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import MemberId

_LOG = logger("app")


async def set_hold(
    store: Store, *, portal: str, kind: HoldKind, number: int, reason: str, by: str
) -> dict[str, JsonValue]:
    """Hold a post or a person; ``set`` False: a hold is in force already, and stays as it is."""
    member_id = MemberId(portal)
    is_news = await store.write(lambda tx: holds.add(tx, member_id, kind, number, reason=reason, set_by=by))
    if is_news:
        _LOG.info("hold_set", member_id=portal, kind=kind, number=number)
    return {"portal": portal, "kind": kind, "number": number, "set": is_news}


async def end_hold(
    store: Store, *, portal: str, kind: HoldKind, number: int, by: str
) -> dict[str, JsonValue]:
    """End the hold on a post or a person; ``ended`` False: none is in force."""
    member_id = MemberId(portal)
    is_news = await store.write(lambda tx: holds.end(tx, member_id, kind, number, ended_by=by))
    if is_news:
        _LOG.info("hold_ended", member_id=portal, kind=kind, number=number)
    return {"portal": portal, "kind": kind, "number": number, "ended": is_news}
