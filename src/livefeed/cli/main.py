"""The command tree: each command is imported when it is called, so that starting is quick."""

import os
import sys
from typing import TYPE_CHECKING, Final, TextIO, cast

import click

from livefeed import __version__
from livefeed.cli.output import OneLine, imported

if TYPE_CHECKING:
    import io

_COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "demo": ("livefeed.cli.demo.command:demo", "Start portal and notifier with a seeded company."),
    "portal": (
        "livefeed.cli.portal.command:portal",
        "Host a News Feed: init, serve, app, webhook, edit, why, …",
    ),
    "app": ("livefeed.cli.app.serving:app", "Serve an application of your own."),
    "forward": (
        "livefeed.cli.app.forward:forward",
        "Take events for an application in any language, and hand them on.",
    ),
    "connect": (
        "livefeed.cli.app.connect:connect",
        "Connect an application to a portal, from the form to the first event.",
    ),
    "notifier": ("livefeed.cli.app.serving:notifier", "Serve the notifier."),
    "inbox": ("livefeed.cli.app.reading:inbox", "Show what an application received, step by step."),
    "notices": ("livefeed.cli.app.reading:notices", "Show who was told what, and how often it was tried."),
    "who": ("livefeed.cli.app.reading:who", "Show who was told of the last edit of a post, and who not."),
    "person": (
        "livefeed.cli.privacy.people:person",
        "Show or erase what the notifier keeps of one person.",
    ),
    "hold": (
        "livefeed.cli.privacy.holding:hold",
        "Keep a post or a person from purge, redaction and erasure.",
    ),
    "redact": (
        "livefeed.cli.privacy.redacting:redact",
        "Take the words of a version out of the archive for good.",
    ),
    "gaps": ("livefeed.cli.app.gaps:gaps", "Show how each edit was heard of, and what is known of the feed."),
    "dead": ("livefeed.cli.app.reading:dead", "Show dead letters, or replay them."),
    "lanes": (
        "livefeed.cli.app.lanes:lanes",
        "Show what is waiting, running or backing off; try what failed at once.",
    ),
    "db": (
        "livefeed.cli.db.command:db",
        "Back up a database while it is in use, or copy it to another engine.",
    ),
    "keys": ("livefeed.cli.keys.command:keys", "Show, rotate and retire the keys that seal secrets."),
    "processes": (
        "livefeed.cli.serve.command:processes",
        "Show which processes serve a PostgreSQL database.",
    ),
    "doctor": ("livefeed.cli.db.doctor:doctor", "Say what is wrong with a database, and what to do."),
    "trigger": ("livefeed.cli.trigger:trigger", "Send an event in the exact wire form to any URL."),
    "bench": ("livefeed.cli.bench.command:bench", "Measure against baselines in the same run."),
    "check-history": ("livefeed.cli.history:check_history", "Say whether a recorded run lost anything."),
    "failpoints": ("livefeed.cli.points:failpoints", "List the points at which a test can end a process."),
}


class Lazy(OneLine):
    """A group that knows the names of its commands and imports only the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in _COMMANDS:
            return None
        command = imported(_COMMANDS[cmd_name][0])
        if "livefeed.telemetry" in sys.modules:
            # Unless told, the log goes to stdout, which belongs to ``--json``.
            sys.modules["livefeed.telemetry"].configure_logs("warning", is_for_good=False)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help lines without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in _COMMANDS.items()])


@click.command(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="livefeed")
def main() -> None:
    """The News Feed event system of Bitrix24, at both ends of the wire."""


def run() -> None:
    """Run the command line and end the process with its exit code.

    The threads of the HTTP client outlive the interpreter's last moments and may abort it there; so once
    everything is closed and written, the process ends without them.
    """
    streams: list[TextIO] = [one for one in (sys.__stdout__, sys.__stderr__) if one]  # a closed one is None
    for stream in streams:
        cast("io.TextIOWrapper", stream).reconfigure(errors="backslashreplace")  # a terminal may lack letters
    try:
        main(prog_name="livefeed")
    except SystemExit as exc:
        if "pyreqwest" not in sys.modules:
            raise
        for stream in streams:
            stream.flush()
        os._exit(exc.code if isinstance(exc.code, int) else int(exc.code is not None))
