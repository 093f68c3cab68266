"""``trigger``: send an event in the exact wire form to any URL."""

import asyncio

import click

from livefeed.cli.numbers import NUMBER
from livefeed.cli.output import json_option, print_document
from livefeed.clock import SystemClock, fresh_code, fresh_hex
from livefeed.errors import ConnectFailed, TransportError, WireError
from livefeed.net.http import HttpAnswer, HttpClient, is_http_url
from livefeed.wire.auth import Auth
from livefeed.wire.events import Envelope, encode_envelope
from livefeed.wire.form import Form, nest
from livefeed.wire.ids import HandlerId, MemberId
from livefeed.wire.oauth import ACCESS_TOKEN_LIFE_S

FORM = "application/x-www-form-urlencoded"


def _target(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not is_http_url(value):
        raise click.BadParameter(f"{value!r} is not an absolute http or https URL")
    return value


def _pairs(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> list[tuple[str, str]]:
    for value in values:
        if value.find("=") < 1:
            raise click.BadParameter(f"{value!r} is not KEY=VALUE, such as FIELDS[ID]=7")
    pairs = [value.partition("=") for value in values]
    return [(key, value) for key, _, value in pairs]


def _nested(pairs: list[tuple[str, str]]) -> Form:
    try:
        return nest(pairs)
    except WireError as exc:
        raise click.BadParameter(str(exc), param_hint="--data") from exc


@click.command()
@click.argument("event")
@click.option(
    "--url", required=True, callback=_target, help="Where to send it, e.g. http://127.0.0.1:8025/events"
)
@click.option("--post", type=NUMBER, default=None, help="POST_ID of the event: --data FIELDS[POST_ID]=…")
@click.option(
    "--data",
    "pairs",
    multiple=True,
    callback=_pairs,
    metavar="KEY=VALUE",
    help="One value of the event's data, e.g. FIELDS[ID]=7; may be given several times.",
)
@click.option("--scope", default="log", show_default=True, help="What auth[scope] says.")
@click.option(
    "--member-id",
    envvar="LIVEFEED_MEMBER_ID",
    show_envvar=True,
    default=None,
    help="Portal it claims to come from; default: a random one.",
)
@click.option(
    "--application-token",
    envvar="LIVEFEED_APPLICATION_TOKEN",
    show_envvar=True,
    default=None,
    help="Secret that proves it genuine; default: a random one, which is refused.",
)
@click.option("--no-tokens", is_flag=True, help="Without OAuth tokens, as an event that no user caused.")
@json_option
def trigger(
    event: str,
    url: str,
    post: int | None,
    pairs: list[tuple[str, str]],
    scope: str,
    member_id: str | None,
    application_token: str | None,
    no_tokens: bool,
    as_json: bool,
) -> None:
    """Send EVENT (such as OnLiveFeedPostUpdate) and show the answer; exit code 1 if it is not 2xx.

    The body is the form that a portal sends. What an event of this name has in its data is not checked.
    """
    if post is not None:
        pairs = [("FIELDS[POST_ID]", str(post)), *pairs]
    auth = Auth(
        access_token=None if no_tokens else fresh_code(32),
        expires_in=None if no_tokens else ACCESS_TOKEN_LIFE_S,
        refresh_token=None if no_tokens else fresh_code(32),
        scope=scope,
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
        data=_nested(pairs),
        ts=SystemClock().now_ms() // 1000,
        auth=auth,
    )
    try:
        answer = asyncio.run(_send(url, encode_envelope(envelope)))
    except TransportError as exc:
        raise ConnectFailed(f"{url} gives no answer: {exc}") from exc
    print_document({"status": answer.status, "body": answer.body.decode(errors="replace")}, as_json=as_json)
    if not 200 <= answer.status < 300:
        raise SystemExit(1)


async def _send(url: str, body: bytes) -> HttpAnswer:
    async with HttpClient(allow_private=True) as client:
        return await client.send("POST", url, body=body, headers={"content-type": FORM})
