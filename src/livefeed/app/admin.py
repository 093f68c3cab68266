"""Operations on a running application: what a command or an administrator may change and ask."""

from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias

import msgspec

from livefeed.app import inbox
from livefeed.app.handling.hurrying import hurry
from livefeed.app.installs import admission, binding, registry, watching
from livefeed.app.keeping.holds import HoldKind
from livefeed.app.keeping.setting import end_hold, set_hold
from livefeed.app.running import Running
from livefeed.client import vault
from livefeed.clock import iso
from livefeed.durable import dead
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.store import Tx
from livefeed.errors import AppError
from livefeed.wire.form import JsonValue
from livefeed.wire.form.complaints import plain
from livefeed.wire.ids import MemberId

Document: TypeAlias = dict[str, JsonValue]


class OperationRefused(AppError):
    """There is no such operation, or its arguments are not usable."""


_MOST: Final = 2**63 - 1
_Number = Annotated[int, msgspec.Meta(ge=1, le=_MOST)]
_Words = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]


class _Replay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to replay: one letter, or all of one consumer or of all since a time."""

    id: _Number | None = None
    consumer: _Number | None = None
    since_ms: Annotated[int, msgspec.Meta(ge=0, le=_MOST)] = 0


class _Retry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to try at once: of one portal or of all, about one thing (``post:5``) or about any."""

    portal: str | None = None
    key: str | None = None


class _OfPortal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which portal."""

    member_id: str


class _EndHold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which hold ends, and who ends it."""

    portal: str
    kind: HoldKind
    number: _Number
    by: _Words


class _Hold(_EndHold, frozen=True, forbid_unknown_fields=True):
    """What is to be held, why, and who wants it."""

    reason: _Words


class Admin:
    """Runs operations by name; the HTTP side is in ``server``."""

    def __init__(self, running: Running) -> None:
        self._running = running

    async def run(self, operation: str, arguments: Mapping[str, object]) -> Document:
        """Run one operation and return what is shown of it.

        Raises:
            OperationRefused: There is none of this name, or it cannot be done with these arguments.
            AppError: The application refuses it.
            StoreError: It cannot be committed now.
        """
        try:
            match operation:
                case "status":
                    return await self._status()
                case "dead_replay":
                    return await self._replay(msgspec.convert(arguments, _Replay))
                case "lanes_retry":
                    return await self._retry(msgspec.convert(arguments, _Retry))
                case "install_confirm":
                    return await self._confirm(msgspec.convert(arguments, _OfPortal))
                case "bind":
                    return await self._bind(msgspec.convert(arguments, _OfPortal))
                case "hold_add":
                    return await self._hold(msgspec.convert(arguments, _Hold))
                case "hold_remove":
                    return await self._end_hold(msgspec.convert(arguments, _EndHold))
                case _:
                    return await self._own(operation, arguments)
        except msgspec.ValidationError as exc:
            raise OperationRefused(plain(str(exc))) from exc

    async def _status(self) -> Document:
        """Each portal: its state, whether all wanted events are bound, what is left of its setup.

        ``rebound`` are the events whose handlers were found missing, and bound again, the last time any were.
        """
        setup = [name for name, one in self._running.app.consumptions.items() if one.spec.is_setup]
        wanted = self._running.binder.wanted

        def query(tx: Tx) -> Document:
            installs = {install.member_id: install for install in registry.every(tx)}
            rows: list[JsonValue] = []
            for portal in self._running.runtime.portals.every():
                install = installs.get(portal.member_id)
                bound: frozenset[str] = frozenset()
                if install is not None:
                    bound = install.bound_events(self._running.binder.address)
                rows.append(
                    {
                        "member_id": portal.member_id,
                        "state": "active" if portal.is_active else "uninstalled",
                        "installed": install is not None and install.is_active,
                        "bound": wanted <= bound,
                        "missing": sorted(wanted - bound),
                        "pending": inbox.pending_setup(tx, portal.member_id, setup),
                        **_watched(tx, portal.member_id),
                        "tokens": _tokens(tx, portal.member_id),
                    }
                )
            return {"portals": rows, "quarantined": list(admission.quarantined(tx))}

        return await self._running.runtime.store.read(query)

    async def _replay(self, replay: _Replay) -> Document:
        store = self._running.runtime.store
        letter = replay.id
        if letter is not None:
            seq = await store.write(lambda tx: dead.replay(tx, letter))
            if seq is None:
                raise OperationRefused(f"there is no dead letter {letter}, or nobody is given it any more")
            return {"replayed": 1}
        consumer = None if replay.consumer is None else ConsumerId(replay.consumer)
        # Letters that die again meanwhile would make this endless.
        count = 0
        until = self._running.runtime.clock.now_ms()
        while slice_count := await store.write(
            lambda tx: dead.replay_all(tx, consumer=consumer, since_ms=replay.since_ms)
        ):
            count += slice_count
            if self._running.runtime.clock.now_ms() > until + _LONGEST_REPLAY_MS:
                break
        return {"replayed": count}

    async def _retry(self, which: _Retry) -> Document:
        return {"retried": await hurry(self._running.runtime.store, portal=which.portal, key=which.key)}

    async def _hold(self, hold: _Hold) -> Document:
        return await set_hold(self._running.runtime.store, **msgspec.structs.asdict(hold))

    async def _end_hold(self, hold: _EndHold) -> Document:
        return await end_hold(self._running.runtime.store, **msgspec.structs.asdict(hold))

    async def _own(self, operation: str, arguments: Mapping[str, object]) -> Document:
        """What this application adds."""
        own = self._running.app.operations
        if operation not in own:
            names = ", ".join((*OPERATIONS, *own))
            raise OperationRefused(f"there is no operation {operation!r}; there are {names}")
        return await own[operation](self._running.runtime, arguments)

    async def _confirm(self, which: _OfPortal) -> Document:
        installed = await self._running.ladder.confirm(MemberId(which.member_id))
        return {"member_id": installed.member_id, "state": "active"}

    async def _bind(self, which: _OfPortal) -> Document:
        portal = self._running.runtime.portals.get(MemberId(which.member_id))
        if portal.user_id is None or not self._running.binder.wanted:
            raise OperationRefused("nothing can be bound: no tokens, or no LIVEFEED_PUBLIC_URL")
        await self._running.runtime.store.write(lambda tx: binding.ask(tx, portal))
        return {"member_id": portal.member_id, "wanted": sorted(self._running.binder.wanted)}


def _watched(tx: Tx, portal: MemberId) -> Document:
    """When its handlers were last compared with those that are wanted; and its queue of offline events."""
    seen, queue = watching.handlers_of(tx, portal), watching.queue_of(tx, portal)
    return {
        "checked_at": _moment(seen.checked_at),
        "rebound": list(seen.lost),
        "rebound_at": _moment(seen.lost_at),
        "offline": None
        if queue is None
        else {
            "state": "bound" if queue.is_bound else "refused",
            "detail": queue.detail,
            "fetched": queue.fetched,
            "fetched_at": _moment(queue.fetched_at),
        },
    }


def _tokens(tx: Tx, portal: MemberId) -> list[JsonValue]:
    """How the pairs of a portal are, never what they are; unused, they are refreshed by ``refresh_by``."""
    return [
        {
            "user_id": pair.user_id,
            "state": pair.state,
            "received_at": iso(pair.received_at),
            "expires_at": iso(pair.expires_at),
            "refresh_by": iso(pair.received_at + vault.KEEP_ALIVE_S * 1000),
        }
        for pair in vault.health(tx, portal)
    ]


def _moment(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso(at_ms)


OPERATIONS: Final = (
    "status",
    "dead_replay",
    "lanes_retry",
    "install_confirm",
    "bind",
    "hold_add",
    "hold_remove",
)
_LONGEST_REPLAY_MS: Final = 20_000
