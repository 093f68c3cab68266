"""What every portal answers to every caller."""

from datetime import datetime
from typing import TYPE_CHECKING

from tests.clients.cases.registry import B24PYSDK, JS, case

if TYPE_CHECKING:
    from tests.clients.sdks import Sdks

GRANTED = {"log", "im", "user", "department", "sonet_group", "placement"}


@case("scope", B24PYSDK)
def scope(sdks: "Sdks") -> None:
    assert set(sdks.hook.scope().result) == GRANTED
    assert {"log", "im", "user"} <= set(sdks.hook.scope(full=True).result)


@case("methods", JS)
def methods(sdks: "Sdks") -> None:
    names = sdks.js.call("methods")

    assert {"log.blogpost.update", "user.get", "batch", "server.time"} <= set(names)
    assert "event.bind" not in names
    assert sorted(sdks.js.call("methods", scope="log")) == [name for name in names if name.startswith("log.")]


@case("method.get", B24PYSDK)
def method_get(sdks: "Sdks") -> None:
    def asked(name: str) -> tuple[bool, bool]:
        row = sdks.hook.method.get(name).result
        return row["isExisting"], row["isAvailable"]

    assert (True, True) == asked("log.blogpost.get")
    assert (True, False) == asked("event.bind")
    assert (False, False) == asked("no.such.method")


@case("server.time", JS)
def server_time(sdks: "Sdks") -> None:
    told = datetime.fromisoformat(sdks.js.call("server.time"))

    assert abs(told.timestamp() - sdks.world.clock.now_ms() / 1000) < 30


@case("batch", B24PYSDK)
def batch(sdks: "Sdks") -> None:
    found = sdks.hook.call_batch(
        {
            "add": sdks.hook.log.blogpost.add("by a batch"),
            "read": sdks.hook.log.blogpost.get(),
            "who": sdks.hook.user.current(),
        }
    ).result

    assert "by a batch" == found.result["read"][0]["DETAIL_TEXT"]
    assert str(found.result["add"]) == found.result["read"][0]["ID"]
    assert "1" == found.result["who"]["ID"]
    assert found.result_total["read"] >= 13
