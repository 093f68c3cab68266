"""The desk of a test's portal: people, posts, applications, and what goes wrong for a while."""

import contextlib
import itertools
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from livefeed.durable.store import Tx
from livefeed.errors import SettingsError
from livefeed.portal.apps.registry import App
from livefeed.portal.feed import posts, reading
from livefeed.portal.feed.posts import Draft
from livefeed.testing.checks import Checks
from livefeed.testing.company import (
    AUTOMATION,
    InstalledApp,
    Person,
    Post,
    actor_of,
    app_on,
    employ,
    id_of,
    post_on,
)
from livefeed.testing.faults.conditions import begin, end
from livefeed.testing.faults.plan import Faults
from livefeed.testing.loops import Loop, TurnableClock
from livefeed.testing.seen import Seen
from livefeed.testing.serving.hosting import hosted_app, hosted_asgi
from livefeed.testing.serving.network import Relay, environment
from livefeed.testing.serving.sites import serving_wsgi
from livefeed.testing.stand import Stand, StandOptions, standing
from livefeed.wire.ids import UserId

T = TypeVar("T")
EVERYBODY: Final = ("UA",)


class Desk(Checks):
    """A portal in a thread of its own, with everything a test does to it that calls no application.

    Attributes:
        stand: What runs in the thread.
        url: ``http://127.0.0.1:40123``, without a slash at its end.
        member_id: Of the portal, 32 hex digits.
        clock: Stands still until it is turned: ``portal.clock.advance(hours=1)``; begins with the machine's.
        people: Who works here; the first is an administrator.
        posts: What the feed held at the beginning, oldest first; empty with ``seed="empty"``.
    """

    automation: Final = AUTOMATION
    """In ``by=``: no person does it, so that its event carries no tokens."""

    def __init__(self, folder: Path, options: StandOptions | None = None) -> None:
        """Found a portal in ``folder`` and serve it; `close` ends it."""
        self._loop = Loop("the portal of the test")
        self._ends = contextlib.ExitStack()
        self._standing = standing(folder, options or StandOptions())
        self._folder = folder
        self._numbers = itertools.count(1)
        try:
            self.stand: Stand = self._loop.run(self._standing.__aenter__())
        except BaseException:
            self._loop.close()
            raise
        row, seeded = self.stand.row, self.stand.seeded
        self.url: Final = row.public_url
        self.member_id = str(row.member_id)
        self.clock: Final[TurnableClock] = self.stand.clock
        self.people: Final = [
            Person(
                id=one.id,
                name=one.name,
                login=one.login,
                webhook_url=f"{self.url}/rest/{one.id}/{one.webhook_code}/",
            )
            for one in seeded.people
        ]
        self.posts: Final = [Post(number, self) for number in seeded.posts]

    def add_person(
        self, name: str, *, admin: bool = False, language: str = "en", position: str = ""
    ) -> Person:
        """Take a person in, with an incoming webhook of his own; who is called so is found in `people`."""
        login = re.sub(r"[^a-z0-9]+", ".", name.lower()).strip(".") or "person"
        given = {"is_admin": admin, "language": language, "position": position}
        person = self._loop.run(employ(self.stand, name, f"{login}-{next(self._numbers)}", given))
        self.people.append(person)
        return person

    def add_post(
        self,
        text: str,
        *,
        title: str = "",
        by: Person | int = 1,
        to: Sequence[str] = EVERYBODY,
        important: bool = False,
    ) -> Post:
        """Publish a post, and raise OnLiveFeedPostAdd.

        Args:
            text: BBCode.
            title: Empty: taken from the text.
            by: Who writes it.
            to: Destination codes: ``UA`` everybody, ``U5`` a person, ``SG1`` a group, ``DR2`` a department.
            important: Whether it is an important message.
        """
        author = UserId(id_of(by))
        draft = Draft(author=author, text=text, title=title, audience=tuple(to), is_important=important)
        portal = self.stand.row.member_id
        number = self._loop.run(
            self.stand.write(
                lambda tx: posts.add(tx, portal, draft, actor=actor_of(by, author), source="test")
            )
        )
        return Post(number, self)

    def install(
        self,
        *,
        name: str = "App",
        handler_url: str = "",
        install_url: str = "",
        redirect_uri: str = "",
        scope: str = "log,user,im",
        interface: bool = False,
        auth_keys: str = "documented",
        events: Mapping[str, str] | None = None,
    ) -> InstalledApp:
        """Register an application; deliveries to it begin with `deliver`.

        Args:
            name: Shown to people.
            handler_url: Its own page, which is opened in a frame.
            install_url: Where ONAPPINSTALL is sent, with the first tokens.
            redirect_uri: Where authorization codes are sent.
            scope: ``log,user,im``.
            interface: Everything is withheld until `InstalledApp.finish`.
            auth_keys: ``documented``, ``extended`` (for b24pysdk and b24jssdk) or ``minimal``.
            events: Handlers bound in its name, event → URL; None: it binds them itself with ``event.bind``.
        """
        made = self.do(
            "app_add",
            name=name,
            handler_url=handler_url,
            install_url=install_url,
            redirect_uri=redirect_uri,
            scope=scope,
            interface=interface,
            auth_keys=auth_keys,
        )
        kept = ("client_id", "client_secret", "application_token", "member_id", "signing_secret")
        app = InstalledApp(desk=self, **{name: made[name] for name in kept})
        for event, url in (events or {}).items():
            app.bind(event, url)
        return app

    def add_webhook(self, person: Person | int = 1, *, scope: str = "log,im,user") -> str:
        """Another incoming webhook; its URL, ending in a slash."""
        return str(self.do("webhook_add", user=id_of(person), scope=scope)["url"])

    def add_outgoing_webhook(self, url: str, *events: str, person: Person | int = 1) -> str:
        """An outgoing webhook, which sends ``events`` without tokens to ``url``; its application_token."""
        made = self.do("outgoing_add", user=id_of(person), url=url, events=list(events))
        return str(made["application_token"])

    def serve_asgi(self, app: Any) -> str:
        """Serve an ASGI application, FastAPI's for one, in a thread until the test ends; its URL."""
        return self._ends.enter_context(hosted_asgi(app, self.stand))

    def serve_wsgi(self, app: Any) -> str:
        """Serve a WSGI application, Flask's for one, in threads until the test ends; its URL."""
        return self._ends.enter_context(serving_wsgi(app))

    def serve_app(self, app: Any, *, scope: str = "log,user,im", **settings: object) -> InstalledApp:
        """Serve and install an application of `livefeed.app`, on the portal's clock.

        It works when `deliver` and `settle` let it, so that a test never waits for it.

        Args:
            app: What ``App.from_settings()`` gave.
            scope: What it may do.
            settings: In place of its own, with the names of `livefeed.settings.AppSettings`.
        """
        folder = self._folder / f"app-{next(self._numbers)}"
        return self._ends.enter_context(hosted_app(app, self, folder, scope, settings))

    @contextlib.contextmanager
    def as_network(self) -> Generator[None]:
        """Lead what SDKs send to the portal's name and to Bitrix24's authorization servers here.

        Sets the usual variables of this process for proxies and certificates while the block lasts; needs a
        portal with TLS. Requests to any other host but this machine are refused: nothing leaves it. A client
        that has read the variables before does not read them again: make it in the block (``urlopen`` keeps
        those of its first call in the process).

        Raises:
            SettingsError: The portal has no certificate.
        """
        if self.stand.options.tls is None:
            raise SettingsError("SDKs want https: mark the test with @pytest.mark.livefeed(sdk=True)")
        relay = Relay(self.stand.site.port)
        self._loop.run(relay.open())
        try:
            with environment(relay, self.stand.options.tls):
                yield
        finally:
            self._loop.run(relay.close())

    def faults(self, seed: int = 0) -> Faults:
        """What goes wrong while a block lasts: ``with portal.faults(seed=7).drop(before=0.2): …``."""
        return Faults(seed, enter=self._enter, leave=self._leave)

    def do(self, operation: str, **arguments: object) -> dict[str, Any]:
        """Any operation of the administrator API, as ``livefeed portal`` has them; its document.

        Raises:
            Refused: It cannot be done; the message says why.
        """
        return self._loop.run(self.stand.do(operation, arguments))

    def now_ms(self) -> int:
        """What the portal's clock says."""
        return self.clock.now_ms()

    def seen(self) -> Sequence[Seen]:
        """Everything that was delivered, called and refreshed, in the order in which it ended."""
        return list(self.stand.scene.seen)

    def read(self, query: Callable[[Tx], T]) -> T:
        """Run ``query`` on the portal's database."""
        return self._loop.run(self.stand.store.read(query))

    def read_post(self, post_id: int) -> reading.Post:
        """A post as it stands; raises LookupError."""
        return self.read(lambda tx: post_on(tx, self.stand, post_id))

    def change_post(self, post_id: int, unit: Callable[[Tx, reading.Post], None]) -> None:
        """Run ``unit`` with a post, in one transaction."""
        self._loop.run(self.stand.write(lambda tx: unit(tx, post_on(tx, self.stand, post_id))))

    def change_app(self, client_id: str, unit: Callable[[Tx, App], T]) -> T:
        """Run ``unit`` with an application, in one transaction."""
        return self._loop.run(self.stand.write(lambda tx: unit(tx, app_on(tx, self.stand, client_id))))

    def close(self) -> None:
        """End what is served, and the portal."""
        try:
            self._ends.close()
            self._loop.run(self._standing.__aexit__(None, None, None))
        finally:
            self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _enter(self, faults: Faults) -> None:
        self._loop.run(begin(self.stand, faults))

    def _leave(self, faults: Faults) -> None:
        self._loop.run(end(self.stand, faults))
