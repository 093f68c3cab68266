"""``failpoints``: the named points at which a test can end a process."""

import click

from livefeed.cli.output import json_option, print_rows
from livefeed.failpoints import FAILPOINTS, MUTATIONS


@click.command()
@json_option
def failpoints(as_json: bool) -> None:
    """List the values of LIVEFEED_FAILPOINT=name[:n] and LIVEFEED_MUTATE=name."""
    rows = [{"name": name, "kind": "failpoint", "at": text} for name, text in FAILPOINTS.items()]
    rows += [{"name": name, "kind": "mutation", "at": text} for name, text in MUTATIONS.items()]
    print_rows(rows, ["name", "kind", "at"], as_json=as_json)
