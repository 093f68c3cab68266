"""People as ``user.get``, ``user.current`` and ``profile`` return them.

Source: api-reference/user/user-get.md, user-current.md, api-reference/common/users/profile.md
"""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from livefeed.errors import WireError
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import DepartmentId, UserId
from livefeed.wire.params import Params

UserScope: TypeAlias = Literal["user", "user_basic", "user_brief"]

_NOT_BRIEF: Final = frozenset({"EMAIL", "PERSONAL_MOBILE", "WORK_PHONE", "PERSONAL_WWW"})


class UserRow(msgspec.Struct, frozen=True, kw_only=True):
    """One person.

    Attributes:
        id: ``ID``, a string on the wire.
        is_active: ``ACTIVE``, a boolean on the wire.
        name: ``NAME``, the given name.
        last_name: ``LAST_NAME``.
        second_name: ``SECOND_NAME``.
        email: ``EMAIL``; not shown to scope ``user_brief``.
        last_login: ``LAST_LOGIN``, ISO 8601; shown to scope ``user`` only.
        registered_at: ``DATE_REGISTER``, ISO 8601.
        time_zone: ``TIME_ZONE``, ``Europe/Berlin``.
        is_online: ``IS_ONLINE``.
        photo: ``PERSONAL_PHOTO``, an address.
        gender: ``PERSONAL_GENDER``, ``M``, ``F`` or empty.
        birthday: ``PERSONAL_BIRTHDAY``.
        mobile: ``PERSONAL_MOBILE``.
        city: ``PERSONAL_CITY``.
        work_phone: ``WORK_PHONE``.
        work_position: ``WORK_POSITION``.
        departments: ``UF_DEPARTMENT``.
        user_type: ``USER_TYPE``, ``employee``.
    """

    id: UserId
    is_active: bool = True
    name: str = ""
    last_name: str = ""
    second_name: str = ""
    email: str = ""
    last_login: str = ""
    registered_at: str = ""
    time_zone: str = ""
    is_online: bool = False
    photo: str = ""
    gender: str = ""
    birthday: str = ""
    mobile: str = ""
    city: str = ""
    work_phone: str = ""
    work_position: str = ""
    departments: tuple[DepartmentId, ...] = ()
    user_type: str = "employee"

    @property
    def full_name(self) -> str:
        """``Anna Petrova``; ``#5`` for a person without a name."""
        return f"{self.name} {self.last_name}".strip() or f"#{self.id}"

    def to_wire(self, scope: UserScope = "user") -> dict[str, JsonValue]:
        """The person as a caller with ``scope`` sees him, keys in the order of the page."""
        wire: dict[str, JsonValue] = {
            "ID": str(self.id),
            "XML_ID": "",
            "ACTIVE": self.is_active,
            "NAME": self.name,
            "LAST_NAME": self.last_name,
            "SECOND_NAME": self.second_name,
            "EMAIL": self.email,
            "LAST_LOGIN": self.last_login,
            "DATE_REGISTER": self.registered_at,
            "TIME_ZONE": self.time_zone,
            "IS_ONLINE": "Y" if self.is_online else "N",
            "PERSONAL_PHOTO": self.photo,
            "PERSONAL_GENDER": self.gender,
            "PERSONAL_BIRTHDAY": self.birthday,
            "PERSONAL_MOBILE": self.mobile,
            "PERSONAL_CITY": self.city,
            "WORK_PHONE": self.work_phone,
            "WORK_POSITION": self.work_position,
            "UF_EMPLOYMENT_DATE": "",
            "UF_DEPARTMENT": self.departments,
            "USER_TYPE": self.user_type,
        }
        return {key: value for key, value in wire.items() if _is_shown(key, scope)}

    @classmethod
    def from_wire(cls, row: JsonValue) -> "UserRow":
        """Read one person; what the caller's scope hides is empty.

        Raises:
            WireError: It is no row with an ID.
        """
        fields = Params(row if isinstance(row, Mapping) else {})
        user_id = fields.integer("ID")
        if user_id <= 0:
            raise WireError("result", "a person with ID", "something else")
        return cls(
            id=UserId(user_id),
            is_active=fields.flag("ACTIVE", default=True),
            name=fields.text("NAME"),
            last_name=fields.text("LAST_NAME"),
            second_name=fields.text("SECOND_NAME"),
            email=fields.text("EMAIL"),
            last_login=fields.text("LAST_LOGIN"),
            registered_at=fields.text("DATE_REGISTER"),
            time_zone=fields.text("TIME_ZONE"),
            is_online=fields.flag("IS_ONLINE"),
            photo=fields.text("PERSONAL_PHOTO"),
            gender=fields.text("PERSONAL_GENDER"),
            birthday=fields.text("PERSONAL_BIRTHDAY"),
            mobile=fields.text("PERSONAL_MOBILE"),
            city=fields.text("PERSONAL_CITY"),
            work_phone=fields.text("WORK_PHONE"),
            work_position=fields.text("WORK_POSITION"),
            departments=tuple(DepartmentId(number) for number in fields.integers("UF_DEPARTMENT")),
            user_type=fields.text("USER_TYPE", "employee"),
        )


def _is_shown(key: str, scope: UserScope) -> bool:
    match scope:
        case "user":
            return True
        case "user_basic":
            return key != "LAST_LOGIN"
        case "user_brief":
            return key != "LAST_LOGIN" and key not in _NOT_BRIEF


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What ``profile`` tells of the caller, in any scope.

    Source: api-reference/common/users/profile.md
    """

    id: UserId
    is_admin: bool = False
    name: str = ""
    last_name: str = ""
    gender: str = ""
    time_zone: str = ""
    photo: str = ""

    def to_wire(self) -> dict[str, JsonValue]:
        """The answer; the photo only if there is one."""
        wire: dict[str, JsonValue] = {
            "ID": str(self.id),
            "ADMIN": self.is_admin,
            "NAME": self.name,
            "LAST_NAME": self.last_name,
            "PERSONAL_GENDER": self.gender,
            "TIME_ZONE": self.time_zone,
        }
        return {**wire, "PERSONAL_PHOTO": self.photo} if self.photo else wire

    @classmethod
    def from_wire(cls, row: JsonValue) -> "Profile":
        """Read the answer.

        Raises:
            WireError: It is empty, as for an inactive user, or no profile.
        """
        fields = Params(row if isinstance(row, Mapping) else {})
        user_id = fields.integer("ID")
        if user_id <= 0:
            raise WireError("result", "a profile with ID", "something else")
        return cls(
            id=UserId(user_id),
            is_admin=fields.flag("ADMIN"),
            name=fields.text("NAME"),
            last_name=fields.text("LAST_NAME"),
            gender=fields.text("PERSONAL_GENDER"),
            time_zone=fields.text("TIME_ZONE"),
            photo=fields.text("PERSONAL_PHOTO"),
        )
