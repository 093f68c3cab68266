"""The token endpoint: what is asked of it and what it answers.

Source: settings/oauth/index.md, settings/oauth/auto-renewal.md; contract 4
"""

from collections.abc import Mapping
from typing import Final, TypeAlias, cast

import msgspec

from livefeed.errors import Fault, WireError
from livefeed.wire.faults import InvalidRequestOauth, UnexpectedAnswer, fault_of
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import ClientId, MemberId, UserId
from livefeed.wire.params import Params

ACCESS_TOKEN_LIFE_S: Final = 3_600
REFRESH_TOKEN_LIFE_S: Final = 180 * 86_400
CODE_LIFE_S: Final = 30


class CodeExchange(msgspec.Struct, frozen=True, kw_only=True):
    """``grant_type=authorization_code``; ``scope``, which no page names, may only repeat what the app has."""

    client_id: ClientId
    client_secret: str
    code: str
    scope: str = ""

    def __repr__(self) -> str:
        return f"CodeExchange(client_id={self.client_id!r})"


class Refresh(msgspec.Struct, frozen=True, kw_only=True):
    """``grant_type=refresh_token``; ``scope`` as for a code."""

    client_id: ClientId
    client_secret: str
    refresh_token: str
    scope: str = ""

    def __repr__(self) -> str:
        return f"Refresh(client_id={self.client_id!r})"


TokenRequest: TypeAlias = CodeExchange | Refresh


def read_token_request(params: Params) -> TokenRequest:
    """Read what is asked of the token endpoint.

    Raises:
        InvalidRequestOauth: A parameter is missing, or the grant type is another.
    """

    def need(name: str) -> str:
        text = params.text(name)
        if not text:
            raise InvalidRequestOauth(f"{name} is missing")
        return text

    match need("grant_type"):
        case "authorization_code":
            return CodeExchange(
                client_id=ClientId(need("client_id")),
                client_secret=need("client_secret"),
                code=need("code"),
                scope=params.text("scope"),
            )
        case "refresh_token":
            return Refresh(
                client_id=ClientId(need("client_id")),
                client_secret=need("client_secret"),
                refresh_token=need("refresh_token"),
                scope=params.text("scope"),
            )
        case _:
            raise InvalidRequestOauth("grant_type must be authorization_code or refresh_token")


def token_params(request: TokenRequest) -> dict[str, str]:
    """The parameters that ask for ``request``, in the order of the pages."""
    head = {"client_id": request.client_id, "client_secret": request.client_secret}
    scope = {"scope": request.scope} if request.scope else {}
    match request:
        case CodeExchange():
            return {"grant_type": "authorization_code", **head, "code": request.code, **scope}
        case Refresh():
            return {"grant_type": "refresh_token", **head, "refresh_token": request.refresh_token, **scope}


class TokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A new pair of tokens; both are secrets.

    Attributes:
        access_token: For an hour.
        refresh_token: For 180 days; replaces the one before.
        expires_in: Seconds, ``3600``.
        member_id: The portal.
        client_endpoint: ``https://portal.bitrix24.com/rest/``.
        server_endpoint: ``https://oauth.bitrix.info/rest/``.
        domain: The authorization server, never the portal (contract 8.12).
        scope: ``crm,entity,im,task``.
        status: ``F``.
        expires: Unix seconds at which the access token ends; absent from a first answer (A-20).
        user_id: Whose tokens; absent from a first answer (A-20).
    """

    access_token: str
    refresh_token: str
    expires_in: int
    member_id: MemberId
    client_endpoint: str = ""
    server_endpoint: str = ""
    domain: str = ""
    scope: str = ""
    status: str = ""
    expires: int | None = None
    user_id: UserId | None = None

    def __repr__(self) -> str:
        return f"TokenAnswer(member_id={self.member_id!r}, user_id={self.user_id!r})"

    def to_wire(self) -> dict[str, JsonValue]:
        """The answer, keys in the order of the page, absent ones left out."""
        wire: dict[str, JsonValue] = {
            "access_token": self.access_token,
            "client_endpoint": self.client_endpoint,
            "domain": self.domain,
            "expires": self.expires,
            "expires_in": self.expires_in,
            "member_id": self.member_id,
            "refresh_token": self.refresh_token,
            "scope": self.scope,
            "server_endpoint": self.server_endpoint,
            "status": self.status,
            "user_id": self.user_id,
        }
        return {key: value for key, value in wire.items() if value is not None}


def read_token_answer(status: int, body: bytes) -> TokenAnswer:
    """Read what the token endpoint answered; the code decides, not the status (A-22).

    Raises:
        Fault: The answer is an error, or no answer of a token endpoint.
    """
    try:
        wire = cast("JsonValue", msgspec.json.decode(body))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        wire = None
    fields = Params(wire if isinstance(wire, Mapping) else {})
    if fields.has("error"):
        raise fault_of(status, fields.text("error"), fields.text("error_description"))
    access_token, refresh_token = fields.text("access_token"), fields.text("refresh_token")
    if not access_token or not refresh_token:
        raise _unexpected(status)
    return TokenAnswer(
        access_token=access_token,
        refresh_token=refresh_token,
        expires_in=fields.integer("expires_in", ACCESS_TOKEN_LIFE_S),
        member_id=MemberId(fields.text("member_id")),
        client_endpoint=fields.text("client_endpoint"),
        server_endpoint=fields.text("server_endpoint"),
        domain=fields.text("domain"),
        scope=fields.text("scope"),
        status=fields.text("status"),
        expires=fields.maybe_integer("expires"),
        user_id=_user(fields.maybe_integer("user_id")),
    )


def _user(number: int | None) -> UserId | None:
    return None if number is None else UserId(number)


def _unexpected(status: int) -> Fault:
    fault = UnexpectedAnswer()
    fault.status = status
    return fault


def token_address(server_endpoint: str) -> str:
    """The token endpoint beside a REST base: ``…/rest/`` → ``…/oauth/token/`` (contract 4.1).

    Raises:
        WireError: ``server_endpoint`` does not end in ``/rest/``.
    """
    base, rest, after = server_endpoint.rstrip("/").rpartition("/rest")
    if not rest or after or not base:
        raise WireError("server_endpoint", "an address that ends in /rest/", repr(server_endpoint))
    return f"{base}/oauth/token/"
