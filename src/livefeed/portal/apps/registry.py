"""Applications: what is registered of each, and the secrets it was given."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from livefeed.clock import fresh_code, fresh_hex
from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.portal.apps.tokens import Bearer, granted
from livefeed.secrets import KeyRing, Secret
from livefeed.wire.ids import AppId, ClientId, MemberId, UserId

AuthKeys: TypeAlias = Literal["documented", "extended", "minimal"]
AppState: TypeAlias = Literal["withheld", "installed", "removed"]
AppStatus: TypeAlias = Literal["L", "F", "D", "T", "P"]

_SECRET_LENGTH: Final = 50

_sql = load("livefeed.portal.apps", "apps.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApp:
    """What an administrator says of an application he registers.

    Attributes:
        name: Shown to people.
        handler_url: Its own page, or empty.
        install_url: Where ONAPPINSTALL is sent, or empty.
        redirect_uri: Where authorization codes are sent; empty: they are shown on the page.
        scope: What it may do: ``log``, ``user``, ``im``, …
        has_interface: Everything is withheld until its installation is finished.
        auth_keys: Which keys the auth block of its events has; ``extended`` suits SDKs that want them all.
    """

    name: str
    handler_url: str = ""
    install_url: str = ""
    redirect_uri: str = ""
    scope: tuple[str, ...] = ()
    has_interface: bool = False
    auth_keys: AuthKeys = "documented"


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A registered application; `NewApp` says what its own words mean.

    Attributes:
        state: ``withheld`` until the installation is finished, ``removed`` after it was uninstalled.
        epoch: Every token carries it and dies when it is raised.
        installer: The person who registered it.
        sealed_token: The application_token, sealed.
        status: L local, F free, D demo, T trial, P paid.
        version: Counted from 1; ``VERSION`` of ``app.info``.
        release: What its maker calls the version: ``1.0.0``; ``VERSION`` of events.
        paid_until: When its paid or trial period is over, in ms since the epoch; None: it costs nothing.
    """

    id: AppId
    portal: MemberId
    client_id: ClientId
    name: str
    secret_hash: bytes
    sealed_token: bytes
    handler_url: str
    install_url: str
    redirect_uri: str
    scope: str
    has_interface: bool
    auth_keys: AuthKeys
    status: str
    paid_until: int | None
    version: int
    release: str
    state: AppState
    epoch: int
    installer: UserId
    created_at: int

    @property
    def scopes(self) -> frozenset[str]:
        """What it may do."""
        return granted(self.scope)

    def is_paid(self, now_ms: int) -> bool:
        """Whether new tokens may be given out; an application that costs nothing always is."""
        return self.paid_until is None or now_ms < self.paid_until

    def application_token(self, keys: KeyRing) -> Secret:
        """The secret that proves its events genuine."""
        return Secret(keys.open(self.sealed_token, context=self.client_id.encode()).decode("ascii"))

    def bearer(self, person: UserId, person_epoch: int) -> Bearer:
        """For whom a token of this application in the name of ``person`` speaks."""
        return Bearer(app=self.id, person=person, app_epoch=self.epoch, person_epoch=person_epoch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Another version of an application; `NewApp` says what its words mean.

    Attributes:
        name: What its maker calls the version: ``2.0.0``.
    """

    name: str
    handler_url: str
    install_url: str
    scope: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The secrets of an application, shown once: made before the unit that stores them."""

    client_id: ClientId
    client_secret: Secret
    application_token: Secret
    secret_hash: bytes
    sealed_token: bytes


def fresh_credentials(keys: KeyRing) -> Credentials:
    """Credentials of the documented forms: ``local.<14 hex>.<8 digits>``, 50 characters, 32 hex digits."""
    client_id = ClientId(f"local.{fresh_hex(14)}.{int(fresh_hex(12), 16) % 10**8:08d}")
    secret, token = fresh_code(_SECRET_LENGTH), fresh_hex(32)
    return Credentials(
        client_id=client_id,
        client_secret=Secret(secret),
        application_token=Secret(token),
        secret_hash=keys.hash(secret),
        sealed_token=keys.seal(token.encode("ascii"), context=client_id.encode()),
    )


def add(tx: Tx, portal: MemberId, new: NewApp, credentials: Credentials, *, installer: UserId) -> App:
    """Register an application; one without an interface is installed at once."""
    app_id = _sql.add_app(
        tx.conn,
        portal=portal,
        client_id=credentials.client_id,
        name=new.name,
        secret_hash=credentials.secret_hash,
        application_token=credentials.sealed_token,
        handler_url=new.handler_url,
        install_url=new.install_url,
        redirect_uri=new.redirect_uri,
        scope=",".join(new.scope),
        has_interface=int(new.has_interface),
        auth_keys=new.auth_keys,
        state="withheld" if new.has_interface else "installed",
        installer=installer,
        now=tx.now_ms,
        installed_at=None if new.has_interface else tx.now_ms,
    )
    app = find(tx, AppId(app_id))
    assert app is not None, "it was just written"
    return app


def find(tx: Tx, app_id: AppId) -> App | None:
    """The application with this local number, a removed one too."""
    row = _sql.app_by_id(tx.conn, id=app_id)
    return None if row is None else _app(row)


def find_by_client_id(tx: Tx, client_id: str) -> App | None:
    """The application with this client_id, a removed one too."""
    row = _sql.app_by_client_id(tx.conn, client_id=client_id)
    return None if row is None else _app(row)


def every(tx: Tx, portal: MemberId) -> list[App]:
    """The applications of a portal, removed ones too."""
    rows: Iterable[Any] = _sql.apps(tx.conn, portal=portal)
    return [_app(row) for row in rows]


def finish(tx: Tx, app: App) -> None:
    """The installation is complete; nothing is withheld any longer."""
    _sql.finish_app(tx.conn, id=app.id, now=tx.now_ms)


def remove(tx: Tx, app: App) -> None:
    """Uninstall: its tokens are dead when this is committed."""
    _sql.remove_app(tx.conn, id=app.id, now=tx.now_ms)


def update(tx: Tx, app: App, release: Release) -> None:
    """Another version; one with an installer's page is withheld until that page has finished."""
    _sql.update_app(
        tx.conn,
        id=app.id,
        release=release.name,
        handler_url=release.handler_url,
        install_url=release.install_url,
        scope=",".join(release.scope),
        state="withheld" if app.has_interface and release.install_url else app.state,
    )


def withhold(tx: Tx, app: App) -> None:
    """Its installation is to be finished anew."""
    _sql.withhold_app(tx.conn, id=app.id)


def rotate(tx: Tx, app: App, secret_hash: bytes) -> None:
    """Another secret: the old one and every token are dead when this is committed."""
    _sql.rotate_app(tx.conn, id=app.id, secret_hash=secret_hash)


def set_payment(tx: Tx, app: App, *, status: str, paid_until: int | None) -> None:
    """What is paid for it: a status letter, and until when in ms since the epoch."""
    _sql.set_payment(tx.conn, id=app.id, status=status, paid_until=paid_until)


def _app(row: Any) -> App:  # noqa: ANN401 - a row of the database
    return App(
        id=AppId(row["id"]),
        portal=MemberId(row["portal"]),
        client_id=ClientId(row["client_id"]),
        name=row["name"],
        secret_hash=row["secret_hash"],
        sealed_token=row["application_token"],
        handler_url=row["handler_url"],
        install_url=row["install_url"],
        redirect_uri=row["redirect_uri"],
        scope=row["scope"],
        has_interface=bool(row["has_interface"]),
        auth_keys=row["auth_keys"],
        status=row["status"],
        paid_until=row["paid_until"],
        version=row["version"],
        release=row["release"],
        state=row["state"],
        epoch=row["epoch"],
        installer=UserId(row["installer"]),
        created_at=row["created_at"],
    )
