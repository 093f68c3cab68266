"""A small portal with its authorization server, over real HTTP; no code of livefeed's own portal."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

MEMBER = "a223c6b3710f85df22e9377d6c4f7553"
CLIENT_ID = "local.6537665f598492.98090704"
CLIENT_SECRET = "the-secret-of-the-application"


class Refusal(Exception):
    def __init__(self, status: int, code: str, description: str = "") -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.description = description


EXPIRED = Refusal(401, "expired_token", "The access token provided has expired.")
NO_AUTH = Refusal(401, "NO_AUTH_FOUND", "Wrong authorization data")
Method = Callable[[dict[str, str]], Any]


@dataclass
class FakePortal:
    """Tokens, methods, and a record of what was asked of it."""

    url: str = ""
    member_id: str = MEMBER
    client_id: str = CLIENT_ID
    status: str = "L"
    endpoint: str | None = None
    live: dict[str, int] = field(default_factory=dict)  # access token → user
    expired: set[str] = field(default_factory=set)
    refresh: dict[str, int] = field(default_factory=dict)  # refresh token → user
    spent: list[str] = field(default_factory=list)
    methods: dict[str, Method] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    refreshes: int = 0
    bound: list[tuple[str, str]] = field(default_factory=list)
    moved_to: str | None = None
    codes: dict[str, int] = field(default_factory=dict)  # authorization code → user
    admins: set[int] = field(default_factory=lambda: {1})
    placed: list[dict[str, str]] = field(default_factory=list)  # widgets
    places: set[str] = field(default_factory=lambda: {"LEFT_MENU", "LIVEFEED_POST"})
    scopes: str = "log,user,im"
    expires: str = ""
    down: int | None = None  # answer everything with this status
    on_refresh: Callable[[], Any] | None = None

    def issue(self, user: int = 1) -> tuple[str, str]:
        """A fresh pair."""
        number = len(self.live) + len(self.expired) + len(self.spent) + 1
        access, refresh = f"access{number:026d}", f"refresh{number:025d}"
        self.live[access] = user
        self.refresh[refresh] = user
        return access, refresh

    def expire_all(self) -> None:
        self.expired |= set(self.live)
        self.live.clear()

    def called(self, method: str) -> list[dict[str, str]]:
        return [params for name, params in self.calls if name == method]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
        params = {**query, **dict(parse_qsl(body.decode(), keep_blank_values=True))}
        if self.down is not None:
            await reply(send, self.down, b"<html>down</html>")
            return
        if self.moved_to and scope["path"].startswith("/rest/") and "app.info" not in scope["path"]:
            await reply(send, 302, b"", location=self.moved_to + scope["path"])
            return
        try:
            if scope["path"] == "/oauth/token/":
                document = await self.token(params)
            else:
                name = scope["path"].removeprefix("/rest/").removesuffix(".json").lower()
                document = self.answer(name, params)
            status = 200
        except Refusal as refusal:
            status = refusal.status
            document = {"error": refusal.code, "error_description": refusal.description}
        await reply(send, status, json.dumps(document).encode())

    async def token(self, params: dict[str, str]) -> dict[str, Any]:
        self.refreshes += 1
        if self.on_refresh is not None:
            await self.on_refresh()
        if (params.get("client_id"), params.get("client_secret")) != (self.client_id, CLIENT_SECRET):
            raise Refusal(400, "invalid_client")
        if params.get("grant_type") == "authorization_code":
            user = self.codes.pop(params.get("code", ""), None)
        else:
            user = self.refresh.pop(params.get("refresh_token", ""), None)
            self.spent += [params.get("refresh_token", "")] * (user is not None)
        if user is None:
            raise Refusal(400, "invalid_grant")
        access, refresh = self.issue(user)
        return {
            "access_token": access,
            "refresh_token": refresh,
            "expires_in": 3600,
            "expires": 1_780_319_382,
            "user_id": user,
            "member_id": self.member_id,
            "domain": "the.authorization.server",
            "client_endpoint": "http://never.trust.this.example/rest/",
            "server_endpoint": f"{self.url}/rest/",
            "scope": self.scopes,
            "status": self.status,
        }

    def answer(self, name: str, params: dict[str, str]) -> dict[str, Any]:
        token = params.pop("auth", "")
        if token in self.expired:
            raise EXPIRED
        if token not in self.live:
            raise NO_AUTH
        self.calls.append((name, params))
        if name == "batch":
            return {"result": self.batch(params)}
        document = self.one(name, params, self.live[token])
        return document if isinstance(document, dict) and "result" in document else {"result": document}

    def one(self, name: str, params: dict[str, str], user: int) -> Any:
        if name in self.methods:
            return self.methods[name](params)
        match name:
            case "app.info":
                return self.info(user)
            case "user.current":
                return {"ID": str(user), "NAME": "Anna"}
            case "profile":
                return {"ID": str(user), "ADMIN": user in self.admins, "NAME": "Anna"}
            case "placement.get" | "placement.bind" | "placement.unbind":
                return self.widget(name, params)
            case "event.get":
                return [{"event": e, "handler": h, "auth_type": "0", "offline": 0} for e, h in self.bound]
            case "event.bind":
                pair = (params["event"].upper(), params["handler"])
                if pair in self.bound:
                    raise Refusal(400, "ERROR_CORE", "Unable to set event handler: Handler already binded")
                self.bound.append(pair)
                return True
            case _:
                raise Refusal(404, "ERROR_METHOD_NOT_FOUND", "Method not found!")

    def widget(self, name: str, params: dict[str, str]) -> Any:
        if "placement" not in self.scopes:
            raise Refusal(403, "insufficient_scope", "The request requires higher privileges.")
        if name == "placement.get":
            return [{"placement": w["PLACEMENT"], "handler": w["HANDLER"]} for w in self.placed]
        if params["PLACEMENT"] not in self.places:
            raise Refusal(400, "ERROR_PLACEMENT_NOT_FOUND", "Placement not found")
        pair = params["PLACEMENT"], params["HANDLER"]
        kept = [w for w in self.placed if (w["PLACEMENT"], w["HANDLER"]) != pair]
        if name == "placement.unbind":
            count, self.placed = len(self.placed) - len(kept), kept
            return {"count": count}
        if len(kept) < len(self.placed):
            raise Refusal(400, "ERROR_CORE", "Unable to set placement handler: Handler already binded")
        self.placed.append(dict(params))
        return True

    def info(self, user: int) -> dict[str, Any]:
        return {
            "ID": 5,
            "CODE": self.client_id,
            "STATUS": self.status,
            "INSTALLED": True,
            "client_id": self.client_id,
            "scope": self.scopes,
            "expires": self.expires,
            "user_id": user,
            "install": {
                "installed": True,
                "version": 1,
                "status": self.status,
                "scope": self.scopes,
                "domain": "some-domain.bitrix24.com",
                "uri": "",
                "client_endpoint": self.endpoint or f"{self.url}/rest/",
                "member_id": self.member_id,
                "member_type": "self_hosted",
            },
        }

    def batch(self, params: dict[str, str]) -> dict[str, Any]:
        results: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        for key, command in params.items():
            if not key.startswith("cmd["):
                continue
            name = key[4:-1]
            method, _, query = command.partition("?")
            given = {k: unquote_plus(v) for k, v in parse_qsl(query, keep_blank_values=True)}
            try:
                results[name] = self.one(method, given, 1)
            except Refusal as refusal:
                errors[name] = {"error": refusal.code, "error_description": refusal.description}
                if params.get("halt") == "1":
                    break
        return {
            "result": results or [],
            "result_error": errors or [],
            "result_total": [],
            "result_next": [],
            "result_time": [],
        }


def post_row(number: int = 205, **fields: Any) -> dict[str, Any]:
    return {
        "ID": str(number),
        "AUTHOR_ID": "7",
        "TITLE": "Holidays",
        "DETAIL_TEXT": "from 1 to 14 June",
        "DATE_PUBLISH": "2026-03-17T14:29:15+03:00",
        "NUM_COMMENTS": "2",
        "HAS_SOCNET_ALL": "N",
        "FILES": [505],
        **fields,
    }


async def reply(send: Any, status: int, body: bytes, *, location: str = "") -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if location:
        headers.append((b"location", location.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
