"""Handlers of events, over OAuth."""

from typing import TYPE_CHECKING, Any

from tests.clients.cases.registry import B24PYSDK, JS, case, made

if TYPE_CHECKING:
    from tests.clients.sdks import Sdks

EVENT = "OnLiveFeedPostUpdate"


def address(sdks: "Sdks", name: str) -> str:
    """An address that nothing is bound at yet."""
    return f"{sdks.world.receiver.url}/events?{name}={next(sdks.numbers)}"


@case("event.bind", B24PYSDK)
def bind(sdks: "Sdks") -> None:
    url = address(sdks, "bind")

    assert sdks.app.event.bind(EVENT, url, auth_type=1).result is True

    rows = [row for row in sdks.app.event.get().result if row["handler"] == url]
    assert [{"event": EVENT.upper(), "handler": url, "auth_type": "1", "offline": 0}] == rows
    made(sdks.app.event.unbind(EVENT, url))


@case("event.get", B24PYSDK)
def get(sdks: "Sdks") -> None:
    urls = [address(sdks, f"get{number}") for number in range(2)]
    for url in urls:
        made(sdks.app.event.bind(EVENT, url))

    found = sdks.app.event.get().values

    assert set(urls) <= {event.handler for event in found}
    assert {EVENT.upper()} == {event.event for event in found if event.handler in urls}
    for url in urls:
        made(sdks.app.event.unbind(EVENT, url))


@case("event.unbind", B24PYSDK)
def unbind(sdks: "Sdks") -> None:
    url = address(sdks, "unbind")
    made(sdks.app.event.bind(EVENT, url))

    assert 1 == sdks.app.event.unbind(EVENT, url).value
    assert 0 == sdks.app.event.unbind(EVENT, url).value


@case("events", B24PYSDK)
def events(sdks: "Sdks") -> None:
    feed = ["ONLIVEFEEDPOSTADD", "ONLIVEFEEDPOSTUPDATE", "ONLIVEFEEDPOSTDELETE"]

    assert feed == sdks.app.events(scope="log").result
    assert {*feed, "ONAPPINSTALL", "ONAPPTEST"} <= set(sdks.app.events().result)


@case("event.test", JS)
def test(sdks: "Sdks") -> None:
    registered = sdks.registered
    js = sdks.js_oauth(sdks.world.url, registered.auth, _secret(sdks))
    url = address(sdks, "test")
    js.call("event.bind", event="OnAppTest", handler=url)

    assert 1 == js.call("event.test", colour="green")

    seen = sdks.world.receiver.next(where=lambda one: one.event == "ONAPPTEST")
    data: Any = seen.form["data"]
    assert ("green", "en") == (data["QUERY"]["colour"], data["LANGUAGE_ID"])
    js.call("event.unbind", event="OnAppTest", handler=url)


def _secret(sdks: "Sdks") -> dict[str, str]:
    return {"clientId": sdks.registered.client_id, "clientSecret": sdks.registered.client_secret}
