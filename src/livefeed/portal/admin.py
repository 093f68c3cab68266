"""The administrator's desk: finds the operation that is asked for, reads its arguments, has it done."""

from collections.abc import Mapping
from typing import Final

import msgspec

from livefeed.clock import Clock
from livefeed.durable.store import Store
from livefeed.portal.lifecycle import Refused
from livefeed.portal.operations import apps, deliveries, payments, people, posts, webhooks
from livefeed.portal.operations.office import Asked, Document, Office, OperationSpec
from livefeed.portal.people.passwords import LONGEST, SHORTEST
from livefeed.portal.portals import Directory, PortalRow
from livefeed.secrets import KeyRing
from livefeed.wire.form.complaints import plain

_ROOMS: Final = (apps, payments, people, webhooks, posts, deliveries)
OPERATIONS: Final[Mapping[str, OperationSpec]] = {
    spec.name: spec for room in _ROOMS for spec in room.OPERATIONS
}


_FORMS: Final = {
    "scope": "the scope is a list such as log,user,im",
    "login": "a login has small letters, digits and ._@-, and at least one letter",
    "version": "a version is up to four numbers with points between them, such as 2.0.0",
    "password": f"a password has {SHORTEST} to {LONGEST} characters",
}


class Admin:
    """Does what an administrator asks for; secrets in its documents are shown this once."""

    def __init__(self, *, store: Store, keys: KeyRing, clock: Clock, directory: Directory) -> None:
        self._office = Office(store=store, keys=keys, clock=clock, directory=directory)

    async def run(self, operation: str, arguments: Mapping[str, object]) -> Document:
        """Do one of `OPERATIONS` and return its document.

        Raises:
            Refused: It cannot be done; the message says why.
            StoreError: It was not stored.
        """
        spec = OPERATIONS.get(operation)
        if spec is None:
            raise Refused(f"there is no operation {operation!r}; there are: {', '.join(OPERATIONS)}")
        asked = read_arguments(spec, arguments)
        return await spec.run(self._office, self._portal(asked.portal), asked)

    def _portal(self, member_id: str | None) -> PortalRow:
        directory = self._office.directory
        portal = directory.default if member_id is None else directory.by_member(member_id)
        if portal is None:
            raise Refused(f"there is no portal {member_id!r} on this server")
        return portal


def read_arguments(spec: OperationSpec, arguments: Mapping[str, object]) -> Asked:
    """What is asked for; arguments that are null count as not given.

    Raises:
        Refused: An argument is missing, unknown, or cannot be read.
    """
    given = {key: value for key, value in arguments.items() if value is not None}
    unknown = sorted(given.keys() - set(spec.asked.__struct_fields__))
    if unknown:
        raise Refused(f"there is no argument {unknown[0]!r}")
    try:
        return msgspec.convert(given, spec.asked)
    except msgspec.ValidationError as exc:
        raise Refused(_told(str(exc))) from exc


def _told(complaint: str) -> str:
    argument = complaint.rpartition("$.")[2].rstrip("`")
    if "regex" in complaint or (argument == "password" and "length" in complaint):
        return _FORMS.get(argument) or plain(complaint)
    return plain(complaint)
