"""Which database and which key a command works with."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from livefeed.errors import SettingsError
from livefeed.secrets import KeyRing, read_or_create_key_file
from livefeed.settings import DatabaseUrl

Command = TypeVar("Command", bound=Callable[..., object])

PORTAL_DB = "sqlite:///.livefeed/portal.db"
NOTIFIER_DB = "sqlite:///.livefeed/notifier.db"


def _parsed(ctx: click.Context, param: click.Parameter, value: str) -> DatabaseUrl:
    return DatabaseUrl.parse(value)


def db_option(default: str) -> Callable[[Command], Command]:
    """``--db URL``, from LIVEFEED_DB, else what the demo made."""
    return click.option(
        "--db",
        "database",
        envvar="LIVEFEED_DB",
        default=default,
        show_default=True,
        callback=_parsed,
        metavar="URL",
        help="Database of this half, e.g. sqlite:///feed.db",
    )


key_file_option = click.option(
    "--key-file",
    envvar="LIVEFEED_KEY_FILE",
    default=None,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with the key that seals secrets; default <db>.key",
)

portal_option = click.option(
    "--portal",
    "member_id",
    default=None,
    metavar="MEMBER_ID",
    help="Which portal, where a server has several.",
)


def require(database: DatabaseUrl, *, hint: str) -> None:
    """Refuse a database file that does not exist.

    Raises:
        SettingsError: It does not; ``hint`` says what makes it.
    """
    if not database.path.exists():
        raise SettingsError(f"there is no database {database.path}; {hint}")


def key_ring(database: DatabaseUrl, key_file: Path | None) -> KeyRing:
    """Read the key, or make one beside the database and say so.

    Raises:
        SettingsError: The file is unusable, or the folder does not exist or cannot be written.
    """
    path = key_file or database.path.with_name(database.path.name + ".key")
    if not path.parent.is_dir():
        raise SettingsError(f"there is no folder {path.parent}; make it first")
    if key_file is None and not path.exists():
        click.echo(
            f"livefeed: made {path}; in production keep the key elsewhere (LIVEFEED_KEY_FILE)", err=True
        )
    return read_or_create_key_file(path)
