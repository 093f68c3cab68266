"""People and notifications look as their pages show them."""

import json

import msgspec
import pytest

from livefeed.errors import Fault, WireError
from livefeed.wire.faults import (
    AttachOversize,
    AttachWrong,
    LastIdIsText,
    LastIdWithoutType,
    MessageEmpty,
    ParamsWrong,
    UserIdEmpty,
)
from livefeed.wire.ids import DepartmentId, NotificationId, UserId
from livefeed.wire.im import (
    AddNotice,
    GetNotices,
    NotificationRow,
    NotificationsAnswer,
    NotificationUser,
    ReadNotices,
    stored_tag,
)
from livefeed.wire.params import Params
from livefeed.wire.people import Profile, UserRow
from wire.documented import answer


def as_json(value: object) -> object:
    return json.loads(msgspec.json.encode(value))


def test_documented_people_are_read():
    first, second = (UserRow.from_wire(row) for row in answer("user_get")["result"])

    assert (first.id, first.full_name, first.is_online, first.departments) == (
        1,
        "Vadim Valeev",
        True,
        (DepartmentId(1),),
    )
    assert (second.id, second.email, second.is_online) == (3, "test@gmail.com", False)


@pytest.mark.parametrize("name", ["user_current", "user_get"])
def test_documented_people_are_written_with_the_same_values(name: str):
    result = answer(name)["result"]
    for row in result if isinstance(result, list) else [result]:
        written = as_json(UserRow.from_wire(row).to_wire())
        assert isinstance(written, dict)
        # The time stamps that we do not send are shown in two forms.
        shared = [key for key in row if key in written]
        assert {key: written[key] for key in shared} == {key: row[key] for key in shared}
        assert set(row) - set(written) <= {"TIMESTAMP_X", "LAST_ACTIVITY_DATE", "PERSONAL_WWW"}


def test_a_scope_hides_what_is_not_its_own():
    row = UserRow(id=UserId(1), email="a@b.c", last_login="2026", work_phone="1", mobile="2")

    assert {"EMAIL", "LAST_LOGIN"} <= set(row.to_wire("user"))
    assert "LAST_LOGIN" not in row.to_wire("user_basic")
    assert "EMAIL" in row.to_wire("user_basic")
    assert not {"EMAIL", "LAST_LOGIN", "WORK_PHONE", "PERSONAL_MOBILE"} & set(row.to_wire("user_brief"))


@pytest.mark.parametrize("scope", ["user", "user_basic"])
def test_a_person_survives(scope: str):
    row = UserRow(
        id=UserId(5),
        is_active=False,
        name="Анна",
        last_name="Петрова",
        email="a@b.c",
        departments=(DepartmentId(2),),
        time_zone="Europe/Berlin",
    )

    assert UserRow.from_wire(as_json(row.to_wire(scope))) == row


def test_a_person_without_a_name_has_a_number():
    assert UserRow(id=UserId(5)).full_name == "#5"


@pytest.mark.parametrize("row", [None, [], {}, {"ID": "x"}])
def test_what_is_no_person_is_a_wire_error(row: object):
    with pytest.raises(WireError):
        UserRow.from_wire(row)
    with pytest.raises(WireError):
        Profile.from_wire(row)


def test_the_documented_profile_is_read_and_written():
    result = answer("profile")["result"]

    assert as_json(Profile.from_wire(result).to_wire()) == result
    assert Profile.from_wire({**result, "PERSONAL_PHOTO": "x"}).to_wire()["PERSONAL_PHOTO"] == "x"


def test_the_documented_notification_is_read_and_written():
    result = answer("notify_get")["result"]
    written = as_json(NotificationsAnswer.from_wire(result).to_wire())
    assert isinstance(written, dict)

    assert written == {**result, "users": []}
    assert list(written) == list(result)


def test_a_person_in_the_answer_has_keys_of_the_page():
    (user,) = answer("notify_get")["result"]["users"]
    written = NotificationUser(id=UserId(1), first_name="John", last_name="Smith", departments=(1,)).to_wire()

    assert set(written) <= set(user)
    assert (written["name"], written["id"]) == (user["name"], user["id"])


def test_without_a_chat_there_are_only_two_keys():
    assert as_json(NotificationsAnswer().to_wire()) == {"notifications": [], "users": []}


def test_a_row_without_an_id_is_a_wire_error():
    with pytest.raises(WireError):
        NotificationsAnswer.from_wire({"notifications": [{}]})


def test_a_notification_survives():
    row = NotificationRow(
        id=NotificationId(7),
        chat_id=2,
        author_id=UserId(5),
        text="x",
        tag="MP|1|t",
        is_read=True,
        date="2026",
        notify_type=4,
    )

    assert NotificationRow.from_wire(as_json(row.to_wire())) == row


def test_the_documented_notice_is_read_and_written():
    documented = {
        "USER_ID": 5,
        "MESSAGE": "Task Reminder",
        "MESSAGE_OUT": "Task Reminder (email)",
        "TAG": "TASK_REMINDER_42",
        "SUB_TAG": "TASK_REMINDER|42",
    }

    assert AddNotice.from_params(Params(documented)).to_wire() == documented


@pytest.mark.parametrize(
    ("params", "fault"),
    [
        ({"MESSAGE": "x"}, UserIdEmpty),
        ({"USER_ID": "0", "MESSAGE": "x"}, UserIdEmpty),
        ({"USER_ID": "x", "MESSAGE": "x"}, UserIdEmpty),
        ({"USER_ID": 5}, MessageEmpty),
        ({"USER_ID": 5, "MESSAGE": " \n"}, MessageEmpty),
        ({"USER_ID": 5, "MESSAGE": "x", "ATTACH": "{"}, AttachWrong),
        ({"USER_ID": 5, "MESSAGE": "x", "ATTACH": "[" * 50_000}, AttachWrong),
        ({"USER_ID": 5, "MESSAGE": "x", "ATTACH": "x" * 60_001}, AttachOversize),
        ({"USER_ID": 5, "MESSAGE": "x", "ATTACH": {"BLOCKS": ["x" * 60_000]}}, AttachOversize),
    ],
)
def test_a_notice_that_cannot_be_sent_has_the_documented_fault(params: dict[str, object], fault: type[Fault]):
    with pytest.raises(fault):
        AddNotice.from_params(Params(params))


def test_an_attachment_comes_as_object_or_text():
    for attach in ({"ID": 1}, '{"ID":1}'):
        assert (
            AddNotice.from_params(Params({"USER_ID": 5, "MESSAGE": "x", "ATTACH": attach})).attach
            == '{"ID":1}'
        )


def test_a_tag_is_stored_with_its_app():
    assert stored_tag("12345", "TASK_42") == "MP|12345|TASK_42"
    assert stored_tag("12345", "") == ""


def test_notifications_are_asked_for():
    params = Params({"LAST_ID": 1500, "LAST_TYPE": 3, "LIMIT": 20, "CONVERT_TEXT": "Y"})

    assert GetNotices.from_params(params) == GetNotices(
        last_id=NotificationId(1500), last_type=3, limit=20, should_convert=True
    )
    assert GetNotices.from_params(Params({"LIMIT": 51})) == GetNotices()


@pytest.mark.parametrize(
    ("params", "fault"),
    [
        ({"LAST_ID": 1}, LastIdWithoutType),
        ({"LAST_TYPE": 3}, LastIdWithoutType),
        ({"LAST_ID": "x", "LAST_TYPE": 3}, LastIdIsText),
    ],
)
def test_half_a_cursor_has_the_documented_fault(params: dict[str, object], fault: type[Fault]):
    with pytest.raises(fault):
        GetNotices.from_params(Params(params))


def test_notifications_are_marked_as_read():
    assert ReadNotices.from_params(Params({"ID": "7"})) == ReadNotices(id=NotificationId(7))
    assert ReadNotices.from_params(Params({"ID": 7, "ACTION": "N", "ONLY_CURRENT": "Y"})) == ReadNotices(
        id=NotificationId(7), is_read=False, only_this=True
    )
    with pytest.raises(ParamsWrong):
        ReadNotices.from_params(Params({"ID": "x"}))
