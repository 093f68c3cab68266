"""Which database and which key a command works with."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import click

from livefeed.durable.store import open_readonly
from livefeed.errors import SettingsError, StoreError, StoreUnavailable
from livefeed.secrets import KeyRing, read_or_create_key_file
from livefeed.settings import DatabaseUrl

Command = TypeVar("Command", bound=Callable[..., object])

_MAGIC: Final = b"SQLite format 3\0"

PORTAL_DB = "sqlite:///.livefeed/portal.db"
NOTIFIER_DB = "sqlite:///.livefeed/notifier.db"

FOUNDING: Final = "make it with: livefeed portal init"
"""What makes a portal's database; the other half makes its own at the first start."""


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
        show_envvar=True,
        help="sqlite:///relative.db, sqlite:////full/path.db or postgresql://user@host/database",
    )


key_file_option = click.option(
    "--key-file",
    envvar="LIVEFEED_KEY_FILE",
    default=None,
    type=click.Path(dir_okay=False, path_type=Path),
    show_envvar=True,
    help="Key that seals the secrets in the database; made if it does not exist.  [default: <db>.key, on "
    "PostgreSQL livefeed-<database>.key in the working directory]",
)

portal_option = click.option(
    "--portal",
    "member_id",
    default=None,
    metavar="MEMBER_ID",
    help="Which portal, where the database holds several; default: the default one.",
)


def require(database: DatabaseUrl, *, hint: str) -> None:
    """Refuse a database file that does not exist, or that is none; a server is asked when it is opened.

    Raises:
        SettingsError: ``hint`` says what makes one.
    """
    if database.is_file and not database.path.exists():
        raise SettingsError(f"there is no database {database.path}; {hint}")
    _is_begun(database)


def key_ring(database: DatabaseUrl, key_file: Path | None) -> KeyRing:
    """Read the key, or make one for a new database; one made beside it is told of.

    Raises:
        SettingsError: The file is unusable, its folder does not exist or cannot be written, or the
            database was begun with a key that is not there.
    """
    path = key_file or database.path.with_name(database.path.name + ".key")
    for folder in (database.path.parent, path.parent):
        if not folder.is_dir():
            raise SettingsError(f"there is no folder {folder}; make it first")
    is_new = not path.exists()
    if _is_begun(database) and is_new:
        raise SettingsError(
            f"there is no key file {path}; set LIVEFEED_KEY_FILE to the one {database} was made with"
        )
    keys = read_or_create_key_file(path)
    if is_new and key_file is None:
        click.echo(
            f"livefeed: warning: made {path}; in production keep the key elsewhere (LIVEFEED_KEY_FILE)",
            err=True,
        )
    return keys


def _is_begun(database: DatabaseUrl) -> bool:
    """Whether the database holds something.

    Raises:
        SettingsError: It is no SQLite database, or cannot be read.
    """
    if not database.is_file:
        return _holds_tables(database)
    try:
        with database.path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except FileNotFoundError:
        return False
    except OSError as exc:
        raise SettingsError(f"{database.path} cannot be read: {exc.strerror}; choose another --db") from exc
    if start not in (b"", _MAGIC):
        raise SettingsError(f"{database.path} is not an SQLite database; choose another --db")
    return bool(start)


def _holds_tables(database: DatabaseUrl) -> bool:
    """Whether a database on a server is one of livefeed's.

    Raises:
        StoreUnavailable: The server does not answer.
    """
    try:
        open_readonly(database).close()
    except StoreUnavailable as exc:
        if exc.__cause__ is not None and "does not exist" not in str(exc):
            raise
        return False
    except StoreError:
        return True
    return True
