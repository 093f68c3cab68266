"""Settings: flags come first, then ``LIVEFEED_*`` variables, then the defaults named here."""

import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, TypeAlias
from urllib.parse import unquote, urlsplit

import msgspec

from livefeed.errors import SettingsError
from livefeed.secrets import Secret

PortalRole: TypeAlias = Literal["all", "web", "dispatcher"]
"""Of a process: it answers requests, delivers events, or does both."""

AppRole: TypeAlias = Literal["all", "door", "worker"]
"""Of a process: it takes events and shows pages, runs handlers, or does both."""

PORTAL_PORT: Final = 8024
APP_PORT: Final = 8025
CLOUD_AUTHORIZATION_URL: Final = "https://oauth.bitrix.info"
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
_UNITS: Final = {"hot_window_days": "days"}
_PASSWORD: Final = re.compile(r"(//[^:/@]*:)[^@/]*(?=@)|([?&]\w*password=)[^&]*")
_DATABASE: Final = re.compile(r"[\w.-]+")
_IN_CLOUD: Final = re.compile(r"\.bitrix24\.[a-z.]+$")


class DatabaseUrl(msgspec.Struct, frozen=True):
    """Where a half keeps its data.

    Attributes:
        scheme: ``sqlite`` or ``postgresql``.
        path: The file of an SQLite database; of one on a server, what files that belong to it are called
            after, in the working directory.
        dsn: The whole URL of a database on a server, which may hold a password; empty for a file.
    """

    scheme: str
    path: Path
    dsn: str = ""

    @classmethod
    def parse(cls, url: str) -> "DatabaseUrl":
        """Read ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or ``postgresql://user@host:port/database``.

        A PostgreSQL URL may name several hosts, with commas, and take parameters, as libpq has them.

        Raises:
            SettingsError: The URL is of another form, or names an engine that is not built.
        """
        scheme, separator, rest = url.partition("://")
        if scheme == "sqlite" and separator and rest.startswith("/") and len(rest) > 1:
            return cls("sqlite", Path(rest[1:]))
        if scheme in {"postgresql", "postgres"} and separator:
            return cls("postgresql", Path(f"livefeed-{_database_of(rest)}"), f"postgresql://{rest}")
        raise SettingsError(
            f"database URL {url!r} is not understood; use sqlite:///file.db, sqlite:////full/path.db "
            "or postgresql://user@host/database"
        )

    @property
    def is_file(self) -> bool:
        """Whether it is a file of one machine."""
        return self.scheme == "sqlite"

    @property
    def url(self) -> str:
        """The whole URL, with its password if it has one."""
        return self.dsn or f"{self.scheme}:///{self.path}"

    def __str__(self) -> str:
        """As people are shown it: without a password."""
        return _PASSWORD.sub(r"\1\2***", self.dsn) if self.dsn else f"{self.scheme}:///{self.path}"

    def __repr__(self) -> str:
        return f"DatabaseUrl({str(self)!r})"


def _database_of(rest: str) -> str:
    """The name of the database in what follows ``postgresql://``.

    Raises:
        SettingsError: There is none, or it could not be part of a file's name.
    """
    name = unquote(rest.partition("?")[0].partition("/")[2])
    if not _DATABASE.fullmatch(name):
        raise SettingsError("a PostgreSQL URL names its database: postgresql://user@host/database")
    return name


class AppSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What an application needs to run; each field is ``LIVEFEED_<NAME>`` in the environment.

    Attributes:
        db: Database URL.
        key_file: Key file; default ``<db>.key``.
        portal_url: Base URL of the portal.
        oauth_url: Base URL of the authorization server; default: the portal itself, and Bitrix24's own
            server for portals in its cloud or where no portal is named.
        client_id: The application's id on the portal.
        client_secret: Its secret, sent only to the authorization server.
        application_token: With ``member_id``: a portal that counts as known without an installation.
        member_id: The portal this local application belongs to; empty: the first that installs it.
        many_portals: Any portal may install it, not one alone. So it is anyway for applications of the
            Market, whose ``client_id`` begins with ``app.``, and where ``portals`` names some.
        portals: Base URLs of more portals at which people may sign in, with commas; those that have installed
            the application need not be named.
        public_url: The URL under which the portal reaches this application.
        secret_path: A last part of the address for events that nobody can guess, 16 to 64 letters and digits:
            ``<public_url>/events/<secret_path>``; at any other there is nothing. Empty: no such part.
        quiet_s: Seconds without a new event before a lane is due.
        max_wait_s: Seconds after which it is due in any case.
        ca_file: PEM file of a certificate authority to trust beside the machine's, for development TLS.
        console_token: Opens the console; by default the command that serves makes one at each start.
        sweep_every_s: Seconds after which the posts of the hot window are looked at again for changes that no
            event told; 0: never.
        sweep_all_every_s: Seconds after which every readable post is; 0: never.
        hot_window_days: How many days ago a post of the hot window was published at most.
        offline_events: Queue changes at the portal too, and fetch them: a second channel beside the events.
        offline_every_s: Seconds after which the queue is fetched even if nothing calls for it.
        watch_every_s: Seconds after which the portal is asked whether all handlers are still bound; 0: never.
        rate_limit: Keep calls to a portal within its documented bucket (50 at once, then 2 a second), and
            methods within their running time.
    """

    db: str = "sqlite:///livefeed-app.db"
    key_file: str = ""
    portal_url: str = ""
    oauth_url: str = ""
    client_id: str = ""
    client_secret: Secret = Secret("")
    application_token: Secret = Secret("")
    member_id: str = ""
    many_portals: bool = False
    portals: str = ""
    public_url: str = ""
    secret_path: Secret = Secret("")
    quiet_s: float = 0.0
    max_wait_s: float = 300.0
    ca_file: str = ""
    console_token: Secret = Secret("")
    sweep_every_s: float = 900.0
    sweep_all_every_s: float = 86_400.0
    hot_window_days: float = 14.0
    offline_events: bool = False
    offline_every_s: float = 300.0
    watch_every_s: float = 3_600.0
    rate_limit: bool = True

    @property
    def takes_many(self) -> bool:
        """Whether more than one portal may install the application."""
        return self.many_portals or bool(self.portals) or self.client_id.startswith("app.")

    @property
    def events_path(self) -> str:
        """Where events come in: ``/events``, or a path below it that is a secret."""
        segment = self.secret_path.reveal()
        return f"/events/{segment}" if segment else "/events"

    @property
    def authorization_url(self) -> str:
        """Base URL of the authorization server, without a slash at its end."""
        if self.oauth_url:
            return self.oauth_url.rstrip("/")
        if self.portal_url and not _IN_CLOUD.search(urlsplit(self.portal_url).hostname or ""):
            return self.portal_url.rstrip("/")
        return CLOUD_AUTHORIZATION_URL

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None, **flags: object) -> "AppSettings":
        """Merge flags (None means: not given), variables and defaults.

        Raises:
            SettingsError: A value is of the wrong type.
        """
        source = os.environ if environ is None else environ
        values: dict[str, object] = {}
        for name in cls.__struct_fields__:
            given = flags.get(name)
            raw = source.get(f"LIVEFEED_{name.upper()}") if given is None else given
            if raw is not None:
                values[name] = _typed(name, raw)
        try:
            return cls(**values)  # pyright: ignore[reportArgumentType] - each value was typed just above
        except TypeError as exc:
            raise SettingsError(str(exc)) from exc


def _typed(name: str, raw: object) -> object:
    if name == "secret_path":
        return _segment(raw.reveal() if isinstance(raw, Secret) else str(raw))
    if name in {"client_secret", "application_token", "console_token"}:
        return raw if isinstance(raw, Secret) else Secret(str(raw))
    if name.endswith("_s") or name == "hot_window_days":
        return _seconds(name, raw)
    if name.endswith("_url"):
        return _base_url(name, str(raw))
    if name in {"rate_limit", "offline_events", "many_portals"}:
        return _flag(name, raw)
    return str(raw)


def _segment(text: str) -> Secret:
    if text and not _SEGMENT.fullmatch(text):
        raise SettingsError("LIVEFEED_SECRET_PATH is 16 to 64 letters, digits, - and _, or empty")
    return Secret(text)


def _base_url(name: str, url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = not url or (parts.scheme in {"http", "https"} and bool(parts.hostname))
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(f"LIVEFEED_{name.upper()} is an http or https URL, not {url!r}")
    return url


def _seconds(name: str, raw: object) -> float:
    try:
        seconds = float(str(raw))
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        unit = _UNITS.get(name, "seconds")
        raise SettingsError(f"LIVEFEED_{name.upper()} is a number of {unit}, not {raw!r}")
    return seconds


def _flag(name: str, raw: object) -> bool:
    word = str(raw).lower()
    if word in {"1", "on", "yes", "true"}:
        return True
    if word in {"0", "off", "no", "false"}:
        return False
    raise SettingsError(f"LIVEFEED_{name.upper()} is on or off, not {raw!r}")
