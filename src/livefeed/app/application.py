"""The application: what a developer writes against. It opens nothing until it is served."""

from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias

from livefeed.app.console.sections import Section
from livefeed.app.contexts.writes import Brake
from livefeed.app.frames.pages import PageHandler, Pages
from livefeed.app.installs.portals import KnownPortal
from livefeed.app.installs.registry import ConsumerSpec
from livefeed.app.installs.widgets import WantedWidget
from livefeed.app.routing.hooks import Hook, Hooks
from livefeed.app.routing.router import Router
from livefeed.app.runtime import Runtime
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Outcome
from livefeed.durable.store import Tx
from livefeed.errors import SettingsError
from livefeed.settings import AppSettings
from livefeed.wire.form import JsonValue
from livefeed.wire.frames import DEFAULT_PLACEMENT
from livefeed.wire.ids import MemberId

Run: TypeAlias = Callable[[Lease, Runtime], Awaitable[Outcome]]
Operation: TypeAlias = Callable[[Runtime, Mapping[str, object]], Awaitable[dict[str, JsonValue]]]
"""An operation of an application's own: gets what runs and the arguments, and returns what is shown."""

INBOX: Final = "inbox"
RESERVED: Final = frozenset({INBOX, "binding"})
"""The consumers that every application has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumption:
    """One more consumer of each portal, and what runs its leases."""

    spec: ConsumerSpec
    run: Run


class Application(Router):
    """What a developer has said of an application for any number of portals; `livefeed.app.App` serves it.

    Attributes:
        settings: As they were when it was made; serving may override them.
        brake: How often it may write to one post before it is taken to be running in a circle.
        consumptions: Its own consumers beside the inbox, by name.
        rooms: Packages whose migrations its database needs beside the app half's own.
        installed_units: Run for each portal at its installation and at each start.
        erased_units: Run when what is kept of a portal is erased.
        operations: What commands may ask of it beside what every application can, by name.
        sections: Its own pages of the console.
        pages: What it shows in frames.
        widgets: The entries by which portals open them.
        hooks: What runs before its first handler and after its last.

    """

    def __init__(self, settings: AppSettings, *, brake: Brake | None = None) -> None:
        super().__init__()
        self.settings = settings
        self.brake = brake or Brake()
        self.consumptions: dict[str, Consumption] = {}
        self.rooms: list[str] = []
        self.installed_units: list[Callable[[Tx, KnownPortal], None]] = []
        self.erased_units: list[Callable[[Tx, MemberId], None]] = []
        self.operations: dict[str, Operation] = {}
        self.sections: list[Section] = []
        self.pages = Pages()
        self.widgets: list[WantedWidget] = []
        self.hooks = Hooks()
        self._openings = 0

    def on_start(self, function: Hook) -> Hook:
        """Run the decorated function before the first handler, and keep what it sets in ``state``.

        It takes ``state``, ``runtime`` or nothing; plain, async, or a generator of either kind that yields
        once: what follows its ``yield`` runs after the last handler. Each running application has its own
        ``state``.

        Example:
            >>> @app.on_start
            ... async def connect(state: SimpleNamespace) -> AsyncIterator[None]:
            ...     async with Mailer() as state.mailer:
            ...         yield

        Raises:
            SettingsError: It asks for something else.
        """
        self.hooks.add_start(function)
        return function

    def on_stop(self, function: Hook) -> Hook:
        """Run the decorated function after the last handler, the last one first, even if another one fails.

        Raises:
            SettingsError: It asks for something else than ``state`` and ``runtime``.
        """
        self.hooks.add_stop(function)
        return function

    @contextmanager
    def sealed(self) -> Generator[None]:
        """While the block lasts nothing can be registered: what runs would not know of it."""
        self._openings += 1
        try:
            yield
        finally:
            self._openings -= 1

    def _check_roots(self) -> None:
        super()._check_roots()
        if self._openings:
            raise SettingsError("the application runs; register handlers before it is served")
        self.table()

    def page(
        self, placement: str = DEFAULT_PLACEMENT, path: str = ""
    ) -> Callable[[PageHandler], PageHandler]:
        """Show the decorated function's answer in the frame that a portal opens at ``placement``.

        Args:
            placement: ``DEFAULT``, or the code of a widget's place.
            path: Empty for what is opened; another for a page reached from there: ``compare``.

        Raises:
            SettingsError: Something is shown there already.

        Example:
            >>> @app.page()
            ... async def hello(page: PageContext) -> str:
            ...     return f"<!doctype html><title>Hello</title><p>You are user {page.user_id}"
        """

        def register(function: PageHandler) -> PageHandler:
            self.pages.add(placement, path, function)
            return function

        return register

    def form(
        self, placement: str = DEFAULT_PLACEMENT, path: str = ""
    ) -> Callable[[PageHandler], PageHandler]:
        """Let the decorated function take the forms of a page that is shown there; see ``page.form``.

        A form is sent to the page's own address, ``page.url(page.path)``, which nobody else knows.

        Raises:
            SettingsError: Nothing is shown there, or its forms are taken already.
        """

        def register(function: PageHandler) -> PageHandler:
            self.pages.add_form(placement, path, function)
            return function

        return register

    def placement(
        self,
        code: str,
        *,
        title: str,
        titles: Mapping[str, str] | None = None,
        handler: PageHandler | None = None,
    ) -> None:
        """Want an entry at the place ``code`` on every portal; it is bound in the background, like handlers.

        Args:
            code: ``LEFT_MENU``, ``LIVEFEED_POST``; a portal that has no such place goes without it.
            title: What people read.
            titles: The same in other languages, by code.
            handler: What is shown; None if `page` registers it.

        Raises:
            SettingsError: The place is wanted already, or something is shown there already.
        """
        if any(widget.code == code for widget in self.widgets):
            raise SettingsError(f"an entry at {code!r} exists already")
        self.widgets.append(WantedWidget(code=code, title=title, titles=titles or {}))
        if handler is not None:
            self.pages.add(code, "", handler)

    def consume(
        self,
        name: str,
        run: Run,
        *,
        kind: str | None = None,
        cap: int = 8,
        pace_ms: int = 0,
        quiet_ms: int = 0,
        max_wait_ms: int = 0,
        entries_limit: int = 1,
        is_setup: bool = False,
    ) -> None:
        """Give each portal one more consumer, whose leases ``run`` settles.

        Args:
            name: Unique in this application: ``bell``.
            run: Gets the lease and the running application.
            kind: Only entries of this kind.
            cap: Lanes worked on at the same time, for each portal.
            pace_ms: Least time between two leases.
            quiet_ms: A lane is due when nothing was appended for so long.
            max_wait_ms: It is due after this in any case.
            entries_limit: How many entries of a lane make one run.
            is_setup: Its work belongs to the installation; ``status`` counts what is pending.

        Raises:
            SettingsError: The name is taken.
        """
        if name in RESERVED or name in self.consumptions:
            raise SettingsError(f"a consumer named {name!r} exists already")
        spec = ConsumerSpec(
            name=name,
            kind=kind,
            cap=cap,
            pace_ms=pace_ms,
            quiet_ms=quiet_ms,
            max_wait_ms=max_wait_ms,
            entries_limit=entries_limit,
            is_setup=is_setup,
        )
        self.consumptions[name] = Consumption(spec=spec, run=run)

    def take_inbox(self, run: Run, *, events: Sequence[str] = (), cap: int = 8) -> None:
        """Let ``run`` settle the events of the inbox, as they came, in place of handlers.

        Args:
            run: Gets the lease of one event and the running application.
            events: Wire names that portals are asked to send; empty: only what they are set up to send.
            cap: Lanes worked on at the same time, for each portal.

        Raises:
            SettingsError: It is taken already, handlers are registered, or a name is none.
        """
        if INBOX in self.consumptions or self.table().by_event:
            raise SettingsError("the inbox goes to handlers, or to the one that takes it")
        if events:
            self.on(*events, name=INBOX)(_bound)
        self.consumptions[INBOX] = Consumption(spec=ConsumerSpec(name=INBOX, cap=cap), run=run)

    def store_in(self, package: str) -> None:
        """Keep tables of ``package`` (``<package>/migrations/sqlite``) in the application's database."""
        self.rooms.append(package)

    def operate(self, name: str, operation: Operation) -> None:
        """Let commands ask the running application for ``operation``, under ``/admin/api/<name>``.

        Raises:
            SettingsError: The name is taken.
        """
        if name in self.operations:
            raise SettingsError(f"an operation named {name!r} exists already")
        self.operations[name] = operation

    def show_in_console(self, section: Section) -> None:
        """Add a page to the console under ``/console/<name>``."""
        self.sections.append(section)

    def when_installed(self, unit: Callable[[Tx, KnownPortal], None]) -> None:
        """Run ``unit`` in the unit of work that stores an installation, and at each start for each portal."""
        self.installed_units.append(unit)

    def when_erased(self, unit: Callable[[Tx, MemberId], None]) -> None:
        """Run ``unit`` when what is kept of a portal is erased: 30 days after it has left, or at once."""
        self.erased_units.append(unit)


async def _bound() -> None:
    """In the table of handlers it stands for events that portals are asked to send; it is never called."""
