"""Operations on people: taken in, given another password, dismissed."""

from typing import Annotated, Final, Literal

import msgspec

from livefeed.durable.store import Tx
from livefeed.portal.operations.office import Asked, Document, Number, Office, OperationSpec
from livefeed.portal.people import passwords, sessions, staff
from livefeed.portal.people.passwords import LONGEST, SHORTEST
from livefeed.portal.people.people import NewPerson, Person
from livefeed.portal.portals import PortalRow
from livefeed.portal.webhooks import managing
from livefeed.secrets import Secret
from livefeed.wire.ids import DepartmentId, UserId

_Login = Annotated[str, msgspec.Meta(pattern=r"^(?=.*[a-z])[a-z0-9._@-]{1,64}\Z")]
_Name = Annotated[str, msgspec.Meta(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
_Password = Annotated[str, msgspec.Meta(min_length=SHORTEST, max_length=LONGEST)]
_Who = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class UserAdd(Asked, frozen=True, kw_only=True):
    """Take a person in.

    Attributes:
        login: What he signs in with: small letters, digits and ``._@-``, at least one letter.
        first_name: May be empty, as the other names and words.
        last_name: See there.
        email: See there.
        position: See there.
        department: Where he works; 1 is the company itself.
        language: Of his pages and notices.
        admin: Whether he administers the portal.
        password: None: one is made.
    """

    login: _Login
    first_name: _Name = ""
    last_name: _Name = ""
    email: _Name = ""
    position: _Name = ""
    department: Number = 1
    language: Literal["en", "ru"] = "en"
    admin: bool = False
    password: _Password | None = None


class UserPassword(Asked, frozen=True, kw_only=True):
    """Give a person another password; None: one is made. Signs him out everywhere."""

    user: _Who
    password: _Password | None = None


class UserDismiss(Asked, frozen=True, kw_only=True):
    """Let a person go."""

    user: _Who


async def add_user(office: Office, portal: PortalRow, asked: UserAdd) -> Document:
    """Take a person in; his password is in the document."""
    password = await passwords.hashed(_chosen(asked.password))
    new = NewPerson(
        login=asked.login,
        email=asked.email,
        first_name=asked.first_name,
        last_name=asked.last_name,
        position=asked.position,
        language=asked.language,
        is_admin=asked.admin,
    )

    def unit(tx: Tx) -> UserId:
        department = DepartmentId(asked.department)
        return staff.take_in(tx, portal.member_id, new, department=department, password_hash=password.hash)

    person = await office.write(portal, unit)
    return {"id": person, "login": asked.login, "password": password.secret.reveal()}


async def set_password(office: Office, portal: PortalRow, asked: UserPassword) -> Document:
    """Give a person another password; it is in the document."""
    password = await passwords.hashed(_chosen(asked.password))

    def unit(tx: Tx) -> Person:
        person = staff.active(tx, portal.member_id, asked.user)
        passwords.keep(tx, portal.member_id, person.id, password.hash)
        sessions.end_all(tx, portal.member_id, person.id)
        return person

    person = await office.write(portal, unit)
    return {"id": person.id, "login": person.login, "password": password.secret.reveal()}


async def dismiss_user(office: Office, portal: PortalRow, asked: UserDismiss) -> Document:
    """Let a person go: sessions, tokens and webhooks are dead at once."""

    def unit(tx: Tx) -> Person:
        person = staff.active(tx, portal.member_id, asked.user)
        staff.dismiss(tx, portal.member_id, person)
        managing.end_of_person(tx, portal.member_id, person.id)
        sessions.end_all(tx, portal.member_id, person.id)
        return person

    person = await office.write(portal, unit)
    return {"id": person.id, "login": person.login, "dismissed": True}


def _chosen(password: str | None) -> Secret:
    return passwords.draw() if password is None else Secret(password)


OPERATIONS: Final = (
    OperationSpec(name="user_add", asked=UserAdd, run=add_user),
    OperationSpec(name="user_password", asked=UserPassword, run=set_password),
    OperationSpec(name="user_dismiss", asked=UserDismiss, run=dismiss_user),
)
