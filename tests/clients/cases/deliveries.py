"""For each event that the portal sends: what makes it happen, and what its handler is told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.clients.receiver import Seen

if TYPE_CHECKING:
    from tests.clients.sdks import Sdks
    from tests.clients.world import Registered


@dataclass(frozen=True)
class Delivery:
    """One event.

    Attributes:
        event: As the wire names it.
        cause: Makes it happen for an application and returns the expected ``data``.
        has_tokens: Whether it brings OAuth tokens.
    """

    event: str
    cause: Callable[["Sdks", "Registered", Any], dict[str, Any]]
    has_tokens: bool = True


def _add(sdks: "Sdks", _app: "Registered", _client: Any) -> dict[str, Any]:
    return _post(sdks.hook.log.blogpost.add("a new one").result)


def _update(sdks: "Sdks", _app: "Registered", _client: Any) -> dict[str, Any]:
    post = sdks.hook.log.blogpost.add("another one").result
    return _post(sdks.hook.log.blogpost.update(post, post_message="changed").result)


def _delete(sdks: "Sdks", _app: "Registered", _client: Any) -> dict[str, Any]:
    post = sdks.hook.log.blogpost.add("a short-lived one").result
    assert sdks.hook.log.blogpost.delete(post).result is True
    return _post(post)


def _post(post: int) -> dict[str, Any]:
    return {"FIELDS": {"POST_ID": str(post)}}


def _install(sdks: "Sdks", app: "Registered", _client: Any) -> dict[str, Any]:
    sdks.world.operate("app_reinstall", client_id=app.client_id)
    return {"VERSION": "1.0.0", "ACTIVE": "Y", "INSTALLED": "Y", "LANGUAGE_ID": "en"}


def _upgrade(sdks: "Sdks", app: "Registered", _client: Any) -> dict[str, Any]:
    sdks.world.operate("app_update", client_id=app.client_id, version="1.1.0")
    return {"VERSION": "1.1.0", "PREVIOUS_VERSION": "1.0.0", "LANGUAGE_ID": "en"}


def _uninstall(sdks: "Sdks", app: "Registered", _client: Any) -> dict[str, Any]:
    sdks.world.operate("app_remove", client_id=app.client_id, clean=True)
    return {"LANGUAGE_ID": "en", "CLEAN": "1"}


def _test(_sdks: "Sdks", _app: "Registered", client: Any) -> dict[str, Any]:
    assert 1 == client.get_token().call_method("event.test", {"colour": "green"})["result"]
    return {"QUERY": {"colour": "green"}, "LANGUAGE_ID": "en"}


def _queued(sdks: "Sdks", _app: "Registered", client: Any) -> dict[str, Any]:
    assert client.event.bind("ONLIVEFEEDPOSTUPDATE", event_type="offline").result is True
    post = sdks.hook.log.blogpost.add("one that is fetched").result
    assert sdks.hook.log.blogpost.update(post, post_message="changed").result
    return {}


DELIVERIES: Final = {
    delivery.event: delivery
    for delivery in (
        Delivery("ONLIVEFEEDPOSTADD", _add),
        Delivery("ONLIVEFEEDPOSTUPDATE", _update),
        Delivery("ONLIVEFEEDPOSTDELETE", _delete),
        Delivery("ONAPPINSTALL", _install),
        Delivery("ONAPPUPDATE", _upgrade),
        Delivery("ONAPPUNINSTALL", _uninstall, has_tokens=False),
        Delivery("ONAPPTEST", _test),
        Delivery("ONOFFLINEEVENT", _queued),
    )
}


def delivered(sdks: "Sdks", app: "Registered", delivery: Delivery) -> tuple[Seen, dict[str, Any]]:
    """Cause the event for an application; what came, and the data that is expected in it."""
    client = sdks.token_of(app).get_client()
    if delivery.event != "ONAPPINSTALL":  # that one goes to the address of installation
        path = "checked" if delivery.has_tokens else "events"
        handler = f"{sdks.world.receiver.url}/{path}"
        assert client.event.bind(delivery.event, handler).result is True
    sdks.world.receiver.bitrix_app = sdks.app_of(app)
    expected = delivery.cause(sdks, app, client)
    seen = sdks.world.receiver.next(
        where=lambda one: (
            one.event == delivery.event and one.auth["application_token"] == app.application_token
        )
    )
    return seen, expected
