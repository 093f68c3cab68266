"""The people of a portal as far as notices need them: name, gender, still there or not."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from livefeed.client.rest import RestClient
from livefeed.durable import sql
from livefeed.durable.store import Store, Tx
from livefeed.errors import Fault
from livefeed.notifier.privacy.screen import Screen
from livefeed.secrets import KeyRing
from livefeed.wire.calls import Answer
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import MemberId, UserId
from livefeed.wire.people import UserRow

_SQL: Final = sql.load("livefeed.notifier", "queries/people.sql")
_ROWS_A_UNIT: Final = 200


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One person; ``gender`` is M, F or empty."""

    id: UserId
    name: str
    gender: str = ""
    is_active: bool = True


def find_people(tx: Tx, portal: MemberId, people: Iterable[UserId]) -> dict[UserId, Person]:
    """Those of ``people`` who are in the archive."""
    ids = msgspec.json.encode(sorted(set(people))).decode()
    rows: Any = _SQL.people(tx.conn, portal=portal, people=ids)
    return {
        UserId(number): Person(id=UserId(number), name=name, gender=gender, is_active=bool(is_active))
        for number, name, gender, is_active in rows
    }


async def ensure_people(
    store: Store, keys: KeyRing, client: RestClient, portal: MemberId, people: Iterable[UserId]
) -> dict[UserId, Person]:
    """``people`` by id, those not known yet asked for; without whom the portal does not show, or was erased.

    Raises:
        TransportError: The portal gave no usable answer.
        Fault: It refused; tried again later.
    """
    wanted = set(people)
    known = await store.read(lambda tx: find_people(tx, portal, wanted))
    unknown = wanted - known.keys()
    if not unknown:
        return known
    screen = await store.read(lambda tx: Screen.read(tx, keys, portal))
    missing = sorted(one for one in unknown if not screen.is_erased(one))
    if not missing:
        return known
    answers = await client.batch(
        {f"p{number}": ("user.get", {"FILTER": {"ID": number}}) for number in missing}
    )
    rows = [row for answer in answers.values() for row in _rows(answer)]
    await _keep(store, keys, portal, rows)
    return await store.read(lambda tx: find_people(tx, portal, wanted))


async def archive_people(store: Store, keys: KeyRing, client: RestClient, portal: MemberId) -> None:
    """Read everybody the portal shows, but for those who were erased.

    Raises:
        TransportError: The portal gave no usable answer.
        Fault: It refused.
    """
    async for page in client.pages("user.get"):
        await _keep(store, keys, portal, _rows(page))


def forget(tx: Tx, portal: MemberId) -> None:
    """Erase the people of a portal."""
    _SQL.forget_people(tx.conn, portal=portal)


def _rows(answer: Answer | Fault) -> list[UserRow]:
    if isinstance(answer, Fault):
        if answer.retryable:
            raise answer
        return []
    return [UserRow.from_wire(row) for row in rows_of(answer.result)]


def rows_of(result: JsonValue) -> Sequence[JsonValue]:
    """The rows of a list method; nothing if the answer is no list."""
    return result if isinstance(result, Sequence) and not isinstance(result, str) else ()


async def _keep(store: Store, keys: KeyRing, portal: MemberId, rows: list[UserRow]) -> None:
    for start in range(0, len(rows), _ROWS_A_UNIT):
        some = rows[start : start + _ROWS_A_UNIT]
        await store.write(lambda tx, some=some: _keep_rows(tx, keys, portal, some))


def _keep_rows(tx: Tx, keys: KeyRing, portal: MemberId, rows: list[UserRow]) -> None:
    tx.serialize(portal)
    screen = Screen.read(tx, keys, portal)
    for row in rows:
        if screen.is_erased(row.id):
            continue
        _SQL.add_person(
            tx.conn,
            portal=portal,
            person=row.id,
            name=row.full_name,
            gender=row.gender,
            is_active=int(row.is_active),
        )
