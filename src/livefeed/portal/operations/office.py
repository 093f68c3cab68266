"""What every operation is made of: the words it is asked with, what it works with, what it gives back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import msgspec

from livefeed.clock import Clock
from livefeed.durable.store import Store, Tx
from livefeed.portal.lifecycle import Refused
from livefeed.portal.people import people
from livefeed.portal.portals import Directory, PortalRow
from livefeed.secrets import KeyRing
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import UserId

Document: TypeAlias = dict[str, JsonValue]
T = TypeVar("T")

MOST: Final = 2**63 - 1
Number: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=MOST)]
Scopes: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_.]+([, ]+[a-z0-9_.]+)*\Z")]

ADMINISTRATOR: Final = UserId(1)
"""In whose name applications are registered and posts edited, unless another is named."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for.

    Attributes:
        portal: member_id of the portal that is meant; None: the default one.
    """

    portal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What operations work with."""

    store: Store
    keys: KeyRing
    clock: Clock
    directory: Directory

    async def write(self, portal: PortalRow, unit: Callable[[Tx], T]) -> T:
        """Run ``unit`` with the portal to itself, and return its result after the commit.

        Raises:
            StoreError: It cannot be committed now.
        """

        def alone(tx: Tx) -> T:
            tx.serialize(portal.member_id)
            return unit(tx)

        return await self.store.write(alone)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationSpec:
    """One operation.

    Attributes:
        name: As in ``/admin/api/<name>``.
        asked: The type of its arguments.
        run: Does it; secrets in its document are shown this once. Raises `Refused` and store errors.
    """

    name: str
    asked: type[Asked]
    run: Callable[[Office, PortalRow, Any], Awaitable[Document]]


def active_person(tx: Tx, portal: PortalRow, user_id: UserId) -> people.Person:
    """A person who works on this portal.

    Raises:
        Refused: There is none with this number, or he was dismissed.
    """
    person = people.find(tx, portal.member_id, user_id)
    if person is None or not person.is_active:
        raise Refused(f"there is no active person {user_id} on this portal")
    return person
