"""Staff: people who are taken in and dismissed, with everything that goes with it; each is one unit."""

from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.errors import LivefeedError
from livefeed.portal import access, portals
from livefeed.portal.people import passwords, people, places
from livefeed.portal.people.people import NewPerson, Person
from livefeed.wire.ids import DepartmentId, MemberId, UserId, decimal

_sql = load("livefeed.portal.people", "people.sql")


class NotPossible(LivefeedError):
    """Somebody cannot be taken in or dismissed; the message says why."""


def take_in(
    tx: Tx, portal: MemberId, new: NewPerson, *, department: DepartmentId, password_hash: str
) -> UserId:
    """Take a person in, who works in ``department`` and can sign in.

    Raises:
        NotPossible: The login is taken, or there is no such department.
    """
    if _sql.person_by_login(tx.conn, portal=portal, login=new.login) is not None:
        raise NotPossible(f"the login {new.login!r} is taken; choose another")
    if not _sql.has_department(tx.conn, portal=portal, id=department):
        raise NotPossible(f"there is no department {department} on this portal")
    person = UserId(portals.next_id(tx, portal, "person"))
    people.add(tx, portal, person, new)
    places.join_department(tx, portal, person, department)
    passwords.keep(tx, portal, person, password_hash)
    access.rebuild(tx, portal)
    return person


def dismiss(tx: Tx, portal: MemberId, person: Person) -> None:
    """Let a person go: his sessions, tokens and webhooks are dead when this is committed.

    Raises:
        NotPossible: He is the last administrator.
    """
    if person.is_admin and _sql.count_administrators(tx.conn, portal=portal) == 1:
        raise NotPossible(f"{person.login!r} is the last administrator; make another one first")
    people.dismiss(tx, portal, person.id)
    access.rebuild(tx, portal)


def active(tx: Tx, portal: MemberId, name: str) -> Person:
    """Who works here under this login or number.

    Raises:
        NotPossible: Nobody does.
    """
    number = decimal(name) or _sql.person_by_login(tx.conn, portal=portal, login=name)
    person = None if number is None else people.find(tx, portal, UserId(number))
    if person is None or not person.is_active:
        raise NotPossible(f"nobody works here under the login or number {name!r}")
    return person
