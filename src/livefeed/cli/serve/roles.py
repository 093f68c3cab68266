"""Roles and numbers of processes: what an engine allows is checked before anything is opened."""

from typing import Final

import click

from livefeed.cli.numbers import NUMBER
from livefeed.errors import SettingsError
from livefeed.settings import DatabaseUrl

_INSTEAD: Final = "PostgreSQL (--db postgresql://user@host/database)"

workers_option = click.option(
    "--workers",
    type=NUMBER,
    default=1,
    show_default=True,
    help="Processes that share the port; more than one needs PostgreSQL.",
)

portal_role_option = click.option(
    "--role",
    type=click.Choice(["all", "web", "dispatcher"]),
    default="all",
    show_default=True,
    help="Answer requests, deliver events, or both; any number on any machine, with PostgreSQL.",
)

app_role_option = click.option(
    "--role",
    type=click.Choice(["all", "door", "worker"]),
    default="all",
    show_default=True,
    help="Take events and show pages, run handlers, or both; any number on any machine, with PostgreSQL.",
)


def check_processes(database: DatabaseUrl, role: str, workers: int) -> None:
    """Refuse what one writing process for each file does not allow.

    Raises:
        SettingsError: More than one process, or a part of the work, was asked for on an SQLite file.
    """
    if not database.is_file:
        return
    if workers != 1:
        raise SettingsError(f"one process writes an SQLite file; --workers above 1 needs {_INSTEAD}")
    if role != "all":
        raise SettingsError(
            f"one process writes an SQLite file and does everything; --role {role} needs {_INSTEAD}"
        )
