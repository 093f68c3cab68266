"""Applications: ``app.info`` in both shapes, and the ``data`` of the events of an application's life.

Source: api-reference/common/system/app-info.md, api-reference/common/events/on-app-*.md; contract 3.5, 3.6
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar

import msgspec

from livefeed.errors import WireError
from livefeed.secrets import Secret
from livefeed.wire.envelopes import Envelope
from livefeed.wire.form import Form, JsonValue, as_form
from livefeed.wire.ids import AppId, ClientId, MemberId, UserId, decimal
from livefeed.wire.params import Params


class Install(msgspec.Struct, frozen=True, kw_only=True):
    """The installation of an app on one portal, as the authorization server tells of it."""

    member_id: MemberId
    domain: str = ""
    client_endpoint: str = ""
    status: str = ""
    scope: str = ""
    version: int = 1
    is_installed: bool = False
    uri: str = ""
    member_type: str = "cloud"


class AppInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What ``app.info`` answers: the portal's keys in capitals, the authorization server's in small letters.

    Attributes:
        id: ``ID`` on the portal.
        code: ``CODE``, the client id or the code in the market.
        version: ``VERSION``.
        status: ``STATUS``: F, D, T, P or L.
        is_installed: ``INSTALLED``.
        language: ``LANGUAGE_ID``.
        payment_expired: ``PAYMENT_EXPIRED``.
        days: ``DAYS``.
        license: ``LICENSE``, ``de_ent10000``.
        client_id: Of the app the token belongs to.
        scope: Comma list.
        expires: When the token ends, ISO 8601.
        user_id: Whose token it is.
        install: The installation; None in an answer of a portal that does not tell.
    """

    id: AppId = AppId(0)
    code: str = ""
    version: int = 1
    status: str = ""
    is_installed: bool = False
    language: str = "en"
    payment_expired: bool = False
    days: int | None = None
    license: str = ""
    client_id: ClientId | None = None
    scope: str = ""
    expires: str = ""
    user_id: UserId | None = None
    install: Install | None = None

    def to_wire(self) -> dict[str, JsonValue]:
        """One answer that carries both shapes; the second only if ``client_id`` is known."""
        family = self.license.rpartition("_")[2]
        wire: dict[str, JsonValue] = {
            "ID": self.id,
            "CODE": self.code,
            "VERSION": self.version,
            "STATUS": self.status,
            "INSTALLED": self.is_installed,
            "PAYMENT_EXPIRED": "Y" if self.payment_expired else "N",
            "DAYS": self.days,
            "LANGUAGE_ID": self.language,
            "LICENSE": self.license,
            "LICENSE_TYPE": family,
            "LICENSE_FAMILY": family.rstrip("0123456789"),
        }
        if self.client_id is None:
            return wire
        return {
            **wire,
            "client_id": self.client_id,
            "scope": self.scope,
            "expires": self.expires,
            "user_id": self.user_id,
            "install": None if self.install is None else _install_wire(self.install),
        }

    @classmethod
    def from_wire(cls, result: JsonValue) -> "AppInfo":
        """Read an answer of either shape.

        Raises:
            WireError: It is neither.
        """
        if not isinstance(result, Mapping):
            raise WireError("result", "the answer of app.info", "something else")
        # Both shapes have keys of one name in different case (STATUS, scope), so case counts here.
        portal = Params({key: value for key, value in result.items() if key.isupper()})
        server = Params({key: value for key, value in result.items() if key.islower()})
        if not portal.has("ID") and not server.has("client_id"):
            raise WireError("result", "the answer of app.info", "an object without its keys")
        user_id = server.integer("user_id")
        return cls(
            id=AppId(portal.integer("ID")),
            code=portal.text("CODE"),
            version=portal.integer("VERSION", 1),
            status=portal.text("STATUS"),
            is_installed=portal.flag("INSTALLED"),
            language=portal.text("LANGUAGE_ID"),
            payment_expired=portal.flag("PAYMENT_EXPIRED"),
            days=portal.maybe_integer("DAYS"),
            license=portal.text("LICENSE"),
            client_id=ClientId(server.text("client_id")) if server.text("client_id") else None,
            scope=scope_list(server.texts("scope")),
            expires=server.text("expires"),
            user_id=UserId(user_id) if user_id > 0 else None,
            install=_install(server.mapping("install")),
        )


def _install_wire(install: Install) -> dict[str, JsonValue]:
    return {
        "installed": install.is_installed,
        "version": install.version,
        "status": install.status,
        "scope": install.scope,
        "domain": install.domain,
        "uri": install.uri,
        "client_endpoint": install.client_endpoint,
        "member_id": install.member_id,
        "member_type": install.member_type,
    }


def _install(wire: Mapping[str, JsonValue]) -> Install | None:
    fields = Params(wire)
    if not fields.text("member_id"):
        return None
    return Install(
        member_id=MemberId(fields.text("member_id")),
        domain=fields.text("domain"),
        client_endpoint=fields.text("client_endpoint"),
        status=fields.text("status"),
        scope=scope_list(fields.texts("scope")),
        version=fields.integer("version", 1),
        is_installed=fields.flag("installed"),
        uri=fields.text("uri"),
        member_type=fields.text("member_type"),
    )


def scopes_of(text: str) -> frozenset[str]:
    """The scopes in ``text``, separated by commas, spaces or both (A-19)."""
    return frozenset(text.replace(",", " ").split())


def scope_list(scopes: Iterable[str]) -> str:
    """``im,log,user``: sorted, with commas."""
    return ",".join(sorted({one for text in scopes for one in scopes_of(text)}))


def install_data(*, version: str, language: str, is_active: bool = True, is_installed: bool = True) -> Form:
    """The ``data`` of ONAPPINSTALL."""
    return {
        "VERSION": version,
        "ACTIVE": "Y" if is_active else "N",
        "INSTALLED": "Y" if is_installed else "N",
        "LANGUAGE_ID": language,
    }


def update_data(*, version: str, previous_version: str, language: str) -> Form:
    """The ``data`` of ONAPPUPDATE."""
    return {"VERSION": version, "PREVIOUS_VERSION": previous_version, "LANGUAGE_ID": language}


def uninstall_data(*, language: str, should_clean: bool = False) -> Form:
    """The ``data`` of ONAPPUNINSTALL."""
    return {"LANGUAGE_ID": language, "CLEAN": "1" if should_clean else "0"}


def app_test_data(*, query: Mapping[str, JsonValue], language: str) -> Form:
    """The ``data`` of ONAPPTEST, with the parameters that ``event.test`` was called with."""
    return as_form({"QUERY": query, "LANGUAGE_ID": language})


class AppPayment(msgspec.Struct, frozen=True, kw_only=True):
    """The app was paid for, or is no longer; one that nothing proves is told as ``app.info`` confirms it.

    Source: api-reference/common/events/on-app-payment.md (contract A-08)

    Attributes:
        code: ``CODE``, ``bitrix.gds_company``.
        version: ``VERSION``, ``1``.
        status: ``STATUS``: F free, D demo, T trial, P paid; S is shown, too.
        is_expired: ``PAYMENT_EXPIRED``.
        days: ``DAYS`` that are left; None: it does not end.
        language: ``LANGUAGE_ID``.
        envelope: Where it came from.
    """

    wire_name: ClassVar[str] = "ONAPPPAYMENT"

    code: str = ""
    version: str = ""
    status: str = ""
    is_expired: bool = False
    days: int | None = None
    language: str = ""
    envelope: Envelope

    @classmethod
    def of(cls, envelope: Envelope) -> "AppPayment":
        """Read from the data of the event."""
        return cls(
            code=_text(envelope, "CODE"),
            version=_text(envelope, "VERSION"),
            status=_text(envelope, "STATUS"),
            is_expired=_text(envelope, "PAYMENT_EXPIRED") == "Y",
            days=decimal(_text(envelope, "DAYS")),
            language=_text(envelope, "LANGUAGE_ID"),
            envelope=envelope,
        )


class AppMethodConfirmed(msgspec.Struct, frozen=True, kw_only=True):
    """An administrator has allowed or denied a method that asked for it.

    Source: api-reference/common/events/on-app-method-confirm.md

    Attributes:
        token: ``TOKEN``, the access token that asked: a secret.
        method: ``METHOD``, ``voximplant.user.get``.
        is_confirmed: ``CONFIRMED``.
        language: ``LANGUAGE_ID``.
        envelope: Where it came from; its data is without the token.
    """

    wire_name: ClassVar[str] = "ONAPPMETHODCONFIRM"

    token: Secret
    method: str = ""
    is_confirmed: bool = False
    language: str = ""
    envelope: Envelope

    @classmethod
    def of(cls, envelope: Envelope) -> "AppMethodConfirmed":
        """Read from the data of the event."""
        return cls(
            token=Secret(_text(envelope, "TOKEN")),
            method=_text(envelope, "METHOD"),
            is_confirmed=_text(envelope, "CONFIRMED") == "1",
            language=_text(envelope, "LANGUAGE_ID"),
            envelope=msgspec.structs.replace(
                envelope, data={name: value for name, value in envelope.data.items() if name != "TOKEN"}
            ),
        )


def _text(envelope: Envelope, key: str) -> str:
    value = envelope.data.get(key, "")
    return value if isinstance(value, str) else ""
