"""Offline events, over OAuth, and the feature that says that they are there."""

from typing import TYPE_CHECKING, Any

from tests.clients.cases.registry import B24PYSDK, case, made

if TYPE_CHECKING:
    from tests.clients.sdks import Sdks

EVENT = "OnLiveFeedPostUpdate"


def queued(sdks: "Sdks") -> tuple[str, str]:
    """A source of its own in which one change of one post waits, and the number of the post."""
    source = f"source {next(sdks.numbers)}"
    made(sdks.app.event.bind(EVENT, event_type="offline", auth_connector=source))
    post = made(sdks.hook.log.blogpost.add("for who fetches"))
    for text in ("changed", "and changed again"):
        made(sdks.hook.log.blogpost.update(post, post_message=text))
    return source, str(post)


@case("event.offline.get", B24PYSDK)
def get(sdks: "Sdks") -> None:
    source, post = queued(sdks)

    (event,) = sdks.app.event.offline.get(auth_connector=source).values

    assert (EVENT.upper(), {"FIELDS": {"POST_ID": post}}) == (event.event_name, event.event_data)
    assert [] == sdks.app.event.offline.get(auth_connector=source).values


@case("event.offline.list", B24PYSDK)
def list_queue(sdks: "Sdks") -> None:
    source, post = queued(sdks)
    process = made(sdks.app.event.offline.get(clear=False, auth_connector=source))["process_id"]

    (event,) = sdks.app.event.offline.list(filter={"ERROR": 0}, auth_connector=source).values

    assert ({"FIELDS": {"POST_ID": post}}, process, False) == (
        event.event_data,
        event.process_id,
        event.error,
    )


@case("event.offline.clear", B24PYSDK)
def clear(sdks: "Sdks") -> None:
    source, _ = queued(sdks)
    package = made(sdks.app.event.offline.get(clear=False, auth_connector=source))
    numbers = [int(one["ID"]) for one in package["events"]]

    assert sdks.app.event.offline.clear(package["process_id"], bitrix_id=numbers).result is True

    assert [] == made(sdks.app.event.offline.list(auth_connector=source))


@case("event.offline.error", B24PYSDK)
def error(sdks: "Sdks") -> None:
    source, _ = queued(sdks)
    request = sdks.app.event.offline.get(clear=False, auth_connector=source)
    messages, process = [one.message_id for one in request.values], request.result["process_id"]

    assert sdks.app.event.offline.error(process, message_id=messages).result is True

    again: Any = made(sdks.app.event.offline.get(error=True, auth_connector=source))["events"]
    assert [str(one) for one in messages] == [one["MESSAGE_ID"] for one in again]


@case("feature.get", B24PYSDK)
def feature(sdks: "Sdks") -> None:
    assert {"value": "Y"} == sdks.hook.feature.get("rest_offline_extended").result
    assert {"value": "N"} == sdks.hook.feature.get("rest_telepathy").result
