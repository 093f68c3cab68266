"""``trigger``: send an event in the exact wire form to any URL."""

import asyncio
import time

import click

from livefeed.cli.output import json_option, print_document
from livefeed.clock import fresh_code, fresh_hex
from livefeed.net.http import HttpAnswer, HttpClient
from livefeed.wire.auth import Auth
from livefeed.wire.events import Envelope, encode_envelope

FORM = "application/x-www-form-urlencoded"


@click.command()
@click.argument("event")
@click.option("--url", required=True, help="Where to send it, e.g. http://127.0.0.1:8025/events")
@click.option("--post", type=int, required=True, help="POST_ID of the event.")
@click.option("--member-id", envvar="LIVEFEED_MEMBER_ID", default=None, help="Portal; default: a random one.")
@click.option(
    "--application-token", envvar="LIVEFEED_APPLICATION_TOKEN", default=None, help="Default: random."
)
@click.option("--no-tokens", is_flag=True, help="As an event that no user caused: without OAuth tokens.")
@json_option
def trigger(
    event: str,
    url: str,
    post: int,
    member_id: str | None,
    application_token: str | None,
    no_tokens: bool,
    as_json: bool,
) -> None:
    """Send EVENT (such as OnLiveFeedPostUpdate) and show the answer; exit code 1 if it is not 2xx."""
    tokens = (
        {}
        if no_tokens
        else {"access_token": fresh_code(32), "refresh_token": fresh_code(32), "expires_in": "3600"}
    )
    auth = Auth(
        **tokens,
        scope="log",
        domain="some-domain.bitrix24.com",
        server_endpoint="https://oauth.bitrix.info/rest/",
        status="L",
        client_endpoint="https://some-domain.bitrix24.com/rest/",
        member_id=member_id or fresh_hex(32),
        application_token=application_token or fresh_hex(32),
    )
    envelope = Envelope(
        event=event.upper(),
        event_handler_id="1",
        data={"FIELDS": {"POST_ID": str(post)}},
        ts=str(int(time.time())),
        auth=auth,
    )
    answer = asyncio.run(_send(url, encode_envelope(envelope)))
    print_document({"status": answer.status, "body": answer.body.decode(errors="replace")}, as_json=as_json)
    if not 200 <= answer.status < 300:
        raise SystemExit(1)


async def _send(url: str, body: bytes) -> HttpAnswer:
    async with HttpClient(allow_private=True) as client:
        return await client.send("POST", url, body=body, headers={"content-type": FORM})
