"""``trigger``: send an event in the exact wire form to any URL."""

import asyncio

import click

from livefeed.cli.output import json_option, print_document
from livefeed.clock import SystemClock, fresh_code, fresh_hex
from livefeed.net.http import HttpAnswer, HttpClient
from livefeed.wire.auth import Auth
from livefeed.wire.events import Envelope, encode_envelope, post_data
from livefeed.wire.ids import HandlerId, MemberId, PostId
from livefeed.wire.oauth import ACCESS_TOKEN_LIFE_S

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
    auth = Auth(
        access_token=None if no_tokens else fresh_code(32),
        expires_in=None if no_tokens else ACCESS_TOKEN_LIFE_S,
        refresh_token=None if no_tokens else fresh_code(32),
        scope="log",
        domain="some-domain.bitrix24.com",
        server_endpoint="https://oauth.bitrix.info/rest/",
        status="L",
        client_endpoint="https://some-domain.bitrix24.com/rest/",
        member_id=MemberId(member_id or fresh_hex(32)),
        application_token=application_token or fresh_hex(32),
    )
    envelope = Envelope(
        event=event.upper(),
        handler_id=HandlerId(1),
        data=post_data(PostId(post)),
        ts=SystemClock().now_ms() // 1000,
        auth=auth,
    )
    answer = asyncio.run(_send(url, encode_envelope(envelope)))
    print_document({"status": answer.status, "body": answer.body.decode(errors="replace")}, as_json=as_json)
    if not 200 <= answer.status < 300:
        raise SystemExit(1)


async def _send(url: str, body: bytes) -> HttpAnswer:
    async with HttpClient(allow_private=True) as client:
        return await client.send("POST", url, body=body, headers={"content-type": FORM})
