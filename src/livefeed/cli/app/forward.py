"""``forward``: the door, the inbox and the retries for an application in any language."""

import os
from typing import Any

import click

from livefeed.app.forwarding import Target, build
from livefeed.app.forwarding.targets import checked_url, signing_key
from livefeed.cli.app.serving import SETTINGS, Serving, serving_options
from livefeed.secrets import Secret

SECRET = "LIVEFEED_FORWARD_SECRET"  # noqa: S105 - the name of a variable


@click.command(epilog=SETTINGS)
@click.option(
    "--to",
    "url",
    required=True,
    envvar="LIVEFEED_FORWARD_TO",
    metavar="URL",
    help="Where events are handed on to, by POST; it may be on this machine or in a private network.",
)
@click.option("--portal", "member_id", default=None, metavar="MEMBER_ID", help="Take events of this portal.")
@click.option(
    "--event",
    "events",
    multiple=True,
    metavar="NAME",
    help="Ask portals to send these, as ONCRMDEALADD; repeatable.  [default: what they are set up to send]",
)
@click.option(
    "--timeout-s",
    type=click.FloatRange(0.1, 25),
    default=10.0,
    show_default=True,
    help="Seconds that one answer may take.",
)
@click.option(
    "--at-once",
    type=click.IntRange(1, 256),
    default=8,
    show_default=True,
    help="Events of a portal that are handed on at the same time; never two about one thing.",
)
@click.option(
    "--forward-install", is_flag=True, help="Hand installations on too, once they are proved, without tokens."
)
@serving_options("sqlite:///livefeed-forward.db")
def forward(
    url: str,
    member_id: str | None,
    events: tuple[str, ...],
    timeout_s: float,
    at_once: int,
    forward_install: bool,
    **flags: Any,  # noqa: ANN401 - click hands over every flag by name
) -> None:
    """Hand events on to an application in any language, until SIGINT or SIGTERM.

    Each event is proved and committed before the portal gets its 200. It is then posted to URL as it came,
    byte for byte, until the answer is a 2xx: with growing pauses, for three days, in order for each post. All
    tries of an event have one webhook-id. With LIVEFEED_FORWARD_SECRET (whsec_…) requests are signed as
    Standard Webhooks.
    """
    target = Target(
        url=checked_url(url),
        timeout_s=timeout_s,
        at_once=at_once,
        events=events,
        takes_installs=forward_install,
        key=signing_key(Secret(os.environ.get(SECRET, ""))),
    )
    serving = Serving(**flags)
    settings = serving.settings(member_id=member_id)
    serving.run(build(settings, target), settings)
