"""``--since``: a moment on the command line."""

from datetime import datetime

import click


def _since_ms(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Read an ISO 8601 moment as milliseconds since the epoch; without an offset it is local time."""
    if value is None:
        return None
    try:
        return int(datetime.fromisoformat(value).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError) as exc:
        raise click.BadParameter(f"{value!r} is not a moment such as 2026-03-17T15:29:14+01:00") from exc


since_option = click.option(
    "--since", "since_ms", callback=_since_ms, default=None, metavar="ISO8601", help="Only since this moment."
)
