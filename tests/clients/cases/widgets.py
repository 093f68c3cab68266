"""Widgets, over OAuth."""

from typing import TYPE_CHECKING, Any

from tests.clients.cases.registry import B24PYSDK, case, made

if TYPE_CHECKING:
    from tests.clients.sdks import Sdks

PLACE = "LEFT_MENU"


def address(sdks: "Sdks", name: str) -> str:
    return f"{sdks.world.receiver.url}/widget?{name}={next(sdks.numbers)}"


def bound(sdks: "Sdks", handler: str) -> list[dict[str, Any]]:
    return [row for row in sdks.app.placement.get().result if row["handler"] == handler]


@case("placement.bind", B24PYSDK)
def bind(sdks: "Sdks") -> None:
    handler = address(sdks, "bind")

    assert sdks.app.placement.bind(PLACE, handler, title="History").result is True

    assert [(PLACE, "History")] == [(row["placement"], row["title"]) for row in bound(sdks, handler)]
    made(sdks.app.placement.unbind(PLACE, handler=handler))


@case("placement.get", B24PYSDK)
def get(sdks: "Sdks") -> None:
    handler = address(sdks, "get")
    made(sdks.app.placement.bind(PLACE, handler, title="Archive"))

    found = [one for one in sdks.app.placement.get().values if one.handler == handler]

    assert [(PLACE, "Archive")] == [(one.placement, one.title) for one in found]
    made(sdks.app.placement.unbind(PLACE, handler=handler))


@case("placement.unbind", B24PYSDK)
def unbind(sdks: "Sdks") -> None:
    handler = address(sdks, "unbind")
    made(sdks.app.placement.bind(PLACE, handler, title="Gone"))

    assert sdks.app.placement.unbind(PLACE, handler=handler).value >= 1

    assert [] == bound(sdks, handler)


@case("placement.list", B24PYSDK)
def list_places(sdks: "Sdks") -> None:
    assert {"LEFT_MENU", "LIVEFEED_POST"} <= set(sdks.app.placement.list().result)
