"""The table of REST methods, and the basic methods that speak of it."""

from collections.abc import Collection, Iterable
from typing import Final

from livefeed.clock import iso
from livefeed.durable.store import Tx
from livefeed.portal.call import Call, Method
from livefeed.wire.calls import Answer

BATCH: Final = "batch"
"""The one method that is no unit of work: the door runs the commands in it."""


class MethodTable:
    """Finds methods by name."""

    def __init__(self, methods: Iterable[Method], *, without: Collection[str] = ()) -> None:
        """Take every method of ``methods`` and the basic ones, but none that ``without`` names."""
        basic = (
            Method(name="scope", fn=self._scope),
            Method(name="method.get", fn=self._method_get),
            Method(name="methods", fn=self._list),
            Method(name="server.time", fn=_server_time),
        )
        self._methods: dict[str, Method] = {
            method.name: method for method in (*methods, *basic) if method.name not in without
        }
        self.has_batch: Final = BATCH not in without
        self._scopes: Final = sorted({method.scope for method in self._methods.values() if method.scope})

    def find(self, name: str) -> Method | None:
        """The method called ``name``, in lower case."""
        return self._methods.get(name)

    def every(self) -> Iterable[Method]:
        """All of them, but for ``batch``."""
        return self._methods.values()

    def names(self) -> list[str]:
        """The names of all methods, sorted."""
        return sorted([*self._methods, BATCH] if self.has_batch else self._methods)

    def _scope(self, _tx: Tx, call: Call) -> Answer:
        """What the caller was granted, or with ``full`` every scope there is.

        Source: api-reference/common/system/scope.md
        """
        if call.params.flag("full"):
            return Answer(result=self._scopes)
        return Answer(result=sorted(call.principal.scopes))

    def _method_get(self, _tx: Tx, call: Call) -> Answer:
        """Whether a method exists, and whether the caller may call it.

        Source: api-reference/common/system/method-get.md
        """
        name = call.params.text("name").strip().lower()
        method = self._methods.get(name)
        if method is None:
            is_batch = name == BATCH and self.has_batch
            return Answer(result={"isExisting": is_batch, "isAvailable": is_batch})
        return Answer(result={"isExisting": True, "isAvailable": _is_available(method, call)})

    def _list(self, _tx: Tx, call: Call) -> Answer:
        """The methods the caller may call; with ``full`` all, with ``scope`` those of one scope.

        Source: api-reference/common/system/methods.md
        """
        scope = call.params.text("scope") or None
        if call.params.has("scope"):
            return Answer(result=[name for name in self.names() if self._scope_of(name) == scope])
        is_full = call.params.flag("full")
        return Answer(result=[name for name in self.names() if is_full or self._may_call(name, call)])

    def _scope_of(self, name: str) -> str | None:
        method = self._methods.get(name)
        return None if method is None else method.scope

    def _may_call(self, name: str, call: Call) -> bool:
        method = self._methods.get(name)
        return method is None or _is_available(method, call)


def _is_available(method: Method, call: Call) -> bool:
    has_scope = method.scope is None or call.principal.is_granted(method.scope)
    return has_scope and (call.principal.app is not None or not method.needs_app)


def _server_time(tx: Tx, _call: Call) -> Answer:
    """The server's time.

    Source: api-reference/common/system/server-time.md
    """
    return Answer(result=iso(tx.now_ms))
