"""What commands print: rows for people, JSON for scripts, one line and exit code 2 for a mistake."""

import errno
import importlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import click
import msgspec

from livefeed.errors import LivefeedError

INTERRUPTED: Final = 130
"""The exit code of a command that somebody stops before it is done."""

_EXTRAS: Final = {
    "argon2": "portal",
    "nh3": "notifier",
    "psycopg": "postgres",
    "python_multipart": "portal",
    "starlette": "portal",
    "trustme": "portal",
}
"""What an installation of the application's half alone has not, and what brings it."""


class OneLine(click.Group):
    """A group whose commands answer every known error with one line on stderr and exit code 2."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 - click
    ) -> click.Context:
        """Read the arguments before the command's name."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as exc:
            _refuse(exc)
            raise

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run the command and translate what it raises at this one edge."""
        try:
            return super().invoke(ctx)
        except click.UsageError as exc:
            _refuse(exc)
            raise
        except (KeyboardInterrupt, click.Abort):
            click.echo("livefeed: stopped", err=True)
            sys.exit(INTERRUPTED)
        except LivefeedError as exc:
            _fail(str(exc))
        except ModuleNotFoundError as exc:
            package = (exc.name or "").partition(".")[0]
            if package not in _EXTRAS:
                raise
            _fail(f"this needs {package}, which is not installed: pip install 'livefeed[{_EXTRAS[package]}]'")
        except OSError as exc:
            if exc.errno == errno.EPIPE:  # the reader has seen enough; click ends quietly
                raise
            _fail(f"{exc.strerror or exc}: {exc.filename}" if exc.filename else exc.strerror or str(exc))


class Later(click.Group):
    """A group some of whose commands are imported when they are called: a server has no use for them.

    Attributes:
        later: ``module:command`` by name, beside those that are added to the group.
    """

    def __init__(self, *args: Any, later: Mapping[str, str], **named: Any) -> None:  # noqa: ANN401 - click
        super().__init__(*args, **named)
        self.later: Final = later

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, sorted."""
        return sorted([*super().list_commands(ctx), *self.later])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One command, imported if need be."""
        target = self.later.get(cmd_name)
        return super().get_command(ctx, cmd_name) if target is None else imported(target)


def imported(target: str) -> click.Command:
    """The command ``module:command``."""
    module, _, attribute = target.partition(":")
    command: click.Command = getattr(importlib.import_module(module), attribute)
    return command


def _refuse(error: click.UsageError) -> None:
    """Say what is wrong with the arguments and where they are explained; a page of help stays one."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return
    command = "livefeed" if error.ctx is None else error.ctx.command_path
    _fail(f"{error.format_message().rstrip('.')}; see: {command} --help")


def _fail(message: str) -> None:
    click.echo(f"livefeed: {' '.join(message.split())}", err=True)
    sys.exit(2)


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON on stdout; all else goes to stderr."
)


def encode(value: object) -> str:
    """One JSON document on one line."""
    return msgspec.json.encode(value).decode()


def print_document(document: Mapping[str, object], *, as_json: bool) -> None:
    """Print one document: JSON, or ``name: value`` lines with lists counted."""
    if as_json:
        click.echo(encode(document))
        return
    width = max((len(name) for name in document), default=0)
    for name, value in document.items():
        click.echo(f"{name:<{width}}  {_cell(value)}")


def print_rows(rows: Iterable[Mapping[str, object]], columns: Sequence[str], *, as_json: bool) -> None:
    """Print one line a row: JSON, or the columns under a heading."""
    if as_json:
        for row in rows:
            click.echo(encode(row))
        return
    table = [[_cell(row.get(column)) for column in columns] for row in rows]
    if not table:
        click.echo("nothing to show", err=True)
        return
    widths = [max(len(column), *(len(line[place]) for line in table)) for place, column in enumerate(columns)]
    for line in [list(columns), *table]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: object) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case str() | int() | float():
            return str(value)
        case _:
            return encode(value)
