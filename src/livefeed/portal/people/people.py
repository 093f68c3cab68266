"""People: who works in the company, where, and under which names."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.portal.access import PEOPLE, Viewer
from livefeed.wire.ids import MemberId, UserId

_sql = load("livefeed.portal.people", "people.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person of a portal; ``birthday`` is ``YYYY-MM-DD`` or empty, ``gender`` M, F or empty."""

    id: UserId
    login: str
    email: str
    first_name: str
    last_name: str
    second_name: str
    position: str
    city: str
    gender: str
    birthday: str
    language: str
    time_zone: str
    is_admin: bool
    is_active: bool
    registered_at: int
    changed_at: int
    departments: tuple[int, ...]

    @property
    def display_name(self) -> str:
        """``Anna Petrova``; the login of a person without names."""
        return f"{self.first_name} {self.last_name}".strip() or self.login

    @property
    def viewer(self) -> Viewer:
        """The person as somebody who reads and changes."""
        return Viewer(user_id=self.id, is_admin=self.is_admin)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """What is known of a person before he has an id."""

    login: str
    email: str
    first_name: str
    last_name: str
    position: str = ""
    city: str = ""
    gender: str = ""
    birthday: str = ""
    language: str = "en"
    time_zone: str = ""
    is_admin: bool = False


def add(tx: Tx, portal: MemberId, user_id: UserId, new: NewPerson) -> None:
    """Take a person in; `access.rebuild` gives him his codes afterwards."""
    _sql.add_person(
        tx.conn,
        portal=portal,
        id=user_id,
        login=new.login,
        email=new.email,
        first_name=new.first_name,
        last_name=new.last_name,
        position=new.position,
        city=new.city,
        gender=new.gender,
        birthday=new.birthday,
        language=new.language,
        time_zone=new.time_zone,
        is_admin=int(new.is_admin),
        now=tx.now_ms,
    )


def dismiss(tx: Tx, portal: MemberId, user_id: UserId) -> None:
    """Let a person go: his tokens and webhooks are dead at once; `access.rebuild` takes his codes."""
    _sql.dismiss(tx.conn, portal=portal, id=user_id, now=tx.now_ms)
    tx.wake(PEOPLE)


def find(tx: Tx, portal: MemberId, user_id: UserId) -> Person | None:
    """The person with this id, dismissed ones too."""
    row = _sql.person(tx.conn, portal=portal, id=user_id)
    return None if row is None else _person(row)


def find_many(tx: Tx, portal: MemberId, ids: Iterable[int]) -> dict[UserId, Person]:
    """The people with these ids; ids nobody has are left out."""
    wanted = msgspec.json.encode(sorted(set(ids))).decode()
    rows = _sql.people(tx.conn, portal=portal, ids=wanted, is_active=None, department=None)
    return {person.id: person for person in map(_person, rows)}


def select(
    tx: Tx,
    portal: MemberId,
    *,
    ids: Iterable[int] | None = None,
    is_active: bool | None = None,
    department: int | None = None,
) -> list[Person]:
    """People by id; each argument that is given narrows."""
    wanted = None if ids is None else msgspec.json.encode(list(ids)).decode()
    active = None if is_active is None else int(is_active)
    return list(
        map(_person, _sql.people(tx.conn, portal=portal, ids=wanted, is_active=active, department=department))
    )


def page(tx: Tx, portal: MemberId, *, after: int, first: int, limit: int) -> list[Person]:
    """Of the people with greater ids, up to ``limit`` by id, without the ``first`` ones."""
    rows = _sql.person_ids(tx.conn, portal=portal, after=after, first=first, limit=limit)
    return select(tx, portal, ids=[row[0] for row in rows])


def count(tx: Tx, portal: MemberId, *, after: int) -> int:
    """How many people have greater ids."""
    return int(_sql.count_people(tx.conn, portal=portal, after=after))


def _person(row: Any) -> Person:  # noqa: ANN401 - a row of the driver, typed here
    return Person(
        id=UserId(row[0]),
        login=row[1],
        email=row[2],
        first_name=row[3],
        last_name=row[4],
        second_name=row[5],
        position=row[6],
        city=row[7],
        gender=row[8],
        birthday=row[9],
        language=row[10],
        time_zone=row[11],
        is_admin=bool(row[12]),
        is_active=bool(row[13]),
        registered_at=row[14],
        changed_at=row[15],
        departments=tuple(int(number) for number in row[16].split(",") if number),
    )
