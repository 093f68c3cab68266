"""Write docs/reference/: what can be imported, called and set, from docstrings and the commands themselves.

``python tools/reference_pages.py`` writes the pages, ``--check`` only compares.
"""

import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tools.referring.code import of_module  # noqa: E402 - the path is set above
from tools.referring.docstrings import documented, finished, items  # noqa: E402 - the path is set above

from livefeed.cli.main import main as livefeed  # noqa: E402 - the path is set above
from livefeed.settings import AppSettings  # noqa: E402 - the path is set above

FOLDER: Final = ROOT / "docs" / "reference"
MADE: Final = "<!-- Made by `make docs` from the code; do not edit. -->"

# Page → its heading, and what is on it: modules with their lists of exports, or names of one module.
PAGES: Final[dict[str, tuple[str, list[tuple[str, list[str]]]]]] = {
    "app.md": ("Applications: `livefeed.app`", [("livefeed.app", [])]),
    "verify.md": ("Only the proof: `livefeed.app.verify`", [("livefeed.app.verify", [])]),
    "client.md": ("The REST client: `livefeed.client`", [("livefeed.client", [])]),
    "events.md": ("Events: `livefeed.wire.events`", [("livefeed.wire.events", [])]),
    "testing.md": (
        "Tests: `livefeed.testing`",
        [
            ("livefeed.testing.plugin", ["portal", "async_portal", "make_portal", "portal_process"]),
            ("livefeed.testing.portal", ["LocalPortal", "AsyncPortal"]),
            ("livefeed.testing.process", ["ProcessPortal"]),
            ("livefeed.testing.stand", ["StandOptions"]),
            ("livefeed.testing.company", ["Person", "Post", "InstalledApp"]),
            ("livefeed.testing.loops", ["TurnableClock"]),
            ("livefeed.testing.rehearsal.prompter", ["RemoteClock"]),
            ("livefeed.testing.faults", []),
            ("livefeed.testing.seen", ["Delivery"]),
            ("livefeed.testing.recording", []),
        ],
    ),
}

# Variables that are no flag of a command.
OTHERS: Final = {
    "LIVEFEED_FAILPOINT": (
        "`livefeed failpoints`",
        "For tests: the process ends at this point; `name:3`: the third time.",
    ),
    "LIVEFEED_FORWARD_SECRET": (
        "`livefeed forward`",
        "Signs what is handed on: `whsec_` and a key in base64.",
    ),
}


def page_of(heading: str, parts: list[tuple[str, list[str]]]) -> str:
    """A page about modules."""
    lines = [MADE, f"# {heading}", ""]
    for name, names in parts:
        module = importlib.import_module(name)
        if len(parts) > 1:
            lines += [f"From `{name}`:", ""]
        else:
            lines += documented(inspect.cleandoc(module.__doc__ or ""))
        lines += of_module(module, names)
    return finished(lines)


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """A command and all below it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from commands(below, f"{path} {name}")


def page_of_commands() -> str:
    """What ``--help`` says, of every command."""
    lines = [MADE, "# Commands", "", "What `--help` says of each.", ""]
    for path, command in commands(livefeed, "livefeed"):
        # As on a terminal of 80 columns; below the first command, its settings are handed down.
        settings = {**livefeed.context_settings, **command.context_settings}
        context = click.Context(command, info_name=path, terminal_width=78, **settings)
        lines += [f"## {path}", "", "```text", command.get_help(context).rstrip(), "```", ""]
    return finished(lines)


def page_of_settings() -> str:
    """Each ``LIVEFEED_*`` variable that the application half reads."""
    described = dict(
        one.removeprefix("- `").split("`: ", 1)
        for one in items((inspect.getdoc(AppSettings) or "").partition("Attributes:\n")[2])
    )
    lines = [
        MADE,
        "# Settings",
        "",
        "Flags come first, then variables, then the defaults.",
        "",
        "## Of an application",
        "",
        "`App.from_settings()` and the commands that serve an application or the notifier read these.",
        "",
        "| variable | default | what it is |",
        "|---|---|---|",
    ]
    blank = AppSettings()
    for name in AppSettings.__struct_fields__:
        value = getattr(blank, name)
        default = "" if str(value) in {"", "***"} or not _shown(value) else f"`{_shown(value)}`"
        lines.append(
            f"| `LIVEFEED_{name.upper()}` | {default} | {described[name].replace('|', chr(92) + '|')} |"
        )
    lines += ["", "## Of commands", "", "| variable | commands | what it is |", "|---|---|---|"]
    for variable, users in variables().items():
        names = sorted({path for path, _ in users})
        told = (
            f"`{names[0]}` and {len(names) - 1} more"
            if len(names) > 3
            else ", ".join(map("`{}`".format, names))
        )
        told_of = (
            "; ".join(dict.fromkeys(text for _, text in users)).replace("<", "&lt;").replace("|", "&#124;")
        )
        lines.append(f"| `{variable}` | {told} | {told_of} |")
    lines += [f"| `{name}` | {where} | {what} |" for name, (where, what) in OTHERS.items()]
    return finished(lines)


def variables() -> dict[str, list[tuple[str, str]]]:
    """Which commands take a variable in place of a flag, and what they say of it."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path, command in commands(livefeed, "livefeed"):
        for option in command.params:
            if isinstance(option, click.Option) and isinstance(option.envvar, str):
                found.setdefault(option.envvar, []).append((path, option.help or ""))
    return dict(sorted(found.items()))


def _shown(value: object) -> str:
    """As one would write it in the environment; empty for none."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case str():
            return value
        case _:
            return ""


def pages() -> dict[str, str]:
    """Every page by its name."""
    made = {name: page_of(heading, parts) for name, (heading, parts) in PAGES.items()}
    return {**made, "commands.md": page_of_commands(), "settings.md": page_of_settings()}


def main() -> None:
    """Write or check the pages."""
    made = pages()
    there = {path.name: path.read_text() for path in FOLDER.glob("*.md")}
    if "--check" in sys.argv[1:]:
        stale = sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))
        if stale:
            raise SystemExit(f"docs/reference is out of date ({', '.join(stale)}); run: make docs")
        return
    FOLDER.mkdir(exist_ok=True)
    for name in there.keys() - made.keys():
        (FOLDER / name).unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
