"""What the demo keeps beside its databases (``demo.json``, mode 0600) to continue with its data."""

import os
from pathlib import Path

import msgspec

from livefeed.cli.portal.founding import Founded
from livefeed.errors import SettingsError

FILE = "demo.json"


class DemoPerson(msgspec.Struct, frozen=True):
    """A seeded person; the webhook's code is a secret, its URL hangs on the port of the day."""

    id: int
    name: str
    login: str
    password: str | None
    webhook_code: str


class DemoState(msgspec.Struct, frozen=True):
    """The seeded company and the notifier's credentials, once it is registered."""

    member_id: str
    people: list[DemoPerson]
    posts: list[int]
    client_id: str | None = None
    client_secret: str | None = None

    @classmethod
    def of(cls, founded: Founded) -> "DemoState":
        """The state after founding."""
        people = [
            DemoPerson(person.id, person.name, person.login, person.password, _code(person.webhook_url))
            for person in founded.people
        ]
        return cls(founded.member_id, people, founded.posts)

    def with_app(self, secrets: dict[str, object]) -> "DemoState":
        """The state after the notifier was registered."""
        return msgspec.structs.replace(
            self, client_id=str(secrets["client_id"]), client_secret=str(secrets["client_secret"])
        )


def read_state(data: Path) -> DemoState | None:
    """The state in this folder, or None.

    Raises:
        SettingsError: ``demo.json`` is not one of ours.
    """
    path = data / FILE
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=DemoState)
    except msgspec.DecodeError as exc:
        raise SettingsError(f"{path} is not usable: {exc}; choose another --data") from exc


def write_state(data: Path, state: DemoState) -> None:
    """Write the state so that a crash leaves the old one or the new one."""
    fresh = data / f"{FILE}.new"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(state)))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(data / FILE)


def _code(webhook_url: str) -> str:
    return webhook_url.rstrip("/").rsplit("/", 1)[1]
