"""Bodies of events: the documented form, encoded once for each handler and filled in for each delivery.

What changes from one delivery to the next is a handful of plain words: post, time, tokens. A template is
made by `encode_envelope` with marks in their place, so that filling it in gives what encoding would.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Literal, Self, TypeAlias

import msgspec

from livefeed.portal.apps.registry import App
from livefeed.portal.events.handlers import scope_of
from livefeed.portal.portals import PortalRow
from livefeed.wire.auth import Auth
from livefeed.wire.events import Envelope, encode_envelope, post_data
from livefeed.wire.form import Form
from livefeed.wire.ids import HandlerId, PostId, UserId
from livefeed.wire.oauth import ACCESS_TOKEN_LIFE_S

Hole: TypeAlias = Literal["handler", "post", "ts", "access", "refresh", "user", "expires"]

# Eighteen digits, or letters that no value of an event has.
_MARKS: Final[dict[Hole, str]] = {
    "post": "910000000000000001",
    "ts": "910000000000000002",
    "access": "livefeed-mark-access",
    "refresh": "livefeed-mark-refresh",
    "user": "910000000000000003",
    "expires": "910000000000000004",
    "handler": "910000000000000005",
}
_NEVER_TOKENS: Final = frozenset({"ONAPPUNINSTALL"})
_ALWAYS_REFRESH: Final = frozenset({"ONAPPINSTALL", "ONAPPUPDATE", "ONOFFLINEEVENT"})


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens an event carries, and whose they are."""

    access: bytes
    refresh: bytes
    user: UserId


class Template:
    """A body with holes.

    Attributes:
        last: What `around` gave for the second and the tokens of the last delivery.
    """

    __slots__ = ("_at", "_pieces", "last")

    def __init__(self, pieces: list[bytes], at: dict[Hole, int]) -> None:
        self._pieces = pieces
        self._at = at
        self.last: tuple[int, Tokens | None, tuple[bytes, ...]] = (-1, None, ())

    @classmethod
    def cut(cls, encoded: bytes) -> Self:
        """Cut ``encoded`` at its marks; each mark stands in it at most once."""
        found: list[tuple[int, Hole]] = sorted(
            (encoded.index(mark.encode()), hole)
            for hole, mark in _MARKS.items()
            if encoded.count(mark.encode()) == 1
        )
        pieces: list[bytes] = []
        at: dict[Hole, int] = {}
        end = 0
        for start, hole in found:
            pieces += [encoded[end:start], b""]
            at[hole] = len(pieces) - 1
            end = start + len(_MARKS[hole])
        return cls([*pieces, encoded[end:]], at)

    def around(self, holes: Sequence[Hole], values: dict[Hole, bytes]) -> tuple[bytes, ...]:
        """What stands before, between and after ``holes``, in their order, with ``values`` in the others."""
        pieces, at = self._pieces.copy(), self._at
        for name, value in values.items():
            if name in at:
                pieces[at[name]] = value
        places = [-1, *(at[hole] for hole in holes), len(pieces)]
        return tuple(b"".join(pieces[first + 1 : last]) for first, last in pairwise(places))


Templates = dict[tuple[str, bool, bool], Template]
"""Those of one application or webhook, by event, whether tokens are sent, and whether a handler is named."""


class Bodies:
    """All bodies that one handler can get."""

    def __init__(
        self,
        portal: PortalRow,
        app: App | None,
        application_token: str,
        event: str,
        handler_id: HandlerId | None,
        templates: Templates | None = None,
    ) -> None:
        """Encode nothing yet; without an ``app`` the handler is an outgoing webhook's.

        Args:
            portal: Whose events.
            app: Whose handler.
            application_token: Proves them genuine.
            event: Which.
            handler_id: Its number; None: it has none.
            templates: Kept together with those of others of the same portal, application and token.
        """
        self._portal = portal
        self._app = app
        self.application_token = application_token
        self._event = event
        # An address of installation has no handler; SDKs for whom `extended` is insist on a number.
        is_extended = app is not None and app.auth_keys == "extended"
        self._handler_id = HandlerId(0) if handler_id is None and is_extended else handler_id
        self._templates: Templates = {} if templates is None else templates
        self._name = event, self._handler_id is None

    def of_post(self, post: PostId, ts: int, tokens: Tokens | None) -> bytes:
        """The body of a post's event, sent at ``ts`` (Unix seconds)."""
        event, has_no_handler = self._name
        template = self._templates.get((event, tokens is not None, has_no_handler))
        if template is None:
            template = self._cut_template(with_tokens=tokens is not None)
            self._templates[event, tokens is not None, has_no_handler] = template
        at, whose, parts = template.last
        if at != ts or whose is not tokens:  # within a second only handler and post are others
            parts = self._around_post(template, ts, tokens)
            template.last = ts, tokens, parts
        if self._handler_id is None:
            return b"%b%d%b" % (parts[0], post, parts[1])
        return b"%b%d%b%d%b" % (parts[0], self._handler_id, parts[1], post, parts[2])

    def _around_post(self, template: Template, ts: int, tokens: Tokens | None) -> tuple[bytes, ...]:
        values: dict[Hole, bytes] = {"ts": b"%d" % ts}
        if tokens is not None:
            values["access"] = tokens.access
            values["refresh"] = tokens.refresh
            values["user"] = b"%d" % tokens.user
            values["expires"] = b"%d" % (ts + ACCESS_TOKEN_LIFE_S)
        return template.around(("post",) if self._handler_id is None else ("handler", "post"), values)

    def of_app(self, data: Form, ts: int, tokens: Tokens | None) -> bytes:
        """The body of an application's own event."""
        return encode_envelope(self.envelope(data, ts, tokens))

    def envelope(self, data: Form, ts: int, tokens: Tokens | None) -> Envelope:
        """The event as a value."""
        auth = self._auth(ts, tokens)
        return Envelope(event=self._event, handler_id=self._handler_id, data=data, ts=ts, auth=auth)

    def secrets(self, tokens: Tokens | None) -> tuple[bytes, ...]:
        """What nobody but the receiver may read of a body with these tokens."""
        token = self.application_token.encode("ascii")
        return (token,) if tokens is None else (token, tokens.access, tokens.refresh)

    def _cut_template(self, *, with_tokens: bool) -> Template:
        marks = Tokens(
            access=_MARKS["access"].encode(),
            refresh=_MARKS["refresh"].encode(),
            user=UserId(int(_MARKS["user"])),
        )
        sent_at = int(_MARKS["expires"]) - ACCESS_TOKEN_LIFE_S
        envelope = Envelope(
            event=self._event,
            handler_id=None if self._handler_id is None else HandlerId(int(_MARKS["handler"])),
            data=post_data(PostId(int(_MARKS["post"]))),
            ts=int(_MARKS["ts"]),
            auth=self._auth(sent_at, marks if with_tokens else None),
        )
        return Template.cut(encode_envelope(envelope))

    def _auth(self, ts: int, tokens: Tokens | None) -> Auth:
        """The keys that ``auth_keys`` asks for.

        Source: _includes/auth-params-in-events.md; A-04, A-05, A-64
        """
        app, portal = self._app, self._portal
        if app is None or self._event in _NEVER_TOKENS:
            return self._bare_auth()
        keys = app.auth_keys
        has_refresh = keys != "minimal" or self._event in _ALWAYS_REFRESH
        is_extended = tokens is not None and keys == "extended"
        return Auth(
            access_token=None if tokens is None else tokens.access.decode("ascii"),
            expires_in=None if tokens is None else ACCESS_TOKEN_LIFE_S,
            scope=scope_of(self._event) or app.scope,
            domain=portal.domain,
            server_endpoint=portal.server_endpoint,
            status=app.status,
            client_endpoint=portal.client_endpoint,
            member_id=portal.member_id,
            refresh_token=tokens.refresh.decode("ascii") if tokens is not None and has_refresh else None,
            application_token=self.application_token,
            user_id=tokens.user if tokens is not None and is_extended else None,
            expires=ts + ACCESS_TOKEN_LIFE_S if is_extended else None,
        )

    def _bare_auth(self) -> Auth:
        """The five keys of a farewell, when access is revoked already, and of outgoing webhooks.

        Source: api-reference/common/events/on-app-uninstall.md, api-reference/events/index.md; A-06
        """
        portal = self._portal
        return Auth(
            domain=portal.domain,
            server_endpoint=portal.server_endpoint,
            client_endpoint=portal.client_endpoint,
            member_id=portal.member_id,
            application_token=self.application_token,
        )
