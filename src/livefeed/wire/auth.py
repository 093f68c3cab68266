"""The ``auth`` block of an event: who sends it, for which portal, and sometimes with whose tokens.

No key is certain to be there (contract 1.3). A key that is not known, and a known one whose value cannot
be what it should be, stays in ``extra``, so that nothing received is lost when it is written again.
"""

from typing import Any, Final

import msgspec

from livefeed.wire.form import Form
from livefeed.wire.ids import ClientId, MemberId, UserId, decimal


class Auth(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an event says of its sender. An absent key and an empty one are both None.

    Source: _includes/auth-params-in-events.md

    Attributes:
        access_token: OAuth token of the acting user, ``s6p6eclrvim6da22ft9ch94ekreb52lv``; a secret.
        expires_in: Seconds the token lives, ``3600``.
        scope: ``log``; the whole list at installation. Separators differ (A-19): read ``scopes()``.
        domain: ``some-domain.bitrix24.com``; informative only.
        server_endpoint: ``https://oauth.bitrix.info/rest/``.
        status: ``L`` local, ``F`` free, ``D`` demo, ``T`` trial, ``P`` paid, ``S`` subscription.
        client_endpoint: ``https://some-domain.bitrix24.com/rest/``.
        member_id: The portal.
        refresh_token: A secret; not to be relied on (A-05).
        application_token: The secret that proves the sender.
        user_id: Whose token it is; only some senders add it (A-04).
        expires: Unix seconds at which the token ends; only some senders add it.
        client_id: The app; only the settings wizard adds it.
        extra: All other keys, as received.
    """

    access_token: str | None = None
    expires_in: int | None = None
    scope: str | None = None
    domain: str | None = None
    server_endpoint: str | None = None
    status: str | None = None
    client_endpoint: str | None = None
    member_id: MemberId | None = None
    refresh_token: str | None = None
    application_token: str | None = None
    user_id: UserId | None = None
    expires: int | None = None
    client_id: ClientId | None = None
    extra: Form = {}

    def scopes(self) -> frozenset[str]:
        """The names in ``scope``, whichever separator stands between them."""
        return frozenset((self.scope or "").replace(",", " ").split())

    def __repr__(self) -> str:
        # What is unknown may be a secret: of extra only the names are shown.
        fields = [f"{name}={_masked(name, getattr(self, name))!r}" for name in sorted(_KNOWN)]
        return f"Auth({', '.join(fields)}, extra={sorted(self.extra)})"


_SECRETS: Final = frozenset({"access_token", "refresh_token", "application_token"})
_NUMBERS: Final = frozenset({"expires_in", "user_id", "expires"})
_KNOWN: Final = frozenset(Auth.__struct_fields__) - {"extra"}


def _masked(name: str, value: object) -> object:
    return "***" if name in _SECRETS and value is not None else value


def parse_auth(form: Form) -> Auth:
    """Read the ``auth`` block; never fails, since nothing in it is certain."""
    known: dict[str, Any] = {}
    extra: Form = {}
    for key, value in form.items():
        if key not in _KNOWN or isinstance(value, dict):
            extra[key] = value
        elif key not in _NUMBERS:
            known[key] = value or None
        elif (number := decimal(value)) is not None:
            known[key] = number
        elif value:
            extra[key] = value
    return Auth(**known, extra=extra)


FEED_ORDER: Final = (
    "access_token",
    "expires_in",
    "scope",
    "domain",
    "server_endpoint",
    "status",
    "client_endpoint",
    "member_id",
    "refresh_token",
    "application_token",
    "user_id",
    "expires",
    "client_id",
)
"""The ten keys of api-reference/log/events/on-live-feed-post-update.md, then those that only some send."""

WEBHOOK_ORDER: Final = ("domain", "client_endpoint", "server_endpoint", "member_id", "application_token")
"""The five keys an outgoing webhook gets: api-reference/events/index.md."""

INSTALL_ORDER: Final = (
    "domain",
    "scope",
    "access_token",
    "refresh_token",
    "expires_in",
    "server_endpoint",
    "status",
    "client_endpoint",
    "member_id",
    "application_token",
)
"""api-reference/common/events/on-app-install.md and on-app-update.md."""

UNINSTALL_ORDER: Final = ("domain", "server_endpoint", "client_endpoint", "member_id", "application_token")
"""api-reference/common/events/on-app-uninstall.md and on-app-payment.md."""


def auth_form(auth: Auth, order: tuple[str, ...]) -> Form:
    """The block as it is sent: the keys of ``order`` first, then the others, absent ones left out."""
    form: Form = {}
    for name in order if order is FEED_ORDER else (*order, *FEED_ORDER):
        value = getattr(auth, name)
        if value is not None and name not in form:
            form[name] = str(value)
    return {**form, **auth.extra}
