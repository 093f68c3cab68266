"""What an application asks about itself, and keeps on the portal."""

from typing import TYPE_CHECKING

from tests.clients.cases.registry import B24PYSDK, JS, case, made

if TYPE_CHECKING:
    from tests.clients.sdks import Sdks


@case("app.info", B24PYSDK)
def info(sdks: "Sdks") -> None:
    row = sdks.app.app.info().result

    assert (True, "L", sdks.registered.client_id) == (row["INSTALLED"], row["STATUS"], row["CODE"])
    assert row["install"]["member_id"] == sdks.registered.auth["member_id"]


@case("app.option.set", B24PYSDK)
def set_options(sdks: "Sdks") -> None:
    assert sdks.app.app.option.set({"colour": "green", "size": "7"}).result is True

    assert "green" == sdks.app.app.option.get("colour").result


@case("app.option.get", JS)
def get_options(sdks: "Sdks") -> None:
    made(sdks.app.app.option.set({"shape": "round"}))
    registered = sdks.registered
    secret = {"clientId": registered.client_id, "clientSecret": registered.client_secret}
    js = sdks.js_oauth(sdks.world.url, registered.auth, secret)

    assert "round" == js.call("app.option.get", option="shape")
    assert "round" == js.call("app.option.get")["shape"]


@case("user.option.set", B24PYSDK)
def set_own_options(sdks: "Sdks") -> None:
    assert sdks.app.user.option.set({"page": "3"}).result is True

    assert "3" == sdks.app.user.option.get(option="page").result


@case("user.option.get", B24PYSDK)
def get_own_options(sdks: "Sdks") -> None:
    made(sdks.app.user.option.set({"order": "by date"}))

    assert "by date" == sdks.app.user.option.get().result["order"]
    assert sdks.app.user.option.get(option="never-set").result is None
