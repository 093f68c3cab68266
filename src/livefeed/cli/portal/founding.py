"""Founding a portal: its first people, posts and webhooks."""

import asyncio
from collections.abc import Mapping
from typing import Literal

import msgspec

from livefeed.clock import SystemClock
from livefeed.durable.store import Tx, open_store
from livefeed.portal import portals, seed
from livefeed.portal.apps import webhooks
from livefeed.portal.people.passwords import Password, draw, hashed
from livefeed.rooms import PORTAL
from livefeed.secrets import KeyRing
from livefeed.settings import DatabaseUrl
from livefeed.wire.ids import UserId


class FoundPerson(msgspec.Struct, frozen=True):
    """A seeded person with the incoming webhook and the password made for him; both are secrets."""

    id: int
    name: str
    login: str
    password: str | None
    webhook_url: str


class Founded(msgspec.Struct, frozen=True):
    """A new portal: people[0] is user 1, an administrator."""

    member_id: str
    people: list[FoundPerson]
    posts: list[int]


async def found_portal(
    database: DatabaseUrl, keys: KeyRing, kind: Literal["demo", "empty"], public_url: str, name: str
) -> Founded:
    """Make a portal in ``database``, which is created if it does not exist.

    Raises:
        SettingsError: A portal with this address exists, or the key is not this database's.
    """
    clock = SystemClock()
    store = open_store(database, PORTAL, clock)
    drawn = await asyncio.gather(*(hashed(draw()) for _ in seed.staff_of(kind)))
    passwords = dict(zip(seed.staff_of(kind), drawn, strict=True))
    try:
        return await store.write(lambda tx: _found(tx, keys, kind, public_url, name, passwords))
    finally:
        await store.close()


def _found(
    tx: Tx,
    keys: KeyRing,
    kind: Literal["demo", "empty"],
    public_url: str,
    name: str,
    passwords: Mapping[UserId, Password],
) -> Founded:
    portals.check_key(tx, keys)
    portal = portals.create(tx, public_url=public_url, name=name)
    make = seed.seed_demo if kind == "demo" else seed.seed_empty
    seeded = make(tx, portal=portal, keys=keys, passwords=passwords)
    people = [
        FoundPerson(
            person.id,
            person.name,
            person.login,
            None if person.password is None else person.password.reveal(),
            webhooks.url(portal, UserId(person.id), person.webhook_code),
        )
        for person in seeded.people
    ]
    return Founded(portal.member_id, people, list(seeded.posts))
