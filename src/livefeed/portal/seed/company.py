"""Fills a new portal: with the demo company of ``company.toml``, or with one administrator."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final, Literal

import msgspec

from livefeed.durable.store import Tx
from livefeed.portal import access
from livefeed.portal.apps import webhooks
from livefeed.portal.feed import comments, posts
from livefeed.portal.people import people, places
from livefeed.portal.people.passwords import Password
from livefeed.portal.people.passwords import keep as keep_password
from livefeed.portal.portals import PortalRow, start_ids
from livefeed.secrets import KeyRing, Secret
from livefeed.wire.ids import DepartmentId, GroupId, PostId, UserId

_HOUR_MS = 3_600_000
_NOBODY: Final[Mapping[UserId, Password]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededPerson:
    """A person, with the code of his incoming webhook in plain: the one time it is known.

    Attributes:
        password: What he signs in with, in plain; None: he cannot.
    """

    id: UserId
    name: str
    login: str
    webhook_code: str
    password: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeded:
    """What a seed made; the first person is user 1, an administrator."""

    people: list[SeededPerson]
    posts: list[PostId]


class _Department(msgspec.Struct, forbid_unknown_fields=True):
    id: DepartmentId
    name: str
    head: UserId
    parent: DepartmentId | None = None


class _Person(msgspec.Struct, forbid_unknown_fields=True):
    id: UserId
    login: str
    names: tuple[str, str]
    position: str
    city: str
    gender: str
    birthday: str
    language: str
    departments: list[DepartmentId]
    is_admin: bool = False


class _Group(msgspec.Struct, forbid_unknown_fields=True):
    id: GroupId
    name: str
    description: str
    owner: UserId
    members: list[UserId]


class _Comment(msgspec.Struct, forbid_unknown_fields=True):
    author: UserId
    hours_ago: float
    text: str


class _Post(msgspec.Struct, forbid_unknown_fields=True):
    author: UserId
    hours_ago: float
    dest: list[str]
    text: str
    title: str = ""
    important: bool = False
    tags: list[str] = []
    comments: list[_Comment] = []


class _Company(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    department: list[_Department]
    person: list[_Person]
    group: list[_Group]
    post: list[_Post]


def company_name() -> str:
    """What the demo company is called."""
    return _company().name


def staff_of(kind: Literal["demo", "empty"]) -> list[UserId]:
    """Whom a seed of this kind takes in, for those who make their passwords before the unit."""
    return [person.id for person in _company().person] if kind == "demo" else [UserId(1)]


def seed_demo(
    tx: Tx, *, portal: PortalRow, keys: KeyRing, passwords: Mapping[UserId, Password] = _NOBODY
) -> Seeded:
    """Fill an empty portal with the demo company: people, departments, groups, posts and comments.

    Only those of ``passwords`` can sign in with one.
    """
    company = _company()
    for department in company.department:
        places.add_department(
            tx,
            portal.member_id,
            department.id,
            name=department.name,
            parent=department.parent,
            head=department.head,
        )
    seeded = [_add_person(tx, portal, keys, person, passwords.get(person.id)) for person in company.person]
    for group in company.group:
        places.add_group(
            tx, portal.member_id, group.id, name=group.name, description=group.description, owner=group.owner
        )
        for member in group.members:
            places.join_group(tx, portal.member_id, member, group.id)
    access.rebuild(tx, portal.member_id)
    return Seeded(people=seeded, posts=[_add_post(tx, portal, post) for post in company.post])


def seed_empty(
    tx: Tx, *, portal: PortalRow, keys: KeyRing, passwords: Mapping[UserId, Password] = _NOBODY
) -> Seeded:
    """Fill an empty portal with the company itself and its administrator, user 1."""
    root = DepartmentId(1)
    places.add_department(tx, portal.member_id, root, name=portal.name, parent=None, head=UserId(1))
    admin = _Person(
        id=UserId(1),
        login="admin",
        names=("Administrator", ""),
        position="",
        city="",
        gender="",
        birthday="",
        language=portal.language,
        departments=[root],
        is_admin=True,
    )
    seeded = _add_person(tx, portal, keys, admin, passwords.get(admin.id))
    access.rebuild(tx, portal.member_id)
    return Seeded(people=[seeded], posts=[])


def _add_person(
    tx: Tx, portal: PortalRow, keys: KeyRing, person: _Person, password: Password | None
) -> SeededPerson:
    first_name, last_name = person.names
    new = people.NewPerson(
        login=person.login,
        email=f"{person.login}@meridian.example",
        first_name=first_name,
        last_name=last_name,
        position=person.position,
        city=person.city,
        gender=person.gender,
        birthday=person.birthday,
        language=person.language,
        is_admin=person.is_admin,
    )
    people.add(tx, portal.member_id, person.id, new)
    start_ids(tx, portal.member_id, "person", person.id)
    if password is not None:
        keep_password(tx, portal.member_id, person.id, password.hash)
    for department in person.departments:
        places.join_department(tx, portal.member_id, person.id, department)
    made = webhooks.new_code(keys)
    webhooks.add(
        tx,
        portal=portal.member_id,
        user_id=person.id,
        scopes=webhooks.SCOPES,
        code=made,
        name="Made with the portal",
    )
    name = f"{first_name} {last_name}".strip()
    return SeededPerson(
        id=person.id,
        name=name,
        login=person.login,
        webhook_code=made.code.reveal(),
        password=None if password is None else password.secret,
    )


def _add_post(tx: Tx, portal: PortalRow, seed: _Post) -> PostId:
    draft = posts.Draft(
        author=seed.author,
        title=seed.title,
        text=seed.text,
        audience=tuple(seed.dest),
        is_important=seed.important,
        tags=tuple(seed.tags),
        published_at=tx.now_ms - round(seed.hours_ago * _HOUR_MS),
    )
    post = posts.write(tx, portal.member_id, draft, editor=seed.author, source="seed")
    for comment in seed.comments:
        written_at = tx.now_ms - round(comment.hours_ago * _HOUR_MS)
        comments.add(tx, post, author=comment.author, text=comment.text, written_at=written_at)
    return post.id


@cache
def _company() -> _Company:
    text = resources.files("livefeed.portal.seed").joinpath("company.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Company)
