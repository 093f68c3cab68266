"""People and their bells."""

from typing import TYPE_CHECKING, Any

from tests.clients.cases.registry import B24PYSDK, FAST, JS, case

if TYPE_CHECKING:
    from tests.clients.sdks import Sdks


@case("user.get", FAST)
def get_people(sdks: "Sdks") -> None:
    async def everybody(fast: Any) -> Any:
        return await fast.get_all("user.get", {"FILTER": {"ACTIVE": True}})

    people = {row["ID"]: (row["NAME"], row["LAST_NAME"]) for row in sdks.fast(everybody)}

    assert ("Anna", "Petrova") == people["1"]
    assert ("Ольга", "Смирнова") == people["3"]
    assert 8 <= len(people)


@case("user.current", B24PYSDK)
def get_current(sdks: "Sdks") -> None:
    row = sdks.member.user.current().result

    assert ("2", "James", "Whitfield", True) == (row["ID"], row["NAME"], row["LAST_NAME"], row["ACTIVE"])


@case("profile", B24PYSDK)
def get_profile(sdks: "Sdks") -> None:
    row = sdks.hook.profile().result

    assert ("1", True, "Anna", "F") == (row["ID"], row["ADMIN"], row["NAME"], row["PERSONAL_GENDER"])


@case("user.admin", B24PYSDK)
def is_administrator(sdks: "Sdks") -> None:
    assert sdks.hook.user.admin().result is True
    assert sdks.member.user.admin().result is False


@case("im.notify.personal.add", B24PYSDK)
def notify(sdks: "Sdks") -> None:
    added = sdks.hook.im.notify.personal.add(2, "The [b]date[/b] changed", tag="clients-1").result

    row = _newest(sdks)
    assert (added, 1, "The [b]date[/b] changed") == (row["id"], row["author_id"], row["text"])
    assert row["notify_tag"].endswith("|clients-1")


@case("im.notify.system.add", JS)
def notify_as_system(sdks: "Sdks") -> None:
    added = sdks.js.call("im.notify.system.add", USER_ID=2, MESSAGE="Backups are done")

    row = _newest(sdks)
    assert (added, 0, "Backups are done", "N") == (
        row["id"],
        row["author_id"],
        row["text"],
        row["notify_read"],
    )


@case("im.notify.get", B24PYSDK)
def get_notices(sdks: "Sdks") -> None:
    added = [sdks.hook.im.notify.system.add(2, f"number {number}").result for number in range(3)]

    answer = sdks.member.im.notify.get(limit=3, convert_text=True).result

    assert added[::-1] == [row["id"] for row in answer["notifications"]]
    assert ["number 2", "number 1", "number 0"] == [row["text"] for row in answer["notifications"]]
    assert answer["total_unread_count"] >= 3
    assert 2 == answer["chat_id"]


@case("im.notify.read", B24PYSDK)
def read_notices(sdks: "Sdks") -> None:
    added = sdks.hook.im.notify.system.add(2, "read me").result

    assert sdks.member.im.notify.read(added, action=True, only_current=True).result is True

    assert (added, "Y") == (_newest(sdks)["id"], _newest(sdks)["notify_read"])


def _newest(sdks: "Sdks") -> dict[str, Any]:
    """The newest notice of the member."""
    return sdks.member.im.notify.get(limit=1).result["notifications"][0]
